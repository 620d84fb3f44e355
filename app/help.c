/* `vjvcr help`: all verbs, one of them, or docs/commands.md. */
#include "app/help.h"

#include <string.h>

#include "analysis/output/terminal.h"

/* --- setting text ---------------------------------------------------------------------------------------------- */

enum { PLAIN_WIDTH = 80, WIDEST = 100, NARROWEST = 20 };

static int width(void) {
  const int columns = vj_terminal_columns();
  return columns <= 0 ? PLAIN_WIDTH : columns > WIDEST ? WIDEST : columns < NARROWEST ? NARROWEST : columns;
}

/* Words from column `at` on, lines after the first begin at `indent`; ends the line. */
static void put(FILE *to, int at, int indent, const char *text) {
  const int most = width();
  bool first = true;
  for (const char *word = text; *word;) {
    const int length = (int)strcspn(word, " \n");
    if (!first && at + 1 + length > most) {
      fprintf(to, "\n%*s", indent, "");
      at = indent;
      first = true;
    }
    fprintf(to, "%s%.*s", first ? "" : " ", length, word);
    at += length + !first;
    first = false;
    word += length;
    if (*word == '\n' && word[1]) {
      fprintf(to, "\n%*s", indent, "");
      at = indent;
      first = true;
    }
    word += strspn(word, " \n");
  }
  fputc('\n', to);
}

/* "  label   text", the text beside the label or, where there is little room, below it. */
static void put_labelled(FILE *to, const char *label, int column, const char *text) {
  const int length = (int)strlen(label);
  if (2 + length + 2 <= column) {
    fprintf(to, "  %-*s", column - 2, label);
  } else {
    put(to, fprintf(to, "  "), 4, label);
    fprintf(to, "%*s", column, "");
  }
  put(to, column, column, text);
}

/* Where texts begin beside labels: behind the longest, or in a narrow terminal below all of them. */
static int column_for(int longest) {
  const int most = width();
  return most < 60 ? 6 : longest + 4 <= most / 3 + 2 ? longest + 4 : most / 3 + 2;
}

/* --- all verbs ------------------------------------------------------------------------------------------------- */

void vj_help_print_verbs(FILE *to, const char *group) {
  int longest = 0;
  for (int i = 0; vj_verb_at(i); i++)
    if ((int)strlen(vj_verb_at(i)->name) > longest) longest = (int)strlen(vj_verb_at(i)->name);
  if (!group) put(to, 0, 0, "vjvcr trains video joint-embedding predictive models and runs sweeps of them with MPI.\n");
  fprintf(to, "%susage: vjvcr %s%sVERB [argument ...]\n\n", group ? "" : "\n", group ? group : "", group ? " " : "");
  for (int i = 0; vj_verb_at(i); i++)
    if (!group || vj_verb_is_in(vj_verb_at(i), group))
      put_labelled(to, vj_verb_at(i)->name, column_for(longest), vj_verb_at(i)->summary);
  fputc('\n', to);
  put(to, 0, 0, "`vjvcr help VERB` tells what a verb takes, reads and writes.");
  if (!group)
    put(to, 0, 0,
        "Start a sweep on several ranks with: mpirun -n 2 vjvcr sweep FILE.yaml\n`vjvcr --version` prints the "
        "version.");
}

/* --- one verb -------------------------------------------------------------------------------------------------- */

/* "-o DIR", "--dry-run[=list|timed]" */
static const char *label_of(const vj_verb_row *row, char text[VJ_HELP_BYTES]) {
  char value[VJ_HELP_BYTES];
  if (!vj_row_is_option(row)) return row->name;
  vj_help_value(row, value);
  snprintf(text, VJ_HELP_BYTES,
           row->bare  ? "%s[=%.*s]"
           : value[0] ? "%s %.*s"
                      : "%s%.*s",
           row->name, VJ_HELP_BYTES - 64, value);
  return text;
}

static void put_row(FILE *to, const vj_verb_row *row, int column) {
  char label[VJ_HELP_BYTES], bounds[VJ_HELP_BYTES], text[1024];
  const char *otherwise = vj_help_default(row);
  vj_help_bounds(row, bounds);
  snprintf(text, sizeof text, "%s%s%s%s%s%s%s", row->doc, bounds[0] || otherwise[0] ? " (" : "", bounds,
           bounds[0] && otherwise[0] ? "; " : "", otherwise[0] ? "default: " : "", otherwise,
           bounds[0] || otherwise[0] ? ")" : "");
  put_labelled(to, label_of(row, label), column, text);
  for (int i = 0; row->choice_doc && row->choice_at(i); i++) {
    snprintf(text, sizeof text, "%s: %s", row->choice_at(i), row->choice_doc(i));
    fprintf(to, "%*s", column, "");
    put(to, column, column + 2, text);
  }
}

static void put_rows(FILE *to, const vj_verb *verb, bool options, const char *heading) {
  char text[VJ_HELP_BYTES];
  int longest = options ? (int)strlen("--help") : 0;
  bool any = options;
  for (size_t i = 0; i < verb->row_count; i++) {
    if (vj_row_is_option(&verb->rows[i]) != options) continue;
    const int length = (int)strlen(label_of(&verb->rows[i], text));
    any = true;
    if (length > longest) longest = length;
  }
  if (!any) return;
  fprintf(to, "\n%s:\n", heading);
  for (size_t i = 0; i < verb->row_count; i++)
    if (vj_row_is_option(&verb->rows[i]) == options) put_row(to, &verb->rows[i], column_for(longest));
  if (options) put_labelled(to, "--help", column_for(longest), "print this text");
}

static void put_section(FILE *to, const char *heading, const char *text) {
  if (!text) return;
  fprintf(to, "\n%s:\n  ", heading);
  put(to, 2, 2, text);
}

void vj_help_print_verb(FILE *to, const vj_verb *verb) {
  char code[16], text[VJ_HELP_BYTES];
  snprintf(text, sizeof text, "vjvcr %s: %s", verb->name, verb->summary);
  put(to, 0, 0, text);
  fputc('\n', to);
  vj_help_print_synopsis(to, "usage: ", verb, width());
  put_rows(to, verb, false, "arguments");
  put_rows(to, verb, true, "options");
  if (verb->notes) {
    fputc('\n', to);
    put(to, 0, 0, verb->notes);
  }
  put_section(to, "reads", verb->reads);
  put_section(to, "writes", verb->writes);
  fputs("\nexit codes:\n", to);
  for (int i = 0; vj_help_exit(verb, i); i++) {
    snprintf(code, sizeof code, "%d", vj_help_exit(verb, i)->code);
    put_labelled(to, code, 6, vj_help_exit(verb, i)->doc);
  }
  if (verb->examples) fputs("\nexamples:\n", to);
  for (const char *at = verb->examples; at && *at; at += strcspn(at, "\n"), at += *at == '\n')
    fprintf(to, "  %.*s\n", (int)strcspn(at, "\n"), at);
}

/* --- the verb -------------------------------------------------------------------------------------------------- */

static vj_status help(vj_command *command) {
  char *words[2] = {(char *)vj_command_text(command, "VERB"), (char *)vj_command_text(command, "WORD")};
  const vj_verb *verb;
  int used;
  if (vj_command_choice(command, "--format") == 1) {
    vj_help_print_markdown(stdout);
    return VJ_OK;
  }
  if (!words[0]) {
    vj_help_print_verbs(stdout, NULL);
    return VJ_OK;
  }
  if (!words[1] && vj_verb_is_group(words[0])) {
    vj_help_print_verbs(stdout, words[0]);
    return VJ_OK;
  }
  VJ_TRY(vj_verb_find(words[1] ? 2 : 1, words, &verb, &used));
  vj_help_print_verb(stdout, verb);
  return VJ_OK;
}

static const vj_verb_row rows[] = {
    {"VERB", VJ_VALUE_VERB, .optional = true, .doc = "tell of one verb; without it, of all in a line each"},
    {"WORD", VJ_VALUE_VERB, .optional = true, .doc = "the second word of a verb that has two, e.g. help data make"},
    {"--format", VJ_VALUE_CHOICE, .choices = "text|md", .fallback = "text",
     .doc = "md: all verbs in full, as docs/commands.md has them"},
};

const vj_verb vj_verb_help = {.name = "help",
                              .summary = "what verbs there are, and what each takes",
                              .rows = rows,
                              .row_count = VJ_COUNT(rows),
                              .run = help};
