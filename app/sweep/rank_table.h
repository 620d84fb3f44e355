/* `vjvcr sweep --dry-run`: the table of ranks for a trial. */
#ifndef VJ_APP_SWEEP_RANK_TABLE_H
#define VJ_APP_SWEEP_RANK_TABLE_H

#include "sweeps/schedule/rank_advice.h"
#include "app/experiment.h"

/* The machine the experiment's options ask about: that of --cluster, or else the built-in one with as many ranks on a
 * node as `ranks_here`; and how many ranks of it, --ranks or all of them. Not collective. */
VJ_MUST_USE vj_status vj_rank_table_machine(const vj_experiment *experiment, int64_t ranks, int64_t ranks_here,
                                            vj_rank_question *question);
/* Asks and prints; nothing where there is only one rank to have. `memory`: bytes of this host. Not collective. */
VJ_MUST_USE vj_status vj_rank_table_print(vj_pool *pool, const vj_rank_question *question, bool timed);

#endif
