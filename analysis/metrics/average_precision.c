#include "analysis/metrics/average_precision.h"

#include <math.h>
#include <stdlib.h>

#include "vj/memory.h"

typedef struct ranked {
  double score;
  bool truth;
} ranked;

static int higher_first(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  return x->truth - y->truth; /* found together, whichever comes first */
}

/* From the lowest score up, so that the best precision further down the list is known. Samples of equal score are found
 * together. */
static void sum_up(int64_t count, const ranked *list, vj_average_precision *result) {
  int64_t found = result->positives;
  double best = 0;
  for (int64_t last = count; last > 0;) {
    int64_t first = last, positives = 0;
    for (; first > 0 && list[first - 1].score == list[last - 1].score; first--) positives += list[first - 1].truth;
    const double precision = (double)found / (double)last, step = (double)positives / (double)result->positives;
    if (precision > best) best = precision;
    result->plain += step * precision;
    result->envelope += step * best;
    found -= positives;
    last = first;
  }
}

vj_status vj_average_precision_of(int64_t count, const double *scores, const bool *truths,
                                  vj_average_precision *result) {
  ranked *list = NULL;
  *result = (vj_average_precision){0};
  VJ_TRY(vj_allocate((size_t)count + 1, sizeof *list, "a ranking", &list));
  for (int64_t i = 0; i < count; i++) {
    list[i] = (ranked){scores[i], truths[i]};
    result->positives += truths[i];
  }
  qsort(list, (size_t)count, sizeof *list, higher_first);
  if (result->positives)
    sum_up(count, list, result);
  else
    result->plain = result->envelope = NAN;
  free(list);
  return VJ_OK;
}
