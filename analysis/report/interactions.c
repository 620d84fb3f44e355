#include "analysis/report/interactions.h"

#include <math.h>
#include <stdlib.h>

#include "vj/elementary.h"

enum {
  MOST_CELLS = 16,
  MOST_LABELLED = 7,
  MOST_PAIRS = 6,
  MOST_PARALLEL = 10,
  LABEL_CHARACTERS = 14,
  MOST_COLOURED = 60
};

bool vj_range_of(const double *values, int64_t count, double *low, double *high) {
  *low = INFINITY;
  *high = -INFINITY;
  for (int64_t i = 0; i < count; i++)
    if (isfinite(values[i])) *low = fmin(*low, values[i]), *high = fmax(*high, values[i]);
  return *low <= *high;
}

static double share_of(double value, double low, double high) {
  return high > low ? (value - low) / (high - low) : 0.5;
}

/* --- an axis ----------------------------------------------------------------------------------------------------- */

/* Values evenly spaced in their logarithm stand on a logarithmic axis; other lists and categories stand side by side.
 */
static double place_of(const vj_swept_parameter *x, int64_t value) {
  return x->is_log ? x->values[value] : (double)value;
}

static void edges_of(const vj_swept_parameter *x, int64_t value, double *low, double *high) {
  const int64_t last = x->count - 1;
  if (!x->is_log) {
    *low = (double)value - 0.5;
    *high = (double)value + 0.5;
    return;
  }
  const double at = x->values[value];
  const double down = value > 0 ? sqrt(x->values[value - 1] / at) : sqrt(at / x->values[1]);
  const double up = value < last ? sqrt(x->values[value + 1] / at) : sqrt(at / x->values[last - 1]);
  *low = at * down;
  *high = at * up;
}

/* Ticks at the values, at most about eight of them. */
static void write_axis(FILE *script, const vj_swept_parameter *x, char axis) {
  double low, high, other;
  const int64_t each = (x->count + 7) / 8;
  edges_of(x, 0, &low, &other);
  edges_of(x, x->count - 1, &other, &high);
  fprintf(script, "set %crange [%.9g:%.9g]\n%sset %ctics nomirror scale 0.3 (", axis, low, high,
          x->is_log ? (axis == 'x' ? "set logscale x\n" : "set logscale y\n") : "", axis);
  for (int64_t k = 0; k < x->count; k += each) {
    if (k) fputs(", ", script);
    vj_plots_quote_short(script, x->texts[k], LABEL_CHARACTERS);
    fprintf(script, " %.9g", place_of(x, k));
  }
  fprintf(script, ")\nset %clabel ", axis);
  vj_plots_quote(script, x->label);
  fputc('\n', script);
}

/* --- cells ------------------------------------------------------------------------------------------------------- */

typedef struct grid {
  double mean[MOST_CELLS * MOST_CELLS];
  double low, high;
} grid;

static void fill_grid(const vj_report_data *data, const vj_swept_parameter *x, const vj_swept_parameter *y,
                      const double *results, grid *g) {
  vj_summary at[MOST_CELLS * MOST_CELLS];
  for (int64_t k = 0; k < x->count * y->count; k++) at[k] = VJ_SUMMARY_NONE;
  for (int64_t i = 0; i < data->results->trials; i++)
    if (x->value_of[i] >= 0 && y->value_of[i] >= 0)
      vj_summary_add(&at[y->value_of[i] * x->count + x->value_of[i]], results[i]);
  for (int64_t k = 0; k < x->count * y->count; k++) g->mean[k] = at[k].mean;
  if (!vj_range_of(g->mean, x->count * y->count, &g->low, &g->high)) g->low = g->high = NAN;
}

static void write_cells(FILE *script, const vj_swept_parameter *x, const vj_swept_parameter *y, const grid *g) {
  fputs("$cells << EOD\n", script);
  for (int64_t k = 0; k < x->count * y->count; k++) {
    double left, right, bottom, top;
    if (!isfinite(g->mean[k])) continue;
    edges_of(x, k % x->count, &left, &right);
    edges_of(y, k / x->count, &bottom, &top);
    fprintf(script, "%.9g %.9g %.9g %.9g %.9g %.9g %u\n", place_of(x, k % x->count), place_of(y, k / x->count), left,
            right, bottom, top, vj_plots_scale_color(share_of(g->mean[k], g->low, g->high)));
  }
  fputs("EOD\n", script);
}

static void write_labels(FILE *script, const vj_swept_parameter *x, const vj_swept_parameter *y, const grid *g) {
  if (x->count > MOST_LABELLED || y->count > 2 * MOST_LABELLED) return;
  for (int64_t k = 0; k < x->count * y->count; k++)
    if (isfinite(g->mean[k]))
      fprintf(script, "set label '%.3g' at %.9g,%.9g center front font ',11' tc rgb '%s'\n", g->mean[k],
              place_of(x, k % x->count), place_of(y, k / x->count),
              share_of(g->mean[k], g->low, g->high) > 0.55 ? "#111111" : "#ffffff");
}

void vj_draw_cells(vj_page *page, const char *caption, const vj_swept_parameter *x, const vj_swept_parameter *y,
                   const double *results) {
  grid g;
  if (x->count > MOST_CELLS || y->count > MOST_CELLS || x->count < 2 || y->count < 2) return;
  fill_grid(page->data, x, y, results, &g);
  if (!isfinite(g.low)) return;
  FILE *script = vj_page_picture(page, 280, "%s: %s and %s", caption, x->label, y->label);
  write_cells(script, x, y, &g);
  write_axis(script, x, 'x');
  write_axis(script, y, 'y');
  write_labels(script, x, y, &g);
  fputs(
      "unset grid\nset border 0\nplot $cells using 1:2:3:4:5:6:7 with boxxyerror fs solid 1 noborder lc rgb variable\n",
      script);
}

/* --- points ------------------------------------------------------------------------------------------------------ */

static void write_scale(FILE *script, const vj_swept_parameter *x, char axis) {
  const double low = x->values[0], high = x->values[x->count - 1], margin = 0.05 * (high - low);
  if (x->is_log)
    fprintf(script, "set logscale %c\nset %crange [%.9g:%.9g]\n", axis, axis, low / vj_math_pow(high / low, 0.05),
            high * vj_math_pow(high / low, 0.05));
  else
    fprintf(script, "set %crange [%.9g:%.9g]\n", axis, low - margin, high + margin);
  fprintf(script, "set %clabel ", axis);
  vj_plots_quote(script, x->label);
  fputc('\n', script);
}

static void draw_scatter(vj_page *page, const vj_report_column *column, const vj_swept_parameter *x,
                         const vj_swept_parameter *y, const double *results, const double *ranks) {
  const vj_report_data *data = page->data;
  FILE *script = vj_page_picture(page, 280, "%s: %s and %s", column->title, x->label, y->label);
  fputs("$points << EOD\n", script);
  for (int64_t i = 0; i < data->results->trials; i++)
    if (isfinite(results[i]) && x->value_of[i] >= 0 && y->value_of[i] >= 0)
      fprintf(script, "%.9g %.9g %u\n", x->values[x->value_of[i]], y->values[y->value_of[i]],
              vj_plots_line_color(ranks[i]));
  fputs("EOD\n", script);
  write_scale(script, x, 'x');
  write_scale(script, y, 'y');
  fputs("plot $points using 1:2:3 with points pt 7 ps 0.6 lc rgb variable\n", script);
}

/* Whether any trial has a result with both. */
static bool is_there(const vj_report_data *data, const vj_swept_parameter *x, const vj_swept_parameter *y,
                     const double *results) {
  for (int64_t i = 0; i < data->results->trials; i++)
    if (isfinite(results[i]) && x->value_of[i] >= 0 && y->value_of[i] >= 0) return true;
  return false;
}

/* The more important below, the other to the left. */
static void draw_all(vj_page *page, const vj_report_column *column, const double *results, const double *ranks) {
  const vj_report_data *data = page->data;
  int drawn = 0;
  for (int b = 1; b < data->swept.count; b++)
    for (int a = 0; a < b && drawn < MOST_PAIRS; a++) {
      const vj_swept_parameter *x = &data->swept.list[a], *y = &data->swept.list[b];
      const bool cells = x->count <= MOST_CELLS && y->count <= MOST_CELLS;
      if (x->count < 2 || y->count < 2 || (!cells && !(x->is_number && y->is_number)) || !is_there(data, x, y, results))
        continue;
      drawn++;
      if (cells)
        vj_draw_cells(page, column->title, x, y, results);
      else
        draw_scatter(page, column, x, y, results, ranks);
    }
}

static int by_value(const void *a, const void *b) {
  const double *const x = *(const double *const *)a, *const y = *(const double *const *)b;
  if (*x != *y) return *x < *y ? -1 : 1;
  return (x > y) - (x < y); /* equal ones in the order of trials */
}

/* Pointers to the finite results, ascending; their number. */
static int64_t sort_results(const double *results, int64_t trials, const double **order) {
  int64_t count = 0;
  for (int64_t i = 0; i < trials; i++)
    if (isfinite(results[i])) order[count++] = &results[i];
  qsort(order, (size_t)count, sizeof *order, by_value);
  return count;
}

vj_status vj_draw_interactions(vj_page *page, const vj_report_column *column, const double *results) {
  const int64_t trials = page->data->results->trials;
  const double **order = NULL;
  double *ranks = NULL;
  vj_status status = vj_allocate((size_t)trials, sizeof *order, "ranks", &order);
  if (status == VJ_OK) status = vj_allocate((size_t)trials, sizeof *ranks, "ranks", &ranks);
  if (status == VJ_OK) {
    const int64_t count = sort_results(results, trials, order);
    for (int64_t k = 0; k < count; k++) ranks[order[k] - results] = (double)k / fmax(1, (double)count - 1);
    draw_all(page, column, results, ranks);
  }
  free(order);
  free(ranks);
  return status;
}

/* --- parallel coordinates ---------------------------------------------------------------------------------------- */

/* From 0 to 1 along its own axis; NaN where a trial does not have it. */
static double along(const vj_swept_parameter *x, int64_t value) {
  if (value < 0 || x->count < 2) return value < 0 ? NAN : 0.5;
  if (!x->is_number) return (double)value / (double)(x->count - 1);
  const double low = x->values[0], high = x->values[x->count - 1], at = x->values[value];
  return x->is_log ? vj_math_log(at / low) / vj_math_log(high / low) : (at - low) / (high - low);
}

/* Its name and lowest value to the left, the highest to the right; of few categories, those between on the axis. */
static void label_axis(FILE *script, const vj_swept_parameter *x, int row) {
  const char *texts[] = {x->label, x->texts[0], x->texts[x->count - 1]};
  static const char *const places[] = {"-0.03,%d right offset 0,0.45 font ',11'",
                                       "-0.03,%d right offset 0,-0.45 font ',10'", "1.03,%d left font ',10'"};
  fprintf(script, "set arrow from 0,%d to 1,%d nohead lw 1 lc rgb 'black' front\n", -row, -row);
  for (int i = 0; i < 3; i++) {
    if (i == 2 && x->count < 2) continue;
    fputs("set label ", script);
    vj_plots_quote_short(script, texts[i], i == 2 ? LABEL_CHARACTERS / 2 + 2 : LABEL_CHARACTERS);
    fputs(" at ", script);
    fprintf(script, places[i], -row);
    fputc('\n', script);
  }
  for (int64_t k = 1; k + 1 < x->count && !x->is_number && x->count <= 4; k++) {
    fputs("set label ", script);
    vj_plots_quote_short(script, x->texts[k], LABEL_CHARACTERS);
    fprintf(script, " at %.4g,%d center offset 0,-0.6 font ',10' front\n", along(x, k), -row);
  }
}

static void write_line(FILE *script, const vj_report_data *data, int64_t trial, int rows, unsigned color) {
  for (int row = 0; row < rows; row++) {
    const double at = along(&data->swept.list[row], data->swept.list[row].value_of[trial]);
    if (isfinite(at)) fprintf(script, "%.4g %d %u\n", at, -row, color);
  }
  fputc('\n', script);
}

/* Of many trials the best tenth in colours, on top of all others in grey; where nothing is best, or they are few, all
 * in colours. The best come last. Returns how many are coloured; negative: no memory. */
static int64_t write_lines(FILE *script, const vj_report_data *data, const vj_report_column *column,
                           const double *results, int rows) {
  const double **order = NULL;
  if (vj_allocate((size_t)data->results->trials, sizeof *order, "parallel coordinates", &order) != VJ_OK) return -1;
  const int64_t count = sort_results(results, data->results->trials, order);
  const int64_t coloured = column->best == VJ_BEST_NONE || count <= MOST_COLOURED ? count
                           : count / 10 > MOST_COLOURED / 2                       ? count / 10
                                                                                  : MOST_COLOURED / 2;
  for (int grey = 1; grey >= 0; grey--) {
    fprintf(script, "$%s << EOD\n", grey ? "others" : "lines");
    for (int64_t k = 0; k < count; k++) { /* k-th from the worst */
      if ((k < count - coloured) != grey) continue;
      const int64_t trial = order[column->best == VJ_BEST_LOW ? count - 1 - k : k] - results;
      write_line(script, data, trial, rows,
                 vj_plots_line_color((double)(k - (count - coloured)) / fmax(1, (double)coloured - 1)));
    }
    fputs("EOD\n", script);
  }
  free(order);
  return coloured;
}

static vj_status draw_parallel(vj_page *page, const vj_report_column *column, const double *results, int rows) {
  const vj_report_data *data = page->data;
  int64_t count = 0;
  FILE *script = vj_page_picture(page, 24 + 52 * rows, "%s of every trial", column->title);
  for (int64_t i = 0; i < data->results->trials; i++) count += isfinite(results[i]);
  const int64_t coloured = write_lines(script, data, column, results, rows);
  if (coloured < 0) return vj_fail(VJ_MEMORY, "no memory for parallel coordinates");
  fprintf(script,
          "unset border\nunset tics\nunset grid\nset xrange [0:1]\nset yrange [%g:0.5]\nset lmargin 15\n"
          "set rmargin 9\nset tmargin 0.2\nset bmargin 0.2\n",
          -(double)rows + 0.5);
  for (int row = 0; row < rows; row++) label_axis(script, &data->swept.list[row], row);
  fprintf(script, "plot %s$lines using 1:2:3 with lines lw 1.1 lc rgb variable\n",
          coloured < count ? "$others using 1:2 with lines lw 0.25 lc rgb '" VJ_PLOT_SOFT "', " : "");
  return VJ_OK;
}

vj_status vj_draw_parallel(vj_page *page, const vj_report_column *column, const double *results) {
  const vj_report_data *data = page->data;
  const int rows = data->swept.count < MOST_PARALLEL ? data->swept.count : MOST_PARALLEL;
  double low, high;
  if (rows < 3 || !vj_range_of(results, data->results->trials, &low, &high)) return VJ_OK;
  const bool by_rank = column->best != VJ_BEST_NONE;
  fputs(
      "<h3>All parameters at once</h3>\n<p class=\"note\">Each line is a trial, through its values of all parameters, "
      "the "
      "most important above. Colours go by rank: dark to light is worst to best; of many trials only the best tenth "
      "have "
      "one.</p>\n",
      page->to);
  vj_page_color_scale(page, column->title, by_rank && column->best == VJ_BEST_LOW ? high : low,
                      by_rank && column->best == VJ_BEST_LOW ? low : high);
  vj_page_pictures(page);
  VJ_TRY(draw_parallel(page, column, results, rows));
  vj_page_pictures_end(page);
  return VJ_OK;
}
