/* The `sweep:` section, read and checked but not yet expanded into trials. Not collective; all lives in the pool. */
#ifndef VJ_SWEEPS_SPACE_SWEEP_SPEC_H
#define VJ_SWEEPS_SPACE_SWEEP_SPEC_H

#include "sweeps/space/axis.h"
#include "sweeps/space/criterion.h"
#include "sweeps/space/sampler.h"
#include "sweeps/space/stopping.h"

enum { VJ_MOST_TRIALS = 100000 };

typedef struct vj_sweep_spec {
  const vj_yaml *sweep;
  vj_yaml *base;       /* the document without its sweep */
  const vj_yaml *arms; /* map of maps; NULL: one arm that sets nothing */
  vj_axis *axes;       /* the parameters of all arms, then those of each arm, as they are written */
  int64_t *partner;    /* of each: the number of the one it walks together with, -1: none */
  bool *by_chance;     /* of each: what is sampled decides whether it exists */
  int64_t axis_count;
  int method; /* vj_method */
  int64_t sample_count, sampling_seed, skip;
  const vj_yaml **seeds; /* NULL: the configuration's own, once */
  int64_t seed_count;
  const char **keys; /* of the arms, then of the axes */
  int64_t key_count, arm_key_count;
  const vj_stopping *stopping;   /* NULL: every trial is trained to its end */
  const vj_criterion *criterion; /* NULL: it does not say by what settings are chosen */
} vj_sweep_spec;

/* Whether an arm has a parameter. */
static inline bool vj_axis_is_of(const vj_axis *axis, int64_t arm) { return axis->arm < 0 || axis->arm == arm; }

VJ_MUST_USE vj_status vj_sweep_spec_read(vj_pool *pool, const vj_yaml *root, vj_sweep_spec *spec);

#endif
