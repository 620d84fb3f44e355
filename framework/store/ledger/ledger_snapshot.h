/* Who works on which trial, as the ledger says at one moment. It is read without its lock, so that nobody who writes it
 * waits for a reader, and damaged lines are counted instead of refused. Not collective. */
#ifndef VJ_FRAMEWORK_STORE_LEDGER_LEDGER_SNAPSHOT_H
#define VJ_FRAMEWORK_STORE_LEDGER_LEDGER_SNAPSHOT_H

#include <stdbool.h>

#include "framework/store/ledger/ledger.h"
#include "vj/memory.h"

typedef enum vj_runner {
  VJ_RUNNER_UNKNOWN, /* on another host */
  VJ_RUNNER_ALIVE,
  VJ_RUNNER_GONE /* it was on this host, and there is no such process */
} vj_runner;

typedef struct vj_claim {
  vj_trial_state state;
  int64_t attempts;
  const char *who; /* "host:4242", who took the trial last; "" if nobody did */
  bool is_newest;  /* no record came after this claim, so it is as old as the ledger's last change */
} vj_claim;

typedef struct vj_ledger_snapshot {
  int64_t count; /* trials; 0: there is no ledger */
  vj_claim *of;
  int64_t damaged; /* lines whose checksum does not fit; they are passed over */
  double changed;  /* Unix time of the ledger's last change; NaN if there is no ledger */
} vj_ledger_snapshot;

/* A line without its end is being written, and is left out. Owned by the pool. */
VJ_MUST_USE vj_status vj_ledger_snapshot_read(vj_pool *pool, const char *path, vj_ledger_snapshot *snapshot);

/* What can be said of the process "host:4242" from here. */
vj_runner vj_claim_runner(const char *who);

/* Unix time of a file's last change; NaN if there is no such file. */
double vj_file_changed(const char *path);

#endif
