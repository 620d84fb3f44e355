/* `vjvcr compare DIR A B`: two trials, or two arms over their seeds: what differs in settings and in outcome. */
#include <math.h>
#include <stdio.h>

#include "analysis/results/comparison.h"
#include "analysis/output/row_writer.h"
#include "analysis/output/text_table.h"
#include "app/verb.h"

/* --- text ------------------------------------------------------------------------------------------------------ */

static void print_selection(const char *name, const vj_trial_selector *s, int64_t done) {
  printf("%s: %s: trial%s ", name, s->word, s->count == 1 ? "" : "s");
  for (int64_t i = 0; i < s->count; i++) {
    /* Runs of numbers as 4-7. */
    int64_t last = i;
    while (last + 1 < s->count && s->trials[last + 1] == s->trials[last] + 1) last++;
    if (last - i < 2) last = i;
    printf("%s%lld", i ? ", " : "", (long long)s->trials[i]);
    if (last > i) printf("-%lld", (long long)s->trials[last]);
    i = last;
  }
  printf("; %lld of %lld done\n", (long long)done, (long long)s->count);
}

static void print_pairs(const vj_comparison *c) {
  const int64_t most = c->a.count < c->b.count ? c->a.count : c->b.count;
  if (c->a.count == 1 && c->b.count == 1) return;
  if (!c->pair_count)
    puts("no trial of one has a partner of the same seed in the other: means are compared");
  else if (c->pair_count < most || c->a.count != c->b.count)
    printf("pairs of the same seed: %lld; trials without a partner are left out\n", (long long)c->pair_count);
  else
    printf("pairs of the same seed: %lld\n", (long long)c->pair_count);
}

static vj_status print_settings(const vj_comparison *c, vj_format format) {
  vj_table *table = NULL;
  putchar('\n');
  if (!c->setting_count) {
    puts("settings: the same");
    return VJ_OK;
  }
  VJ_TRY(vj_table_create(&table));
  vj_table_column(table, "setting", false);
  vj_table_column(table, "A", false);
  vj_table_column(table, "B", false);
  for (int64_t i = 0; i < c->setting_count; i++) {
    vj_table_cell(table, "%s", c->settings[i].key);
    vj_table_cell(table, "%s", c->settings[i].a[0] ? c->settings[i].a : "-");
    vj_table_cell(table, "%s", c->settings[i].b[0] ? c->settings[i].b : "-");
  }
  vj_table_end(&table, format, stdout);
  return VJ_OK;
}

static void number_cell(vj_table *table, const char *format, double value) {
  char text[64];
  snprintf(text, sizeof text, format, value);
  vj_table_cell(table, "%s", isfinite(value) ? text : "-");
}

/* "3", or "3, 2" where means of so many trials are compared. */
static void count_cell(vj_table *table, const vj_result_difference *d) {
  if (d->pairs || (!d->a_count && !d->b_count))
    vj_table_cell(table, "%lld", (long long)d->pairs);
  else
    vj_table_cell(table, "%lld, %lld", (long long)d->a_count, (long long)d->b_count);
}

static bool has_intervals(const vj_comparison *c) {
  for (int64_t i = 0; i < c->difference_count; i++)
    if (isfinite(c->differences[i].low)) return true;
  return false;
}

static vj_status print_results(const vj_comparison *c, vj_format format) {
  static const char *const headings[] = {"at the end", "A", "B", "B - A"};
  const bool intervals = has_intervals(c);
  vj_table *table = NULL;
  putchar('\n');
  if (!c->a_done || !c->b_done)
    printf("no outcome to compare: no trial of %s is done\n", c->a_done ? "B" : c->b_done ? "A" : "either");
  if (!c->difference_count || !c->a_done || !c->b_done) {
    if (c->same_count) printf("%lld quantities, all the same\n", (long long)c->same_count);
    return VJ_OK;
  }
  VJ_TRY(vj_table_create(&table));
  for (int i = 0; i < 4; i++) vj_table_column(table, headings[i], i > 0);
  if (intervals) vj_table_column(table, "±95%", true);
  if (intervals) vj_table_column(table, "p (Holm)", true);
  vj_table_column(table, "n", true);
  vj_table_column(table, "unit", false);
  vj_table_dispensable(table, 1);
  for (int64_t i = 0; i < c->difference_count; i++) {
    const vj_result_difference *d = &c->differences[i];
    vj_table_cell(table, "%s", d->quantity);
    number_cell(table, "%.5g", d->a);
    number_cell(table, "%.5g", d->b);
    number_cell(table, "%+.4g", d->difference);
    if (intervals) number_cell(table, "%.2g", d->high - d->difference);
    if (intervals) number_cell(table, "%.2g", d->p_holm);
    count_cell(table, d);
    vj_table_cell(table, "%s", d->units);
  }
  vj_table_end(&table, format, stdout);
  if (format == VJ_FORMAT_MARKDOWN) putchar('\n');
  if (c->same_count) printf("%lld more quantities are the same\n", (long long)c->same_count);
  if (intervals)
    puts(
        "±95%: of the mean of B - A over n pairs, by Student's t; pairs of few seeds say little. p (Holm): of the "
        "same t, for\nall rows together, so that none of them differs by chance; --of asks for those that one wants to "
        "know of");
  return VJ_OK;
}

static void similarity_cell(vj_table *table, double value, int64_t pairs) {
  if (isfinite(value))
    vj_table_cell(table, "%.3f (%lld)", value, (long long)pairs);
  else
    vj_table_cell(table, "-");
}

static vj_status print_states(const vj_comparison *c, vj_format format) {
  static const char *const headings[] = {"CKA of", "A to B", "biased", "within A", "within B", "clips"};
  vj_table *table = NULL;
  if (!c->view_count) return VJ_OK;
  putchar('\n');
  VJ_TRY(vj_table_create(&table));
  for (int i = 0; i < 6; i++) vj_table_column(table, headings[i], i > 0);
  for (int64_t i = 0; i < c->view_count; i++) {
    const vj_view_similarity *v = &c->views[i];
    vj_table_cell(table, "%s", v->view);
    similarity_cell(table, v->between.debiased, v->pairs);
    number_cell(table, "%.3f", v->between.biased);
    similarity_cell(table, v->within_a, v->within_a_pairs);
    similarity_cell(table, v->within_b, v->within_b_pairs);
    vj_table_cell(table, "%lld", (long long)v->clips);
  }
  vj_table_end(&table, format, stdout);
  if (format == VJ_FORMAT_MARKDOWN) putchar('\n');
  puts(
      "linear CKA of hidden states, debiased, mean over so many pairs of trials: 1 alike but for rotation and scale, 0 "
      "unrelated");
  return VJ_OK;
}

static vj_status print_text(const vj_comparison *c, vj_format format) {
  print_selection("A", &c->a, c->a_done);
  print_selection("B", &c->b, c->b_done);
  print_pairs(c);
  VJ_TRY(print_settings(c, format));
  VJ_TRY(print_results(c, format));
  return print_states(c, format);
}

/* --- for programs ---------------------------------------------------------------------------------------------- */

static void make_records(const vj_comparison *c, vj_row_writer *records) {
  static const char *const names[] = {"quantity", "a",    "b",     "difference", "difference_sd",
                                      "low",      "high", "pairs", "a_trials",   "b_trials",
                                      "units",    "p",    "p_holm"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) vj_row_writer_column(records, names[i]);
  for (int64_t i = 0; i < c->difference_count; i++) {
    const vj_result_difference *d = &c->differences[i];
    vj_row_writer_text(records, d->quantity);
    const double numbers[] = {d->a, d->b, d->difference, d->deviation, d->low, d->high};
    for (int k = 0; k < 6; k++) vj_row_writer_number(records, numbers[k]);
    vj_row_writer_integer(records, d->pairs);
    vj_row_writer_integer(records, d->a_count);
    vj_row_writer_integer(records, d->b_count);
    vj_row_writer_text(records, d->units);
    vj_row_writer_number(records, d->p);
    vj_row_writer_number(records, d->p_holm);
  }
}

static json_t *selection_object(const vj_trial_selector *s, int64_t done) {
  json_t *object = json_object(), *trials = json_array();
  for (int64_t i = 0; i < s->count; i++) json_array_append_new(trials, json_integer(s->trials[i]));
  json_object_set_new(object, "name", vj_json_text(s->word));
  json_object_set_new(object, "trials", trials);
  json_object_set_new(object, "done", json_integer(done));
  return object;
}

static json_t *pairs_array(const vj_comparison *c) {
  json_t *pairs = json_array();
  for (int64_t i = 0; i < c->a.count; i++)
    if (c->partners[i] >= 0)
      json_array_append_new(pairs, json_pack("[II]", (json_int_t)c->a.trials[i], (json_int_t)c->partners[i]));
  return pairs;
}

static json_t *settings_array(const vj_comparison *c) {
  json_t *settings = json_array();
  for (int64_t i = 0; i < c->setting_count; i++) {
    const vj_setting_difference *s = &c->settings[i];
    json_t *object = json_object();
    json_object_set_new(object, "key", vj_json_text(s->key));
    json_object_set_new(object, "a", s->a[0] ? vj_json_text(s->a) : json_null());
    json_object_set_new(object, "b", s->b[0] ? vj_json_text(s->b) : json_null());
    json_array_append_new(settings, object);
  }
  return settings;
}

static json_t *matrix_array(const vj_comparison *c, const vj_view_similarity *v, bool is_biased) {
  json_t *rows = json_array();
  for (int64_t i = 0; i < c->compared_count; i++) {
    json_t *row = json_array();
    for (int64_t k = 0; k < c->compared_count; k++) {
      const vj_cka cka = v->matrix[i * c->compared_count + k];
      json_array_append_new(row, vj_json_number(is_biased ? cka.biased : cka.debiased));
    }
    json_array_append_new(rows, row);
  }
  return rows;
}

static json_t *view_object(const vj_comparison *c, const vj_view_similarity *v) {
  json_t *object = json_object();
  json_object_set_new(object, "clips", json_integer(v->clips));
  json_object_set_new(object, "pairs", json_integer(v->pairs));
  json_object_set_new(object, "debiased", vj_json_number(v->between.debiased));
  json_object_set_new(object, "biased", vj_json_number(v->between.biased));
  json_object_set_new(object, "within_a", vj_json_number(v->within_a));
  json_object_set_new(object, "within_b", vj_json_number(v->within_b));
  json_object_set_new(object, "matrix", matrix_array(c, v, false));
  json_object_set_new(object, "matrix_biased", matrix_array(c, v, true));
  return object;
}

/* null where no hidden states are recorded. */
static json_t *cka_object(const vj_comparison *c) {
  if (!c->view_count) return json_null();
  json_t *object = json_object(), *trials = json_array(), *views = json_object();
  for (int64_t i = 0; i < c->compared_count; i++) json_array_append_new(trials, json_integer(c->compared[i]));
  for (int64_t i = 0; i < c->view_count; i++)
    json_object_set_new(views, c->views[i].view, view_object(c, &c->views[i]));
  json_object_set_new(object, "trials", trials);
  json_object_set_new(object, "views", views);
  return object;
}

static json_t *comparison_object(const vj_comparison *c, const vj_row_writer *results) {
  json_t *object = json_object();
  json_object_set_new(object, "a", selection_object(&c->a, c->a_done));
  json_object_set_new(object, "b", selection_object(&c->b, c->b_done));
  json_object_set_new(object, "pairs", pairs_array(c));
  json_object_set_new(object, "settings", settings_array(c));
  json_object_set_new(object, "outcome", vj_row_writer_array(results));
  json_object_set_new(object, "same", json_integer(c->same_count));
  json_object_set_new(object, "cka", cka_object(c));
  return object;
}

/* CSV has the outcome alone. */
static vj_status print_exact(const vj_comparison *c, vj_format format) {
  vj_row_writer *records = NULL;
  VJ_TRY(vj_row_writer_create(&records));
  make_records(c, records);
  const vj_status status = format == VJ_FORMAT_JSON ? vj_json_print(comparison_object(c, records), stdout)
                                                    : vj_row_writer_print(records, format, stdout);
  vj_row_writer_destroy(&records);
  return status;
}

/* --- the verb -------------------------------------------------------------------------------------------------- */

static vj_status compare(vj_command *command) {
  const vj_format format = (vj_format)vj_command_choice(command, "--format");
  vj_results *results = NULL;
  vj_comparison comparison;
  VJ_TRY(vj_results_open(vj_command_text(command, "DIR"), &results));
  vj_status status = vj_compare(results, vj_command_text(command, "A"), vj_command_text(command, "B"),
                                vj_command_text(command, "--of"), &comparison);
  if (status == VJ_OK)
    status = vj_format_is_exact(format) ? print_exact(&comparison, format) : print_text(&comparison, format);
  vj_results_close(&results);
  return status;
}

static const vj_verb_row rows[] = {
    VJ_ROW_SWEEP,
    {"A", VJ_VALUE_TRIALS, .doc = "the number of a trial, an arm, or key=value,... of a sweep's settings"},
    {"B", VJ_VALUE_TRIALS, .doc = "what A is compared with, named likewise"},
    {"--of", VJ_VALUE_TEXT, .value = "METRIC,..", .otherwise = "all",
     .doc = "compare in these variables of sweep.h5 alone; p-values are then of them together"},
    VJ_ROW_FORMAT,
};

const vj_verb vj_verb_compare = {
    .name = "compare",
    .summary = "two trials, arms or settings: what differs in them and in their outcome",
    .rows = rows,
    .row_count = VJ_COUNT(rows),
    .notes =
        "Several trials are compared in pairs of the same seed, with a 95% interval and a p-value that holds for all "
        "rows shown together (Holm 1979); hidden states by linear CKA. csv has the outcome alone.\n",
    .reads = "DIR/sweep.h5.\n",
    .examples = "vjvcr compare runs/demo 0 3\nvjvcr compare runs/demo optim.lr=0.001 optim.lr=0.01\n",
    .run = compare};
