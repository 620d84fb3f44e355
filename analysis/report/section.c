#include "analysis/report/section.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { CAPTION_BYTES = 512, PICTURE_MARK = 1 }; /* before the number of a picture: a character that no text has */

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

vj_status vj_page_copy(const vj_page *page, const char *body, FILE *to) {
  for (const char *mark; (mark = strchr(body, PICTURE_MARK)); body = strchr(mark, ';') + 1) {
    fwrite(body, 1, (size_t)(mark - body), to);
    VJ_TRY(vj_plots_copy(page->plots, atoi(mark + 1), to));
  }
  fputs(body, to);
  return VJ_OK;
}

void vj_page_group_name(vj_page *page, const vj_group *group) {
  if (group->color >= 0) fprintf(page->to, "<span class=\"key\" style=\"background:var(--c%d)\"></span>", group->color);
  vj_html_text(page->to, "%s", group->name);
}

void vj_page_legend(vj_page *page) {
  const vj_report_data *data = page->data;
  fputs("<ul class=\"legend\">", page->to);
  for (int64_t i = 0; i < data->shown_count; i++) {
    const vj_group *group = &data->groups[data->shown[i]];
    fputs("<li>", page->to);
    vj_page_group_name(page, group);
    if (data->group_count > data->shown_count && group->rank >= 0 && data->objective.best != VJ_BEST_NONE)
      vj_html_text(page->to, " (rank %lld)", (long long)group->rank + 1);
    fputs("</li>", page->to);
  }
  fputs("</ul>\n", page->to);
  if (data->group_count > data->shown_count)
    fprintf(page->to, "<p class=\"note\">%lld of %lld settings are shown: %s.</p>\n", (long long)data->shown_count,
            (long long)data->group_count,
            data->ranked_count ? "the best, the worst and some evenly between" : "the first that have begun");
}

void vj_page_color_scale(vj_page *page, const char *title, double low, double high) {
  fputs("<div class=\"scale\">", page->to);
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

void vj_page_verdict(vj_page *page, const vj_collapse *collapse) {
  const char *verdict = vj_collapse_word(collapse);
  vj_html_cell(page->to, false);
  fprintf(page->to, "<span class=\"%s\">%s</span>", strcmp(verdict, "no") == 0 ? "good" : "bad", verdict);
}

void vj_page_bar_axes(FILE *script, int64_t rows, const char *unit) {
  fprintf(script,
          "set yrange [%lld:-0.55]\nset xrange [0:*]\nunset ytics\nunset grid\nset grid xtics lc rgb '" VJ_PLOT_SOFT
          "' lt 1 lw 0.3\nset border 1\nset xlabel '%s'\nset lmargin 2\nset rmargin 6\nset xtics font ',10'\n",
          (long long)rows, unit);
}
