#include "table.h"

#include <stdarg.h>
#include <string.h>

enum { COLUMNS = 32, CELL_BYTES = 1024 };

struct vj_table {
  vj_pool *pool;
  int columns, cells, capacity;
  int rule; /* cells above it; 0: none */
  char *headings[COLUMNS];
  bool numeric[COLUMNS];
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

void vj_table_cell(vj_table *table, const char *format, ...) {
  char text[CELL_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (table->cells == table->capacity) {
    table->capacity = table->capacity ? 2 * table->capacity : 256;
    char **fresh = vj_pool_take(table->pool, (size_t)table->capacity * sizeof *fresh);
    if (!fresh) { /* what stands there stays; what comes is left out */
      table->capacity = table->cells;
      return;
    }
    if (table->cells) memcpy(fresh, table->cell, (size_t)table->cells * sizeof *fresh);
    table->cell = fresh;
  }
  table->cell[table->cells++] = text_or_mark(table, text);
}

void vj_table_rule(vj_table *table) { table->rule = table->cells; }

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
static int width_of(const char *text) {
  int width = 0;
  for (; *text; text++) width += ((unsigned char)*text & 0xc0) != 0x80;
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

static void print_row(const vj_table *table, char *const *row, const extent *extents, bool is_heading, FILE *to) {
  for (int c = 0; c < table->columns; c++) {
    const int blank = extents[c].whole - width_of(row[c]);
    int behind = table->numeric[c] ? 0 : blank;
    if (table->numeric[c] && !is_heading) behind = extents[c].tail - width_of(tail_of(row[c]));
    const bool last = c + 1 == table->columns;
    fprintf(to, "%*s%s%*s%s", blank - behind, "", row[c], last ? 0 : behind, "", last ? "\n" : "  ");
  }
}

static int find_extents(const vj_table *table, extent *extents) {
  int whole = 2 * (table->columns - 1), number[COLUMNS] = {0};
  for (int c = 0; c < table->columns; c++) extents[c] = (extent){.whole = width_of(table->headings[c])};
  for (int i = 0; i < table->cells; i++) {
    const int c = i % table->columns, width = width_of(table->cell[i]);
    const int tail = table->numeric[c] ? width_of(tail_of(table->cell[i])) : 0;
    if (width - tail > number[c]) number[c] = width - tail;
    if (tail > extents[c].tail) extents[c].tail = tail;
  }
  for (int c = 0; c < table->columns; c++) {
    if (number[c] + extents[c].tail > extents[c].whole) extents[c].whole = number[c] + extents[c].tail;
    whole += extents[c].whole;
  }
  return whole;
}

int vj_table_width(const vj_table *table) {
  extent extents[COLUMNS];
  return find_extents(table, extents);
}

static void print_rule(int width, FILE *to) {
  for (int i = 0; i < width; i++) fputc('-', to);
  fputc('\n', to);
}

void vj_table_print(const vj_table *table, FILE *to) {
  extent extents[COLUMNS];
  const int whole = find_extents(table, extents);
  print_row(table, table->headings, extents, true, to);
  print_rule(whole, to);
  for (int i = 0; i + table->columns <= table->cells; i += table->columns) {
    if (i && i == table->rule) print_rule(whole, to);
    print_row(table, table->cell + i, extents, false, to);
  }
}
