/* Learns a label of the data set: what the same encoder can at most be expected to hold of it. Beside weights of 0 for
 * all other losses it is the supervised ceiling of a comparison.
 *
 * Each view has a linear head of its own. Where the label has numbers for each step of the view, the head reads them
 * step by step; else it reads the mean over steps. The loss of a view, averaged over views, is
 *
 *   numbers   mean of (o - y)^2, y standardised by training clips, over those that are known
 *   a class   log sum_c exp o_c - o_y            (softmax cross-entropy)
 *   flags     mean of log(1 + exp o) - y o       (logistic, each flag by itself) */
#include "vj/component.h"
#include "vj/ops.h"

typedef struct supervised_config {
  const char *target;
  vj_text_list on;
} supervised_config;

static const vj_param params[] = {
    VJ_TEXT(supervised_config, target, NULL, "the label of the data set that is learnt"),
    VJ_TEXTS(supervised_config, on, "[hy_pred]", "views it is read from, each by a linear head of its own"),
};

static vj_var *mean_over_steps(vj_graph *graph, vj_var *h) {
  const vj_shape shape = vj_shape_of(h);
  if (!h) return NULL;
  vj_var *by_step = vj_reshape(graph, h, &VJ_SHAPE(shape.size[0], shape.size[1], 1, shape.size[2]));
  return vj_flatten(graph, vj_average_pool(graph, by_step, 1, 1), 1);
}

static vj_var *head(vj_graph *graph, vj_var *h, int64_t out) {
  const vj_shape shape = vj_shape_of(h);
  if (!h) return NULL;
  const int64_t in = shape.size[shape.rank - 1];
  const double bound = 1 / sqrt((double)in);
  vj_var *weight =
      vj_parameter(graph, &(vj_param_spec){"weight", VJ_SHAPE(out, in), "OI", VJ_INIT_UNIFORM, bound, true});
  vj_var *bias = vj_parameter(graph, &(vj_param_spec){"bias", VJ_SHAPE(out), "O", VJ_INIT_ZERO, 0, false});
  return vj_linear(graph, h, weight, bias);
}

/* [b,n], n as many numbers as the label has in a batch. */
static vj_var *outputs(vj_graph *graph, const vj_batch_label *y, vj_var *view) {
  const vj_shape values = vj_shape_of(y->values), shape = vj_shape_of(view);
  const bool by_step = y->label->steps > 1 && y->label->steps == shape.size[1];
  vj_var *h = vj_flatten(graph, view, 2);
  if (!by_step) return head(graph, mean_over_steps(graph, h), values.size[1]);
  return vj_flatten(graph, head(graph, h, values.size[1] / shape.size[1]), 1);
}

static vj_var *squared_error(vj_graph *graph, const vj_batch_label *y, vj_var *o) {
  vj_var *difference = vj_sub(graph, o, y->values);
  if (!y->known) return vj_mean_all(graph, vj_square(graph, difference));
  vj_var *known = vj_scale(graph, vj_mean_all(graph, y->known), 1, 1e-12); /* a batch may know none */
  return vj_div(graph, vj_mean_all(graph, vj_square(graph, vj_mul(graph, difference, y->known))), known);
}

static vj_var *cross_entropy(vj_graph *graph, const vj_batch_label *y, vj_var *o) {
  const vj_shape rows = VJ_SHAPE(vj_shard_samples(graph), y->label->width, y->label->classes);
  o = vj_reshape(graph, o, &rows);
  vj_var *own = vj_sum_features(graph, vj_mul(graph, o, vj_reshape(graph, y->values, &rows)));
  return vj_mean_all(graph, vj_sub(graph, vj_log_sum_exp_features(graph, o), own));
}

static vj_var *logistic(vj_graph *graph, const vj_batch_label *y, vj_var *o) {
  const vj_shape rows = VJ_SHAPE(vj_shard_samples(graph), y->label->width, 1);
  vj_var *column = vj_reshape(graph, o, &rows);
  vj_var *pairs = vj_concat(graph, (vj_var *[]){column, vj_scale(graph, column, 0, 0)}, 2, 2);
  return vj_mean_all(graph, vj_sub(graph, vj_log_sum_exp_features(graph, pairs), vj_mul(graph, o, y->values)));
}

static vj_var *loss_of_view(vj_graph *graph, const vj_batch_label *y, const char *name) {
  vj_var *view = vj_view(graph, name);
  const vj_shape shape = vj_shape_of(view);
  if (!view || !y->values) return NULL;
  if (!vj_is_batched(view) || shape.rank < 3)
    return vj_graph_fail(graph, VJ_SHAPE, "view %s %s is not [b,T,features..]", name, VJ_SHAPE_TEXT(&shape));
  vj_scope_push(graph, "%s", name);
  vj_var *o = outputs(graph, y, view);
  vj_scope_pop(graph);
  switch (y->label->kind) {
    case VJ_LABEL_REAL:
      return squared_error(graph, y, o);
    case VJ_LABEL_CLASS:
      return cross_entropy(graph, y, o);
    case VJ_LABEL_FLAGS:
      return logistic(graph, y, o);
  }
  return NULL;
}

static vj_var *build(vj_graph *graph, const void *untyped) {
  const supervised_config *config = untyped;
  vj_var *sum = NULL;
  if (config->on.count == 0) return vj_graph_fail(graph, VJ_CONFIG, "on: expected at least one view");
  const vj_batch_label y = vj_label_of(graph, config->target);
  for (int64_t i = 0; i < config->on.count; i++) {
    vj_var *loss = loss_of_view(graph, &y, config->on.at[i]);
    sum = sum ? vj_add(graph, sum, loss) : loss;
  }
  return vj_scale(graph, sum, 1 / (double)config->on.count, 0);
}

const vj_component vj_loss_supervised = {
    .abi = VJ_ABI,
    .kind = VJ_LOSS,
    .name = "supervised",
    .summary = "a label of the data set, read by linear heads: squared error, cross-entropy or logistic",
    .source = "the supervised ceiling; squared error and cross-entropies as usual",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(supervised_config),
    .as.loss = {.build = build},
};
