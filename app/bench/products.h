/* The kernels of matrix products that a configuration uses, each timed by itself. */
#ifndef VJ_APP_BENCH_PRODUCTS_H
#define VJ_APP_BENCH_PRODUCTS_H

#include "app/bench/peak.h"
#include "framework/ops/product/product.h"

/* Prints a table of all that this process has, by shape: what one thread reaches in batches of one and of nine pairs,
 * against the peak in the same run. Not collective. */
VJ_MUST_USE vj_status vj_products_print(const vj_peak *peak);
/* GFLOP/s of one thread with one shape, the best of nine tries of so many seconds. Not collective. */
VJ_MUST_USE vj_status vj_products_rate(const vj_product_shape *shape, double seconds, double *gflops);

#endif
