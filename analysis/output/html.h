/* Writing HTML: what comes from a sweep is escaped, and numbers keep their digits in the value of a <data> element,
 * where programs find them. Failures of the stream are seen when it is closed. */
#ifndef VJ_ANALYSIS_OUTPUT_HTML_H
#define VJ_ANALYSIS_OUTPUT_HTML_H

#include <stdbool.h>
#include <stdio.h>

#include "vj/status.h"

/* Text, with & < > " escaped; characters that HTML forbids, and bytes that are no UTF-8, become "?". */
void vj_html_text(FILE *to, const char *format, ...) VJ_PRINTF(2, 3);
/* 0.1235, and all digits in the value; a dash for NaN. */
void vj_html_number(FILE *to, double value);
/* 0.12 ± 0.01: as many digits as the deviation lets mean something. Without a deviation the mean alone. */
void vj_html_spread(FILE *to, double mean, double deviation);
/* 12.3 % */
void vj_html_percent(FILE *to, double share);

/* A table that scrolls on its own where the page is narrow, with headings "setting|#seeds", those of numbers behind #,
 * and then as many more as vj_html_heading adds. Rows: vj_html_row, then vj_html_cell before what is in each cell; open
 * elements are closed by the next, and by the end. */
void vj_html_table_begin(FILE *to, const char *id, const char *headings);
void vj_html_heading(FILE *to, bool is_number, const char *text);
void vj_html_row(FILE *to, const char *attributes);
void vj_html_cell(FILE *to, bool is_number);
void vj_html_table_end(FILE *to);

/* What is folded away until it is asked for. */
void vj_html_fold_begin(FILE *to, const char *summary);
void vj_html_fold_end(FILE *to);

#endif
