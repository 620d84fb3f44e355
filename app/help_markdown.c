/* docs/commands.md. */
#include <ctype.h>
#include <string.h>

#include "app/help.h"

/* Bars would end a cell of a table, and <name> would be taken for HTML. */
static void put_text(FILE *to, const char *text, bool is_code) {
  for (; *text; text++) fprintf(to, *text == '|' ? "\\|" : *text == '<' && !is_code ? "&lt;" : "%c", *text);
}

static void put_cell(FILE *to, const char *text, bool is_code) {
  fputs(is_code && *text ? " `" : " ", to);
  put_text(to, text, is_code);
  fputs(is_code && *text ? "` |" : " |", to);
}

static void put_row(FILE *to, const vj_verb_row *row) {
  char text[VJ_HELP_BYTES], doc[1024];
  size_t used = (size_t)snprintf(doc, sizeof doc, "%s", row->doc);
  if (vj_help_bounds(row, text)[0]) used += (size_t)snprintf(doc + used, sizeof doc - used, " (%s)", text);
  for (int i = 0; row->choice_doc && row->choice_at(i) && used < sizeof doc; i++)
    used += (size_t)snprintf(doc + used, sizeof doc - used, "; `%s`: %s", row->choice_at(i), row->choice_doc(i));
  fputs("|", to);
  put_cell(to, row->name, true);
  put_cell(to, vj_row_is_option(row) ? vj_help_value(row, text) : "", true);
  put_cell(to, vj_help_default(row), row->fallback && !row->otherwise);
  put_cell(to, doc, false);
  fputc('\n', to);
}

static void put_paragraphs(FILE *to, const char *before, const char *text) {
  if (!text) return;
  fprintf(to, "\n%s", before);
  for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
    if (at != text) fputs("\n\n", to);
    for (const char *c = at; *c && *c != '\n'; c++) fprintf(to, *c == '<' ? "&lt;" : "%c", *c);
  }
  fputc('\n', to);
}

static void put_verb(FILE *to, const vj_verb *verb) {
  fprintf(to, "\n## vjvcr %s\n\n%c%s.\n", verb->name, toupper((unsigned char)verb->summary[0]), verb->summary + 1);
  fputs("\n```\n", to);
  vj_help_print_synopsis(to, "", verb, 100);
  fputs("```\n", to);
  if (verb->row_count) fputs("\n| | value | default | meaning |\n|---|---|---|---|\n", to);
  for (size_t i = 0; i < verb->row_count; i++) put_row(to, &verb->rows[i]);
  put_paragraphs(to, "", verb->notes);
  put_paragraphs(to, "Reads: ", verb->reads);
  put_paragraphs(to, "Writes: ", verb->writes);
  if (verb->exit_count) fputs("\nExit codes:\n\n", to);
  for (int i = 0; verb->exit_count && vj_help_exit(verb, i); i++)
    fprintf(to, "- %d: %s\n", vj_help_exit(verb, i)->code, vj_help_exit(verb, i)->doc);
  if (verb->examples) fprintf(to, "\n```\n%s```\n", verb->examples);
}

static void put_link(FILE *to, const vj_verb *verb) {
  fprintf(to, "| [`%s`](#vjvcr-", verb->name);
  for (const char *at = verb->name; *at; at++) fputc(*at == ' ' ? '-' : *at, to);
  fputs(") |", to);
  put_cell(to, verb->summary, false);
  fputc('\n', to);
}

void vj_help_print_markdown(FILE *to) {
  fputs(
      "# Commands\n\n"
      "Printed by `vjvcr help --format md` from the descriptors in `app/`; a test compares. Edit those, not this.\n\n"
      "`vjvcr VERB --help` tells the same in a terminal; every verb has that option. The value of an option stands in "
      "the next word, or behind `=`: `--format json`, `--format=json`. Exit codes, where a verb has no others, are 0: "
      "success, "
      "1: failure of files, data or memory, 2: wrong usage or configuration.\n\n"
      "| verb | |\n|---|---|\n",
      to);
  for (int i = 0; vj_verb_at(i); i++) put_link(to, vj_verb_at(i));
  for (int i = 0; vj_verb_at(i); i++) put_verb(to, vj_verb_at(i));
}
