/* Pictures that the experiment asks for: a quantity over a swept parameter, a line for each arm, or over two of them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/report/interactions.h"
#include "analysis/results/trial_selector.h"
#include "analysis/statistics/effect.h"
#include "vj/elementary.h"

enum { MOST_LINES = VJ_PLOT_COLORS, MOST_TICKS = 8 };

static bool applies(const vj_report_data *data) { return data->report.figure_count > 0; }

static const vj_swept_parameter *find_parameter(const vj_report_data *data, const char *key) {
  for (int i = 0; i < data->swept.count; i++)
    if (data->swept.list[i].setting >= 0 && strcmp(data->swept.list[i].key, key) == 0) return &data->swept.list[i];
  return NULL;
}

static const vj_swept_parameter *find_arms(const vj_report_data *data) {
  for (int i = 0; i < data->swept.count; i++)
    if (data->swept.list[i].setting < 0) return &data->swept.list[i];
  return NULL;
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

static double place_of(const vj_swept_parameter *x, int64_t value) {
  return x->is_number ? x->values[value] : (double)value;
}

/* The same of one of several lines, a little beside it, so that bars do not cover each other. */
static double place_beside(const vj_swept_parameter *x, int64_t value, int64_t line, int64_t lines) {
  const double at = place_of(x, value), low = place_of(x, 0), high = place_of(x, x->count - 1);
  const double share = 0.012 * ((double)line - (double)(lines - 1) / 2);
  return x->is_number && x->is_log ? at * vj_math_pow(high / low, share) : at + share * (high - low);
}

static void write_axis(FILE *script, const vj_swept_parameter *x) {
  const double low = place_of(x, 0), high = place_of(x, x->count - 1);
  if (x->is_number && x->is_log)
    fprintf(script, "set logscale x\nset xrange [%.9g:%.9g]\n", low / vj_math_pow(high / low, 0.06),
            high * vj_math_pow(high / low, 0.06));
  else
    fprintf(script, "set xrange [%.9g:%.9g]\n", low - 0.06 * (high - low), high + 0.06 * (high - low));
  if (x->count <= MOST_TICKS) {
    fputs("set xtics (", script);
    for (int64_t k = 0; k < x->count; k++) {
      if (k) fputs(", ", script);
      vj_plots_quote_short(script, x->texts[k], 14);
      fprintf(script, " %.9g", place_of(x, k));
    }
    fputs(")\n", script);
  }
  fputs("set xlabel ", script);
  vj_plots_quote(script, x->label);
  fputc('\n', script);
}

/* The points of one line: mean and its interval over seeds. Returns how many. `values` [trials] is overwritten. */
static int write_line(FILE *script, const vj_swept_parameter *x, const vj_swept_parameter *arms, int64_t line,
                      const double *results, int64_t trials, int64_t lines, double *values) {
  int points = 0;
  fprintf(script, "$line%lld << EOD\n", (long long)line);
  for (int64_t v = 0; v < x->count; v++) {
    int64_t count = 0;
    for (int64_t i = 0; i < trials; i++)
      if (x->value_of[i] == v && (!arms || arms->value_of[i] == line) && isfinite(results[i]))
        values[count++] = results[i];
    if (!count) continue;
    const vj_two_means mean = vj_two_means_of(values, NULL, count);
    const vj_effect effect = vj_difference_effect(&mean, 0);
    const bool known = isfinite(effect.low) && isfinite(effect.high);
    fprintf(script, "%.9g %.9g %.9g %.9g\n", place_beside(x, v, line, lines), effect.size,
            known ? effect.low : effect.size, known ? effect.high : effect.size);
    points++;
  }
  fputs("EOD\n", script);
  return points;
}

static vj_status draw_lines(vj_page *page, const char *caption, const vj_swept_parameter *x, const double *results) {
  const int64_t trials = page->data->results->trials;
  const vj_swept_parameter *arms = find_arms(page->data);
  const int64_t all = arms ? arms->count : 1, lines = all < MOST_LINES ? all : MOST_LINES;
  const char *before = "plot ";
  int points[MOST_LINES];
  double *values = NULL;
  VJ_TRY(vj_allocate((size_t)trials, sizeof *values, "results", &values));
  FILE *script = vj_page_picture(page, VJ_PICTURE_HEIGHT, "%s", caption);
  for (int k = 0; k < lines; k++) points[k] = write_line(script, x, arms, k, results, trials, lines, values);
  free(values);
  write_axis(script, x);
  for (int k = 0; k < lines; k++) {
    if (!points[k]) continue;
    fprintf(script, "%s$line%d using 1:2:3:4 with yerrorbars lw 1.2 pt 7 ps 0.5 lc rgb '%s'", before, k,
            vj_plot_colors[k]);
    if (x->is_number) fprintf(script, ", $line%d using 1:2 with lines lw 1.6 lc rgb '%s'", k, vj_plot_colors[k]);
    before = ", ";
  }
  fputc('\n', script);
  return VJ_OK;
}

/* --- whole ------------------------------------------------------------------------------------------------------- */

/* A trial that is not meant has no result. */
static vj_status find_results(const vj_report_data *data, const vj_report_figure *figure, double *results) {
  const int64_t trials = data->results->trials;
  bool *meant = NULL;
  VJ_TRY(vj_allocate((size_t)trials, sizeof *meant, "results", &meant));
  const vj_swept_parameter *arms = find_arms(data);
  vj_status status = VJ_OK;
  for (int64_t a = 0; a < (arms ? arms->count : 1) && status == VJ_OK; a++) {
    vj_trial_selector chosen;
    status = vj_trial_selector_of_arm(data->results, arms ? arms->texts[a] : "", figure->where_count, figure->where,
                                      &chosen);
    for (int64_t k = 0; k < chosen.count && status == VJ_OK; k++) meant[chosen.trials[k]] = true;
  }
  for (int64_t i = 0; i < trials; i++)
    results[i] = meant[i] ? vj_results_final(data->results, &figure->column, i) : NAN;
  free(meant);
  return status;
}

static const char *caption_of(const vj_page *page, const vj_report_figure *figure) {
  vj_pool *pool = page->data->pool;
  const char *units = vj_page_units(page, figure->column.quantity), *text = figure->column.title;
  if (units[0]) text = vj_pool_format(pool, "%s, %s", text, units);
  for (int64_t k = 0; k < figure->where_count && text; k++)
    text = vj_pool_format(pool, "%s%s%s=%s", text, k ? ", " : "; ", figure->where[k].key,
                          vj_yaml_value_text(pool, figure->where[k].value));
  return text;
}

static vj_status draw(vj_page *page, const vj_report_figure *figure) {
  const vj_report_data *data = page->data;
  const vj_swept_parameter *x = find_parameter(data, figure->by);
  const vj_swept_parameter *y = figure->across[0] ? find_parameter(data, figure->across) : NULL;
  const char *caption = caption_of(page, figure);
  double *results = NULL, low, high;
  if (!x || x->count < 2 || (figure->across[0] && !y)) return VJ_OK;
  if (!caption) return vj_fail(VJ_MEMORY, "no memory for a picture");
  VJ_TRY(vj_allocate((size_t)data->results->trials, sizeof *results, "results", &results));
  vj_status status = find_results(data, figure, results);
  if (status == VJ_OK && vj_range_of(results, data->results->trials, &low, &high)) {
    if (y)
      vj_draw_cells(page, caption, x, y, results);
    else
      status = draw_lines(page, caption, x, results);
  }
  free(results);
  return status;
}

static bool has_lines(const vj_report_data *data) {
  for (int64_t i = 0; i < data->report.figure_count; i++)
    if (!data->report.figures[i].across[0]) return true;
  return false;
}

static void write_legend(vj_page *page) {
  const vj_swept_parameter *arms = find_arms(page->data);
  if (!arms || !has_lines(page->data)) return;
  fputs("<ul class=\"legend\">", page->to);
  for (int64_t k = 0; k < arms->count && k < MOST_LINES; k++) {
    fputs("<li>", page->to);
    vj_page_group_name(page, &(vj_group){.name = arms->texts[k], .color = (int)k});
    fputs("</li>", page->to);
  }
  fputs("</ul>\n", page->to);
}

static vj_status write(vj_page *page) {
  fputs(
      "<p class=\"note\">Points: means over seeds, and over settings that a picture does not tell of; bars: their 95 % "
      "intervals. Cells: means.</p>\n",
      page->to);
  write_legend(page);
  vj_page_pictures(page);
  for (int64_t i = 0; i < page->data->report.figure_count; i++) VJ_TRY(draw(page, &page->data->report.figures[i]));
  vj_page_pictures_end(page);
  return VJ_OK;
}

const vj_section vj_section_figures = {
    .id = "section-figures", .title = "In pictures", .applies = applies, .write = write};
