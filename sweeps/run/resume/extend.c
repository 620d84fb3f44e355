#include "sweeps/run/resume/extend.h"

#include "sweeps/run/rows_copy.h"
#include "sweeps/run/trial_row.h"
#include "sweeps/run/versions.h"

typedef struct extension {
  vj_pool *pool;
  const char *path;
  const vj_sweep_file *old;
  const vj_space *space;
  const vj_sweep_layout *layout;
  int64_t known;
  int64_t *rows, count; /* of the old file's trials, those for which something was written */
} extension;

static vj_status no_memory(const extension *e) { return vj_fail(VJ_MEMORY, "%s: no memory to add trials", e->path); }

static vj_status fill(void *context, vj_sweep_file *fresh) {
  const extension *e = context;
  VJ_TRY(vj_trial_rows_write(e->pool, fresh, e->space, e->layout));
  const vj_rows_copy copy = {
      .from = e->old, .path = e->path, .to = fresh, .count = e->count, .rows = e->rows, .places = e->rows};
  return vj_rows_copy_all(&copy);
}

/* Texts of the old file have room in the new one: a configuration may have been longer by what measures nothing. */
static vj_status widen_texts(const extension *e, vj_file_layout *layout) {
  vj_file_variable *variables = vj_pool_take(e->pool, (size_t)layout->variable_count * sizeof *variables);
  if (!variables) return no_memory(e);
  for (int64_t v = 0; v < layout->variable_count; v++) {
    vj_file_variable_info before;
    const int known = vj_sweep_file_find(e->old, layout->variables[v].name);
    variables[v] = layout->variables[v];
    if (known < 0 || variables[v].type != VJ_FILE_TEXT) continue;
    vj_sweep_file_variable(e->old, known, &before);
    if (before.type == VJ_FILE_TEXT && before.text_bytes > variables[v].text_bytes)
      variables[v].text_bytes = before.text_bytes;
  }
  layout->variables = variables;
  return VJ_OK;
}

static vj_status find_rows(extension *e) {
  const int variable = vj_sweep_file_find(e->old, VJ_RECORD_STATUS);
  int64_t *states = vj_pool_take(e->pool, (size_t)e->known * sizeof *states);
  e->rows = vj_pool_take(e->pool, (size_t)e->known * sizeof *e->rows);
  if (variable < 0) return vj_fail(VJ_DATA, "%s: it has no variable %s", e->path, VJ_RECORD_STATUS);
  if (!states || !e->rows) return no_memory(e);
  VJ_TRY(vj_sweep_file_read(e->old, variable, (int64_t[]){0}, &e->known, states));
  for (int64_t i = 0; i < e->known; i++)
    if (states[i] >= 0) e->rows[e->count++] = i;
  return VJ_OK;
}

static vj_status extend(extension *e) {
  vj_file_layout layout = e->layout->file;
  VJ_TRY(find_rows(e));
  VJ_TRY(widen_texts(e, &layout));
  VJ_TRY(vj_versions_keep(e->pool, e->old, &layout));
  return vj_sweep_file_replace(e->path, &layout, fill, e);
}

vj_status vj_sweep_extend(const char *path, const vj_space *space, const vj_sweep_layout *layout, int64_t known) {
  extension e = {.path = path, .space = space, .layout = layout, .known = known};
  vj_sweep_file *old = NULL;
  VJ_TRY(vj_pool_create(&e.pool));
  vj_status status = vj_sweep_file_read_only(path, &old);
  e.old = old;
  if (status == VJ_OK) status = extend(&e);
  vj_sweep_file_close(&old);
  vj_pool_destroy(&e.pool);
  return status;
}

bool vj_sweep_has_keys(vj_pool *pool, const vj_sweep_file *file, const vj_space *space) {
  for (int64_t k = 0; k < space->key_count; k++) {
    const char *name = vj_pool_format(pool, VJ_NAME_OF_SETTING("%s"), space->keys[k]);
    if (!name || vj_sweep_file_find(file, name) < 0) return false;
  }
  return true;
}
