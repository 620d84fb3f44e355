/* The page that a report is: sections in one HTML file, with pictures inside. Each section adds what it has to tell, or
 * nothing. Not collective. */
#ifndef VJ_ANALYSIS_REPORT_PAGE_H
#define VJ_ANALYSIS_REPORT_PAGE_H

#include "analysis/report/report_data.h"
#include "analysis/output/html.h"
#include "analysis/output/plots.h"

typedef struct vj_page {
  const vj_report_data *data;
  vj_plots *plots;
  FILE *to; /* the body; pictures are put in when all have been drawn */
} vj_page;

/* --- for sections ------------------------------------------------------------------------------------------------ */

enum { VJ_PICTURE_WIDTH = 400, VJ_PICTURE_HEIGHT = 260, VJ_CONTENTS_MARK = 2 /* where the contents go */ };

void vj_page_section(vj_page *page, const char *id, const char *title);
void vj_page_section_end(vj_page *page);
/* Pictures side by side, as many as fit. */
void vj_page_pictures(vj_page *page);
void vj_page_pictures_end(vj_page *page);
/* A picture with its caption; the script to draw it is what is returned. */
FILE *vj_page_picture(vj_page *page, int height, const char *caption_format, ...) VJ_PRINTF(3, 4);
/* The shown groups with their colours. */
void vj_page_legend(vj_page *page);
/* What the colours from dark to light stand for. */
void vj_page_shades(vj_page *page, const char *title, double low, double high);
/* A group's name behind its colour. */
void vj_page_group_name(vj_page *page, const vj_group *group);
/* "(px/frame)^2"; "" where a quantity has no unit worth telling. */
const char *vj_page_units(const vj_page *page, const char *quantity);
/* "speed MSE", or the quantity's own name. */
const char *vj_page_objective_title(const vj_page *page);

/* --- the sections, in this order --------------------------------------------------------------------------------- */

VJ_MUST_USE vj_status vj_section_summary(vj_page *page);    /* what was swept, what became of it, what is best */
VJ_MUST_USE vj_status vj_section_results(vj_page *page);    /* table of results, differences tested */
VJ_MUST_USE vj_status vj_section_parameters(vj_page *page); /* importance, curves, heat maps, parallel coordinates */
VJ_MUST_USE vj_status vj_section_curves(vj_page *page);     /* losses over training */
VJ_MUST_USE vj_status vj_section_spectra(vj_page *page);    /* singular values, RankMe, collapse */
VJ_MUST_USE vj_status vj_section_latents(vj_page *page);    /* heads, sparsity, energies */
VJ_MUST_USE vj_status vj_section_pictures(vj_page *page);   /* frames, trajectories */
VJ_MUST_USE vj_status vj_section_timing(vj_page *page);     /* where the time went */
VJ_MUST_USE vj_status vj_section_reproduce(vj_page *page);  /* configuration, versions, command, seeds */

/* --- whole ------------------------------------------------------------------------------------------------------- */

/* Writes the report of the sweep in `folder` to `path`, under another name until it is whole. `by`: the quantity by
 * which trials are compared; NULL for the usual one. */
VJ_MUST_USE vj_status vj_report_write(const char *folder, const char *by, const char *path);

#endif
