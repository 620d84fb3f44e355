/* Rows of channels, as the loops of normalisation take them: several as one where a row is shorter than the processor's
 * vectors. */
#ifndef VJ_FRAMEWORK_OPS_NORM_ROWS_H
#define VJ_FRAMEWORK_OPS_NORM_ROWS_H

#include <string.h>

#include "framework/base/kernel.h"
#include "framework/graph/graph.h"

/* How many, of this many. */
static inline int64_t vj_fold(int64_t rows, int64_t channels) {
  int64_t fold = 1;
  while (2 * fold * channels <= 64 && rows % (2 * fold) == 0) fold *= 2;
  return fold;
}

/* One row for all that are taken as one, in `room` (which may be the row) if need be. */
static inline const vj_real *vj_fold_row(const vj_real *row, int64_t channels, int64_t fold, vj_real *room) {
  if (fold == 1) return row;
  for (int64_t f = room == row ? 1 : 0; f < fold; f++) memcpy(room + f * channels, row, (size_t)channels * sizeof *row);
  return room;
}

#endif
