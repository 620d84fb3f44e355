/* Variables in bf16: the eight exponent bits of a float, and eight digits. Only factors of matrix products are ever
 * rounded so; sums, statistics, weights and their updates stay in float. */
#ifndef VJ_FRAMEWORK_OPS_PRODUCT_BF16_H
#define VJ_FRAMEWORK_OPS_PRODUCT_BF16_H

#include <stdint.h>
#include <string.h>

#include "framework/graph/graph.h"

/* To the nearest, ties to even; NaN stays NaN. */
static inline uint16_t vj_round_bf16(vj_real x) {
  const float value = (float)x;
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16, quiet = (bits >> 16) | 64;
  return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}

/* The numbers of a variable in bf16, in the room that it has. */
static inline uint16_t *vj_bf16_numbers(vj_real *room) { return (uint16_t *)(void *)room; }

/* Two rows of bf16 side by side, as products read their right factor: to[i] has first[i] and second[i]. */
void vj_bf16_pair(const uint16_t *first, const uint16_t *second, uint32_t *to, int64_t count);
/* `count` numbers in bf16, side by side as they lie; count is even. */
void vj_bf16_round_rows(const vj_real *from, int64_t count, uint32_t *to);
/* to [columns,rows] = from [rows,columns]' of such pairs. */
void vj_bf16_transpose_pairs(const uint32_t *from, int64_t rows, int64_t columns, uint32_t *to, int64_t to_pitch);

/* x in bf16, made once however often it is asked for; by x's own op in the pass that makes it, if that op can. */
vj_var *vj_bf16(vj_graph *graph, vj_var *x);

#endif
