#include "datasets/tables/frame_values.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/tables/words.h"

static const char *const usual_videos[] = {"video", "file", "filename", "path"};
static const char *const usual_frames[] = {"frame", "frame_idx", "frame_number", "frames"};
static const char *const likelihoods[] = {"likelihood", "confidence", "score"};

typedef struct parsing {
  vj_delimited table;
  const vj_frame_columns *wanted;
  vj_pool *pool;
  const char **names; /* of all columns */
  int64_t name_count;
  int64_t video, frame;  /* columns; -1: none */
  int64_t columns;       /* that are read, */
  int64_t *value, *sure; /* where they and their likelihoods stand; -1: none */
  vj_frame_row *rows;
  float *values; /* [count, columns] */
  int64_t count, row_room;
  vj_words words;
} parsing;

static vj_status no_memory(const parsing *p) { return vj_fail(VJ_MEMORY, "%s: no memory for its rows", p->table.path); }

/* --- names of columns -------------------------------------------------------------------------------------------- */

static vj_status take_plain_names(parsing *p) {
  for (int64_t i = 0; i < p->name_count; i++) {
    p->names[i] = vj_pool_text(p->pool, p->table.fields[i]);
    if (!p->names[i]) return no_memory(p);
  }
  return VJ_OK;
}

/* One more row of DeepLabCut's header: a part of each column's name. */
static vj_status add_names(parsing *p) {
  for (int64_t i = 1; i < p->name_count; i++) {
    const char *const field = vj_delimited_field(&p->table, i);
    p->names[i] = vj_pool_format(p->pool, "%s%s%s", p->names[i], p->names[i][0] ? "." : "", field);
    if (!p->names[i]) return no_memory(p);
  }
  return VJ_OK;
}

/* scorer, maybe individuals, bodyparts, coords. */
static vj_status take_posed_names(parsing *p) {
  static const char *const parts[] = {"individuals", "bodyparts", "coords"};
  bool more;
  for (int64_t i = 0; i < p->name_count; i++) p->names[i] = "";
  for (size_t k = 0; k < VJ_COUNT(parts);) {
    VJ_TRY(vj_delimited_next(&p->table, &more));
    const char *const first = more ? vj_delimited_field(&p->table, 0) : "";
    if (k == 0 && strcmp(first, parts[0]) != 0) k = 1;
    if (!more || strcmp(first, parts[k]) != 0 || p->table.count != p->name_count)
      return vj_fail(VJ_DATA,
                     "%s:%" PRId64
                     ": expected DeepLabCut's header: scorer, bodyparts and coords (with individuals, of "
                     "several animals), each with %" PRId64 " columns",
                     p->table.path, p->table.line, p->name_count);
    VJ_TRY(add_names(p));
    k++;
  }
  p->names[0] = "frame";
  return VJ_OK;
}

static vj_status take_names(parsing *p) {
  p->name_count = p->table.count;
  p->names = vj_pool_take(p->pool, (size_t)p->name_count * sizeof *p->names);
  if (!p->names) return no_memory(p);
  return strcmp(p->table.fields[0], "scorer") == 0 ? take_posed_names(p) : take_plain_names(p);
}

/* --- which columns are read -------------------------------------------------------------------------------------- */

static int64_t find(const parsing *p, const char *name) {
  for (int64_t i = 0; i < p->name_count; i++)
    if (vj_delimited_same(p->names[i], name)) return i;
  return -1;
}

static vj_status no_column(const parsing *p, const char *name, const char *key) {
  char all[256] = "", shown[VJ_SHOWN_BYTES], wanted[VJ_SHOWN_BYTES];
  for (int64_t i = 0; i < p->name_count && strlen(all) < 128; i++)
    snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "",
             vj_delimited_shown(p->names[i], shown));
  return vj_fail(VJ_DATA, "%s:%" PRId64 ": there is no column %s; data.%s names it; there %s %s%s", p->table.path,
                 p->table.line, vj_delimited_shown(name, wanted), key, p->name_count == 1 ? "is" : "are", all,
                 strlen(all) < 128 ? "" : ", ..");
}

static vj_status find_named(const parsing *p, const char *name, const char *const *usual, size_t count, const char *key,
                            int64_t *column) {
  *column = name[0] ? find(p, name) : -1;
  for (size_t i = 0; i < count && !name[0] && *column < 0; i++) *column = find(p, usual[i]);
  return *column >= 0 ? VJ_OK : no_column(p, name[0] ? name : usual[0], key);
}

/* Of a name, what is behind its last dot. */
static const char *last_part(const char *name) {
  const char *const dot = strrchr(name, '.');
  return dot ? dot + 1 : name;
}

static bool is_likelihood(const char *name) {
  for (size_t i = 0; i < VJ_COUNT(likelihoods); i++)
    if (vj_delimited_same(last_part(name), likelihoods[i])) return true;
  return false;
}

/* The column that says how sure the values of another one are; -1: none. */
static int64_t find_likelihood(const parsing *p, int64_t column) {
  const char *const name = p->names[column];
  const size_t prefix = (size_t)(last_part(name) - name);
  for (int64_t i = 0; i < p->name_count; i++)
    if (is_likelihood(p->names[i]) && (size_t)(last_part(p->names[i]) - p->names[i]) == prefix &&
        strncmp(p->names[i], name, prefix) == 0)
      return i;
  return -1;
}

static vj_status take_column(parsing *p, int64_t column) {
  if (p->columns == VJ_FRAME_VALUES)
    return vj_fail(VJ_DATA, "%s: more than %d columns of values; data.value_columns names those to read", p->table.path,
                   VJ_FRAME_VALUES);
  p->value[p->columns] = column;
  p->sure[p->columns++] = find_likelihood(p, column);
  return VJ_OK;
}

static bool is_value(const parsing *p, int64_t column) {
  return column != p->video && column != p->frame && !is_likelihood(p->names[column]) && p->names[column][0];
}

/* nose: nose itself, or all of nose.x, nose.y. */
static bool is_meant(const char *name, const char *wanted) {
  const size_t length = strlen(wanted);
  return vj_delimited_same(name, wanted) || (strncmp(name, wanted, length) == 0 && name[length] == '.');
}

static vj_status take_wanted(parsing *p) {
  const vj_text_list wanted = p->wanted->values;
  for (int64_t k = 0; k < wanted.count; k++) {
    const int64_t before = p->columns;
    for (int64_t i = 0; i < p->name_count; i++)
      if (is_value(p, i) && is_meant(p->names[i], wanted.at[k])) VJ_TRY(take_column(p, i));
    if (p->columns == before) return no_column(p, wanted.at[k], "value_columns");
  }
  for (int64_t i = 0; i < p->name_count && wanted.count == 0; i++)
    if (is_value(p, i)) VJ_TRY(take_column(p, i));
  return p->columns ? VJ_OK : vj_fail(VJ_DATA, "%s:%" PRId64 ": no column has values", p->table.path, p->table.line);
}

static vj_status find_columns(parsing *p) {
  p->value = vj_pool_take(p->pool, VJ_FRAME_VALUES * sizeof *p->value);
  p->sure = vj_pool_take(p->pool, VJ_FRAME_VALUES * sizeof *p->sure);
  if (!p->value || !p->sure) return no_memory(p);
  VJ_TRY(take_names(p));
  p->video = -1;
  VJ_TRY(find_named(p, p->wanted->frame, usual_frames, VJ_COUNT(usual_frames), "frame_column", &p->frame));
  if (!p->wanted->is_of_one)
    VJ_TRY(find_named(p, p->wanted->video, usual_videos, VJ_COUNT(usual_videos), "video_column", &p->video));
  VJ_TRY(take_wanted(p));
  for (int64_t k = 0; k < p->columns; k++) /* the first words are the columns' names, each as often as it is read */
    if (vj_words_number(&p->words, p->names[p->value[k]]) < 0) return no_memory(p);
  if (p->words.count == p->columns) return VJ_OK;
  return vj_fail(VJ_DATA,
                 "%s:%" PRId64 ": two columns of values have the same name, or data.value_columns names one twice",
                 p->table.path, p->table.line);
}

/* --- records ----------------------------------------------------------------------------------------------------- */

static vj_status make_row(parsing *p) {
  if (p->count < p->row_room) return VJ_OK;
  p->row_room = p->row_room ? 2 * p->row_room : 64;
  vj_frame_row *const rows = realloc(p->rows, (size_t)p->row_room * sizeof *rows);
  if (rows) p->rows = rows;
  float *const values = realloc(p->values, (size_t)(p->row_room * p->columns) * sizeof *values);
  if (values) p->values = values;
  return rows && values ? VJ_OK : no_memory(p);
}

static vj_status no_number(const parsing *p, int64_t column, const char *expected) {
  char shown[VJ_SHOWN_BYTES], name[VJ_SHOWN_BYTES];
  return vj_fail(VJ_DATA, "%s:%" PRId64 ": %s: expected %s, got \"%s\"", p->table.path, p->table.line,
                 vj_delimited_shown(p->names[column], name), expected,
                 vj_delimited_shown(vj_delimited_field(&p->table, column), shown));
}

static vj_status parse_value(const parsing *p, int64_t column, double *number) {
  switch (vj_delimited_number(&p->table, vj_delimited_field(&p->table, column), number)) {
    case VJ_NUMBER_GIVEN:
      return fabs(*number) < 1e30 ? VJ_OK : no_number(p, column, "a number below 1e30");
    case VJ_NUMBER_MISSING:
      *number = NAN;
      return VJ_OK;
    default:
      return no_number(p, column, "a number (data.value_columns names the columns to read)");
  }
}

static vj_status parse_frame(const parsing *p, int64_t *frame) {
  double number;
  const char *const field = vj_delimited_field(&p->table, p->frame);
  if (vj_delimited_number(&p->table, field, &number) != VJ_NUMBER_GIVEN || number < 0 || number > 1e9 ||
      number != floor(number))
    return no_number(p, p->frame, "the number of a frame");
  *frame = (int64_t)number;
  return VJ_OK;
}

static vj_status parse_record(parsing *p) {
  vj_frame_row row = {.line = p->table.line, .video = -1};
  double number, sure;
  VJ_TRY(make_row(p));
  VJ_TRY(parse_frame(p, &row.frame));
  if (p->video >= 0) {
    const char *const video = vj_delimited_field(&p->table, p->video);
    if (!video[0]) return vj_fail(VJ_DATA, "%s:%" PRId64 ": there is no name of a video", p->table.path, p->table.line);
    row.video = vj_words_number(&p->words, video);
    if (row.video < 0) return no_memory(p);
  }
  for (int64_t k = 0; k < p->columns; k++) {
    VJ_TRY(parse_value(p, p->value[k], &number));
    if (p->sure[k] >= 0) {
      VJ_TRY(parse_value(p, p->sure[k], &sure));
      if (!(sure >= p->wanted->min_likelihood)) number = NAN;
    }
    p->values[p->count * p->columns + k] = (float)number;
  }
  p->rows[p->count++] = row;
  return VJ_OK;
}

/* --- by video and frame ------------------------------------------------------------------------------------------ */

/* A row and where its values stand. */
typedef struct placed {
  vj_frame_row row;
  int64_t place;
} placed;

static int compare(const vj_frame_row *x, const vj_frame_row *y) {
  if (x->video != y->video) return x->video < y->video ? -1 : 1;
  return (x->frame > y->frame) - (x->frame < y->frame);
}

static int by_frame(const void *a, const void *b) {
  const placed *const x = a, *const y = b;
  const int order = compare(&x->row, &y->row);
  return order ? order : (x->row.line > y->row.line) - (x->row.line < y->row.line);
}

static vj_status check_once(const parsing *p, const placed *all) {
  for (int64_t i = 1; i < p->count; i++)
    if (compare(&all[i - 1].row, &all[i].row) == 0)
      return vj_fail(VJ_DATA, "%s:%" PRId64 ": frame %" PRId64 " stands in line %" PRId64 " already", p->table.path,
                     all[i].row.line, all[i].row.frame, all[i - 1].row.line);
  return VJ_OK;
}

/* --- what is kept ------------------------------------------------------------------------------------------------ */

/* Behind it lie rows, values and texts. */
typedef struct heading {
  int64_t count, columns, texts, text_bytes;
} heading;

static vj_status pack(const parsing *p, const placed *all, void **kept, size_t *bytes) {
  const heading head = {p->count, p->columns, p->words.count, (int64_t)p->words.bytes};
  const size_t rows = (size_t)p->count * sizeof *p->rows, row = (size_t)p->columns * sizeof *p->values;
  *bytes = sizeof head + rows + (size_t)p->count * row + p->words.bytes;
  unsigned char *const block = malloc(*bytes);
  if (!block) return no_memory(p);
  memcpy(block, &head, sizeof head);
  for (int64_t i = 0; i < p->count; i++) {
    memcpy(block + sizeof head + (size_t)i * sizeof *p->rows, &all[i].row, sizeof *p->rows);
    memcpy(block + sizeof head + rows + (size_t)i * row, p->values + all[i].place * p->columns, row);
  }
  vj_words_copy(&p->words, (char *)block + sizeof head + rows + (size_t)p->count * row);
  *kept = block;
  return VJ_OK;
}

static vj_status sort_and_pack(const parsing *p, void **kept, size_t *bytes) {
  placed *all = NULL;
  VJ_TRY(vj_allocate((size_t)p->count + 1, sizeof *all, "values of frames", &all));
  for (int64_t i = 0; i < p->count; i++) all[i] = (placed){p->rows[i], i};
  qsort(all, (size_t)p->count, sizeof *all, by_frame);
  vj_status status = check_once(p, all);
  if (status == VJ_OK) status = pack(p, all, kept, bytes);
  free(all);
  return status;
}

static bool are_rows(const unsigned char *bytes, const heading *h) {
  vj_frame_row one, before = {.video = -2};
  for (int64_t i = 0; i < h->count; i++, before = one) {
    memcpy(&one, bytes + (size_t)i * sizeof one, sizeof one);
    if (one.frame < 0 || one.video < -1 || one.video >= h->texts || compare(&before, &one) >= 0) return false;
  }
  return true;
}

static bool fits(const void *kept, size_t count) {
  heading h;
  if (count < sizeof h) return false;
  memcpy(&h, kept, sizeof h);
  const int64_t room = (int64_t)(count - sizeof h);
  if (h.columns < 1 || h.columns > VJ_FRAME_VALUES || h.texts < h.columns) return false;
  const int64_t row = (int64_t)sizeof(vj_frame_row) + h.columns * (int64_t)sizeof(float);
  if (h.count < 0 || h.count > room / row || h.text_bytes < 1 || room != h.count * row + h.text_bytes) return false;
  const char *const text = (const char *)kept + (count - (size_t)h.text_bytes);
  return vj_words_fit(text, h.text_bytes, h.texts) && are_rows((const unsigned char *)kept + sizeof h, &h);
}

static vj_status parse(parsing *p, const char *text, size_t bytes, const char *path) {
  bool more = true;
  VJ_TRY(vj_delimited_open(text, bytes, path, &p->table));
  VJ_TRY(find_columns(p));
  while (more) {
    VJ_TRY(vj_delimited_next(&p->table, &more));
    if (more) VJ_TRY(parse_record(p));
  }
  return VJ_OK;
}

static vj_status keep(const void *context, const char *text, size_t bytes, const char *path, void **kept,
                      size_t *count) {
  parsing p = {.wanted = context};
  VJ_TRY(vj_pool_create(&p.pool));
  p.words.pool = p.pool;
  vj_status status = parse(&p, text, bytes, path);
  if (status == VJ_OK) status = sort_and_pack(&p, kept, count);
  vj_delimited_close(&p.table);
  free(p.rows);
  free(p.values);
  vj_pool_destroy(&p.pool);
  return status;
}

vj_annotation_form vj_frame_values_form(const vj_frame_columns *c, char name[VJ_FORM_NAME_BYTES]) {
  char likelihood[32];
  snprintf(likelihood, sizeof likelihood, "%.17g", c->min_likelihood);
  uint64_t hash = vj_words_hash(vj_words_hash(vj_words_hash((uint64_t)c->is_of_one, c->video), c->frame), likelihood);
  for (int64_t i = 0; i < c->values.count; i++) hash = vj_words_hash(hash, c->values.at[i]);
  snprintf(name, VJ_FORM_NAME_BYTES, "1 %016" PRIx64, hash);
  return (vj_annotation_form){.name = name, .file = "values", .context = c, .keep = keep, .fits = fits};
}

vj_frame_table vj_frame_table_of(const void *kept) {
  heading h;
  memcpy(&h, kept, sizeof h);
  const unsigned char *const rows = (const unsigned char *)kept + sizeof h;
  const unsigned char *const values = rows + (size_t)h.count * sizeof(vj_frame_row);
  return (vj_frame_table){.count = h.count,
                          .columns = h.columns,
                          .rows = (const vj_frame_row *)(const void *)rows,
                          .values = (const float *)(const void *)values,
                          .texts = h.texts,
                          .text = (const char *)values + (size_t)(h.count * h.columns) * sizeof(float)};
}
