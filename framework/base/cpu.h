/* Which instructions this process computes with. One program serves every x86-64-v3 processor (AVX2 and FMA); where a
 * processor has wider vectors, the same sums are computed with them, number by number in the same order, so that
 * results are equal to the bit. Not collective.
 *
 * VJVCR_CPU=avx2|avx512|avx512bf16 forces a path, for tests. Elsewhere than on x86-64 there is one path, the first.
 */
#ifndef VJ_FRAMEWORK_BASE_CPU_H
#define VJ_FRAMEWORK_BASE_CPU_H

#include "vj/status.h"

/* Each has all that those before it have. */
typedef enum vj_cpu { VJ_CPU_AVX2, VJ_CPU_AVX512, VJ_CPU_AVX512_BF16 } vj_cpu;

/* The widest that processor and operating system have. */
vj_cpu vj_cpu_widest(void);
/* That, or what VJVCR_CPU names. Found once; costs a load after that. */
vj_cpu vj_cpu_path(void);
/* As VJVCR_CPU has it: "avx512". */
const char *vj_cpu_path_name(vj_cpu path);
/* VJ_USAGE if VJVCR_CPU names no path, or one that this processor does not have; vj_cpu_path() passes over it then. */
vj_status vj_cpu_check(void);

#endif
