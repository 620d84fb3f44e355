#include "analysis/output/png.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void put_32(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; i++) to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* A chunk: length, name, content, CRC of name and content. Returns its bytes. */
static size_t put_chunk(uint8_t *to, const char *name, const uint8_t *content, size_t bytes) {
  put_32(to, (uint32_t)bytes);
  memcpy(to + 4, name, 4);
  if (bytes) memcpy(to + 8, content, bytes);
  put_32(to + 8 + bytes, (uint32_t)crc32(0, to + 4, (uInt)(bytes + 4)));
  return bytes + 12;
}

static void put_base64(FILE *to, const uint8_t *bytes, size_t count) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < count; i += 3) {
    const size_t left = count - i;
    const uint32_t word = (uint32_t)bytes[i] << 16 | (uint32_t)(left > 1 ? bytes[i + 1] : 0) << 8 |
                          (uint32_t)(left > 2 ? bytes[i + 2] : 0);
    fputc(digits[word >> 18], to);
    fputc(digits[word >> 12 & 63], to);
    fputc(left > 1 ? digits[word >> 6 & 63] : '=', to);
    fputc(left > 2 ? digits[word & 63] : '=', to);
  }
}

/* Every row begins with the number of its filter: none. */
static vj_status compress_rows(int64_t width, int64_t height, int channels, const uint8_t *pixels, uint8_t **packed,
                               size_t *bytes) {
  const size_t row = (size_t)(width * channels), all = (row + 1) * (size_t)height;
  uint8_t *rows = NULL;
  uLongf room = compressBound((uLong)all);
  VJ_TRY(vj_allocate(all, 1, "a picture", &rows));
  vj_status status = vj_allocate((size_t)room, 1, "a picture", packed);
  for (int64_t y = 0; y < height && status == VJ_OK; y++)
    memcpy(rows + (size_t)y * (row + 1) + 1, pixels + (size_t)y * row, row);
  if (status == VJ_OK && compress2(*packed, &room, rows, (uLong)all, 9) != Z_OK)
    status = vj_fail(VJ_MEMORY, "a picture can't be compressed");
  *bytes = room;
  free(rows);
  return status;
}

vj_status vj_png_write(FILE *to, int64_t width, int64_t height, int channels, const uint8_t *pixels) {
  static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  uint8_t *packed = NULL, *file = NULL, header[13] = {[8] = 8, [9] = channels == 2 ? 4 : 6};
  size_t bytes = 0, used = sizeof signature;
  vj_status status = compress_rows(width, height, channels, pixels, &packed, &bytes);
  if (status == VJ_OK) status = vj_allocate(bytes + 64, 1, "a picture", &file);
  if (status == VJ_OK) {
    put_32(header, (uint32_t)width);
    put_32(header + 4, (uint32_t)height);
    memcpy(file, signature, sizeof signature);
    used += put_chunk(file + used, "IHDR", header, sizeof header);
    used += put_chunk(file + used, "IDAT", packed, bytes);
    used += put_chunk(file + used, "IEND", NULL, 0);
    fputs("data:image/png;base64,", to);
    put_base64(to, file, used);
  }
  free(packed);
  free(file);
  return status;
}
