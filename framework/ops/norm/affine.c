#include "framework/ops/norm/affine.h"

#include <math.h>

#include "framework/base/kernel.h"
#include "framework/ops/product/bf16.h"

VJ_KERNEL(rows_of_relu,
          (const vj_real *x, const vj_real *restrict scale, const vj_real *restrict shift, int64_t rows,
           int64_t channels, vj_real *restrict y),
          (x, scale, shift, rows, channels, y)) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < channels; c++)
      y[r * channels + c] = vj_activated(VJ_RELU, vj_affine(x[r * channels + c], scale[c], shift[c]));
}

VJ_KERNEL(rows_of_identity,
          (const vj_real *x, const vj_real *restrict scale, const vj_real *restrict shift, int64_t rows,
           int64_t channels, vj_real *restrict y),
          (x, scale, shift, rows, channels, y)) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < channels; c++) y[r * channels + c] = vj_affine(x[r * channels + c], scale[c], shift[c]);
}

void vj_affine_rows(const vj_real *x, const vj_real *scale, const vj_real *shift, bool relu, int64_t rows,
                    int64_t channels, vj_real *y) {
  (relu ? rows_of_relu : rows_of_identity)(x, scale, shift, rows, channels, y);
}

static VJ_INLINE void rounded(const void *x, bool half, const vj_real *restrict scale, const vj_real *restrict shift,
                              bool relu, int64_t rows, int64_t channels, uint16_t *restrict y) {
  const vj_real least = relu ? 0 : -(vj_real)INFINITY;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < channels; c++) {
      const vj_real u = vj_affine(vj_number(x, half, r * channels + c), scale[c], shift[c]);
      y[r * channels + c] = vj_round_bf16(u < least ? least : u);
    }
}

VJ_KERNEL(rounded_rows,
          (const void *x, const vj_real *restrict scale, const vj_real *restrict shift, bool relu, int64_t rows,
           int64_t channels, uint16_t *restrict y),
          (x, scale, shift, relu, rows, channels, y)) {
  rounded(x, false, scale, shift, relu, rows, channels, y);
}

VJ_KERNEL(rounded_rows_of_half,
          (const void *x, const vj_real *restrict scale, const vj_real *restrict shift, bool relu, int64_t rows,
           int64_t channels, uint16_t *restrict y),
          (x, scale, shift, relu, rows, channels, y)) {
  rounded(x, true, scale, shift, relu, rows, channels, y);
}

void vj_affine_rows_bf16(const void *x, bool half, const vj_real *scale, const vj_real *shift, bool relu, int64_t rows,
                         int64_t channels, uint16_t *y) {
  (half ? rounded_rows_of_half : rounded_rows)(x, scale, shift, relu, rows, channels, y);
}
