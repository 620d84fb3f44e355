#include "analysis/report/report.h"

#include <stdlib.h>

#include "analysis/report/section.h"
#include "analysis/report/sections/sections.h"
#include "analysis/report/style.h"
#include "framework/base/atomic_file.h"

static bool applies(const vj_section *section, const vj_report_data *data) {
  return !section->applies || section->applies(data);
}

static vj_status write_section(vj_page *page, const vj_section *section) {
  if (!applies(section, page->data)) return VJ_OK;
  if (!section->id) return section->write(page);
  fprintf(page->to, "<section id=\"%s\">\n<h2>%s</h2>\n", section->id, section->title);
  VJ_TRY(section->write(page));
  fputs("</section>\n", page->to);
  return VJ_OK;
}

static vj_status write_sections(vj_page *page) {
  for (int i = 0; vj_sections[i]; i++) VJ_TRY(write_section(page, vj_sections[i]));
  return VJ_OK;
}

static vj_status write_contents(vj_page *page) {
  fputs("<nav aria-label=\"sections\">", page->to);
  for (int i = 0; vj_sections[i]; i++)
    if (vj_sections[i]->id && applies(vj_sections[i], page->data))
      fprintf(page->to, "<a href=\"#%s\">%s</a>\n", vj_sections[i]->id, vj_sections[i]->title);
  fputs("</nav>\n", page->to);
  return VJ_OK;
}

/* What `write` writes; the caller frees it. */
static vj_status write_to_memory(vj_page *page, vj_status (*write)(vj_page *page), char **text) {
  size_t bytes = 0;
  page->to = open_memstream(text, &bytes);
  if (!page->to) return vj_fail(VJ_MEMORY, "no memory for a report");
  const vj_status status = write(page);
  const bool whole = fclose(page->to) == 0;
  return status == VJ_OK && !whole ? vj_fail(VJ_MEMORY, "no memory for a report") : status;
}

static void write_head(const vj_report_data *data, FILE *to) {
  fputs(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>",
      to);
  vj_html_text(to, "%s: report", data->title);
  fprintf(to, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", vj_report_style);
}

static vj_status write_file(const vj_page *page, const char *body, const char *path) {
  vj_atomic_file file;
  VJ_TRY(vj_atomic_file_open(path, &file));
  write_head(page->data, file.stream);
  const vj_status status = vj_page_copy(page, body, file.stream);
  fputs("</body>\n</html>\n", file.stream);
  const vj_status closed = vj_atomic_file_close(&file, status == VJ_OK);
  return status == VJ_OK ? closed : status;
}

static vj_status write_page(vj_page *page, const char *path) {
  char *contents = NULL, *body = NULL;
  vj_status status = write_to_memory(page, write_contents, &contents);
  page->contents = contents;
  if (status == VJ_OK) status = write_to_memory(page, write_sections, &body);
  if (status == VJ_OK) status = vj_plots_draw(page->plots);
  if (status == VJ_OK) status = write_file(page, body, path);
  free(contents);
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
