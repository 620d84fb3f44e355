#include "app/data/contact_sheet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/output/canvas_text.h"

enum { SHEET_ROWS = 16, SHEET_COLUMNS = 8, GAP = 4, PAPER = 255, LETTERS = 30, LINES = 64 };

/* --- what is written beside a row -------------------------------------------------------------------------------- */

typedef struct caption {
  char lines[LINES][LETTERS + 1];
  int count;
} caption;

static void add_line(caption *c, const char *format, ...) VJ_PRINTF(2, 3);
static void add_line(caption *c, const char *format, ...) {
  if (c->count == LINES) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(c->lines[c->count++], LETTERS + 1, format, arguments);
  va_end(arguments);
}

static void add_label(caption *c, const vj_label *label, const float *values) {
  if (label->kind == VJ_LABEL_CLASS && label->width == 1) {
    const int64_t class = (int64_t)values[0];
    const bool is_named = label->names && class >= 0 && class < label->classes;
    if (is_named)
      add_line(c, "%s: %s", label->name, label->names[class]);
    else
      add_line(c, "%s: %lld", label->name, (long long)class);
  }
  if (label->kind != VJ_LABEL_FLAGS || !label->names) return;
  add_line(c, "%s:", label->name);
  for (int64_t k = 0; k < label->width; k++)
    if (values[k] > 0.5f) add_line(c, " %s", label->names[k]);
}

/* The end of a video's name, and the labels of the clip that begins with its first frame. */
static vj_status describe(const vj_data_set *set, vj_split split, int64_t number, float *labels, caption *c) {
  const vj_clip_list *const list = vj_clips_list(set->clips);
  const vj_clip_video *const v = vj_clips_video(set->clips, split, number);
  const vj_clip_window window = vj_clips_window(set->clips, v, 0);
  const size_t length = strlen(v->entry->name);
  c->count = 0;
  add_line(c, "%s", v->entry->name + (length > LETTERS ? length - LETTERS : 0));
  VJ_TRY(list->fill_labels(list->owner, split, number, &window, labels));
  for (int64_t k = 0; k < list->label_count; labels += list->labels[k++].width) add_label(c, &list->labels[k], labels);
  return VJ_OK;
}

/* As many lines as the row is high. */
static void put_caption(vj_canvas *canvas, const caption *c, int64_t top, int64_t height) {
  const int64_t room = height / VJ_LETTER_HEIGHT;
  for (int64_t i = 0; i < c->count && i < room; i++)
    vj_canvas_write_text(canvas, GAP, top + i * VJ_LETTER_HEIGHT,
                         i + 1 == room && c->count > room ? " .." : c->lines[i]);
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

/* Frames of one video, from its first to its last; a damaged one stays paper. */
static vj_status put_frames(const vj_data_set *set, const vj_clip_video *v, int64_t left, int64_t top, int64_t scale,
                            vj_canvas *canvas, uint8_t *frame) {
  vj_video_request request = vj_clips_request(set->clips);
  const int64_t width = request.width * scale + GAP;
  vj_video *video = NULL;
  request.count = 1;
  if (vj_clips_open_video(set->clips, v, &video) != VJ_OK) {
    vj_error_clear();
    return VJ_OK;
  }
  vj_status status = VJ_OK;
  for (int64_t k = 0; k < SHEET_COLUMNS && status == VJ_OK; k++) {
    bool whole = false;
    request.start = k * (v->info.frames - 1) / (SHEET_COLUMNS - 1);
    status = vj_video_frames(video, &request, frame, &whole, NULL);
    if (status == VJ_OK && whole)
      vj_canvas_put(canvas, left + k * width, top, frame, request.height, request.width, scale);
  }
  vj_video_close(&video);
  return status;
}

/* A video that can be read. */
typedef struct shown {
  vj_split split;
  int64_t number;
} shown;

static vj_status put_rows(const vj_data_set *set, const shown *videos, int64_t count, vj_canvas *canvas, int64_t left,
                          int64_t height, int64_t scale, uint8_t *frame, float *labels) {
  const int64_t rows = count < SHEET_ROWS ? count : SHEET_ROWS;
  for (int64_t i = 0; i < rows; i++) {
    const shown one = videos[i * count / rows]; /* evenly over all splits */
    const int64_t top = GAP + i * height;
    caption words;
    VJ_TRY(describe(set, one.split, one.number, labels, &words));
    put_caption(canvas, &words, top, height);
    VJ_TRY(put_frames(set, vj_clips_video(set->clips, one.split, one.number), left, top, scale, canvas, frame));
  }
  return VJ_OK;
}

static vj_status draw(const vj_data_set *set, const shown *videos, int64_t count, const char *path) {
  const vj_video_request r = vj_clips_request(set->clips);
  const int64_t rows = count < SHEET_ROWS ? count : SHEET_ROWS, scale = r.width < 96 ? 96 / r.width : 1;
  const int64_t left = GAP + LETTERS * VJ_LETTER_WIDTH + GAP, height = r.height * scale + GAP;
  const int channels = r.grey ? 1 : 3;
  vj_clip_info info;
  vj_canvas canvas = {0};
  uint8_t *frame = NULL;
  float *labels = NULL;
  vj_clips_info(set->clips, &info);
  vj_status status = vj_allocate((size_t)(r.height * r.width * channels), 1, "a frame", &frame);
  if (status == VJ_OK) status = vj_allocate((size_t)info.label_width + 1, sizeof *labels, "labels", &labels);
  if (status == VJ_OK)
    status =
        vj_canvas_create(left + SHEET_COLUMNS * (r.width * scale + GAP), GAP + rows * height, channels, PAPER, &canvas);
  if (status == VJ_OK) status = put_rows(set, videos, count, &canvas, left, height, scale, frame, labels);
  if (status == VJ_OK) status = vj_canvas_write_png(&canvas, path);
  vj_canvas_free(&canvas);
  free(labels);
  free(frame);
  return status;
}

vj_status vj_inspect_sheet(const vj_data_set *set, const char *path) {
  int64_t all = 0, count = 0;
  shown *videos = NULL;
  for (int s = 0; s < VJ_SPLITS; s++) all += vj_clips_count(set->clips, (vj_split)s);
  VJ_TRY(vj_allocate((size_t)all + 1, sizeof *videos, "a contact sheet", &videos));
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0; i < vj_clips_count(set->clips, (vj_split)s); i++)
      if (!vj_clips_video(set->clips, (vj_split)s, i)->broken) videos[count++] = (shown){(vj_split)s, i};
  const vj_status status = draw(set, videos, count, path);
  free(videos);
  return status;
}
