/* Values of the frames of all videos, and those of a clip. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/video_list/annotated_private.h"

/* --- columns ----------------------------------------------------------------------------------------------------- */

static const char *text_at(const vj_frame_table *table, int64_t number) {
  const char *at = table->text;
  while (number-- > 0) at += strlen(at) + 1;
  return at;
}

/* The names of a table's columns, which are its first texts, are those of the first table. */
static bool has_same_columns(const vj_frame_table *one, const vj_frame_table *other) {
  if (one->columns != other->columns) return false;
  const size_t bytes = (size_t)(text_at(one, one->columns) - one->text);
  return bytes == (size_t)(text_at(other, other->columns) - other->text) && memcmp(one->text, other->text, bytes) == 0;
}

/* Coordinates are called x and y, behind the name of what they are of. */
static bool is_coordinate(const char *name) {
  const size_t length = strlen(name);
  const char last = length ? name[length - 1] : 0;
  return (last == 'x' || last == 'y' || last == 'X' || last == 'Y') && (length == 1 || name[length - 2] == '.');
}

static vj_status describe(vj_annotated *a, const vj_frame_table *table) {
  bool all = true;
  const char *at = table->text, *doc = "target frames x (";
  for (int64_t k = 0; k < table->columns; k++, at += strlen(at) + 1) {
    all = all && is_coordinate(at);
    if (k < 6) doc = vj_pool_format(a->pool, "%s%s%.60s", doc, k ? ", " : "", at);
    if (!doc) return no_memory();
  }
  a->columns = table->columns;
  a->unit = all ? "px" : "";
  a->columns_doc = vj_pool_format(a->pool, "%s%s); NaN where there is none", doc, table->columns > 6 ? ", .." : "");
  return a->columns_doc ? VJ_OK : no_memory();
}

/* --- whose they are ---------------------------------------------------------------------------------------------- */

static vj_status give(vj_annotated *a, const vj_table_source *source, const vj_named_video *video, vj_track track) {
  vj_track *const own = &a->tracks[video->split][video->number];
  if (own->count)
    return vj_fail(VJ_DATA, "%s:%" PRId64 ": %s has values already, under another spelling of its name", source->path,
                   track.rows[0].line, video->path);
  *own = track;
  return VJ_OK;
}

static vj_status take_table(vj_annotated *a, const vj_table_source *source, const vj_frame_table *table,
                            vj_strangers *strangers) {
  for (int64_t i = 0, end; i < table->count; i = end) {
    const vj_frame_row *const row = &table->rows[i];
    int64_t first, owners;
    for (end = i + 1; end < table->count && table->rows[end].video == row->video;) end++;
    VJ_TRY(vj_annotated_owners(a, source, row->video < 0 ? "" : text_at(table, row->video), row->line, strangers,
                               &first, &owners));
    for (int64_t k = 0; k < owners; k++)
      VJ_TRY(give(a, source, &a->names.at[first + k],
                  (vj_track){.rows = row, .values = table->values + i * table->columns, .count = end - i}));
  }
  return VJ_OK;
}

static vj_status tell(const vj_annotated *a, const vj_strangers *strangers, vj_clip_list *list) {
  int64_t without = 0, all = 0;
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0; i < list->count[s]; i++, all++) without += a->tracks[s][i].count == 0;
  if (without == all && strangers->count)
    return vj_fail(VJ_DATA, "data.frame_values: no frame is of a listed video; the first is of %s", strangers->first);
  if (without) {
    const char *const sentence =
        vj_pool_format(a->pool, "values of frames: %" PRId64 " of %" PRId64 " videos have none", without, all);
    VJ_TRY(sentence ? vj_annotated_note(a->pool, list, sentence) : no_memory());
  }
  if (strangers->count == 0) return VJ_OK;
  const char *const sentence =
      vj_pool_format(a->pool, "values of frames: %" PRId64 " name%s of videos that are not listed, the first: %s",
                     strangers->count, strangers->count == 1 ? "" : "s", strangers->first);
  return sentence ? vj_annotated_note(a->pool, list, sentence) : no_memory();
}

vj_status vj_annotated_take_values(vj_annotated *a, const vj_table_source *sources, int64_t count, vj_clip_list *list,
                                   vj_clip_entry *const *entries) {
  vj_strangers strangers = {0};
  vj_frame_table first = {0};
  for (int s = 0; s < VJ_SPLITS; s++) {
    a->tracks[s] = vj_pool_take(a->pool, (size_t)(list->count[s] + 1) * sizeof *a->tracks[s]);
    if (!a->tracks[s]) return no_memory();
  }
  for (int64_t i = 0; i < count; i++) {
    const vj_frame_table table = vj_frame_table_of(sources[i].kept);
    if (i == 0) {
      first = table;
      VJ_TRY(describe(a, &table));
    }
    if (has_same_columns(&first, &table)) {
      VJ_TRY(take_table(a, &sources[i], &table, &strangers));
      continue;
    }
    vj_clip_entry *const entry = &entries[sources[i].video->split][sources[i].video->number];
    entry->broken = vj_pool_format(a->pool, "%s: its columns are not those of %s", sources[i].path, sources[0].path);
    if (!entry->broken) return no_memory();
  }
  if (count == 0) a->columns = 2, a->unit = "", a->columns_doc = "no video has any"; /* all are broken, and told so */
  return tell(a, &strangers, list);
}

/* --- a clip ------------------------------------------------------------------------------------------------------ */

static int by_frame(const void *a, const void *b) {
  const int64_t frame = *(const int64_t *)a, other = ((const vj_frame_row *)b)->frame;
  return (frame > other) - (frame < other);
}

void vj_annotated_fill_values(const vj_annotated *a, const vj_track *track, const vj_clip_window *w, float *values) {
  for (int64_t t = 0; t < w->target_frames; t++, values += a->columns) {
    int64_t frame = w->start + (w->input_frames + t) * w->stride;
    if (frame > w->video_frames - 1) frame = w->video_frames - 1;
    frame += a->first_frame;
    const vj_frame_row *const row =
        track->count ? bsearch(&frame, track->rows, (size_t)track->count, sizeof *track->rows, by_frame) : NULL;
    for (int64_t k = 0; k < a->columns; k++)
      values[k] = row ? track->values[(row - track->rows) * a->columns + k] : NAN;
  }
}
