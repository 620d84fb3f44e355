/* Memory: aligned blocks for numbers, and pools that own many small things until all are destroyed at once. Not
 * collective. */
#ifndef VJ_MEMORY_H
#define VJ_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vj/status.h"

enum { VJ_ALIGNMENT = 64 };

/* `count * size` zeroed bytes, aligned to 64. The caller frees with free(). VJ_MEMORY says what it was for. */
/* `block` is the address of a pointer of any type: float *row; vj_allocate(n, sizeof *row, "a row", &row). */
VJ_MUST_USE vj_status vj_allocate(size_t count, size_t size, const char *purpose, void *block);

/* A pool: everything taken from it lives until vj_pool_destroy. Not thread-safe. */
typedef struct vj_pool vj_pool;
VJ_MUST_USE vj_status vj_pool_create(vj_pool **pool);
/* Zeroed, aligned to 16; NULL only when memory is out. */
void *vj_pool_take(vj_pool *pool, size_t bytes);
/* Makes sure that an array of `count` elements, in which nothing but this made place, has place for one more; `array`
 * is the address of its pointer, NULL at first. Old places stay in the pool. False only when memory is out. */
bool vj_pool_grow(vj_pool *pool, void *array, int64_t count, size_t size);
/* A copy of a text, and one made as printf does; NULL only when memory is out. */
char *vj_pool_text(vj_pool *pool, const char *text);
char *vj_pool_format(vj_pool *pool, const char *format, ...) VJ_PRINTF(2, 3);
/* Frees all that was taken, and sets the pointer to NULL; a pool that is NULL is fine. */
void vj_pool_destroy(vj_pool **pool);

#endif
