/* Lists of labelled videos, as they are published. Each parser takes a text in memory, of any content, and gives its
 * rows; `path` is only what errors call it: "lists/train.txt:3: expected ...". Everything is owned by the pool; memory
 * is a few times the text. VJ_DATA where the text is not what it should be. */
#ifndef VJ_DATASETS_VIDEO_LISTS_H
#define VJ_DATASETS_VIDEO_LISTS_H

#include <stddef.h>
#include <stdint.h>

#include "vj/memory.h"

enum { VJ_LIST_CLASSES = 1 << 20 };

typedef struct vj_list_row {
  const char *name;  /* of the video; without its extension where the list has none */
  const char *class; /* its name; NULL where classes are numbers, or there are none */
  int64_t number;    /* 0..VJ_LIST_CLASSES-1; -1 where classes are names, or there are none */
} vj_list_row;

typedef struct vj_list_rows {
  vj_list_row *at;
  int64_t count;
} vj_list_rows;

/* V-JEPA's: no header, `path label` in each line; the last space divides, so paths may have some. Empty lines are
 * skipped. */
VJ_MUST_USE vj_status vj_list_parse_paths(vj_pool *pool, const char *text, size_t length, const char *path,
                                          vj_list_rows *rows);

/* A path in each line, and no label: class is NULL, number -1. */
VJ_MUST_USE vj_status vj_list_parse_videos(vj_pool *pool, const char *text, size_t length, const char *path,
                                           vj_list_rows *rows);

/* Kinetics': comma-separated values with the header `label,youtube_id,time_start,time_end,split[,..]`, columns in any
 * order; name is `<youtube_id>_%06d_%06d`. */
VJ_MUST_USE vj_status vj_list_parse_kinetics(vj_pool *pool, const char *text, size_t length, const char *path,
                                             vj_list_rows *rows);

/* Something-Something's: an array of {"id", "template", ..}; name is the id, class the template without its brackets.
 */
VJ_MUST_USE vj_status vj_list_parse_something(vj_pool *pool, const char *text, size_t length, const char *path,
                                              vj_list_rows *rows);
/* Its classes: an object {"template without brackets": "number", ..}; rows have class and number, name is NULL. */
VJ_MUST_USE vj_status vj_list_parse_classes(vj_pool *pool, const char *text, size_t length, const char *path,
                                            vj_list_rows *rows);

/* One more row; VJ_MEMORY. */
VJ_MUST_USE vj_status vj_list_add(vj_pool *pool, vj_list_rows *rows, const char *name, const char *class,
                                  int64_t number);

/* A whole file, with a 0 behind it; the caller frees it. VJ_IO; VJ_DATA where it is of more than 1 GiB. */
VJ_MUST_USE vj_status vj_list_read_file(const char *path, char **text, size_t *length);

#endif
