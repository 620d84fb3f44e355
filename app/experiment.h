/* What several verbs read from their arguments: an experiment's YAML with overrides, plug-ins loaded. */
#ifndef VJ_APP_EXPERIMENT_H
#define VJ_APP_EXPERIMENT_H

#include "framework/comm/comm.h"
#include "framework/config/config.h"

typedef struct vj_experiment {
  vj_pool *pool;
  vj_yaml *root;
  const char *file;
  const char *output; /* -o, NULL if not given */
  const char *from;   /* --from, NULL if not given */
  const char *format; /* --format, NULL if not given; the verb reads it */
  bool resume, dry_run, timed, print_config, help, quick, replace, ops, comm;
  const char *cluster;                                 /* --cluster, NULL if not given */
  int64_t ranks_per_trial, ranks, steps, max_attempts; /* 0: not given */
  double time_limit, hang_limit;                       /* seconds; negative: not given */
} vj_experiment;

/* Reads options and overrides. `quick:` is applied with --quick, before the overrides, and then "-quick" belongs to the
 * experiment's name; it is not part of `root`, which is the experiment as it is run. Every option a verb does not have
 * is an error. `allowed`: their letters and names, space-separated, e.g. "-o --resume --steps". Not collective; every
 * rank reads the same. */
VJ_MUST_USE vj_status vj_experiment_read(int argc, char **argv, const char *allowed, vj_experiment *experiment);
/* Collective: every rank read the same experiment, or all of them fail with a sentence. */
VJ_MUST_USE vj_status vj_experiment_agree(const vj_experiment *experiment, const vj_comm *world);
void vj_experiment_free(vj_experiment *experiment);

#endif
