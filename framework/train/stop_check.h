/* Whether it is time to stop, asked at every step and at every batch of an evaluation. */
#ifndef VJ_FRAMEWORK_TRAIN_STOP_CHECK_H
#define VJ_FRAMEWORK_TRAIN_STOP_CHECK_H

#include <stdbool.h>

#include "framework/comm/comm.h"

typedef struct vj_stop_check {
  bool (*stops)(void *context); /* on every rank; ranks may differ. May be NULL: never */
  void *context;
} vj_stop_check;

static inline bool vj_stop_check_is_due(const vj_stop_check *stop) { return stop->stops && stop->stops(stop->context); }

/* Collective: VJ_INTERRUPTED on all ranks when any rank is to stop. */
VJ_MUST_USE static inline vj_status vj_stop_check_agree(const vj_stop_check *stop, const vj_comm *comm) {
  unsigned any = 0;
  VJ_TRY(vj_comm_any(comm, vj_stop_check_is_due(stop), &any));
  return any ? vj_fail(VJ_INTERRUPTED, "stopped") : VJ_OK;
}

#endif
