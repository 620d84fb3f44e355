/* The channel-wise affine map of a normalisation with its activation, for ops that apply it themselves to what they
 * read: then nothing is written only to be read again. */
#ifndef VJ_FRAMEWORK_OPS_NORM_AFFINE_H
#define VJ_FRAMEWORK_OPS_NORM_AFFINE_H

#include "framework/ops/elementwise/activation.h"
#include "framework/ops/op.h"

/* What vj_channel_affine() computes of each number, in every place that does. */
static inline vj_real vj_affine(vj_real x, vj_real scale, vj_real shift) { return vj_fma(x, scale, shift); }

typedef struct vj_affine_map {
  vj_var *x, *scale, *shift; /* scale and shift shared [C] */
  vj_activation activation;
} vj_affine_map;

/* Whether y is such a map of a batched variable with ReLU or without activation, and which: those take zeros to zeros
 * where scale and shift are zero, as outside of an image. */
bool vj_affine_map_of(const vj_var *y, vj_affine_map *map);

/* y = activation(x scale + shift) for `rows` rows of `channels`; relu or identity. */
void vj_affine_rows(const vj_real *x, const vj_real *scale, const vj_real *shift, bool relu, int64_t rows,
                    int64_t channels, vj_real *y);
/* The same, rounded to bf16; x may be so already (`half`). */
void vj_affine_rows_bf16(const void *x, bool half, const vj_real *scale, const vj_real *shift, bool relu, int64_t rows,
                         int64_t channels, uint16_t *y);

#endif
