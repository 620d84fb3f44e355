#include "analysis/statistics/design.h"

int64_t vj_design_cells(const vj_design *design) {
  int64_t cells = 1;
  for (int f = 0; f < design->factor_count; f++) {
    cells *= design->factors[f].levels;
    if (cells > design->count) return -1;
  }
  return cells;
}

int64_t vj_design_cell(const vj_design *design, int64_t trial) {
  int64_t cell = 0;
  for (int f = 0; f < design->factor_count; f++)
    cell = cell * design->factors[f].levels + design->factors[f].level[trial];
  return cell;
}

vj_level_weights vj_design_weights(const vj_design *design) {
  vj_level_weights weights = {0};
  for (int f = 0; f < design->factor_count; f++)
    for (int64_t i = 0; i < design->count; i++) weights.of[f][design->factors[f].level[i]] += 1 / (double)design->count;
  return weights;
}
