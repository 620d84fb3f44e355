#include "framework/base/disk_space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

double vj_disk_free(const char *path) {
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
