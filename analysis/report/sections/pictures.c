/* What the model saw and foresaw: frames of a few test clips, and where things went. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/report/section.h"
#include "analysis/output/canvas.h"
#include "analysis/report/horizon_means.h"

enum { GAP = 1, MOST_CLIPS = 4 };

/* --- frames ------------------------------------------------------------------------------------------------------ */

/* Frames of one clip: [frames, height, width, channels]. */
typedef struct clip {
  int64_t frames, height, width, channels;
  uint8_t *pixels; /* NULL: nothing is recorded */
} clip;

/* A trial that is done has frames; another may have none yet. */
static int64_t first_done(const vj_group *g) { return g->members.done_count ? g->members.done[0] : -1; }

static vj_status read_clip(const vj_report_data *data, const char *name, int64_t trial, int64_t sample, clip *c) {
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(data->results->file, name);
  *c = (clip){0};
  if (variable < 0 || trial < 0) return VJ_OK;
  vj_sweep_file_variable(data->results->file, variable, &info);
  if (info.rank != 6 || info.type != VJ_FILE_UINT8 || sample >= info.size[1]) return VJ_OK;
  *c = (clip){info.size[2], info.size[3], info.size[4], info.size[5], NULL};
  VJ_TRY(vj_allocate((size_t)(c->frames * c->height * c->width * c->channels), 1, "frames", &c->pixels));
  return vj_sweep_file_read(data->results->file, variable, (int64_t[]){trial, sample, 0, 0, 0, 0},
                            (int64_t[]){1, 1, c->frames, c->height, c->width, c->channels}, c->pixels);
}

/* Copies a clip's frames side by side, from place `at` on; the canvas has opacity. */
static void paste(const clip *c, int64_t at, vj_canvas *strip) {
  const int channels = strip->channels;
  for (int64_t frame = 0; frame < c->frames; frame++)
    for (int64_t y = 0; y < c->height; y++)
      for (int64_t x = 0; x < c->width; x++) {
        const uint8_t *from = c->pixels + ((frame * c->height + y) * c->width + x) * c->channels;
        uint8_t *to = strip->pixels + (y * strip->width + (at + frame) * (c->width + GAP) + x) * channels;
        for (int k = 0; k < channels - 1; k++) to[k] = from[k < c->channels ? k : c->channels - 1];
        to[channels - 1] = 255;
      }
}

/* A strip with room for input and target frames; `past` may be NULL, its place then stays empty. */
static vj_status write_strip(vj_page *page, const clip *past, int64_t past_frames, const clip *future,
                             const char *alt) {
  const clip *any = past ? past : future;
  const int64_t frames = past_frames + future->frames, width = frames * (any->width + GAP) - GAP;
  vj_canvas strip;
  VJ_TRY(vj_canvas_create(width, any->height, any->channels >= 3 ? 4 : 2, 0, &strip));
  if (past) paste(past, 0, &strip);
  paste(future, past_frames, &strip);
  fputs("<img alt=\"", page->to);
  vj_html_text(page->to, "%s", alt);
  fprintf(page->to, "\" width=\"%lld\" height=\"%lld\" src=\"", (long long)width, (long long)any->height);
  const vj_status status = vj_canvas_write_data_url(&strip, page->to);
  fputs("\">\n", page->to);
  vj_canvas_free(&strip);
  return status;
}

static bool same_clip(const clip *a, const clip *b) {
  return a->pixels && b->pixels && a->frames == b->frames && a->height == b->height && a->width == b->width &&
         a->channels == b->channels &&
         memcmp(a->pixels, b->pixels, (size_t)(a->frames * a->height * a->width * a->channels)) == 0;
}

/* What a group's first trial saw, unless it was shown already, and what it foresaw. `shown`: the target shown last. */
static vj_status write_group(vj_page *page, const vj_group *g, int64_t sample, clip *shown) {
  const vj_report_data *data = page->data;
  const int64_t trial = first_done(g);
  clip x = {0}, y = {0}, foreseen = {0};
  vj_status status = read_clip(data, VJ_RECORD_PICTURE_X, trial, sample, &x);
  if (status == VJ_OK) status = read_clip(data, VJ_RECORD_PICTURE_Y, trial, sample, &y);
  if (status == VJ_OK) status = read_clip(data, VJ_RECORD_PICTURE_Y_PRED, trial, sample, &foreseen);
  if (status == VJ_OK && x.pixels && y.pixels && !same_clip(&y, shown)) {
    fprintf(page->to, "<div>test clip %lld: %lld input frames, then %lld target frames</div>\n", (long long)sample,
            (long long)x.frames, (long long)y.frames);
    status = write_strip(page, &x, x.frames, &y, "input and target frames");
    free(shown->pixels);
    *shown = y;
    y.pixels = NULL;
  }
  bool decoded = false; /* models without a decoder leave zeros, where others of the sweep have one */
  for (int64_t i = 0; foreseen.pixels && i < foreseen.frames * foreseen.height * foreseen.width * foreseen.channels;
       i++)
    decoded = decoded || foreseen.pixels[i];
  if (status == VJ_OK && decoded) {
    fputs("<div>", page->to);
    vj_page_group_name(page, g);
    vj_html_text(page->to, ", seed %lld: decoded prediction", (long long)data->results->seed[trial]);
    fputs("</div>\n", page->to);
    status = write_strip(page, NULL, x.frames, &foreseen, "decoded prediction");
  }
  free(x.pixels);
  free(y.pixels);
  free(foreseen.pixels);
  return status;
}

static vj_status write_frames(vj_page *page) {
  const vj_report_data *data = page->data;
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(data->results->file, VJ_RECORD_PICTURE_X);
  vj_status status = VJ_OK;
  if (variable < 0) return VJ_OK;
  vj_sweep_file_variable(data->results->file, variable, &info);
  fputs("<div class=\"frames\">\n", page->to);
  for (int64_t sample = 0; info.rank == 6 && sample < info.size[1] && sample < MOST_CLIPS && status == VJ_OK;
       sample++) {
    clip shown = {0};
    for (int64_t i = 0; i < data->shown_count && status == VJ_OK; i++)
      status = write_group(page, &data->groups[data->shown[i]], sample, &shown);
    free(shown.pixels);
  }
  fputs("</div>\n", page->to);
  return status;
}

/* --- trajectories ------------------------------------------------------------------------------------------------ */

/* Positions (x, y) of one clip at every target step, at a trial's last evaluation with probes; false without any. */
static bool read_path(const vj_report_data *data, const char *name, int64_t trial, int64_t sample, double *path) {
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(data->results->file, name);
  if (variable < 0 || trial < 0) return false;
  vj_sweep_file_variable(data->results->file, variable, &info);
  if (info.rank != 5 || sample >= info.size[2]) return false;
  const int64_t row = vj_last_row(data, trial);
  return row >= 0 &&
         vj_sweep_file_read(data->results->file, variable, (int64_t[]){trial, row, sample, 0, 0},
                            (int64_t[]){1, 1, 1, info.size[3], info.size[4]}, path) == VJ_OK &&
         isfinite(path[0]);
}

/* Where paths lie. */
typedef struct extent {
  double low[2], high[2];
} extent;

static void widen(extent *e, const double *path, int64_t numbers) {
  for (int64_t i = 0; i < numbers; i++) {
    if (!isfinite(path[i])) continue;
    e->low[i % 2] = fmin(e->low[i % 2], path[i]);
    e->high[i % 2] = fmax(e->high[i % 2], path[i]);
  }
}

/* A square around them, y downwards as in frames. */
static void write_square(FILE *script, const extent *e) {
  const double side = 0.56 * fmax(1, fmax(e->high[0] - e->low[0], e->high[1] - e->low[1]));
  const double x = (e->low[0] + e->high[0]) / 2, y = (e->low[1] + e->high[1]) / 2;
  fprintf(script, "set xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\nset size ratio 1\n", x - side, x + side, y + side,
          y - side);
}

/* One line for each point; a block of its own. */
static void write_path(FILE *script, const char *name, const double *path, int64_t steps, int64_t coordinates) {
  fprintf(script, "$%s << EOD\n", name);
  for (int64_t point = 0; point + 1 < coordinates; point += 2) {
    for (int64_t t = 0; t < steps; t++)
      if (isfinite(path[t * coordinates + point]))
        fprintf(script, "%.5g %.5g\n", path[t * coordinates + point], path[t * coordinates + point + 1]);
    fputs("\n", script);
  }
  fputs("EOD\n", script);
}

static void draw_paths(vj_page *page, const char *probe, const char *predicted, const char *truth, int64_t steps,
                       int64_t coordinates, int64_t sample, double *path) {
  const vj_report_data *data = page->data;
  FILE *script = NULL;
  bool drawn[VJ_MOST_SHOWN] = {false};
  extent around = {{INFINITY, INFINITY}, {-INFINITY, -INFINITY}};
  char name[32];
  for (int64_t i = 0; i < data->shown_count; i++) {
    const int64_t trial = first_done(&data->groups[data->shown[i]]);
    if (!read_path(data, predicted, trial, sample, path)) continue;
    if (!script)
      script = vj_page_picture(page, 330, "%s: test clip %lld, true and predicted", probe, (long long)sample);
    drawn[i] = true;
    snprintf(name, sizeof name, "p%lld", (long long)i);
    write_path(script, name, path, steps, coordinates);
    widen(&around, path, steps * coordinates);
    if (!read_path(data, truth, trial, sample, path)) continue;
    write_path(script, "truth", path, steps, coordinates);
    widen(&around, path, steps * coordinates);
  }
  if (!script) return;
  write_square(script, &around);
  fprintf(script, "set xlabel 'x, %s'\nset ylabel 'y, %s'\nset grid xtics\nplot ", vj_page_units(page, predicted),
          vj_page_units(page, predicted));
  for (int64_t i = 0; i < data->shown_count; i++)
    if (drawn[i])
      fprintf(script, "$p%lld with linespoints lw 1.2 pt 7 ps 0.3 lc rgb '%s', ", (long long)i,
              vj_plot_colors[data->groups[data->shown[i]].color]);
  fputs("$truth with linespoints lw 2 dt 2 pt 6 ps 0.7 lc rgb 'black'\n", script);
}

static vj_status draw_by_horizon(vj_page *page, const char *probe, const char *quantity) {
  const vj_report_data *data = page->data;
  vj_horizon_means profiles[VJ_MOST_SHOWN];
  const char *before = "plot ";
  int64_t points = 0;
  for (int64_t i = 0; i < data->shown_count; i++) {
    VJ_TRY(vj_horizon_means_of(data, quantity, &data->groups[data->shown[i]], -1, &profiles[i]));
    points += profiles[i].count;
  }
  if (!points) return VJ_OK;
  FILE *script =
      vj_page_picture(page, VJ_PICTURE_HEIGHT, "%s: error by target step, %s", probe, vj_page_units(page, quantity));
  for (int64_t i = 0; i < data->shown_count; i++) {
    if (!profiles[i].count) continue;
    fprintf(script, "$h%lld << EOD\n", (long long)i);
    for (int64_t k = 0; k < profiles[i].count; k++)
      fprintf(script, "%lld %.6g\n", (long long)k + 1, profiles[i].values[k]);
    fputs("EOD\n", script);
  }
  fputs("set yrange [0:*]\nset xlabel 'target step, frames'\n", script);
  for (int64_t i = 0; i < data->shown_count; i++) {
    if (!profiles[i].count) continue;
    fprintf(script, "%s$h%lld with linespoints lw 1.4 pt 7 ps 0.3 lc rgb '%s'", before, (long long)i,
            vj_plot_colors[data->groups[data->shown[i]].color]);
    before = ", ";
  }
  fputc('\n', script);
  return VJ_OK;
}

/* "probe_trajectory_predicted" belongs with "probe_trajectory_true" and "probe_trajectory_error_by_horizon". */
static vj_status draw_probe(vj_page *page, const vj_file_variable_info *info, const char *probe) {
  const vj_report_data *data = page->data;
  const char *truth = vj_pool_format(data->pool, VJ_NAME_OF_PROBE("%s", "true"), probe);
  const char *by_horizon = vj_pool_format(data->pool, VJ_NAME_OF_PROBE("%s", "error_by_horizon"), probe);
  double *path = NULL;
  if (!truth || !by_horizon) return vj_fail(VJ_MEMORY, "no memory for a picture");
  VJ_TRY(vj_allocate((size_t)(info->size[3] * info->size[4]), sizeof *path, "a trajectory", &path));
  for (int64_t sample = 0; sample < info->size[2] && sample < MOST_CLIPS; sample++)
    draw_paths(page, probe, info->name, truth, info->size[3], info->size[4], sample, path);
  free(path);
  return draw_by_horizon(page, probe, by_horizon);
}

static vj_status draw_trajectories(vj_page *page) {
  const vj_report_data *data = page->data;
  vj_file_variable_info info;
  vj_page_pictures(page);
  for (int v = 0; v < vj_sweep_file_variable_count(data->results->file); v++) {
    vj_sweep_file_variable(data->results->file, v, &info);
    const char *end = strstr(info.name, "_predicted");
    const char *of_probe = vj_record_after(info.name, VJ_PROBE_RECORDS);
    if (!of_probe || !end || end[strlen("_predicted")] || info.rank != 5) continue;
    const char *probe = vj_pool_format(data->pool, "%.*s", (int)(end - of_probe), of_probe);
    VJ_TRY(probe ? draw_probe(page, &info, probe) : vj_fail(VJ_MEMORY, "no memory for a picture"));
  }
  vj_page_pictures_end(page);
  return VJ_OK;
}

/* --- whole ------------------------------------------------------------------------------------------------------- */

static bool has_pictures(const vj_report_data *data) {
  vj_file_variable_info info;
  bool done = false;
  for (int64_t i = 0; i < data->shown_count; i++) done = done || data->groups[data->shown[i]].members.done_count;
  for (int v = 0; v < vj_sweep_file_variable_count(data->results->file) && done; v++) {
    vj_sweep_file_variable(data->results->file, v, &info);
    if (info.rank >= 5) return true;
  }
  return false;
}

static vj_status write(vj_page *page) {
  fputs(
      "<p class=\"note\">Of the first test clips, at the end of each setting's first trial that is done. Dashed rings: "
      "the "
      "true path; points: what the probe reads from the hidden state.</p>\n",
      page->to);
  vj_page_legend(page);
  VJ_TRY(draw_trajectories(page));
  return write_frames(page);
}

const vj_section vj_section_pictures = {
    .id = "section-frames", .title = "Frames and trajectories", .applies = has_pictures, .write = write};
