/* What the sources of verification share. No one else includes this. */
#ifndef VJ_SWEEPS_VERIFY_VERIFY_PRIVATE_H
#define VJ_SWEEPS_VERIFY_VERIFY_PRIVATE_H

#include "framework/store/ledger/ledger_account.h"
#include "framework/store/records/records.h"
#include "framework/store/sweep_file/seal.h"
#include "sweeps/run/jobs.h"
#include "sweeps/verify/verify.h"

typedef struct vj_verifier {
  vj_verification *found;
  vj_pool *pool;
  const char *folder, *path; /* DIR, DIR/sweep.h5 */
  const char *like;          /* another folder, or NULL */
  bool repairs;
  vj_job *job; /* with its lock, while something is repaired */

  int descriptor;    /* of sweep.h5; -1: there is none */
  int64_t size;      /* of sweep.h5 */
  vj_seal *seal;     /* NULL: none was found */
  bool needs_rescue; /* something around its rows, or some rows, are not what they were */
  int64_t trials;
  bool *is_lost;       /* of each trial: its row does not fit, and has to be trained again */
  bool *lost_times;    /* likewise, what differs between two runs of it */
  const char *rescued; /* path of the file made anew, which has not its name yet; NULL: there is none */
  vj_sweep_file *file; /* what can be read of it, sound or made anew; NULL: nothing */
  vj_ledger_account ledger;
} vj_verifier;

/* "DIR/<name>"; NULL without memory. */
const char *vj_verifier_path(const vj_verifier *v, const char *name);

#define vj_verifier_note(v, place, what, remedy) vj_verify_add((v)->found, VJ_VERDICT_NOTE, place, what, remedy)
/* Damage, with what there is to be done, or that it is done where everything is repaired. */
VJ_MUST_USE vj_status vj_verifier_damage(vj_verifier *v, const char *place, const char *what, const char *remedy,
                                         const char *repair);

/* sweep.h5: its end, its seal, its structure, its rows. */
VJ_MUST_USE vj_status vj_verify_file(vj_verifier *v);
/* Makes it anew beside the old one, under a name that v->rescued has. */
VJ_MUST_USE vj_status vj_rescue_file(vj_verifier *v);
/* What belongs to it: sweep.yaml, ledger, checkpoints, weights. */
VJ_MUST_USE vj_status vj_verify_yaml(vj_verifier *v);
VJ_MUST_USE vj_status vj_verify_ledger(vj_verifier *v);
VJ_MUST_USE vj_status vj_verify_checkpoints(vj_verifier *v);

/* Gives `path` to a whole file, which has the name `fresh`. A damaged one that lies there is kept as <path>.damaged, or
 * with a number behind that. */
VJ_MUST_USE vj_status vj_repair_replace(vj_pool *pool, const char *path, const char *fresh, bool is_damaged);

#endif
