/* The parameter table of a model: {name, shape, layout, offset}, all values in one allocation, gradients and states
 * in two others of the same order. The table also names the data sets of checkpoints. Not collective. */
#ifndef VJ_FRAMEWORK_GRAPH_PARAMETERS_H
#define VJ_FRAMEWORK_GRAPH_PARAMETERS_H

#include "vj/graph.h"
#include "vj/memory.h"

typedef struct vj_parameter_row {
  const char *name, *layout;
  const char *stream; /* the name its first values are drawn by: its own, or that of the row it is an average of */
  vj_shape shape;
  int64_t count, offset; /* numbers, in `values` and `gradients`, or in `states` */
  vj_init init;
  double scale;
  bool decay, trained;
} vj_parameter_row;

typedef struct vj_parameters {
  vj_pool *pool;
  vj_parameter_row *rows;
  int count;
  int64_t value_count, state_count; /* numbers in all; every row starts at a multiple of 64 bytes */
  vj_real *values, *gradients, *states;
} vj_parameters;

VJ_MUST_USE vj_status vj_parameters_create(vj_parameters **parameters);
void vj_parameters_destroy(vj_parameters **parameters);
/* Index of a row by name, or -1. */
int vj_parameters_find(const vj_parameters *parameters, const char *name);
/* Adds a row, or finds it; VJ_SHAPE when it exists with another shape. Rows of the same `stream` begin alike. */
VJ_MUST_USE vj_status vj_parameters_add(vj_parameters *parameters, const char *name, const char *stream,
                                        const vj_param_spec *spec, bool trained, int *index);
/* Allocates the three blocks; values and gradients are zero. */
VJ_MUST_USE vj_status vj_parameters_allocate(vj_parameters *parameters);
/* Draws every row's values from the stream (seed, its `stream`): the same for any order of creation. */
void vj_parameters_initialise(vj_parameters *parameters, uint64_t seed);

#endif
