#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/config/nodes.h"
#include "framework/config/yaml/yaml.h"

static bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("_./+-", c));
}

/* Deliberately narrow: words and numbers, alike in block and flow style. Everything else is put in quotes. */
static bool is_plain(const vj_yaml *scalar) {
  const char *text = scalar->text;
  if (scalar->quoted || !text[0] || strcmp(text, "-") == 0) return false;
  if (strncmp(text, "---", 3) == 0 || strncmp(text, "...", 3) == 0) return false;
  for (; *text; text++)
    if (!is_word_character(*text)) return false;
  return true;
}

/* Bytes of the UTF-8 character at `text` and its code point; a byte that starts none stands for itself. */
static int decode(const unsigned char *text, unsigned *point) {
  static const unsigned char first[] = {0xC0, 0xE0, 0xF0}, mask[] = {0xE0, 0xF0, 0xF8};
  *point = text[0];
  for (int more = 1; more <= 3; more++) {
    if ((text[0] & mask[more - 1]) != first[more - 1]) continue;
    unsigned value = text[0] & ~(unsigned)mask[more - 1];
    for (int i = 1; i <= more; i++) {
      if ((text[i] & 0xC0) != 0x80) return 1;
      value = value << 6 | (text[i] & 0x3F);
    }
    *point = value;
    return more + 1;
  }
  return 1;
}

/* Characters that YAML would fold, drop or refuse when they stand as they are. */
static bool must_escape(unsigned point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x2028 || point == 0x2029 || point == 0xFEFF ||
         point == 0xFFFE || point == 0xFFFF;
}

static void print_quoted(FILE *out, const char *text) {
  fputc('"', out);
  for (const unsigned char *at = (const unsigned char *)text; *at;) {
    unsigned point;
    const int bytes = decode(at, &point);
    if (point == '"' || point == '\\')
      fprintf(out, "\\%c", (int)point);
    else if (point == '\n' || point == '\t')
      fputs(point == '\n' ? "\\n" : "\\t", out);
    else if (must_escape(point))
      fprintf(out, point < 0x100 ? "\\x%02X" : "\\u%04X", point);
    else
      fwrite(at, 1, (size_t)bytes, out);
    at += bytes;
  }
  fputc('"', out);
}

static void print_scalar(FILE *out, const vj_yaml *scalar) {
  if (is_plain(scalar))
    fputs(scalar->text, out);
  else
    print_quoted(out, scalar->text);
}

static bool is_flow(const vj_yaml *node) {
  if (node->kind == VJ_YAML_SCALAR || node->count == 0) return true;
  if (node->kind == VJ_YAML_MAP) return false;
  for (int64_t i = 0; i < node->count; i++)
    if (node->items[i]->kind != VJ_YAML_SCALAR) return false;
  return true;
}

static void print_flow(FILE *out, const vj_yaml *node) {
  if (node->kind == VJ_YAML_SCALAR) {
    print_scalar(out, node);
    return;
  }
  fputc(node->kind == VJ_YAML_MAP ? '{' : '[', out);
  for (int64_t i = 0; i < node->count; i++) {
    if (i) fputs(", ", out);
    if (node->kind == VJ_YAML_MAP) {
      print_scalar(out, node->keys[i]);
      fputs(": ", out);
    }
    print_flow(out, node->items[i]);
  }
  fputc(node->kind == VJ_YAML_MAP ? '}' : ']', out);
}

/* A map or list in block style. `begun`: the first line already stands behind its indent. */
static void print_block(FILE *out, const vj_yaml *node, int indent, bool begun) {
  for (int64_t i = 0; i < node->count; i++) {
    const vj_yaml *item = node->items[i];
    for (int k = 0; k < indent && (i || !begun); k++) fputc(' ', out);
    if (node->kind == VJ_YAML_MAP) {
      print_scalar(out, node->keys[i]);
      fputc(':', out);
    } else {
      fputc('-', out);
    }
    if (is_flow(item)) {
      fputc(' ', out);
      print_flow(out, item);
      fputc('\n', out);
    } else if (node->kind == VJ_YAML_LIST) {
      fputc(' ', out);
      print_block(out, item, indent + 2, true);
    } else {
      fputc('\n', out);
      print_block(out, item, indent + 2, false);
    }
  }
}

static const char *print(vj_pool *pool, const vj_yaml *node, bool one_line) {
  char *bytes = NULL;
  size_t length = 0;
  FILE *out = open_memstream(&bytes, &length);
  if (!out) return NULL;
  if (one_line || is_flow(node)) {
    print_flow(out, node);
    if (!one_line) fputc('\n', out);
  } else {
    print_block(out, node, 0, false);
  }
  const bool complete = !ferror(out);
  const char *text = fclose(out) == 0 && complete ? vj_pool_text(pool, bytes) : NULL;
  free(bytes);
  return text;
}

const char *vj_yaml_print(vj_pool *pool, const vj_yaml *node) { return print(pool, node, false); }
const char *vj_yaml_print_line(vj_pool *pool, const vj_yaml *node) { return print(pool, node, true); }

const char *vj_yaml_value_text(vj_pool *pool, const vj_yaml *value) {
  if (value->kind == VJ_YAML_SCALAR) return value->text;
  const char *text = vj_yaml_print_line(pool, value);
  return text ? text : "";
}
