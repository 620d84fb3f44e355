/* How a label becomes what a loss can learn: one-hot rows of classes, flags as they are, numbers standardised.
 *
 * The statistics of numbers are those of the batches that calibrate running statistics, the first of the training data
 * (framework/train/evaluation/calibration.h). They are states, which no step changes, and so lie in checkpoints: sums
 * over a batch divided by its size, averaged over batches,
 *
 *   count   how many are known                      sum      of those
 *   freedom max(0, known - 1)                       squares  of their differences from the batch's mean
 *
 * mean = sum / count and variance = squares / freedom, that within batches. Before calibration numbers stay as they
 * are. */
#include "framework/train/model/labels.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vj/ops.h"

static const double tiny = 1e-12; /* variances below are none */

/* --- standardising ------------------------------------------------------------------------------------------------ */

typedef struct statistics {
  vj_var *count, *sum, *freedom, *squares; /* [width] */
} statistics;

static vj_var *state(vj_graph *graph, const char *name, int64_t width, vj_init init) {
  return vj_state(graph, &(vj_param_spec){name, VJ_SHAPE(width), "C", init, 0, false});
}

/* What is known counts, the rest is 0. */
static vj_var *masked(vj_graph *graph, vj_var *x, vj_var *known) { return known ? vj_mul(graph, x, known) : x; }

static vj_var *ones_of(vj_graph *graph, int64_t width) {
  const vj_real one = 1;
  vj_var *ones = vj_repeat_rows(graph, vj_constant_tensor(graph, &VJ_SHAPE(1), &one), width);
  return vj_reshape(graph, ones, &VJ_SHAPE(width));
}

static void measure(vj_graph *graph, const vj_label_input *input, const statistics *states) {
  const double batch = (double)vj_batch_samples(graph);
  vj_var *count = input->known ? vj_mean_batch(graph, input->known) : ones_of(graph, input->label->width);
  vj_var *sum = vj_mean_batch(graph, input->values);
  vj_var *mean = vj_broadcast(graph, vj_div(graph, sum, vj_scale(graph, count, 1, tiny)));
  vj_var *difference = masked(graph, vj_sub(graph, input->values, mean), input->known);
  vj_graph_running_statistic(graph, states->count, count, 0);
  vj_graph_running_statistic(graph, states->sum, sum, 0);
  vj_graph_running_statistic(graph, states->freedom, vj_activate(graph, vj_scale(graph, count, 1, -1 / batch), VJ_RELU),
                             0);
  vj_graph_running_statistic(graph, states->squares, vj_mean_batch(graph, vj_square(graph, difference)), 0);
}

/* What does not vary tells nothing: it becomes 0, wherever it is later. */
static vj_var *standardised(vj_graph *graph, const vj_label_input *input) {
  const int64_t width = input->label->width;
  const statistics states = {state(graph, "count", width, VJ_INIT_ONE), state(graph, "sum", width, VJ_INIT_ZERO),
                             state(graph, "freedom", width, VJ_INIT_ONE), state(graph, "squares", width, VJ_INIT_ONE)};
  if (graph->calibrates) measure(graph, input, &states);
  vj_var *mean = vj_div(graph, states.sum, vj_scale(graph, states.count, 1, tiny));
  vj_var *variance = vj_div(graph, states.squares, vj_scale(graph, states.freedom, 1, tiny));
  vj_var *scale = vj_div(graph, vj_sqrt(graph, variance), vj_scale(graph, variance, 1, tiny));
  vj_var *difference = vj_sub(graph, input->values, vj_broadcast(graph, mean));
  return masked(graph, vj_mul(graph, difference, vj_broadcast(graph, scale)), input->known);
}

/* --- inputs --------------------------------------------------------------------------------------------------- */

static const vj_label_input *find(const vj_graph *graph, const char *name) {
  for (int i = 0; i < graph->labels.count; i++) {
    const vj_label_input *input = graph->labels.at[i];
    if (strcmp(input->label->name, name) == 0) return input;
  }
  return NULL;
}

static bool find_label(const vj_graph *graph, const char *name, vj_label_input *found) {
  *found = (vj_label_input){0};
  for (int64_t i = 0; i < graph->label_count && !found->label; i++) {
    if (strcmp(graph->all_labels[i].name, name) == 0)
      found->label = &graph->all_labels[i];
    else
      found->offset += graph->all_labels[i].width;
  }
  return found->label;
}

static vj_batch_label no_such_label(vj_graph *graph, const char *name) {
  char known[512] = "";
  for (int64_t i = 0; i < graph->label_count; i++) {
    const size_t used = strlen(known);
    snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", graph->all_labels[i].name);
  }
  vj_graph_fail(graph, VJ_CONFIG, "the data set has no label \"%s\"; it has: %s", name, known);
  return (vj_batch_label){0};
}

static void create_inputs(vj_graph *graph, vj_label_input *input) {
  const vj_label *label = input->label;
  const int64_t numbers = label->kind == VJ_LABEL_CLASS ? label->width * label->classes : label->width;
  input->values = vj_graph_input(graph, "values", &VJ_SHAPE(numbers));
  if (label->has_gaps) input->known = vj_graph_input(graph, "known", &VJ_SHAPE(label->width));
  input->batch = (vj_batch_label){
      .label = label,
      .values = label->kind == VJ_LABEL_REAL ? standardised(graph, input) : input->values,
      .known = input->known,
  };
}

vj_batch_label vj_label_of(vj_graph *graph, const char *name) {
  vj_label_input found;
  const vj_label_input *known = find(graph, name);
  if (known) return known->batch;
  if (!find_label(graph, name, &found)) return no_such_label(graph, name);
  vj_label_input *input = vj_pool_take(graph->pool, sizeof *input);
  if (!input) {
    vj_graph_fail(graph, VJ_MEMORY, "no memory for a label");
    return (vj_batch_label){0};
  }
  char scope[VJ_SCOPE_BYTES];
  vj_scope_leave(graph, scope);
  vj_scope_push(graph, "labels.%s", name);
  create_inputs(graph, &found);
  vj_scope_pop(graph);
  vj_scope_return(graph, scope);
  *input = found;
  return vj_list_push(graph, &graph->labels, input) ? input->batch : (vj_batch_label){0};
}

/* --- filling ------------------------------------------------------------------------------------------------------ */

/* The numbers of a sample; NULL where nothing in the graph looks at them. */
static vj_real *row_of(const vj_graph *graph, const vj_var *var, int64_t i) {
  const int64_t b = vj_shard_samples(graph);
  return var && var->needed ? vj_graph_values(graph, var, i / b) + i % b * (var->count / b) : NULL;
}

static void put_classes(const vj_label *label, const float *from, vj_real *to) {
  for (int64_t k = 0; k < label->width; k++)
    for (int64_t c = 0; c < label->classes; c++) to[k * label->classes + c] = (vj_real)((int64_t)from[k] == c);
}

static void put_numbers(const vj_label *label, const float *from, vj_real *to) {
  for (int64_t k = 0; k < label->width; k++) to[k] = isnan(from[k]) ? 0 : (vj_real)from[k];
}

void vj_labels_fill(const vj_graph *graph, int64_t i, const float *labels) {
  for (int k = 0; k < graph->labels.count; k++) {
    const vj_label_input *input = graph->labels.at[k];
    const float *from = labels + input->offset;
    vj_real *values = row_of(graph, input->values, i), *known = row_of(graph, input->known, i);
    if (values) (input->label->kind == VJ_LABEL_CLASS ? put_classes : put_numbers)(input->label, from, values);
    for (int64_t n = 0; known && n < input->label->width; n++) known[n] = !isnan(from[n]);
  }
}
