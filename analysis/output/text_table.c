#include "analysis/output/text_table.h"

#include <stdarg.h>
#include <string.h>

#include "analysis/output/terminal.h"

enum { NARROWEST = 32 /* characters that wrapped words keep */ };

typedef struct column {
  char *heading;
  bool numeric;
  int dispensable; /* its rank; 0: it is not */
} column;

struct vj_table {
  vj_pool *pool;
  int columns, cells;
  int rule; /* cells above it; 0: none */
  column *column;
  char **cell;
  bool failed; /* memory ran out: printing says so */
};

vj_status vj_table_create(vj_table **table) {
  vj_pool *pool = NULL;
  VJ_TRY(vj_pool_create(&pool));
  *table = vj_pool_take(pool, sizeof **table);
  if (!*table) return vj_fail(VJ_MEMORY, "no memory for a table");
  (*table)->pool = pool;
  return VJ_OK;
}

void vj_table_destroy(vj_table **table) {
  if (!*table) return;
  vj_pool *pool = (*table)->pool;
  vj_pool_destroy(&pool);
  *table = NULL;
}

void vj_table_column(vj_table *table, const char *heading, bool is_number) {
  char *copy = vj_pool_text(table->pool, heading);
  table->failed =
      table->failed || !copy || !vj_pool_grow(table->pool, &table->column, table->columns, sizeof *table->column);
  if (!table->failed) table->column[table->columns++] = (column){.heading = copy, .numeric = is_number};
}

void vj_table_dispensable(vj_table *table, int rank) {
  if (!table->failed && table->columns) table->column[table->columns - 1].dispensable = rank;
}

void vj_table_cell(vj_table *table, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  const int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  char *copy = length < 0 ? NULL : vj_pool_take(table->pool, (size_t)length + 1);
  if (copy) vsnprintf(copy, (size_t)length + 1, format, again);
  va_end(again);
  table->failed = table->failed || !copy || !vj_pool_grow(table->pool, &table->cell, table->cells, sizeof *table->cell);
  if (!table->failed) table->cell[table->cells++] = copy;
}

void vj_table_rule(vj_table *table) { table->rule = table->cells; }

/* --- widths ---------------------------------------------------------------------------------------------------- */

static bool begins_character(char byte) { return ((unsigned char)byte & 0xc0) != 0x80; }

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
static int width_of(const char *text) {
  int width = 0;
  for (; *text; text++) width += begins_character(*text);
  return width;
}

/* What stands behind a number: its spread, a mark. */
static const char *tail_of(const char *text) {
  while (*text && *text != '*' && strncmp(text, "±", strlen("±")) != 0) text++;
  return text;
}

/* How a column is shown: its characters, and those of the longest tail and of what stands before tails in it. */
typedef struct extent {
  int whole, tail, number;
  bool hidden;
} extent;

typedef struct layout {
  extent *extents;
  char **rest; /* of a row's cells: what is still to be printed */
  int whole;   /* characters of a line */
} layout;

static void find_extents(const vj_table *table, layout *l) {
  int shown = 0;
  for (int c = 0; c < table->columns; c++)
    l->extents[c] = (extent){.whole = width_of(table->column[c].heading), .hidden = l->extents[c].hidden};
  for (int i = 0; i < table->cells; i++) {
    extent *const e = &l->extents[i % table->columns];
    const int width = width_of(table->cell[i]);
    const int tail = table->column[i % table->columns].numeric ? width_of(tail_of(table->cell[i])) : 0;
    if (width - tail > e->number) e->number = width - tail;
    if (tail > e->tail) e->tail = tail;
  }
  l->whole = 0;
  for (int c = 0; c < table->columns; c++) {
    extent *const e = &l->extents[c];
    if (e->hidden) continue;
    if (e->number + e->tail > e->whole) e->whole = e->number + e->tail;
    l->whole += e->whole + (shown++ ? 2 : 0);
  }
}

/* Takes what is too much from the widest column of words, down to the narrowest. */
static void narrow_words(const vj_table *table, int columns, layout *l) {
  while (l->whole > columns) {
    int widest = -1;
    for (int c = 0; c < table->columns; c++) {
      const int heading = width_of(table->column[c].heading), least = heading > NARROWEST ? heading : NARROWEST;
      if (l->extents[c].hidden || table->column[c].numeric || l->extents[c].whole <= least) continue;
      if (widest < 0 || l->extents[c].whole > l->extents[widest].whole) widest = c;
    }
    if (widest < 0) return;
    l->extents[widest].whole--;
    l->whole--;
  }
}

/* -1: nothing can be left out any more. */
static int next_to_hide(const vj_table *table, const layout *l) {
  int next = -1;
  for (int c = 0; c < table->columns; c++)
    if (!l->extents[c].hidden && table->column[c].dispensable &&
        (next < 0 || table->column[c].dispensable >= table->column[next].dispensable))
      next = c;
  return next;
}

/* False: no memory. */
static bool fit(const vj_table *table, int columns, layout *l) {
  *l = (layout){.extents = vj_pool_take(table->pool, (size_t)table->columns * sizeof *l->extents),
                .rest = vj_pool_take(table->pool, (size_t)table->columns * sizeof *l->rest)};
  if (!l->extents || !l->rest) return false;
  find_extents(table, l);
  if (columns <= 0) return true;
  narrow_words(table, columns, l);
  for (int c; l->whole > columns && (c = next_to_hide(table, l)) >= 0;) {
    l->extents[c].hidden = true;
    find_extents(table, l);
    narrow_words(table, columns, l);
  }
  return true;
}

int vj_table_width(const vj_table *table) {
  layout l;
  return fit(table, 0, &l) ? l.whole : 0;
}

/* --- printing -------------------------------------------------------------------------------------------------- */

/* Bytes of the next line of a text that is wrapped to so many characters: up to a blank if there is one, else cut. */
static int line_bytes(const char *text, int width) {
  int bytes = 0, characters = 0, blank = -1;
  for (; text[bytes]; bytes++) {
    if (begins_character(text[bytes]) && characters++ == width)
      return text[bytes] == ' ' ? bytes : blank > 0 ? blank : bytes;
    if (text[bytes] == ' ') blank = bytes;
  }
  return bytes;
}

/* Blanks that are due before the next word, so that no line ends with them. */
static void put(const char *text, int bytes, int *due, FILE *to) {
  if (!bytes) return;
  fprintf(to, "%*s%.*s", *due, "", bytes, text);
  *due = 0;
}

static int width_of_bytes(const char *text, int bytes) {
  int width = 0;
  for (int i = 0; i < bytes; i++) width += begins_character(text[i]);
  return width;
}

/* Several lines where words are wrapped. `row`: its cells; NULL: the headings. */
static void print_row(const vj_table *table, char *const *row, const layout *l, FILE *to) {
  bool more = true;
  for (int c = 0; c < table->columns; c++) l->rest[c] = row ? row[c] : table->column[c].heading;
  while (more) {
    int due = 0;
    more = false;
    for (int c = 0; c < table->columns; c++) {
      const extent *const e = &l->extents[c];
      char **const rest = &l->rest[c];
      if (e->hidden) continue;
      const int bytes = line_bytes(*rest, e->whole), blank = e->whole - width_of_bytes(*rest, bytes);
      int behind = table->column[c].numeric ? 0 : blank;
      if (table->column[c].numeric && row && **rest) behind = e->tail - width_of(tail_of(*rest));
      due += blank - behind;
      put(*rest, bytes, &due, to);
      due += behind + 2;
      *rest += bytes;
      while (**rest == ' ') ++*rest;
      more = more || **rest;
    }
    fputc('\n', to);
  }
}

static void print_rule(int width, FILE *to) {
  for (int i = 0; i < width; i++) fputc('-', to);
  fputc('\n', to);
}

static void print_hidden(const vj_table *table, const layout *l, FILE *to) {
  const char *before = "no room for: ";
  for (int c = 0; c < table->columns; c++) {
    if (!l->extents[c].hidden) continue;
    fprintf(to, "%s%s", before, table->column[c].heading);
    before = ", ";
  }
  if (before[0] == ',') fputc('\n', to);
}

static void print_text(const vj_table *table, FILE *to) {
  layout l;
  if (table->failed || !fit(table, vj_terminal_columns(), &l)) {
    fputs("(no memory for this table)\n", to);
    return;
  }
  print_row(table, NULL, &l, to);
  print_rule(l.whole, to);
  for (int i = 0; i + table->columns <= table->cells; i += table->columns) {
    if (i && i == table->rule) print_rule(l.whole, to);
    print_row(table, table->cell + i, &l, to);
  }
  print_hidden(table, &l, to);
}

/* --- Markdown -------------------------------------------------------------------------------------------------- */

static void put_markdown(const char *text, FILE *to) {
  fputs("| ", to);
  for (const char *at = text; *at; at++) {
    if (strchr("|*_<\\`", *at)) fputc('\\', to);
    fputc(*at == '\n' ? ' ' : *at, to);
  }
  fputc(' ', to);
}

static void print_markdown(const vj_table *table, FILE *to) {
  for (int c = 0; c < table->columns; c++) put_markdown(table->column[c].heading, to);
  fputs("|\n", to);
  for (int c = 0; c < table->columns; c++) fputs(table->column[c].numeric ? "|---:" : "|---", to);
  fputs("|\n", to);
  for (int i = 0; i + table->columns <= table->cells; i += table->columns) {
    for (int c = 0; c < table->columns; c++) put_markdown(table->cell[i + c], to);
    fputs("|\n", to);
  }
}

void vj_table_end(vj_table **table, vj_format format, FILE *to) {
  format == VJ_FORMAT_MARKDOWN ? print_markdown(*table, to) : print_text(*table, to);
  vj_table_destroy(table);
}
