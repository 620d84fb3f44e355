/* A quantity along training, for a group of trials: mean and standard deviation over its seeds. Not collective. */
#ifndef VJ_ANALYSIS_REPORT_SEED_BANDS_H
#define VJ_ANALYSIS_REPORT_SEED_BANDS_H

#include "analysis/report/section.h"

typedef struct vj_seed_band {
  int64_t count;  /* points, at most 150: neighbouring rows of long courses are averaged */
  double *steps;  /* training steps completed */
  vj_summary *at; /* over the trials that have come so far */
} vj_seed_band;

/* Owned by the data's pool. Without such a quantity, or where it has no number, `count` is 0. */
VJ_MUST_USE vj_status vj_seed_band_of(const vj_report_data *data, const char *quantity, const vj_group *group,
                                      vj_seed_band *band);

/* One picture over training of the shown groups, in their colours: `lines` drawn as lines with bands, `marks` (may be
 * NULL) dashed with marks. Nothing where neither has a number. The y axis is logarithmic where that shows more.
 * `commands` (may be NULL): more to say to gnuplot before it plots, e.g. a line across. */
VJ_MUST_USE vj_status vj_seed_bands_picture(vj_page *page, const char *lines, const char *marks, const char *caption,
                                            const char *commands);

#endif
