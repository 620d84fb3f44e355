/* Running statistics before the first step. Batch norm evaluates by running statistics, and until training has run they
 * are 0 and 1, by which an untrained encoder shrinks what it is given layer by layer. So the model is first run over
 * the first VJ_CALIBRATION_BATCHES batches of the trial's training order, in its first weights, and its running
 * statistics become the means of the batches'; of x and of y, where one encoder sees both. Nothing else changes. */
#ifndef VJ_FRAMEWORK_TRAIN_EVALUATION_CALIBRATION_H
#define VJ_FRAMEWORK_TRAIN_EVALUATION_CALIBRATION_H

#include "framework/train/loading/loader.h"
#include "framework/train/model/model.h"
#include "framework/train/stop_check.h"

enum { VJ_CALIBRATION_BATCHES = 16 };

/* Collective over the group; the same bits on any number of ranks and threads. VJ_INTERRUPTED when it is time to stop:
 * begin anew then. */
VJ_MUST_USE vj_status vj_calibrate(vj_model *model, vj_loader *loader, const vj_comm *comm, const vj_stop_check *stop);

#endif
