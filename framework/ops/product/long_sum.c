#include "framework/ops/product/long_sum.h"

#include <string.h>

#include "framework/base/kernel.h"

VJ_KERNEL(add, (double *restrict total, const vj_real *restrict part, int64_t count), (total, part, count)) {
  for (int64_t i = 0; i < count; i++) total[i] += (double)part[i];
}

VJ_KERNEL(finish, (const double *restrict total, vj_real *restrict sum, int64_t count), (total, sum, count)) {
  for (int64_t i = 0; i < count; i++) sum[i] = (vj_real)total[i];
}

void vj_long_sum_add(double *total, const vj_real *part, int64_t count) { add(total, part, count); }
void vj_long_sum_finish(const double *total, vj_real *sum, int64_t count) { finish(total, sum, count); }

static bool is_long(const vj_product_shape *s) { return s->depth > VJ_SUM_TERMS; }

bool vj_long_product_find(const vj_product_shape *shape, vj_long_product *product) {
  vj_product_shape s = *shape;
  s.add = false;
  *product = (vj_long_product){.shape = s};
  if (is_long(shape)) {
    s.c_pitch = s.columns;
    s.depth = VJ_SUM_TERMS;
    product->block = vj_product_find(&s);
    s.depth = shape->depth % VJ_SUM_TERMS;
    if (s.depth == 0) return product->block;
  }
  product->rest = vj_product_find(&s);
  return product->rest && (product->block || !is_long(shape));
}

size_t vj_long_product_scratch(const vj_product_shape *s) {
  return is_long(s) ? (size_t)(s->rows * s->columns) * (sizeof(double) + sizeof(vj_real)) : 0;
}

void vj_long_product_run(const vj_long_product *product, const vj_real *a, const vj_real *b, vj_real *c,
                         void *scratch) {
  const vj_product_shape *s = &product->shape;
  if (!is_long(s)) {
    vj_product_once(product->rest, a, b, c);
    return;
  }
  const int64_t numbers = s->rows * s->columns, a_step = s->a_transposed ? s->a_pitch : 1;
  double *total = scratch;
  vj_real *part = (vj_real *)(void *)(total + numbers);
  memset(total, 0, (size_t)numbers * sizeof *total);
  for (int64_t k = 0; k < s->depth; k += VJ_SUM_TERMS) {
    vj_product_once(s->depth - k < VJ_SUM_TERMS ? product->rest : product->block, a + k * a_step, b + k * s->b_pitch,
                    part);
    add(total, part, numbers);
  }
  for (int64_t i = 0; i < s->rows; i++) finish(total + i * s->columns, c + i * s->c_pitch, s->columns);
}
