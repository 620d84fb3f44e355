#include "sweeps/space/question_spec.h"

#include <stdio.h>
#include <string.h>

#include "framework/config/config.h"
#include "framework/config/nodes.h"

enum { PATH_BYTES = 512 };

typedef struct question_section {
  const char *asked, *yes, *no, *published;
} question_section;
static const vj_param question_rows[] = {
    VJ_TEXT(question_section, asked, NULL, "the question, in words"),
    VJ_TEXT(question_section, yes, "", "in words, what would be a yes"),
    VJ_TEXT(question_section, no, "", "in words, what would be a no"),
    VJ_TEXT(question_section, published, "", "in words, what others have found"),
};

typedef struct claim_section {
  const char *quantity, *of, *to;
  bool difference;
  int64_t at, index;
  double at_least, at_most;
} claim_section;
static const vj_param claim_rows[] = {
    VJ_TEXT(claim_section, quantity, NULL, "the name of a recorded quantity"),
    VJ_TEXT(claim_section, of, "", "the arm that has it"),
    VJ_TEXT(claim_section, to, "", "the arm or control that it is compared with"),
    VJ_BOOL(claim_section, difference, "false", "of - to, not of / to"),
    VJ_INTEGER(claim_section, at, "0", 0, INFINITY, "steps", "training steps completed; by default all of them"),
    VJ_INTEGER(claim_section, index, "0", 0, INFINITY, "", "number of the component or horizon, from 0"),
    VJ_REAL(claim_section, at_least, "0", -INFINITY, INFINITY, "", "the least that it is said to be"),
    VJ_REAL(claim_section, at_most, "0", -INFINITY, INFINITY, "", "the most that it is said to be"),
};

typedef struct question_reader {
  vj_pool *pool;
  const vj_yaml *root;
} question_reader;

/* --- a claim --------------------------------------------------------------------------------------------------- */

static bool is_arm(const question_reader *r, const char *name) {
  const vj_yaml *arms = vj_yaml_find(r->root, "sweep.trials");
  for (int64_t i = 0; arms && arms->kind == VJ_YAML_MAP && i < arms->count; i++)
    if (strcmp(arms->keys[i]->text, name) == 0) return true;
  return false;
}

static vj_status read_of(const question_reader *r, const vj_yaml *map, const char *path, vj_question_claim *claim) {
  const vj_yaml *node = vj_yaml_get(map, "of"), *arms = vj_yaml_find(r->root, "sweep.trials");
  char own[PATH_BYTES + 16];
  snprintf(own, sizeof own, "%s.of", path);
  if (vj_yaml_is_null(arms) && node)
    return vj_fail_node(node, own, "the sweep has no arms; leave it out, and say with where: which settings are meant");
  if (vj_yaml_is_null(arms)) return VJ_OK;
  if (!node) return vj_fail_node(map, path, "missing key \"of\" (the arm that has it)");
  return vj_report_check_arm(r->pool, r->root, false, claim->of, node, own);
}

/* An arm may be called like a control, and is then meant. */
static vj_status read_to(const question_reader *r, const vj_yaml *map, const char *path, vj_question_claim *claim) {
  const vj_yaml *node = vj_yaml_get(map, "to");
  char own[PATH_BYTES + 16];
  snprintf(own, sizeof own, "%s.to", path);
  claim->control = VJ_CONTROLS;
  if (!node && claim->is_difference)
    return vj_fail_node(vj_yaml_get(map, "difference"), path, "a difference needs a second arm or a control, to:");
  if (!node) return VJ_OK;
  VJ_TRY(vj_report_check_arm(r->pool, r->root, true, claim->to, node, own));
  if (strcmp(claim->to, claim->of) == 0) return vj_fail_node(node, own, "an arm can't be compared with itself");
  if (is_arm(r, claim->to)) return VJ_OK;
  for (claim->control = 0; strcmp(vj_control_names[claim->control], claim->to) != 0;) claim->control++;
  if (claim->control == VJ_CONTROL_UNTRAINED && claim->column.at != VJ_REPORT_LAST)
    return vj_fail_node(node, own, "untrained is the quantity after 0 steps, so that at: can't be another number");
  const vj_control control = (vj_control)claim->control;
  if (vj_control_is_probe(control) && !vj_control_probe_of(r->pool, r->root, control, claim->column.quantity))
    return vj_control_probe_missing(node, own, control, "this quantity's");
  return VJ_OK;
}

static vj_status read_bound(const vj_yaml *map, const char *path, const claim_section *section,
                            vj_question_claim *claim) {
  const bool has_least = vj_yaml_get(map, "at_least"), has_most = vj_yaml_get(map, "at_most");
  if (has_least == has_most)
    return vj_fail_node(map, path, "expected at_least or at_most, %s", has_least ? "not both" : "the bound of a claim");
  claim->is_at_least = has_least;
  claim->bound = has_least ? section->at_least : section->at_most;
  return VJ_OK;
}

static vj_status name_claim(vj_pool *pool, const vj_yaml *map, vj_question_claim *claim) {
  const vj_yaml *bound = vj_yaml_get(map, claim->is_at_least ? "at_least" : "at_most");
  const char *text = vj_report_column_name(pool, &claim->column);
  const char *relation = !claim->to[0] ? "" : claim->is_difference ? " - " : " / ";
  if (text && claim->of[0]) text = vj_pool_format(pool, "%s, %s%s%s", text, claim->of, relation, claim->to);
  if (text && !claim->of[0] && claim->to[0]) text = vj_pool_format(pool, "%s%s%s", text, relation, claim->to);
  if (text) text = vj_pool_format(pool, "%s, %s %s", text, claim->is_at_least ? "at least" : "at most", bound->text);
  for (int64_t i = 0; i < claim->where_count && text; i++) {
    const char *value = vj_yaml_value_text(pool, claim->where[i].value);
    text = value ? vj_pool_format(pool, "%s, %s=%s", text, claim->where[i].key, value) : NULL;
  }
  claim->text = text;
  return text ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for a question");
}

static vj_status read_claim(const question_reader *r, const vj_yaml *map, const char *path, vj_question_claim *claim) {
  static const char *const also_known[] = {"where", NULL};
  void *read = NULL;
  VJ_TRY(vj_params_read(r->pool, claim_rows, VJ_COUNT(claim_rows), sizeof(claim_section), map, path, also_known, &read,
                        NULL));
  const claim_section *section = read;
  *claim =
      (vj_question_claim){.path = path, .of = section->of, .to = section->to, .is_difference = section->difference};
  claim->column = (vj_report_column){.quantity = section->quantity,
                                     .title = section->quantity,
                                     .at = vj_yaml_get(map, "at") ? section->at : VJ_REPORT_LAST,
                                     .index = vj_yaml_get(map, "index") ? section->index : VJ_REPORT_SCALAR,
                                     .node = map};
  VJ_TRY(read_of(r, map, path, claim));
  VJ_TRY(read_to(r, map, path, claim));
  VJ_TRY(read_bound(map, path, section, claim));
  VJ_TRY(vj_where_read(r->pool, map, path, &claim->where, &claim->where_count));
  return name_claim(r->pool, map, claim);
}

/* --- the section ----------------------------------------------------------------------------------------------- */

static vj_status read_claims(const question_reader *r, const vj_yaml *section, const char *name,
                             const vj_question_claim **claims, int64_t *count) {
  const vj_yaml *list = vj_yaml_get(section, name);
  char path[PATH_BYTES], got[VJ_GOT_BYTES];
  if (vj_yaml_is_null(list)) return VJ_OK;
  snprintf(path, sizeof path, "question.%s", name);
  if (list->kind != VJ_YAML_LIST) return vj_fail_node(list, path, "expected a list, got %s", vj_node_got(list, got));
  vj_question_claim *read = vj_pool_take(r->pool, (size_t)(list->count + 1) * sizeof *read);
  if (!read) return vj_fail(VJ_MEMORY, "%s: no memory for %lld of them", path, (long long)list->count);
  for (int64_t i = 0; i < list->count; i++) {
    const char *own = vj_pool_format(r->pool, "%s[%lld]", path, (long long)i);
    if (!own) return vj_fail(VJ_MEMORY, "%s: no memory for %lld of them", path, (long long)list->count);
    VJ_TRY(read_claim(r, list->items[i], own, &read[i]));
  }
  *claims = read;
  *count = list->count;
  return VJ_OK;
}

vj_status vj_question_read(vj_pool *pool, const vj_yaml *root, const vj_question **question) {
  static const char *const also_known[] = {"requires", "claims", NULL};
  const vj_yaml *section = vj_yaml_get(root, "question");
  const question_reader r = {.pool = pool, .root = root};
  void *read = NULL;
  *question = NULL;
  if (vj_yaml_is_null(section)) return VJ_OK;
  vj_question *q = vj_pool_take(pool, sizeof *q);
  if (!q) return vj_fail(VJ_MEMORY, "no memory for a question");
  VJ_TRY(vj_params_read(pool, question_rows, VJ_COUNT(question_rows), sizeof(question_section), section, "question",
                        also_known, &read, NULL));
  const question_section *prose = read;
  *q = (vj_question){.asked = prose->asked, .yes = prose->yes, .no = prose->no, .published = prose->published};
  VJ_TRY(read_claims(&r, section, "requires", &q->requirements, &q->requirement_count));
  VJ_TRY(read_claims(&r, section, "claims", &q->claims, &q->claim_count));
  if (!q->claim_count)
    return vj_fail_node(section, "question", "expected at least one claim under \"claims\", by which it is answered");
  *question = q;
  return VJ_OK;
}
