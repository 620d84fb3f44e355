/* Words in a picture, in letters of 5 x 7 pixels. */
#ifndef VJ_ANALYSIS_OUTPUT_CANVAS_TEXT_H
#define VJ_ANALYSIS_OUTPUT_CANVAS_TEXT_H

#include "analysis/output/canvas.h"

/* Of one line, with what is between letters and between lines. */
enum { VJ_LETTER_WIDTH = 6, VJ_LETTER_HEIGHT = 9 };

/* Writes a line in black from the upper left corner (left, top) on; what does not fit into the picture is left out.
 * Letters are those of ASCII; for each other character of UTF-8 there is one question mark. */
void vj_canvas_write_text(vj_canvas *canvas, int64_t left, int64_t top, const char *text);

#endif
