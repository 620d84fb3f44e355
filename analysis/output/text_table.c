#include "analysis/output/text_table.h"

#include <stdarg.h>
#include <string.h>

#include "analysis/output/terminal.h"

enum { COLUMNS = 64, CELL_BYTES = 4096, NARROWEST = 32 /* characters that wrapped words keep */ };

struct vj_table {
  vj_pool *pool;
  int columns, cells;
  int rule; /* cells above it; 0: none */
  char *headings[COLUMNS];
  bool numeric[COLUMNS];
  int dispensable[COLUMNS]; /* its rank; 0: it is not */
  char **cell;
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

/* A mark where there is no memory for a text. */
static char *text_or_mark(const vj_table *table, const char *text) {
  static char mark[] = "?";
  char *copy = vj_pool_text(table->pool, text);
  return copy ? copy : mark;
}

void vj_table_column(vj_table *table, const char *heading, bool is_number) {
  if (table->columns == COLUMNS) return;
  table->headings[table->columns] = text_or_mark(table, heading);
  table->numeric[table->columns++] = is_number;
}

void vj_table_dispensable(vj_table *table, int rank) {
  if (table->columns) table->dispensable[table->columns - 1] = rank;
}

void vj_table_cell(vj_table *table, const char *format, ...) {
  char text[CELL_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (!vj_pool_grow(table->pool, &table->cell, table->cells, sizeof *table->cell))
    return; /* what stands there stays; what comes is left out */
  table->cell[table->cells++] = text_or_mark(table, text);
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

/* Characters of a column, and of the longest tail in it. */
typedef struct extent {
  int whole, tail;
} extent;

typedef struct layout {
  extent extents[COLUMNS];
  bool hidden[COLUMNS];
  int whole; /* characters of a line */
} layout;

static void find_extents(const vj_table *table, layout *l) {
  int number[COLUMNS] = {0}, shown = 0;
  for (int c = 0; c < table->columns; c++) l->extents[c] = (extent){.whole = width_of(table->headings[c])};
  for (int i = 0; i < table->cells; i++) {
    const int c = i % table->columns, width = width_of(table->cell[i]);
    const int tail = table->numeric[c] ? width_of(tail_of(table->cell[i])) : 0;
    if (width - tail > number[c]) number[c] = width - tail;
    if (tail > l->extents[c].tail) l->extents[c].tail = tail;
  }
  l->whole = 0;
  for (int c = 0; c < table->columns; c++) {
    if (l->hidden[c]) continue;
    if (number[c] + l->extents[c].tail > l->extents[c].whole) l->extents[c].whole = number[c] + l->extents[c].tail;
    l->whole += l->extents[c].whole + (shown++ ? 2 : 0);
  }
}

/* Takes what is too much from the widest column of words, down to the narrowest. */
static void narrow_words(const vj_table *table, int columns, layout *l) {
  while (l->whole > columns) {
    int widest = -1;
    for (int c = 0; c < table->columns; c++) {
      const int least = width_of(table->headings[c]) > NARROWEST ? width_of(table->headings[c]) : NARROWEST;
      if (l->hidden[c] || table->numeric[c] || l->extents[c].whole <= least) continue;
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
    if (!l->hidden[c] && table->dispensable[c] && (next < 0 || table->dispensable[c] >= table->dispensable[next]))
      next = c;
  return next;
}

static layout fit(const vj_table *table, int columns) {
  layout l = {0};
  find_extents(table, &l);
  if (columns <= 0) return l;
  narrow_words(table, columns, &l);
  for (int c; l.whole > columns && (c = next_to_hide(table, &l)) >= 0;) {
    l.hidden[c] = true;
    find_extents(table, &l);
    narrow_words(table, columns, &l);
  }
  return l;
}

int vj_table_width(const vj_table *table) { return fit(table, 0).whole; }

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

/* Several lines where words are wrapped. */
static void print_row(const vj_table *table, char *const *row, const layout *l, bool is_heading, FILE *to) {
  const char *rest[COLUMNS];
  bool more = true;
  for (int c = 0; c < table->columns; c++) rest[c] = row[c];
  while (more) {
    int due = 0;
    more = false;
    for (int c = 0; c < table->columns; c++) {
      if (l->hidden[c]) continue;
      const int bytes = line_bytes(rest[c], l->extents[c].whole),
                blank = l->extents[c].whole - width_of_bytes(rest[c], bytes);
      int behind = table->numeric[c] ? 0 : blank;
      if (table->numeric[c] && !is_heading && *rest[c]) behind = l->extents[c].tail - width_of(tail_of(rest[c]));
      due += blank - behind;
      put(rest[c], bytes, &due, to);
      due += behind + 2;
      rest[c] += bytes;
      while (*rest[c] == ' ') rest[c]++;
      more = more || *rest[c];
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
    if (!l->hidden[c]) continue;
    fprintf(to, "%s%s", before, table->headings[c]);
    before = ", ";
  }
  if (before[0] == ',') fputc('\n', to);
}

static void print_text(const vj_table *table, FILE *to) {
  const layout l = fit(table, vj_terminal_columns());
  print_row(table, table->headings, &l, true, to);
  print_rule(l.whole, to);
  for (int i = 0; i + table->columns <= table->cells; i += table->columns) {
    if (i && i == table->rule) print_rule(l.whole, to);
    print_row(table, table->cell + i, &l, false, to);
  }
  print_hidden(table, &l, to);
}

/* --- Markdown -------------------------------------------------------------------------------------------------- */

static void put_markdown(char *const *row, int columns, FILE *to) {
  for (int c = 0; c < columns; c++) {
    fputs("| ", to);
    for (const char *at = row[c]; *at; at++) {
      if (strchr("|*_<\\`", *at)) fputc('\\', to);
      fputc(*at == '\n' ? ' ' : *at, to);
    }
    fputc(' ', to);
  }
  fputs("|\n", to);
}

static void print_markdown(const vj_table *table, FILE *to) {
  put_markdown(table->headings, table->columns, to);
  for (int c = 0; c < table->columns; c++) fputs(table->numeric[c] ? "|---:" : "|---", to);
  fputs("|\n", to);
  for (int i = 0; i + table->columns <= table->cells; i += table->columns)
    put_markdown(table->cell + i, table->columns, to);
}

void vj_table_end(vj_table **table, vj_format format, FILE *to) {
  format == VJ_FORMAT_MARKDOWN ? print_markdown(*table, to) : print_text(*table, to);
  vj_table_destroy(table);
}
