/* OpenBLAS's core: which of its sets of kernels runs here, and whether it computes rightly.
 *
 * OpenBLAS picks its kernels when it is loaded, from the processor or from OPENBLAS_CORETYPE. Some versions take a
 * recent AMD processor for a Haswell, and some machines have OPENBLAS_CORETYPE=Haswell in their environment; sgemm
 * then runs at half its speed on a processor with AVX-512. The user's word is VJVCR_BLAS_CORE: "keep" leaves
 * everything as it is, any other value is the core to use. Nothing here is collective.
 */
#ifndef VJ_APP_BLAS_CORE_H
#define VJ_APP_BLAS_CORE_H

#include <stdbool.h>
#include <stddef.h>

#include "vj/status.h"

/* To be called first thing in main(), before MPI and before any output. Where another core is better, or asked for,
 * starts this program again, once, with the same arguments and OPENBLAS_CORETYPE set; otherwise, and where that
 * fails, returns and leaves the environment as it was. */
void vj_blas_core_choose(int argc, char **argv);

/* Where the core in use comes from, e.g. "chosen by vjvcr instead of Haswell", into `buffer`; returns it. */
const char *vj_blas_core_origin(char *buffer, size_t bytes);

/* True where processor and operating system have the AVX-512 that OpenBLAS's kernels need (F, CD, BW, DQ, VL). */
bool vj_blas_core_has_avx512(void);

/* Compares sgemm and dgemm with a plain product on a few shapes, in numbers that both represent exactly: any
 * difference is an error. Below 5 ms. VJ_NUMERIC: OpenBLAS computes wrongly; VJ_USAGE: VJVCR_BLAS_CORE names a core
 * that OpenBLAS or the processor does not have. */
VJ_MUST_USE vj_status vj_blas_self_check(void);

#endif
