/* What several verbs read from their arguments: an experiment's YAML with overrides, plug-ins loaded. */
#ifndef VJ_APP_EXPERIMENT_H
#define VJ_APP_EXPERIMENT_H

#include "app/verb.h"
#include "framework/comm/comm.h"
#include "framework/config/config.h"
#include "framework/config/sections.h"

typedef struct vj_experiment {
  const vj_command *command;
  vj_pool *pool; /* the command's */
  vj_yaml *root;
  const char *file;
  const vj_standin_section *standin; /* what `standin:` says, which is not part of `root`; NULL: nothing */
  vj_yaml *tuning;                   /* what `tuning:` says, which is not part of `root`; NULL: nothing */
  bool quick;
} vj_experiment;

/* Reads FILE.yaml and applies the command's settings. With `quick` what stands under `quick:` is applied before them,
 * and
 * "-quick" belongs to the experiment's name; it is not part of `root`, which is the experiment as it is run. Not
 * collective; every rank reads the same. */
VJ_MUST_USE vj_status vj_experiment_read(const vj_command *command, bool quick, vj_experiment *experiment);
/* The same of a tree that was read already, from `file`, without `quick`. */
VJ_MUST_USE vj_status vj_experiment_of(const vj_command *command, const char *file, vj_yaml *root,
                                       vj_experiment *experiment);
/* Adds to the experiment's name. */
VJ_MUST_USE vj_status vj_experiment_rename(const vj_experiment *experiment, const char *ending);
/* The one trial of an experiment without its sweep. Collective: its ranks train it together. VJ_USAGE where their
 * number does not suit it. */
VJ_MUST_USE vj_status vj_experiment_read_trial(const vj_command *command, const vj_config **config);
/* Collective: every rank read the same experiment, or all of them fail with a sentence. */
VJ_MUST_USE vj_status vj_experiment_agree(const vj_experiment *experiment, const vj_comm *world);

#endif
