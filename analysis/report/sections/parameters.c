/* What the swept parameters do: importance, each alone, pairs, all at once. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/report/interactions.h"
#include "vj/elementary.h"

enum { MOST_ALONE = 8, MOST_BARS = 12, MOST_VALUES = 16, BINS = 10, MOST_COLUMNS = 9, MOST_RINGS = 1000 };

/* --- importance -------------------------------------------------------------------------------------------------- */

typedef struct bar {
  int number; /* in the order of the parameters */
  const char *name;
  vj_share share;
} bar;

static int larger_first(const void *a, const void *b) {
  const bar *x = a, *y = b;
  const bool x_told = !isnan(x->share.share), y_told = !isnan(y->share.share);
  if (x_told != y_told) return x_told ? -1 : 1;
  if (x_told && x->share.share != y->share.share) return x->share.share > y->share.share ? -1 : 1;
  return (x->number > y->number) - (x->number < y->number);
}

static void add_bar(bar *bars, int *count, const char *name, vj_share share) {
  bars[*count] = (bar){*count, name, share};
  ++*count;
}

/* Each alone, then the pairs, the largest first. */
static vj_status list_bars(const vj_report_data *data, bar *bars, int *count) {
  *count = 0;
  for (int i = 0; i < data->swept.count; i++)
    add_bar(bars, count, data->swept.list[i].label, data->swept.importance.main[i]);
  for (int i = 0; i < data->swept.count; i++)
    for (int k = i + 1; k < data->swept.count; k++) {
      const char *name = vj_pool_format(data->pool, "%s × %s", data->swept.list[i].label, data->swept.list[k].label);
      if (!name) return vj_fail(VJ_MEMORY, "no memory for what mattered");
      add_bar(bars, count, name, data->swept.importance.pair[i][k]);
    }
  qsort(bars, (size_t)*count, sizeof *bars, larger_first);
  return VJ_OK;
}

static void draw_bars(vj_page *page, const bar *bars, int count) {
  const int shown = count < MOST_BARS ? count : MOST_BARS;
  FILE *script = vj_page_picture(page, 60 + 40 * shown, "share of the variance of %s", vj_page_objective_title(page));
  fputs("$bars << EOD\n", script);
  for (int i = 0; i < shown; i++) {
    const double share = 100 * bars[i].share.share,
                 spread = isfinite(bars[i].share.deviation) ? 100 * bars[i].share.deviation : 0;
    fprintf(script, "%.6g %d 0 %.6g %d.1 %d.45 %.6g %.6g\n", share / 2, i, share, i, i, fmax(0, share - spread),
            share + spread);
  }
  fputs("EOD\n", script);
  vj_page_bar_axes(script, shown, "%");
  for (int i = 0; i < shown; i++) {
    fputs("set label ", script);
    vj_plots_quote(script, bars[i].name);
    fprintf(script, " at graph 0.01, first %d left offset 0,0.35 font ',11' front\n", i);
  }
  fprintf(script,
          "plot $bars using 1:2:3:4:5:6 with boxxyerror fs solid 1 noborder lc rgb '%s', '' using "
          "4:($5*0.5+$6*0.5):7:8 with "
          "xerrorbars pt 7 ps 0 lw 1.2 lc rgb '%s'\n",
          vj_plot_colors[0], vj_plot_colors[6]);
}

static void write_bars(vj_page *page, const bar *bars, int count) {
  vj_html_table_begin(page->to, "importance", "parameter, or pair beyond its two|#share|#±");
  fputs("<tbody>", page->to);
  for (int i = 0; i < count; i++) {
    vj_html_row(page->to, "");
    vj_html_cell(page->to, false);
    vj_html_text(page->to, "%s", bars[i].name);
    vj_html_cell(page->to, true);
    vj_html_percent(page->to, bars[i].share.share);
    vj_html_cell(page->to, true);
    vj_html_percent(page->to, bars[i].share.deviation);
  }
  vj_html_row(page->to, "");
  vj_html_cell(page->to, false);
  fputs("three and more together", page->to);
  vj_html_cell(page->to, true);
  vj_html_percent(page->to, page->data->swept.importance.rest.share);
  vj_html_cell(page->to, true);
  fputs("–", page->to);
  vj_html_table_end(page->to);
}

static void explain_importance(vj_page *page) {
  const vj_importance *found = &page->data->swept.importance;
  fputs("<p class=\"note\">", page->to);
  if (found->is_exact)
    fprintf(
        page->to,
        "Functional analysis of variance of the table of means: every combination of values was tried, so the split "
        "is exact. Uncertainty: standard deviation over %d bootstrap samples of the trials within each combination.",
        found->repeats);
  else
    fprintf(
        page->to,
        "Functional analysis of variance (Hutter, Hoos and Leyton-Brown 2014) of %d regression trees, since not every "
        "combination of values was tried. Numbers with more than 16 values are put into 16 bins. Uncertainty: "
        "standard deviation over the trees.",
        found->repeats);
  if (isfinite(found->within)) {
    fputs(" Of what differs between single trials, <span id=\"within\">", page->to);
    vj_html_percent(page->to, found->within);
    fputs("</span> lies between trials of the same values, which differ in their seed.", page->to);
  }
  fputs("</p>\n", page->to);
}

static vj_status write_importance(vj_page *page) {
  const vj_report_data *data = page->data;
  bar bars[VJ_MOST_FACTORS * (VJ_MOST_FACTORS + 1) / 2];
  int count;
  if (!data->swept.has_importance) return VJ_OK;
  VJ_TRY(list_bars(data, bars, &count));
  fputs("<h3>What mattered</h3>\n", page->to);
  explain_importance(page);
  vj_page_pictures(page);
  draw_bars(page, bars, count);
  write_bars(page, bars, count < 2 * MOST_BARS ? count : 2 * MOST_BARS);
  vj_page_pictures_end(page);
  return VJ_OK;
}

/* --- each alone -------------------------------------------------------------------------------------------------- */

/* The results of trials with values first..last. */
static vj_summary summary_at(const vj_report_data *data, const vj_swept_parameter *x, const double *results,
                             int64_t first, int64_t last) {
  vj_summary s = VJ_SUMMARY_NONE;
  for (int64_t i = 0; i < data->results->trials; i++)
    if (x->value_of[i] >= first && x->value_of[i] <= last) vj_summary_add(&s, results[i]);
  return s;
}

/* Of many trials, about MOST_RINGS that keep no time with seeds or values. */
static bool has_ring(int64_t trial, int64_t trials) {
  const double golden = 0.61803398874989485 * (double)trial;
  return trials <= MOST_RINGS || golden - floor(golden) < (double)MOST_RINGS / (double)trials;
}

static void write_means(FILE *script, const vj_report_data *data, const vj_swept_parameter *x, const double *results) {
  const int64_t groups = x->count <= MOST_VALUES || !x->is_number ? x->count : BINS;
  fputs("$means << EOD\n", script);
  for (int64_t k = 0; k < groups; k++) {
    const int64_t first = k * x->count / groups, last = (k + 1) * x->count / groups - 1;
    const vj_summary m = summary_at(data, x, results, first, last);
    double at = 0;
    for (int64_t v = first; v <= last; v++)
      at += (x->is_log ? vj_math_log(x->values[v]) : x->values[v]) / (double)(last - first + 1);
    if (m.count)
      fprintf(script, "%.9g %.9g %.9g\n", x->is_log ? vj_math_exp(at) : at, m.mean, m.count > 1 ? m.deviation : 0);
  }
  fputs("EOD\n$trials << EOD\n", script);
  for (int64_t i = 0; i < data->results->trials; i++)
    if (isfinite(results[i]) && x->value_of[i] >= 0 && has_ring(i, data->results->trials))
      fprintf(script, "%.9g %.9g\n", x->values[x->value_of[i]], results[i]);
  fputs("EOD\n", script);
}

static void plot_number(FILE *script, const vj_swept_parameter *x) {
  const double low = x->values[0], high = x->values[x->count - 1];
  if (x->is_log)
    fprintf(script, "set logscale x\nset xrange [%.9g:%.9g]\n", low / vj_math_pow(high / low, 0.06),
            high * vj_math_pow(high / low, 0.06));
  else
    fprintf(script, "set xrange [%.9g:%.9g]\n", low - 0.06 * (high - low), high + 0.06 * (high - low));
  if (x->count <= 7) { /* ticks where there are values */
    fputs("set xtics (", script);
    for (int64_t k = 0; k < x->count; k++) fprintf(script, "%s'%s' %.9g", k ? ", " : "", x->texts[k], x->values[k]);
    fputs(")\n", script);
  }
  fputs("set xlabel ", script);
  vj_plots_quote(script, x->label);
  fprintf(script,
          "\nplot $trials with points pt 6 ps 0.6 lc rgb '" VJ_PLOT_SOFT
          "', $means using 1:2:3 with yerrorbars lw 1.2 pt 7 ps "
          "0.5 lc rgb '%s', $means using 1:2 with lines lw 1.4 lc rgb '%s'\n",
          vj_plot_colors[0], vj_plot_colors[0]);
}

/* An arm that is one setting has that setting's colour. */
static const char *color_of(const vj_report_data *data, const vj_swept_parameter *x, int64_t value) {
  int64_t group = -1;
  for (int64_t i = 0; i < data->results->trials && data->swept.count == 1; i++)
    if (x->value_of[i] == value) group = data->group_of[i];
  return group >= 0 && data->groups[group].color >= 0 ? vj_plot_colors[data->groups[group].color] : vj_plot_colors[0];
}

/* Lying down, so that names have room. */
static void plot_categories(FILE *script, const vj_report_data *data, const vj_swept_parameter *x) {
  fprintf(script,
          "set yrange [%g:-0.5]\nunset ytics\nunset grid\nset grid xtics lc rgb '" VJ_PLOT_SOFT
          "' lt 1 lw 0.3\nset border 1\nset lmargin 4\nset rmargin 6\nset xtics font ',10'\n",
          (double)x->count - 0.2);
  for (int64_t k = 0; k < x->count; k++) {
    fputs("set label ", script);
    vj_plots_quote(script, x->texts[k]);
    fprintf(script, " at graph 0.01, first %lld left offset 0,0.7 font ',11' front\n", (long long)k);
  }
  fprintf(
      script,
      "set offsets graph 0.04, graph 0.04, 0, 0\nplot $trials using 2:1 with points pt 6 ps 0.6 lc rgb '" VJ_PLOT_SOFT
      "'");
  for (int64_t k = 0; k < x->count; k++)
    fprintf(script, ", $means using ($1==%lld?$2:1/0):1:3 with xerrorbars lw 1.4 pt 7 ps 0.5 lc rgb '%s'", (long long)k,
            color_of(data, x, k));
  fputc('\n', script);
}

static void draw_alone(vj_page *page, const vj_report_column *column, const double *results) {
  const vj_report_data *data = page->data;
  for (int i = 0; i < data->swept.count && i < MOST_ALONE; i++) {
    const vj_swept_parameter *x = &data->swept.list[i];
    const bool names = !x->is_number;
    if (x->count < 2 || (names && x->count > MOST_VALUES)) continue;
    FILE *script =
        vj_page_picture(page, names ? 60 + 40 * (int)x->count : VJ_PICTURE_HEIGHT, "%s by %s", column->title, x->label);
    write_means(script, data, x, results);
    if (names)
      plot_categories(script, data, x);
    else
      plot_number(script, x);
  }
}

/* --- whole ------------------------------------------------------------------------------------------------------- */

static void heading(vj_page *page, const vj_report_column *column) {
  const char *units = vj_page_units(page, column->quantity);
  fputs("<h3>", page->to);
  vj_html_text(page->to, units[0] ? "%s, %s" : "%s%s", column->title, units);
  fputs("</h3>\n", page->to);
}

/* What a quantity has to say, in pictures side by side; alone where there are no pairs to tell of. */
static vj_status draw_quantity(vj_page *page, const vj_report_column *column, bool alone) {
  const vj_report_data *data = page->data;
  double *results = NULL, low, high;
  vj_status status = VJ_OK;
  VJ_TRY(vj_allocate((size_t)data->results->trials, sizeof *results, "results", &results));
  for (int64_t i = 0; i < data->results->trials; i++) results[i] = vj_results_final(data->results, column, i);
  if (vj_range_of(results, data->results->trials, &low, &high)) {
    if (!alone) heading(page, column);
    if (!alone) vj_page_pictures(page);
    draw_alone(page, column, results);
    if (!alone) status = vj_draw_interactions(page, column, results);
    if (!alone) vj_page_pictures_end(page);
    if (status == VJ_OK && strcmp(column->quantity, data->objective.quantity) == 0)
      status = vj_draw_parallel(page, column, results);
  }
  free(results);
  return status;
}

/* Of several parameters, what they do to the objective and to RankMe. */
static vj_status draw_several(vj_page *page) {
  const vj_report_column rankme = {.quantity = VJ_NAME_OF_VIEW("hx", "rankme"),
                                   .title = "RankMe of hx",
                                   .at = VJ_REPORT_LAST,
                                   .index = VJ_REPORT_SCALAR};
  vj_report_column objective = page->data->objective;
  objective.title = vj_page_objective_title(page);
  VJ_TRY(draw_quantity(page, &objective, false));
  return strcmp(objective.quantity, VJ_NAME_OF_VIEW("hx", "rankme")) == 0 ? VJ_OK : draw_quantity(page, &rankme, false);
}

/* Of one, what it does to all that the table has. */
static vj_status draw_one(vj_page *page) {
  const vj_report_data *data = page->data;
  vj_page_pictures(page);
  for (int64_t c = 0; c < data->report.column_count && c < MOST_COLUMNS; c++)
    VJ_TRY(draw_quantity(page, &data->report.columns[c], true));
  vj_page_pictures_end(page);
  return VJ_OK;
}

static bool applies(const vj_report_data *data) {
  return data->swept.count && data->objective.quantity && data->ranked_count;
}

static vj_status write(vj_page *page) {
  VJ_TRY(write_importance(page));
  fputs("<p class=\"note\">Rings: single trials that are done", page->to);
  if (page->data->results->trials > MOST_RINGS)
    fprintf(page->to, ", one in %lld of them", (long long)((page->data->results->trials - 1) / MOST_RINGS + 1));
  fputs(
      ". Points: means over all other settings and seeds, ± "
      "standard deviation. Cells: means. Coloured points: dark to light is lowest to highest.</p>\n",
      page->to);
  return page->data->swept.count == 1 ? draw_one(page) : draw_several(page);
}

const vj_section vj_section_parameters = {
    .id = "section-parameters", .title = "What the parameters do", .applies = applies, .write = write};
