#include "sweeps/search/features.h"

#include "sweeps/search/method.h"

static const double corner = 0x1.6a09e667f3bcdp-1; /* the root of 1/2 */

static int64_t width_of(const vj_search_space *space, int64_t d) {
  const int64_t choices = space->dimensions[d].choices;
  return choices ? choices : space->exists ? 2 : 1;
}

int64_t vj_features_place(const vj_search_space *space, int64_t dimension) {
  int64_t place = 0;
  for (int64_t d = 0; d < dimension; d++) place += width_of(space, d);
  return place;
}

int64_t vj_features_count(const vj_search_space *space) { return vj_features_place(space, space->count); }

void vj_features_owners(const vj_search_space *space, int64_t *owner) {
  for (int64_t d = 0, f = 0; d < space->count; d++)
    for (int64_t i = 0; i < width_of(space, d); i++) owner[f++] = d;
}

void vj_features_of(const vj_search_space *space, const double *at, const bool *present, double *z) {
  for (int64_t d = 0; d < space->count; d++) {
    const vj_search_dimension *dimension = &space->dimensions[d];
    const int64_t width = width_of(space, d);
    if (dimension->choices) {
      for (int64_t i = 0; i < width; i++) z[i] = 0;
      if (present[d]) z[(int64_t)vj_search_cell(dimension, at[d])] = corner;
    } else {
      z[0] = present[d] ? at[d] : 0.5;
      if (width == 2) z[1] = present[d] ? 0 : 0.5;
    }
    z += width;
  }
}
