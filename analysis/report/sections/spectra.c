/* What hidden states use of their space: singular values, explained variance, RankMe, and what has collapsed. */
#include <math.h>

#include "analysis/results/collapse.h"
#include "analysis/results/hidden_states.h"
#include "analysis/report/seed_bands.h"
#include "analysis/report/horizon_means.h"

enum { MOST_COMPONENTS = 120, MOST_EVALUATIONS = 10 };

/* Components from 1; of many, the first and then ever fewer. */
static void write_profile(FILE *script, const vj_horizon_means *p, const char *name) {
  double next = 0;
  fprintf(script, "$%s << EOD\n", name);
  for (int64_t i = 0; i < p->count; i++) {
    if (p->count > MOST_COMPONENTS && (double)i < next && i != p->count - 1) continue;
    next = fmax((double)i + 1, (double)i * 1.04);
    fprintf(script, "%lld %.5g\n", (long long)i + 1, p->values[i]);
  }
  fputs("EOD\n", script);
}

/* The largest value, and the smallest that is more than rounding. */
static void widen(const vj_horizon_means *p, double *least, double *most) {
  for (int64_t i = 0; i < p->count; i++) {
    *most = fmax(*most, p->values[i]);
    if (p->values[i] > 1e-7 * p->values[0]) *least = fmin(*least, p->values[i]);
  }
}

static void plot_profiles(FILE *script, const vj_report_data *data, const vj_horizon_means *starts,
                          const vj_horizon_means *ends) {
  const char *before = "plot ";
  char name[32];
  for (int64_t i = 0; i < data->shown_count; i++) {
    const char *color = vj_plot_colors[data->groups[data->shown[i]].color];
    for (int end = 0; end < 2; end++) {
      const vj_horizon_means *p = end ? &ends[i] : &starts[i];
      if (!p->count) continue;
      snprintf(name, sizeof name, "%c%lld", end ? 'e' : 's', (long long)i);
      fprintf(script, "%s$%s using 1:2 with lines lw %s lc rgb '%s'", before, name, end ? "1.6" : "0.8 dt 3", color);
      before = ", ";
    }
  }
  fputc('\n', script);
}

/* At the start, dotted, and at the end. */
static vj_status draw_ends(vj_page *page, const char *quantity, const char *caption, const char *commands, bool log) {
  const vj_report_data *data = page->data;
  vj_horizon_means starts[VJ_MOST_SHOWN] = {{0}}, ends[VJ_MOST_SHOWN] = {{0}};
  double least = INFINITY, most = 0;
  char name[32];
  for (int64_t i = 0; i < data->shown_count; i++) {
    VJ_TRY(vj_horizon_means_of(data, quantity, &data->groups[data->shown[i]], 0, &starts[i]));
    VJ_TRY(vj_horizon_means_of(data, quantity, &data->groups[data->shown[i]], -1, &ends[i]));
    widen(&starts[i], &least, &most);
    widen(&ends[i], &least, &most);
  }
  if (!(most > 0)) return VJ_OK;
  FILE *script = vj_page_picture(page, VJ_PICTURE_HEIGHT, "%s", caption);
  for (int64_t i = 0; i < data->shown_count; i++) {
    snprintf(name, sizeof name, "s%lld", (long long)i);
    if (starts[i].count) write_profile(script, &starts[i], name);
    snprintf(name, sizeof name, "e%lld", (long long)i);
    if (ends[i].count) write_profile(script, &ends[i], name);
  }
  if (log) fprintf(script, "set logscale y\nset yrange [%.3g:%.3g]\n", least / 1.5, most * 1.5);
  fputs(commands, script);
  plot_profiles(script, data, starts, ends);
  return VJ_OK;
}

/* --- the spectrum while a group trains ---------------------------------------------------------------------------- */

static vj_status draw_change(vj_page *page, const vj_group *g) {
  const vj_report_data *data = page->data;
  const int64_t drawn = data->evals_count < MOST_EVALUATIONS ? data->evals_count : MOST_EVALUATIONS;
  vj_horizon_means profiles[MOST_EVALUATIONS] = {{0}};
  int64_t rows[MOST_EVALUATIONS] = {0}, found = 0;
  double least = INFINITY, most = 0;
  char name[32];
  for (int64_t k = 0; k < drawn; k++) {
    rows[found] = drawn > 1 ? k * (data->evals_count - 1) / (drawn - 1) : 0;
    VJ_TRY(vj_horizon_means_of(data, VJ_NAME_OF_VIEW("hx", "singular_values"), g, rows[found], &profiles[found]));
    if (!profiles[found].count) continue;
    widen(&profiles[found], &least, &most);
    found++;
  }
  if (found < 2 || !(most > 0)) return VJ_OK;
  FILE *script = vj_page_picture(page, 220, "%s", g->name);
  for (int64_t k = 0; k < found; k++) {
    snprintf(name, sizeof name, "p%lld", (long long)k);
    write_profile(script, &profiles[k], name);
  }
  fprintf(script, "set logscale y\nset yrange [%.3g:%.3g]\nset xlabel 'component'\nset autoscale xfix\nplot ",
          least / 1.5, most * 1.5);
  for (int64_t k = 0; k < found; k++)
    fprintf(script, "%s$p%lld using 1:2 with lines lw 1.4 lc rgb '#%06x'", k ? ", " : "", (long long)k,
            vj_plots_line_color((double)data->evals[rows[k]] / fmax(1, (double)data->results->steps)));
  fputc('\n', script);
  return VJ_OK;
}

static vj_status draw_changes(vj_page *page) {
  const vj_report_data *data = page->data;
  if (data->evals_count < 3 || vj_sweep_file_find(data->results->file, VJ_NAME_OF_VIEW("hx", "singular_values")) < 0)
    return VJ_OK;
  fputs("<h3>Singular values of hx while training</h3>\n", page->to);
  vj_page_color_scale(page, "training steps", 0, (double)data->results->steps);
  vj_page_pictures(page);
  for (int64_t i = 0; i < data->shown_count; i++) VJ_TRY(draw_change(page, &data->groups[data->shown[i]]));
  vj_page_pictures_end(page);
  return VJ_OK;
}

/* --- collapse ---------------------------------------------------------------------------------------------------- */

static int64_t largest_of(const vj_report_data *data, const vj_group *g, const char *view) {
  const char *name = vj_pool_format(data->pool, VJ_NAME_OF_VIEW("%s", "singular_values"), view);
  for (int64_t k = 0; k < g->members.count && name; k++) {
    const int64_t largest = data->results->committed[g->members.trials[k]] > 0
                                ? vj_results_components(data->results, name, g->members.trials[k])
                                : 0;
    if (largest) return largest;
  }
  return 0;
}

static void write_number(vj_page *page, double number) {
  vj_html_cell(page->to, true);
  vj_html_spread(page->to, number, NAN);
}

/* RankMe at the first and the last whole evaluation of a group's trials, the measures of both axes, and the verdict. */
static vj_status write_collapse(vj_page *page, const vj_group *g, const char *view) {
  const vj_report_data *data = page->data;
  const char *quantity = vj_pool_format(data->pool, VJ_NAME_OF_VIEW("%s", "rankme"), view);
  int64_t *measured = vj_pool_take(data->pool, (size_t)(g->members.count + 1) * sizeof *measured), count = 0;
  vj_summary ends[] = {VJ_SUMMARY_NONE, VJ_SUMMARY_NONE};
  if (!quantity || !measured) return vj_fail(VJ_MEMORY, "no memory for a table");
  for (int64_t k = 0; k < g->members.count; k++) {
    const int64_t trial = g->members.trials[k], last = vj_last_row(data, trial);
    vj_report_column column = {.quantity = quantity, .at = 0, .index = VJ_REPORT_SCALAR};
    if (last < 0) continue;
    measured[count++] = trial;
    vj_summary_add(&ends[0], vj_results_number(data->results, &column, trial));
    column.at = data->evals[last];
    vj_summary_add(&ends[1], vj_results_number(data->results, &column, trial));
  }
  const vj_collapse collapse = vj_collapse_of(data->results, view, count, measured);
  for (int end = 0; end < 2; end++) {
    vj_html_cell(page->to, true);
    vj_html_spread(page->to, ends[end].mean, ends[end].deviation);
  }
  vj_html_cell(page->to, true);
  fprintf(page->to, "%lld", (long long)largest_of(data, g, view));
  write_number(page, collapse.alpha);
  write_number(page, collapse.first_share);
  write_number(page, collapse.spread);
  vj_page_verdict(page, &collapse);
  return VJ_OK;
}

static vj_status write_collapses(vj_page *page) {
  const vj_report_data *data = page->data;
  vj_html_table_begin(
      page->to, "collapse",
      "setting|view|#RankMe, start|#RankMe, end|#largest possible|#α|#first twentieth|#spread|collapsed?");
  fputs("<tbody>", page->to);
  for (int64_t i = 0; i < data->shown_count; i++)
    for (int v = 0; vj_hidden_state_views[v]; v++) {
      const char *name = vj_pool_format(data->pool, VJ_NAME_OF_VIEW("%s", "rankme"), vj_hidden_state_views[v]);
      if (!name || vj_sweep_file_find(data->results->file, name) < 0) continue;
      vj_html_row(page->to, "");
      vj_html_cell(page->to, false);
      vj_page_group_name(page, &data->groups[data->shown[i]]);
      vj_html_cell(page->to, false);
      fputs(vj_hidden_state_views[v], page->to);
      VJ_TRY(write_collapse(page, &data->groups[data->shown[i]], vj_hidden_state_views[v]));
    }
  vj_html_table_end(page->to);
  const char *note = vj_collapse_note(data->pool);
  fputs("<p class=\"note\">", page->to);
  vj_html_text(page->to,
               "At the end: α of alpha-ReQ; the share of the variance in the first twentieth of the components; the "
               "median standard deviation of a feature, relative to tau or to the untrained encoder's. %s",
               note ? note : "");
  fputs("</p>\n", page->to);
  return VJ_OK;
}

/* The collapse thresholds as lines across, where all groups have the same number of components. */
static const char *threshold_lines(const vj_report_data *data, const char *view) {
  int64_t largest = 0;
  for (int64_t i = 0; i < data->shown_count; i++) {
    const int64_t mine = largest_of(data, &data->groups[data->shown[i]], view);
    if (largest && mine && mine != largest) return NULL;
    if (mine) largest = mine;
  }
  if (!largest) return NULL;
  return vj_pool_format(
      data->pool,
      "set yrange [0:*]\nset arrow from graph 0, first %g to graph 1, first %g nohead dt 2 lw 0.8 lc rgb '" VJ_PLOT_SOFT
      "'\nset label 'dimensional below' at graph 0.99, first %g right offset 0,0.5 font ',10' tc rgb '" VJ_PLOT_SOFT
      "'\n",
      vj_collapse_rankme.yes * (double)largest, vj_collapse_rankme.yes * (double)largest,
      vj_collapse_rankme.yes * (double)largest);
}

/* --- whole ------------------------------------------------------------------------------------------------------- */

static vj_status draw_over_time(vj_page *page) {
  static const char *const endings[] = {"rankme", "feature_std", "correlation"};
  static const char *const captions[] = {"RankMe of %s", "standard deviation of features of %s",
                                         "mean |correlation| of features of %s"};
  const vj_report_data *data = page->data;
  for (int e = 0; e < 3; e++)
    for (int v = 0; vj_hidden_state_views[v]; v++) {
      const char *quantity =
          vj_pool_format(data->pool, VJ_NAME_OF_VIEW("%s", "%s"), vj_hidden_state_views[v], endings[e]);
      char caption[96];
      snprintf(caption, sizeof caption, captions[e], vj_hidden_state_views[v]);
      if (e && v == 1) continue; /* hx and hy tell the same there */
      if (!quantity) return vj_fail(VJ_MEMORY, "no memory for a picture");
      VJ_TRY(vj_seed_bands_picture(page, quantity, NULL, caption,
                                   e == 0 ? threshold_lines(data, vj_hidden_state_views[v]) : NULL));
    }
  return VJ_OK;
}

static bool applies(const vj_report_data *data) {
  return data->shown_count && vj_sweep_file_find(data->results->file, VJ_NAME_OF_VIEW("hx", "rankme")) >= 0;
}

static vj_status write(vj_page *page) {
  const vj_report_data *data = page->data;
  VJ_TRY(write_collapses(page));
  vj_page_legend(page);
  fputs(
      "<p class=\"note\">Dotted: before training. Solid: at the end, or at the last evaluation so far. Means over "
      "seeds.</p>\n",
      page->to);
  vj_page_pictures(page);
  for (int v = 0; vj_hidden_state_views[v]; v++) {
    const char *quantity =
        vj_pool_format(data->pool, VJ_NAME_OF_VIEW("%s", "singular_values"), vj_hidden_state_views[v]);
    const char *caption = vj_pool_format(data->pool, "singular values of %s", vj_hidden_state_views[v]);
    if (!quantity || !caption) return vj_fail(VJ_MEMORY, "no memory for a picture");
    VJ_TRY(draw_ends(page, quantity, caption, "set xlabel 'component'\nset autoscale xfix\n", true));
  }
  VJ_TRY(draw_ends(page, VJ_NAME_OF_VIEW("hx", "explained_variance"), "variance of hx in the first components",
                   "set xlabel 'components'\nset logscale x\nset autoscale xfix\nset yrange [0:1]\n", false));
  VJ_TRY(draw_ends(page, VJ_NAME_OF_VIEW("hy_pred", "explained_variance"),
                   "variance of hy_pred in the first components",
                   "set xlabel 'components'\nset logscale x\nset autoscale xfix\nset yrange [0:1]\n", false));
  VJ_TRY(draw_over_time(page));
  vj_page_pictures_end(page);
  return draw_changes(page);
}

const vj_section vj_section_spectra = {
    .id = "section-spectra", .title = "Hidden states", .applies = applies, .write = write};
