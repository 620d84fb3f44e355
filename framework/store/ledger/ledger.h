/* The ledger: who does which trial. A text file, one record a line with its CRC-32, appended under flock.
 *
 *   vjvcr ledger 1 trials 12 55aec705        the first line: format and number of trials
 *   1 claim 7 1 host:4242:19ab3 8a1f03c2     version, event, trial, attempt, who (or a reason in quotes), CRC
 *
 * Any number of processes and jobs may use one ledger; no rank serves it. Not collective: a group's root calls and
 * broadcasts. A torn last line (a kill in mid-write) is cut off before the next append; a damaged line elsewhere is
 * an error that names the line.
 */
#ifndef VJ_FRAMEWORK_STORE_LEDGER_LEDGER_H
#define VJ_FRAMEWORK_STORE_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "vj/status.h"

typedef enum vj_trial_state {
  VJ_TRIAL_WAITING,
  VJ_TRIAL_RUNNING, /* claimed, neither done nor failed */
  VJ_TRIAL_DONE,
  VJ_TRIAL_FAILED,
  VJ_TRIAL_PRUNED, /* ended early, by what vj_ledger_decide decided */
  VJ_TRIAL_STATES
} vj_trial_state;

/* "waiting", "running", "done", "failed", "stopped": the last where it was pruned, as the first sweeps said. */
const char *vj_trial_state_word(vj_trial_state state);

typedef struct vj_ledger vj_ledger;

/* Opens, making the file if there is none. `trials`: how many the sweep has; where the file tells of fewer, the others
 * were added to the sweep, and a record says so. `who` signs what is appended: a name
 * without blanks. */
VJ_MUST_USE vj_status vj_ledger_open(const char *path, int64_t trials, const char *who, vj_ledger **ledger);
void vj_ledger_close(vj_ledger **ledger);

/* Takes the first of `count` trials that waits; *trial = -1 when none does. *attempt counts from 1. It is not waited
 * until the disk has this; all else is on the disk when its call returns. */
VJ_MUST_USE vj_status vj_ledger_claim(vj_ledger *ledger, const int64_t *trials, int64_t count, int64_t *trial,
                                      int64_t *attempt);
/* Whether one of these trials waits. */
VJ_MUST_USE vj_status vj_ledger_waits(vj_ledger *ledger, const int64_t *trials, int64_t count, bool *waits);
VJ_MUST_USE vj_status vj_ledger_done(vj_ledger *ledger, int64_t trial);
VJ_MUST_USE vj_status vj_ledger_failed(vj_ledger *ledger, int64_t trial, const char *reason);
/* The attempt has come further than the one before: its checkpoint lies on the disk. */
VJ_MUST_USE vj_status vj_ledger_saved(vj_ledger *ledger, int64_t trial);
/* Gives the trial back, to be gone on with: it waits again. */
VJ_MUST_USE vj_status vj_ledger_stop(vj_ledger *ledger, int64_t trial);
/* Whether the trial runs by a claim through this handle. */
VJ_MUST_USE vj_status vj_ledger_owns(vj_ledger *ledger, int64_t trial, bool *owns);
/* Every trial that is claimed by a run that is not alive waits again; `is_alive` NULL: every claimed one. A trial whose
 * attempts died `max_deaths` times in a row without saving anything has failed instead, with that reason; 0: never.
 * *count: how many both are. */
VJ_MUST_USE vj_status vj_ledger_release(vj_ledger *ledger, bool (*is_alive)(void *context, const char *who),
                                        void *context, int64_t max_deaths, int64_t *count);
/* State, number of attempts, and reason of failure or of an early end (pool-free: valid until the next call; "" if
 * none). */
VJ_MUST_USE vj_status vj_ledger_state(vj_ledger *ledger, int64_t trial, vj_trial_state *state, int64_t *attempts,
                                      const char **reason);

/* --- early ends ------------------------------------------------------------------------------------------------ */

/* What a trial had measured when it was decided whether it goes on. */
typedef struct vj_ledger_measurement {
  int64_t trial, place; /* place: any number > 0; values of one place are comparable */
  double value;
} vj_ledger_measurement;

enum { VJ_RULING_BYTES = 256 };
typedef struct vj_ledger_ruling {
  bool ends;
  double threshold; /* what the value was compared with; NaN if there was nothing yet */
  char reason[VJ_RULING_BYTES];
} vj_ledger_ruling;

/* Decides by all earlier measurements, in the order in which they were decided on. */
typedef vj_status vj_ledger_rule(const void *context, const vj_ledger_measurement *earlier, int64_t count,
                                 const vj_ledger_measurement *mine, vj_ledger_ruling *ruling);

typedef enum vj_prune_decision {
  VJ_DECISION_GO_ON,
  VJ_DECISION_PRUNE, /* the trial is VJ_TRIAL_PRUNED now */
  VJ_DECISION_LOST   /* the trial is not this handle's any more */
} vj_prune_decision;

/* Asks the rule whether a running trial ends here, and records the answer with value, threshold and reason, under one
 * lock, so that no two decisions see the same past. What was decided once is not asked again: a trial that went on from
 * this place goes on. */
VJ_MUST_USE vj_status vj_ledger_decide(vj_ledger *ledger, const vj_ledger_measurement *mine, vj_ledger_rule *rule,
                                       const void *context, vj_prune_decision *decision);

#endif
