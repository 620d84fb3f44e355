#include "app/sweep/tuning.h"

#include <string.h>
#include <unistd.h>

#include "app/sweep/tuning_private.h"
#include "framework/config/nodes.h"
#include "sweeps/space/tuned.h"
#include "sweeps/space/tuning.h"

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for the settings of arms"); }

/* --- --tuned ------------------------------------------------------------------------------------------------------ */

/* The arm's space in each sweep, where it is another than before. */
static vj_status list_spaces(const vj_tuning_choices *c, const char *arm, vj_yaml **list) {
  vj_pool *pool = c->e->pool;
  const char *last = NULL;
  vj_yaml **items = vj_pool_take(pool, (size_t)c->sweeps.count * sizeof *items);
  *list = vj_yaml_new(pool, VJ_YAML_LIST, NULL);
  if (!items || !*list) return no_memory();
  for (int64_t k = 0; k < c->sweeps.count; k++) {
    vj_yaml *space = NULL;
    VJ_TRY(vj_arm_space_read(pool, c->sweeps.roots[k], arm, &space));
    const char *text = vj_arm_space_text(pool, space);
    if (!text) return no_memory();
    if (last && strcmp(text, last) == 0) continue;
    items[(*list)->count++] = space;
    last = text;
  }
  (*list)->items = items;
  return VJ_OK;
}

static vj_status list_edges(const vj_tuning_choices *c, const vj_chosen_space *chosen, vj_text_list *edges) {
  const char **keys = vj_pool_take(c->e->pool, (size_t)chosen->space->count * sizeof *keys);
  if (!keys) return no_memory();
  *edges = (vj_text_list){.at = keys};
  for (int64_t i = 0; i < chosen->space->count; i++)
    if (chosen->edges[i] != VJ_EDGE_NONE) keys[edges->count++] = chosen->space->keys[i]->text;
  return VJ_OK;
}

/* What was chosen has to be all that is to be chosen; `where` it was. */
static vj_status check_keys(const char *arm, const vj_yaml *space, const vj_yaml *known, const char *where) {
  for (int64_t i = 0; i < space->count; i++)
    if (!vj_yaml_get(known, space->keys[i]->text))
      return vj_fail_node(space->keys[i], arm, "\"%s\" was no parameter of the arm in %s; tune it anew",
                          space->keys[i]->text, where);
  for (int64_t i = 0; i < known->count; i++)
    if (!vj_yaml_get(space, known->keys[i]->text))
      return vj_fail_node(space, arm, "\"%s\" was a parameter of the arm in %s and is none now; tune it anew",
                          known->keys[i]->text, where);
  return VJ_OK;
}

/* The best setting of an arm takes the place of its space. */
static vj_status fix_arm(const vj_tuning_choices *c, const char *name, const vj_yaml *space, vj_tuned_arm *tuned) {
  const vj_selected *selected = vj_tuning_selected(c, name);
  vj_chosen_space chosen;
  vj_yaml *spaces = NULL;
  if (!selected || !selected->chosen)
    return vj_fail(VJ_DATA, "%s: no setting of the arm \"%s\" has a %s, so none can be chosen", c->sweeps.folders[0],
                   name, c->criterion->metric);
  VJ_TRY(vj_chosen_space_find(&c->sweeps, selected, &chosen));
  VJ_TRY(check_keys(name, space, chosen.space, c->sweeps.folders[c->sweeps.count - 1]));
  vj_yaml *values = vj_yaml_copy(c->e->pool, chosen.values);
  if (!values) return no_memory();
  VJ_TRY(vj_tuning_put_values(c->e->pool, c->e->root, name, values));
  VJ_TRY(list_spaces(c, name, &spaces));
  *tuned = (vj_tuned_arm){.name = name,
                          .settings = selected->settings,
                          .measured = selected->measured,
                          .figure = selected->of_validation.mean,
                          .spaces = spaces,
                          .chosen = values};
  return list_edges(c, &chosen, &tuned->edges);
}

static vj_status list_seeds(const vj_tuning_choices *c, vj_integer_list *seeds) {
  const vj_results *o = c->sweeps.at[0];
  int64_t *list = vj_pool_take(c->e->pool, (size_t)o->trials * sizeof *list), count = 0;
  if (!list) return no_memory();
  for (int64_t i = 0; i < o->trials; i++) {
    int64_t k = 0;
    while (k < count && list[k] != o->seed[i]) k++;
    if (k == count) list[count++] = o->seed[i];
  }
  *seeds = (vj_integer_list){count, list};
  return VJ_OK;
}

static vj_status fix_arms(const vj_tuning_choices *c) {
  vj_pool *pool = c->e->pool;
  const vj_yaml *arms = vj_arms_of(c->e->root);
  const vj_yaml *method = vj_yaml_find(c->sweeps.roots[0], "sweep.method");
  vj_tuned_arm *list = vj_pool_take(pool, (size_t)arms->count * sizeof *list);
  vj_tuned tuned = {.metric = c->criterion->metric,
                    .mode = c->criterion->mode == VJ_CRITERION_MIN ? "min" : "max",
                    .method = method ? method->text : "grid",
                    .arms = list};
  if (!list) return no_memory();
  VJ_TRY(list_seeds(c, &tuned.seeds));
  for (int64_t a = 0; a < arms->count; a++) {
    vj_yaml *space = NULL;
    VJ_TRY(vj_arm_space_read(pool, c->e->root, arms->keys[a]->text, &space));
    if (space->count) VJ_TRY(fix_arm(c, arms->keys[a]->text, space, &list[tuned.arm_count++]));
  }
  VJ_TRY(vj_tuning_end_sampling(pool, c->e->root));
  return vj_tuned_write(pool, &tuned, c->e->root);
}

static vj_status take_tuned(vj_tuning_choices *c, const char *folders) {
  vj_yaml *tuning_root = vj_yaml_shallow(c->e->pool, c->e->root);
  if (!tuning_root) return no_memory();
  VJ_TRY(vj_tuning_apply(c->e->pool, c->e->tuning, tuning_root));
  VJ_TRY(vj_tuning_choose(c, tuning_root, folders));
  for (int64_t k = 0; k < c->sweeps.count; k++)
    VJ_TRY(vj_tuning_check_seeds(c->e->pool, c->sweeps.roots[k], c->e->root));
  VJ_TRY(vj_tuning_spread(c->e->pool, c->e->root));
  return fix_arms(c);
}

/* --- --resume ----------------------------------------------------------------------------------------------------- */

static const char *results_folder(const vj_experiment *e) {
  const char *output = vj_command_text(e->command, "-o");
  const vj_yaml *name = vj_yaml_get(e->root, "name");
  if (output || !name || name->kind != VJ_YAML_SCALAR) return output;
  return vj_pool_format(e->pool, "runs/%s", name->text);
}

/* What the folder has recorded of how settings were chosen; NULL: nothing. */
static vj_status read_recorded(const vj_experiment *e, vj_yaml **section) {
  const char *folder = results_folder(e);
  const char *path = folder ? vj_pool_format(e->pool, "%s/sweep.h5", folder) : NULL;
  vj_results *results = NULL;
  vj_yaml *root = NULL;
  *section = NULL;
  if (!path || !vj_command_has(e->command, "--resume") || access(path, F_OK) != 0) return VJ_OK;
  VJ_TRY(vj_results_open(folder, &results));
  vj_status status = vj_results_experiment(results, folder, &root);
  vj_yaml *found = status == VJ_OK ? vj_yaml_get(root, "tuned") : NULL;
  if (found) *section = vj_yaml_copy(e->pool, found);
  vj_results_close(&results);
  return status == VJ_OK && found && !*section ? no_memory() : status;
}

static const vj_tuned_arm *recorded_of(const vj_tuned *tuned, const char *arm) {
  for (int64_t i = 0; i < tuned->arm_count; i++)
    if (strcmp(tuned->arms[i].name, arm) == 0) return &tuned->arms[i];
  return NULL;
}

static vj_status take_recorded(vj_experiment *e, vj_yaml *section) {
  const vj_tuned *tuned = NULL;
  VJ_TRY(vj_yaml_set(e->pool, e->root, "tuned", section));
  VJ_TRY(vj_tuned_read(e->pool, e->root, &tuned));
  VJ_TRY(vj_tuning_spread(e->pool, e->root));
  const vj_yaml *arms = vj_arms_of(e->root);
  for (int64_t a = 0; arms && a < arms->count; a++) {
    const char *name = arms->keys[a]->text;
    const vj_tuned_arm *arm = recorded_of(tuned, name);
    vj_yaml *space = NULL;
    if (!arm) continue;
    VJ_TRY(vj_arm_space_read(e->pool, e->root, name, &space));
    VJ_TRY(check_keys(name, space, arm->spaces->items[arm->spaces->count - 1], results_folder(e)));
    VJ_TRY(vj_tuning_put_values(e->pool, e->root, name, arm->chosen));
  }
  VJ_TRY(vj_tuning_check_chosen(e->pool, e->root));
  return vj_tuning_end_sampling(e->pool, e->root);
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static vj_status check_options(const vj_experiment *e) {
  const bool tuning = vj_command_has(e->command, "--tuning"), tuned = vj_command_has(e->command, "--tuned");
  if (vj_command_has(e->command, "--extend") && !tuning)
    return vj_fail(VJ_USAGE, "--extend is for tuning sweeps: add --tuning");
  if (tuning && tuned) return vj_fail(VJ_USAGE, "--tuning and --tuned: expected one of them");
  if ((tuning || tuned) && vj_yaml_is_null(e->tuning))
    return vj_fail(VJ_CONFIG, "%s: %s: there is no section \"tuning\" that says how settings are chosen", e->file,
                   tuning ? "--tuning" : "--tuned");
  return VJ_OK;
}

static vj_status take_final(vj_experiment *e) {
  const vj_tuned *tuned = NULL;
  vj_yaml *section = NULL;
  if (vj_yaml_is_null(e->tuning)) return vj_tuned_read(e->pool, e->root, &tuned); /* of a sweep.yaml, to check it */
  VJ_TRY(read_recorded(e, &section));
  return section ? take_recorded(e, section) : vj_tuning_check_chosen(e->pool, e->root);
}

vj_status vj_experiment_tune(vj_experiment *e, bool *has_trials) {
  vj_tuning_choices c = {.e = e};
  vj_status status = VJ_OK;
  *has_trials = true;
  VJ_TRY(check_options(e));
  if (vj_command_has(e->command, "--tuning")) {
    VJ_TRY(vj_tuning_apply(e->pool, e->tuning, e->root));
    VJ_TRY(vj_experiment_rename(e, "-tuning"));
    if (vj_command_has(e->command, "--extend"))
      status = vj_tuning_extend(&c, vj_command_text(e->command, "--extend"), has_trials);
  } else if (vj_command_has(e->command, "--tuned")) {
    status = take_tuned(&c, vj_command_text(e->command, "--tuned"));
  } else {
    status = take_final(e);
  }
  vj_sweep_pool_close(&c.sweeps);
  return status;
}
