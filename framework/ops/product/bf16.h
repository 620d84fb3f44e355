/* Variables in bf16: the eight exponent bits of a float, and eight digits. Factors of matrix products are rounded so,
 * and activations on their way from op to op (framework/graph/precision.c); sums, statistics, weights and their updates
 * stay in float. */
#ifndef VJ_FRAMEWORK_OPS_PRODUCT_BF16_H
#define VJ_FRAMEWORK_OPS_PRODUCT_BF16_H

#include <stdint.h>
#include <string.h>

#include "framework/base/kernel.h"
#include "framework/graph/graph.h"

/* To the nearest, ties to even; of NaN there is one. */
static VJ_INLINE uint16_t vj_round_bf16(vj_real x) {
  const float value = (float)x;
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : rounded);
}

static VJ_INLINE vj_real vj_widen_bf16(uint16_t x) {
  const uint32_t bits = (uint32_t)x << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return (vj_real)value;
}

/* Number i of a variable, and what becomes it; `half` is a constant wherever speed counts. */
static VJ_INLINE vj_real vj_number(const void *numbers, bool half, int64_t i) {
  return half ? vj_widen_bf16(((const uint16_t *)numbers)[i]) : ((const vj_real *)numbers)[i];
}
static VJ_INLINE void vj_put_number(void *numbers, bool half, int64_t i, vj_real x) {
  if (half)
    ((uint16_t *)numbers)[i] = vj_round_bf16(x);
  else
    ((vj_real *)numbers)[i] = x;
}
static VJ_INLINE int64_t vj_number_bytes(bool half) { return (int64_t)(half ? sizeof(uint16_t) : sizeof(vj_real)); }
/* From number `first` on. */
static VJ_INLINE const void *vj_numbers_from(const void *numbers, bool half, int64_t first) {
  return (const char *)numbers + first * vj_number_bytes(half);
}
static VJ_INLINE void *vj_room_from(void *numbers, bool half, int64_t first) {
  return (char *)numbers + first * vj_number_bytes(half);
}

/* The numbers of a variable in bf16, in the room that it has. */
static inline uint16_t *vj_bf16_numbers(vj_real *room) { return (uint16_t *)(void *)room; }

/* Two rows of bf16 side by side, as products read their right factor: to[i] has first[i] and second[i]. */
void vj_bf16_pair(const uint16_t *first, const uint16_t *second, uint32_t *to, int64_t count);
/* Rows of `count` numbers, rounded, and back. */
void vj_bf16_round(const vj_real *from, int64_t from_pitch, int64_t rows, int64_t count, uint16_t *to,
                   int64_t to_pitch);
void vj_bf16_widen(const uint16_t *from, int64_t count, vj_real *to);
/* to [columns,rows] = from [rows,columns]' of such pairs. */
void vj_bf16_transpose_pairs(const uint32_t *from, int64_t rows, int64_t columns, uint32_t *to, int64_t to_pitch);

/* x in bf16, made once however often it is asked for; x itself, if the planner finds that it may be. */
vj_var *vj_bf16(vj_graph *graph, vj_var *x);

#endif
