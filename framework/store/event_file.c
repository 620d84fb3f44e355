#include "framework/store/event_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "framework/base/disk.h"
#include "framework/store/protobuf.h"
#include "vj/bytes.h"

struct vj_event_file {
  int descriptor;
  char path[1200];
  vj_message event, part; /* room that is used again */
};

/* Numbers of fields and enumerations in TensorFlow's .proto files. */
enum { WALL_TIME = 1, STEP = 2, FILE_VERSION = 3, SUMMARY = 5, SESSION_LOG = 7 }; /* Event */
enum { STATUS = 1, START = 1 };                                                   /* SessionLog */
enum { VALUE = 1 };                                                               /* Summary */
enum { TAG = 1, SIMPLE_VALUE = 2, TENSOR = 8, METADATA = 9 };                     /* Summary.Value */
enum { PLUGIN_DATA = 1, PLUGIN_NAME = 1, DATA_CLASS = 4, DATA_CLASS_TENSOR = 2 }; /* SummaryMetadata */
enum { DTYPE = 1, DT_STRING = 7, TENSOR_SHAPE = 2, STRING_VAL = 8 };              /* TensorProto */

static const char prefix[] = "events.out.tfevents.";

/* --- records ------------------------------------------------------------------------------------------------- */

static vj_status system_fail(const vj_event_file *file, int cause) {
  return vj_fail(VJ_IO, "%s: can't be written: %s", file->path, vj_disk_reason(cause));
}

/* A number that is a CRC itself is not to look like the one of its surroundings. */
static uint32_t masked_crc(const unsigned char *bytes, size_t count) {
  const uint32_t crc = vj_crc32c(bytes, count);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

/* All of it in one call, as far as the system takes it. */
static vj_status write_bytes(const vj_event_file *file, const unsigned char *bytes, size_t count) {
  size_t done = 0;
  while (done < count) {
    const ssize_t n = write(file->descriptor, bytes + done, count - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return system_fail(file, n < 0 ? errno : EIO);
    done += (size_t)n;
  }
  return VJ_OK;
}

static vj_status write_event(const vj_event_file *file) {
  enum { BEFORE = 12, BEHIND = 4 };
  const vj_message *event = &file->event;
  if (event->failed || file->part.failed) return vj_fail(VJ_MEMORY, "%s: no memory for a record", file->path);
  unsigned char *record = malloc(event->count + BEFORE + BEHIND);
  if (!record) return vj_fail(VJ_MEMORY, "%s: no memory for a record", file->path);
  vj_put_little(record, event->count, 8);
  vj_put_little(record + 8, masked_crc(record, 8), 4);
  memcpy(record + BEFORE, event->bytes, event->count);
  vj_put_little(record + BEFORE + event->count, masked_crc(event->bytes, event->count), BEHIND);
  const vj_status status = write_bytes(file, record, event->count + BEFORE + BEHIND);
  free(record);
  return status;
}

static void begin_event(vj_event_file *file, int64_t step) {
  struct timespec now = {0};
  clock_gettime(CLOCK_REALTIME, &now);
  vj_message_clear(&file->event);
  vj_message_clear(&file->part);
  vj_message_double(&file->event, WALL_TIME, (double)now.tv_sec + 1e-9 * (double)now.tv_nsec);
  vj_message_integer(&file->event, STEP, (uint64_t)step);
}

static vj_status write_version(vj_event_file *file, int64_t step) {
  begin_event(file, step);
  vj_message_text(&file->event, FILE_VERSION, "brain.Event:2");
  return write_event(file);
}

static vj_status write_session_start(vj_event_file *file, int64_t step) {
  begin_event(file, step);
  vj_message_integer(&file->part, STATUS, START);
  vj_message_put(&file->event, SESSION_LOG, &file->part);
  return write_event(file);
}

/* --- events -------------------------------------------------------------------------------------------------- */

vj_status vj_event_file_scalars(vj_event_file *file, int64_t step, const vj_event_scalar *scalars, int64_t count) {
  vj_message value = {0};
  begin_event(file, step);
  for (int64_t i = 0; i < count; i++) {
    vj_message_clear(&value);
    vj_message_text(&value, TAG, scalars[i].tag);
    vj_message_float(&value, SIMPLE_VALUE, (float)scalars[i].value);
    vj_message_put(&file->part, VALUE, &value);
  }
  vj_message_put(&file->event, SUMMARY, &file->part);
  vj_message_free(&value);
  return write_event(file);
}

/* As Markdown, in which lines with four blanks before them are shown as they are. */
static void put_code(vj_message *tensor, const char *text) {
  vj_message code = {0};
  for (const char *line = text; *line;) {
    const size_t length = strcspn(line, "\n");
    vj_message_raw(&code, "    ", 4);
    vj_message_raw(&code, line, length);
    vj_message_raw(&code, "\n", 1);
    line += length + (line[length] == '\n');
  }
  vj_message_put(tensor, STRING_VAL, &code);
  vj_message_free(&code);
}

vj_status vj_event_file_code(vj_event_file *file, const char *tag, const char *text) {
  vj_message value = {0}, inner = {0}, plugin = {0};
  if (!text) return vj_fail(VJ_MEMORY, "%s: no memory for a text", file->path);
  begin_event(file, 0);
  vj_message_text(&value, TAG, tag);
  vj_message_integer(&inner, DTYPE, DT_STRING);
  vj_message_put(&inner, TENSOR_SHAPE, &plugin); /* empty: of a single text */
  put_code(&inner, text);
  vj_message_put(&value, TENSOR, &inner);
  vj_message_clear(&inner);
  vj_message_text(&plugin, PLUGIN_NAME, "text");
  vj_message_put(&inner, PLUGIN_DATA, &plugin);
  vj_message_integer(&inner, DATA_CLASS, DATA_CLASS_TENSOR);
  vj_message_put(&value, METADATA, &inner);
  vj_message_put(&file->part, VALUE, &value);
  vj_message_put(&file->event, SUMMARY, &file->part);
  vj_message_free(&value);
  vj_message_free(&inner);
  vj_message_free(&plugin);
  return write_event(file);
}

/* --- the file ------------------------------------------------------------------------------------------------ */

static vj_status make_folder(const vj_event_file *file, const char *folder) {
  char above[1024];
  snprintf(above, sizeof above, "%s", folder);
  char *slash = strrchr(above, '/');
  if (slash && slash != above) {
    *slash = '\0';
    if (mkdir(above, 0777) != 0 && errno != EEXIST) return system_fail(file, errno);
  }
  return mkdir(folder, 0777) == 0 || errno == EEXIST ? VJ_OK : system_fail(file, errno);
}

/* The largest time in the names of event files; 0: there are none. */
static long long newest_in(const char *folder) {
  long long newest = 0;
  DIR *listing = opendir(folder);
  for (const struct dirent *entry; listing && (entry = readdir(listing));) {
    if (strncmp(entry->d_name, prefix, sizeof prefix - 1) != 0) continue;
    const long long seconds = strtoll(entry->d_name + sizeof prefix - 1, NULL, 10);
    if (seconds > newest) newest = seconds;
  }
  if (listing) closedir(listing);
  return newest;
}

/* TensorBoard reads a folder's files in the order of their names. */
static vj_status open_file(vj_event_file *file, const char *folder, bool *is_first) {
  char host[64] = "host";
  const long long newest = newest_in(folder), now = (long long)time(NULL);
  gethostname(host, sizeof host - 1);
  *is_first = newest == 0;
  snprintf(file->path, sizeof file->path, "%s/%s%010lld.%s.%ld", folder, prefix, now > newest ? now : newest + 1, host,
           (long)getpid());
  file->descriptor = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
  return file->descriptor >= 0 ? VJ_OK : system_fail(file, errno);
}

vj_status vj_event_file_create(const char *folder, int64_t first_step, vj_event_file **file) {
  bool is_first = true;
  vj_event_file *fresh = *file = calloc(1, sizeof **file);
  if (!fresh) return vj_fail(VJ_MEMORY, "%s: no memory for TensorBoard's file", folder);
  fresh->descriptor = -1;
  snprintf(fresh->path, sizeof fresh->path, "%s", folder);
  vj_status status = make_folder(fresh, folder);
  if (status == VJ_OK) status = open_file(fresh, folder, &is_first);
  if (status == VJ_OK) status = write_version(fresh, is_first ? 0 : first_step);
  if (status == VJ_OK) status = write_session_start(fresh, is_first ? 0 : first_step);
  if (status != VJ_OK) vj_event_file_close(file);
  return status;
}

void vj_event_file_close(vj_event_file **file) {
  if (!*file) return;
  if ((*file)->descriptor >= 0) close((*file)->descriptor);
  vj_message_free(&(*file)->event);
  vj_message_free(&(*file)->part);
  free(*file);
  *file = NULL;
}
