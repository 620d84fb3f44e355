/* Processes that were started together and that MPI did not join: each would run the whole sweep. */
#ifndef VJ_APP_LAUNCHER_H
#define VJ_APP_LAUNCHER_H

#include <stdbool.h>

#include "vj/status.h"

/* What started this process together with others, by its environment. */
typedef struct vj_launcher {
  const char *name; /* NULL: nobody says that there are others */
  long processes;   /* at least so many */
  long rank;        /* of this one among them */
} vj_launcher;

/* Before MPI_Init, which may add to the environment. */
vj_launcher vj_launcher_find(void);

/* VJ_USAGE where this process is alone in MPI's eyes and not the first of its launcher's; the first goes on, and tells
 * so. `alone`: it is meant. */
VJ_MUST_USE vj_status vj_launcher_check(const vj_launcher *launcher, int world_size, bool alone);

#endif
