#include "sweeps/space/sampler.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_qrng.h>
#include <math.h>
#include <stdlib.h>

#include "vj/rng.h"

static const double below_one = 0x1.fffffffffffffp-1; /* the largest number that is */

static const gsl_qrng_type *sequence_type(vj_method method) {
  return method == VJ_METHOD_SOBOL ? gsl_qrng_sobol : method == VJ_METHOD_HALTON ? gsl_qrng_halton : NULL;
}

int64_t vj_sampler_most_dimensions(vj_method method) {
  const gsl_qrng_type *type = sequence_type(method);
  return type ? type->max_dimension : UINT32_MAX;
}

static void draw_random(uint64_t seed, int64_t count, int64_t dimensions, double *points) {
  for (int64_t i = 0; i < count; i++)
    for (int64_t d = 0; d < dimensions; d++) {
      vj_rng rng = vj_rng_stream(seed, VJ_RNG_SWEEP, (uint32_t)d, (uint64_t)i);
      points[i * dimensions + d] = vj_rng_uniform(&rng);
    }
}

static vj_status draw_latin_hypercube(uint64_t seed, int64_t count, int64_t dimensions, double *points) {
  int64_t *strips = malloc((size_t)count * sizeof *strips);
  if (!strips) return vj_fail(VJ_MEMORY, "no memory for %lld samples", (long long)count);
  for (int64_t d = 0; d < dimensions; d++) {
    vj_rng rng = vj_rng_stream(seed, VJ_RNG_SWEEP, (uint32_t)d, (uint64_t)count);
    vj_rng_permutation(&rng, count, strips);
    for (int64_t i = 0; i < count; i++)
      points[i * dimensions + d] = fmin(((double)strips[i] + vj_rng_uniform(&rng)) / (double)count, below_one);
  }
  free(strips);
  return VJ_OK;
}

/* GSL leaves out the point at the origin by itself. */
static vj_status draw_sequence(const gsl_qrng_type *type, int64_t count, int64_t dimensions, double *points) {
  gsl_error_handler_t *handler = gsl_set_error_handler_off(); /* which would end the program */
  gsl_qrng *sequence = gsl_qrng_alloc(type, (unsigned)dimensions);
  gsl_set_error_handler(handler);
  if (!sequence) return vj_fail(VJ_MEMORY, "no memory for a sequence of samples");
  for (int64_t i = 0; i < count; i++) gsl_qrng_get(sequence, points + i * dimensions);
  gsl_qrng_free(sequence);
  return VJ_OK;
}

static void shift(uint64_t seed, int64_t count, int64_t dimensions, double *points) {
  for (int64_t d = 0; d < dimensions; d++) {
    vj_rng rng = vj_rng_stream(seed, VJ_RNG_SWEEP, (uint32_t)d, 0);
    const double by = vj_rng_uniform(&rng);
    for (int64_t i = 0; i < count; i++) {
      const double moved = points[i * dimensions + d] + by;
      points[i * dimensions + d] = moved - floor(moved);
    }
  }
}

vj_status vj_sampler_draw(vj_method method, uint64_t seed, int64_t count, int64_t dimensions, double *points) {
  if (method == VJ_METHOD_LATIN_HYPERCUBE) return draw_latin_hypercube(seed, count, dimensions, points);
  if (!sequence_type(method)) {
    draw_random(seed, count, dimensions, points);
    return VJ_OK;
  }
  VJ_TRY(draw_sequence(sequence_type(method), count, dimensions, points));
  if (seed) shift(seed, count, dimensions, points);
  return VJ_OK;
}
