/* How the page looks. */
#ifndef VJ_ANALYSIS_REPORT_STYLE_H
#define VJ_ANALYSIS_REPORT_STYLE_H

extern const char vj_report_style[];

#endif
