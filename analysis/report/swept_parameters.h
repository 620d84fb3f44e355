/* What a sweep varies, and what of it mattered. */
#ifndef VJ_ANALYSIS_REPORT_SWEPT_PARAMETERS_H
#define VJ_ANALYSIS_REPORT_SWEPT_PARAMETERS_H

#include "analysis/report/report_data.h"

/* Fills the factors: the arm, and every key under `sweep.parameters` with two values or more. Keys that only arms set
 * say nothing beside the arm, and keys with `with:` nothing beside the one they walk with. */
VJ_MUST_USE vj_status vj_swept_parameters_find(vj_report_data *data);
/* Fills the importance, where there are two factors or more and trials enough, and orders the factors by it. */
VJ_MUST_USE vj_status vj_swept_parameters_weigh(vj_report_data *data);

#endif
