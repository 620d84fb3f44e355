#include "sweeps/run/resume/extend.h"

#include <stdlib.h>
#include <string.h>

#include "sweeps/run/trial_row.h"
#include "sweeps/run/versions.h"
#include "framework/store/ledger/ledger.h"
#include "framework/train/trial.h"

/* Copying one variable. Rows are gone through one by one: a step or an evaluation may have another place in the new
 * file. */
typedef struct copy {
  const vj_sweep_file *old;
  vj_sweep_file *fresh;
  int from, to; /* the variable's number in either */
  vj_file_variable_info before, after;
  size_t before_bytes, after_bytes; /* of one value */
  int64_t *place;                   /* of each step or evaluation of the old file, in the new one; NULL: no such axis */
  char *row, *fresh_row;
} copy;

typedef struct extension {
  vj_pool *pool;
  const char *path;
  const vj_sweep_file *old;
  const vj_space *space;
  const vj_sweep_layout *layout;
  int64_t known;
  int64_t *states; /* of the old file's trials; below 0: nothing was written for it */
} extension;

static vj_status no_memory(const extension *e) { return vj_fail(VJ_MEMORY, "%s: no memory to add trials", e->path); }

/* What follows from the configurations is written anew for all trials. */
static bool is_measured(const vj_file_variable_info *v) {
  const vj_record *record;
  for (int i = 0; (record = vj_record_at(i)); i++)
    if (record->known_before && vj_record_is(v->name, record->name)) return false;
  return v->rank > 0 && strcmp(v->dimension[0], VJ_NAME_TRIAL) == 0 && strcmp(v->name, VJ_NAME_TRIAL) != 0;
}

/* --- places ----------------------------------------------------------------------------------------------------- */

static vj_status read_axis(const extension *e, const vj_sweep_file *file, const char *name, int64_t **values,
                           int64_t *count) {
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(file, name);
  if (variable < 0) return vj_fail(VJ_DATA, "%s: it has no axis %s", e->path, name);
  vj_sweep_file_variable(file, variable, &info);
  *count = info.size[0];
  *values = vj_pool_take(e->pool, (size_t)*count * sizeof **values);
  if (!*values) return no_memory(e);
  return vj_sweep_file_read(file, variable, (int64_t[]){0}, count, *values);
}

/* Both are ascending, and the new axis has all values of the old one. */
static vj_status find_places(const extension *e, copy *c, const char *axis) {
  int64_t *before, *after, old_count, count, at = 0;
  VJ_TRY(read_axis(e, c->old, axis, &before, &old_count));
  VJ_TRY(read_axis(e, c->fresh, axis, &after, &count));
  c->place = vj_pool_take(e->pool, (size_t)old_count * sizeof *c->place);
  if (!c->place) return no_memory(e);
  for (int64_t i = 0; i < old_count; i++) {
    while (at < count && after[at] < before[i]) at++;
    if (at == count || after[at] != before[i])
      return vj_fail(VJ_DATA, "%s: no trial has %s %lld any more; choose another folder with -o", e->path, axis,
                     (long long)before[i]);
    c->place[i] = at;
  }
  return VJ_OK;
}

/* --- one variable ----------------------------------------------------------------------------------------------- */

static int64_t values_of_row(const vj_file_variable_info *v) {
  int64_t count = 1;
  for (int i = 1; i < v->rank; i++) count *= v->size[i];
  return count;
}

static bool is_axis_of_trials(const char *dimension) {
  return strcmp(dimension, VJ_NAME_STEP) == 0 || strcmp(dimension, VJ_NAME_EVAL) == 0;
}

static vj_status prepare(const extension *e, copy *c) {
  vj_sweep_file_variable(c->old, c->from, &c->before);
  c->to = vj_sweep_file_find(c->fresh, c->before.name);
  if (c->to >= 0) vj_sweep_file_variable(c->fresh, c->to, &c->after);
  if (c->to < 0 || c->before.rank != c->after.rank || c->before.type != c->after.type)
    return vj_fail(VJ_DATA,
                   "%s: %s was measured by another version of vjvcr, which this one can't add trials to; choose "
                   "another folder with -o",
                   e->path, c->before.name);
  c->before_bytes = (size_t)vj_sweep_file_value_bytes(c->before.type, c->before.text_bytes);
  c->after_bytes = (size_t)vj_sweep_file_value_bytes(c->after.type, c->after.text_bytes);
  c->row = vj_pool_take(e->pool, (size_t)values_of_row(&c->before) * c->before_bytes);
  c->fresh_row = vj_pool_take(e->pool, (size_t)values_of_row(&c->after) * c->after_bytes);
  if (!c->row || !c->fresh_row) return no_memory(e);
  const bool has_axis = c->before.rank > 1 && is_axis_of_trials(c->before.dimension[1]);
  return has_axis ? find_places(e, c, c->before.dimension[1]) : VJ_OK;
}

/* Where the value at `index` of an old row stands in a new one; -1: nowhere. */
static int64_t index_in_fresh_row(const copy *c, int64_t index) {
  int64_t fresh = 0, scale = 1;
  for (int i = c->before.rank - 1; i > 0; i--) {
    const int64_t at = index % c->before.size[i], to = i == 1 && c->place ? c->place[at] : at;
    index /= c->before.size[i];
    if (to >= c->after.size[i]) return -1;
    fresh += to * scale;
    scale *= c->after.size[i];
  }
  return fresh;
}

/* From the old row into the new one, whose other values stay as they are. */
static void move_values(const copy *c) {
  const int64_t count = values_of_row(&c->before);
  const size_t bytes = c->before_bytes < c->after_bytes ? c->before_bytes : c->after_bytes;
  for (int64_t i = 0; i < count; i++) {
    const int64_t to = index_in_fresh_row(c, i);
    if (to >= 0) memcpy(c->fresh_row + (size_t)to * c->after_bytes, c->row + (size_t)i * c->before_bytes, bytes);
  }
}

static vj_status copy_row(const copy *c, int64_t trial) {
  int64_t start[VJ_FILE_MAX_DIMENSIONS] = {trial}, old_count[VJ_FILE_MAX_DIMENSIONS] = {1};
  int64_t count[VJ_FILE_MAX_DIMENSIONS] = {1};
  for (int i = 1; i < c->before.rank; i++) {
    old_count[i] = c->before.size[i];
    count[i] = c->after.size[i];
  }
  VJ_TRY(vj_sweep_file_read(c->old, c->from, start, old_count, c->row));
  VJ_TRY(vj_sweep_file_read(c->fresh, c->to, start, count, c->fresh_row));
  move_values(c);
  return vj_sweep_file_write(c->fresh, c->to, start, count, c->fresh_row);
}

static vj_status copy_variable(extension *e, vj_sweep_file *fresh, int variable) {
  copy c = {.old = e->old, .fresh = fresh, .from = variable};
  vj_pool *whole = e->pool;
  vj_status status = vj_pool_create(&e->pool); /* of this variable alone */
  if (status == VJ_OK) status = prepare(e, &c);
  for (int64_t i = 0; i < e->known && status == VJ_OK; i++)
    if (e->states[i] >= 0) status = copy_row(&c, i);
  if (e->pool) vj_pool_destroy(&e->pool);
  e->pool = whole;
  return status;
}

/* --- the file --------------------------------------------------------------------------------------------------- */

static vj_status fill(void *context, vj_sweep_file *fresh) {
  extension *e = context;
  VJ_TRY(vj_trial_rows_write(e->pool, fresh, e->space, e->layout));
  for (int v = 0; v < vj_sweep_file_variable_count(e->old); v++) {
    vj_file_variable_info info;
    vj_sweep_file_variable(e->old, v, &info);
    if (is_measured(&info)) VJ_TRY(copy_variable(e, fresh, v));
  }
  return VJ_OK;
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

static vj_status extend(extension *e) {
  vj_file_layout layout = e->layout->file;
  const int variable = vj_sweep_file_find(e->old, VJ_RECORD_STATUS);
  e->states = vj_pool_take(e->pool, (size_t)e->known * sizeof *e->states);
  if (variable < 0) return vj_fail(VJ_DATA, "%s: it has no variable %s", e->path, VJ_RECORD_STATUS);
  if (!e->states) return no_memory(e);
  VJ_TRY(vj_sweep_file_read(e->old, variable, (int64_t[]){0}, &e->known, e->states));
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
