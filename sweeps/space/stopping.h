/* `sweep.stopping`: which trials end before their last step, and when that is asked. Data and pure functions of it; the
 * ledger keeps what was decided. Not collective.
 *
 *   stopping: {type: asha, metric: val_loss, mode: min, grace_steps: 20, reduction_factor: 3}
 *   stopping: {type: median, metric: val_loss, mode: min, grace_steps: 20, interval_steps: 10, min_trials: 3}
 */
#ifndef VJ_SWEEPS_SPACE_STOPPING_H
#define VJ_SWEEPS_SPACE_STOPPING_H

#include "framework/config/config.h"
#include "framework/store/ledger/ledger.h"
#include "framework/store/sweep_file/sweep_file.h"

typedef enum vj_stopping_type { VJ_STOPPING_ASHA, VJ_STOPPING_MEDIAN } vj_stopping_type;
typedef enum vj_stopping_mode { VJ_STOPPING_MIN, VJ_STOPPING_MAX } vj_stopping_mode;

typedef struct vj_stopping {
  int type;           /* vj_stopping_type */
  const char *metric; /* name of a variable of the sweep's file, of steps or of evaluations */
  int mode;           /* vj_stopping_mode: what is good */
  int64_t grace_steps;
  int64_t reduction_factor;           /* asha: eta */
  int64_t interval_steps, min_trials; /* median */
  const vj_yaml *node;                /* where it stands */
} vj_stopping;

/* The rows of a type, for `describe`. */
const vj_param *vj_stopping_rows(vj_stopping_type type, size_t *count);

/* Reads `sweep.stopping` of a sweep's map; *stopping = NULL without one, or where it is null. Owned by the pool. */
VJ_MUST_USE vj_status vj_stopping_read(vj_pool *pool, const vj_yaml *sweep, const vj_stopping **stopping);

/* --- when ------------------------------------------------------------------------------------------------------ */

/* What a trial's measurements say where the metric stands: on the axis of steps or of evaluations, or, for one of a
 * probe, where probes run. */
typedef enum vj_stopping_axis {
  VJ_STOPPING_AT_ROWS,
  VJ_STOPPING_AT_EVALUATIONS,
  VJ_STOPPING_AT_PROBES
} vj_stopping_axis;

/* The rung (asha), or the place (median), that is decided on once a trial has made `done` steps: the largest
 * grace_steps * reduction_factor^k, or grace_steps + k * interval_steps, that has no measurement of the metric before
 * `done` and has one there. 0: nothing is decided; never at a trial's last step. */
int64_t vj_stopping_place(const vj_stopping *stopping, vj_stopping_axis axis, const vj_config *config, int64_t done);

/* The metric's axis, by the layout or by the file; exactly one of these is given. Errors have a place:
 *   sweeps/vcr.yaml:30:28: sweep.stopping.metric: no quantity "val_los" of steps or evaluations; did you mean
 * "val_loss"? or say that it is several numbers at a time, or one for a whole trial. */
VJ_MUST_USE vj_status vj_stopping_find_axis(const vj_stopping *stopping, const vj_file_layout *layout,
                                            const vj_sweep_file *file, vj_stopping_axis *axis);

/* Fails when no trial has a place at which it could end; `axis` as found. */
VJ_MUST_USE vj_status vj_stopping_check_places(const vj_stopping *stopping, vj_stopping_axis axis,
                                               const vj_config *const *configs, int64_t count);

/* The share of its steps that a trial is expected to make, where trials are alike and come in no particular order. Of
 * asha, 1/reduction_factor of those that reach a rung go on; of median half of all trials end at the first place. */
double vj_stopping_expected_share(const vj_stopping *stopping, vj_stopping_axis axis, const vj_config *config);

/* Fills order[trials] with the trials as they are to be begun: early decisions compare with those that came before, so
 * a grid, which is sorted, is shuffled. */
void vj_stopping_order(int64_t trials, int64_t *order);

/* --- whether --------------------------------------------------------------------------------------------------- */

/* What the rule is asked with, as the context of vj_ledger_decide. */
typedef struct vj_stopping_question {
  const vj_stopping *stopping;
  int64_t done; /* training steps completed */
} vj_stopping_question;

/* The rule, of earlier reports and this one. NaN is the worst there is; of two equal values the earlier is ahead.
 *
 *   asha    Li et al. 2020, in the form that stops: a trial goes on if it is among the best n/reduction_factor (rounded
 *           down, at least one) of the n trials that reached the rung so far, itself included.
 *   median  Golovin et al. 2017: it ends if its best value so far is worse than the median of the other trials' means
 * up to this place; of those that came so far, at least min_trials. */
VJ_MUST_USE vj_status vj_stopping_rule(const void *question, const vj_ledger_measurement *earlier, int64_t count,
                                       const vj_ledger_measurement *mine, vj_ledger_ruling *judgement);

/* Place and value from the reason of a ruling, with its digits, where the record itself is lost; false: it says none.
 * Of the median rule the value is the trial's best so far. */
bool vj_stopping_measured(const char *reason, vj_ledger_measurement *measured);

#endif
