#include "sweeps/pruning/pruner.h"

#include <math.h>

struct vj_pruner {
  vj_pruner_parts parts;
  const vj_stopping *stopping;
  vj_stopping_axis axis;
  vj_prune_decision decision;
};

vj_status vj_pruner_check(const vj_space *space, const vj_file_layout *layout, const vj_sweep_file *file,
                          vj_stopping_axis *axis) {
  vj_stopping_axis found;
  vj_pool *pool = NULL;
  if (!space->stopping) return VJ_OK;
  VJ_TRY(vj_stopping_find_axis(space->stopping, layout, file, &found));
  if (axis) *axis = found;
  VJ_TRY(vj_pool_create(&pool));
  const vj_config **configs = vj_pool_take(pool, (size_t)space->trial_count * sizeof *configs);
  for (int64_t i = 0; i < space->trial_count && configs; i++) configs[i] = space->trials[i].config;
  const vj_status status =
      configs ? vj_stopping_check_places(space->stopping, found, configs, space->trial_count)
              : vj_fail(VJ_MEMORY, "no memory for the configurations of %lld trials", (long long)space->trial_count);
  vj_pool_destroy(&pool);
  return status;
}

vj_status vj_pruner_open(vj_pool *pool, const vj_pruner_parts *parts, vj_pruner **pruner) {
  vj_pruner *fresh = vj_pool_take(pool, sizeof *fresh);
  vj_status status = fresh ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for early stopping");
  if (fresh) *fresh = (vj_pruner){.parts = *parts, .stopping = parts->space->stopping};
  if (status == VJ_OK && parts->file) status = vj_pruner_check(parts->space, NULL, parts->file, &fresh->axis);
  VJ_TRY(vj_comm_agree(parts->world, status));
  VJ_TRY(vj_comm_broadcast(parts->world, &fresh->axis, sizeof fresh->axis, 0));
  *pruner = fresh;
  return VJ_OK;
}

/* What the trial has there; NaN where it does not measure it. */
static vj_status read_value(const vj_pruner *pruner, int64_t trial, int64_t done, double *value) {
  const vj_pruner_parts *p = &pruner->parts;
  const bool at_rows = pruner->axis == VJ_STOPPING_AT_ROWS;
  const int64_t *places = at_rows ? p->steps : p->evals, count = at_rows ? p->step_count : p->eval_count;
  int64_t row = 0;
  while (row < count && places[row] != done) row++;
  const int variable = vj_sweep_file_find(p->file, pruner->stopping->metric);
  if (variable < 0 || row == count)
    return vj_fail(VJ_IO, "the sweep file has no %s after %lld steps", pruner->stopping->metric, (long long)done);
  return vj_sweep_file_read(p->file, variable, (int64_t[]){trial, row}, (int64_t[]){1, 1}, value);
}

static vj_status decide(vj_pruner *pruner, int64_t trial, int64_t place, int64_t done) {
  vj_ledger_measurement mine = {.trial = trial, .place = place, .value = NAN};
  const vj_stopping_question question = {pruner->stopping, done};
  VJ_TRY(read_value(pruner, trial, done, &mine.value));
  VJ_TRY(vj_sweep_file_sync(pruner->parts.file));
  return vj_ledger_decide(pruner->parts.ledger, &mine, vj_stopping_rule, &question, &pruner->decision);
}

vj_status vj_pruner_ask(vj_pruner *pruner, int64_t trial, int64_t done, bool *ends) {
  const vj_comm *group = pruner->parts.group;
  const vj_config *config = pruner->parts.space->trials[trial].config;
  const int64_t place = vj_stopping_place(pruner->stopping, pruner->axis, config, done);
  *ends = false;
  if (place == 0) return VJ_OK;
  VJ_TRY(vj_comm_agree(group, group->rank == 0 ? decide(pruner, trial, place, done) : VJ_OK));
  VJ_TRY(vj_comm_broadcast(group, &pruner->decision, sizeof pruner->decision, 0));
  *ends = pruner->decision != VJ_DECISION_GO_ON;
  return VJ_OK;
}

vj_prune_decision vj_pruner_decision(const vj_pruner *pruner) { return pruner->decision; }

void vj_pruner_begin(vj_pruner *pruner) { pruner->decision = VJ_DECISION_GO_ON; }
