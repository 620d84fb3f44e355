#include "framework/train/evaluation/calibration.h"

vj_status vj_calibrate(vj_model *model, vj_loader *loader, const vj_comm *comm, const vj_stop_check *stop) {
  const vj_model_graph *part = &model->calibrate;
  if (!part->graph) return VJ_OK;
  for (int64_t k = 0; k < VJ_CALIBRATION_BATCHES; k++) {
    VJ_TRY(vj_stop_check_agree(stop, comm));
    VJ_TRY(vj_comm_agree(comm, vj_loader_fill_step(loader, part->graph, part->frames, comm, k)));
    part->graph->step = k;
    VJ_TRY(vj_graph_run(part->graph));
  }
  return VJ_OK;
}
