#include "framework/base/machine_memory.h"

#include <stdio.h>
#include <unistd.h>

double vj_machine_memory(double *total) {
  const double all = (double)sysconf(_SC_PAGESIZE) * (double)sysconf(_SC_PHYS_PAGES);
  double limit = 0; /* the file says "max" where there is none */
  FILE *file = fopen("/sys/fs/cgroup/memory.max", "r");
  if (file && fscanf(file, "%lf", &limit) != 1) limit = 0;
  if (file) fclose(file);
  if (total) *total = all;
  return limit > 0 && limit < all ? limit : all;
}
