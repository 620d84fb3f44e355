/* `vjvcr sweep --dry-run`: how many settings each arm gets, and from which space. */
#ifndef VJ_APP_SWEEP_ARM_TABLE_H
#define VJ_APP_SWEEP_ARM_TABLE_H

#include "sweeps/space/space.h"

/* `root`: the experiment that the space was made of. Prints how settings were chosen, too, where it says so, and
 * nothing where no arm has parameters of its own. Not collective. */
VJ_MUST_USE vj_status vj_arm_table_print(vj_pool *pool, const vj_yaml *root, const vj_space *space);

#endif
