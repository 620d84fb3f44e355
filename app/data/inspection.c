#include "app/data/inspection.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/base/threads.h"

/* --- splits ------------------------------------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static vj_status count_split(vj_pool *pool, const vj_data_set *set, vj_split split, vj_split_facts *f) {
  vj_clip_info info;
  set->component->as.dataset.info(set->dataset, &info);
  f->listed = vj_clips_count(set->clips, split);
  f->clips = info.samples[split];
  int64_t *const frames = vj_pool_take(pool, (size_t)(f->listed + 1) * sizeof *frames), count = f->listed;
  int64_t sound = 0;
  if (!frames) return vj_fail(VJ_MEMORY, "no memory for %lld videos", (long long)count);
  for (int64_t i = 0; i < count; i++) {
    const vj_clip_video *const v = vj_clips_video(set->clips, split, i);
    f->broken += v->broken != NULL;
    if (v->broken) continue;
    frames[sound++] = v->info.frames;
    f->seconds += v->info.seconds;
    f->bytes += (double)v->info.bytes;
  }
  qsort(frames, (size_t)sound, sizeof *frames, by_size);
  if (sound == 0) return VJ_OK;
  f->fewest = frames[0], f->median = frames[sound / 2], f->most = frames[sound - 1];
  return VJ_OK;
}

/* --- forms ------------------------------------------------------------------------------------------------------- */

static int by_form(const void *a, const void *b) {
  return strcmp(((const vj_video_form *)a)->text, ((const vj_video_form *)b)->text);
}

static int by_count(const void *a, const void *b) {
  const vj_video_form *const x = a, *const y = b;
  return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : by_form(a, b);
}

static vj_status count_forms(vj_pool *pool, const vj_data_set *set, vj_inspection *n) {
  int64_t all = 0;
  for (int s = 0; s < VJ_SPLITS; s++) all += vj_clips_count(set->clips, (vj_split)s);
  n->forms = vj_pool_take(pool, (size_t)(all + 1) * sizeof *n->forms);
  if (!n->forms) return vj_fail(VJ_MEMORY, "no memory for %lld videos", (long long)all);
  int64_t count = 0;
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0; i < vj_clips_count(set->clips, (vj_split)s); i++) {
      const vj_clip_video *const v = vj_clips_video(set->clips, (vj_split)s, i);
      if (v->broken || !v->info.codec[0]) continue; /* a pack does not know */
      n->unsteady += !v->info.steady;
      n->turned += v->info.turned != 0 || v->info.mirrored;
      vj_video_form *const form = &n->forms[count++];
      form->count = 1;
      snprintf(form->text, sizeof form->text, "%s in %s, %lldx%lld, %.4g/s", v->info.codec, v->info.container,
               (long long)v->info.width, (long long)v->info.height, v->info.rate);
    }
  qsort(n->forms, (size_t)count, sizeof *n->forms, by_form);
  for (int64_t i = 0; i < count; i++) {
    if (n->form_count && by_form(&n->forms[n->form_count - 1], &n->forms[i]) == 0)
      n->forms[n->form_count - 1].count++;
    else
      n->forms[n->form_count++] = n->forms[i];
  }
  qsort(n->forms, (size_t)n->form_count, sizeof *n->forms, by_count);
  return VJ_OK;
}

/* --- labels ------------------------------------------------------------------------------------------------------ */

static void count_label(vj_label_facts *f, const float *values) {
  const vj_label *const label = f->label;
  f->videos++;
  for (int64_t k = 0; k < label->width; k++) {
    const double value = (double)values[k];
    if (label->kind == VJ_LABEL_FLAGS && value > 0.5) f->counts[k]++;
    if (label->kind == VJ_LABEL_CLASS && value >= 0 && value < (double)label->classes) f->counts[(int64_t)value]++;
    if (label->kind != VJ_LABEL_REAL || isnan(value)) continue; /* what is not there has no value */
    f->mean += value;
    f->deviation += value * value;
    f->least = fmin(f->least, value);
    f->most = fmax(f->most, value);
    f->counts[0]++;
  }
}

static void finish_label(vj_label_facts *f) {
  if (f->label->kind != VJ_LABEL_REAL) return;
  const double count = (double)f->counts[0];
  f->mean /= count;
  f->deviation = sqrt(fmax(0.0, f->deviation / count - f->mean * f->mean));
  f->counts = NULL;
}

static vj_status count_labels_of(const vj_data_set *set, vj_split split, vj_label_facts *facts, float *row) {
  const vj_clip_list *const list = vj_clips_list(set->clips);
  for (int64_t i = 0; i < vj_clips_count(set->clips, split); i++) {
    const vj_clip_video *const v = vj_clips_video(set->clips, split, i);
    const vj_clip_window window = vj_clips_window(set->clips, v, 0);
    if (v->broken) continue;
    VJ_TRY(list->fill_labels(list->owner, split, i, &window, row));
    for (int64_t k = 0, at = 0; k < list->label_count; at += list->labels[k++].width) count_label(&facts[k], row + at);
  }
  for (int64_t k = 0; k < list->label_count; k++) finish_label(&facts[k]);
  return VJ_OK;
}

static vj_status count_labels(vj_pool *pool, const vj_data_set *set, vj_inspection *n) {
  const vj_clip_list *const list = vj_clips_list(set->clips);
  int64_t width = 0;
  for (int64_t k = 0; k < list->label_count; k++) width += list->labels[k].width;
  float *const row = vj_pool_take(pool, (size_t)(width + 1) * sizeof *row);
  n->labels = vj_pool_take(pool, (size_t)(list->label_count * VJ_SPLITS + 1) * sizeof *n->labels);
  if (!row || !n->labels) return vj_fail(VJ_MEMORY, "no memory for labels");
  for (int s = 0; s < VJ_SPLITS; s++) {
    vj_label_facts *const facts = n->labels + n->label_count;
    for (int64_t k = 0; k < list->label_count; k++, n->label_count++) {
      const vj_label *const label = &list->labels[k];
      const int64_t bins = label->kind == VJ_LABEL_CLASS ? label->classes : label->width;
      facts[k] = (vj_label_facts){.label = label, .split = (vj_split)s, .least = INFINITY, .most = -INFINITY};
      facts[k].counts = vj_pool_take(pool, (size_t)(bins + 1) * sizeof *facts[k].counts);
      if (!facts[k].counts) return vj_fail(VJ_MEMORY, "no memory for labels");
    }
    VJ_TRY(count_labels_of(set, (vj_split)s, facts, row));
  }
  return VJ_OK;
}

/* --- faults ------------------------------------------------------------------------------------------------------ */

static void tell_damage(const vj_clip_video *v, int64_t damaged, int64_t first, char *text, size_t room) {
  size_t used = (size_t)snprintf(text, room, "%s: %lld of %lld frames are damaged", v->entry->path, (long long)damaged,
                                 (long long)v->info.frames);
  if (damaged && used < room)
    used += (size_t)snprintf(text + used, room - used, ", the first is %lld", (long long)first);
  if (v->info.lost && used < room)
    snprintf(text + used, room - used, "; %lld pictures gave none", (long long)v->info.lost);
}

/* Decodes a video in pieces and tells which frames are damaged; NULL: none. The caller frees it. */
static char *find_damage(const vj_data_set *set, const vj_clip_video *v) {
  enum { PIECE = 256 };
  uint8_t pixels[PIECE];
  bool whole[PIECE];
  vj_video *video = NULL;
  char text[1024] = "";
  int64_t damaged = 0, first = -1;
  vj_status status = vj_clips_open_video(set->clips, v, &video);
  for (int64_t at = 0; at < v->info.frames && status == VJ_OK; at += PIECE) {
    const int64_t count = v->info.frames - at < PIECE ? v->info.frames - at : PIECE;
    const vj_video_request piece = {.start = at, .stride = 1, .count = count, .height = 1, .width = 1, .grey = true};
    status = vj_video_frames(video, &piece, pixels, whole, NULL);
    for (int64_t i = 0; i < count && status == VJ_OK; i++) {
      if (!whole[i] && first < 0) first = at + i;
      damaged += !whole[i];
    }
  }
  vj_video_close(&video);
  if (status != VJ_OK)
    snprintf(text, sizeof text, "%s", vj_error_message());
  else if (damaged || v->info.lost)
    tell_damage(v, damaged, first, text, sizeof text);
  vj_error_clear();
  return text[0] ? strdup(text) : NULL;
}

/* What is known without decoding; NULL: nothing. */
static char *recall_damage(const vj_clip_video *v) {
  char text[1024];
  if (!v->info.damaged && !v->info.lost) return NULL;
  tell_damage(v, v->info.damaged, v->info.first_damaged, text, sizeof text);
  return strdup(text);
}

static vj_status find_faults(vj_pool *pool, const vj_data_set *set, vj_split split, bool decode, vj_inspection *n) {
  const int64_t count = vj_clips_count(set->clips, split);
  char **found = NULL;
  VJ_TRY(vj_allocate((size_t)count + 1, sizeof *found, "what is wrong with videos", &found));
#pragma omp parallel for schedule(dynamic) num_threads(vj_threads())
  for (int64_t i = 0; i < count; i++) {
    const vj_clip_video *const v = vj_clips_video(set->clips, split, i);
    if (!v->broken) found[i] = decode ? find_damage(set, v) : recall_damage(v);
  }
  for (int64_t i = 0; i < count; i++) {
    const vj_clip_video *const v = vj_clips_video(set->clips, split, i);
    const char *const reason = v->broken ? v->broken : found[i] ? vj_pool_text(pool, found[i]) : NULL;
    if (reason) n->faults[n->fault_count++] = (vj_video_fault){split, v->entry->name, reason};
    free(found[i]);
  }
  free(found);
  return VJ_OK;
}

vj_status vj_inspect(vj_pool *pool, const vj_data_set *set, bool decode, vj_inspection *n) {
  int64_t all = 0;
  *n = (vj_inspection){.decoded = decode};
  for (int s = 0; s < VJ_SPLITS; s++) all += vj_clips_count(set->clips, (vj_split)s);
  n->faults = vj_pool_take(pool, (size_t)(all + 1) * sizeof *n->faults);
  if (!n->faults) return vj_fail(VJ_MEMORY, "no memory for %lld videos", (long long)all);
  for (int s = 0; s < VJ_SPLITS; s++) {
    VJ_TRY(count_split(pool, set, (vj_split)s, &n->splits[s]));
    VJ_TRY(find_faults(pool, set, (vj_split)s, decode, n));
  }
  VJ_TRY(count_forms(pool, set, n));
  return count_labels(pool, set, n);
}
