/* IDX files, the format of MNIST: big-endian header, then bytes; plain or compressed by gzip. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "datasets/digits/digits.h"

typedef struct idx_form {
  const char *items; /* "images" */
  uint32_t magic;    /* two zeros, 8 for bytes, the number of dimensions */
  int header_bytes;
  int64_t item_bytes;
} idx_form;

static const idx_form image_form = {"images", 0x00000803u, 16, VJ_DIGIT_PIXELS};
static const idx_form label_form = {"labels", 0x00000801u, 8, 1};

typedef struct idx_file {
  gzFile gz;
  const char *path;
  int64_t bytes; /* read so far, after decompression */
} idx_file;

enum { TRAIN_IMAGES = 60000, TRAIN_SPLIT = 55000, TEST_IMAGES = 10000, SKIP_BYTES = 65536, BUFFER_BYTES = 131072 };

static uint32_t big_endian(const unsigned char *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Reads up to `bytes`; fewer only at the end of the file. A damaged or cut-off gzip stream is an error. */
static vj_status read_bytes(idx_file *file, void *room, int64_t bytes, int64_t *found) {
  errno = 0;
  const int got = gzread(file->gz, room, (unsigned)bytes);
  int problem = Z_OK;
  if (got < bytes) (void)gzerror(file->gz, &problem);
  if (problem == Z_ERRNO) return vj_fail(VJ_IO, "%s: can't be read: %s", file->path, strerror(errno));
  if (problem == Z_BUF_ERROR)
    return vj_fail(VJ_DATA, "%s: the gzip data end too early; copy the file again", file->path);
  if (got < 0 || (problem != Z_OK && problem != Z_STREAM_END))
    return vj_fail(VJ_DATA, "%s: the gzip data are damaged; copy the file again", file->path);
  file->bytes += got;
  *found = got;
  return VJ_OK;
}

static vj_status check_magic(const char *path, const idx_form *form, uint32_t magic) {
  const idx_form *other = form == &image_form ? &label_form : &image_form;
  if (magic == form->magic) return VJ_OK;
  if (magic == other->magic)
    return vj_fail(VJ_DATA, "%s: holds %s where %s are expected", path, other->items, form->items);
  return vj_fail(VJ_DATA, "%s: starts with 0x%08" PRIX32 ", expected 0x%08" PRIX32 ", the magic number of IDX %s", path,
                 magic, form->magic, form->items);
}

static vj_status read_header(idx_file *file, const idx_form *form, int64_t *count) {
  unsigned char header[16];
  int64_t found;
  VJ_TRY(read_bytes(file, header, form->header_bytes, &found));
  if (found >= 4) VJ_TRY(check_magic(file->path, form, big_endian(header)));
  if (found < form->header_bytes)
    return vj_fail(VJ_DATA, "%s: %d bytes of header expected, %" PRId64 " found", file->path, form->header_bytes,
                   found);
  *count = big_endian(header + 4);
  if (form == &image_form) {
    const uint32_t rows = big_endian(header + 8), columns = big_endian(header + 12);
    if (rows != VJ_DIGIT_SIDE || columns != VJ_DIGIT_SIDE)
      return vj_fail(VJ_DATA, "%s: holds images of %" PRIu32 " x %" PRIu32 " pixels, expected %d x %d", file->path,
                     rows, columns, VJ_DIGIT_SIDE, VJ_DIGIT_SIDE);
  }
  return VJ_OK;
}

/* Reads to the end of the file without keeping anything; this also makes zlib check the sum at the end. */
static vj_status skip_rest(idx_file *file) {
  unsigned char skipped[SKIP_BYTES];
  int64_t found = SKIP_BYTES;
  while (found == SKIP_BYTES) VJ_TRY(read_bytes(file, skipped, SKIP_BYTES, &found));
  return VJ_OK;
}

static vj_status read_items(vj_pool *pool, idx_file *file, const idx_form *form, int64_t most, const uint8_t **items,
                            int64_t *count) {
  int64_t found;
  VJ_TRY(read_header(file, form, count));
  /* Never more than is wanted, whatever the header promises. */
  const int64_t keep = *count < most ? *count : most;
  uint8_t *kept = vj_pool_take(pool, (size_t)(keep * form->item_bytes));
  if (!kept) return vj_fail(VJ_MEMORY, "%s: no memory for %" PRId64 " %s", file->path, keep, form->items);
  VJ_TRY(read_bytes(file, kept, keep * form->item_bytes, &found));
  VJ_TRY(skip_rest(file));
  const int64_t expected = *count * form->item_bytes;
  found = file->bytes - form->header_bytes;
  if (found < expected)
    return vj_fail(VJ_DATA, "%s: %" PRId64 " bytes of %s expected, %" PRId64 " found", file->path, expected,
                   form->items, found);
  if (found > expected)
    return vj_fail(VJ_DATA, "%s: %" PRId64 " bytes follow the %" PRId64 " %s that the header announces", file->path,
                   found - expected, *count, form->items);
  *items = kept;
  return VJ_OK;
}

static vj_status read_file(vj_pool *pool, const char *path, const idx_form *form, int64_t most, const uint8_t **items,
                           int64_t *count) {
  idx_file file = {.gz = gzopen(path, "rb"), .path = path};
  if (!file.gz) return vj_fail(VJ_IO, "%s: can't be opened: %s", path, strerror(errno));
  (void)gzbuffer(file.gz, BUFFER_BYTES);
  const vj_status status = read_items(pool, &file, form, most, items, count);
  (void)gzclose_r(file.gz);
  return status;
}

vj_status vj_idx_images(vj_pool *pool, const char *path, int64_t most, const uint8_t **images, int64_t *count) {
  VJ_TRY(read_file(pool, path, &image_form, most, images, count));
  return VJ_OK;
}

vj_status vj_idx_labels(vj_pool *pool, const char *path, int64_t most, const uint8_t **labels, int64_t *count) {
  VJ_TRY(read_file(pool, path, &label_form, most, labels, count));
  for (int64_t i = 0; i < most && i < *count; i++)
    if ((*labels)[i] >= VJ_DIGIT_CLASSES)
      return vj_fail(VJ_DATA, "%s: label %" PRId64 " is %d, expected 0 to 9", path, i, (*labels)[i]);
  return VJ_OK;
}

/* The plain file if there is one, else the compressed one. */
static vj_status find_file(vj_pool *pool, const char *folder, const char *name, const char **path) {
  static const char *const endings[] = {"", ".gz"};
  for (int i = 0; i < 2; i++) {
    *path = vj_pool_format(pool, "%s/%s%s", folder, name, endings[i]);
    if (!*path) return vj_fail(VJ_MEMORY, "%s: no memory for its path", name);
    if (access(*path, F_OK) == 0) return VJ_OK;
  }
  return vj_fail(VJ_CONFIG,
                 "%s: found neither %s nor %s.gz; name the folder with the four MNIST files, or leave out `digits` to "
                 "use the built-in ones",
                 folder, name, name);
}

static vj_status read_pair(vj_pool *pool, const char *folder, const char *prefix, int64_t keep, vj_digit_set *set) {
  const char *image_path, *label_path;
  const char *image_name = vj_pool_format(pool, "%s-images-idx3-ubyte", prefix);
  const char *label_name = vj_pool_format(pool, "%s-labels-idx1-ubyte", prefix);
  int64_t image_count, label_count;
  if (!image_name || !label_name) return vj_fail(VJ_MEMORY, "%s: no memory for the names of its files", folder);
  VJ_TRY(find_file(pool, folder, image_name, &image_path));
  VJ_TRY(find_file(pool, folder, label_name, &label_path));
  VJ_TRY(vj_idx_images(pool, image_path, keep, &set->images, &image_count));
  VJ_TRY(vj_idx_labels(pool, label_path, keep, &set->labels, &label_count));
  if (label_count != image_count)
    return vj_fail(VJ_DATA, "%s: holds %" PRId64 " labels for the %" PRId64 " images of %s", label_path, label_count,
                   image_count, image_path);
  if (image_count < keep)
    return vj_fail(VJ_DATA, "%s: holds %" PRId64 " images, expected at least %" PRId64, image_path, image_count, keep);
  set->count = keep;
  set->first = 0;
  set->pen = NULL;
  return VJ_OK;
}

vj_status vj_digits_read(vj_pool *pool, const char *folder, vj_digits *digits) {
  vj_digit_set *train = &digits->split[VJ_TRAIN], *validation = &digits->split[VJ_VALIDATION];
  VJ_TRY(read_pair(pool, folder, "train", TRAIN_IMAGES, train));
  VJ_TRY(read_pair(pool, folder, "t10k", TEST_IMAGES, &digits->split[VJ_TEST]));
  train->count = TRAIN_SPLIT;
  *validation = (vj_digit_set){.count = TRAIN_IMAGES - TRAIN_SPLIT,
                               .first = TRAIN_SPLIT,
                               .images = train->images + (int64_t)TRAIN_SPLIT * VJ_DIGIT_PIXELS,
                               .labels = train->labels + TRAIN_SPLIT};
  return VJ_OK;
}
