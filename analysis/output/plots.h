/* Pictures by gnuplot: all of them in one run of it, each then an SVG to be put into a page. Colours of the page's
 * palette become CSS variables, so that they follow the reader's light or dark; no identifiers are left, so that many
 * pictures may stand in one page. Not collective. */
#ifndef VJ_ANALYSIS_OUTPUT_PLOTS_H
#define VJ_ANALYSIS_OUTPUT_PLOTS_H

#include <stdio.h>

#include "vj/memory.h"

enum { VJ_PLOT_COLORS = 8 };

/* Of gnuplot's scripts: "#0072b2", ...; in the SVG it is var(--c0), .... */
extern const char *const vj_plot_colors[VJ_PLOT_COLORS];
/* Lines that only help the eye; var(--soft). */
#define VJ_PLOT_SOFT "#808182"

typedef struct vj_plots vj_plots;

/* Makes a folder of its own for scripts and pictures, in $TMPDIR or /tmp; it goes when the plots are destroyed. */
VJ_MUST_USE vj_status vj_plots_create(vj_plots **plots);
void vj_plots_destroy(vj_plots **plots);

/* Begins the next picture, of this size in CSS pixels, and gives the script to write commands to: axes are set up and
 * there is no key. `alt` says what it shows, to who can't see it. */
FILE *vj_plots_begin(vj_plots *plots, int width, int height, const char *alt);
int vj_plots_count(const vj_plots *plots);

/* A text in a script, quoted; one that is longer than fits across a picture, or than so many characters, is cut. */
void vj_plots_quote(FILE *script, const char *text);
void vj_plots_quote_short(FILE *script, const char *text, int characters);
/* Colour of a number from 0 to 1, dark to light, as 0xRRGGBB: viridis (Smith and van der Walt 2015), which all eyes can
 * tell apart. */
unsigned vj_plots_scale_color(double share);
/* The same for thin lines and points: neither so dark nor so light that they would not show on both papers. */
unsigned vj_plots_line_color(double share);

/* Runs gnuplot. Without one the sentence says which package brings it. */
VJ_MUST_USE vj_status vj_plots_draw(vj_plots *plots);
/* Writes picture `number`, from 0. */
VJ_MUST_USE vj_status vj_plots_copy(const vj_plots *plots, int number, FILE *to);

#endif
