/* `tuned:` of an experiment, which vjvcr writes and nobody else: how the settings of its arms were chosen, all of which
 * stand among the arms' fixed values. Data alone. Not collective. */
#ifndef VJ_SWEEPS_SPACE_TUNED_H
#define VJ_SWEEPS_SPACE_TUNED_H

#include "framework/config/yaml/yaml.h"
#include "vj/param.h"

typedef struct vj_tuned_arm {
  const char *name;
  int64_t settings, measured; /* that were tried, and those of them with a figure */
  double figure;              /* of validation clips, the mean over seeds, of the chosen setting */
  vj_text_list edges;         /* keys whose chosen value is on an edge of the last space */
  const vj_yaml *spaces;      /* list of maps: the space as it was, and as it was extended */
  const vj_yaml *chosen;      /* map of keys and values */
} vj_tuned_arm;

typedef struct vj_tuned {
  const char *metric, *mode, *method;
  vj_integer_list seeds;
  int64_t arm_count;
  const vj_tuned_arm *arms;
} vj_tuned;

/* *tuned = NULL where the tree has no such section. VJ_CONFIG with a place. */
VJ_MUST_USE vj_status vj_tuned_read(vj_pool *pool, const vj_yaml *root, const vj_tuned **tuned);

/* Writes the section: the same back, as a tree. */
VJ_MUST_USE vj_status vj_tuned_write(vj_pool *pool, const vj_tuned *tuned, vj_yaml *root);

/* "16 settings an arm, by sobol; chosen by ..., lowest, the mean over seeds 1000 and 1001", in words without an end. */
const char *vj_tuned_effort(vj_pool *pool, const vj_tuned *tuned);

#endif
