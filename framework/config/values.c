/* One value for one parameter row. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/config/nodes.h"

enum { WANTED_BYTES = 160 };

static const char *skip_digits(const char *text) {
  while (*text >= '0' && *text <= '9') text++;
  return text;
}

static const char *skip_sign(const char *text) { return *text == '-' || *text == '+' ? text + 1 : text; }

static bool is_integer_text(const char *text) {
  const char *digits = skip_sign(text), *end = skip_digits(digits);
  return end > digits && *end == '\0';
}

/* Stricter than strtod, which also takes "inf", hexadecimal and leading blanks. */
static bool is_real_text(const char *text) {
  const char *whole = skip_sign(text), *point = skip_digits(whole), *end = point;
  int64_t digits = point - whole;
  if (*point == '.') {
    end = skip_digits(point + 1);
    digits += end - (point + 1);
  }
  if (digits == 0) return false;
  if (*end == 'e' || *end == 'E') {
    const char *exponent = skip_sign(end + 1);
    end = skip_digits(exponent);
    if (end == exponent) return false;
  }
  return *end == '\0';
}

/* .inf and .nan, as YAML and as C write them, and numbers too large for a double. */
static bool is_not_finite(const char *text) {
  static const char *const words[] = {"inf", "Inf", "INF", "nan", "NaN", "NAN", "infinity"};
  if (is_real_text(text)) return !isfinite(strtod(text, NULL));
  text = skip_sign(text);
  if (*text == '.') text++;
  for (size_t i = 0; i < VJ_COUNT(words); i++)
    if (strcmp(text, words[i]) == 0) return true;
  return false;
}

/* "a number", ">= 0" -> "a number >= 0"; bounds that no number passes are left out. */
static const char *wanted(const vj_param *row, const char *noun, char text[WANTED_BYTES]) {
  char low[VJ_REAL_BYTES], high[VJ_REAL_BYTES];
  const bool has_low = row->minimum > -9e18, has_high = row->maximum < 9e18;
  vj_real_text(row->minimum, low);
  vj_real_text(row->maximum, high);
  if (has_low && has_high)
    snprintf(text, WANTED_BYTES, "%s between %s and %s", noun, low, high);
  else if (has_low || has_high)
    snprintf(text, WANTED_BYTES, "%s %s %s", noun, has_low ? ">=" : "<=", has_low ? low : high);
  else
    snprintf(text, WANTED_BYTES, "%s", noun);
  return text;
}

static vj_status fail_wanted(const vj_yaml *node, const char *path, const char *what) {
  char got[VJ_GOT_BYTES];
  const bool is_quoted = node->kind == VJ_YAML_SCALAR && node->quoted && strstr(what, "text") == NULL;
  return vj_fail_node(node, path, "expected %s, got %s%s", what, vj_node_got(node, got),
                      is_quoted && is_real_text(node->text) ? " as text; write it without quotes" : "");
}

static bool is_plain_scalar(const vj_yaml *node) { return node->kind == VJ_YAML_SCALAR && !node->quoted; }

static vj_status read_integer(const vj_param *row, const vj_yaml *node, const char *path, int64_t *integer) {
  char want[WANTED_BYTES];
  bool fits = is_plain_scalar(node) && is_integer_text(node->text);
  if (fits) {
    errno = 0;
    const long long number = strtoll(node->text, NULL, 10);
    *integer = number;
    fits = errno == 0 && (double)number >= row->minimum && (double)number <= row->maximum;
  }
  return fits ? VJ_OK : fail_wanted(node, path, wanted(row, "an integer", want));
}

static vj_status read_real(const vj_param *row, const vj_yaml *node, const char *path, double *real) {
  char want[WANTED_BYTES];
  if (is_plain_scalar(node) && is_not_finite(node->text)) return fail_wanted(node, path, "a finite number");
  bool fits = is_plain_scalar(node) && is_real_text(node->text);
  if (fits) {
    *real = strtod(node->text, NULL);
    fits = *real >= row->minimum && *real <= row->maximum;
  }
  return fits ? VJ_OK : fail_wanted(node, path, wanted(row, "a number", want));
}

static vj_status read_bool(const vj_yaml *node, const char *path, bool *truth) {
  *truth = is_plain_scalar(node) && strcmp(node->text, "true") == 0;
  if (!*truth && !(is_plain_scalar(node) && strcmp(node->text, "false") == 0))
    return fail_wanted(node, path, "true or false");
  return VJ_OK;
}

static vj_status read_text(vj_pool *pool, const vj_yaml *node, const char *path, const char **text) {
  if (node->kind != VJ_YAML_SCALAR) return fail_wanted(node, path, "a text");
  *text = vj_yaml_is_null(node) ? "" : vj_pool_text(pool, node->text);
  return *text ? VJ_OK : vj_fail(VJ_MEMORY, "%s: no memory for it", path);
}

static vj_status fail_choice(const vj_param *row, const vj_yaml *node, const char *path) {
  enum { CHOICES = 32, BYTES = 256 };
  char words[BYTES], list[BYTES] = "", got[VJ_GOT_BYTES], hint[VJ_SUGGESTION_BYTES] = "";
  const char *names[CHOICES];
  int64_t count = 0;
  size_t used = 0;
  snprintf(words, sizeof words, "%s", row->choices);
  for (char *word = words, *next; word && count < CHOICES; word = next) {
    next = strchr(word, '|');
    if (next) *next++ = '\0';
    names[count++] = word;
    if (used < sizeof list)
      used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", count > 1 ? ", " : "", word);
  }
  const bool is_word = node->kind == VJ_YAML_SCALAR && !vj_yaml_is_null(node);
  if (is_word && vj_closest(node->text, names, count)) vj_suggestion(node->text, "", names, count, hint);
  return vj_fail_node(node, path, "expected one of %s, got %s%s", list, vj_node_got(node, got), hint);
}

static vj_status read_choice(const vj_param *row, const vj_yaml *node, const char *path, int *choice) {
  *choice = 0;
  for (const char *word = row->choices; node->kind == VJ_YAML_SCALAR; (*choice)++) {
    const size_t length = strcspn(word, "|");
    if (strlen(node->text) == length && strncmp(word, node->text, length) == 0) return VJ_OK;
    if (word[length] == '\0') break;
    word += length + 1;
  }
  return fail_choice(row, node, path);
}

static vj_status read_item(vj_pool *pool, const vj_param *row, const vj_yaml *item, const char *path, int64_t i,
                           void *items) {
  switch (row->type) {
    case VJ_PARAM_INTEGER_LIST:
      return read_integer(row, item, path, (int64_t *)items + i);
    case VJ_PARAM_REAL_LIST:
      return read_real(row, item, path, (double *)items + i);
    default:
      if (vj_yaml_is_null(item)) return fail_wanted(item, path, "a text");
      return read_text(pool, item, path, (const char **)items + i);
  }
}

/* The three list structs differ only in what `at` points to. */
static void store_list(const vj_param *row, int64_t count, const void *items, void *field) {
  if (row->type == VJ_PARAM_INTEGER_LIST)
    *(vj_integer_list *)field = (vj_integer_list){count, items};
  else if (row->type == VJ_PARAM_REAL_LIST)
    *(vj_real_list *)field = (vj_real_list){count, items};
  else
    *(vj_text_list *)field = (vj_text_list){count, items};
}

static vj_status read_list(vj_pool *pool, const vj_param *row, const vj_yaml *node, const char *path, void *field) {
  const bool is_texts = row->type == VJ_PARAM_TEXT_LIST;
  const bool is_one = node->kind == VJ_YAML_SCALAR && !vj_yaml_is_null(node);
  if (node->kind != VJ_YAML_LIST && !is_one)
    return fail_wanted(node, path,
                       is_texts                             ? "a list of texts"
                       : row->type == VJ_PARAM_INTEGER_LIST ? "a list of integers"
                                                            : "a list of numbers");
  const int64_t count = is_one ? 1 : node->count;
  const size_t size = is_texts ? sizeof(const char *) : sizeof(int64_t);
  _Static_assert(sizeof(int64_t) == sizeof(double), "integers and reals take the same room");
  void *items = vj_pool_take(pool, (size_t)count * size);
  if (!items) return vj_fail(VJ_MEMORY, "%s: no memory for %lld items", path, (long long)count);
  for (int64_t i = 0; i < count; i++) {
    char item_path[512];
    snprintf(item_path, sizeof item_path, is_one ? "%s" : "%s[%lld]", path, (long long)i);
    VJ_TRY(read_item(pool, row, is_one ? node : node->items[i], item_path, i, items));
  }
  store_list(row, count, items, field);
  return VJ_OK;
}

vj_status vj_value_read(vj_pool *pool, const vj_param *row, const vj_yaml *node, const char *path, void *field) {
  switch (row->type) {
    case VJ_PARAM_INTEGER:
      return read_integer(row, node, path, field);
    case VJ_PARAM_REAL:
      return read_real(row, node, path, field);
    case VJ_PARAM_BOOL:
      return read_bool(node, path, field);
    case VJ_PARAM_TEXT:
      return read_text(pool, node, path, field);
    case VJ_PARAM_CHOICE:
      return read_choice(row, node, path, field);
    case VJ_PARAM_INTEGER_LIST:
    case VJ_PARAM_REAL_LIST:
    case VJ_PARAM_TEXT_LIST:
      return read_list(pool, row, node, path, field);
  }
  return vj_fail(VJ_INTERNAL, "%s: row \"%s\" has the unknown type %d", path, row->name, (int)row->type);
}

/* --- one spelling ------------------------------------------------------------------------------------------------ */

static const char *integer_text(vj_pool *pool, int64_t integer) { return vj_pool_format(pool, "%" PRId64, integer); }

static const char *number_text(vj_pool *pool, double number) {
  char text[VJ_REAL_BYTES];
  return vj_pool_text(pool, vj_real_text(number, text));
}

/* Items of a list as they are printed: quoted where they are texts, which may have commas. */
static const char *list_text(vj_pool *pool, const vj_param *row, const void *field) {
  const int64_t count = ((const vj_text_list *)field)->count;
  vj_yaml list = {.kind = VJ_YAML_LIST, .count = count, .items = vj_pool_take(pool, (size_t)count * sizeof(vj_yaml *))};
  for (int64_t i = 0; list.items && i < count; i++) {
    const char *text = row->type == VJ_PARAM_INTEGER_LIST ? integer_text(pool, ((const vj_integer_list *)field)->at[i])
                       : row->type == VJ_PARAM_REAL_LIST  ? number_text(pool, ((const vj_real_list *)field)->at[i])
                                                          : ((const vj_text_list *)field)->at[i];
    list.items[i] = text ? vj_yaml_scalar(pool, text, row->type == VJ_PARAM_TEXT_LIST, NULL) : NULL;
    if (!list.items[i]) return NULL;
  }
  return list.items ? vj_yaml_print_line(pool, &list) : NULL;
}

vj_status vj_value_note(vj_pool *pool, const vj_param *row, const void *field, vj_yaml *node) {
  switch (row->type) {
    case VJ_PARAM_INTEGER:
      node->meaning = integer_text(pool, *(const int64_t *)field);
      break;
    case VJ_PARAM_REAL:
      node->meaning = number_text(pool, *(const double *)field);
      break;
    case VJ_PARAM_TEXT:
      node->meaning = *(const char *const *)field;
      break;
    case VJ_PARAM_BOOL:
    case VJ_PARAM_CHOICE:
      node->meaning = node->text;
      break;
    case VJ_PARAM_INTEGER_LIST:
    case VJ_PARAM_REAL_LIST:
    case VJ_PARAM_TEXT_LIST:
      node->meaning = list_text(pool, row, field);
      break;
  }
  node->row = row;
  node->is_number = row->type == VJ_PARAM_INTEGER || row->type == VJ_PARAM_REAL ||
                    (node->kind == VJ_YAML_SCALAR && !vj_yaml_is_null(node) &&
                     (row->type == VJ_PARAM_INTEGER_LIST || row->type == VJ_PARAM_REAL_LIST));
  if (node->text && node->meaning && strcmp(node->text, node->meaning) == 0) node->meaning = node->text;
  return node->meaning ? VJ_OK : vj_fail(VJ_MEMORY, "%s: no memory for it", row->name);
}
