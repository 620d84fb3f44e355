/* A seal is made and read. Behind a compressed copy stand 48 bytes, all numbers little-endian:
 *
 *   "vjvcrSL1", then in 8 bytes each: of the compressed copy, uncompressed, of the table in it, of the whole file;
 *   the CRC-32 of the compressed copy, and that of these 44 bytes
 *
 * Uncompressed there is a table, a line for each recorded variable: place, rows, bytes of a row, type, the variable
 * with its checksums or "-", name. The structure follows. */
#define _GNU_SOURCE /* qsort_r() */
#include "framework/store/sweep_file/seal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "framework/store/sweep_file/sweep_file_private.h"
#include "vj/bytes.h"

static const char magic[] = "vjvcrSL1";
enum { MAGIC_BYTES = 8, COPY_AT = 8, PLAIN_AT = 16, TABLE_AT = 24, FILE_AT = 32, COPY_CRC_AT = 40, CRC_AT = 44 };
enum { FOOT_BYTES = 48, LINE_BYTES = 2304, NAME_BYTES = 1024 };

typedef struct foot {
  int64_t copy_bytes, plain_bytes, table_bytes, file_bytes;
  uint32_t crc;
} foot;

static vj_status no_memory(const char *path) { return vj_fail(VJ_MEMORY, "%s: no memory for its seal", path); }

static uint32_t crc_of(const unsigned char *bytes, int64_t count) {
  return (uint32_t)crc32_z(0, bytes, (z_size_t)count);
}

static vj_status begin(const char *path, vj_seal **seal) {
  vj_pool *pool = NULL;
  *seal = NULL;
  VJ_TRY(vj_pool_create(&pool));
  *seal = vj_pool_take(pool, sizeof **seal);
  if (*seal)
    (*seal)->pool = pool;
  else
    vj_pool_destroy(&pool);
  return *seal ? VJ_OK : no_memory(path);
}

void vj_seal_free(vj_seal **seal) {
  vj_pool *pool = *seal ? (*seal)->pool : NULL;
  if (pool) vj_pool_destroy(&pool);
  *seal = NULL;
}

/* --- the table --------------------------------------------------------------------------------------------------- */

static int by_place(const void *one, const void *other) {
  const vj_sealed_variable *a = one, *b = other;
  return (a->place > b->place) - (a->place < b->place);
}

static int by_name(const void *one, const void *other, void *variables) {
  const vj_sealed_variable *all = variables;
  return strcmp(all[*(const int *)one].name, all[*(const int *)other].name);
}

/* The variables are there; what follows from them. */
static vj_status finish_table(const char *path, vj_seal *seal) {
  seal->by_name = vj_pool_take(seal->pool, ((size_t)seal->variable_count + 1) * sizeof *seal->by_name);
  if (!seal->by_name) return no_memory(path);
  qsort(seal->variables, (size_t)seal->variable_count, sizeof *seal->variables, by_place);
  for (int v = 0; v < seal->variable_count; v++) {
    seal->by_name[v] = v;
    seal->variables[v].checksum = vj_seal_find(seal, seal->variables[v].checksum_name);
  }
  qsort_r(seal->by_name, (size_t)seal->variable_count, sizeof *seal->by_name, by_name, seal->variables);
  seal->structure_bytes = 0;
  for (int i = 0; i <= seal->variable_count; i++) {
    int64_t first, count;
    vj_seal_piece(seal, i, &first, &count);
    if (count < 0) return vj_fail(VJ_INTERNAL, "%s: its variables lie one over the other", path);
    seal->structure_bytes += count;
  }
  return VJ_OK;
}

static vj_status take_layout(const char *path, const vj_file_layout *layout, const off_t *places, vj_seal *seal) {
  seal->variables = vj_pool_take(seal->pool, ((size_t)layout->variable_count + 1) * sizeof *seal->variables);
  if (!seal->variables) return no_memory(path);
  for (int64_t i = 0; i < layout->variable_count; i++) {
    const vj_file_variable *v = &layout->variables[i];
    if (v->is_fixed) continue;
    int64_t row_bytes = vj_sweep_file_value_bytes(v->type, v->text_bytes);
    for (int d = 1; d < v->rank; d++) row_bytes *= layout->dimensions[v->dimension[d]].size;
    seal->variables[seal->variable_count++] =
        (vj_sealed_variable){.name = v->name,
                             .type = v->type,
                             .place = (int64_t)places[i],
                             .rows = v->rank ? layout->dimensions[v->dimension[0]].size : 1,
                             .row_bytes = row_bytes,
                             .checksum_name = v->checksum ? v->checksum : "-"};
  }
  return finish_table(path, seal);
}

static char *print_table(const vj_seal *seal) {
  char *text = vj_pool_take(seal->pool, (size_t)seal->variable_count * LINE_BYTES + 1), *at = text;
  for (int i = 0; text && i < seal->variable_count; i++) {
    const vj_sealed_variable *v = &seal->variables[i];
    const int used = snprintf(at, LINE_BYTES, "%" PRId64 " %" PRId64 " %" PRId64 " %d %s %s\n", v->place, v->rows,
                              v->row_bytes, (int)v->type, v->checksum_name, v->name);
    if (used >= LINE_BYTES) return NULL;
    at += used;
  }
  return text;
}

/* Whether all rows lie before the seal. */
static bool has_room(const vj_sealed_variable *v, int64_t end) {
  return v->place >= 0 && v->rows > 0 && v->row_bytes > 0 && v->place <= end &&
         v->rows <= (end - v->place) / v->row_bytes;
}

/* Its checksum fits, so it is what was printed, by whomever. */
static vj_status read_table(const char *path, const char *text, vj_seal *seal) {
  int lines = 0;
  for (const char *at = text; *at; at++) lines += *at == '\n';
  seal->variables = vj_pool_take(seal->pool, ((size_t)lines + 1) * sizeof *seal->variables);
  if (!seal->variables) return no_memory(path);
  for (const char *line = text, *end; *line; line = end + 1) {
    char checksum[NAME_BYTES], name[NAME_BYTES];
    vj_sealed_variable *v = &seal->variables[seal->variable_count++];
    int type;
    end = strchr(line, '\n');
    if (!end ||
        sscanf(line, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %d %1023s %1023s", &v->place, &v->rows, &v->row_bytes, &type,
               checksum, name) != 6 ||
        !has_room(v, seal->end))
      return vj_fail(VJ_DATA, "%s: its seal is in no form that this program knows", path);
    v->type = (vj_file_type)type;
    v->name = vj_pool_text(seal->pool, name);
    v->checksum_name = vj_pool_text(seal->pool, checksum);
    if (!v->name || !v->checksum_name) return no_memory(path);
  }
  return finish_table(path, seal);
}

/* --- making ------------------------------------------------------------------------------------------------------ */

/* The superblock is of version 0, as HDF5 writes it unless it is asked for another. */
static vj_status check_superblock(const char *path, const vj_seal *seal) {
  enum { VERSION_AT = 8 };
  const unsigned char *start = seal->structure;
  int64_t first, count;
  vj_seal_piece(seal, 0, &first, &count);
  if (count >= VJ_SEAL_END_AT + VJ_SEAL_END_BYTES && start[VERSION_AT] == 0 &&
      vj_get_little(start + VJ_SEAL_END_AT, VJ_SEAL_END_BYTES) == (uint64_t)seal->end)
    return VJ_OK;
  return vj_fail(VJ_INTERNAL, "%s: this HDF5 library begins its files in a form that vjvcr does not know", path);
}

static vj_status copy_structure(const char *path, int descriptor, vj_seal *seal) {
  seal->structure = vj_pool_take(seal->pool, (size_t)seal->structure_bytes + 1);
  if (!seal->structure) return no_memory(path);
  unsigned char *to = seal->structure;
  for (int i = 0; i <= seal->variable_count; i++) {
    int64_t first, count;
    vj_seal_piece(seal, i, &first, &count);
    VJ_TRY(vj_seal_read_bytes(path, descriptor, to, count, first));
    to += count;
  }
  VJ_TRY(check_superblock(path, seal));
  memset(seal->structure + VJ_SEAL_END_AT, 0, VJ_SEAL_END_BYTES);
  return VJ_OK;
}

static void put_foot(unsigned char *at, const foot *f) {
  memcpy(at, magic, MAGIC_BYTES);
  vj_put_little(at + COPY_AT, (uint64_t)f->copy_bytes, 8);
  vj_put_little(at + PLAIN_AT, (uint64_t)f->plain_bytes, 8);
  vj_put_little(at + TABLE_AT, (uint64_t)f->table_bytes, 8);
  vj_put_little(at + FILE_AT, (uint64_t)f->file_bytes, 8);
  vj_put_little(at + COPY_CRC_AT, f->crc, 4);
  vj_put_little(at + CRC_AT, crc_of(at, CRC_AT), 4);
}

static vj_status compress_copy(const char *path, vj_seal *seal) {
  const char *table = print_table(seal);
  if (!table) return no_memory(path);
  foot f = {.table_bytes = (int64_t)strlen(table)};
  f.plain_bytes = f.table_bytes + seal->structure_bytes;
  unsigned char *plain = vj_pool_take(seal->pool, (size_t)f.plain_bytes + 1);
  uLongf bytes = compressBound((uLong)f.plain_bytes);
  seal->copy = vj_pool_take(seal->pool, bytes + FOOT_BYTES);
  if (!plain || !seal->copy) return no_memory(path);
  memcpy(plain, table, (size_t)f.table_bytes);
  memcpy(plain + f.table_bytes, seal->structure, (size_t)seal->structure_bytes);
  if (compress2(seal->copy, &bytes, plain, (uLong)f.plain_bytes, Z_DEFAULT_COMPRESSION) != Z_OK) return no_memory(path);
  f.copy_bytes = (int64_t)bytes;
  f.crc = crc_of(seal->copy, f.copy_bytes);
  seal->copy_bytes = f.copy_bytes + FOOT_BYTES;
  seal->file_bytes = f.file_bytes = seal->end + VJ_SEAL_COPIES * seal->copy_bytes;
  put_foot(seal->copy + f.copy_bytes, &f);
  return VJ_OK;
}

vj_status vj_seal_make(const char *path, int descriptor, const vj_file_layout *layout, const off_t *places,
                       vj_seal **seal) {
  struct stat about;
  VJ_TRY(begin(path, seal));
  if (fstat(descriptor, &about) != 0) return vj_fail(VJ_IO, "%s: can't be examined: %s", path, strerror(errno));
  (*seal)->end = (int64_t)about.st_size;
  VJ_TRY(take_layout(path, layout, places, *seal));
  VJ_TRY(copy_structure(path, descriptor, *seal));
  return compress_copy(path, *seal);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static bool read_foot(const unsigned char *at, foot *f) {
  if (memcmp(at, magic, MAGIC_BYTES) != 0 || vj_get_little(at + CRC_AT, 4) != crc_of(at, CRC_AT)) return false;
  *f = (foot){.copy_bytes = (int64_t)vj_get_little(at + COPY_AT, 8),
              .plain_bytes = (int64_t)vj_get_little(at + PLAIN_AT, 8),
              .table_bytes = (int64_t)vj_get_little(at + TABLE_AT, 8),
              .file_bytes = (int64_t)vj_get_little(at + FILE_AT, 8),
              .crc = (uint32_t)vj_get_little(at + COPY_CRC_AT, 4)};
  return f->copy_bytes > 0 && f->table_bytes >= 0 && f->table_bytes <= f->plain_bytes &&
         f->copy_bytes <= f->file_bytes / VJ_SEAL_COPIES - FOOT_BYTES;
}

/* The copy that ends in a foot, which is known to be whole. *seal stays NULL where the copy is not. */
static vj_status read_copy(const char *path, int descriptor, int64_t foot_at, const foot *f, vj_seal **seal) {
  vj_seal *fresh = NULL;
  if (foot_at < f->copy_bytes) return VJ_OK;
  VJ_TRY(begin(path, &fresh));
  fresh->copy_bytes = f->copy_bytes + FOOT_BYTES;
  fresh->file_bytes = f->file_bytes;
  fresh->end = f->file_bytes - VJ_SEAL_COPIES * fresh->copy_bytes;
  fresh->copy = vj_pool_take(fresh->pool, (size_t)fresh->copy_bytes);
  unsigned char *plain = vj_pool_take(fresh->pool, (size_t)f->plain_bytes + 1);
  char *table = vj_pool_take(fresh->pool, (size_t)f->table_bytes + 1);
  uLongf bytes = (uLongf)f->plain_bytes;
  vj_status status = fresh->copy && plain && table ? VJ_OK : no_memory(path);
  if (status == VJ_OK)
    status = vj_seal_read_bytes(path, descriptor, fresh->copy, fresh->copy_bytes, foot_at - f->copy_bytes);
  const bool fits = status == VJ_OK && crc_of(fresh->copy, f->copy_bytes) == f->crc &&
                    uncompress(plain, &bytes, fresh->copy, (uLong)f->copy_bytes) == Z_OK &&
                    bytes == (uLongf)f->plain_bytes;
  if (fits) {
    memcpy(table, plain, (size_t)f->table_bytes);
    fresh->structure = plain + f->table_bytes;
    status = read_table(path, table, fresh);
    if (status == VJ_OK && fresh->structure_bytes != f->plain_bytes - f->table_bytes)
      status = vj_fail(VJ_DATA, "%s: its seal is in no form that this program knows", path);
  }
  if (fits && status == VJ_OK)
    *seal = fresh;
  else
    vj_seal_free(&fresh);
  return status;
}

/* The seal whose foot stands there. */
static vj_status read_at(const char *path, int descriptor, int64_t foot_at, int64_t *copy_bytes, vj_seal **seal) {
  unsigned char bytes[FOOT_BYTES];
  foot f;
  *copy_bytes = 0;
  if (foot_at < 0) return VJ_OK;
  VJ_TRY(vj_seal_read_bytes(path, descriptor, bytes, FOOT_BYTES, foot_at));
  if (!read_foot(bytes, &f)) return VJ_OK;
  *copy_bytes = f.copy_bytes + FOOT_BYTES;
  return read_copy(path, descriptor, foot_at, &f, seal);
}

/* Somewhere in a file, from its end on. */
static vj_status look_for(const char *path, int descriptor, int64_t size, vj_seal **seal) {
  enum { BLOCK = 1 << 20 };
  unsigned char *block = NULL;
  vj_status status = VJ_OK;
  VJ_TRY(vj_allocate(BLOCK + MAGIC_BYTES, 1, "looking for a seal", &block));
  for (int64_t end = size; end > 0 && status == VJ_OK && !*seal; end -= BLOCK) {
    const int64_t from = end > BLOCK ? end - BLOCK : 0;
    status = vj_seal_read_bytes(path, descriptor, block, end - from + MAGIC_BYTES, from);
    for (int64_t i = end - from - 1; i >= 0 && status == VJ_OK && !*seal; i--) {
      int64_t copy_bytes;
      if (block[i] == (unsigned char)magic[0] && memcmp(block + i, magic, MAGIC_BYTES) == 0)
        status = read_at(path, descriptor, from + i, &copy_bytes, seal);
    }
  }
  free(block);
  return status;
}

static vj_status count_copies(const char *path, int descriptor, const vj_seal *seal, int *copies) {
  unsigned char *there = vj_pool_take(seal->pool, (size_t)seal->copy_bytes);
  if (!there) return no_memory(path);
  *copies = 0;
  for (int i = 0; i < VJ_SEAL_COPIES; i++) {
    VJ_TRY(vj_seal_read_bytes(path, descriptor, there, seal->copy_bytes, seal->end + i * seal->copy_bytes));
    *copies += memcmp(there, seal->copy, (size_t)seal->copy_bytes) == 0;
  }
  return VJ_OK;
}

static vj_status find(const char *path, int descriptor, bool all, vj_seal **seal, int *copies) {
  struct stat about;
  int64_t copy_bytes, other;
  if (fstat(descriptor, &about) != 0) return vj_fail(VJ_IO, "%s: can't be examined: %s", path, strerror(errno));
  const int64_t size = (int64_t)about.st_size;
  VJ_TRY(read_at(path, descriptor, size - FOOT_BYTES, &copy_bytes, seal));
  if (!*seal && copy_bytes) VJ_TRY(read_at(path, descriptor, size - copy_bytes - FOOT_BYTES, &other, seal));
  if (!*seal && all) VJ_TRY(look_for(path, descriptor, size, seal));
  if (*seal && !all && (*seal)->file_bytes != size) vj_seal_free(seal);
  *copies = *seal ? 1 : 0;
  return *seal && all ? count_copies(path, descriptor, *seal, copies) : VJ_OK;
}

vj_status vj_seal_read(const char *path, int descriptor, bool all, vj_seal **seal, int *copies) {
  *seal = NULL;
  *copies = 0;
  const vj_status status = find(path, descriptor, all, seal, copies);
  if (status != VJ_OK) vj_seal_free(seal);
  return status;
}
