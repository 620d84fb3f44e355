#include "sweeps/run/rows_copy.h"

#include <string.h>

enum { BLOCK_BYTES = 1 << 22 }; /* of memory for the rows that are moved at once */

/* Copying one variable. A step or an evaluation may have another place in the new file; what lies behind it together
 * in both files is moved together. */
typedef struct variable_copy {
  const vj_rows_copy *whole;
  vj_pool *pool; /* of this variable */
  int from, to;  /* the variable's number in either */
  vj_file_variable_info before, after;
  size_t before_bytes, after_bytes;    /* of one value */
  int64_t before_values, after_values; /* of one row */
  int outer;                           /* dimensions, the trial included, before those that are the same in both, */
  int64_t together;                    /* and values of these */
  int64_t *place; /* of each step or evaluation of the old file, in the new one; NULL: no such axis */
  int64_t most;   /* rows at once, of either file */
  char *old_rows, *fresh_rows;
} variable_copy;

static vj_status no_memory(const variable_copy *c) {
  return vj_fail(VJ_MEMORY, "%s: no memory to copy its trials", c->whole->path);
}

/* --- places ----------------------------------------------------------------------------------------------------- */

static vj_status read_axis(const variable_copy *c, const vj_sweep_file *file, const char *name, int64_t **values,
                           int64_t *count) {
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(file, name);
  if (variable < 0) return vj_fail(VJ_DATA, "%s: it has no axis %s", c->whole->path, name);
  vj_sweep_file_variable(file, variable, &info);
  *count = info.size[0];
  *values = vj_pool_take(c->pool, (size_t)*count * sizeof **values);
  if (!*values) return no_memory(c);
  return vj_sweep_file_read(file, variable, (int64_t[]){0}, count, *values);
}

/* Both are ascending, and the new axis has all values of the old one. */
static vj_status find_places(variable_copy *c, const char *axis) {
  int64_t *before, *after, old_count, count, at = 0;
  VJ_TRY(read_axis(c, c->whole->from, axis, &before, &old_count));
  VJ_TRY(read_axis(c, c->whole->to, axis, &after, &count));
  c->place = vj_pool_take(c->pool, (size_t)old_count * sizeof *c->place);
  if (!c->place) return no_memory(c);
  for (int64_t i = 0; i < old_count; i++) {
    while (at < count && after[at] < before[i]) at++;
    if (at == count || after[at] != before[i])
      return vj_fail(VJ_DATA, "%s: no trial has %s %lld any more; choose another folder with -o", c->whole->path, axis,
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

/* Places have to be known. */
static void find_together(variable_copy *c) {
  const int first = c->place ? 2 : 1;
  c->outer = c->before.rank;
  c->together = 1;
  if (c->before_bytes != c->after_bytes) return; /* texts, each for itself */
  while (c->outer > first && c->before.size[c->outer - 1] == c->after.size[c->outer - 1])
    c->together *= c->before.size[--c->outer];
}

static vj_status prepare(variable_copy *c) {
  vj_sweep_file_variable(c->whole->from, c->from, &c->before);
  c->to = vj_sweep_file_find(c->whole->to, c->before.name);
  if (c->to >= 0) vj_sweep_file_variable(c->whole->to, c->to, &c->after);
  if (c->to < 0 || c->before.rank != c->after.rank || c->before.type != c->after.type)
    return vj_fail(VJ_DATA,
                   "%s: %s was measured by another version of vjvcr, which this one can't add trials to; choose "
                   "another folder with -o",
                   c->whole->path, c->before.name);
  c->before_bytes = (size_t)vj_sweep_file_value_bytes(c->before.type, c->before.text_bytes);
  c->after_bytes = (size_t)vj_sweep_file_value_bytes(c->after.type, c->after.text_bytes);
  c->before_values = values_of_row(&c->before);
  c->after_values = values_of_row(&c->after);
  const size_t before = (size_t)c->before_values * c->before_bytes, after = (size_t)c->after_values * c->after_bytes;
  const int64_t fit = (int64_t)(BLOCK_BYTES / (before > after ? before : after));
  const int64_t trials = c->before.size[0] > c->after.size[0] ? c->before.size[0] : c->after.size[0];
  c->most = fit > trials ? trials : fit > 0 ? fit : 1;
  c->old_rows = vj_pool_take(c->pool, (size_t)c->most * before);
  c->fresh_rows = vj_pool_take(c->pool, (size_t)c->most * after);
  if (!c->old_rows || !c->fresh_rows) return no_memory(c);
  const bool has_axis = c->before.rank > 1 && is_axis_of_trials(c->before.dimension[1]);
  if (has_axis) VJ_TRY(find_places(c, c->before.dimension[1]));
  find_together(c);
  return VJ_OK;
}

/* Where the values from `index` times `together` on of an old row stand in a new one, counted likewise; -1: nowhere. */
static int64_t index_in_fresh_row(const variable_copy *c, int64_t index) {
  int64_t fresh = 0, scale = 1;
  for (int i = c->outer - 1; i > 0; i--) {
    const int64_t at = index % c->before.size[i], to = i == 1 && c->place ? c->place[at] : at;
    index /= c->before.size[i];
    if (to >= c->after.size[i]) return -1;
    fresh += to * scale;
    scale *= c->after.size[i];
  }
  return fresh;
}

/* From the old row into the new one, whose other values stay as they are. */
static void move_values(const variable_copy *c, const char *old_row, char *fresh_row) {
  const size_t old_step = (size_t)c->together * c->before_bytes, step = (size_t)c->together * c->after_bytes;
  const size_t bytes = old_step < step ? old_step : step;
  for (int64_t i = 0; i < c->before_values / c->together; i++) {
    const int64_t to = index_in_fresh_row(c, i);
    if (to >= 0) memcpy(fresh_row + (size_t)to * step, old_row + (size_t)i * old_step, bytes);
  }
}

/* --- blocks of trials ------------------------------------------------------------------------------------------- */

typedef struct span {
  int64_t first, end;
} span;

static span with(span s, int64_t number) {
  if (s.end == 0) return (span){number, number + 1};
  return (span){number < s.first ? number : s.first, number >= s.end ? number + 1 : s.end};
}

/* All trials from the i-th on that lie near enough to each other, in both files, to be moved at once: a file is asked
 * for a row as long as for many. */
static int64_t find_block(const variable_copy *c, int64_t i, span *old, span *fresh) {
  *old = *fresh = (span){0};
  for (; i < c->whole->count; i++) {
    const span more = with(*old, c->whole->rows[i]), more_fresh = with(*fresh, c->whole->places[i]);
    if (more.end - more.first > c->most || more_fresh.end - more_fresh.first > c->most) break;
    *old = more;
    *fresh = more_fresh;
  }
  return i;
}

static vj_status copy_block(const variable_copy *c, int64_t from, int64_t end, span old, span fresh) {
  int64_t old_start[VJ_FILE_MAX_DIMENSIONS] = {old.first}, start[VJ_FILE_MAX_DIMENSIONS] = {fresh.first};
  int64_t old_count[VJ_FILE_MAX_DIMENSIONS] = {old.end - old.first};
  int64_t count[VJ_FILE_MAX_DIMENSIONS] = {fresh.end - fresh.first};
  for (int i = 1; i < c->before.rank; i++) {
    old_count[i] = c->before.size[i];
    count[i] = c->after.size[i];
  }
  VJ_TRY(vj_sweep_file_read(c->whole->from, c->from, old_start, old_count, c->old_rows));
  VJ_TRY(vj_sweep_file_read(c->whole->to, c->to, start, count, c->fresh_rows));
  for (int64_t i = from; i < end; i++) {
    const int64_t row = c->whole->rows[i] - old.first, place = c->whole->places[i] - fresh.first;
    move_values(c, c->old_rows + (size_t)(row * c->before_values) * c->before_bytes,
                c->fresh_rows + (size_t)(place * c->after_values) * c->after_bytes);
  }
  return vj_sweep_file_write(c->whole->to, c->to, start, count, c->fresh_rows);
}

static vj_status copy_rows(variable_copy *c) {
  VJ_TRY(prepare(c));
  for (int64_t i = 0, end; i < c->whole->count; i = end) {
    span old, fresh;
    end = find_block(c, i, &old, &fresh);
    VJ_TRY(copy_block(c, i, end, old, fresh));
  }
  return VJ_OK;
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

/* What follows from the configurations is written anew for all trials. */
static bool is_copied(const vj_rows_copy *copy, const vj_file_variable_info *v) {
  const vj_record *record;
  for (int i = 0; (record = vj_record_at(i)); i++)
    if (record->known_before && vj_record_is(v->name, record->name)) return false;
  if (copy->leaves_config && vj_record_is(v->name, VJ_RECORD_CONFIG)) return false;
  return v->rank > 0 && strcmp(v->dimension[0], VJ_NAME_TRIAL) == 0 && strcmp(v->name, VJ_NAME_TRIAL) != 0;
}

vj_status vj_rows_copy_all(const vj_rows_copy *copy) {
  for (int v = 0; v < vj_sweep_file_variable_count(copy->from) && copy->count; v++) {
    variable_copy c = {.whole = copy, .from = v};
    vj_file_variable_info info;
    vj_sweep_file_variable(copy->from, v, &info);
    if (!is_copied(copy, &info)) continue;
    VJ_TRY(vj_pool_create(&c.pool));
    const vj_status status = copy_rows(&c);
    vj_pool_destroy(&c.pool);
    VJ_TRY(status);
  }
  return VJ_OK;
}
