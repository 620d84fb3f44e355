/* Pictures of two parameters at a time, and of all of them. */
#ifndef VJ_ANALYSIS_REPORT_INTERACTIONS_H
#define VJ_ANALYSIS_REPORT_INTERACTIONS_H

#include "analysis/report/section.h"

/* Heat maps of a quantity over pairs of parameters: cells where both have few values, points elsewhere. `results`
 * [trials]: NaN where there is none. */
VJ_MUST_USE vj_status vj_draw_interactions(vj_page *page, const vj_report_column *column, const double *results);
/* Parallel coordinates: each trial a line through its values of all parameters, one below the other. */
VJ_MUST_USE vj_status vj_draw_parallel(vj_page *page, const vj_report_column *column, const double *results);

/* A heat map of means over two parameters of few values; nothing where there is no result. */
void vj_draw_cells(vj_page *page, const char *caption, const vj_swept_parameter *x, const vj_swept_parameter *y,
                   const double *results);

/* Lowest and highest finite of them; false without any. */
bool vj_range_of(const double *values, int64_t count, double *low, double *high);

#endif
