/* An answer for readers and for programs. */
#ifndef VJ_ANALYSIS_RESULTS_ANSWER_PRINT_H
#define VJ_ANALYSIS_RESULTS_ANSWER_PRINT_H

#include "analysis/output/row_writer.h"
#include "analysis/results/answer.h"

/* As text, or as Markdown: what is asked and answered, then a line for each claim and requirement. */
VJ_MUST_USE vj_status vj_answer_print(const vj_answer *answer, vj_format format, FILE *to);

/* All of it, with all digits. The caller owns it; NULL without memory. */
json_t *vj_answer_object(vj_pool *pool, const vj_answer *answer);

/* "0.27 to 0.37", "not bounded", or "-" where there is none; "0.0012", "< 0.0001" or "-". */
enum { VJ_INTERVAL_BYTES = 64 };
const char *vj_interval_text(const vj_effect *effect, char text[VJ_INTERVAL_BYTES]);
const char *vj_p_text(double p, char text[VJ_INTERVAL_BYTES]);

#endif
