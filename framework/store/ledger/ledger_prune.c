/* Whether trials end early: decisions are made under the ledger's lock, and are records like any other. */
#include <math.h>
#include <sys/file.h>

#include "framework/store/ledger/ledger_private.h"

static bool was_decided(const vj_ledger *ledger, const vj_ledger_measurement *mine) {
  for (int64_t i = 0; i < ledger->measurement_count; i++)
    if (ledger->measurements[i].trial == mine->trial && ledger->measurements[i].place == mine->place) return true;
  return false;
}

/* The lock is held. */
static vj_status decide(vj_ledger *ledger, const vj_ledger_measurement *mine, vj_ledger_rule *rule, const void *context,
                        vj_prune_decision *decision) {
  off_t torn = 0;
  VJ_TRY(vj_ledger_refresh(ledger, &torn));
  const vj_ledger_record *r = &ledger->records[mine->trial];
  if (r->state != VJ_TRIAL_RUNNING || r->own_attempt != r->attempts) return *decision = VJ_DECISION_LOST, VJ_OK;
  if (was_decided(ledger, mine)) return VJ_OK;
  vj_ledger_ruling ruling = {.threshold = NAN};
  VJ_TRY(rule(context, ledger->measurements, ledger->measurement_count, mine, &ruling));
  vj_lines text = {0};
  vj_ledger_put_decision(&text, ruling.ends ? ENDED : PASSED, r->attempts, mine, ruling.threshold, ruling.reason);
  const vj_status status = vj_ledger_append(ledger, &text, torn);
  if (ruling.ends) *decision = VJ_DECISION_PRUNE;
  return status;
}

vj_status vj_ledger_decide(vj_ledger *ledger, const vj_ledger_measurement *mine, vj_ledger_rule *rule,
                           const void *context, vj_prune_decision *decision) {
  *decision = VJ_DECISION_GO_ON;
  VJ_TRY(vj_ledger_check_trial(ledger, mine->trial));
  VJ_TRY(vj_ledger_lock(ledger, LOCK_EX));
  return vj_ledger_unlock_and_sync(ledger, decide(ledger, mine, rule, context, decision));
}
