#include "engine/driver.h"

vj_status vj_sweep_group_size(const vj_space *space, int ranks, int ranks_per_trial, int *group_size) {
  int size = ranks_per_trial ? ranks_per_trial : 1;
  while (!ranks_per_trial && ranks / size > space->trial_count) size *= 2;
  if (size & (size - 1))
    return vj_fail(VJ_USAGE, "%d ranks for a trial: expected a power of two, so that sums keep their order", size);
  for (int64_t i = 0; i < space->trial_count; i++) {
    const int64_t shards = space->trials[i].config->optim.shards;
    if (shards % size)
      return vj_fail(
          VJ_USAGE,
          "%d ranks for a trial do not divide its %lld shard%s (optim.shards of trial %lld); use 1, 2, 4, .. "
          "ranks for a trial, up to the number of shards",
          size, (long long)shards, shards == 1 ? "" : "s", (long long)i);
  }
  if (ranks % size)
    return vj_fail(VJ_USAGE, "%d ranks cannot be split into groups of %d; start a multiple of %d", ranks, size, size);
  if (ranks / size > space->trial_count)
    return vj_fail(VJ_USAGE, "%d ranks are more than can be used: %lld trial%s at %d rank%s each need %lld", ranks,
                   (long long)space->trial_count, space->trial_count == 1 ? "" : "s", size, size == 1 ? "" : "s",
                   (long long)(space->trial_count * size));
  *group_size = size;
  return VJ_OK;
}
