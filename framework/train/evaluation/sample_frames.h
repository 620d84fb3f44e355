/* Frames that are kept to be looked at: input, target and decoded prediction of the first test clips, at the end of a
 * trial. */
#ifndef VJ_FRAMEWORK_TRAIN_EVALUATION_SAMPLE_FRAMES_H
#define VJ_FRAMEWORK_TRAIN_EVALUATION_SAMPLE_FRAMES_H

#include "framework/store/records/records.h"
#include "framework/train/loading/loader.h"
#include "framework/train/model/model.h"
#include "framework/train/stop_check.h"

enum { VJ_MOST_SAMPLE_FRAMES = 3 };

typedef struct vj_sample_frames {
  const char *view, *name; /* "y_pred"; VJ_RECORD_PICTURE_Y_PRED */
  bool of_input;           /* over input frames; else over target steps */
  int64_t samples, frames, height, width, channels;
} vj_sample_frames;

/* What a trial keeps: x, y and, with a decoder, y_pred; their number, 0 with eval.pictures: 0. Not collective. */
int vj_sample_frames_list(const vj_model *model, const vj_loader *loader,
                          vj_sample_frames pictures[VJ_MOST_SAMPLE_FRAMES]);

/* Runs the evaluation graph over the first test clips and writes their frames, from 0 (a value of 0 or less) to 255 (1
 * or more), as trial `trial` of the file. Collective over the group; `file` on its root, NULL elsewhere. Breaks off
 * when it is time to stop, VJ_INTERRUPTED. */
VJ_MUST_USE vj_status vj_sample_frames_record(vj_model *model, vj_loader *loader, const vj_comm *comm,
                                              const vj_stop_check *stop, vj_sweep_file *file, int64_t trial);

#endif
