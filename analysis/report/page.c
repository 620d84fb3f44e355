#include "analysis/report/page.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/report/style.h"
#include "vj/param.h"

enum { CAPTION_BYTES = 512, PICTURE_MARK = 1 }; /* before the number of a picture: a character that no text has */

/* --- for sections ------------------------------------------------------------------------------------------------ */

void vj_page_section(vj_page *page, const char *id, const char *title) {
  fprintf(page->to, "<section id=\"%s\">\n<h2>", id);
  vj_html_text(page->to, "%s", title);
  fputs("</h2>\n", page->to);
}

void vj_page_section_end(vj_page *page) { fputs("</section>\n", page->to); }

void vj_page_pictures(vj_page *page) { fputs("<div class=\"pictures\">\n", page->to); }

void vj_page_pictures_end(vj_page *page) { fputs("</div>\n", page->to); }

FILE *vj_page_picture(vj_page *page, int height, const char *caption_format, ...) {
  char caption[CAPTION_BYTES];
  va_list arguments;
  va_start(arguments, caption_format);
  vsnprintf(caption, sizeof caption, caption_format, arguments);
  va_end(arguments);
  fputs("<figure><figcaption>", page->to);
  vj_html_text(page->to, "%s", caption);
  fprintf(page->to, "</figcaption>\n%c%d;</figure>\n", PICTURE_MARK, vj_plots_count(page->plots));
  return vj_plots_begin(page->plots, VJ_PICTURE_WIDTH, height, caption);
}

void vj_page_group_name(vj_page *page, const vj_group *group) {
  if (group->color >= 0) fprintf(page->to, "<span class=\"key\" style=\"background:var(--c%d)\"></span>", group->color);
  vj_html_text(page->to, "%s", group->name);
}

void vj_page_legend(vj_page *page) {
  const vj_report_data *f = page->data;
  fputs("<ul class=\"legend\">", page->to);
  for (int64_t i = 0; i < f->shown_count; i++) {
    const vj_group *group = &f->groups[f->shown[i]];
    fputs("<li>", page->to);
    vj_page_group_name(page, group);
    if (f->group_count > f->shown_count && group->rank >= 0 && f->objective.best != VJ_BEST_NONE)
      vj_html_text(page->to, " (rank %lld)", (long long)group->rank + 1);
    fputs("</li>", page->to);
  }
  fputs("</ul>\n", page->to);
  if (f->group_count > f->shown_count)
    fprintf(page->to, "<p class=\"note\">%lld of %lld settings are shown: %s.</p>\n", (long long)f->shown_count,
            (long long)f->group_count,
            f->ranked_count ? "the best, the worst and some evenly between" : "the first that have begun");
}

void vj_page_shades(vj_page *page, const char *title, double low, double high) {
  fputs("<div class=\"shades\">", page->to);
  vj_html_text(page->to, "%s: %.3g", title, low);
  fputs(" <i></i> ", page->to);
  vj_html_text(page->to, "%.3g", high);
  fputs("</div>\n", page->to);
}

const char *vj_page_units(const vj_page *page, const char *quantity) {
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(page->data->results->file, quantity);
  if (variable < 0) return "";
  vj_sweep_file_variable(page->data->results->file, variable, &info);
  return info.units && strcmp(info.units, "1") != 0 ? info.units : "";
}

const char *vj_page_objective_title(const vj_page *page) {
  const vj_report_column *c = &page->data->objective;
  return c->title && c->title[0] ? c->title : c->quantity ? c->quantity : "";
}

/* --- whole ------------------------------------------------------------------------------------------------------- */

static vj_status write_sections(vj_page *page) {
  VJ_TRY(vj_section_summary(page));
  VJ_TRY(vj_section_results(page));
  VJ_TRY(vj_section_parameters(page));
  VJ_TRY(vj_section_curves(page));
  VJ_TRY(vj_section_spectra(page));
  VJ_TRY(vj_section_latents(page));
  VJ_TRY(vj_section_pictures(page));
  VJ_TRY(vj_section_timing(page));
  return vj_section_reproduce(page);
}

static void write_head(const vj_report_data *f, FILE *to) {
  fputs(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>",
      to);
  vj_html_text(to, "%s: report", f->title);
  fprintf(to, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", vj_report_style);
}

/* Links to the sections that there are. */
static void write_contents(const char *body, FILE *to) {
  fputs("<nav aria-label=\"sections\">", to);
  for (const char *at = body; (at = strstr(at, "<section id=\""));) {
    const char *id = at + strlen("<section id=\""), *title = strstr(id, "<h2>");
    if (!title) break;
    title += strlen("<h2>");
    fprintf(to, "<a href=\"#%.*s\">%.*s</a>\n", (int)strcspn(id, "\""), id, (int)strcspn(title, "<"), title);
    at = title;
  }
  fputs("</nav>\n", to);
}

/* The contents stand below the first screen. */
static vj_status write_body(const vj_page *page, const char *body, FILE *to) {
  const char *rest = strchr(body, VJ_CONTENTS_MARK);
  if (!rest) return vj_fail(VJ_INTERNAL, "a report without a place for its contents");
  fwrite(body, 1, (size_t)(rest++ - body), to);
  write_contents(body, to);
  for (const char *mark; (mark = strchr(rest, PICTURE_MARK)); rest = strchr(mark, ';') + 1) {
    fwrite(rest, 1, (size_t)(mark - rest), to);
    VJ_TRY(vj_plots_copy(page->plots, atoi(mark + 1), to));
  }
  fputs(rest, to);
  fputs("</body>\n</html>\n", to);
  return VJ_OK;
}

static vj_status cannot_write(const char *path) {
  return vj_fail(VJ_IO, "%s: can't write it: %s", path, strerror(errno));
}

static vj_status write_file(const vj_page *page, const char *body, const char *path) {
  const char *temporary = vj_pool_format(page->data->pool, "%s.new-%lld", path, (long long)getpid());
  if (!temporary) return vj_fail(VJ_MEMORY, "no memory for a path");
  FILE *to = fopen(temporary, "w");
  if (!to) return cannot_write(path);
  write_head(page->data, to);
  vj_status status = write_body(page, body, to);
  const bool whole = !ferror(to);
  if ((fclose(to) != 0 || !whole) && status == VJ_OK) status = cannot_write(path);
  if (status == VJ_OK && rename(temporary, path) != 0) status = cannot_write(path);
  if (status != VJ_OK) unlink(temporary);
  return status;
}

static vj_status write_page(vj_page *page, const char *path) {
  char *body = NULL;
  size_t bytes = 0;
  page->to = open_memstream(&body, &bytes);
  if (!page->to) return vj_fail(VJ_MEMORY, "no memory for a report");
  vj_status status = write_sections(page);
  if (fclose(page->to) != 0 && status == VJ_OK) status = vj_fail(VJ_MEMORY, "no memory for a report");
  if (status == VJ_OK) status = vj_plots_draw(page->plots);
  if (status == VJ_OK) status = write_file(page, body, path);
  free(body);
  return status;
}

static vj_status report_on(vj_results *results, const char *folder, const char *by, const char *path) {
  vj_report_data *data = NULL;
  vj_page page = {0};
  VJ_TRY(vj_report_data_gather(results, folder, by, &data));
  page.data = data;
  VJ_TRY(vj_plots_create(&page.plots));
  const vj_status status = write_page(&page, path);
  vj_plots_destroy(&page.plots);
  return status;
}

vj_status vj_report_write(const char *folder, const char *by, const char *path) {
  vj_results *results = NULL;
  VJ_TRY(vj_results_open(folder, &results));
  const vj_status status = report_on(results, folder, by, path);
  vj_results_close(&results);
  return status;
}
