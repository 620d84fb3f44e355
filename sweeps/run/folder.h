/* The folder of a sweep: looked at, made, and taken back when its sweep could not be begun. Not collective. */
#ifndef VJ_SWEEPS_RUN_FOLDER_H
#define VJ_SWEEPS_RUN_FOLDER_H

#include <stdbool.h>

#include "vj/memory.h"

typedef struct vj_folder {
  vj_pool *pool;
  const char *path;
  bool holds_sweep;   /* there is a sweep.h5 */
  size_t known_bytes; /* leading bytes of the path that named a folder before us, */
  size_t made_bytes;  /* and those that do now */
  bool made_yaml;
} vj_folder;

/* Looks only. A ledger without its sweep.h5 is an error: that sweep is damaged, and what is new must not go on with
 * its record. `path` must outlive the folder. */
VJ_MUST_USE vj_status vj_folder_look(vj_pool *pool, const char *path, vj_folder *folder);

/* Makes the folder, those above it, and sweep.yaml with this text. Someone else's sweep.yaml is an error, one of the
 * same text is not. Takes back what it made when it fails. */
VJ_MUST_USE vj_status vj_folder_make(vj_folder *folder, const char *yaml);

/* Puts another sweep.yaml in place of the one there is: whole, or not at all. The caller sees to it that no one else
 * does so at the same time. */
VJ_MUST_USE vj_status vj_folder_replace_yaml(const vj_folder *folder, const char *yaml);

/* Removes what vj_folder_make made; folders that hold something by now stay. Keeps the current failure. */
void vj_folder_take_back(const vj_folder *folder);

/* Removes a folder with all that is in it; NULL is none. */
void vj_folder_remove(const char *path);

/* "<folder>/<name>"; NULL when memory is out. */
const char *vj_folder_file(const vj_folder *folder, const char *name);

#endif
