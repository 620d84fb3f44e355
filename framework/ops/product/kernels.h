/* Where product.c gets its kernels from. */
#ifndef VJ_FRAMEWORK_OPS_PRODUCT_KERNELS_H
#define VJ_FRAMEWORK_OPS_PRODUCT_KERNELS_H

#include "framework/ops/product/product.h"

/* Code for one shape, as LIBXSMM's kernels over offsets are called: b before a, since it counts columns first. */
typedef void (*vj_generated)(const void *b, const void *a, vj_real *c, const unsigned long long *pairs,
                             const unsigned long long *b_at, const unsigned long long *a_at);

/* NULL where there is none. */
vj_generated vj_product_generate(const vj_product_shape *shape);
/* For how many columns, the first ones, code is made; what is left is a product of its own. */
int64_t vj_product_columns_at_once(const vj_product_shape *shape);

/* Matrices that are multiplied in pairs and added up: of pair e, a begins a_at[e] bytes behind a. */
typedef struct vj_pairs {
  int64_t count;
  const void *a, *b;
  const uint64_t *a_at, *b_at;
} vj_pairs;

/* Code for any shape, where none is generated. */
typedef void (*vj_general_kernel)(const vj_product_shape *shape, int64_t count, const void *a, const uint64_t *a_at,
                                  const void *b, const uint64_t *b_at, vj_real *c);
/* The fastest there is on vj_cpu_path(): the instruction for bf16 where the processor has it, else plain C. */
vj_general_kernel vj_product_fallback(const vj_product_shape *shape);
/* Any shape, vectors along the columns. */
void vj_product_plain(const vj_product_shape *shape, int64_t pairs, const void *a, const uint64_t *a_at, const void *b,
                      const uint64_t *b_at, vj_real *c);

#endif
