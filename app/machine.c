#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
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

double vj_machine_disk_free(const char *path) {
  char *folder = calloc(strlen(path) + 2, 1);
  struct statvfs disk;
  if (!folder) return -1;
  strcpy(folder, path);
  int failed = statvfs(folder, &disk);
  while (failed && errno == ENOENT && strcmp(folder, ".") != 0 && strcmp(folder, "/") != 0) {
    char *slash = strrchr(folder, '/');
    if (!slash)
      strcpy(folder, ".");
    else
      slash[slash == folder] = '\0';
    failed = statvfs(folder, &disk);
  }
  free(folder);
  return failed ? -1 : (double)disk.f_bavail * (double)disk.f_frsize;
}
