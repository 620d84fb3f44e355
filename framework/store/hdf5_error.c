#include "framework/store/hdf5_error.h"

#include <hdf5.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REASON_BYTES = 512 };

void vj_hdf5_quiet(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

static herr_t keep_innermost(unsigned depth, const H5E_error2_t *error, void *data) {
  if (depth == 0) snprintf(data, REASON_BYTES, "%s", error->desc ? error->desc : "");
  return 0;
}

int vj_hdf5_reason(char *text, size_t bytes) {
  char reason[REASON_BYTES] = "";
  if (H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, reason) < 0) reason[0] = '\0';
  /* Descriptions of failed system calls hold the time of day and addresses; the error number says enough. */
  const char *number = strstr(reason, "errno = ");
  const int cause = number ? atoi(number + strlen("errno = ")) : 0;
  snprintf(text, bytes, "%s", cause ? strerror(cause) : reason);
  return cause;
}

vj_status vj_hdf5_fail_at(const char *file, int line, const char *function, const char *path, const char *what, ...) {
  char reason[REASON_BYTES], done[REASON_BYTES];
  vj_hdf5_reason(reason, sizeof reason);
  va_list arguments;
  va_start(arguments, what);
  vsnprintf(done, sizeof done, what, arguments);
  va_end(arguments);
  return vj_fail_at(VJ_IO, file, line, function, "%s: %s: %s", path, done, reason[0] ? reason : "HDF5 gave no reason");
}
