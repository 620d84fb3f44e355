#include "sweeps/run/recompute.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sweeps/run/data_places.h"
#include "sweeps/run/trial_row.h"

/* --- the trial --------------------------------------------------------------------------------------------------- */

static vj_status apply_places(vj_pool *pool, vj_yaml *root, vj_text_list settings) {
  vj_config *config = NULL;
  VJ_TRY(vj_config_create(pool, root, &config));
  const vj_component *dataset = config->dataset.component;
  for (int64_t i = 0; i < settings.count; i++) {
    const char *places = vj_data_places_text(pool, dataset);
    if (!vj_data_place_is(dataset, settings.at[i]))
      return vj_fail(VJ_USAGE,
                     "%s: a trial is trained again as it is recorded; only where its data lie may be said%s%s",
                     settings.at[i], places[0] ? ", " : ", and those of this one are made here", places);
    VJ_TRY(vj_yaml_override(pool, root, settings.at[i]));
  }
  return VJ_OK;
}

static vj_status load_plugins(vj_pool *pool, const vj_sweep_file *file, const char *path) {
  const char *text = vj_sweep_file_attribute(file, VJ_ATTRIBUTE_SWEEP_YAML);
  vj_yaml *sweep = NULL;
  if (!text) return VJ_OK;
  VJ_TRY(vj_yaml_read_text(pool, text, path, &sweep));
  return vj_config_load_plugins(pool, sweep);
}

static vj_status read_trial(vj_pool *pool, const vj_sweep_file *file, const char *path, int64_t row,
                            vj_text_list settings, vj_recorded_trial *trial) {
  const char *text = NULL;
  vj_yaml *resolved = NULL, *root = NULL;
  vj_space *space = NULL;
  VJ_TRY(vj_trial_row_get_text(pool, file, VJ_RECORD_CONFIG, row, &text));
  if (!text[0]) return vj_fail(VJ_DATA, "its configuration is not recorded yet");
  VJ_TRY(vj_yaml_read_text(pool, text, path, &resolved));
  VJ_TRY(vj_config_measured(pool, resolved, &root));
  VJ_TRY(vj_yaml_override(pool, root, "checkpoint.minutes=0"));
  VJ_TRY(apply_places(pool, root, settings));
  VJ_TRY(vj_space_create(pool, root, &space));
  *trial = (vj_recorded_trial){pool, root, space};
  return VJ_OK;
}

vj_status vj_recorded_trial_read(vj_pool *pool, const vj_sweep_file *file, const char *path, int64_t row,
                                 vj_text_list settings, vj_recorded_trial *trial) {
  VJ_TRY(load_plugins(pool, file, path));
  const vj_status status = read_trial(pool, file, path, row, settings, trial);
  if (status != VJ_OK && status != VJ_USAGE) vj_error_prefix("%s: trial %lld: ", path, (long long)row);
  return status;
}

vj_status vj_recorded_trial_run(const vj_comm *world, const vj_recorded_trial *trial, const vj_sweep_options *options,
                                vj_sweep_end *end) {
  vj_sweep_options alone = *options;
  alone.ranks_per_trial = world->size;
  alone.resume = false;
  const vj_status status = vj_sweep_run(world, trial->root, trial->space, &alone, end);
  const char *places = vj_data_places_text(trial->pool, trial->space->trials[0].config->dataset.component);
  if (places[0] && (status == VJ_DATA || status == VJ_IO || status == VJ_CONFIG))
    vj_error_line("if the data of the trial lie elsewhere here, say where: %s", places);
  return status;
}

/* --- the folder -------------------------------------------------------------------------------------------------- */

vj_status vj_scratch_folder_make(vj_pool *pool, const char **path) {
  const char *parent = getenv("TMPDIR");
  char *folder = vj_pool_format(pool, "%s/vjvcr-recompute-XXXXXX", parent && parent[0] ? parent : "/tmp");
  *path = NULL;
  if (!folder) return vj_fail(VJ_MEMORY, "no memory for a path");
  if (!mkdtemp(folder))
    return vj_fail(VJ_IO,
                   "%s: can't make a folder for what is trained again: %s; set TMPDIR to a folder that can be "
                   "written",
                   folder, strerror(errno));
  *path = folder;
  return VJ_OK;
}
