#include "framework/train/evaluation/sample_frames.h"

#include <math.h>
#include <stdlib.h>

#include "framework/train/evaluation/evaluate.h"

int vj_sample_frames_list(const vj_model *model, const vj_loader *loader,
                          vj_sample_frames pictures[VJ_MOST_SAMPLE_FRAMES]) {
  static const char *const names[] = {VJ_RECORD_PICTURE_X, VJ_RECORD_PICTURE_Y, VJ_RECORD_PICTURE_Y_PRED};
  const int64_t there = loader->info.samples[VJ_TEST], asked = model->config->eval.pictures;
  int count = 0;
  for (int i = 0; vj_frame_views[i] && asked > 0; i++) {
    if (!vj_graph_find_view(model->evaluate.graph, vj_frame_views[i])) continue;
    pictures[count++] =
        (vj_sample_frames){.view = vj_frame_views[i],
                           .name = names[i],
                           .of_input = i == 0,
                           .samples = asked < there ? asked : there,
                           .frames = i == 0 ? model->config->clip.input_frames : model->config->clip.target_frames,
                           .height = loader->info.height,
                           .width = loader->info.width,
                           .channels = loader->info.channels};
  }
  return count;
}

static uint8_t byte_of(float value) { return value > 0 ? value < 1 ? (uint8_t)lrintf(255 * value) : 255 : 0; }

static vj_status write_picture(const vj_sample_frames *p, const float *values, vj_sweep_file *file, int64_t trial) {
  const int64_t start[VJ_FILE_MAX_DIMENSIONS] = {trial};
  const int64_t count[VJ_FILE_MAX_DIMENSIONS] = {1, p->samples, p->frames, p->height, p->width, p->channels};
  const int64_t bytes = p->samples * p->frames * p->height * p->width * p->channels;
  const int variable = vj_sweep_file_find(file, p->name);
  uint8_t *pixels = NULL;
  if (variable < 0) return VJ_OK; /* an earlier version made it, and left no room for frames */
  VJ_TRY(vj_allocate((size_t)bytes, sizeof *pixels, "pictures", &pixels));
  for (int64_t i = 0; i < bytes; i++) pixels[i] = byte_of(values[i]);
  const vj_status status = vj_sweep_file_write(file, variable, start, count, pixels);
  free(pixels);
  return status;
}

vj_status vj_sample_frames_record(vj_model *model, vj_loader *loader, const vj_comm *comm, const vj_stop_check *stop,
                                  vj_sweep_file *file, int64_t trial) {
  vj_sample_frames pictures[VJ_MOST_SAMPLE_FRAMES];
  const char *views[VJ_MOST_SAMPLE_FRAMES];
  float *values[VJ_MOST_SAMPLE_FRAMES] = {NULL};
  const int count = vj_sample_frames_list(model, loader, pictures);
  for (int i = 0; i < count; i++) views[i] = pictures[i].view;
  if (count == 0) return VJ_OK;
  VJ_TRY(vj_evaluate_views(model, loader, comm, VJ_TEST, pictures[0].samples, views, count, stop, values));
  vj_status status = VJ_OK;
  for (int i = 0; i < count && file && status == VJ_OK; i++)
    status = write_picture(&pictures[i], values[i], file, trial);
  for (int i = 0; i < count; i++) free(values[i]);
  return vj_comm_agree(comm, status);
}
