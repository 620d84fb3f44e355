/* The room on the disk that a sweep takes. Not collective. */
#ifndef VJ_SWEEPS_RUN_DISK_CHECK_H
#define VJ_SWEEPS_RUN_DISK_CHECK_H

#include "sweeps/run/layout.h"

typedef struct vj_disk_need {
  const char *folder;
  int groups;
  double records;     /* bytes of sweep.h5 and the ledger */
  double checkpoints; /* bytes at most, while all groups run: two generations of each, and one being written */
  double free;        /* bytes on the folder's disk; negative: unknown */
} vj_disk_need;

/* Of a sweep that is yet to be made in `folder`, which need not exist and must outlive the need. */
vj_disk_need vj_disk_need_of(const vj_sweep_layout *layout, int64_t trials, int groups, const char *folder);

bool vj_disk_need_fits(const vj_disk_need *need);

/* VJ_IO when records would fit but not the checkpoints beside them; that records alone don't fit shows more surely when
 * their room is taken. */
VJ_MUST_USE vj_status vj_disk_need_check(const vj_disk_need *need);

#endif
