/* `vjvcr export`: what a sweep holds, for other programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/export/export.h"
#include "framework/config/nodes.h"
#include "app/verbs.h"

enum { MOST_SCALE = 32 };
static const char options_text[] =
    "usage: vjvcr export DIR --format csv [-o PREFIX]\n"
    "       vjvcr export DIR TRIAL --format safetensors [--layout pytorch] [-o FILE]\n"
    "       vjvcr export DIR [TRIAL] --frames [--format gif] [--scale N] [-o PREFIX]\n"
    "  --format csv          tables: PREFIX-trials.csv, -steps.csv, -evals.csv, -components.csv and, where there is\n"
    "                        something of that kind, -horizons.csv; without -o they lie in DIR as trials.csv, ...\n"
    "  --format safetensors  parameters and states of one trial, by default into DIR/trial-<number>.safetensors: "
    "those\n"
    "                        kept by `checkpoint: {keep: weights}`, or of the newest checkpoint while it trains\n"
    "  --layout LAYOUT       vjvcr: arrays as they are here, channels last (the default); pytorch: convolutions as\n"
    "                        O,I,kh,kw and O,I,kt, and PyTorch's names for what batch norm keeps\n"
    "  --frames              the test clips that are recorded at a trial's end (eval.pictures): a PNG strip of each "
    "trial,\n"
    "                        input and target above, decoded prediction below; --format gif: an animation; by default\n"
    "                        in DIR/frames\n"
    "  --scale N             pixels for one of a frame (1)\n"
    "  -o NAME               where to write; a PREFIX that ends in / is a folder\n"
    "Nothing in DIR is changed. It may be a sweep that runs: what is exported is what is whole by now.\n";

/* --- arguments ------------------------------------------------------------------------------------------------- */

static vj_status take_choice(const char *option, const char *value, const char *const *choices, int count,
                             const char **choice) {
  char hint[VJ_SUGGESTION_BYTES], list[128] = "";
  for (int i = 0; i < count; i++) {
    if (strcmp(value, choices[i]) == 0) return *choice = choices[i], VJ_OK;
    const size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", choices[i]);
  }
  const bool close = vj_closest(value, choices, count);
  return vj_fail(VJ_USAGE, "%s: expected one of %s, got \"%s\"%s", option, list, value,
                 close ? vj_suggestion(value, "", choices, count, hint) : "");
}

static vj_status take_scale(const char *value, int64_t *scale) {
  char *end = NULL;
  *scale = strtoll(value, &end, 10);
  if (end != value && !*end && *scale >= 1 && *scale <= MOST_SCALE) return VJ_OK;
  return vj_fail(VJ_USAGE, "--scale: expected a whole number from 1 to %d, got \"%s\"", MOST_SCALE, value);
}

static vj_status take_option(const char *option, const char *value, vj_export_request *r) {
  static const char *const formats[] = {"csv", "safetensors", "png", "gif"}, *const layouts[] = {"vjvcr", "pytorch"};
  const char *layout = NULL;
  if (!value) return vj_fail(VJ_USAGE, "%s: expected a value", option);
  if (strcmp(option, "--format") == 0) return take_choice(option, value, formats, VJ_COUNT(formats), &r->format);
  if (strcmp(option, "-o") == 0) return r->output = value, VJ_OK;
  if (strcmp(option, "--scale") == 0) return take_scale(value, &r->scale);
  VJ_TRY(take_choice(option, value, layouts, VJ_COUNT(layouts), &layout));
  r->pytorch = strcmp(layout, "pytorch") == 0;
  return VJ_OK;
}

typedef struct words {
  const char *trial;
  vj_export_request request;
} words;

/* Takes one argument, or two with an option's value; *used says how many. */
static vj_status take(const char *argument, const char *next, words *w, int *used) {
  static const char *const options[] = {"--format", "--layout", "--scale", "-o"};
  vj_export_request *r = &w->request;
  *used = 1;
  if (strcmp(argument, "--frames") == 0) return r->frames = true, VJ_OK;
  if (argument[0] == '-') {
    size_t i = 0;
    while (i < VJ_COUNT(options) && strcmp(argument, options[i]) != 0) i++;
    *used = 2;
    if (i < VJ_COUNT(options)) return take_option(argument, next, r);
    return vj_fail(VJ_USAGE, "there is no option %s here; there are: --format --frames --layout --scale -o --help",
                   argument);
  }
  if (!r->folder) return r->folder = argument, VJ_OK;
  if (!w->trial) return w->trial = argument, VJ_OK;
  return vj_fail(VJ_USAGE, "\"%s\": expected an option; see `vjvcr export --help`", argument);
}

/* What goes with what. */
static vj_status check(const words *w) {
  const vj_export_request *r = &w->request;
  const bool of_frames = r->format && (strcmp(r->format, "png") == 0 || strcmp(r->format, "gif") == 0);
  const bool of_weights = r->format && strcmp(r->format, "safetensors") == 0;
  if (!r->folder || !r->format) return vj_fail(VJ_USAGE, "expected DIR and --format; see `vjvcr export --help`");
  if (r->frames != of_frames)
    return vj_fail(VJ_USAGE, "--format %s: %s", r->format,
                   r->frames ? "frames are exported as png or gif" : "only frames are pictures; add --frames");
  if (r->pytorch && !of_weights) return vj_fail(VJ_USAGE, "--layout: only --format safetensors has layouts");
  if (r->scale && !r->frames) return vj_fail(VJ_USAGE, "--scale: only --frames has a scale");
  if (of_weights && !w->trial)
    return vj_fail(VJ_USAGE, "--format safetensors: expected the number of a trial behind DIR");
  if (!of_weights && !r->frames && w->trial)
    return vj_fail(VJ_USAGE, "--format csv: all trials are exported at once; leave \"%s\" out", w->trial);
  return VJ_OK;
}

static vj_status read_words(int argc, char **argv, words *w) {
  for (int i = 1, used; i < argc; i += used) VJ_TRY(take(argv[i], i + 1 < argc ? argv[i + 1] : NULL, w, &used));
  if (w->request.frames && !w->request.format) w->request.format = "png";
  VJ_TRY(check(w));
  if (!w->request.scale) w->request.scale = 1;
  return VJ_OK;
}

/* --- the verb -------------------------------------------------------------------------------------------------- */

static vj_status read_trial(const vj_results *o, const char *word, int64_t *trial) {
  char *end = NULL;
  *trial = word ? strtoll(word, &end, 10) : -1;
  if (!word || (end != word && !*end && *trial >= 0 && *trial < o->trials)) return VJ_OK;
  return vj_fail(VJ_USAGE, "TRIAL: expected a number from 0 to %lld, got \"%s\"", (long long)(o->trials - 1), word);
}

static vj_status export_one(const vj_results *o, words *w) {
  VJ_TRY(read_trial(o, w->trial, &w->request.trial));
  if (w->request.frames) return vj_export_frames(o, &w->request);
  return strcmp(w->request.format, "csv") == 0 ? vj_export_csv(o, &w->request) : vj_export_weights(o, &w->request);
}

static vj_status run(int argc, char **argv) {
  words w = {.trial = NULL};
  vj_results *results = NULL;
  VJ_TRY(read_words(argc, argv, &w));
  VJ_TRY(vj_results_open(w.request.folder, &results));
  const vj_status status = export_one(results, &w);
  vj_results_close(&results);
  return status;
}

int vj_verb_export(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0) return fputs(options_text, stdout) < 0;
  const vj_status status = run(argc, argv);
  return status == VJ_OK ? 0 : vj_print_failure(status);
}
