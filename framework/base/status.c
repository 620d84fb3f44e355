/* The record of the last failure, one for each thread; vj/status.h tells how it is used.
 *
 * framework/base is what everything else stands on: status, memory, random numbers, threads, signals, bytes on the
 * disk. It sees the public headers alone. Begin with vj/status.h and vj/memory.h; headers here are what only we may
 * see. */
#include "vj/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES = 2048, FRAMES = 12, FRAME_BYTES = 160 };

static _Thread_local struct {
  vj_status status;
  char message[MESSAGE_BYTES];
  int frame_count;
  char frames[FRAMES][FRAME_BYTES];
} error;

/* Source paths are given from the project's root, whatever folder the compiler was called in. */
static const char *project_path(const char *file) {
#ifdef VJ_SOURCE_ROOT
  const size_t length = strlen(VJ_SOURCE_ROOT);
  if (strncmp(file, VJ_SOURCE_ROOT, length) == 0) return file + length;
#endif
  return file;
}

void vj_error_frame(const char *file, int line, const char *function) {
  if (error.frame_count == FRAMES) return;
  snprintf(error.frames[error.frame_count], FRAME_BYTES, "#%d %s (%s:%d)", error.frame_count, function,
           project_path(file), line);
  error.frame_count++;
}

/* Texts of files stand in sentences, and a terminal would obey their control characters. */
static void make_one_line(char *message) {
  for (char *c = message; *c; c++) {
    const unsigned char code = (unsigned char)*c;
    if (code < ' ' || code == 127) *c = code == '\n' || code == '\r' || code == '\t' ? ' ' : '?';
  }
}

vj_status vj_fail_at(vj_status status, const char *file, int line, const char *function, const char *format, ...) {
  char message[MESSAGE_BYTES]; /* built aside: an argument may be the previous message */
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  make_one_line(message);
  memcpy(error.message, message, sizeof message);
  error.status = status;
  error.frame_count = 0;
  vj_error_frame(file, line, function);
  return status;
}

void vj_error_prefix(const char *format, ...) {
  char message[2 * MESSAGE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  const int written = vsnprintf(message, MESSAGE_BYTES, format, arguments);
  va_end(arguments);
  const size_t used = written < 0 ? 0 : written < MESSAGE_BYTES ? (size_t)written : MESSAGE_BYTES - 1;
  make_one_line(message);
  snprintf(message + used, sizeof message - used, "%s", error.message);
  memcpy(error.message, message, MESSAGE_BYTES - 1);
}

void vj_error_line(const char *format, ...) {
  char line[MESSAGE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  make_one_line(line);
  const size_t used = strlen(error.message);
  snprintf(error.message + used, sizeof error.message - used, "\n  %s", line);
}

vj_status vj_error_adopt(vj_status status, const char *message) {
  char copy[MESSAGE_BYTES];
  snprintf(copy, sizeof copy, "%s", message);
  memcpy(error.message, copy, sizeof copy);
  error.status = status;
  error.frame_count = 0;
  return status;
}

const char *vj_error_message(void) { return error.message; }

vj_status vj_error_status(void) { return error.status; }

void vj_error_clear(void) {
  error.status = VJ_OK;
  error.message[0] = '\0';
  error.frame_count = 0;
}

int vj_error_trace(const char **lines, int capacity) {
  const int count = error.frame_count < capacity ? error.frame_count : capacity;
  for (int i = 0; i < count; i++) lines[i] = error.frames[i];
  return count;
}

static const struct {
  const char *text;
  int exit_code;
} status_table[] = {
#define VJ_STATUS_ROW(name, text, exit_code) {text, exit_code},
    VJ_STATUS_LIST(VJ_STATUS_ROW)
#undef VJ_STATUS_ROW
};

const char *vj_status_text(vj_status status) {
  return (unsigned)status < VJ_STATUS_COUNT ? status_table[status].text : "unknown status";
}

int vj_status_exit_code(vj_status status) {
  return (unsigned)status < VJ_STATUS_COUNT ? status_table[status].exit_code : 1;
}
