#include "analysis/report/horizon_means.h"

#include <math.h>
#include <stdlib.h>

int64_t vj_last_row(const vj_report_data *data, int64_t trial) {
  int64_t row = data->evals_count - 1;
  while (row >= 0 && data->evals[row] > data->results->committed[trial]) row--;
  return data->results->committed[trial] > 0 ? row : -1;
}

vj_status vj_horizon_means_of(const vj_report_data *data, const char *quantity, const vj_group *g, int64_t row,
                              vj_horizon_means *p) {
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(data->results->file, quantity);
  *p = (vj_horizon_means){0};
  if (variable < 0) return VJ_OK;
  vj_sweep_file_variable(data->results->file, variable, &info);
  if (info.rank != 3) return VJ_OK;
  const int64_t width = info.size[2];
  double *sum = vj_pool_take(data->pool, (size_t)width * sizeof *sum), *one = NULL, trials = 0;
  if (!sum) return vj_fail(VJ_MEMORY, "no memory for a spectrum");
  VJ_TRY(vj_allocate((size_t)width, sizeof *one, "a spectrum", &one));
  vj_status status = VJ_OK;
  for (int64_t k = 0; k < g->members.count && status == VJ_OK; k++) {
    const int64_t last = vj_last_row(data, g->members.trials[k]);
    int64_t at = row < 0 ? last : row;
    if (at < 0 || at > last) continue;
    do /* trials may differ in when they are evaluated */
      status = vj_sweep_file_read(data->results->file, variable, (int64_t[]){g->members.trials[k], at, 0},
                                  (int64_t[]){1, 1, width}, one);
    while (status == VJ_OK && row < 0 && !isfinite(one[0]) && --at > 0);
    if (status != VJ_OK || !isfinite(one[0])) continue;
    trials++;
    for (int64_t i = 0; i < width; i++) sum[i] += one[i]; /* NaN beyond a trial's components stays NaN */
  }
  for (int64_t i = 0; i < width && trials > 0; i++) sum[i] /= trials;
  while (trials > 0 && p->count < width && isfinite(sum[p->count])) p->count++;
  p->values = sum;
  free(one);
  return status;
}
