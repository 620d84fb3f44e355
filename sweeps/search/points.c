/* Coordinates and the texts of what they stand for. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/search/method.h"
#include "vj/elementary.h"

enum { STEPS = 64 }; /* of the last place, in which a coordinate is looked for */
static const double below_one = 0x1.fffffffffffffp-1;

static double in_unit(double at) { return at >= 0 ? fmin(at, below_one) : 0; }

double vj_search_cells(const vj_search_dimension *dimension) {
  if (dimension->choices) return (double)dimension->choices;
  return dimension->range.is_integer ? dimension->range.high - dimension->range.low + 1 : 0;
}

double vj_search_cell(const vj_search_dimension *dimension, double at) {
  char text[VJ_REAL_BYTES];
  if (dimension->choices) return fmin(floor(at * (double)dimension->choices), (double)dimension->choices - 1);
  return strtod(vj_range_draw(&dimension->range, at, text), NULL) - dimension->range.low;
}

void vj_search_cell_edges(const vj_search_dimension *dimension, double k, double *low, double *high) {
  const double cells = vj_search_cells(dimension);
  *low = k / cells;
  *high = (k + 1) / cells;
  if (dimension->choices || !dimension->range.is_log) return;
  const vj_range range = {.low = dimension->range.low, .high = dimension->range.high + 1, .is_log = true};
  *low = vj_range_place(&range, range.low + k);
  *high = vj_range_place(&range, range.low + k + 1);
}

const char *vj_search_text(const vj_search_dimension *dimension, double at, char text[VJ_REAL_BYTES]) {
  if (!dimension->choices) return vj_range_draw(&dimension->range, in_unit(at), text);
  snprintf(text, VJ_REAL_BYTES, "%.0f", vj_search_cell(dimension, in_unit(at)));
  return text;
}

static bool has_text(const vj_search_dimension *dimension, double at, const char *text) {
  char found[VJ_REAL_BYTES];
  return strcmp(vj_search_text(dimension, at, found), text) == 0;
}

/* The nearest coordinate to *at that has the text: what was drawn was rounded to twelve digits, and so was its place.
 */
static bool find_text(const vj_search_dimension *dimension, const char *text, double *at) {
  double up = *at, down = *at;
  if (has_text(dimension, *at, text)) return true;
  for (int i = 0; i < STEPS; i++) {
    up = in_unit(nextafter(up, 1));
    down = in_unit(nextafter(down, 0));
    const bool is_up = has_text(dimension, up, text);
    if (!is_up && !has_text(dimension, down, text)) continue;
    *at = is_up ? up : down;
    return true;
  }
  return false;
}

bool vj_search_place(const vj_search_dimension *dimension, const char *text, double *at) {
  char *rest = NULL;
  const double number = strtod(text, &rest), cells = vj_search_cells(dimension);
  const bool is_number = rest != text && !*rest && isfinite(number);
  *at = 0.5;
  if (!is_number) return false;
  if (cells > 0) {
    double low, high;
    const double k = floor(dimension->choices ? number : number - dimension->range.low);
    vj_search_cell_edges(dimension, fmin(fmax(k, 0), cells - 1), &low, &high);
    *at = in_unit(low + (high - low) / 2);
    return find_text(dimension, text, at);
  }
  const vj_range *range = &dimension->range;
  *at = in_unit(vj_range_place(range, fmin(fmax(number, range->low), range->high)));
  return find_text(dimension, text, at);
}

void vj_search_find_present(const vj_search_space *space, const double *at, bool *present) {
  for (int64_t d = 0; d < space->count; d++)
    present[d] = !space->exists || space->exists(space->context, at, present, d);
}

/* A number near 0 in a range of both signs may have no coordinate that is its place: the one that drew it stays. */
static double settled(const vj_search_dimension *dimension, double at) {
  char text[VJ_REAL_BYTES];
  double place;
  return vj_search_place(dimension, vj_search_text(dimension, at, text), &place) ? place : in_unit(at);
}

void vj_search_settle(const vj_search_space *space, double *at, bool *present) {
  for (int64_t d = 0; d < space->count; d++) {
    at[d] = settled(&space->dimensions[d], at[d]);
    present[d] = !space->exists || space->exists(space->context, at, present, d);
    if (!present[d]) at[d] = 0.5;
  }
}
