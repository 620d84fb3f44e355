/* `sweep.select`: by which figure of validation clips one setting is chosen for each arm. Not collective. */
#ifndef VJ_SWEEPS_SPACE_CRITERION_H
#define VJ_SWEEPS_SPACE_CRITERION_H

#include "framework/config/yaml/yaml.h"
#include "framework/store/sweep_file/sweep_file.h"
#include "vj/param.h"

typedef enum vj_criterion_mode { VJ_CRITERION_MIN, VJ_CRITERION_MAX } vj_criterion_mode;

typedef struct vj_criterion {
  const char *metric; /* name of a variable of sweep.h5 */
  int mode;           /* vj_criterion_mode: what is good of it */
  const vj_yaml *node;
} vj_criterion;

/* *criterion = NULL where `sweep` says nothing. VJ_CONFIG with a place. */
VJ_MUST_USE vj_status vj_criterion_read(vj_pool *pool, const vj_yaml *sweep, const vj_criterion **criterion);

/* Fails unless a sweep that is laid out like this measures it on validation clips. NULL is fine. */
VJ_MUST_USE vj_status vj_criterion_check(const vj_criterion *criterion, const vj_file_layout *layout);

/* Whether a variable is measured on validation clips; on test clips. */
bool vj_is_of_validation(const char *quantity);
bool vj_is_of_test(const char *quantity);

#endif
