#include "text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vj/memory.h"

static vj_status read_all(FILE *file, const char *path, size_t most, char **text, size_t *bytes) {
  struct stat about;
  if (fstat(fileno(file), &about) != 0) return vj_fail(VJ_IO, "%s: can't be read: %s", path, strerror(errno));
  if (!S_ISREG(about.st_mode)) return vj_fail(VJ_IO, "%s: is no file", path);
  if ((unsigned long long)about.st_size > most)
    return vj_fail(VJ_DATA, "%s: of %lld bytes, and at most %zu are expected", path, (long long)about.st_size, most);
  VJ_TRY(vj_allocate((size_t)about.st_size + 1, 1, path, text));
  *bytes = fread(*text, 1, (size_t)about.st_size, file);
  if (ferror(file)) return vj_fail(VJ_IO, "%s: can't be read: %s", path, strerror(errno));
  return VJ_OK;
}

vj_status vj_text_file_read(const char *path, size_t most, char **text, size_t *bytes) {
  *text = NULL;
  *bytes = 0;
  FILE *file = fopen(path, "rb");
  if (!file) return vj_fail(VJ_IO, "%s: can't be opened: %s", path, strerror(errno));
  const vj_status status = read_all(file, path, most, text, bytes);
  fclose(file);
  if (status == VJ_OK) return VJ_OK;
  free(*text);
  *text = NULL;
  return status;
}
