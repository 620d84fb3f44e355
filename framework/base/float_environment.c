#include "framework/base/float_environment.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

void vj_float_environment(void) {
  enum { FLAGS = 0x3f, DEFAULT = 0x1f80 }; /* what happened so far; all exceptions masked */
  if ((_mm_getcsr() & ~(unsigned)FLAGS) != DEFAULT) _mm_setcsr(DEFAULT);
}

#elif defined(__aarch64__)
#include <stdint.h>

void vj_float_environment(void) {
  uint64_t state;
  __asm__ volatile("mrs %0, fpcr" : "=r"(state));
  if (state != 0) __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
}

#else

void vj_float_environment(void) {}

#endif
