/* What was made of files that take long to read, remembered as bytes from one opening of a data set to the next, in one
 * file beside the index of videos. While one process has it open, others wait, and then find everything done: so of
 * many ranks one reads, and the others get what it found. Nothing depends on it: where it can't be read or written,
 * where it is damaged or of another form, nothing is remembered. Not collective. */
#ifndef VJ_DATASETS_VIDEO_ANNOTATION_CACHE_H
#define VJ_DATASETS_VIDEO_ANNOTATION_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "vj/status.h"

typedef struct vj_annotation_cache vj_annotation_cache;

/* `path` NULL: nothing is remembered. `form`, up to 23 characters: what the bytes are; another form begins anew. */
VJ_MUST_USE vj_status vj_annotation_cache_open(const char *path, const char *form, vj_annotation_cache **cache);
/* What is known of a file as it is now, aligned to 8 bytes, until the end; NULL: nothing. By many threads at once. */
const void *vj_annotation_cache_find(const vj_annotation_cache *cache, const char *file, size_t *bytes);
/* Remembers bytes of a file; one that can't be examined is left out. By one thread at a time. */
VJ_MUST_USE vj_status vj_annotation_cache_add(vj_annotation_cache *cache, const char *file, const void *bytes,
                                              size_t count);
/* Writes what is new, and lets the next one in. */
void vj_annotation_cache_close(vj_annotation_cache **cache);

#endif
