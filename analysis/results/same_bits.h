/* Whether two sweep files say the same of a trial, bit by bit: what it measured at every step and evaluation that both
 * have recorded as whole. Seconds are left out. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_SAME_BITS_H
#define VJ_ANALYSIS_RESULTS_SAME_BITS_H

#include "framework/store/records/records.h"

enum { VJ_PLACE_BYTES = 64 };

/* A value that is not the same; NaN where a file has none. */
typedef struct vj_bits_difference {
  const char *variable;
  char at[VJ_PLACE_BYTES]; /* behind trial and step: "[3,0]"; "" of a single number */
  int64_t step;            /* training steps completed; of what is recorded once, those of the whole trial */
  double one, other;
} vj_bits_difference;

typedef struct vj_bits_comparison {
  int64_t steps;                         /* up to which both have recorded everything */
  int64_t variables, values;             /* compared */
  int64_t other_variables, other_values; /* of these, those that differ */
  int64_t unknown;                       /* variables of the other file that the one does not have */
  vj_bits_difference first;              /* of the earliest step; when any differs */
} vj_bits_comparison;

/* A row of a file, and the training steps up to which it counts. */
typedef struct vj_bits_row {
  const vj_sweep_file *file;
  int64_t trial, committed;
  bool is_whole; /* what is recorded once, at the end or at each evaluation anew, is that of `committed` steps */
} vj_bits_row;

/* Names live as long as `one` is open. A number is compared as its bits are; any NaN is like any other. */
VJ_MUST_USE vj_status vj_same_bits(const vj_bits_row *one, const vj_bits_row *other, vj_bits_comparison *comparison);

#endif
