/* A ledger that may be damaged: what its whole lines say, and a ledger that says what is known from elsewhere, too. Not
 * collective, and without the ledger's lock. */
#ifndef VJ_FRAMEWORK_STORE_LEDGER_LEDGER_ACCOUNT_H
#define VJ_FRAMEWORK_STORE_LEDGER_LEDGER_ACCOUNT_H

#include <stddef.h>

#include "framework/store/ledger/ledger.h"
#include "vj/memory.h"

typedef struct vj_ledger_account {
  vj_pool *pool; /* of all that follows */
  const char *path;
  char *text; /* NULL: there is no such file */
  size_t bytes;
  bool is_torn;                   /* the last line has no end, as a kill leaves it */
  int64_t trials, stated;         /* of the sweep; that the ledger tells of, 0 if its first line does not */
  int64_t damaged, first_damaged; /* lines whose checksum does not fit, or that make no sense here; from 1 */
  vj_trial_state *state;          /* of each trial, by the other lines */
  int64_t *attempts;
} vj_ledger_account;

/* Reads it, and takes it apart for a sweep of so many trials: two steps, since the file of the sweep should be looked
 * at after the ledger was read, and tells how many trials there are. */
VJ_MUST_USE vj_status vj_ledger_account_read(vj_pool *pool, const char *path, vj_ledger_account *account);
VJ_MUST_USE vj_status vj_ledger_account_take_apart(vj_ledger_account *account, int64_t trials);

/* What is known of a trial from elsewhere. */
typedef struct vj_ledger_fact {
  bool is_open;         /* it has to be trained, whatever lines say of its end */
  vj_trial_state state; /* else, if it has ended: how, unless lines say that it has, too */
  int64_t attempts;
  const char *reason;             /* of FAILED and PRUNED */
  vj_ledger_measurement measured; /* of PRUNED */
} vj_ledger_fact;

/* The text of a ledger with all whole lines, but for ends of trials that are open, and with what is missing to these
 * facts, signed by `who`. The caller frees it. */
VJ_MUST_USE vj_status vj_ledger_account_rewrite(const vj_ledger_account *account, const vj_ledger_fact *facts,
                                                const char *who, char **text, size_t *bytes);

#endif
