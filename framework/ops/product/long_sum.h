/* Sums over many thousand terms: products over at most VJ_SUM_TERMS of them, in vj_real, are added in double. So their
 * rounding does not grow with the batch. */
#ifndef VJ_FRAMEWORK_OPS_PRODUCT_LONG_SUM_H
#define VJ_FRAMEWORK_OPS_PRODUCT_LONG_SUM_H

#include <stddef.h>

#include "framework/ops/product/product.h"

enum { VJ_SUM_TERMS = 512 };

/* total += part */
void vj_long_sum_add(double *total, const vj_real *part, int64_t count);
void vj_long_sum_finish(const double *total, vj_real *sum, int64_t count);

/* c = a b as vj_product_shape has it, over one pair of any depth. */
typedef struct vj_long_product {
  vj_product_shape shape;
  const vj_product *block, *rest; /* of VJ_SUM_TERMS terms, and of what is left */
} vj_long_product;

/* False without memory, in which case vj_error_message() has a sentence. shape.add is not looked at. */
bool vj_long_product_find(const vj_product_shape *shape, vj_long_product *product);
size_t vj_long_product_scratch(const vj_product_shape *shape);
void vj_long_product_run(const vj_long_product *product, const vj_real *a, const vj_real *b, vj_real *c, void *scratch);

#endif
