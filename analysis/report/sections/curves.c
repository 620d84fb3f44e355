/* Learning curves: every loss term and what else is recorded along training, with bands over seeds. */
#include <stdio.h>
#include <string.h>

#include "analysis/report/seed_bands.h"

enum { MOST_CURVES = 40 };

/* "train_variance" and "val_variance" in one picture. */
static vj_status draw(vj_page *page, const char *train, const char *name) {
  const vj_report_data *data = page->data;
  const char *val = vj_pool_format(data->pool, VJ_NAME_OF_VALIDATION("%s"), name);
  const char *units = vj_page_units(page, train);
  const char *caption =
      vj_pool_format(data->pool, "%s%s%s", strcmp(name, "loss") == 0 ? "weighted sum of the losses" : name,
                     units[0] ? ", " : "", units);
  if (!val || !caption) return vj_fail(VJ_MEMORY, "no memory for a picture");
  return vj_seed_bands_picture(page, train, val, caption, NULL);
}

/* Validation alone, e.g. of PSNR. */
static vj_status draw_validation(vj_page *page, const vj_file_variable_info *info, const char *name) {
  const char *train = vj_pool_format(page->data->pool, VJ_NAME_OF_TRAINING("%s"), name);
  if (!train) return vj_fail(VJ_MEMORY, "no memory for a picture");
  if (vj_sweep_file_find(page->data->results->file, train) >= 0) return VJ_OK;
  return vj_seed_bands_picture(page, NULL, info->name, vj_pool_format(page->data->pool, "%s (validation)", name), NULL);
}

static vj_status draw_all(vj_page *page) {
  const vj_report_data *data = page->data;
  vj_file_variable_info info;
  int drawn = 0;
  for (int v = 0; v < vj_sweep_file_variable_count(data->results->file); v++) {
    vj_sweep_file_variable(data->results->file, v, &info);
    const char *train = vj_record_after(info.name, VJ_NAME_OF_TRAINING(""));
    const char *val = vj_record_after(info.name, VJ_NAME_OF_VALIDATION(""));
    const bool latent = vj_record_after(train ? train : val ? val : "", "latent_");
    if (latent || drawn >= MOST_CURVES) continue;
    drawn++;
    if (train && vj_report_data_has(data, info.name, VJ_NAME_STEP))
      VJ_TRY(draw(page, info.name, train));
    else if (val && vj_report_data_has(data, info.name, VJ_NAME_EVAL))
      VJ_TRY(draw_validation(page, &info, val));
    else if (strcmp(info.name, VJ_RECORD_GRADIENT_NORM) == 0)
      VJ_TRY(vj_seed_bands_picture(page, info.name, NULL, "norm of the gradient, before clipping", NULL));
    else if (strcmp(info.name, VJ_RECORD_LEARNING_RATE) == 0)
      VJ_TRY(vj_seed_bands_picture(page, info.name, NULL, "learning rate", NULL));
    else
      drawn--;
  }
  return VJ_OK;
}

/* Probes that ran more than at both ends. */
static vj_status draw_objective(vj_page *page) {
  const vj_report_column *c = &page->data->objective;
  if (!c->quantity || !vj_record_is(c->quantity, VJ_RECORD_PROBE)) return VJ_OK;
  const char *units = vj_page_units(page, c->quantity), *title = vj_page_objective_title(page);
  const char *caption = vj_pool_format(page->data->pool, "%s%s%s", title, units[0] ? ", " : "", units);
  return caption ? vj_seed_bands_picture(page, c->quantity, NULL, caption, NULL)
                 : vj_fail(VJ_MEMORY, "no memory for a picture");
}

static bool applies(const vj_report_data *data) { return data->shown_count > 0; }

static vj_status write(vj_page *page) {
  fputs(
      "<p class=\"note\">Lines: training, with a band of one standard deviation over seeds. Dashed, with circles: "
      "validation. Losses are unweighted, apart from their weighted sum. Long courses are averaged over neighbouring "
      "steps.</p>\n",
      page->to);
  vj_page_legend(page);
  vj_page_pictures(page);
  VJ_TRY(draw_objective(page));
  VJ_TRY(draw_all(page));
  vj_page_pictures_end(page);
  return VJ_OK;
}

const vj_section vj_section_curves = {
    .id = "section-curves", .title = "Learning curves", .applies = applies, .write = write};
