/* gnuplot's SVG made fit for a page. */
#ifndef VJ_ANALYSIS_OUTPUT_SVG_H
#define VJ_ANALYSIS_OUTPUT_SVG_H

#include <stdio.h>

/* Copies the SVG `text` without its head, definitions, identifiers and empty groups; markers become circles, colours of
 * the palette variables. The opening tag is the caller's. */
void vj_svg_copy_body(const char *text, FILE *to);

#endif
