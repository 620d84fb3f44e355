#include "analysis/statistics/summary.h"

void vj_summary_add(vj_summary *s, double value) {
  if (!isfinite(value)) return;
  const double from_old = s->count ? value - s->mean : 0;
  s->mean = s->count++ ? s->mean + from_old / (double)s->count : value;
  s->squares += from_old * (value - s->mean);
  s->deviation = s->count > 1 ? sqrt(s->squares / (double)(s->count - 1)) : NAN;
}

vj_summary vj_summary_of(const double *values, int64_t count) {
  vj_summary s = VJ_SUMMARY_NONE;
  for (int64_t i = 0; i < count; i++) vj_summary_add(&s, values[i]);
  return s;
}

int vj_ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}
