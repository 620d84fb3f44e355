/* What a section of the report is, and what it writes with. Pictures are put in when all of them have been drawn. Not
 * collective. */
#ifndef VJ_ANALYSIS_REPORT_SECTION_H
#define VJ_ANALYSIS_REPORT_SECTION_H

#include "analysis/output/html.h"
#include "analysis/output/plots.h"
#include "analysis/report/report_data.h"
#include "analysis/results/collapse.h"

typedef struct vj_page {
  const vj_report_data *data;
  vj_plots *plots;
  const char *contents; /* links to the sections that apply, as HTML */
  FILE *to;             /* the body */
} vj_page;

/* A row of analysis/report/sections/sections.def. */
typedef struct vj_section {
  const char *id, *title;                      /* of the element and its heading; NULL: it stands before all others */
  bool (*applies)(const vj_report_data *data); /* NULL: always */
  vj_status (*write)(vj_page *page);           /* what stands below the heading */
} vj_section;

enum { VJ_PICTURE_WIDTH = 400, VJ_PICTURE_HEIGHT = 260 };

/* Pictures side by side, as many as fit. */
void vj_page_pictures(vj_page *page);
void vj_page_pictures_end(vj_page *page);
/* A picture with its caption; the script to draw it is what is returned. */
FILE *vj_page_picture(vj_page *page, int height, const char *caption_format, ...) VJ_PRINTF(3, 4);
/* Writes a body with the pictures of its page where they belong. */
VJ_MUST_USE vj_status vj_page_copy(const vj_page *page, const char *body, FILE *to);
/* The shown groups with their colours. */
void vj_page_legend(vj_page *page);
/* What the colours from dark to light stand for. */
void vj_page_color_scale(vj_page *page, const char *title, double low, double high);
/* A group's name behind its colour. */
void vj_page_group_name(vj_page *page, const vj_group *group);
/* The cell that says whether a hidden state has collapsed, and how. */
void vj_page_verdict(vj_page *page, const vj_collapse *collapse);
/* Axes for so many horizontal bars, one below the other, from row 0 on, with room for their names above them. */
void vj_page_bar_axes(FILE *script, int64_t rows, const char *unit);
/* "(px/frame)^2"; "" where a quantity has no unit worth telling. */
const char *vj_page_units(const vj_page *page, const char *quantity);
/* "speed MSE", or the quantity's own name. */
const char *vj_page_objective_title(const vj_page *page);

#endif
