/* What latents do: use of heads, sparsity against what z tells, energies before and after inference. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/report/seed_bands.h"

enum { MOST_HEADS = 32 };

/* --- over training ----------------------------------------------------------------------------------------------- */

static bool is_usage_of_a_head(const char *name) {
  const char *tail = strstr(name, "latent_usage_");
  return tail && tail[13] >= '0' && tail[13] <= '9';
}

static vj_status draw_courses(vj_page *page) {
  const vj_report_data *data = page->data;
  vj_file_variable_info info;
  for (int v = 0; v < vj_sweep_file_variable_count(data->results->file); v++) {
    vj_sweep_file_variable(data->results->file, v, &info);
    if (!vj_record_after(info.name, VJ_NAME_OF_TRAINING("latent_")) || is_usage_of_a_head(info.name) ||
        strstr(info.name, "_energy_after"))
      continue;
    const char *name = vj_record_after(info.name, VJ_NAME_OF_TRAINING(""));
    if (strstr(name, "_energy_before")) {
      VJ_TRY(vj_seed_bands_picture(page, VJ_NAME_OF_TRAINING("latent_energy_after"), info.name,
                                   "energy after (line) and before (dashed) inference", NULL));
      continue;
    }
    const char *val = vj_pool_format(data->pool, VJ_NAME_OF_VALIDATION("%s"), name);
    if (!val) return vj_fail(VJ_MEMORY, "no memory for a picture");
    VJ_TRY(vj_seed_bands_picture(page, info.name, val, name, NULL));
  }
  return VJ_OK;
}

/* --- heads at the end -------------------------------------------------------------------------------------------- */

static int64_t count_heads(const vj_report_data *data) {
  int64_t heads = 0;
  char name[48];
  do snprintf(name, sizeof name, VJ_NAME_OF_VALIDATION("latent_usage_%lld"), (long long)heads);
  while (vj_report_data_has(data, name, VJ_NAME_EVAL) && ++heads < MOST_HEADS);
  return heads;
}

static double usage_of(const vj_report_data *data, const vj_group *g, int64_t head) {
  char name[48];
  vj_summary s = VJ_SUMMARY_NONE;
  snprintf(name, sizeof name, VJ_NAME_OF_VALIDATION("latent_usage_%lld"), (long long)head);
  for (int64_t k = 0; k < g->members.count; k++)
    vj_summary_add(&s, vj_results_newest(data->results, name, g->members.trials[k]));
  return s.mean;
}

static void draw_heads(vj_page *page) {
  const vj_report_data *data = page->data;
  const int64_t heads = count_heads(data);
  const char *before = "plot ";
  int64_t users = 0, user = 0;
  for (int64_t i = 0; i < data->shown_count && heads; i++)
    users += isfinite(usage_of(data, &data->groups[data->shown[i]], 0));
  if (!users) return;
  FILE *script = vj_page_picture(page, VJ_PICTURE_HEIGHT, "%s", "share of validation samples that choose each head");
  const double width = 0.8 / (double)users;
  for (int64_t i = 0; i < data->shown_count; i++) {
    if (!isfinite(usage_of(data, &data->groups[data->shown[i]], 0))) continue;
    fprintf(script, "$u%lld << EOD\n", (long long)i);
    for (int64_t k = 0; k < heads; k++) {
      const double used = usage_of(data, &data->groups[data->shown[i]], k);
      if (isfinite(used)) fprintf(script, "%.6g %.6g\n", (double)k - 0.4 + width * ((double)user + 0.5), used);
    }
    fputs("EOD\n", script);
    user++;
  }
  fprintf(script, "set boxwidth %g absolute\nset xrange [-0.6:%g]\nset yrange [0:*]\nset xtics 1\nset xlabel 'head'\n",
          0.9 * width, (double)heads - 0.4);
  for (int64_t i = 0; i < data->shown_count; i++) {
    if (!isfinite(usage_of(data, &data->groups[data->shown[i]], 0))) continue;
    fprintf(script, "%s$u%lld using 1:2 with boxes lc rgb '%s'", before, (long long)i,
            vj_plot_colors[data->groups[data->shown[i]].color]);
    before = ", ";
  }
  fputc('\n', script);
}

/* --- sparsity against what z tells ------------------------------------------------------------------------------- */

static void draw_against_sparsity(vj_page *page, const char *quantity) {
  const vj_report_data *data = page->data;
  const vj_report_column sparsity = {
      .quantity = VJ_NAME_OF_VALIDATION("latent_sparsity"), .at = VJ_REPORT_LAST, .index = VJ_REPORT_SCALAR};
  const vj_report_column accuracy = {.quantity = quantity, .at = VJ_REPORT_LAST, .index = VJ_REPORT_SCALAR};
  int64_t found = 0;
  for (int64_t i = 0; i < data->results->trials; i++)
    found += isfinite(vj_results_final(data->results, &sparsity, i)) &&
             isfinite(vj_results_final(data->results, &accuracy, i));
  if (!found) return;
  FILE *script = vj_page_picture(page, VJ_PICTURE_HEIGHT, "%s against sparsity", quantity);
  fputs("$points << EOD\n", script);
  for (int64_t i = 0; i < data->results->trials; i++) {
    const double x = vj_results_final(data->results, &sparsity, i), y = vj_results_final(data->results, &accuracy, i);
    const int color = data->groups[data->group_of[i]].color;
    if (isfinite(x) && isfinite(y))
      fprintf(script, "%.6g %.6g %lu\n", x, y,
              strtoul((color < 0 ? VJ_PLOT_SOFT : vj_plot_colors[color]) + 1, NULL, 16));
  }
  fputs(
      "EOD\nset xlabel 'share of zeros in z'\nset xrange [-0.03:1.03]\nset yrange [0:1.03]\n"
      "plot $points using 1:2:3 with points pt 7 ps 0.7 lc rgb variable\n",
      script);
}

/* Of every probe with an accuracy: those of psi and of the digit, as the presets name them. */
static void draw_accuracies(vj_page *page) {
  const vj_report_data *data = page->data;
  vj_file_variable_info info;
  if (!vj_report_data_has(data, VJ_NAME_OF_VALIDATION("latent_sparsity"), VJ_NAME_EVAL)) return;
  for (int v = 0; v < vj_sweep_file_variable_count(data->results->file); v++) {
    vj_sweep_file_variable(data->results->file, v, &info);
    const char *end = strstr(info.name, "_accuracy");
    if (vj_record_is(info.name, VJ_RECORD_PROBE) && end && !end[strlen("_accuracy")] &&
        !strstr(info.name, "_majority_"))
      draw_against_sparsity(page, info.name);
  }
}

/* --- whole ------------------------------------------------------------------------------------------------------- */

static bool has_latents(const vj_report_data *data) {
  vj_file_variable_info info;
  for (int v = 0; data->shown_count && v < vj_sweep_file_variable_count(data->results->file); v++) {
    vj_sweep_file_variable(data->results->file, v, &info);
    if (vj_record_after(info.name, VJ_NAME_OF_TRAINING("latent_"))) return true;
  }
  return false;
}

static vj_status write(vj_page *page) {
  vj_page_legend(page);
  vj_page_pictures(page);
  draw_heads(page);
  draw_accuracies(page);
  VJ_TRY(draw_courses(page));
  vj_page_pictures_end(page);
  return VJ_OK;
}

const vj_section vj_section_latents = {
    .id = "section-latents", .title = "Latents", .applies = has_latents, .write = write};
