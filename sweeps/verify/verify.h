/* Whether the files of a sweep are what was written, weeks later or after a copy; and making good what is not, as far
 * as it can be. May see all of sweeps and framework. Begin here; then file.c, what sweep.h5 is compared with, and
 * repair.c.
 *
 * Nothing is written unless it is asked for. A job may work on the sweep meanwhile, but not while it is repaired. Not
 * collective. */
#ifndef VJ_SWEEPS_VERIFY_VERIFY_H
#define VJ_SWEEPS_VERIFY_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "vj/memory.h"

typedef enum vj_verdict {
  VJ_VERDICT_NOTE, /* worth knowing, and no damage */
  VJ_VERDICT_DAMAGED,
  VJ_VERDICT_REPAIRED
} vj_verdict;

typedef struct vj_discovery {
  vj_verdict verdict;
  const char *place, *what, *remedy; /* a path; what it means; what to do, or was done: "" if nothing */
} vj_discovery;

typedef struct vj_verification {
  vj_pool *pool; /* of all that follows */
  const char *folder;
  int64_t count;
  vj_discovery *at;
  int64_t damages;        /* that are left */
  int64_t trials, sealed; /* of the sweep; of these, with checksums, which fit */
} vj_verification;

/* Looks at DIR, and repairs it if `repairs`. `like`: the folder of a sweep with the same structure, which stands in for
 * a copy that is lost, or NULL. Fails where that is no folder of a sweep, where a job works on a sweep
 * that is to be repaired, and where a file can't be read or written; damage is no failure. */
VJ_MUST_USE vj_status vj_verify(vj_pool *pool, const char *folder, const char *like, bool repairs,
                                vj_verification *found);

/* Adds what was found elsewhere; NULL texts are VJ_MEMORY. */
VJ_MUST_USE vj_status vj_verify_add(vj_verification *found, vj_verdict verdict, const char *place, const char *what,
                                    const char *remedy);

#endif
