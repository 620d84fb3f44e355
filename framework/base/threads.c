#include "framework/base/threads.h"

#include <omp.h>

int vj_threads(void) {
  static int threads;
  if (threads == 0) threads = omp_get_max_threads();
  return threads;
}
