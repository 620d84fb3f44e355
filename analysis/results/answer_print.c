#include "analysis/results/answer_print.h"

#include <math.h>

/* --- numbers --------------------------------------------------------------------------------------------------- */

const char *vj_interval_text(const vj_effect *e, char text[VJ_INTERVAL_BYTES]) {
  if (isnan(e->low))
    snprintf(text, VJ_INTERVAL_BYTES, "-");
  else if (isinf(e->low) || isinf(e->high))
    snprintf(text, VJ_INTERVAL_BYTES, "not bounded");
  else
    snprintf(text, VJ_INTERVAL_BYTES, "%.3g to %.3g", e->low, e->high);
  return text;
}

const char *vj_p_text(double p, char text[VJ_INTERVAL_BYTES]) {
  snprintf(text, VJ_INTERVAL_BYTES, isnan(p) ? "-" : p < 1e-4 ? "< 0.0001" : "%.2g", p);
  return text;
}

/* --- for readers ----------------------------------------------------------------------------------------------- */

static void add_line(vj_table *table, const vj_claim_result *r, bool is_requirement) {
  char interval[VJ_INTERVAL_BYTES], p[VJ_INTERVAL_BYTES];
  vj_table_cell(table, isfinite(r->effect.size) ? "%.3g" : "-", r->effect.size);
  vj_table_cell(table, "%s%s", vj_interval_text(&r->effect, interval), r->by_clips ? " (clips)" : "");
  vj_table_cell(table, "%s", vj_p_text(is_requirement ? NAN : r->p_holm, p));
  vj_table_cell(table, r->seeds == r->seeds_of_sweep ? "%lld" : "%lld of %lld", (long long)r->seeds,
                (long long)r->seeds_of_sweep);
  vj_table_cell(table, "%s%s", is_requirement ? "required: " : "", r->claim->text);
  vj_table_cell(table, "%s", vj_verdict_word(r));
}

static vj_status print_claims(const vj_answer *a, vj_format format, FILE *to) {
  static const char *const headings[] = {"effect", "95% interval", "p (Holm)", "seeds", "claim", "verdict"};
  vj_table *table = NULL;
  VJ_TRY(vj_table_create(&table));
  for (int i = 0; i < 6; i++) vj_table_column(table, headings[i], i == 0);
  for (int64_t i = 0; i < a->question->claim_count; i++) add_line(table, &a->claims[i], false);
  for (int64_t i = 0; i < a->question->requirement_count; i++) add_line(table, &a->requirements[i], true);
  vj_table_end(&table, format, to);
  return VJ_OK;
}

static bool is_by_clips(const vj_answer *a) {
  bool found = false;
  for (int64_t i = 0; i < a->question->claim_count; i++) found = found || a->claims[i].by_clips;
  for (int64_t i = 0; i < a->question->requirement_count; i++) found = found || a->requirements[i].by_clips;
  return found;
}

vj_status vj_answer_print(const vj_answer *a, vj_format format, FILE *to) {
  const bool is_markdown = format == VJ_FORMAT_MARKDOWN;
  const char *mark = is_markdown ? "**" : "", *end = is_markdown ? "\n\n" : "\n";
  fprintf(to, "%sasked:%s %s%s", mark, mark, a->question->asked, end);
  fprintf(to, "%sanswer:%s %s%s", mark, mark, a->words, end);
  if (a->question->published[0]) fprintf(to, "%spublished:%s %s%s", mark, mark, a->question->published, end);
  VJ_TRY(print_claims(a, format, to));
  if (is_markdown) fputc('\n', to);
  fputs(
      "95%: over seeds, of arms in pairs, by Student's t; of a ratio of means by Fieller. p: of the bound, for all "
      "claims together.\n",
      to);
  if (is_by_clips(a)) fputs("clips: other videos could have changed it by more than seeds do.\n", to);
  return VJ_OK;
}

/* --- for programs ---------------------------------------------------------------------------------------------- */

static json_t *where_object(vj_pool *pool, const vj_question_claim *claim) {
  json_t *where = json_object();
  for (int64_t i = 0; i < claim->where_count; i++) {
    const char *value = vj_yaml_value_text(pool, claim->where[i].value);
    json_object_set_new(where, claim->where[i].key, vj_json_text(value));
  }
  return where;
}

static json_t *claim_object(vj_pool *pool, const vj_claim_result *r) {
  const vj_question_claim *claim = r->claim;
  const vj_report_column *column = &claim->column;
  json_t *object = json_object();
  json_object_set_new(object, "quantity", vj_json_text(column->quantity));
  json_object_set_new(object, "at", column->at == VJ_REPORT_LAST ? json_null() : json_integer(column->at));
  json_object_set_new(object, "index", column->index == VJ_REPORT_SCALAR ? json_null() : json_integer(column->index));
  json_object_set_new(object, "of", claim->of[0] ? vj_json_text(claim->of) : json_null());
  json_object_set_new(object, "to", claim->to[0] ? vj_json_text(claim->to) : json_null());
  json_object_set_new(object, "where", where_object(pool, claim));
  json_object_set_new(object, "is",
                      json_string(!claim->to[0]          ? "value"
                                  : claim->is_difference ? "difference"
                                                         : "ratio"));
  json_object_set_new(object, claim->is_at_least ? "at_least" : "at_most", vj_json_number(claim->bound));
  json_object_set_new(object, "seeds", json_integer(r->seeds));
  json_object_set_new(object, "of_mean", vj_json_number(r->of));
  json_object_set_new(object, "to_mean", vj_json_number(r->to));
  json_object_set_new(object, "effect", vj_json_number(r->effect.size));
  json_object_set_new(object, "low", vj_json_number(r->effect.low));
  json_object_set_new(object, "high", vj_json_number(r->effect.high));
  json_object_set_new(object, "by_clips", json_boolean(r->by_clips));
  json_object_set_new(object, "p", vj_json_number(r->effect.p));
  json_object_set_new(object, "p_holm", vj_json_number(r->p_holm));
  json_object_set_new(object, "verdict", json_string(vj_verdict_word(r)));
  return object;
}

static json_t *claims_array(vj_pool *pool, const vj_claim_result *list, int64_t count) {
  json_t *array = json_array();
  for (int64_t i = 0; i < count; i++) json_array_append_new(array, claim_object(pool, &list[i]));
  return array;
}

static json_t *prose(const char *text) { return text[0] ? vj_json_text(text) : json_null(); }

json_t *vj_answer_object(vj_pool *pool, const vj_answer *a) {
  const vj_question *q = a->question;
  json_t *object = json_object();
  json_object_set_new(object, "asked", vj_json_text(q->asked));
  json_object_set_new(object, "yes", prose(q->yes));
  json_object_set_new(object, "no", prose(q->no));
  json_object_set_new(object, "published", prose(q->published));
  json_object_set_new(object, "answer", json_string(vj_answer_word(a->kind)));
  json_object_set_new(object, "so_far", json_boolean(a->is_so_far));
  json_object_set_new(object, "words", vj_json_text(a->words));
  json_object_set_new(object, "claims", claims_array(pool, a->claims, q->claim_count));
  json_object_set_new(object, "requires", claims_array(pool, a->requirements, q->requirement_count));
  return object;
}
