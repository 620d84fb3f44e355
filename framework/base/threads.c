#include "framework/base/threads.h"

#include <omp.h>

#include "framework/base/float_environment.h"

int vj_threads(void) {
  static int threads;
  if (threads == 0) threads = omp_get_max_threads();
  return threads;
}

void vj_threads_begin(void) {
#pragma omp parallel num_threads(vj_threads())
  vj_float_environment();
}
