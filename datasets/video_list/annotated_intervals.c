/* Intervals of all videos, and which of them a clip shows. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/video_list/annotated_private.h"

enum { MOST_LABELS = 4096 };

/* --- names of labels --------------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static const char **texts_of(vj_pool *pool, const vj_intervals *table) {
  const char **const texts = vj_pool_take(pool, (size_t)(table->texts + 1) * sizeof *texts), *at = table->text;
  for (int64_t i = 0; texts && i < table->texts; i++, at += strlen(at) + 1) texts[i] = at;
  return texts;
}

/* Intervals whose videos are listed, with labels as they stand in their table. */
typedef struct gathered {
  vj_action *actions;
  int64_t count;
  const char **labels; /* of each of them */
  vj_strangers strangers;
} gathered;

static vj_status gather_one(vj_annotated *a, const vj_named_video *video, const vj_interval *one, bool in_frames,
                            const char *label, gathered *g) {
  if (!vj_pool_grow(a->pool, &g->actions, g->count, sizeof *g->actions) ||
      !vj_pool_grow(a->pool, &g->labels, g->count, sizeof *g->labels))
    return no_memory();
  g->labels[g->count] = label;
  g->actions[g->count++] = (vj_action){
      .split = video->split, .video = video->number, .start = one->start, .end = one->end, .in_frames = in_frames};
  return VJ_OK;
}

static vj_status gather_table(vj_annotated *a, const vj_table_source *source, vj_clip_list *list, gathered *g) {
  const vj_intervals table = vj_intervals_of(source->kept);
  const char **const texts = texts_of(a->pool, &table);
  /* of each text that is a video's name: whose it is; count -1: not looked for yet */
  vj_span *const owners = vj_pool_take(a->pool, (size_t)(table.texts + 1) * sizeof *owners);
  if (!texts || !owners) return no_memory();
  for (int64_t i = 0; i <= table.texts; i++) owners[i].count = -1;
  if (table.count && !table.in_frames && a->rate <= 0) list->needs_rate = true;
  for (int64_t i = 0; i < table.count; i++) {
    const vj_interval *const one = &table.at[i];
    vj_span *const owner = &owners[one->video < 0 ? table.texts : one->video];
    if (owner->count < 0)
      VJ_TRY(vj_annotated_owners(a, source, one->video < 0 ? "" : texts[one->video], one->line, &g->strangers,
                                 &owner->first, &owner->count));
    for (int64_t k = 0; k < owner->count; k++)
      VJ_TRY(gather_one(a, &a->names.at[owner->first + k], one, table.in_frames, texts[one->label], g));
  }
  return VJ_OK;
}

/* The labels there are, or those that are wanted. */
static vj_status name_labels(vj_annotated *a, const gathered *g) {
  const vj_text_list wanted = a->config->actions;
  const char **const all = vj_pool_take(a->pool, (size_t)(g->count + wanted.count + 2) * sizeof *all);
  if (!all) return no_memory();
  if (g->count) memcpy(all, g->labels, (size_t)g->count * sizeof *all);
  if (g->count) qsort(all, (size_t)g->count, sizeof *all, by_text);
  for (int64_t i = 0; i < g->count; i++)
    if (i == 0 || strcmp(all[i], all[a->label_count - 1]) != 0) all[a->label_count++] = all[i];
  for (int64_t i = 0; i < wanted.count; i++)
    if (!bsearch(&wanted.at[i], all, (size_t)a->label_count, sizeof *all, by_text))
      return vj_fail(VJ_CONFIG, "data.actions: no interval of a listed video is called \"%.100s\"", wanted.at[i]);
  if (wanted.count) a->label_count = wanted.count;
  for (int64_t i = 0; i < wanted.count; i++)
    if (!(all[i] = vj_pool_text(a->pool, wanted.at[i]))) return no_memory();
  if (a->label_count > MOST_LABELS)
    return vj_fail(VJ_DATA, "%s: %" PRId64 " different labels; data.actions names those that are meant",
                   a->config->intervals, a->label_count);
  all[a->label_count] = "none";
  a->label_names = all;
  return VJ_OK;
}

/* --- by video ---------------------------------------------------------------------------------------------------- */

static int compare(int64_t x, int64_t y) { return (x > y) - (x < y); }

static int by_video(const void *a, const void *b) {
  const vj_action *const x = a, *const y = b;
  if (x->split != y->split) return compare(x->split, y->split);
  if (x->video != y->video) return compare(x->video, y->video);
  if (x->label != y->label) return compare(x->label, y->label);
  if (x->start != y->start) return x->start < y->start ? -1 : 1;
  return (x->end > y->end) - (x->end < y->end);
}

static int64_t number_of(const vj_annotated *a, const char *label) {
  for (int64_t i = 0; i < a->label_count; i++)
    if (strcmp(a->label_names[i], label) == 0) return i;
  return -1;
}

/* Numbers the labels, leaves out what is not wanted, and finds each video's part. */
static vj_status sort_actions(vj_annotated *a, gathered *g, const vj_clip_list *list) {
  int64_t kept = 0;
  const char *last = NULL;
  for (int64_t i = 0, number = -1; i < g->count; i++) {
    if (g->labels[i] != last) number = number_of(a, last = g->labels[i]);
    g->actions[i].label = number;
    if (number >= 0) g->actions[kept++] = g->actions[i];
  }
  if (kept) qsort(g->actions, (size_t)kept, sizeof *g->actions, by_video);
  for (int s = 0; s < VJ_SPLITS; s++) {
    a->spans[s] = vj_pool_take(a->pool, (size_t)(list->count[s] + 1) * sizeof *a->spans[s]);
    if (!a->spans[s]) return no_memory();
  }
  for (int64_t i = 0; i < kept; i++) {
    vj_span *const span = &a->spans[g->actions[i].split][g->actions[i].video];
    if (span->count++ == 0) span->first = i;
  }
  a->actions = g->actions;
  return VJ_OK;
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static vj_status tell(const vj_annotated *a, const gathered *g, vj_clip_list *list) {
  int64_t without = 0, all = 0;
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0; i < list->count[s]; i++, all++) without += a->spans[s][i].count == 0;
  if (without) {
    const char *const sentence =
        vj_pool_format(a->pool, "intervals: %" PRId64 " of %" PRId64 " videos have none", without, all);
    VJ_TRY(sentence ? vj_annotated_note(a->pool, list, sentence) : no_memory());
  }
  if (g->strangers.count == 0) return VJ_OK;
  const char *const sentence =
      vj_pool_format(a->pool, "intervals: %" PRId64 " name%s of videos that are not listed, the first: %s",
                     g->strangers.count, g->strangers.count == 1 ? "" : "s", g->strangers.first);
  return sentence ? vj_annotated_note(a->pool, list, sentence) : no_memory();
}

static vj_status check(const vj_annotated *a, const gathered *g, int64_t sources) {
  if (g->count) return VJ_OK;
  if (g->strangers.count)
    return vj_fail(VJ_DATA, "data.intervals: no interval is of a listed video; the first is of %s", g->strangers.first);
  return sources ? vj_fail(VJ_DATA, "data.intervals: %s has no intervals", a->config->intervals) : VJ_OK;
}

vj_status vj_annotated_take_intervals(vj_annotated *a, const vj_table_source *sources, int64_t count,
                                      vj_clip_list *list) {
  const int64_t longest = (list->request->target_frames - 1) * a->config->clips.stride + 1;
  gathered g = {0};
  if (a->least > longest)
    return vj_fail(VJ_CONFIG, "data.min_overlap: %" PRId64 " frames, and the target of a clip is %" PRId64 " long",
                   a->least, longest);
  for (int64_t i = 0; i < count; i++) VJ_TRY(gather_table(a, &sources[i], list, &g));
  VJ_TRY(check(a, &g, count));
  VJ_TRY(name_labels(a, &g));
  VJ_TRY(sort_actions(a, &g, list));
  a->has_actions = true;
  return tell(a, &g, list);
}

/* --- a clip ------------------------------------------------------------------------------------------------------ */

/* The frames of an interval, both included: those whose time lies in it, at least the one that is shown when it starts.
 * A billionth of a frame is rounding. */
static vj_span frames_of(const vj_annotated *a, const vj_action *one, double rate) {
  const double rounding = 1e-6;
  if (one->in_frames) {
    const int64_t first = llround(one->start) - a->first_frame, last = llround(one->end) - a->first_frame;
    return (vj_span){first, last - first + 1};
  }
  const double start = one->start * rate, end = one->end * rate;
  const int64_t first = (int64_t)ceil(start - rounding), next = (int64_t)ceil(end - rounding);
  return next > first ? (vj_span){first, next - first} : (vj_span){(int64_t)floor(start + rounding), 1};
}

void vj_annotated_fill_actions(const vj_annotated *a, vj_span span, const vj_clip_window *w, float *flags,
                               float *main_action) {
  const double rate = a->rate > 0 ? a->rate : w->rate;
  int64_t first = w->start + w->input_frames * w->stride, last = first + (w->target_frames - 1) * w->stride;
  int64_t longest = 0, done = 0, sum = 0;
  if (last > w->video_frames - 1) last = w->video_frames - 1;
  if (first > last) first = last;
  for (int64_t k = 0; k < a->label_count; k++) flags[k] = 0;
  *main_action = (float)a->label_count;
  for (int64_t i = 0; i < span.count; i++) { /* by label and start: each frame counts once */
    const vj_action *const one = &a->actions[span.first + i];
    const vj_span frames = frames_of(a, one, rate);
    if (i == 0 || one->label != one[-1].label) done = first, sum = 0;
    const int64_t from = frames.first > done ? frames.first : done;
    const int64_t to = frames.first + frames.count - 1 < last ? frames.first + frames.count - 1 : last;
    if (to < from) continue;
    done = to + 1;
    sum += to - from + 1;
    if (sum < a->least) continue;
    flags[one->label] = 1;
    if (sum > longest) longest = sum, *main_action = (float)one->label;
  }
}
