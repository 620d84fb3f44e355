/* `vjvcr export`: what a sweep holds, for other programs. */
#include <stdio.h>
#include <string.h>

#include "analysis/export/export.h"
#include "app/verb.h"

typedef enum export_format { CSV, SAFETENSORS, PNG, GIF } export_format;

/* What goes with what. */
static vj_status check(const vj_command *command, int format) {
  const bool frames = vj_command_has(command, "--frames"), has_trial = vj_command_has(command, "TRIAL");
  const char *name = vj_command_text(command, "--format");
  if (format < 0) return vj_fail(VJ_USAGE, "expected --format, or --frames; see `vjvcr export --help`");
  if (frames != (format == PNG || format == GIF))
    return vj_fail(VJ_USAGE, "--format %s: %s", name,
                   frames ? "frames are exported as png or gif" : "only frames are pictures; add --frames");
  if (strcmp(vj_command_text(command, "--layout"), "pytorch") == 0 && format != SAFETENSORS)
    return vj_fail(VJ_USAGE, "--layout: only --format safetensors has layouts");
  if (vj_command_has(command, "--scale") && !frames) return vj_fail(VJ_USAGE, "--scale: only --frames has a scale");
  if (format == SAFETENSORS && !has_trial)
    return vj_fail(VJ_USAGE, "--format safetensors: expected the number of a trial behind DIR");
  if (format == CSV && has_trial)
    return vj_fail(VJ_USAGE, "--format csv: all trials are exported at once; leave \"%s\" out",
                   vj_command_text(command, "TRIAL"));
  return VJ_OK;
}

static vj_status export_some(const vj_command *command, int format, const vj_results *o, vj_export_outcome *outcome) {
  static const char *const names[] = {"csv", "safetensors", "png", "gif"};
  vj_export_request r = {.folder = vj_command_text(command, "DIR"),
                         .trial = -1,
                         .format = names[format],
                         .pytorch = strcmp(vj_command_text(command, "--layout"), "pytorch") == 0,
                         .frames = vj_command_has(command, "--frames"),
                         .scale = vj_command_count(command, "--scale"),
                         .output = vj_command_text(command, "-o")};
  if (vj_command_has(command, "TRIAL")) VJ_TRY(vj_command_trial(command, "TRIAL", o->trials, &r.trial));
  if (r.frames) return vj_export_frames(o, &r, outcome);
  if (format == CSV) return vj_export_csv(o, &r, outcome);
  VJ_TRY(vj_export_weights(o, &r, outcome));
  printf("%s: %lld arrays of trial %lld after step %s\n", outcome->paths[0], (long long)outcome->arrays,
         (long long)r.trial, outcome->steps_done ? outcome->steps_done : "");
  return VJ_OK;
}

static vj_status export(vj_command *command) {
  const bool frames = vj_command_has(command, "--frames"), has_format = vj_command_has(command, "--format");
  const int format = frames && !has_format ? PNG : vj_command_choice(command, "--format");
  vj_export_outcome outcome = {.pool = command->pool};
  vj_results *results = NULL;
  VJ_TRY(check(command, format));
  VJ_TRY(vj_results_open(vj_command_text(command, "DIR"), &results));
  const vj_status status = export_some(command, format, results, &outcome);
  /* Also those written before a failure. */
  for (int64_t i = 0; i < outcome.files && format != SAFETENSORS; i++) printf("%s\n", outcome.paths[i]);
  vj_results_close(&results);
  return status;
}

static const vj_verb_row rows[] = {
    VJ_ROW_SWEEP,
    {"TRIAL", VJ_VALUE_TRIAL, .optional = true, .doc = "the number of a trial: for safetensors; or frames of it alone"},
    {"--format", VJ_VALUE_CHOICE, .choices = "csv|safetensors|png|gif", .otherwise = "png of --frames",
     .doc = "csv: tables of all trials; safetensors: parameters and states of one trial; png, gif: with --frames"},
    {"--frames", VJ_VALUE_FLAG,
     .doc =
         "the test clips that are recorded at a trial's end (eval.pictures): a strip of each trial, input and target "
         "above, decoded prediction below; as gif an animation"},
    {"--layout", VJ_VALUE_CHOICE, .choices = "vjvcr|pytorch", .fallback = "vjvcr",
     .doc = "of safetensors: arrays as they are here, channels last; or convolutions as O,I,kh,kw and O,I,kt, and "
            "PyTorch's names for what batch norm keeps"},
    {"--scale", VJ_VALUE_COUNT, .value = "N", .fallback = "1", .minimum = 1, .maximum = 32, .unit = "pixels",
     .doc = "of --frames: pixels for one of a frame"},
    {"-o", VJ_VALUE_FILE, .value = "NAME", .otherwise = "in DIR, see below",
     .doc =
         "where to write: the file of weights; of tables and frames what their names begin with, and if it ends in / "
         "their folder"},
};

const vj_verb vj_verb_export = {
    .name = "export",
    .summary = "results, weights and pictures of a sweep for other programs",
    .rows = rows,
    .row_count = VJ_COUNT(rows),
    .notes =
        "Weights are those kept by checkpoint: {keep: weights}, or of the newest checkpoint while a trial trains.\n"
        "Nothing that DIR holds is changed. It may be a sweep that runs: what is exported is what is whole by now.\n",
    .reads = "DIR/sweep.h5; for safetensors DIR/weights or DIR/checkpoints.\n",
    .writes =
        "csv: NAME-trials.csv, -steps.csv, -evals.csv, -components.csv and, where there is something of that kind, "
        "-horizons.csv; without -o DIR/trials.csv and so on. safetensors: DIR/trial-<number>.safetensors. Frames: "
        "DIR/frames/trial-<number>.png or .gif.\n",
    .examples =
        "vjvcr export runs/demo --format csv -o tables/\n"
        "vjvcr export runs/demo 0 --format safetensors --layout pytorch\n"
        "vjvcr export runs/demo --frames --scale 4\n",
    .run = export};
