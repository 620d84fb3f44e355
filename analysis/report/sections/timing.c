/* Where the time went. */
#include <math.h>
#include <stdlib.h>

#include "analysis/output/terminal.h"
#include "analysis/report/section.h"
#include "framework/train/trial.h"

/* Parts of a trial's time that do not overlap, in the order of their bars; what is left of the total is "other". */
enum { DATA, COMPUTE, WAIT, EVALUATE, DECODER, CHECKPOINT, OTHER, PARTS };
static const char *const part_names[PARTS] = {"making batches", "training steps",       "waiting for other ranks",
                                              "evaluation",     "training the decoder", "checkpoints",
                                              "other"};

typedef struct spent {
  double total, part[PARTS];
  double steps, samples, trials;
} spent;

static double seconds(const vj_report_data *data, const char *name, int64_t trial) {
  const double value = vj_results_newest(data->results, name, trial);
  return isfinite(value) ? value : 0;
}

/* Trials of the same settings have one batch size. */
static spent time_of(const vj_report_data *data, const vj_group *g) {
  spent s = {0};
  const char *batch_text = vj_results_config(data->results, "optim.batch", g->members.trials[0]);
  const double batch = batch_text ? strtod(batch_text, NULL) : NAN;
  for (int64_t k = 0; k < g->members.count; k++) {
    const int64_t trial = g->members.trials[k];
    const double total = seconds(data, VJ_RECORD_TIME_TOTAL, trial);
    if (!(total > 0)) continue;
    s.trials++;
    s.total += total;
    s.steps += (double)data->results->committed[trial];
    s.samples += batch * (double)data->results->committed[trial];
    s.part[DATA] += seconds(data, VJ_RECORD_TIME_DATA, trial);
    s.part[WAIT] += seconds(data, VJ_RECORD_TIME_WAIT, trial);
    s.part[COMPUTE] += seconds(data, VJ_RECORD_TIME_STEP, trial) - seconds(data, VJ_RECORD_TIME_WAIT, trial);
    s.part[EVALUATE] += seconds(data, VJ_RECORD_TIME_EVALUATE, trial);
    s.part[DECODER] += seconds(data, VJ_RECORD_TIME_DECODER, trial);
    s.part[CHECKPOINT] += seconds(data, VJ_RECORD_TIME_CHECKPOINT, trial);
  }
  s.part[COMPUTE] = fmax(0, s.part[COMPUTE]);
  s.part[OTHER] = s.total;
  for (int p = 0; p < OTHER; p++) s.part[OTHER] -= s.part[p];
  s.part[OTHER] = fmax(0, s.part[OTHER]);
  return s;
}

static void add(spent *sum, const spent *one) {
  sum->total += one->total;
  sum->steps += one->steps;
  sum->samples += one->samples;
  sum->trials += one->trials;
  for (int p = 0; p < PARTS; p++) sum->part[p] += one->part[p];
}

static void write_row(vj_page *page, const vj_group *g, const spent *s) {
  const double training = s->part[DATA] + s->part[COMPUTE] + s->part[WAIT];
  vj_html_row(page->to, g ? "" : "class=\"best\"");
  vj_html_cell(page->to, false);
  if (g)
    vj_page_group_name(page, g);
  else
    fputs("all trials", page->to);
  const double cells[] = {s->trials,
                          s->total / s->trials,
                          s->part[DATA] / s->trials,
                          s->part[COMPUTE] / s->trials,
                          s->part[WAIT] / s->trials,
                          s->part[EVALUATE] / s->trials,
                          s->part[OTHER] / s->trials,
                          s->steps / training,
                          s->samples / training};
  for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
    vj_html_cell(page->to, true);
    vj_html_number(page->to, cells[i]);
  }
  vj_html_cell(page->to, true);
  vj_html_percent(page->to, s->part[WAIT] / training);
}

static void draw(vj_page *page, const spent *times) {
  const vj_report_data *data = page->data;
  FILE *script = vj_page_picture(page, 64 + 42 * (int)data->shown_count, "%s", "seconds of a trial, mean over seeds");
  fputs("$parts << EOD\n", script);
  for (int64_t i = 0; i < data->shown_count; i++) {
    const spent *s = &times[data->shown[i]];
    double from = 0;
    for (int p = 0; p < PARTS && s->trials > 0; p++) {
      const double to = from + s->part[p] / s->trials;
      if (to > from)
        fprintf(script, "%.6g %lld %.6g %.6g %lld.05 %lld.4 %lu\n", from, (long long)i, from, to, (long long)i,
                (long long)i, strtoul(vj_plot_colors[p] + 1, NULL, 16));
      from = to;
    }
  }
  fputs("EOD\n", script);
  vj_page_bar_axes(script, data->shown_count, "s");
  for (int64_t i = 0; i < data->shown_count; i++) {
    fputs("set label ", script);
    vj_plots_quote(script, data->groups[data->shown[i]].name);
    fprintf(script, " at graph 0, first %lld left offset 0,0.4 font ',11' front\n", (long long)i);
  }
  fputs("plot $parts using 1:2:3:4:5:6:7 with boxxyerror fs solid 1 noborder lc rgb variable\n", script);
}

static void write_part_legend(vj_page *page) {
  fputs("<ul class=\"legend\">", page->to);
  for (int p = 0; p < PARTS; p++)
    fprintf(page->to, "<li><span class=\"key\" style=\"background:var(--c%d)\"></span>%s</li>", p, part_names[p]);
  fputs("</ul>\n", page->to);
}

static bool applies(const vj_report_data *data) {
  int64_t trial = 0;
  while (trial < data->results->trials && !(seconds(data, VJ_RECORD_TIME_TOTAL, trial) > 0)) trial++;
  return trial < data->results->trials;
}

static vj_status write(vj_page *page) {
  enum { MOST_ROWS = 40 };
  const vj_report_data *data = page->data;
  char took[VJ_DURATION_BYTES];
  spent *times = NULL, all = {0};
  bool shown = false;
  VJ_TRY(vj_allocate((size_t)data->group_count + 1, sizeof *times, "times", &times));
  for (int64_t g = 0; g < data->group_count; g++) {
    times[g] = time_of(data, &data->groups[g]);
    add(&all, &times[g]);
    shown = shown || (data->groups[g].color >= 0 && times[g].trials > 0);
  }
  vj_html_text(page->to, "%s of training in all.", vj_duration_text(all.total, took));
  vj_html_table_begin(page->to, "timing",
                      "setting|#trials|#total s|#batches s|#steps s|#waiting s|#evaluation s|#other s|#steps/s|"
                      "#samples/s|#idle");
  fputs("<tbody>", page->to);
  for (int64_t g = 0, rows = 0; g < data->group_count && rows < MOST_ROWS; g++)
    if (times[g].trials > 0) write_row(page, &data->groups[g], &times[g]), rows++;
  write_row(page, NULL, &all);
  vj_html_table_end(page->to);
  fputs(
      "<p class=\"note\">Means over trials, wall-clock. Idle: share of training that a group's first rank spent in "
      "reductions and in waiting for its peers; with one rank to a trial that is the time of sums alone.</p>\n",
      page->to);
  if (shown) {
    write_part_legend(page);
    vj_page_pictures(page);
    draw(page, times);
    vj_page_pictures_end(page);
  }
  free(times);
  return VJ_OK;
}

const vj_section vj_section_timing = {.id = "section-timing", .title = "Timing", .applies = applies, .write = write};
