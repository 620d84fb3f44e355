/* Groups of ranks: as they start, and as they split when only smaller trials are left. */
#include "sweeps/run/driver_private.h"

static vj_status adopt(vj_driver *d, vj_comm group) {
  if (d->group.size) vj_comm_destroy(&d->group);
  d->group = group;
  d->is_root = group.rank == 0;
  return VJ_OK;
}

vj_status vj_driver_form_groups(vj_driver *d) {
  vj_comm group;
  int first, size;
  vj_trial_schedule_block(d->schedule, d->world->rank, &first, &size);
  VJ_TRY(vj_comm_agree(d->world, vj_comm_split(d->world, first, &group)));
  return adopt(d, group);
}

/* Trials for fewer ranks stand behind those of this size. */
static vj_status smaller_wait(vj_driver *d, bool *waits) {
  int64_t first, count;
  vj_trial_schedule_find(d->schedule, d->group.size, &first, &count);
  const int64_t behind = first + count;
  return vj_ledger_waits(d->ledger, d->schedule->order + behind, d->schedule->trial_count - behind, waits);
}

vj_status vj_driver_split(vj_driver *d, bool *has_split) {
  vj_comm half;
  *has_split = false;
  if (d->group.size == d->schedule->least) return VJ_OK;
  VJ_TRY(vj_comm_agree(&d->group, d->is_root ? smaller_wait(d, has_split) : VJ_OK));
  VJ_TRY(vj_comm_broadcast(&d->group, has_split, sizeof *has_split, 0));
  if (!*has_split) return VJ_OK;
  VJ_TRY(vj_comm_agree(&d->group, vj_comm_split(&d->group, d->group.rank >= d->group.size / 2, &half)));
  return adopt(d, half);
}

vj_status vj_driver_is_left(vj_driver *d, bool *is_left) {
  vj_status status = VJ_OK;
  *is_left = false;
  if (d->world->rank == 0) status = vj_ledger_waits(d->ledger, d->schedule->order, d->schedule->trial_count, is_left);
  VJ_TRY(vj_comm_agree(d->world, status));
  return vj_comm_broadcast(d->world, is_left, sizeof *is_left, 0);
}
