#include "analysis/results/same_bits.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A trial's part of a variable, and the places of its rows: NULL of what is recorded once. */
typedef struct slab {
  vj_file_variable_info info;
  void *values; /* NULL: the file has no such variable, or of another form */
  const int64_t *places;
  int64_t rows;
} slab;

typedef struct matcher {
  vj_pool *pool; /* of one variable */
  const vj_bits_row *one, *other;
  vj_bits_comparison *result;
  slab a, b;
} matcher;

/* --- reading ----------------------------------------------------------------------------------------------------- */

static vj_status no_memory(const char *name) { return vj_fail(VJ_MEMORY, "no memory to compare %s", name); }

static bool has_rows(const vj_file_variable_info *info) {
  return info->rank > 1 &&
         (strcmp(info->dimension[1], VJ_NAME_STEP) == 0 || strcmp(info->dimension[1], VJ_NAME_EVAL) == 0);
}

/* What a trial measured. Its state, times and texts are not, nor what was known of it before: so of what is one number
 * a trial there is only the damage that it met. */
static bool is_measured(const vj_file_variable_info *info) {
  if (vj_record_is(info->name, VJ_RECORD_DAMAGED)) return true;
  return info->rank > 1 && info->type != VJ_FILE_TEXT && strcmp(info->dimension[0], VJ_NAME_TRIAL) == 0;
}

static vj_status read_places(vj_pool *pool, const vj_sweep_file *file, slab *s) {
  const int axis = vj_sweep_file_find(file, s->info.dimension[1]);
  int64_t *places = vj_pool_take(pool, (size_t)s->info.size[1] * sizeof *places);
  if (axis < 0) return vj_fail(VJ_DATA, "the sweep file has no axis %s", s->info.dimension[1]);
  if (!places) return no_memory(s->info.name);
  s->places = places;
  return vj_sweep_file_read(file, axis, (int64_t[]){0}, &s->info.size[1], places);
}

static vj_status read_slab(vj_pool *pool, const vj_bits_row *row, int variable, slab *s) {
  int64_t start[VJ_FILE_MAX_DIMENSIONS] = {row->trial}, count[VJ_FILE_MAX_DIMENSIONS] = {1}, values = 1;
  *s = (slab){0};
  if (variable < 0) return VJ_OK;
  vj_sweep_file_variable(row->file, variable, &s->info);
  for (int d = 1; d < s->info.rank; d++) values *= count[d] = s->info.size[d];
  s->rows = has_rows(&s->info) ? s->info.size[1] : 1;
  s->values = vj_pool_take(pool, (size_t)(values * vj_sweep_file_value_bytes(s->info.type, s->info.text_bytes)));
  if (!s->values) return no_memory(s->info.name);
  if (has_rows(&s->info)) VJ_TRY(read_places(pool, row->file, s));
  return vj_sweep_file_read(row->file, variable, start, count, s->values);
}

/* --- values ------------------------------------------------------------------------------------------------------ */

/* Where nothing was measured. */
static double fill_of(vj_file_type type) { return type == VJ_FILE_INT64 ? -1 : type == VJ_FILE_UINT8 ? 0 : NAN; }

/* All types fit a double exactly, whole numbers as far as they occur. */
static double value_at(const slab *s, int64_t i) {
  switch (s->info.type) {
    case VJ_FILE_DOUBLE:
      return ((const double *)s->values)[i];
    case VJ_FILE_FLOAT:
      return (double)((const float *)s->values)[i];
    case VJ_FILE_INT64:
      return (double)((const int64_t *)s->values)[i];
    default:
      return ((const uint8_t *)s->values)[i];
  }
}

static bool same(double a, double b) { return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0; }

/* The value at an index behind the row; files of more trials have more room than a trial needs. */
static double value(const slab *s, int64_t row, int first, int rank, const int64_t *index, vj_file_type type) {
  if (!s->values || row < 0) return fill_of(type);
  int64_t i = row;
  for (int d = first; d < rank; d++) {
    if (index[d] >= s->info.size[d]) return fill_of(type);
    i = i * s->info.size[d] + index[d];
  }
  return value_at(s, i);
}

static void note(matcher *m, int64_t step, int first, int rank, const int64_t *index, double one, double other) {
  vj_bits_difference *d = &m->result->first;
  int used = 0;
  if (m->result->other_values++ > 0 && d->step <= step) return;
  *d = (vj_bits_difference){.variable = m->a.info.name, .step = step, .one = one, .other = other};
  for (int i = first; i < rank && used < VJ_PLACE_BYTES - 24; i++)
    used += snprintf(d->at + used, sizeof d->at - (size_t)used, "%c%" PRId64, i == first ? '[' : ',', index[i]);
  if (used) snprintf(d->at + used, sizeof d->at - (size_t)used, "]");
}

/* The next index of those behind the row; false past the last. */
static bool advance(const matcher *m, int first, int rank, int64_t *index) {
  for (int d = rank - 1; d >= first; d--) {
    const int64_t other = m->b.values ? m->b.info.size[d] : 0, one = m->a.info.size[d];
    if (++index[d] < (one > other ? one : other)) return true;
    index[d] = 0;
  }
  return false;
}

/* One row of each; -1: the other has none. Returns whether all of it is the same. */
static void match_row(matcher *m, int64_t one_row, int64_t other_row, int64_t step) {
  const int rank = m->a.info.rank, first = m->a.places ? 2 : 1;
  const vj_file_type type = m->a.info.type;
  int64_t index[VJ_FILE_MAX_DIMENSIONS] = {0};
  do {
    const double one = value(&m->a, one_row, first, rank, index, type);
    const double other = value(&m->b, other_row, first, rank, index, type);
    if (isnan(one) && isnan(other)) continue;
    m->result->values++;
    if (!same(one, other)) note(m, step, first, rank, index, one, other);
  } while (advance(m, first, rank, index));
}

/* --- variables --------------------------------------------------------------------------------------------------- */

static int64_t row_of(const slab *s, int64_t place) {
  for (int64_t i = 0; i < s->rows && s->places; i++)
    if (s->places[i] == place) return i;
  return -1;
}

static vj_status match(matcher *m, int variable) {
  const bool is_whole = m->one->is_whole && m->other->is_whole && m->one->committed == m->other->committed;
  vj_bits_comparison *r = m->result;
  const int64_t values = r->values, differing = r->other_values;
  VJ_TRY(read_slab(m->pool, m->one, variable, &m->a));
  if (!m->a.places && !is_whole) return VJ_OK;
  VJ_TRY(read_slab(m->pool, m->other, vj_sweep_file_find(m->other->file, m->a.info.name), &m->b));
  if (m->b.values && (m->b.info.rank != m->a.info.rank || m->b.info.type != m->a.info.type ||
                      (m->b.places != NULL) != (m->a.places != NULL)))
    m->b.values = NULL;
  if (!m->a.places) match_row(m, 0, 0, r->steps);
  for (int64_t i = 0; i < m->a.rows && m->a.places; i++)
    if (m->a.places[i] <= r->steps) match_row(m, i, row_of(&m->b, m->a.places[i]), m->a.places[i]);
  r->variables += r->values > values;
  r->other_variables += r->other_values > differing;
  return VJ_OK;
}

static int64_t count_unknown(const vj_bits_row *one, const vj_bits_row *other) {
  int64_t count = 0;
  for (int v = 0; v < vj_sweep_file_variable_count(other->file); v++) {
    vj_file_variable_info info;
    vj_sweep_file_variable(other->file, v, &info);
    count += is_measured(&info) && vj_sweep_file_find(one->file, info.name) < 0;
  }
  return count;
}

vj_status vj_same_bits(const vj_bits_row *one, const vj_bits_row *other, vj_bits_comparison *comparison) {
  const int64_t steps = one->committed < other->committed ? one->committed : other->committed;
  *comparison = (vj_bits_comparison){.steps = steps > 0 ? steps : 0, .unknown = count_unknown(one, other)};
  for (int v = 0; v < vj_sweep_file_variable_count(one->file); v++) {
    matcher m = {.one = one, .other = other, .result = comparison};
    vj_file_variable_info info;
    vj_sweep_file_variable(one->file, v, &info);
    if (!is_measured(&info)) continue;
    VJ_TRY(vj_pool_create(&m.pool));
    const vj_status status = match(&m, v);
    vj_pool_destroy(&m.pool);
    VJ_TRY(status);
  }
  return VJ_OK;
}
