/* A trained model's numbers in a file: what was kept when its trial ended, or a checkpoint of one that has not. Not
 * collective. */
#ifndef VJ_FRAMEWORK_TRAIN_MODEL_WEIGHTS_H
#define VJ_FRAMEWORK_TRAIN_MODEL_WEIGHTS_H

#include "framework/graph/parameters.h"
#include "framework/store/array_file.h"
#include "framework/store/checkpoint.h"

typedef struct vj_weights {
  vj_generation generation; /* its path names the file */
  vj_array_file *file;      /* groups "param" and "state"; attributes as in trial_checkpoint.c */
} vj_weights;

/* Opens one file by its name; VJ_DATA with a sentence if it is missing, damaged or something else. */
VJ_MUST_USE vj_status vj_weights_open(const char *path, vj_weights *weights);
/* Those of a trial of the sweep in `folder`: <folder>/weights/trial-0007.h5, else its newest whole checkpoint. *found
 * is false when there is neither. A damaged file is VJ_DATA, unless the other checkpoint is whole. */
VJ_MUST_USE vj_status vj_weights_find(const char *folder, int64_t trial, vj_weights *weights, bool *found);
void vj_weights_close(vj_weights *weights);

/* "<folder>/weights/trial-0007.h5"; NULL when memory is out. */
const char *vj_weights_path(vj_pool *pool, const char *folder, int64_t trial);

/* Copies what was kept of a trial to the weights of a trial of that number; the folder above `to` is made. VJ_DATA
 * where `from` is damaged. */
VJ_MUST_USE vj_status vj_weights_copy(const char *from, const char *to, int64_t trial);

/* Fills every row of a table; a file of another model is VJ_DATA and names the first row that does not fit. */
VJ_MUST_USE vj_status vj_weights_load(const vj_weights *weights, vj_parameters *parameters);

#endif
