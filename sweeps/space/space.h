/* The trials of a sweep: a pure function of its YAML, and the first room of sweeps/: space, then schedule and pruning,
 * then run, each of which sees only those before it. It sees the framework. Begin here, then sweep_spec.h (what
 * `sweep:` says), axis.h (a parameter), sampler.h (points of [0, 1)), stopping.h, report_spec.h and
 * question_spec.h. Not collective. */
#ifndef VJ_SWEEPS_SPACE_SPACE_H
#define VJ_SWEEPS_SPACE_SPACE_H

#include "sweeps/space/criterion.h"
#include "sweeps/space/setting.h"
#include "sweeps/space/stopping.h"

typedef struct vj_trial {
  int64_t index;
  const char *arm; /* name of the explicit trial it comes from, "" without `trials:` */
  uint64_t seed;
  int64_t sample; /* number of the sample it was drawn with, 0 where nothing is sampled */
  int64_t setting_count;
  const vj_setting *settings; /* what differs from the base configuration, seed excepted */
  const vj_config *config;
} vj_trial;

typedef struct vj_space {
  int64_t trial_count;
  const vj_trial *trials;
  int64_t key_count; /* every key set by any trial, in order of appearance; the seed is not among them */
  const char *const *keys;
  bool is_grid;        /* nothing is sampled, so that trials come sorted */
  const char *repeats; /* NULL, or a sentence: combinations that repeat others, and are no trials of their own */
  const char *alike;   /* NULL, or a sentence: arms that are the same */
  const vj_stopping *stopping;   /* NULL: every trial is trained to its end */
  const vj_criterion *criterion; /* NULL: it does not say by what settings are chosen */
} vj_space;

/* Expands `sweep:` of the tree (absent: one trial) as docs/sweeps.md says. Order: samples slowest, then arms, then the
 * grid's parameters in the order written, an arm's own last (the last varies fastest), then seeds fastest. Every
 * trial's configuration is checked. A value replaces what stands at its key, a map too. What is one trial, the resolved
 * configuration decides: of combinations of an arm that say the same the first counts. At most 100,000 trials. */
VJ_MUST_USE vj_status vj_space_create(vj_pool *pool, const vj_yaml *root, vj_space **space);

#endif
