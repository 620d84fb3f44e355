#include "framework/graph/parameters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vj/rng.h"

vj_status vj_parameters_create(vj_parameters **parameters) {
  *parameters = calloc(1, sizeof **parameters);
  if (!*parameters) return vj_fail(VJ_MEMORY, "no memory for a parameter table");
  const vj_status status = vj_pool_create(&(*parameters)->pool);
  if (status != VJ_OK) vj_parameters_destroy(parameters);
  return status;
}

void vj_parameters_destroy(vj_parameters **parameters) {
  if (!*parameters) return;
  free((*parameters)->values);
  free((*parameters)->gradients);
  free((*parameters)->states);
  vj_pool_destroy(&(*parameters)->pool);
  free(*parameters);
  *parameters = NULL;
}

int vj_parameters_find(const vj_parameters *parameters, const char *name) {
  for (int i = 0; i < parameters->count; i++)
    if (strcmp(parameters->rows[i].name, name) == 0) return i;
  return -1;
}

vj_status vj_parameters_add(vj_parameters *parameters, const char *name, const char *stream, const vj_param_spec *spec,
                            bool trained, int *index) {
  *index = vj_parameters_find(parameters, name);
  if (*index >= 0) {
    const vj_parameter_row *row = &parameters->rows[*index];
    if (row->trained != trained)
      return vj_fail(VJ_INTERNAL, "%s is asked for both as a parameter and as a state", name);
    if (vj_shape_same(&row->shape, &spec->shape)) return VJ_OK;
    return vj_fail(VJ_SHAPE, "parameter %s is used with shape %s and with shape %s", name, VJ_SHAPE_TEXT(&row->shape),
                   VJ_SHAPE_TEXT(&spec->shape));
  }
  if (!vj_pool_grow(parameters->pool, &parameters->rows, parameters->count, sizeof *parameters->rows))
    return vj_fail(VJ_MEMORY, "no memory for %d parameters", parameters->count + 1);
  const int64_t count = vj_shape_count(&spec->shape, 0, spec->shape.rank);
  const int64_t step = VJ_ALIGNMENT / (int64_t)sizeof(vj_real);
  int64_t *total = trained ? &parameters->value_count : &parameters->state_count;
  vj_parameter_row row = {.name = vj_pool_text(parameters->pool, name),
                          .layout = vj_pool_text(parameters->pool, spec->layout),
                          .stream = vj_pool_text(parameters->pool, stream),
                          .shape = spec->shape,
                          .count = count,
                          .offset = *total,
                          .init = spec->init,
                          .scale = spec->scale,
                          .decay = spec->decay,
                          .trained = trained};
  if (!row.name || !row.layout || !row.stream) return vj_fail(VJ_MEMORY, "no memory for parameter %s", name);
  *total += (count + step - 1) / step * step;
  *index = parameters->count;
  parameters->rows[parameters->count++] = row;
  return VJ_OK;
}

vj_status vj_parameters_allocate(vj_parameters *parameters) {
  VJ_TRY(vj_allocate((size_t)parameters->value_count, sizeof(vj_real), "parameters", &parameters->values));
  VJ_TRY(vj_allocate((size_t)parameters->value_count, sizeof(vj_real), "gradients", &parameters->gradients));
  return vj_allocate((size_t)parameters->state_count, sizeof(vj_real), "states", &parameters->states);
}

/* Those beyond `most` are drawn anew. */
static void draw_normals(vj_rng *rng, double deviation, double most, int64_t count, vj_real *values) {
  enum { BLOCK = 256 };
  double numbers[BLOCK];
  for (int64_t k = 0; k < count;) {
    vj_rng_normals(rng, BLOCK, numbers);
    for (int i = 0; i < BLOCK && k < count; i++)
      if (fabs(deviation * numbers[i]) <= most) values[k++] = (vj_real)(deviation * numbers[i]);
  }
}

void vj_parameters_initialise(vj_parameters *parameters, uint64_t seed) {
  for (int i = 0; i < parameters->count; i++) {
    const vj_parameter_row *row = &parameters->rows[i];
    vj_real *values = (row->trained ? parameters->values : parameters->states) + row->offset;
    const uint64_t hash = vj_hash_text(row->stream);
    vj_rng rng = vj_rng_stream(seed, VJ_RNG_INIT, (uint32_t)hash, hash >> 32);
    if (row->init == VJ_INIT_NORMAL || row->init == VJ_INIT_TRUNCATED)
      draw_normals(&rng, row->scale, row->init == VJ_INIT_TRUNCATED ? 2 : INFINITY, row->count, values);
    for (int64_t k = 0; k < row->count; k++) {
      switch (row->init) {
        case VJ_INIT_ZERO:
          values[k] = 0;
          break;
        case VJ_INIT_ONE:
          values[k] = 1;
          break;
        case VJ_INIT_UNIFORM:
          values[k] = (vj_real)(row->scale * (2 * vj_rng_uniform(&rng) - 1));
          break;
        case VJ_INIT_NORMAL:
        case VJ_INIT_TRUNCATED:
          break;
        case VJ_INIT_CONSTANT:
          values[k] = (vj_real)row->scale;
          break;
      }
    }
  }
}
