#include "app/bench/precisions.h"

#include <stdbool.h>
#include <stdio.h>

#include "app/bench/products.h"

/* Both factors and sums are in the nearest caches. */
enum { ROWS = 48, COLUMNS = 64, DEPTH = 128 };

vj_status vj_precisions_measure(vj_precisions *found) {
  const double seconds = 0.3e-3;
  vj_product_shape shape = {
      .rows = ROWS, .columns = COLUMNS, .depth = DEPTH, .a_pitch = DEPTH, .b_pitch = COLUMNS, .c_pitch = COLUMNS};
  VJ_TRY(vj_products_rate(&shape, seconds, &found->fp32));
  shape.bf16 = true;
  return vj_products_rate(&shape, seconds, &found->bf16);
}

const char *vj_precisions_text(const vj_precisions *found, char text[VJ_PRECISIONS_BYTES]) {
  snprintf(text, VJ_PRECISIONS_BYTES, "%.0f GFLOP/s a core in fp32, %.0f in bf16%s", found->fp32, found->bf16,
           found->bf16 < found->fp32 ? ": optim.precision=bf16 is slower here" : "");
  return text;
}

const char *vj_precisions_advice(const vj_precisions *found, char text[VJ_PRECISIONS_BYTES]) {
  text[0] = '\0';
  if (found->bf16 < found->fp32)
    snprintf(text, VJ_PRECISIONS_BYTES,
             "bf16 is slower than fp32 on this processor (products at %.0f and %.0f GFLOP/s a core); "
             "optim.precision=fp32 would take less time here",
             found->bf16, found->fp32);
  return text;
}
