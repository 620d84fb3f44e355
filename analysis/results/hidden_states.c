#include "analysis/results/hidden_states.h"

#include <math.h>
#include <stdlib.h>

const char *const vj_hidden_state_views[] = {"hx", "hy", "hy_pred", NULL};

/* A trial fills the first clips, steps and features of its room; beyond is NaN. */
static int64_t filled(const float *values, int64_t count, int64_t stride) {
  int64_t i = 0;
  while (i < count && !isnan(values[i * stride])) i++;
  return i;
}

/* Brings [clips, steps, width] within [.., most_steps, most_width] together, in place. */
static void pack(float *values, int64_t clips, int64_t steps, int64_t width, int64_t most_steps, int64_t most_width) {
  float *to = values;
  for (int64_t c = 0; c < clips; c++)
    for (int64_t t = 0; t < steps; t++)
      for (int64_t k = 0; k < width; k++) *to++ = values[(c * most_steps + t) * most_width + k];
}

static vj_status read_states(const vj_results *o, const vj_file_variable_info *info, int variable, int64_t trial,
                             float *values, int64_t *clips, const double **gram) {
  const int64_t *size = info->size + 1;
  VJ_TRY(vj_sweep_file_read(o->file, variable, (int64_t[]){trial, 0, 0, 0}, (int64_t[]){1, size[0], size[1], size[2]},
                            values));
  const int64_t count = filled(values, size[0], size[1] * size[2]), steps = filled(values, size[1], size[2]);
  const int64_t width = filled(values, size[2], 1);
  if (count == 0) return VJ_OK;
  double *k = vj_pool_take(o->pool, (size_t)(count * count) * sizeof *k);
  if (!k) return vj_fail(VJ_MEMORY, "no memory for the products of %lld hidden states", (long long)count);
  pack(values, count, steps, width, size[1], size[2]);
  VJ_TRY(vj_cka_gram(count, steps * width, values, k));
  *clips = count;
  *gram = k;
  return VJ_OK;
}

vj_status vj_hidden_states_gram(const vj_results *o, const char *view, int64_t trial, int64_t *clips,
                                const double **gram) {
  const char *name = vj_pool_format(o->pool, VJ_NAME_OF_VIEW("%s", "states"), view);
  vj_file_variable_info info;
  float *values = NULL;
  *clips = 0;
  *gram = NULL;
  if (!name) return vj_fail(VJ_MEMORY, "no memory for a name");
  const int variable = vj_sweep_file_find(o->file, name);
  if (variable < 0) return VJ_OK;
  vj_sweep_file_variable(o->file, variable, &info);
  if (info.rank != 4 || info.type != VJ_FILE_FLOAT) return VJ_OK;
  VJ_TRY(vj_allocate((size_t)(info.size[1] * info.size[2] * info.size[3]), sizeof *values, "hidden states", &values));
  const vj_status status = read_states(o, &info, variable, trial, values, clips, gram);
  free(values);
  return status;
}
