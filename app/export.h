/* `vjvcr export`: what a sweep holds, for other programs. It only reads DIR, also while the sweep runs. */
#ifndef VJ_EXPORT_H
#define VJ_EXPORT_H

#include "outcome.h"

typedef struct vj_export_request {
  const char *folder;
  int64_t trial;      /* -1: all of them */
  const char *format; /* "csv", "safetensors", "png", "gif" */
  bool pytorch;       /* arrays and names as PyTorch has them */
  const char *output; /* -o; NULL if not given */
} vj_export_request;

/* Each prints a line on what it wrote. */

/* Tables: trials.csv, and one for each axis: steps.csv, evals.csv, components.csv, horizons.csv. */
VJ_MUST_USE vj_status vj_export_csv(const vj_outcome *outcome, const vj_export_request *request);
/* The weights of one trial. */
VJ_MUST_USE vj_status vj_export_weights(const vj_outcome *outcome, const vj_export_request *request);

#endif
