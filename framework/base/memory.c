#define _DEFAULT_SOURCE /* madvise */
#include "vj/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Blocks of many pages are asked for in huge ones: a convolution strides through all of its images, and a table of
 * small pages would be read as often as they are. */
enum { HUGE_PAGE = 2 << 20, LEAST_HUGE_BYTES = 4 * HUGE_PAGE };

static void *take(size_t bytes) {
  if (bytes < LEAST_HUGE_BYTES) return aligned_alloc(VJ_ALIGNMENT, bytes);
  void *block = aligned_alloc(HUGE_PAGE, (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
#ifdef MADV_HUGEPAGE
  if (block) (void)madvise(block, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE); /* advice: without it all works, too */
#endif
  return block;
}

vj_status vj_allocate(size_t count, size_t size, const char *purpose, void *block) {
  void *fresh = NULL;
  if (size != 0 && count > (SIZE_MAX - VJ_ALIGNMENT) / size)
    return vj_fail(VJ_MEMORY, "%s: %zu x %zu bytes are more than an address can hold", purpose, count, size);
  const size_t bytes = (count * size + VJ_ALIGNMENT - 1) / VJ_ALIGNMENT * VJ_ALIGNMENT;
  fresh = take(bytes ? bytes : VJ_ALIGNMENT);
  if (!fresh) return vj_fail(VJ_MEMORY, "%s: no memory for %.1f MiB", purpose, (double)bytes / 1048576.0);
  memset(fresh, 0, bytes);
  memcpy(block, &fresh, sizeof fresh);
  return VJ_OK;
}

/* What a pool takes at once; a test takes every piece by itself, and lets each of them fail. */
#ifndef VJ_POOL_BYTES
#define VJ_POOL_BYTES 16384
#endif

typedef struct chunk {
  struct chunk *next;
  size_t used, size;
  _Alignas(16) unsigned char bytes[];
} chunk;

struct vj_pool {
  chunk *chunks;
};

vj_status vj_pool_create(vj_pool **pool) {
  *pool = calloc(1, sizeof **pool);
  return *pool ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for a pool");
}

void *vj_pool_take(vj_pool *pool, size_t bytes) {
  bytes = (bytes + 15) & ~(size_t)15;
  if (!pool->chunks || pool->chunks->size - pool->chunks->used < bytes) {
    const size_t size = bytes > VJ_POOL_BYTES ? bytes : VJ_POOL_BYTES;
    chunk *fresh = calloc(1, sizeof *fresh + size);
    if (!fresh) return NULL;
    fresh->size = size;
    fresh->next = pool->chunks;
    pool->chunks = fresh;
  }
  void *taken = pool->chunks->bytes + pool->chunks->used;
  pool->chunks->used += bytes;
  return taken;
}

/* Places are doubled when they are used up, so their number follows from the count. */
bool vj_pool_grow(vj_pool *pool, void *array, int64_t count, size_t size) {
  enum { FIRST_PLACES = 16 };
  const bool is_power_of_two = (count & (count - 1)) == 0;
  if (count != 0 && (count < FIRST_PLACES || !is_power_of_two)) return true;
  void *former, *larger = vj_pool_take(pool, (size_t)(count ? 2 * count : FIRST_PLACES) * size);
  if (!larger) return false;
  memcpy(&former, array, sizeof former);
  if (count) memcpy(larger, former, (size_t)count * size);
  memcpy(array, &larger, sizeof larger);
  return true;
}

char *vj_pool_text(vj_pool *pool, const char *text) {
  const size_t bytes = strlen(text) + 1;
  char *copy = vj_pool_take(pool, bytes);
  if (copy) memcpy(copy, text, bytes);
  return copy;
}

char *vj_pool_format(vj_pool *pool, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  const int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  char *text = length < 0 ? NULL : vj_pool_take(pool, (size_t)length + 1);
  if (text) vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  return text;
}

void vj_pool_destroy(vj_pool **pool) {
  if (!*pool) return;
  for (chunk *c = (*pool)->chunks; c;) {
    chunk *next = c->next;
    free(c);
    c = next;
  }
  free(*pool);
  *pool = NULL;
}
