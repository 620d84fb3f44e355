#include "app/data/contact_sheet.h"

#include <stdlib.h>

#include "analysis/output/canvas.h"

enum { SHEET_ROWS = 16, SHEET_COLUMNS = 8, GAP = 4, PAPER = 255 };

/* Frames of one video, from its first to its last; a damaged one stays paper. */
static vj_status put_row(const vj_data_set *set, const vj_clip_video *v, int64_t row, int64_t scale, vj_canvas *canvas,
                         uint8_t *frame) {
  vj_video_request request = vj_clips_request(set->clips);
  const int64_t height = request.height * scale + GAP, width = request.width * scale + GAP;
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
      vj_canvas_put(canvas, GAP + k * width, GAP + row * height, frame, request.height, request.width, scale);
  }
  vj_video_close(&video);
  return status;
}

/* Videos that can be read, evenly over all splits. */
static vj_status put_rows(const vj_data_set *set, const vj_clip_video **videos, int64_t count, const char *path) {
  const vj_video_request r = vj_clips_request(set->clips);
  const int64_t rows = count < SHEET_ROWS ? count : SHEET_ROWS, scale = r.width < 96 ? 96 / r.width : 1;
  const int channels = r.grey ? 1 : 3;
  vj_canvas canvas = {0};
  uint8_t *frame = NULL;
  vj_status status = vj_allocate((size_t)(r.height * r.width * channels), 1, "a frame", &frame);
  if (status == VJ_OK)
    status = vj_canvas_create(GAP + SHEET_COLUMNS * (r.width * scale + GAP), GAP + rows * (r.height * scale + GAP),
                              channels, PAPER, &canvas);
  for (int64_t i = 0; i < rows && status == VJ_OK; i++)
    status = put_row(set, videos[i * count / rows], i, scale, &canvas, frame);
  if (status == VJ_OK) status = vj_canvas_write_png(&canvas, path);
  vj_canvas_free(&canvas);
  free(frame);
  return status;
}

vj_status vj_inspect_sheet(const vj_data_set *set, const char *path) {
  int64_t all = 0, count = 0;
  const vj_clip_video **videos = NULL;
  for (int s = 0; s < VJ_SPLITS; s++) all += vj_clips_count(set->clips, (vj_split)s);
  VJ_TRY(vj_allocate((size_t)all + 1, sizeof *videos, "a contact sheet", &videos));
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0; i < vj_clips_count(set->clips, (vj_split)s); i++) {
      const vj_clip_video *const v = vj_clips_video(set->clips, (vj_split)s, i);
      if (!v->broken) videos[count++] = v;
    }
  const vj_status status = put_rows(set, videos, count, path);
  free(videos);
  return status;
}
