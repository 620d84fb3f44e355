#include "app/data/data_set.h"

#include "framework/base/threads.h"
#include "sweeps/space/space.h"

/* Remembers the name of the pack and takes it out of the experiment. */
static vj_status find_pack(vj_experiment *e, vj_data_set *set) {
  const vj_yaml *const pack = vj_yaml_find(e->root, "data.pack");
  set->pack = pack && pack->kind == VJ_YAML_SCALAR ? vj_pool_text(e->pool, pack->text) : "";
  if (!set->pack) return vj_fail(VJ_MEMORY, "no memory for a path");
  if (pack) vj_yaml_remove(vj_yaml_find(e->root, "data"), "pack");
  return VJ_OK;
}

vj_status vj_data_set_open(vj_experiment *e, bool only_looks, vj_data_set *set) {
  vj_space *space = NULL;
  *set = (vj_data_set){0};
  vj_yaml_remove(e->root, "sweep");
  VJ_TRY(find_pack(e, set));
  VJ_TRY(vj_space_create(e->pool, e->root, &space));
  set->config = space->trials[0].config;
  set->component = set->config->dataset.component;
  const vj_dataset_ops *const ops = &set->component->as.dataset;
  if (!ops->clips) return vj_fail(VJ_USAGE, "the data set %s is not made of videos", set->component->name);
  vj_clip_request request = set->config->clip;
  request.threads = vj_threads();
  request.only_looks = only_looks;
  VJ_TRY(ops->open(set->config->dataset.config, &request, &set->dataset));
  set->clips = ops->clips(set->dataset);
  return VJ_OK;
}

void vj_data_set_close(vj_data_set *set) {
  if (set->dataset) set->component->as.dataset.close(&set->dataset);
}
