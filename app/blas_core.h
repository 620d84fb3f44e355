/* OpenBLAS's core: which of its sets of kernels runs here, and whether it computes rightly.
 *
 * OpenBLAS picks its kernels when it is loaded, from the processor or from OPENBLAS_CORETYPE, and each gives other last
 * digits. What is measured of features goes through it (ridge and softmax regression, spectra, LiDAR, CKA), so one core
 * is used everywhere. Nothing here is collective.
 */
#ifndef VJ_APP_BLAS_CORE_H
#define VJ_APP_BLAS_CORE_H

#include "vj/status.h"

/* To be called first thing in main(), before MPI and before any output. Where OpenBLAS has another core than Haswell
 * in use, starts this program again, once, with the same arguments and OPENBLAS_CORETYPE=Haswell, whatever the user
 * has set; where that is not possible, returns. */
void vj_blas_core_pin(int argc, char **argv);

/* Why the core in use is in use. */
const char *vj_blas_core_origin(void);

/* Compares dgemm with a plain product on a few shapes, and the solution of symmetric equations with what it must be, in
 * whole numbers that no step rounds: any difference is an error. Below 5 ms. VJ_NUMERIC: OpenBLAS computes wrongly. */
VJ_MUST_USE vj_status vj_blas_self_check(void);

#endif
