/* `vjvcr data inspect FILE.yaml`: what a data set's videos are, and which are broken. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/data/contact_sheet.h"
#include "app/data/inspection.h"
#include "analysis/output/row_writer.h"
#include "app/verb.h"

static const char *const split_names[VJ_SPLITS] = {"training", "validation", "test"};
enum { SHOWN_FORMS = 12, SHOWN_CLASSES = 12 };

/* --- text -------------------------------------------------------------------------------------------------------- */

static vj_status print_splits(const vj_inspection *n) {
  vj_table *table = NULL;
  VJ_TRY(vj_table_create(&table));
  static const char *const headings[] = {"split",  "listed", "broken",  "clips", "fewest frames",
                                         "median", "most",   "minutes", "MB"};
  for (size_t i = 0; i < VJ_COUNT(headings); i++) vj_table_column(table, headings[i], i > 0);
  for (int s = 0; s < VJ_SPLITS; s++) {
    const vj_split_facts *const f = &n->splits[s];
    const int64_t numbers[] = {f->listed, f->broken, f->clips, f->fewest, f->median, f->most};
    vj_table_cell(table, "%s", split_names[s]);
    for (size_t i = 0; i < VJ_COUNT(numbers); i++) vj_table_cell(table, "%lld", (long long)numbers[i]);
    vj_table_cell(table, "%.1f", f->seconds / 60.0);
    vj_table_cell(table, "%.1f", f->bytes / 1e6);
  }
  vj_table_end(&table, VJ_FORMAT_TEXT, stdout);
  return VJ_OK;
}

static void print_forms(const vj_inspection *n) {
  for (int64_t i = 0; i < n->form_count && i < SHOWN_FORMS; i++)
    printf("%s%lld of %s", i ? "; " : "\nvideos: ", (long long)n->forms[i].count, n->forms[i].text);
  if (n->form_count > SHOWN_FORMS) printf("; and %lld more forms", (long long)(n->form_count - SHOWN_FORMS));
  if (n->form_count) fputs("\n", stdout);
  if (n->unsteady) printf("%lld have a variable rate: frames count, not times\n", (long long)n->unsteady);
  if (n->turned) printf("%lld are turned or mirrored as they say\n", (long long)n->turned);
}

/* The next one in the order in which they are told: of few as they come, of many the most frequent first. */
static int64_t next_bin(const vj_label_facts *f, int64_t bins, int64_t last) {
  int64_t next = -1;
  if (bins <= SHOWN_CLASSES) return last + 1;
  for (int64_t k = 0; k < bins; k++) {
    const bool was_told =
        last >= 0 && (f->counts[k] > f->counts[last] || (k <= last && f->counts[k] == f->counts[last]));
    if (!was_told && (next < 0 || f->counts[k] > f->counts[next])) next = k;
  }
  return next;
}

static void print_counts(const vj_label_facts *f, int64_t bins) {
  for (int64_t i = 0, k = -1; i < bins && i < SHOWN_CLASSES; i++) {
    k = next_bin(f, bins, k);
    fputs(i ? ", " : " ", stdout);
    if (f->label->names)
      printf("%s: %lld", f->label->names[k], (long long)f->counts[k]);
    else
      printf("%lld: %lld", (long long)k, (long long)f->counts[k]);
  }
  if (bins > SHOWN_CLASSES) printf(", and %lld more", (long long)(bins - SHOWN_CLASSES));
  fputs("\n", stdout);
}

static void print_label(const vj_label_facts *f) {
  const vj_label *const label = f->label;
  printf("label %s, %s:", label->name, split_names[f->split]);
  if (!f->counts && !isfinite(f->mean)) {
    printf(" no numbers\n");
    return;
  }
  if (!f->counts) {
    printf(" mean %.4g, standard deviation %.4g, from %.4g to %.4g %s\n", f->mean, f->deviation, f->least, f->most,
           label->unit);
    return;
  }
  print_counts(f, label->kind == VJ_LABEL_CLASS ? label->classes : label->width);
}

static vj_status print_text(const vj_data_set *set, const vj_inspection *n) {
  printf("%s\n", set->component->name);
  VJ_TRY(print_splits(n));
  print_forms(n);
  for (int64_t i = 0; i < n->label_count; i++) print_label(&n->labels[i]);
  const char *const note = vj_clips_list(set->clips)->note;
  if (note) printf("%s\n", note);
  if (n->fault_count == 0)
    printf("nothing is broken%s\n", n->decoded ? "" : "; --decode looks at every frame");
  else
    printf("%lld broken or damaged:\n", (long long)n->fault_count);
  for (int64_t i = 0; i < n->fault_count; i++)
    printf("  %s, %s: %s\n", split_names[n->faults[i].split], n->faults[i].name, n->faults[i].reason);
  return VJ_OK;
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *splits_of(const vj_inspection *n) {
  json_t *const splits = json_object();
  for (int s = 0; s < VJ_SPLITS; s++) {
    const vj_split_facts *const f = &n->splits[s];
    json_object_set_new(splits, split_names[s],
                        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "listed", (json_int_t)f->listed, "broken",
                                  (json_int_t)f->broken, "clips", (json_int_t)f->clips, "fewest_frames",
                                  (json_int_t)f->fewest, "median_frames", (json_int_t)f->median, "most_frames",
                                  (json_int_t)f->most, "seconds", f->seconds, "bytes", f->bytes));
  }
  return splits;
}

static json_t *labels_of(const vj_inspection *n) {
  json_t *const labels = json_array();
  for (int64_t i = 0; i < n->label_count; i++) {
    const vj_label_facts *const f = &n->labels[i];
    json_t *const one = json_pack("{s:s, s:s, s:I}", "label", f->label->name, "split", split_names[f->split], "videos",
                                  (json_int_t)f->videos);
    const int64_t bins = f->label->kind == VJ_LABEL_CLASS ? f->label->classes : f->label->width;
    json_t *const counts = f->counts ? json_array() : NULL;
    for (int64_t k = 0; counts && k < bins; k++) json_array_append_new(counts, json_integer((json_int_t)f->counts[k]));
    json_t *const names = counts && f->label->names ? json_array() : NULL;
    for (int64_t k = 0; names && k < bins; k++) json_array_append_new(names, vj_json_text(f->label->names[k]));
    if (names) json_object_set_new(one, "names", names);
    if (counts)
      json_object_set_new(one, "counts", counts);
    else if (isfinite(f->mean))
      json_object_update_new(one, json_pack("{s:f, s:f, s:f, s:f}", "mean", f->mean, "standard_deviation", f->deviation,
                                            "least", f->least, "most", f->most));
    json_array_append_new(labels, one);
  }
  return labels;
}

static vj_status print_json(const vj_data_set *set, const vj_inspection *n) {
  json_t *const forms = json_array(), *const faults = json_array();
  for (int64_t i = 0; i < n->form_count; i++)
    json_array_append_new(forms,
                          json_pack("{s:s, s:I}", "form", n->forms[i].text, "videos", (json_int_t)n->forms[i].count));
  for (int64_t i = 0; i < n->fault_count; i++)
    json_array_append_new(faults,
                          json_pack("{s:s, s:o, s:o}", "split", split_names[n->faults[i].split], "video",
                                    vj_json_text(n->faults[i].name), "reason", vj_json_text(n->faults[i].reason)));
  json_t *const all = json_pack("{s:s, s:o, s:o, s:o, s:o, s:b, s:I, s:I, s:I}", "dataset", set->component->name,
                                "splits", splits_of(n), "forms", forms, "labels", labels_of(n), "broken", faults,
                                "decoded", n->decoded, "variable_rate", (json_int_t)n->unsteady, "turned",
                                (json_int_t)n->turned, "others", (json_int_t)vj_clips_list(set->clips)->others);
  return vj_json_print(all, stdout);
}

/* --- the verb ---------------------------------------------------------------------------------------------------- */

static vj_status describe(vj_experiment *e, vj_data_set *set) {
  const char *sheet = vj_command_text(e->command, "--sheet");
  const bool json = strcmp(vj_command_text(e->command, "--format"), "json") == 0;
  vj_inspection inspection;
  VJ_TRY(vj_data_set_open(e, true, set));
  VJ_TRY(vj_inspect(e->pool, set, vj_command_has(e->command, "--decode"), &inspection));
  VJ_TRY(json ? print_json(set, &inspection) : print_text(set, &inspection));
  if (sheet) VJ_TRY(vj_inspect_sheet(set, sheet));
  fflush(stdout);
  return vj_clips_check(set->clips); /* everything is told; now, whether training could begin */
}

static vj_status inspect(vj_command *command) {
  vj_experiment e;
  vj_data_set set = {0};
  VJ_TRY(vj_experiment_read(command, false, &e));
  const vj_status status = describe(&e, &set);
  vj_data_set_close(&set);
  return status;
}

static const vj_verb_row rows[] = {
    VJ_ROW_EXPERIMENT,
    VJ_ROW_SETTINGS,
    {"--decode", VJ_VALUE_FLAG, .doc = "decode every frame, and so find all damage"},
    {"--sheet", VJ_VALUE_FILE, .value = "OUT.png",
     .doc = "draw frames of some videos, with their labels, into that picture"},
    VJ_ROW_TEXT_OR_JSON,
};

const vj_verb vj_verb_data_inspect = {.name = "data inspect",
                                      .summary = "what a data set's videos are, and which are broken",
                                      .rows = rows,
                                      .row_count = VJ_COUNT(rows),
                                      .reads = "FILE.yaml and the videos of the data set it names.\n",
                                      .writes = "OUT.png.\n",
                                      .examples = "vjvcr data inspect sweeps/clevrer.yaml --decode --sheet sheet.png\n",
                                      .run = inspect};
