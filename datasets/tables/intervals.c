#include "datasets/tables/intervals.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/tables/words.h"

/* --- columns ----------------------------------------------------------------------------------------------------- */

typedef enum unit { UNSAID, SECONDS, MILLISECONDS, FRAMES } unit;

/* The names that programs give them, those that say most first. */
static const struct {
  const char *start, *end;
  unit unit;
} usual_times[] = {
    {"Start (s)", "Stop (s)", SECONDS}, /* BORIS */
    {"Begin Time - ss.msec", "End Time - ss.msec", SECONDS},
    {"Begin Time - msec", "End Time - msec", MILLISECONDS}, /* ELAN */
    {"Begin Time - hh:mm:ss.ms", "End Time - hh:mm:ss.ms", SECONDS},
    {"start_frame", "end_frame", FRAMES},
    {"start_time", "end_time", UNSAID},
    {"start", "end", UNSAID},
    {"start", "stop", UNSAID},
    {"begin", "end", UNSAID},
    {"onset", "offset", UNSAID},
    {"Image index start", "Image index stop", FRAMES},
    {"frame", NULL, FRAMES},
};
static const char *const usual_videos[] = {"video",     "Media file name", "Media file", "Media file path", "file",
                                           "File Path", "filename",        "path",       "Observation id"};
static const char *const usual_labels[] = {"label", "Behavior", "annotation", "action", "class"};

typedef struct places {
  int64_t video, start, end; /* -1: none */
  const int64_t *labels;
  int64_t label_count;
  const char *const *label_names;
  unit unit;
} places;

static int64_t find(const vj_delimited *t, const char *name) {
  for (int64_t i = 0; name && i < t->count; i++)
    if (vj_delimited_same(t->fields[i], name)) return i;
  return -1;
}

/* What columns there are, for a sentence. */
static vj_status no_column(const vj_delimited *t, const char *what, const char *key) {
  char names[256] = "", shown[VJ_SHOWN_BYTES];
  for (int64_t i = 0; i < t->count && strlen(names) < 128; i++)
    snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "",
             vj_delimited_shown(t->fields[i], shown));
  return vj_fail(VJ_DATA, "%s:%" PRId64 ": %s; data.%s names it; there %s %s%s", t->path, t->line, what, key,
                 t->count == 1 ? "is" : "are", names, strlen(names) < 128 ? "" : ", ..");
}

static vj_status find_named(const vj_delimited *t, const char *name, const char *key, int64_t *column) {
  char shown[VJ_SHOWN_BYTES], what[VJ_SHOWN_BYTES + 64];
  *column = find(t, name);
  if (*column >= 0) return VJ_OK;
  snprintf(what, sizeof what, "there is no column %s", vj_delimited_shown(name, shown));
  return no_column(t, what, key);
}

/* What a name says of its numbers. */
static unit unit_said(const char *name) {
  for (size_t i = 0; i < VJ_COUNT(usual_times); i++)
    if (vj_delimited_same(name, usual_times[i].start)) return usual_times[i].unit;
  const size_t length = strlen(name);
  if (length >= 4 && vj_delimited_same(name + length - 4, "(ms)")) return MILLISECONDS;
  if (length >= 3 && vj_delimited_same(name + length - 3, "(s)")) return SECONDS;
  return UNSAID;
}

static vj_status find_times(const vj_delimited *t, const vj_interval_columns *c, places *p) {
  p->start = p->end = -1;
  if (c->start[0]) {
    VJ_TRY(find_named(t, c->start, "start_column", &p->start));
    p->unit = unit_said(c->start);
  }
  for (size_t i = 0; i < VJ_COUNT(usual_times) && p->start < 0; i++) {
    const int64_t start = find(t, usual_times[i].start), end = find(t, usual_times[i].end);
    if (start < 0 || (usual_times[i].end && end < 0)) continue;
    p->start = start, p->end = end, p->unit = usual_times[i].unit;
  }
  if (c->end[0]) VJ_TRY(find_named(t, c->end, "end_column", &p->end));
  return p->start >= 0 ? VJ_OK : no_column(t, "no column is called as those of starts are", "start_column");
}

static vj_status find_labels(const vj_delimited *t, const vj_interval_columns *c, vj_pool *pool, places *p) {
  int64_t *const labels = vj_pool_take(pool, (size_t)(c->labels.count + 1) * sizeof *labels);
  if (!labels) return vj_fail(VJ_MEMORY, "%s: no memory for its rows", t->path);
  p->labels = labels;
  p->label_count = c->labels.count;
  p->label_names = c->labels.at;
  for (int64_t i = 0; i < c->labels.count; i++) VJ_TRY(find_named(t, c->labels.at[i], "label_columns", &labels[i]));
  for (size_t i = 0; i < VJ_COUNT(usual_labels) && p->label_count == 0; i++) {
    labels[0] = find(t, usual_labels[i]);
    p->label_count = labels[0] >= 0;
  }
  return p->label_count ? VJ_OK : no_column(t, "no column is called as those of labels are", "label_columns");
}

static vj_status find_video(const vj_delimited *t, const vj_interval_columns *c, places *p) {
  p->video = -1;
  if (c->is_of_one) return VJ_OK;
  if (c->video[0]) return find_named(t, c->video, "video_column", &p->video);
  for (size_t i = 0; i < VJ_COUNT(usual_videos) && p->video < 0; i++) p->video = find(t, usual_videos[i]);
  return p->video >= 0 ? VJ_OK
                       : no_column(t,
                                   "no column is called as those of videos are (of a file for each video, "
                                   "data.intervals has a * in place of its name)",
                                   "video_column");
}

static vj_status find_columns(const vj_delimited *t, const vj_interval_columns *c, vj_pool *pool, places *p) {
  static const unit said[] = {
      [VJ_TIME_SECONDS] = SECONDS, [VJ_TIME_MILLISECONDS] = MILLISECONDS, [VJ_TIME_FRAMES] = FRAMES};
  VJ_TRY(find_times(t, c, p));
  VJ_TRY(find_labels(t, c, pool, p));
  if (c->unit != VJ_TIME_AUTO) p->unit = said[c->unit];
  return find_video(t, c, p);
}

/* --- records ----------------------------------------------------------------------------------------------------- */

static const double most_time = 1e9;

typedef struct parsing {
  vj_delimited table;
  places places;
  vj_pool *pool;
  vj_interval *at;
  int64_t count;
  vj_words words;
} parsing;

static vj_status no_memory(const parsing *p) { return vj_fail(VJ_MEMORY, "%s: no memory for its rows", p->table.path); }

static vj_status no_time(const parsing *p, const char *what, const char *field) {
  char shown[VJ_SHOWN_BYTES];
  return vj_fail(VJ_DATA, "%s:%" PRId64 ": %s: expected %s, got \"%s\"", p->table.path, p->table.line, what,
                 p->places.unit == FRAMES ? "the number of a frame" : "a time", vj_delimited_shown(field, shown));
}

/* hh:mm:ss.ms or mm:ss.ms as seconds; false: it is none. */
static bool parse_clock(const parsing *p, const char *field, double *seconds) {
  double whole = 0, part;
  char copy[VJ_SHOWN_BYTES];
  if (strlen(field) >= sizeof copy) return false;
  for (const char *at = field;;) {
    const size_t length = strcspn(at, ":");
    memcpy(copy, at, length);
    copy[length] = 0;
    if (vj_delimited_number(&p->table, copy, &part) != VJ_NUMBER_GIVEN || part < 0) return false;
    whole = 60 * whole + part;
    if (!at[length]) break;
    at += length + 1;
  }
  *seconds = whole;
  return true;
}

/* In frames or in seconds. */
static vj_status parse_time(parsing *p, const char *what, const char *field, double *time, bool *is_there) {
  const vj_number found = vj_delimited_number(&p->table, field, time);
  *is_there = found != VJ_NUMBER_MISSING;
  if (found == VJ_NUMBER_MISSING) return VJ_OK;
  if (found == VJ_NUMBER_NONE) {
    if (p->places.unit == FRAMES || !strchr(field, ':') || !parse_clock(p, field, time)) return no_time(p, what, field);
    if (p->places.unit == MILLISECONDS) *time *= 1000;
  } else if (p->places.unit == UNSAID) {
    return vj_fail(
        VJ_DATA, "%s:%" PRId64 ": %s is %.40s: seconds or frames? The column's name does not say; data.time_unit does",
        p->table.path, p->table.line, what, field);
  }
  if (p->places.unit == MILLISECONDS) *time /= 1000;
  return fabs(*time) <= most_time ? VJ_OK : no_time(p, what, field);
}

static vj_status parse_times(parsing *p, vj_interval *one) {
  bool is_there;
  const char *const start = vj_delimited_field(&p->table, p->places.start);
  VJ_TRY(parse_time(p, "start", start, &one->start, &is_there));
  if (!is_there) return no_time(p, "start", start);
  VJ_TRY(parse_time(p, "end", vj_delimited_field(&p->table, p->places.end), &one->end, &is_there));
  if (!is_there) one->end = one->start;
  if (one->end >= one->start) return VJ_OK;
  return vj_fail(VJ_DATA, "%s:%" PRId64 ": it ends at %g, before it starts at %g", p->table.path, p->table.line,
                 one->end, one->start);
}

static vj_status add(parsing *p, vj_interval one, const char *label) {
  const int64_t number = vj_words_number(&p->words, label);
  if (number < 0 || number > INT32_MAX || !vj_pool_grow(p->pool, &p->at, p->count, sizeof *p->at)) return no_memory(p);
  one.label = (int32_t)number;
  p->at[p->count++] = one;
  return VJ_OK;
}

static vj_status parse_record(parsing *p) {
  vj_interval one = {.line = p->table.line, .video = -1};
  bool any = false;
  for (int64_t i = 0; i < p->places.label_count; i++) {
    const char *label = vj_delimited_field(&p->table, p->places.labels[i]);
    if (!label[0]) continue;
    if (p->places.label_count > 1) label = vj_pool_format(p->pool, "%s: %s", p->places.label_names[i], label);
    if (!label) return no_memory(p);
    if (!any) VJ_TRY(parse_times(p, &one));
    if (!any && p->places.video >= 0) {
      const char *const video = vj_delimited_field(&p->table, p->places.video);
      if (!video[0])
        return vj_fail(VJ_DATA, "%s:%" PRId64 ": there is no name of a video", p->table.path, p->table.line);
      const int64_t number = vj_words_number(&p->words, video);
      if (number < 0 || number > INT32_MAX) return no_memory(p);
      one.video = (int32_t)number;
    }
    any = true;
    VJ_TRY(add(p, one, label));
  }
  /* A row of ELAN's may be of another tier alone. */
  return any || p->places.label_count > 1
             ? VJ_OK
             : vj_fail(VJ_DATA, "%s:%" PRId64 ": there is no label", p->table.path, p->table.line);
}

/* --- what is kept ------------------------------------------------------------------------------------------------ */

/* Behind it lie intervals and texts. */
typedef struct heading {
  int64_t count, texts, text_bytes, in_frames;
} heading;

static void *pack(const parsing *p, size_t *bytes) {
  const heading head = {p->count, p->words.count, (int64_t)p->words.bytes, p->places.unit == FRAMES};
  const size_t rows = (size_t)p->count * sizeof *p->at;
  *bytes = sizeof head + rows + p->words.bytes;
  unsigned char *const block = malloc(*bytes);
  if (!block) return NULL;
  memcpy(block, &head, sizeof head);
  if (rows) memcpy(block + sizeof head, p->at, rows);
  vj_words_copy(&p->words, (char *)block + sizeof head + rows);
  return block;
}

static bool are_intervals(const unsigned char *bytes, const heading *h) {
  vj_interval one;
  for (int64_t i = 0; i < h->count; i++) {
    memcpy(&one, bytes + (size_t)i * sizeof one, sizeof one);
    if (one.label < 0 || one.label >= h->texts || one.video < -1 || one.video >= h->texts) return false;
    if (!(fabs(one.start) <= most_time && fabs(one.end) <= most_time && one.start <= one.end)) return false;
  }
  return true;
}

static bool fits(const void *kept, size_t count) {
  heading h;
  if (count < sizeof h) return false;
  memcpy(&h, kept, sizeof h);
  const int64_t room = (int64_t)(count - sizeof h);
  if (h.count < 0 || h.count > room / (int64_t)sizeof(vj_interval) || h.text_bytes < 0) return false;
  if (room != h.count * (int64_t)sizeof(vj_interval) + h.text_bytes) return false;
  const char *const text = (const char *)kept + (count - (size_t)h.text_bytes);
  return vj_words_fit(text, h.text_bytes, h.texts) && are_intervals((const unsigned char *)kept + sizeof h, &h);
}

static vj_status parse(parsing *p, const char *text, size_t bytes, const char *path, const vj_interval_columns *c) {
  bool more = true;
  VJ_TRY(vj_delimited_open(text, bytes, path, &p->table));
  VJ_TRY(find_columns(&p->table, c, p->pool, &p->places));
  while (more) {
    VJ_TRY(vj_delimited_next(&p->table, &more));
    if (more) VJ_TRY(parse_record(p));
  }
  return VJ_OK;
}

static vj_status keep(const void *context, const char *text, size_t bytes, const char *path, void **kept,
                      size_t *count) {
  parsing p = {0};
  VJ_TRY(vj_pool_create(&p.pool));
  p.words.pool = p.pool;
  vj_status status = parse(&p, text, bytes, path, context);
  if (status == VJ_OK) {
    *kept = pack(&p, count);
    if (!*kept) status = no_memory(&p);
  }
  vj_delimited_close(&p.table);
  vj_pool_destroy(&p.pool);
  return status;
}

vj_annotation_form vj_intervals_form(const vj_interval_columns *c, char name[VJ_FORM_NAME_BYTES]) {
  uint64_t hash = vj_words_hash((uint64_t)c->unit * 2 + (uint64_t)c->is_of_one, c->video);
  hash = vj_words_hash(vj_words_hash(hash, c->start), c->end);
  for (int64_t i = 0; i < c->labels.count; i++) hash = vj_words_hash(hash, c->labels.at[i]);
  snprintf(name, VJ_FORM_NAME_BYTES, "1 %016" PRIx64, hash);
  return (vj_annotation_form){.name = name, .file = "intervals", .context = c, .keep = keep, .fits = fits};
}

vj_intervals vj_intervals_of(const void *kept) {
  heading h;
  memcpy(&h, kept, sizeof h);
  const unsigned char *const rows = (const unsigned char *)kept + sizeof h;
  return (vj_intervals){.in_frames = h.in_frames != 0,
                        .count = h.count,
                        .at = (const vj_interval *)(const void *)rows,
                        .texts = h.texts,
                        .text = (const char *)rows + (size_t)h.count * sizeof(vj_interval)};
}
