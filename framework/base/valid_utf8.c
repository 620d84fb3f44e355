#include "framework/base/valid_utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the character at `at`; 0: it is none, or one of a longer form than it needs, or no character of Unicode. */
static size_t character_bytes(const unsigned char *at, size_t left) {
  static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
  const unsigned char first = at[0];
  if (first < 0x80) return 1;
  const size_t more = first >= 0xF0 && first < 0xF8   ? 3
                      : first >= 0xE0 && first < 0xF0 ? 2
                                                      : first >= 0xC0 && first < 0xE0;
  uint32_t point = first & (0x3Fu >> more);
  if (more == 0 || more >= left) return 0;
  for (size_t i = 1; i <= more; i++) {
    if ((at[i] & 0xC0) != 0x80) return 0;
    point = point << 6 | (at[i] & 0x3Fu);
  }
  const bool surrogate = point >= 0xD800 && point < 0xE000;
  return point >= least[more] && point < 0x110000 && !surrogate ? more + 1 : 0;
}

/* The first byte from `at` on that is no part of a character; `size`: there is none. */
static size_t find_fault(const unsigned char *text, size_t at, size_t size) {
  while (at < size) {
    const size_t bytes = character_bytes(text + at, size - at);
    if (bytes == 0) return at;
    at += bytes;
  }
  return size;
}

vj_status vj_valid_utf8(const void *texts, int64_t count, size_t size, const void **written, void **copy) {
  *written = texts;
  *copy = NULL;
  for (int64_t i = 0; i < count; i++) {
    const size_t start = (size_t)i * size;
    for (size_t at = 0; (at = find_fault((const unsigned char *)*written + start, at, size)) < size; at++) {
      if (!*copy) {
        *copy = malloc((size_t)count * size);
        if (!*copy) return vj_fail(VJ_MEMORY, "no memory for %lld texts", (long long)count);
        memcpy(*copy, texts, (size_t)count * size);
        *written = *copy;
      }
      ((unsigned char *)*copy)[start + at] = '?';
    }
  }
  return VJ_OK;
}
