#include "analysis/output/html.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vj/elementary.h"

/* Bytes of the UTF-8 character at `text`; 0 if there is none. */
static int character_bytes(const unsigned char *text) {
  const int bytes = text[0] < 0x80                      ? 1
                    : text[0] >= 0xc2 && text[0] < 0xe0 ? 2
                    : (text[0] & 0xf0) == 0xe0          ? 3
                    : text[0] >= 0xf0 && text[0] < 0xf5 ? 4
                                                        : 0;
  for (int i = 1; i < bytes; i++)
    if ((text[i] & 0xc0) != 0x80) return 0;
  return bytes;
}

static void escape(FILE *to, const char *text) {
  for (const unsigned char *c = (const unsigned char *)text; *c;) {
    const int bytes = character_bytes(c);
    if (*c == '&')
      fputs("&amp;", to);
    else if (*c == '<')
      fputs("&lt;", to);
    else if (*c == '>')
      fputs("&gt;", to);
    else if (*c == '"')
      fputs("&quot;", to);
    else if (bytes == 0 || *c == 127 || (*c < 32 && *c != '\n' && *c != '\t'))
      fputc('?', to);
    else
      fwrite(c, 1, (size_t)bytes, to);
    c += bytes ? bytes : 1;
  }
}

void vj_html_text(FILE *to, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  const int length = vsnprintf(NULL, 0, format, arguments);
  char *text = length >= 0 ? malloc((size_t)length + 1) : NULL;
  if (text) {
    vsnprintf(text, (size_t)length + 1, format, again);
    escape(to, text);
  }
  free(text);
  va_end(again);
  va_end(arguments);
}

void vj_html_number(FILE *to, double value) {
  if (isnan(value))
    fputs("–", to);
  else
    fprintf(to, "<data value=\"%.17g\">%.4g</data>", value, value);
}

void vj_html_spread(FILE *to, double mean, double deviation) {
  if (!isfinite(mean) || !(deviation > 0) || !isfinite(deviation)) {
    vj_html_number(to, mean);
    return;
  }
  const int decimals = (int)fmax(0, fmin(4, 1 - ceil(vj_math_log10(deviation))));
  if (fabs(mean) < 1e-3 || fabs(mean) >= 1e5)
    fprintf(to, "<data value=\"%.17g\">%.3g</data> ± <data value=\"%.17g\">%.0e</data>", mean, mean, deviation,
            deviation);
  else
    fprintf(to, "<data value=\"%.17g\">%.*f</data> ± <data value=\"%.17g\">%.*f</data>", mean, decimals, mean,
            deviation, decimals, deviation);
}

void vj_html_percent(FILE *to, double share) {
  if (isnan(share))
    fputs("–", to);
  else
    fprintf(to, "<data value=\"%.17g\">%.*f %%</data>", share, fabs(share) < 0.1 ? 1 : 0, 100 * share);
}

void vj_html_heading(FILE *to, bool is_number, const char *text) {
  fprintf(to, "<th scope=\"col\"%s>", is_number ? " class=\"n\"" : "");
  escape(to, text);
  fputs("</th>", to);
}

void vj_html_table_begin(FILE *to, const char *id, const char *headings) {
  char heading[64];
  fprintf(to, "<div class=\"scroll\" tabindex=\"0\"><table id=\"%s\"><thead><tr>", id);
  for (const char *at = headings;; at++) {
    const int length = (int)strcspn(at, "|"), mark = *at == '#';
    snprintf(heading, sizeof heading, "%.*s", length - mark, at + mark);
    vj_html_heading(to, mark, heading);
    if (!*(at += length)) return;
  }
}

/* Ends of rows, cells, heads and bodies may be left out in HTML. */
void vj_html_row(FILE *to, const char *attributes) { fprintf(to, "\n<tr%s%s>", attributes[0] ? " " : "", attributes); }

void vj_html_cell(FILE *to, bool is_number) { fputs(is_number ? "<td class=\"n\">" : "<td>", to); }

void vj_html_table_end(FILE *to) { fputs("\n</table></div>\n", to); }

void vj_html_fold_begin(FILE *to, const char *summary) {
  fputs("<details><summary>", to);
  escape(to, summary);
  fputs("</summary>\n", to);
}

void vj_html_fold_end(FILE *to) { fputs("</details>\n", to); }
