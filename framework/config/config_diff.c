#include "framework/config/config_diff.h"

#include <string.h>

#include "framework/config/nodes.h"

enum { SHOWN_BYTES = 60 };

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory to compare configurations"); }

static vj_status add(vj_pool *pool, const char *key, const vj_yaml *before, const vj_yaml *after,
                     vj_config_diff *found) {
  if (!vj_pool_grow(pool, &found->at, found->count, sizeof *found->at)) return no_memory();
  found->at[found->count++] = (vj_config_change){key, before, after};
  return VJ_OK;
}

static vj_status is_same(vj_pool *pool, const vj_yaml *before, const vj_yaml *after, bool *same) {
  if (before->kind == VJ_YAML_SCALAR && after->kind == VJ_YAML_SCALAR) {
    *same = before->quoted == after->quoted && strcmp(before->text, after->text) == 0;
    return VJ_OK;
  }
  const char *one = vj_yaml_print_line(pool, before), *other = vj_yaml_print_line(pool, after);
  if (!one || !other) return no_memory();
  *same = strcmp(one, other) == 0;
  return VJ_OK;
}

static vj_status compare(vj_pool *pool, const char *path, const vj_yaml *before, const vj_yaml *after,
                         vj_config_diff *found);

static vj_status compare_maps(vj_pool *pool, const char *path, const vj_yaml *before, const vj_yaml *after,
                              vj_config_diff *found) {
  const char *dot = path[0] ? "." : "";
  for (int64_t i = 0; i < before->count; i++) {
    const char *key = vj_pool_format(pool, "%s%s%s", path, dot, before->keys[i]->text);
    if (!key) return no_memory();
    VJ_TRY(compare(pool, key, before->items[i], vj_yaml_get(after, before->keys[i]->text), found));
  }
  for (int64_t i = 0; i < after->count; i++) {
    if (vj_yaml_get(before, after->keys[i]->text)) continue;
    const char *key = vj_pool_format(pool, "%s%s%s", path, dot, after->keys[i]->text);
    if (!key) return no_memory();
    VJ_TRY(add(pool, key, NULL, after->items[i], found));
  }
  return VJ_OK;
}

static vj_status compare(vj_pool *pool, const char *path, const vj_yaml *before, const vj_yaml *after,
                         vj_config_diff *found) {
  bool same = false;
  if (after && before->kind == VJ_YAML_MAP && after->kind == VJ_YAML_MAP)
    return compare_maps(pool, path, before, after, found);
  if (after) VJ_TRY(is_same(pool, before, after, &same));
  return same ? VJ_OK : add(pool, path, before, after, found);
}

vj_status vj_config_diff_find(vj_pool *pool, const vj_yaml *before, const vj_yaml *after, vj_config_diff *found) {
  return compare(pool, "", before, after, found);
}

/* --- words ------------------------------------------------------------------------------------------------------ */

static const char *shown(vj_pool *pool, const vj_yaml *node) {
  const char *text = vj_yaml_print_line(pool, node);
  if (!text || strlen(text) <= SHOWN_BYTES) return text;
  size_t length = SHOWN_BYTES - 3; /* cut between characters */
  while (length && ((unsigned char)text[length] & 0xc0) == 0x80) length--;
  return vj_pool_format(pool, "%.*s...", (int)length, text);
}

/* The node, or the first one in it, that was written somewhere: sections are made by who reads them. */
static const vj_yaml *find_written(const vj_yaml *node) {
  if (node->line > 0 || node->kind == VJ_YAML_SCALAR) return node;
  for (int64_t i = 0; i < node->count; i++)
    if (find_written(node->items[i])->line > 0) return find_written(node->items[i]);
  return node;
}

/* " (sweep.yaml:14:11)", " (the default)" */
static const char *place(vj_pool *pool, const vj_yaml *within) {
  const vj_yaml *node = find_written(within);
  if (node->line > 0) return vj_pool_format(pool, " (%s:%d:%d)", node->source, node->line, node->column);
  const bool is_default = strcmp(node->source, "default") == 0;
  return vj_pool_format(pool, " (%s%s)", is_default ? "the " : "", node->source);
}

const char *vj_config_change_text(vj_pool *pool, const vj_config_change *difference) {
  const char *before = difference->before ? shown(pool, difference->before) : "";
  const char *after = difference->after ? shown(pool, difference->after) : "";
  const char *where = difference->after ? place(pool, difference->after) : "";
  if (!before || !after || !where) return NULL;
  if (!difference->after) return vj_pool_format(pool, "%s was %s and is not there now", difference->key, before);
  if (!difference->before)
    return vj_pool_format(pool, "%s was not there and is %s now%s", difference->key, after, where);
  return vj_pool_format(pool, "%s was %s and is %s now%s", difference->key, before, after, where);
}
