#include "analysis/results/collapse.h"

#include <math.h>

const double vj_collapsed_below = 0.1, vj_partly_collapsed_below = 0.25;

const char *vj_collapse_verdict(double rankme, int64_t largest) {
  if (!isfinite(rankme) || largest == 0) return "";
  return rankme < vj_collapsed_below * (double)largest          ? "collapsed"
         : rankme < vj_partly_collapsed_below * (double)largest ? "partly"
                                                                : "no";
}
