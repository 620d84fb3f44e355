/* What was asked, what the sweep answers, and a picture of it: each claim's effect with its interval, on which side of
 * its bound it lies. */
#include <math.h>

#include "analysis/report/section.h"
#include "analysis/results/answer_print.h"

enum { ROW_HEIGHT = 44, MARGIN = 58, MOST_CHARACTERS = 64 };

static bool applies(const vj_report_data *data) { return data->answer != NULL; }

static int64_t row_count(const vj_answer *a) { return a->question->claim_count + a->question->requirement_count; }

static const vj_claim_result *row_at(const vj_answer *a, int64_t i) {
  const int64_t claims = a->question->claim_count;
  return i < claims ? &a->claims[i] : &a->requirements[i - claims];
}

/* --- the picture ------------------------------------------------------------------------------------------------- */

/* Where a value stands: 0 is the bound, what is claimed is right of it, and the farthest end of the interval is 1 away.
 * Each row has a scale of its own, since a ratio and a rank have nothing in common but their sides. */
static double place_of(const vj_claim_result *r, double value) {
  const double bound = r->claim->bound, size = fabs(r->effect.size - bound);
  const double reach = fmax(fabs(r->effect.low - bound), fabs(r->effect.high - bound));
  const double scale = isfinite(reach) ? reach : 2 * size, side = r->claim->is_at_least ? 1 : -1;
  if (isinf(value)) return value * side > 0 ? 1 : -1;
  return scale > 0 ? side * (value - bound) / scale : 0;
}

static void put_row(FILE *script, const vj_claim_result *r, int64_t row) {
  const bool is_known = !isnan(r->effect.low);
  if (!isfinite(r->effect.size)) return;
  const double at = place_of(r, r->effect.size);
  const double one = is_known ? place_of(r, r->effect.low) : at, other = is_known ? place_of(r, r->effect.high) : at;
  fprintf(script, "%.6g %.6g %.6g %lld %d\n", at, fmin(one, other), fmax(one, other), (long long)row, (int)r->verdict);
}

static void name_row(vj_page *page, FILE *script, const vj_claim_result *r, int64_t row, bool is_requirement) {
  char size[VJ_INTERVAL_BYTES] = "-";
  if (isfinite(r->effect.size)) snprintf(size, sizeof size, "%.3g", r->effect.size);
  const char *name =
      vj_pool_format(page->data->pool, "%s: %s%s", size, is_requirement ? "required: " : "", r->claim->text);
  fputs("set label ", script);
  vj_plots_quote_short(script, name ? name : "", MOST_CHARACTERS);
  fprintf(script, " at graph 0.01, first %.2f left font ',11' front\n", (double)row - 0.42);
}

static void draw(vj_page *page) {
  const vj_answer *a = page->data->answer;
  const int64_t rows = row_count(a);
  FILE *script = vj_page_picture(page, (int)(MARGIN + rows * ROW_HEIGHT), "%s",
                                 "Right of the line as claimed, left of it not; bars are 95 % intervals");
  fputs("$claims << EOD\n", script);
  for (int64_t i = 0; i < rows; i++) put_row(script, row_at(a, i), i);
  fputs("EOD\n$bound << EOD\n", script); /* beside the bars only, since names stand between them */
  for (int64_t i = 0; i < rows; i++) fprintf(script, "0 %.2f\n0 %.2f\n\n", (double)i - 0.22, (double)i + 0.45);
  fputs("EOD\n", script);
  for (int64_t i = 0; i < rows; i++) name_row(page, script, row_at(a, i), i, i >= a->question->claim_count);
  fprintf(
      script,
      "set xrange [-1.1:1.1]\nset yrange [%.2f:-0.7]\nunset ytics\nunset grid\nset border 1\nset lmargin 2\n"
      "set rmargin 2\nset xtics ('not as claimed' -0.6, 'bound' 0, 'as claimed' 0.6) scale 0 font ',11'\n"
      "set object 1 rectangle from 0, graph 0 to 1.1, graph 1 behind fc rgb '%s' fs transparent solid 0.12 noborder\n"
      "set object 2 rectangle from -1.1, graph 0 to 0, graph 1 behind fc rgb '%s' fs transparent solid 0.12 "
      "noborder\n",
      (double)rows - 0.5, vj_plot_colors[2], vj_plot_colors[1]);
  fprintf(script, "plot $bound using 1:2 with lines lw 1.4 lc rgb '%s'", vj_plot_colors[6]);
  static const struct {
    vj_verdict verdict;
    int color, point;
  } marks[] = {{VJ_VERDICT_HOLDS, 2, 7}, {VJ_VERDICT_FAILS, 1, 7}, {VJ_VERDICT_OPEN, 6, 6}};
  for (size_t i = 0; i < VJ_COUNT(marks); i++)
    fprintf(script, ", $claims using ($5==%d?$1:1/0):4:2:3 with xerrorbars lw 2 pt %d ps 0.8 lc rgb '%s'",
            (int)marks[i].verdict, marks[i].point, vj_plot_colors[marks[i].color]);
  fputc('\n', script);
}

/* --- the table --------------------------------------------------------------------------------------------------- */

static void write_claim(vj_page *page, const vj_claim_result *r, bool is_requirement) {
  char p[VJ_INTERVAL_BYTES];
  vj_html_row(page->to, "");
  vj_html_cell(page->to, true);
  vj_html_number(page->to, r->effect.size);
  vj_html_cell(page->to, true);
  if (isinf(r->effect.low) || isinf(r->effect.high)) {
    fputs("not bounded", page->to);
  } else {
    vj_html_number(page->to, r->effect.low);
    if (isfinite(r->effect.low)) fputs(" to ", page->to);
    if (isfinite(r->effect.low)) vj_html_number(page->to, r->effect.high);
  }
  vj_html_cell(page->to, true);
  if (is_requirement || isnan(r->p_holm))
    fputs("–", page->to);
  else {
    fprintf(page->to, "<data value=\"%.17g\">", r->p_holm);
    vj_html_text(page->to, "%s", vj_p_text(r->p_holm, p));
    fputs("</data>", page->to);
  }
  vj_html_cell(page->to, true);
  fprintf(page->to, r->seeds == r->seeds_of_sweep ? "%lld" : "%lld of %lld", (long long)r->seeds,
          (long long)r->seeds_of_sweep);
  vj_html_cell(page->to, false);
  vj_html_text(page->to, "%s%s", is_requirement ? "required: " : "", r->claim->text);
  vj_html_cell(page->to, false);
  fprintf(page->to, "<span class=\"%s\">%s</span>",
          r->verdict == VJ_VERDICT_HOLDS   ? "good"
          : r->verdict == VJ_VERDICT_FAILS ? "bad"
                                           : "note",
          vj_verdict_word(r));
}

static void write_line(vj_page *page, const char *id, const char *what, const char *text) {
  if (!text[0]) return;
  fprintf(page->to, "<p id=\"%s\"><b>%s</b> ", id, what);
  vj_html_text(page->to, "%s", text);
  fputs("</p>\n", page->to);
}

static vj_status write(vj_page *page) {
  const vj_answer *a = page->data->answer;
  write_line(page, "asked", "Asked:", a->question->asked);
  write_line(page, "answer", "Answer:", a->words);
  write_line(page, "published", "Published:", a->question->published);
  vj_page_pictures(page);
  draw(page);
  vj_page_pictures_end(page);
  vj_html_table_begin(page->to, "claims", "#effect|#95 % interval|#p (Holm)|#seeds|claim|verdict");
  fputs("<tbody>", page->to);
  for (int64_t i = 0; i < row_count(a); i++) write_claim(page, row_at(a, i), i >= a->question->claim_count);
  vj_html_table_end(page->to);
  fputs(
      "<p class=\"note\">The answer is yes when all claims hold, no when one fails, and none when a requirement is not "
      "known to hold. A claim holds, or fails, when its whole interval is on one side of its bound. Intervals are over "
      "seeds, of two arms in pairs, by Student's t; of ratios of means by Fieller. p is of the bound, and holds for "
      "all "
      "claims together.</p>\n",
      page->to);
  return VJ_OK;
}

const vj_section vj_section_question = {
    .id = "section-question", .title = "Question", .applies = applies, .write = write};
