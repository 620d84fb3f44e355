/* `vjvcr answers DIR...`: what sweeps have been asked, and what they answer; a line each. */
#include <math.h>
#include <stdio.h>

#include "analysis/results/answer_print.h"
#include "app/verb.h"

/* A sweep with what it answers; its text lives in `results`. */
typedef struct answered {
  const char *folder;
  vj_results *results;
  const vj_answer *answer; /* NULL: it asks nothing */
} answered;

/* --- for readers ----------------------------------------------------------------------------------------------- */

static void add_line(vj_table *table, const answered *one) {
  char text[VJ_INTERVAL_BYTES];
  const vj_answer *a = one->answer;
  const vj_claim_result *r = a ? a->decisive : NULL;
  vj_table_cell(table, "%s", one->folder);
  vj_table_cell(table, "%s", a ? a->question->asked : "-");
  vj_table_cell(table, "%s", a ? a->words : "it asks nothing");
  vj_table_cell(table, r && isfinite(r->effect.size) ? "%.3g" : "-", r ? r->effect.size : NAN);
  vj_table_cell(table, "%s", r ? vj_interval_text(&r->effect, text) : "-");
  vj_table_cell(table, "%s", r ? vj_p_text(r->p_holm, text) : "-");
  vj_table_cell(table, "%s", r ? r->claim->text : "-");
  vj_table_cell(table, "%s", a && a->question->published[0] ? a->question->published : "-");
}

static vj_status print_table(const answered *list, int64_t count, vj_format format) {
  static const char *const headings[] = {"sweep",        "asked",    "answer",        "effect",
                                         "95% interval", "p (Holm)", "by this claim", "published"};
  vj_table *table = NULL;
  VJ_TRY(vj_table_create(&table));
  for (size_t i = 0; i < VJ_COUNT(headings); i++) vj_table_column(table, headings[i], i == 3);
  for (int64_t i = 0; i < count; i++) add_line(table, &list[i]);
  vj_table_end(&table, format, stdout);
  return VJ_OK;
}

/* --- for programs ---------------------------------------------------------------------------------------------- */

static vj_status print_csv(const answered *list, int64_t count) {
  static const char *const names[] = {"sweep", "asked", "answer", "so_far", "claim",   "effect",
                                      "low",   "high",  "p",      "p_holm", "verdict", "published"};
  vj_row_writer *rows = NULL;
  VJ_TRY(vj_row_writer_create(&rows));
  for (size_t i = 0; i < VJ_COUNT(names); i++) vj_row_writer_column(rows, names[i]);
  for (int64_t i = 0; i < count; i++) {
    const vj_answer *a = list[i].answer;
    if (!a) continue;
    const vj_claim_result *r = a->decisive;
    const double numbers[] = {r->effect.size, r->effect.low, r->effect.high, r->effect.p, r->p_holm};
    vj_row_writer_text(rows, list[i].folder);
    vj_row_writer_text(rows, a->question->asked);
    vj_row_writer_text(rows, vj_answer_word(a->kind));
    vj_row_writer_integer(rows, a->is_so_far);
    vj_row_writer_text(rows, r->claim->text);
    for (size_t k = 0; k < VJ_COUNT(numbers); k++) vj_row_writer_number(rows, numbers[k]);
    vj_row_writer_text(rows, vj_verdict_word(r));
    vj_row_writer_text(rows, a->question->published[0] ? a->question->published : NULL);
  }
  const vj_status status = vj_row_writer_print(rows, VJ_FORMAT_CSV, stdout);
  vj_row_writer_destroy(&rows);
  return status;
}

static json_t *array_of(const answered *list, int64_t count) {
  json_t *array = json_array();
  for (int64_t i = 0; i < count; i++) {
    json_t *object = json_object();
    json_object_set_new(object, "sweep", vj_json_text(list[i].folder));
    json_object_set_new(object, "question",
                        list[i].answer ? vj_answer_object(list[i].results->pool, list[i].answer) : json_null());
    json_array_append_new(array, object);
  }
  return array;
}

/* --- the verb -------------------------------------------------------------------------------------------------- */

static vj_status open_all(vj_text_list folders, answered *list) {
  for (int64_t i = 0; i < folders.count; i++) {
    list[i].folder = folders.at[i];
    VJ_TRY(vj_results_open(folders.at[i], &list[i].results));
    VJ_TRY(vj_answer_find(list[i].results, folders.at[i], NULL, &list[i].answer));
  }
  return VJ_OK;
}

static vj_status print_all(const answered *list, int64_t count, vj_format format) {
  if (format == VJ_FORMAT_JSON) return vj_json_print(array_of(list, count), stdout);
  return format == VJ_FORMAT_CSV ? print_csv(list, count) : print_table(list, count, format);
}

static vj_status answers(vj_command *command) {
  const vj_text_list folders = vj_command_texts(command, "DIR");
  answered *list = vj_pool_take(command->pool, (size_t)folders.count * sizeof *list);
  if (!list) return vj_fail(VJ_MEMORY, "no memory for %lld sweeps", (long long)folders.count);
  vj_status status = open_all(folders, list);
  if (status == VJ_OK) status = print_all(list, folders.count, (vj_format)vj_command_choice(command, "--format"));
  for (int64_t i = 0; i < folders.count; i++) vj_results_close(&list[i].results);
  return status;
}

static const vj_verb_row rows[] = {
    {"DIR", VJ_VALUE_SWEEP, .several = true, .doc = "the folder of a sweep; as many as one likes"},
    VJ_ROW_FORMAT,
};

const vj_verb vj_verb_answers = {
    .name = "answers",
    .summary = "what sweeps were asked, and what they answer",
    .rows = rows,
    .row_count = VJ_COUNT(rows),
    .notes =
        "One line for each sweep whose experiment has a question: section: what is asked, the answer, and the claim on "
        "which it hangs most, with its effect, 95% interval and p-value. vjvcr table DIR has all claims. Also while "
        "the "
        "sweep runs. json has all claims; csv leaves out sweeps that ask nothing.\n",
    .reads = "DIR/sweep.h5 of each.\n",
    .examples = "vjvcr answers runs/table1 runs/collapse\nvjvcr answers runs/* --format md\n",
    .run = answers};
