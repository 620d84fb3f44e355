#include "table.h"

#include <stdarg.h>
#include <string.h>

enum { COLUMNS = 32, CELL_BYTES = 1024 };

struct vj_table {
  vj_pool *pool;
  int columns, cells, capacity;
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

void vj_table_column(vj_table *table, const char *heading, bool is_number) {
  if (table->columns == COLUMNS) return;
  table->headings[table->columns] = vj_pool_text(table->pool, heading);
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
    if (table->cells) memcpy(fresh, table->cell, (size_t)table->cells * sizeof *fresh);
    table->cell = fresh;
  }
  table->cell[table->cells++] = vj_pool_text(table->pool, text);
}

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
static int width_of(const char *text) {
  int width = 0;
  for (; *text; text++) width += ((unsigned char)*text & 0xc0) != 0x80;
  return width;
}

static void print_row(const vj_table *table, char *const *row, const int *widths, FILE *to) {
  for (int c = 0; c < table->columns; c++) {
    const int blank = widths[c] - width_of(row[c]);
    const bool last = c + 1 == table->columns;
    if (table->numeric[c])
      fprintf(to, "%*s%s", blank, "", row[c]);
    else
      fprintf(to, "%s%*s", row[c], last ? 0 : blank, "");
    fputs(last ? "\n" : "  ", to);
  }
}

static int find_widths(const vj_table *table, int *widths) {
  int whole = 2 * (table->columns - 1);
  for (int c = 0; c < table->columns; c++) widths[c] = width_of(table->headings[c]);
  for (int i = 0; i < table->cells; i++)
    if (width_of(table->cell[i]) > widths[i % table->columns]) widths[i % table->columns] = width_of(table->cell[i]);
  for (int c = 0; c < table->columns; c++) whole += widths[c];
  return whole;
}

int vj_table_width(const vj_table *table) {
  int widths[COLUMNS];
  return find_widths(table, widths);
}

void vj_table_print(const vj_table *table, FILE *to) {
  int widths[COLUMNS];
  const int whole = find_widths(table, widths);
  print_row(table, table->headings, widths, to);
  for (int i = 0; i < whole; i++) fputc('-', to);
  fputc('\n', to);
  for (int i = 0; i + table->columns <= table->cells; i += table->columns)
    print_row(table, table->cell + i, widths, to);
}
