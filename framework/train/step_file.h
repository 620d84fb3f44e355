/* One training step, or several, laid open in an HDF5 file, for checking against other frameworks. */
#ifndef VJ_FRAMEWORK_TRAIN_STEP_FILE_H
#define VJ_FRAMEWORK_TRAIN_STEP_FILE_H

#include "framework/comm/comm.h"
#include "framework/config/config.h"

/* Collective over the group. Trains `steps` steps from the initial parameters, or from those in the file `from` (may be
 * NULL; see weights.h), with a fresh optimizer, and writes, on rank 0:
 *   batch/frames [B,T,H,W,C], batch/numbers [B], labels/<name> [B,width], for the first step;
 *   step<k>/batch/frames for the k-th following step;
 *   param/<name>, state/<name> before;  activation/{x,y,hx,hy,hy_pred,..}, loss/<name> (unweighted), loss/total,
 *   grad/<name> (before clipping), grad_norm of the first step;  param_after/<name>, state_after/<name> after the last.
 * Every parameter has its `layout` as an attribute. The same bytes for any number of ranks. */
VJ_MUST_USE vj_status vj_step_file_write(const vj_config *config, const vj_comm *comm, int64_t steps, const char *from,
                                         const char *path);

#endif
