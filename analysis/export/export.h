/* What a sweep holds, for other programs: tables (csv_tables.c), weights, frames. It reads the folder, also while the
 * sweep runs, and writes where it is told. May see what results sees. Begin here. Not collective. */
#ifndef VJ_ANALYSIS_EXPORT_EXPORT_H
#define VJ_ANALYSIS_EXPORT_EXPORT_H

#include "analysis/results/sweep_results.h"

typedef struct vj_export_request {
  const char *folder;
  int64_t trial;      /* -1: all of them */
  const char *format; /* "csv", "safetensors", "png", "gif" */
  bool pytorch;       /* arrays and names as PyTorch has them */
  bool frames;
  int64_t scale;      /* of frames: pixels for one of them */
  const char *output; /* -o; NULL if not given */
} vj_export_request;

/* What was written, also on the way to a failure. Owned by a pool that outlives it. */
typedef struct vj_export_outcome {
  vj_pool *pool;
  int64_t files;
  const char **paths;
  int64_t arrays;         /* of weights */
  const char *steps_done; /* by the trial whose weights they are */
} vj_export_outcome;

/* Tables: trials.csv, and one for each axis: steps.csv, evals.csv, components.csv, horizons.csv. */
VJ_MUST_USE vj_status vj_export_csv(const vj_results *results, const vj_export_request *request,
                                    vj_export_outcome *outcome);
/* The weights of one trial. */
VJ_MUST_USE vj_status vj_export_weights(const vj_results *results, const vj_export_request *request,
                                        vj_export_outcome *outcome);
/* The frames of test clips, of one trial or of all that are done: a strip or an animation for each. */
VJ_MUST_USE vj_status vj_export_frames(const vj_results *results, const vj_export_request *request,
                                       vj_export_outcome *outcome);

/* Where one of several files goes: "<DIR>/<folder><name>.<format>" without -o; else "<PREFIX>-<name>.<format>", without
 * the minus sign where the prefix names a folder. `folder` is "" or ends in /. NULL when memory is out. */
const char *vj_export_path(vj_pool *pool, const vj_export_request *request, const char *folder, const char *name);
/* Notes that a file is whole. */
VJ_MUST_USE vj_status vj_export_wrote(vj_export_outcome *outcome, const char *path);
/* Makes the folder that these lie in, if it is one of its own; one that can't be made shows when a file is opened. */
void vj_export_make_folder(vj_pool *pool, const vj_export_request *request, const char *folder);

#endif
