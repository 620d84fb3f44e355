#include "framework/base/cpu.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PATHS = 3 };

#if defined(__x86_64__)
static const char *const names[PATHS] = {"avx2", "avx512", "avx512bf16"};
#else
static const char *const names[PATHS] = {"plain", "avx512", "avx512bf16"};
#endif

vj_cpu vj_cpu_widest(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return VJ_CPU_AVX2;
  return __builtin_cpu_supports("avx512bf16") ? VJ_CPU_AVX512_BF16 : VJ_CPU_AVX512;
#else
  return VJ_CPU_AVX2;
#endif
}

/* The path that VJVCR_CPU names, or -1; *wish is its text, NULL if it is not set. */
static int wished(const char **wish) {
  *wish = getenv("VJVCR_CPU");
  for (int path = 0; *wish && path < PATHS; path++)
    if (strcmp(*wish, names[path]) == 0) return path;
  return -1;
}

static int choose(void) {
  const char *wish;
  const int named = wished(&wish), most = (int)vj_cpu_widest();
  return named >= 0 && named <= most ? named : most;
}

/* Threads that come here at once all find the same. */
vj_cpu vj_cpu_path(void) {
  static atomic_int found = -1;
  int path = atomic_load_explicit(&found, memory_order_relaxed);
  if (path < 0) {
    path = choose();
    atomic_store_explicit(&found, path, memory_order_relaxed);
  }
  return (vj_cpu)path;
}

const char *vj_cpu_path_name(vj_cpu path) { return names[path]; }

vj_status vj_cpu_check(void) {
  const char *wish;
  const int named = wished(&wish);
  const vj_cpu most = vj_cpu_widest();
  if (!wish) return VJ_OK;
  if (named < 0)
    return vj_fail(VJ_USAGE, "VJVCR_CPU=%s is not known; %s, %s and %s are, and this processor has up to %s", wish,
                   names[0], names[1], names[2], names[most]);
  if (named > (int)most)
    return vj_fail(VJ_USAGE, "VJVCR_CPU=%s: this processor has no more than %s; name that, or unset VJVCR_CPU", wish,
                   names[most]);
  return VJ_OK;
}
