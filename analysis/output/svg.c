#include "analysis/output/svg.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/output/plots.h"
#include "vj/param.h"

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static const char *next_line(const char *at) {
  const char *end = strchr(at, '\n');
  return end ? end + 1 : at + strlen(at);
}

static const char *past(const char *at, const char *end) {
  const char *found = strstr(at, end);
  return found ? found + strlen(end) : at + strlen(at);
}

/* What is said otherwise. */
static const struct {
  const char *old, *new;
} words[] = {{"<use xlink:href='#gpPt6'", "<circle r='1' fill='currentColor' stroke='none'"},
             {"<use xlink:href='#gpPt5'", "<circle r='1' fill='none' stroke='currentColor' stroke-width='.3'"},
             {"<use xlink:href='#gpDot'", "<circle r='.5' fill='currentColor' stroke='none'"},
             {" font-family=\"sans-serif\"", ""},
             {" stroke-linecap=\"butt\" stroke-linejoin=\"miter\"", ""},
             {" class=\"gridline\"", ""},
             {" color=\"white\"", ""},
             {" shape-rendering='crispEdges'", ""},
             {"'white'", "'var(--paper)'"},
             {"\"black\"", "\"var(--ink)\""},
             {"'black'", "'var(--ink)'"}};

/* "rgb(  0, 114, 178)" -> a variable of the page, or the colour as it is; behind it. */
static const char *put_color(const char *at, FILE *to) {
  unsigned part[3] = {0};
  char *end = (char *)at + strlen("rgb(");
  for (int i = 0; i < 3; i++) part[i] = (unsigned)strtoul(end, &end, 10), end += *end == ',';
  const unsigned color = part[0] << 16 | part[1] << 8 | part[2];
  if (*end == ')') end++;
  for (int k = 0; k < VJ_PLOT_COLORS; k++)
    if (strtoul(vj_plot_colors[k] + 1, NULL, 16) == color) {
      fprintf(to, "var(--c%d)", k);
      return end;
    }
  if (strtoul(&VJ_PLOT_SOFT[1], NULL, 16) == color)
    fputs("var(--soft)", to);
  else
    fprintf(to, "#%06x", color);
  return end;
}

/* One character, or a word that is said otherwise; behind it. */
static const char *put(const char *at, FILE *to) {
  if (begins(at, "rgb(")) return put_color(at, to);
  for (size_t i = 0; i < VJ_COUNT(words) && strchr("<\"' ", *at); i++)
    if (begins(at, words[i].old)) {
      fputs(words[i].new, to);
      return at + strlen(words[i].old);
    }
  if (*at != '\t' && !(*at == ' ' && at[1] == ' ')) fputc(*at, to);
  return at + 1;
}

/* Where the lines begin that are worth copying: heads, definitions and groups with nothing in them are not. */
static const char *skip(const char *at) {
  for (;;) {
    const char *next = next_line(at);
    const char *word = at + strspn(at, " \t");
    if (begins(word, "<title>") || begins(word, "<desc>"))
      at = next;
    else if (begins(word, "<defs>"))
      at = next_line(past(at, "</defs>"));
    else if (begins(word, "<g fill=") && begins(next, "</g>"))
      at = next_line(next);
    else if (*word == '\n')
      at = next;
    else
      return at;
  }
}

void vj_svg_copy_body(const char *text, FILE *to) {
  const char *at = next_line(past(past(text, "<svg"), ">"));
  while (*(at = skip(at))) {
    const char *end = next_line(at), *word = at + strspn(at, " \t");
    if (begins(word, "<g id=")) { /* and the title that may stand behind it */
      fputs("<g>\n", to);
      at = end;
      continue;
    }
    while (at < end) at = put(at, to);
  }
}
