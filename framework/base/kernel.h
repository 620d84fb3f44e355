/* Loops over many numbers, written once and compiled for each width of vectors:
 *
 *   VJ_KERNEL(scale, (const vj_real *x, vj_real *y, int64_t count, vj_real a), (x, y, count, a)) {
 *     for (int64_t i = 0; i < count; i++) y[i] = a * x[i];
 *   }
 *
 * is `static void scale(const vj_real *x, ...)`, which goes by vj_cpu_path(). The first bracket has the parameters, the
 * second their names.
 *
 * Both versions give the same bits, since compilers neither fuse a product with a sum here (-ffp-contract=off: who
 * wants a fused multiply-add writes fma or fmaf, which are one instruction) nor change the order of a sum. So vectors
 * must lie along numbers that are independent of each other: a sum over many numbers is not made faster by this, but by
 * lanes of a fixed number, written out. `omp simd reduction` takes as many lanes as a vector has, and must not be used.
 *
 * What a kernel calls has to be inlined to be as wide: `static inline`, with VJ_INLINE where the compiler hesitates. No
 * parallel regions within.
 */
#ifndef VJ_FRAMEWORK_BASE_KERNEL_H
#define VJ_FRAMEWORK_BASE_KERNEL_H

#include "framework/base/cpu.h"

/* Before a loop whose turns do not depend on each other, whatever pointers there are. */
#if defined(__clang__)
#define VJ_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define VJ_INDEPENDENT _Pragma("GCC ivdep")
#endif

#define VJ_INLINE inline __attribute__((always_inline))

#if !defined(__x86_64__)

#define VJ_KERNEL(name, parameters, arguments) static void name parameters

#else

/* A function of AVX-512; to be called where vj_cpu_path() says so. Compilers would keep to vectors of 32 bytes. */
#if defined(__clang__)
#define VJ_WIDE __attribute__((target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl"), min_vector_width(512)))
#else
#define VJ_WIDE __attribute__((target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,prefer-vector-width=512")))
#endif

#define VJ_KERNEL(name, parameters, arguments)                                                    \
  static VJ_INLINE void name##_body parameters;                                                   \
  __attribute__((noinline)) static void name##_narrow parameters { name##_body arguments; }       \
  VJ_WIDE __attribute__((noinline)) static void name##_wide parameters { name##_body arguments; } \
  static void name parameters {                                                                   \
    if (vj_cpu_path() >= VJ_CPU_AVX512)                                                           \
      name##_wide arguments;                                                                      \
    else                                                                                          \
      name##_narrow arguments;                                                                    \
  }                                                                                               \
  static VJ_INLINE void name##_body parameters

#endif
#endif
