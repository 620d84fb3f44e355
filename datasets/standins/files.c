/* Files of a stand-in: each whole or not there. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/standins/standin_private.h"

static const char unfinished[] = ".part";

vj_status vj_standin_path(const vj_standin *set, char *path, const char *format, ...) {
  const int used = snprintf(path, VJ_STANDIN_PATH, "%s/", set->request.folder);
  va_list arguments;
  va_start(arguments, format);
  const int more =
      used < VJ_STANDIN_PATH ? vsnprintf(path + used, (size_t)(VJ_STANDIN_PATH - used), format, arguments) : 0;
  va_end(arguments);
  if (used + more + (int)sizeof unfinished <= VJ_STANDIN_PATH) return VJ_OK;
  return vj_fail(VJ_USAGE, "%s: the name of the folder is too long", set->request.folder);
}

static vj_status make_folders(char *path) {
  for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
    *slash = 0;
    const int made = mkdir(path, 0777);
    *slash = '/';
    (void)made; /* the last one tells */
  }
  if (mkdir(path, 0777) == 0 || errno == EEXIST) return VJ_OK;
  return vj_fail(VJ_IO, "%s: the folder can't be made: %s", path, strerror(errno));
}

vj_status vj_standin_folder(const vj_standin *set, const char *format, ...) {
  char rest[VJ_STANDIN_PATH], path[VJ_STANDIN_PATH];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(rest, sizeof rest, format, arguments);
  va_end(arguments);
  VJ_TRY(vj_standin_path(set, path, "%s", rest));
  return make_folders(path);
}

bool vj_standin_is_there(const char *path) { return access(path, F_OK) == 0; }

vj_rng vj_standin_stream(const vj_standin *set, vj_split split, int64_t number) {
  return vj_rng_stream(set->request.seed, VJ_RNG_DATA, (uint32_t)split, (uint64_t)number);
}

static void name_unfinished(const char *path, char *name) {
  snprintf(name, VJ_STANDIN_PATH + sizeof unfinished, "%s%s", path, unfinished);
}

static vj_status take_name(const char *name, const char *path) {
  if (rename(name, path) == 0) return VJ_OK;
  return vj_fail(VJ_IO, "%s: can't be renamed to %s: %s", name, path, strerror(errno));
}

vj_status vj_standin_write_text(const char *path, const char *text) {
  char name[VJ_STANDIN_PATH + sizeof unfinished];
  name_unfinished(path, name);
  FILE *file = fopen(name, "w");
  if (!file) return vj_fail(VJ_IO, "%s: can't be made: %s", name, strerror(errno));
  const bool written = fputs(text, file) >= 0;
  if (fclose(file) == 0 && written) return take_name(name, path);
  return vj_fail(VJ_IO, "%s: can't be written: %s", name, strerror(errno));
}

vj_status vj_standin_write_json(const char *path, json_t *json, int64_t digits) {
  char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(digits)) : NULL;
  json_decref(json);
  if (!text) return vj_fail(VJ_MEMORY, "%s: no memory for what it is to hold", path);
  const vj_status status = vj_standin_write_text(path, text);
  free(text);
  return status;
}

void vj_growing_add(vj_growing_text *t, const char *format, ...) {
  char piece[VJ_STANDIN_PATH + 512];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(piece, sizeof piece, format, arguments);
  va_end(arguments);
  if (length < 0 || (size_t)length >= sizeof piece) t->failed = true;
  if (t->failed) return;
  if (t->length + (size_t)length + 1 > t->room) {
    const size_t room = 2 * (t->room + sizeof piece);
    char *bytes = realloc(t->bytes, room);
    if (!bytes) {
      t->failed = true;
      return;
    }
    t->bytes = bytes;
    t->room = room;
  }
  memcpy(t->bytes + t->length, piece, (size_t)length + 1);
  t->length += (size_t)length;
}

vj_status vj_standin_write_growing(const char *path, vj_growing_text *t) {
  const vj_status status = t->failed ? vj_fail(VJ_MEMORY, "%s: no memory for what it is to hold", path)
                                     : vj_standin_write_text(path, t->bytes ? t->bytes : "");
  free(t->bytes);
  *t = (vj_growing_text){0};
  return status;
}

static vj_status film(vj_encoder *encoder, vj_renderer *renderer, const vj_camera *camera, int64_t frames,
                      vj_standin_pose pose, const void *context) {
  enum { MOST = 64 };
  vj_solid solids[MOST];
  uint8_t *rgb = NULL;
  vj_status status;
  VJ_TRY(vj_allocate((size_t)(camera->width * camera->height), 3, "a picture", &rgb));
  for (int64_t t = 0; t < frames; t++) {
    vj_render(renderer, solids, pose(context, t, solids), rgb);
    VJ_TRY_GOTO(status, vj_encoder_add(encoder, rgb), done);
  }
  status = vj_encoder_finish(encoder);
done:
  free(rgb);
  return status;
}

vj_status vj_standin_film(const char *path, const vj_encoding *encoding, const vj_camera *camera, double shade,
                          int64_t frames, vj_standin_pose pose, const void *context) {
  char name[VJ_STANDIN_PATH + sizeof unfinished];
  vj_renderer *renderer = NULL;
  vj_encoder *encoder = NULL;
  vj_status status;
  name_unfinished(path, name);
  VJ_TRY_GOTO(status, vj_renderer_create(camera, shade, &renderer), done);
  VJ_TRY_GOTO(status, vj_encoder_open(name, encoding, &encoder), done);
  VJ_TRY_GOTO(status, film(encoder, renderer, camera, frames, pose, context), done);
  VJ_TRY_GOTO(status, take_name(name, path), done);
done:
  vj_encoder_close(&encoder);
  vj_renderer_destroy(&renderer);
  return status;
}
