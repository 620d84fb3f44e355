#include "analysis/report/seed_bands.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_POINTS = 150 };
static const double worth_a_log = 30; /* largest over smallest number */

/* --- numbers ----------------------------------------------------------------------------------------------------- */

/* The mean of so many of `rows` numbers from the first on, or of what is left of them. */
static double mean_of(const double *values, int64_t rows, int64_t first, int64_t count) {
  return vj_summary_of(values + first, rows - first < count ? rows - first : count).mean;
}

static vj_status fill(const vj_report_data *data, int variable, const vj_group *g, const int64_t *places, int64_t rows,
                      vj_seed_band *band) {
  const int64_t each = (rows + MOST_POINTS - 1) / MOST_POINTS, bins = (rows + each - 1) / each;
  double *course = NULL;
  VJ_TRY(vj_allocate((size_t)rows, sizeof *course, "a curve", &course));
  vj_status status = VJ_OK;
  for (int64_t bin = 0; bin < bins; bin++) band->at[bin] = VJ_SUMMARY_NONE;
  for (int64_t k = 0; k < g->members.count && status == VJ_OK; k++) {
    status = vj_report_data_course(data, variable, g->members.trials[k], course);
    for (int64_t bin = 0; bin < bins && status == VJ_OK; bin++)
      vj_summary_add(&band->at[bin], mean_of(course, rows, bin * each, each));
  }
  for (int64_t i = 0; i < rows; i++) course[i] = (double)places[i];
  for (int64_t bin = 0; bin < bins && status == VJ_OK; bin++) {
    if (!band->at[bin].count) continue;
    band->steps[band->count] = mean_of(course, rows, bin * each, each);
    band->at[band->count++] = band->at[bin];
  }
  free(course);
  return status;
}

vj_status vj_seed_band_of(const vj_report_data *data, const char *quantity, const vj_group *group, vj_seed_band *band) {
  *band = (vj_seed_band){0};
  const bool steps = vj_report_data_has(data, quantity, VJ_NAME_STEP);
  if (!steps && !vj_report_data_has(data, quantity, VJ_NAME_EVAL)) return VJ_OK;
  const int64_t rows = steps ? data->steps_count : data->evals_count;
  band->steps = vj_pool_take(data->pool, (MOST_POINTS + 1) * sizeof *band->steps);
  band->at = vj_pool_take(data->pool, (MOST_POINTS + 1) * sizeof *band->at);
  if (!band->steps || !band->at) return vj_fail(VJ_MEMORY, "no memory for a curve");
  return fill(data, vj_sweep_file_find(data->results->file, quantity), group, steps ? data->steps : data->evals, rows,
              band);
}

/* --- the picture ------------------------------------------------------------------------------------------------- */

static bool is_log(const vj_seed_band *bands, int count) {
  double least = INFINITY, most = 0;
  for (int b = 0; b < count; b++)
    for (int64_t i = 0; i < bands[b].count; i++) {
      least = fmin(least, bands[b].at[i].mean);
      most = fmax(most, bands[b].at[i].mean);
    }
  return least > 0 && most > worth_a_log * least;
}

static void write_points(FILE *script, const vj_seed_band *band, int number, bool log) {
  fprintf(script, "$b%d << EOD\n", number);
  for (int64_t i = 0; i < band->count; i++) {
    const vj_summary *m = &band->at[i];
    const double spread = m->count > 1 ? m->deviation : 0;
    const double low = log ? fmax(m->mean - spread, m->mean / 10) : m->mean - spread;
    fprintf(script, "%.6g %.6g %.6g %.6g\n", band->steps[i], m->mean, low, m->mean + spread);
  }
  fputs("EOD\n", script);
}

static void plot_items(FILE *script, const vj_report_data *data, const vj_seed_band *bands, bool marks) {
  const char *before = "plot ";
  for (int b = 0; b < 2 * data->shown_count; b++) {
    const char *color = vj_plot_colors[data->groups[data->shown[b / 2]].color];
    if (!bands[b].count) continue;
    if (b % 2 == 0 && data->groups[data->shown[b / 2]].members.count > 1)
      fprintf(script, "%s$b%d using 1:3:4 with filledcurves fs transparent solid %s noborder lc rgb '%s'", before, b,
              data->shown_count > 4 ? "0.1" : "0.18", color),
          before = ", ";
    fprintf(script, "%s$b%d using 1:2 with %s lc rgb '%s'", before, b,
            b % 2                ? "linespoints dt 2 lw 1.2 pt 6 ps 0.5"
            : bands[b].count < 2 ? "points pt 7 ps 0.6"
            : marks              ? "linespoints lw 1.6 pt 7 ps 0.35"
                                 : "lines lw 1.4",
            color);
    before = ", ";
  }
  fputc('\n', script);
}

vj_status vj_seed_bands_picture(vj_page *page, const char *lines, const char *marks, const char *caption,
                                const char *commands) {
  const vj_report_data *data = page->data;
  vj_seed_band bands[2 * VJ_MOST_SHOWN] = {{0}};
  int64_t points = 0;
  for (int64_t i = 0; i < data->shown_count; i++) {
    VJ_TRY(vj_seed_band_of(data, lines, &data->groups[data->shown[i]], &bands[2 * i]));
    VJ_TRY(vj_seed_band_of(data, marks, &data->groups[data->shown[i]], &bands[2 * i + 1]));
    points += bands[2 * i].count + bands[2 * i + 1].count;
  }
  if (!points) return VJ_OK;
  const bool log = is_log(bands, 2 * (int)data->shown_count);
  FILE *script = vj_page_picture(page, VJ_PICTURE_HEIGHT, "%s", caption);
  for (int b = 0; b < 2 * data->shown_count; b++)
    if (bands[b].count) write_points(script, &bands[b], b, log);
  fprintf(script, "set xlabel 'training steps'\nset xrange [0:%lld]\nset xtics autofreq\n%s",
          (long long)data->results->steps, log ? "set logscale y\n" : "");
  if (commands) fputs(commands, script);
  plot_items(script, data, bands, vj_report_data_has(data, lines, VJ_NAME_EVAL));
  return VJ_OK;
}
