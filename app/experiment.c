#include "app/experiment.h"

#include <string.h>

#include "framework/config/nodes.h"
#include "sweeps/schedule/trial_schedule.h"
#include "vj/rng.h"

/* --- quick ----------------------------------------------------------------------------------------------------- */

static vj_status apply_quick(const vj_experiment *e) {
  const vj_yaml *quick = vj_yaml_get(e->root, "quick");
  char got[VJ_GOT_BYTES];
  if (!quick)
    return vj_fail(VJ_CONFIG, "%s: --quick: there is no section \"quick\" that says what is smaller", e->file);
  if (quick->kind != VJ_YAML_MAP)
    return vj_fail_node(quick, "quick", "expected a map of keys and values, got %s", vj_node_got(quick, got));
  for (int64_t i = 0; i < quick->count; i++)
    VJ_TRY(vj_yaml_put(e->pool, e->root, quick->keys[i]->text, quick->items[i]));
  return VJ_OK;
}

static const char *default_name(void) {
  size_t count;
  const vj_param *rows = vj_section_rows("", &count);
  while (strcmp(rows->name, "name") != 0) rows++;
  return rows->fallback;
}

vj_status vj_experiment_rename(const vj_experiment *e, const char *ending) {
  const vj_yaml *name = vj_yaml_get(e->root, "name");
  if (name && (name->kind != VJ_YAML_SCALAR || vj_yaml_is_null(name) || !name->text[0])) return VJ_OK;
  const char *text = vj_pool_format(e->pool, "%s%s", name ? name->text : default_name(), ending);
  vj_yaml *node = text ? vj_yaml_scalar(e->pool, text, false, name) : NULL;
  return vj_yaml_set(e->pool, e->root, "name", node);
}

static vj_status apply(vj_experiment *e) {
  const vj_text_list settings = e->command->settings;
  if (e->quick) VJ_TRY(apply_quick(e));
  vj_yaml_remove(e->root, "quick");
  for (int64_t i = 0; i < settings.count; i++) VJ_TRY(vj_yaml_override(e->pool, e->root, settings.at[i]));
  VJ_TRY(vj_standin_take(e->pool, e->root, &e->standin));
  e->tuning = vj_yaml_get(e->root, "tuning");
  vj_yaml_remove(e->root, "tuning");
  /* Results of a quick run never lie among those of the experiment, nor pass for them. */
  if (e->quick) VJ_TRY(vj_experiment_rename(e, "-quick"));
  return vj_config_load_plugins(e->pool, e->root);
}

vj_status vj_experiment_read(const vj_command *command, bool quick, vj_experiment *experiment) {
  *experiment = (vj_experiment){
      .command = command, .pool = command->pool, .file = vj_command_text(command, "FILE.yaml"), .quick = quick};
  VJ_TRY(vj_yaml_read_file(experiment->pool, experiment->file, &experiment->root));
  return apply(experiment);
}

vj_status vj_experiment_of(const vj_command *command, const char *file, vj_yaml *root, vj_experiment *experiment) {
  *experiment = (vj_experiment){.command = command, .pool = command->pool, .file = file, .root = root};
  return apply(experiment);
}

vj_status vj_experiment_agree(const vj_experiment *experiment, const vj_comm *world) {
  if (!experiment->root) return VJ_OK;
  const char *text = vj_yaml_print(experiment->pool, experiment->root);
  VJ_TRY(vj_comm_agree(world, text ? VJ_OK : vj_fail(VJ_MEMORY, "no memory to compare %s", experiment->file)));
  const uint64_t mine = vj_hash_text(text);
  uint64_t first = mine;
  VJ_TRY(vj_comm_broadcast(world, &first, sizeof first, 0));
  if (first == mine) return vj_comm_agree(world, VJ_OK);
  return vj_comm_agree(world,
                       vj_fail(VJ_USAGE, "%s and its overrides are not the same on all ranks", experiment->file));
}

vj_status vj_experiment_read_trial(const vj_command *command, const vj_config **config) {
  const vj_comm *world = command->world;
  vj_experiment e;
  vj_space *space = NULL;
  int group = 1;
  VJ_TRY(vj_comm_agree(world, vj_experiment_read(command, false, &e)));
  vj_yaml_remove(e.root, "sweep");
  VJ_TRY(vj_experiment_agree(&e, world));
  VJ_TRY(vj_comm_agree(world, vj_space_create(e.pool, e.root, &space)));
  *config = space->trials[0].config;
  return vj_sweep_group_size(space, world->size, world->size, &group);
}
