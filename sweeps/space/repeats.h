/* Combinations of a sweep that are one trial: their configurations say the same, whatever way they are written. Not
 * collective. */
#ifndef VJ_SWEEPS_SPACE_REPEATS_H
#define VJ_SWEEPS_SPACE_REPEATS_H

#include "sweeps/space/space.h"

/* Takes out what repeats an earlier trial of its arm, renumbers the rest and lowers `count`. Sentences, or NULL:
 * `repeats` tells what was taken out, `alike` that arms are the same, which stay. */
VJ_MUST_USE vj_status vj_repeats_remove(vj_pool *pool, vj_trial *trials, int64_t *count, const char **repeats,
                                        const char **alike);

#endif
