/* How rows are written, the same in help, in errors and in docs/commands.md. */
#include <string.h>

#include "app/help.h"

const char *vj_help_value(const vj_verb_row *row, char text[VJ_HELP_BYTES]) {
  char choice[VJ_CHOICE_BYTES];
  size_t used = 0;
  text[0] = '\0';
  if (row->type == VJ_VALUE_FLAG) return text;
  if (row->value || row->type != VJ_VALUE_CHOICE) {
    snprintf(text, VJ_HELP_BYTES, "%s", row->value ? row->value : "VALUE");
    return text;
  }
  for (int i = 0; vj_row_choice(row, i, choice) && used < VJ_HELP_BYTES; i++)
    used += (size_t)snprintf(text + used, VJ_HELP_BYTES - used, "%s%s", i ? "|" : "", vj_row_choice(row, i, choice));
  return text;
}

const char *vj_help_synopsis(const vj_verb_row *row, char text[VJ_HELP_BYTES]) {
  char value[VJ_HELP_BYTES];
  vj_help_value(row, value);
  const int most = VJ_HELP_BYTES - 64; /* of a value */
  if (!vj_row_is_option(row))
    snprintf(text, VJ_HELP_BYTES, row->optional ? "[%s%s]" : "%s%s", row->name,
             row->type == VJ_VALUE_SETTING || row->several ? " ..." : "");
  else if (row->bare)
    snprintf(text, VJ_HELP_BYTES, "[%s[=%.*s]]", row->name, most, value);
  else
    snprintf(text, VJ_HELP_BYTES, row->required ? "%s%s%.*s" : "[%s%s%.*s]", row->name, value[0] ? " " : "", most,
             value);
  return text;
}

void vj_help_print_synopsis(FILE *to, const char *before, const vj_verb *verb, int width) {
  char text[VJ_HELP_BYTES];
  int at = fprintf(to, "%svjvcr %s", before, verb->name);
  for (size_t i = 0; i < verb->row_count; i++) {
    const int length = (int)strlen(vj_help_synopsis(&verb->rows[i], text));
    if (at + 1 + length > width) at = fprintf(to, "\n   ") - 1;
    at += fprintf(to, " %s", text);
  }
  fputc('\n', to);
}

const char *vj_help_default(const vj_verb_row *row) {
  return row->otherwise ? row->otherwise : row->fallback ? row->fallback : "";
}

const char *vj_help_bounds(const vj_verb_row *row, char text[VJ_HELP_BYTES]) {
  const char *unit = row->unit ? row->unit : "", *blank = row->unit ? " " : "";
  text[0] = '\0';
  if (row->type != VJ_VALUE_COUNT && row->type != VJ_VALUE_NUMBER && row->type != VJ_VALUE_COUNTS) return text;
  if (row->maximum > 0)
    snprintf(text, VJ_HELP_BYTES, "%g to %.9g%s%s", row->minimum, row->maximum, blank, unit);
  else if (row->minimum > 1)
    snprintf(text, VJ_HELP_BYTES, "at least %g%s%s", row->minimum, blank, unit);
  return text;
}

const char *vj_help_usage(vj_pool *pool, const vj_verb *verb) {
  enum { LONGEST = 100 };
  char text[VJ_HELP_BYTES];
  const char *arguments = vj_pool_format(pool, "vjvcr %s", verb->name), *all = arguments;
  for (size_t i = 0; i < verb->row_count && all; i++) {
    all = vj_pool_format(pool, "%s %s", all, vj_help_synopsis(&verb->rows[i], text));
    if (!vj_row_is_option(&verb->rows[i])) arguments = all;
  }
  if (!all || strlen(all) <= LONGEST) return all;
  return vj_pool_format(pool, "%s [options]; see `vjvcr %s --help`", arguments, verb->name);
}

const vj_verb_exit *vj_help_exit(const vj_verb *verb, int index) {
  static const vj_verb_exit of_all[] = {
      {0, "success"}, {1, "failure: of files, data, memory"}, {2, "wrong usage or configuration"}};
  int seen = 0;
  /* By number; a verb's own words for a code come before those of all. */
  for (int code = 0; code < 128; code++) {
    const vj_verb_exit *found = NULL;
    for (size_t i = 0; i < VJ_COUNT(of_all); i++)
      if (of_all[i].code == code) found = &of_all[i];
    for (size_t i = 0; i < verb->exit_count; i++)
      if (verb->exits[i].code == code) found = &verb->exits[i];
    if (found && seen++ == index) return found;
  }
  return NULL;
}
