#include "framework/train/model/weights.h"

#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 512 };

const char *vj_weights_path(vj_pool *pool, const char *folder, int64_t trial) {
  return vj_pool_format(pool, "%s/weights/trial-%04lld.h5", folder, (long long)trial);
}

/* Takes the generation over. */
static vj_status open_generation(vj_generation *generation, vj_weights *weights) {
  int64_t steps = 0;
  *weights = (vj_weights){.generation = *generation};
  *generation = (vj_generation){0};
  const vj_generation *g = &weights->generation;
  vj_status status = vj_array_file_open_image(g->path, g->image, g->bytes, &weights->file);
  if (status == VJ_OK) status = vj_array_file_get_integer(weights->file, "steps_done", &steps);
  if (status != VJ_OK) vj_weights_close(weights);
  return status;
}

vj_status vj_weights_open(const char *path, vj_weights *weights) {
  vj_generation generation;
  *weights = (vj_weights){0};
  vj_status status = vj_checkpoint_open(path, &generation);
  if (status == VJ_OK) status = open_generation(&generation, weights);
  vj_generation_free(&generation);
  return status;
}

/* The newest whole one of two checkpoints; none is no failure. */
static vj_status open_newest(const char *path, vj_weights *weights, bool *found) {
  vj_generation generations[VJ_GENERATIONS] = {{0}};
  vj_status status = VJ_OK;
  int newest = -1;
  for (int slot = 0; slot < VJ_GENERATIONS; slot++) {
    const vj_status got = vj_checkpoint_read(path, slot, &generations[slot]);
    if (got != VJ_OK) status = got;
    if (generations[slot].image && (newest < 0 || generations[slot].serial > generations[newest].serial)) newest = slot;
  }
  *found = newest >= 0;
  if (*found) status = open_generation(&generations[newest], weights);
  for (int slot = 0; slot < VJ_GENERATIONS; slot++) vj_generation_free(&generations[slot]);
  return status;
}

vj_status vj_weights_find(const char *folder, int64_t trial, vj_weights *weights, bool *found) {
  vj_pool *pool = NULL;
  *weights = (vj_weights){0};
  *found = false;
  VJ_TRY(vj_pool_create(&pool));
  const char *kept = vj_weights_path(pool, folder, trial);
  const char *checkpoint = vj_pool_format(pool, "%s/checkpoints/trial-%04lld", folder, (long long)trial);
  vj_status status = kept && checkpoint ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for a path");
  FILE *there = status == VJ_OK ? fopen(kept, "rb") : NULL;
  if (there) {
    fclose(there);
    *found = true;
    status = vj_weights_open(kept, weights);
  } else if (status == VJ_OK) {
    status = open_newest(checkpoint, weights, found);
  }
  vj_pool_destroy(&pool);
  return status;
}

void vj_weights_close(vj_weights *weights) {
  vj_array_file_close(&weights->file, 0);
  vj_generation_free(&weights->generation);
}

vj_status vj_weights_copy(const char *from, const char *to, int64_t trial) {
  vj_generation g;
  vj_status status = vj_checkpoint_open(from, &g);
  if (status == VJ_OK) status = vj_array_image_set_integer(from, g.image, g.bytes, "trial", trial);
  if (status == VJ_OK) status = vj_checkpoint_keep(to, g.image, g.bytes);
  vj_generation_free(&g);
  return status;
}

/* States that evaluations alone look at, which files of earlier versions lack; they stay as they begin. */
static bool came_later(const vj_parameter_row *row) { return !row->trained && strstr(row->name, "latent.prior_"); }

vj_status vj_weights_load(const vj_weights *weights, vj_parameters *parameters) {
  char name[NAME_BYTES];
  for (int i = 0; i < parameters->count; i++) {
    const vj_parameter_row *row = &parameters->rows[i];
    vj_real *values = (row->trained ? parameters->values : parameters->states) + row->offset;
    snprintf(name, sizeof name, "%s/%s", row->trained ? "param" : "state", row->name);
    if (came_later(row) && !vj_array_file_holds(weights->file, name, VJ_ARRAY_REAL, row->shape.rank, row->shape.size))
      continue;
    if (!vj_array_file_holds(weights->file, name, VJ_ARRAY_REAL, row->shape.rank, row->shape.size))
      return vj_fail(VJ_DATA, "%s: it has no %s of the model's shape; it is of another model", weights->generation.path,
                     name);
    VJ_TRY(vj_array_file_get(weights->file, name, VJ_ARRAY_REAL, values));
  }
  return VJ_OK;
}
