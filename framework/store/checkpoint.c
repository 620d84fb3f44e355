#include "framework/store/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "framework/base/atomic_file.h"
#include "framework/base/disk.h"
#include "vj/bytes.h"

enum { MAGIC_BYTES = 8, SERIAL_AT = 8, LENGTH_AT = 16, CRC_AT = 24, FOOTER_BYTES = 28 };
static const char magic[] = "vjvcrck1";

/* Of the image and the footer up to its own place. */
static uint64_t checksum(const unsigned char *image, size_t bytes, const unsigned char *footer) {
  return crc32_z(crc32_z(0, image, bytes), footer, CRC_AT);
}

static void make_footer(unsigned char *footer, uint64_t serial, const unsigned char *image, size_t bytes) {
  memcpy(footer, magic, MAGIC_BYTES);
  vj_put_little(footer + SERIAL_AT, serial, 8);
  vj_put_little(footer + LENGTH_AT, bytes, 8);
  vj_put_little(footer + CRC_AT, checksum(image, bytes, footer), 4);
}

/* --- names --------------------------------------------------------------------------------------------------- */

static char *with_ending(const char *path, const char *ending) {
  const size_t bytes = strlen(path) + strlen(ending) + 1;
  char *name = malloc(bytes);
  if (name) snprintf(name, bytes, "%s%s", path, ending);
  return name;
}

static const char *ending_of(int slot) { return slot ? ".1" : ".0"; }

/* --- writing ------------------------------------------------------------------------------------------------- */

/* The folder of checkpoints, with its name on the disk. */
static int make_folder(const char *path) {
  char *copy = strdup(path);
  if (!copy) return ENOMEM;
  const char *folder = dirname(copy);
  int cause = mkdir(folder, 0777) == 0 ? vj_disk_sync_folder(folder) : errno;
  free(copy);
  return cause == EEXIST ? 0 : cause;
}

static vj_status write_named(const char *name, const char *temporary, uint64_t serial, const unsigned char *image,
                             size_t bytes) {
  unsigned char footer[FOOTER_BYTES];
  make_footer(footer, serial, image, bytes);
  const struct iovec pieces[] = {{(void *)image, bytes}, {footer, FOOTER_BYTES}};
  int cause = make_folder(name);
  if (cause == 0) cause = vj_atomic_write(name, temporary, pieces, 2);
  return cause ? vj_fail(VJ_IO, "%s: this checkpoint can't be written: %s", name, vj_disk_reason(cause)) : VJ_OK;
}

static vj_status write_as(const char *path, const char *ending, uint64_t serial, const unsigned char *image,
                          size_t bytes) {
  char *temporary = with_ending(path, ".new"), *name = with_ending(path, ending);
  const vj_status status = temporary && name ? write_named(name, temporary, serial, image, bytes)
                                             : vj_fail(VJ_MEMORY, "%s: no memory for its name", path);
  free(temporary);
  free(name);
  return status;
}

vj_status vj_checkpoint_write(const char *path, uint64_t serial, const unsigned char *image, size_t bytes) {
  return write_as(path, ending_of((int)(serial % 2)), serial, image, bytes);
}

vj_status vj_checkpoint_keep(const char *path, const unsigned char *image, size_t bytes) {
  return write_as(path, "", 0, image, bytes);
}

/* --- reading ------------------------------------------------------------------------------------------------- */

static vj_status damaged(const vj_generation *g, const char *how) {
  return vj_fail(VJ_DATA, "%s: this checkpoint is damaged: %s", g->path, how);
}

static vj_status read_all(int descriptor, vj_generation *g) {
  struct stat about;
  if (fstat(descriptor, &about) != 0) return damaged(g, strerror(errno));
  const size_t count = about.st_size > 0 ? (size_t)about.st_size : 0;
  g->image = malloc(count + 1);
  if (!g->image) return vj_fail(VJ_MEMORY, "%s: no memory for its %zu bytes", g->path, count);
  while (g->bytes < count) {
    const ssize_t n = read(descriptor, g->image + g->bytes, count - g->bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return damaged(g, strerror(errno));
    if (n == 0) break;
    g->bytes += (size_t)n;
  }
  return VJ_OK;
}

static vj_status check(vj_generation *g) {
  if (g->bytes < FOOTER_BYTES) return damaged(g, "it is cut off");
  const size_t before = g->bytes - FOOTER_BYTES;
  const unsigned char *footer = g->image + before;
  if (memcmp(footer, magic, MAGIC_BYTES) != 0 || vj_get_little(footer + LENGTH_AT, 8) != before)
    return damaged(g, "it is cut off");
  g->serial = vj_get_little(footer + SERIAL_AT, 8);
  if (vj_get_little(footer + CRC_AT, 4) != checksum(g->image, before, footer))
    return damaged(g, "its checksum does not fit");
  g->bytes = before;
  return VJ_OK;
}

/* `missing`: what it is when there is no such file. */
static vj_status read_named(const char *path, const char *ending, vj_status missing, vj_generation *generation) {
  *generation = (vj_generation){.path = with_ending(path, ending)};
  if (!generation->path) return vj_fail(VJ_MEMORY, "%s: no memory for its name", path);
  const int descriptor = open(generation->path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 && (errno == ENOENT || errno == ENOTDIR))
    return missing == VJ_OK ? VJ_OK : vj_fail(missing, "%s: there is no such file", generation->path);
  if (descriptor < 0) return damaged(generation, strerror(errno));
  vj_status status = read_all(descriptor, generation);
  close(descriptor);
  return status == VJ_OK ? check(generation) : status;
}

static vj_status drop_image(vj_generation *generation, vj_status status) {
  free(generation->image);
  generation->image = NULL;
  return status;
}

vj_status vj_checkpoint_read(const char *path, int slot, vj_generation *generation) {
  vj_status status = read_named(path, ending_of(slot), VJ_OK, generation);
  if (status == VJ_OK && generation->image && (int)(generation->serial % 2) != slot)
    status = damaged(generation, "its checksum does not fit");
  return status == VJ_OK ? VJ_OK : drop_image(generation, status);
}

vj_status vj_checkpoint_open(const char *path, vj_generation *generation) {
  const vj_status status = read_named(path, "", VJ_DATA, generation);
  return status == VJ_OK ? VJ_OK : drop_image(generation, status);
}

void vj_generation_free(vj_generation *generation) {
  free(generation->path);
  free(generation->image);
  *generation = (vj_generation){0};
}

void vj_checkpoint_remove(const char *path) {
  static const char *const endings[] = {".0", ".1", ".new"};
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    char *name = with_ending(path, endings[i]);
    if (name) unlink(name);
    free(name);
  }
}
