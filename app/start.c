/* main(): is this a processor that the program was built for? This file alone is compiled for any x86-64, since the
 * compiler may use newer instructions anywhere else, and nothing of vjvcr's runs before it. */
#include <stdio.h>

#include "app/main.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdbool.h>

/* A bit of ECX. */
static bool has_bit(unsigned leaf, unsigned bit) {
  unsigned eax, ebx, ecx, edx;
  return __get_cpuid(leaf, &eax, &ebx, &ecx, &edx) && (ecx >> bit & 1) != 0;
}

/* What x86-64-v3 adds; the compiler's own function asks the operating system, too. NULL if nothing is missing. */
static const char *missing_feature(void) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2")) return "AVX2";
  if (!__builtin_cpu_supports("fma")) return "FMA";
  if (!__builtin_cpu_supports("bmi")) return "BMI1";
  if (!__builtin_cpu_supports("bmi2")) return "BMI2";
  if (!has_bit(1, 22)) return "MOVBE";
  if (!has_bit(1, 29)) return "F16C";
  if (!has_bit(0x80000001u, 5)) return "LZCNT";
  return NULL;
}
#else
static const char *missing_feature(void) { return NULL; }
#endif

int main(int argc, char **argv) {
  const char *missing = missing_feature();
  if (!missing) return vj_main(argc, argv);
  fprintf(stderr,
          "vjvcr: this processor has no %s, which vjvcr needs; use one of x86-64-v3 (Intel's since Haswell, 2013, "
          "AMD's since Excavator, 2015)\n",
          missing);
  return 2;
}
