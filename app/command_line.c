#include "app/command_line.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/help.h"
#include "app/verb.h"
#include "framework/config/nodes.h"

typedef struct vj_row_value {
  bool given;
  const char *text; /* as it was written, or the default; NULL: neither */
  int64_t count;    /* also the index of a choice */
  double number;    /* also seconds */
  vj_integer_list counts;
  vj_text_list texts; /* of an argument that there may be several of */
} vj_row_value;

/* --- values ---------------------------------------------------------------------------------------------------- */

/* "a whole number from 1 to 32", "a number >= 0 (seconds)" */
static const char *wanted_number(const vj_verb_row *row, const char *what, char text[VJ_CHOICE_BYTES]) {
  const bool has_maximum = row->maximum > 0;
  const int used = has_maximum ? snprintf(text, VJ_CHOICE_BYTES, "%s from %g to %.9g", what, row->minimum, row->maximum)
                               : snprintf(text, VJ_CHOICE_BYTES, "%s >= %g", what, row->minimum);
  if (row->unit) snprintf(text + used, VJ_CHOICE_BYTES - (size_t)used, " (%s)", row->unit);
  return text;
}

static bool is_within(const vj_verb_row *row, double number) {
  return number >= row->minimum && (row->maximum <= 0 || number <= row->maximum);
}

/* Reads a whole number and goes on behind it. Neither blanks nor a plus sign stand before one. */
static bool take_whole(const vj_verb_row *row, const char **at, int64_t *count) {
  char *end = NULL;
  if (**at != '-' && (**at < '0' || **at > '9')) return false;
  errno = 0;
  *count = strtoll(*at, &end, 10);
  if (end == *at || errno || !is_within(row, (double)*count)) return false;
  *at = end;
  return true;
}

static vj_status read_count(const vj_verb_row *row, const char *text, vj_row_value *value) {
  char wanted[VJ_CHOICE_BYTES];
  const char *at = text;
  if (take_whole(row, &at, &value->count) && !*at) return VJ_OK;
  return vj_fail(VJ_USAGE, "%s: expected %s, got \"%s\"", row->name, wanted_number(row, "a whole number", wanted),
                 text);
}

static vj_status read_number(const vj_verb_row *row, const char *text, vj_row_value *value) {
  char wanted[VJ_CHOICE_BYTES], *end = NULL;
  value->number = strtod(text, &end);
  if (end != text && !*end && isfinite(value->number) && is_within(row, value->number)) return VJ_OK;
  return vj_fail(VJ_USAGE, "%s: expected %s, got \"%s\"", row->name, wanted_number(row, "a number", wanted), text);
}

/* "3h", "90m", "45s", or several of them, "1h30m"; "0". */
static vj_status read_duration(const vj_verb_row *row, const char *text, vj_row_value *value) {
  static const struct {
    char letter;
    double seconds;
  } units[] = {{'h', 3600}, {'m', 60}, {'s', 1}};
  const char *at = text;
  value->number = 0;
  while (*at >= '0' && *at <= '9') {
    char *end = NULL;
    const double number = strtod(at, &end);
    size_t unit = 0;
    while (unit < VJ_COUNT(units) && units[unit].letter != *end) unit++;
    if (unit == VJ_COUNT(units)) break;
    value->number += number * units[unit].seconds;
    at = end + 1;
  }
  if (strcmp(text, "0") == 0 || (text[0] && !*at)) return VJ_OK;
  return vj_fail(VJ_USAGE, "%s: expected a duration such as 3h, 90m or 1h30m, got \"%s\"", row->name, text);
}

static vj_status read_counts(vj_pool *pool, const vj_verb_row *row, const char *text, vj_row_value *value) {
  int64_t *numbers = vj_pool_take(pool, (size_t)row->most * sizeof *numbers);
  const char *at = text;
  int64_t count = 0;
  if (!numbers) return vj_fail(VJ_MEMORY, "no memory for %s", row->name);
  while (count < row->most && take_whole(row, &at, &numbers[count])) {
    count++;
    if (*at != row->separator || count == row->most) break;
    at++;
  }
  value->counts = (vj_integer_list){count, numbers};
  if (count >= row->least && !*at && at > text && at[-1] != row->separator) return VJ_OK;
  char wanted[VJ_CHOICE_BYTES];
  return vj_fail(VJ_USAGE, "%s: expected %s of %s, got \"%s\"", row->name, row->value,
                 wanted_number(row, "whole numbers", wanted), text);
}

static vj_status read_choice(const vj_verb_row *row, const char *text, vj_row_value *value) {
  enum { MOST = 32 };
  char names[MOST][VJ_CHOICE_BYTES], hint[VJ_SUGGESTION_BYTES], list[VJ_SUGGESTION_BYTES] = "";
  const char *choices[MOST];
  int count = 0;
  for (const char *choice; count < MOST && (choice = vj_row_choice(row, count, names[count])); count++) {
    choices[count] = choice;
    if (strcmp(text, choice) == 0) return value->count = count, VJ_OK;
    const size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%s", count ? ", " : "", choice);
  }
  const bool is_close = vj_closest(text, choices, count);
  return vj_fail(VJ_USAGE, "%s: expected one of %s, got \"%s\"%s", row->name, list, text,
                 is_close ? vj_suggestion(text, "", choices, count, hint) : "");
}

static vj_status read_value(vj_pool *pool, const vj_verb_row *row, const char *text, vj_row_value *value) {
  value->text = text;
  switch (row->type) {
    case VJ_VALUE_CHOICE:
      return read_choice(row, text, value);
    case VJ_VALUE_COUNT:
      return read_count(row, text, value);
    case VJ_VALUE_NUMBER:
      return read_number(row, text, value);
    case VJ_VALUE_DURATION:
      return read_duration(row, text, value);
    case VJ_VALUE_COUNTS:
      return read_counts(pool, row, text, value);
    default:
      return VJ_OK;
  }
}

/* --- words ----------------------------------------------------------------------------------------------------- */

typedef struct reader {
  vj_command *command;
  const char **settings; /* with room for all words */
  size_t next;           /* the row of the next argument */
} reader;

static vj_status unknown_option(const vj_verb *verb, const char *word) {
  enum { MOST = 32 };
  const char *names[MOST] = {"--help"};
  char hint[VJ_SUGGESTION_BYTES];
  int count = 0;
  for (size_t i = 0; i < verb->row_count && count < MOST - 1; i++)
    if (vj_row_is_option(&verb->rows[i])) names[count++] = verb->rows[i].name;
  names[count++] = "--help";
  return vj_fail(VJ_USAGE, "%s has no option %s%s", verb->name, word,
                 vj_suggestion(word, "its options", names, count, hint));
}

/* `value` stands behind "=" in the same word, or is NULL and then in the next word, if anywhere. */
static vj_status take_option(reader *r, const vj_verb_row *row, const char *value, const char *next, int *used) {
  vj_pool *pool = r->command->pool;
  vj_row_value *into = &r->command->value[row - r->command->verb->rows];
  into->given = true;
  if (row->type == VJ_VALUE_FLAG) {
    if (value) return vj_fail(VJ_USAGE, "%s: it takes no value, got \"%s\"", row->name, value);
    return VJ_OK;
  }
  if (!value && row->bare) value = row->bare;
  if (!value) {
    *used = 2;
    value = next;
  }
  if (!value) return vj_fail(VJ_USAGE, "%s: expected a value", row->name);
  VJ_TRY(read_value(pool, row, value, into));
  if (!row->sets) return VJ_OK;
  const char *setting = vj_pool_format(pool, "%s=%s", row->sets, value);
  if (!setting) return vj_fail(VJ_MEMORY, "no memory for an option");
  r->settings[r->command->settings.count++] = setting;
  return VJ_OK;
}

static vj_status take_option_word(reader *r, const char *word, const char *next, int *used) {
  const vj_verb *verb = r->command->verb;
  const char *equals = word[1] == '-' ? strchr(word, '=') : NULL;
  const size_t length = equals ? (size_t)(equals - word) : strlen(word);
  for (size_t i = 0; i < verb->row_count; i++) {
    const vj_verb_row *row = &verb->rows[i];
    if (vj_row_is_option(row) && strlen(row->name) == length && strncmp(row->name, word, length) == 0)
      return take_option(r, row, equals ? equals + 1 : NULL, next, used);
  }
  const char *name = vj_pool_format(r->command->pool, "%.*s", (int)length, word);
  return unknown_option(verb, name ? name : word);
}

static bool has_settings(const vj_verb *verb) {
  for (size_t i = 0; i < verb->row_count; i++)
    if (verb->rows[i].type == VJ_VALUE_SETTING) return true;
  return false;
}

static bool ends_like(const char *word, const char *name) {
  const char *const ending = strrchr(name, '.'), *const own = strrchr(word, '.');
  return !ending || (own && strcmp(own, ending) == 0);
}

/* Whether a word may be meant: an argument that one may leave out is passed over by what can't be one. */
static bool fits(const vj_verb_row *row, const char *word) {
  const bool is_name = row->type == VJ_VALUE_KIND || row->type == VJ_VALUE_COMPONENT;
  if (!row->optional) return true;
  if (row->type == VJ_VALUE_FILE) return ends_like(word, row->name);
  return !is_name || !strchr(word, '.');
}

static vj_status too_many(const reader *r, const char *word) {
  const vj_verb *verb = r->command->verb;
  const char *or_setting = has_settings(verb) ? " or key=value" : "";
  for (size_t i = verb->row_count; i-- > 0;) {
    const vj_verb_row *row = &verb->rows[i];
    if (row->type == VJ_VALUE_FILE && row->optional && !vj_row_is_option(row) && !r->command->value[i].given)
      return vj_fail(VJ_USAGE, "\"%s\": expected %s or an option%s", word, row->name, or_setting);
    if (!vj_row_is_option(row) && r->command->value[i].given)
      return vj_fail(VJ_USAGE, "\"%s\": expected an option%s; %s is %s already", word, or_setting, row->name,
                     r->command->value[i].text);
  }
  return vj_fail(VJ_USAGE, "\"%s\": expected an option%s; %s takes no arguments", word, or_setting, verb->name);
}

static vj_status take_another(const reader *r, const char *word, vj_text_list *texts) {
  const char **at = (const char **)texts->at;
  if (!vj_pool_grow(r->command->pool, &at, texts->count, sizeof *at))
    return vj_fail(VJ_MEMORY, "no memory for the command line");
  at[texts->count++] = word;
  texts->at = at;
  return VJ_OK;
}

static vj_status take_argument(reader *r, const char *word) {
  const vj_verb *verb = r->command->verb;
  if (strchr(word, '=') && has_settings(verb)) {
    r->settings[r->command->settings.count++] = word;
    return VJ_OK;
  }
  for (; r->next < verb->row_count; r->next++) {
    const vj_verb_row *row = &verb->rows[r->next];
    if (vj_row_is_option(row) || row->type == VJ_VALUE_SETTING || !fits(row, word)) continue;
    vj_row_value *into = &r->command->value[r->next];
    into->given = true;
    if (row->several) return take_another(r, word, &into->texts);
    r->next++;
    return read_value(r->command->pool, row, word, into);
  }
  return too_many(r, word);
}

/* Defaults of what was not given; what has to be given, is. */
static vj_status complete(vj_command *command) {
  const vj_verb *verb = command->verb;
  for (size_t i = 0; i < verb->row_count; i++) {
    const vj_verb_row *row = &verb->rows[i];
    if (command->value[i].given) continue;
    command->value[i].count = row->type == VJ_VALUE_CHOICE ? -1 : 0;
    if (row->fallback) VJ_TRY(read_value(command->pool, row, row->fallback, &command->value[i]));
    if (vj_row_is_option(row) ? !row->required : row->optional) continue;
    const char *usage = vj_help_usage(command->pool, verb);
    return vj_fail(VJ_USAGE, "expected %s%s%s, %s; usage: %s", row->name, row->value ? " " : "",
                   row->value ? row->value : "", row->doc, usage ? usage : verb->name);
  }
  return VJ_OK;
}

vj_status vj_command_read(const vj_verb *verb, int count, char *const *words, vj_command *command) {
  *command = (vj_command){.verb = verb};
  VJ_TRY(vj_pool_create(&command->pool));
  reader r = {.command = command};
  command->value = vj_pool_take(command->pool, (verb->row_count + 1) * sizeof *command->value);
  r.settings = vj_pool_take(command->pool, ((size_t)count + 1) * sizeof *r.settings);
  if (!command->value || !r.settings) return vj_fail(VJ_MEMORY, "no memory for the command line");
  command->settings.at = r.settings;
  for (int i = 0, used; i < count; i += used) {
    used = 1;
    if (words[i][0] == '-')
      VJ_TRY(take_option_word(&r, words[i], i + 1 < count ? words[i + 1] : NULL, &used));
    else
      VJ_TRY(take_argument(&r, words[i]));
  }
  return complete(command);
}

void vj_command_free(vj_command *command) {
  if (command->pool) vj_pool_destroy(&command->pool);
}

/* --- asking ---------------------------------------------------------------------------------------------------- */

static const vj_row_value *find(const vj_command *command, const char *name, unsigned types) {
  const vj_verb *verb = command->verb;
  size_t i = 0;
  while (i < verb->row_count && strcmp(verb->rows[i].name, name) != 0) i++;
  if (i < verb->row_count && (types >> verb->rows[i].type & 1)) return &command->value[i];
  fprintf(stderr, "vjvcr: %s has no row %s of that type\n", verb->name, name);
  abort();
}

bool vj_command_has(const vj_command *command, const char *name) { return find(command, name, ~0U)->given; }

const char *vj_command_text(const vj_command *command, const char *name) {
  return find(command, name, ~(1U << VJ_VALUE_FLAG))->text;
}

vj_text_list vj_command_texts(const vj_command *command, const char *name) { return find(command, name, ~0U)->texts; }

int vj_command_choice(const vj_command *command, const char *name) {
  return (int)find(command, name, 1U << VJ_VALUE_CHOICE)->count;
}

int64_t vj_command_count(const vj_command *command, const char *name) {
  return find(command, name, 1U << VJ_VALUE_COUNT)->count;
}

double vj_command_number(const vj_command *command, const char *name) {
  return find(command, name, 1U << VJ_VALUE_NUMBER | 1U << VJ_VALUE_DURATION)->number;
}

vj_integer_list vj_command_counts(const vj_command *command, const char *name) {
  return find(command, name, 1U << VJ_VALUE_COUNTS)->counts;
}

vj_status vj_command_trial(const vj_command *command, const char *name, int64_t trials, int64_t *trial) {
  const char *text = find(command, name, 1U << VJ_VALUE_TRIAL)->text;
  char *end = NULL;
  *trial = text ? strtoll(text, &end, 10) : -1;
  if (text && end != text && !*end && *trial >= 0 && *trial < trials) return VJ_OK;
  return vj_fail(VJ_USAGE, "%s: expected a number from 0 to %lld, got \"%s\"", name, (long long)(trials - 1),
                 text ? text : "");
}
