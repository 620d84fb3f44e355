/* Labels of the batch as inputs of a graph, for the losses that learn from them (vj_label_of in vj/component.h). A
 * graph of which no loss asks for one has none. Not collective. */
#ifndef VJ_FRAMEWORK_TRAIN_MODEL_LABELS_H
#define VJ_FRAMEWORK_TRAIN_MODEL_LABELS_H

#include "framework/graph/graph.h"
#include "vj/component.h"

/* One that was asked for; graph->labels lists them. */
typedef struct vj_label_input {
  const vj_label *label;  /* of the data set, which outlives the graph */
  int64_t offset;         /* of its numbers among those of a sample */
  vj_var *values, *known; /* inputs [b,n], [b,width]: as they are, 0 for NaN; 1 or 0. `known` only with gaps. */
  vj_batch_label batch;   /* what losses see */
} vj_label_input;

/* Puts the labels of a sample, [label_width] as the data set gives them, into a graph's inputs; the sample is this
 * rank's i-th. Threads may do it at the same time, each with its own i. */
void vj_labels_fill(const vj_graph *graph, int64_t i, const float *labels);

#endif
