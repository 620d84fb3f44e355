#include "analysis/metrics/clusters.h"

#include <math.h>
#include <stdlib.h>

#include "vj/memory.h"

/* Of each cluster: what its samples lie above the mean, together, and whether there are any. */
typedef struct cluster_sum {
  double above;
  bool is_there;
} cluster_sum;

vj_status vj_clustered_error(int64_t samples, const double *sums, const int64_t *counts, const int64_t *cluster,
                             double *error) {
  double all = 0, total = 0, squares = 0;
  int64_t most = 0, clusters = 0;
  cluster_sum *of = NULL;
  for (int64_t i = 0; i < samples; i++) {
    const int64_t own = cluster ? cluster[i] : i;
    all += sums[i];
    total += counts ? (double)counts[i] : 1;
    if (own >= most) most = own + 1;
  }
  VJ_TRY(vj_allocate((size_t)most + 1, sizeof *of, "clusters of clips", &of));
  for (int64_t i = 0; i < samples; i++) {
    const double count = counts ? (double)counts[i] : 1;
    if (count == 0) continue;
    cluster_sum *own = &of[cluster ? cluster[i] : i];
    own->above += sums[i] - all / total * count;
    own->is_there = true;
  }
  for (int64_t g = 0; g < most; g++) {
    clusters += of[g].is_there;
    squares += of[g].above * of[g].above;
  }
  free(of);
  *error = clusters < 2 ? NAN : sqrt((double)clusters / (double)(clusters - 1) * squares) / total;
  return VJ_OK;
}
