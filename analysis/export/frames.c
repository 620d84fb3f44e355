/* `vjvcr export DIR [TRIAL] --frames`: the test clips that sweep.h5 keeps, as pictures. A strip has two lines for each
 * clip, input and target above, decoded prediction below its target; an animation has the clips beside each other, the
 * prediction below, and both begin with the input. */
#include <stdlib.h>
#include <string.h>

#include "analysis/output/canvas.h"
#include "analysis/export/export.h"
#include "framework/store/ledger/ledger.h"

enum { GAP = 2, SHADE = 128, HUNDREDTHS = 20 };

/* Frames of one kind: [clip, frame, row, column, channel]; NULL where the trial has none. */
typedef struct clips {
  int64_t count, frames;
  uint8_t *pixels;
} clips;

typedef struct film {
  int64_t height, width;
  int channels;
  int64_t scale;
  clips input, target, prediction;
} film;

static int64_t frame_bytes(const film *f) { return f->height * f->width * f->channels; }

static const uint8_t *frame_of(const film *f, const clips *c, int64_t clip, int64_t frame) {
  return c->pixels + (clip * c->frames + frame) * frame_bytes(f);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static vj_status read_clips(const vj_results *o, const char *name, int64_t trial, film *f, clips *c) {
  const int variable = vj_sweep_file_find(o->file, name);
  vj_file_variable_info info;
  if (variable < 0) return VJ_OK;
  vj_sweep_file_variable(o->file, variable, &info);
  const int64_t start[VJ_FILE_MAX_DIMENSIONS] = {trial};
  int64_t count[VJ_FILE_MAX_DIMENSIONS] = {1}, bytes = 1;
  for (int i = 1; i < info.rank; i++) bytes *= count[i] = info.size[i];
  *c = (clips){.count = info.size[1], .frames = info.size[2]};
  f->height = info.size[3];
  f->width = info.size[4];
  f->channels = (int)info.size[5];
  VJ_TRY(vj_allocate((size_t)bytes, 1, name, &c->pixels));
  return vj_sweep_file_read(o->file, variable, start, count, c->pixels);
}

/* In a file in which only some arms decode, the others have frames of zeros; so may one that decodes badly. */
static bool decodes(const vj_results *o, int64_t trial) {
  const char *type = vj_results_config(o, "model.decoder.type", trial);
  return type && strcmp(type, "none") != 0;
}

/* Until a trial is done its frames are zeros. */
static bool is_recorded(const film *f, const clips *c) {
  const int64_t bytes = c->count * c->frames * frame_bytes(f);
  int64_t i = 0;
  while (c->pixels && i < bytes && c->pixels[i] == 0) i++;
  return c->pixels && i < bytes;
}

static vj_status read_film(const vj_results *o, int64_t trial, film *f) {
  VJ_TRY(read_clips(o, VJ_RECORD_PICTURE_X, trial, f, &f->input));
  VJ_TRY(read_clips(o, VJ_RECORD_PICTURE_Y, trial, f, &f->target));
  if (decodes(o, trial)) VJ_TRY(read_clips(o, VJ_RECORD_PICTURE_Y_PRED, trial, f, &f->prediction));
  if (!is_recorded(f, &f->input) || !f->target.pixels)
    return vj_fail(VJ_DATA, "trial %lld has no frames: they are recorded when it is done", (long long)trial);
  if (f->channels == 1 || f->channels == 3) return VJ_OK;
  return vj_fail(VJ_DATA, "frames of %d channels are no pictures; expected 1 or 3", f->channels);
}

static void free_film(film *f) {
  free(f->input.pixels);
  free(f->target.pixels);
  free(f->prediction.pixels);
}

/* --- pictures ---------------------------------------------------------------------------------------------------- */

/* Pixels from one frame to the next. */
static int64_t across(const film *f) { return f->width * f->scale + GAP; }
static int64_t down(const film *f) { return f->height * f->scale + GAP; }

static void put(const film *f, vj_canvas *canvas, int64_t column, int64_t line, const uint8_t *frame) {
  vj_canvas_put(canvas, GAP + column * across(f), GAP + line * down(f), frame, f->height, f->width, f->scale);
}

static vj_status write_strip(const film *f, const char *path) {
  const int64_t lines = f->prediction.pixels ? 2 : 1;
  vj_canvas canvas;
  VJ_TRY(vj_canvas_create(GAP + (f->input.frames + f->target.frames) * across(f),
                          GAP + f->input.count * lines * down(f), f->channels, SHADE, &canvas));
  for (int64_t clip = 0; clip < f->input.count; clip++) {
    for (int64_t t = 0; t < f->input.frames; t++) put(f, &canvas, t, clip * lines, frame_of(f, &f->input, clip, t));
    for (int64_t t = 0; t < f->target.frames; t++) {
      put(f, &canvas, f->input.frames + t, clip * lines, frame_of(f, &f->target, clip, t));
      if (lines > 1) put(f, &canvas, f->input.frames + t, clip * lines + 1, frame_of(f, &f->prediction, clip, t));
    }
  }
  const vj_status status = vj_canvas_write_png(&canvas, path);
  vj_canvas_free(&canvas);
  return status;
}

/* What is shown at time t of input and target in a row. */
static const uint8_t *shown_at(const film *f, const clips *behind, int64_t clip, int64_t t) {
  return t < f->input.frames ? frame_of(f, &f->input, clip, t) : frame_of(f, behind, clip, t - f->input.frames);
}

static vj_status draw_moment(const film *f, int64_t t, vj_canvas *canvas) {
  const int64_t lines = f->prediction.pixels ? 2 : 1;
  VJ_TRY(vj_canvas_create(GAP + f->input.count * across(f), GAP + lines * down(f), f->channels, SHADE, canvas));
  for (int64_t clip = 0; clip < f->input.count; clip++) {
    put(f, canvas, clip, 0, shown_at(f, &f->target, clip, t));
    if (lines > 1) put(f, canvas, clip, 1, shown_at(f, &f->prediction, clip, t));
  }
  return VJ_OK;
}

static vj_status write_animation(const film *f, const char *path) {
  const int64_t moments = f->input.frames + f->target.frames;
  vj_canvas *canvases = NULL;
  VJ_TRY(vj_allocate((size_t)moments, sizeof *canvases, "an animation", &canvases));
  vj_status status = VJ_OK;
  for (int64_t t = 0; t < moments && status == VJ_OK; t++) status = draw_moment(f, t, &canvases[t]);
  if (status == VJ_OK) status = vj_canvas_write_gif(canvases, moments, HUNDREDTHS, path);
  for (int64_t t = 0; t < moments; t++) vj_canvas_free(&canvases[t]);
  free(canvases);
  return status;
}

/* --- trials ------------------------------------------------------------------------------------------------------ */

static vj_status export_trial(const vj_results *o, const vj_export_request *r, int64_t trial,
                              vj_export_outcome *outcome) {
  film f = {.scale = r->scale};
  const char *name = vj_pool_format(o->pool, "trial-%04lld", (long long)trial);
  const char *path = name ? vj_export_path(o->pool, r, "frames/", name) : NULL;
  if (!path) return vj_fail(VJ_MEMORY, "no memory for a path");
  vj_status status = read_film(o, trial, &f);
  if (status == VJ_OK) status = strcmp(r->format, "gif") == 0 ? write_animation(&f, path) : write_strip(&f, path);
  free_film(&f);
  return status == VJ_OK ? vj_export_wrote(outcome, path) : status;
}

vj_status vj_export_frames(const vj_results *o, const vj_export_request *r, vj_export_outcome *outcome) {
  int64_t done = 0;
  if (vj_sweep_file_find(o->file, VJ_RECORD_PICTURE_X) < 0)
    return vj_fail(VJ_DATA, "%s: it keeps no frames; run it with eval.pictures above 0", r->folder);
  vj_export_make_folder(o->pool, r, "frames/");
  if (r->trial >= 0) return export_trial(o, r, r->trial, outcome);
  for (int64_t i = 0; i < o->trials; i++) {
    if (o->status[i] != VJ_TRIAL_DONE) continue;
    VJ_TRY(export_trial(o, r, i, outcome));
    done++;
  }
  return done ? VJ_OK : vj_fail(VJ_DATA, "%s: no trial is done, and frames are recorded at the end", r->folder);
}
