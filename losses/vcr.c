#include "losses/vcr.h"

#include "vj/ops.h"

vj_var *vcr_view(vj_graph *graph, const char *name) {
  vj_var *view = vj_view(graph, name);
  const vj_shape shape = vj_shape_of(view);
  if (view && (!vj_is_batched(view) || shape.rank < 3))
    return vj_graph_fail(graph, VJ_SHAPE, "view %s %s is not [b,T,features..]", name, VJ_SHAPE_TEXT(&shape));
  return view;
}

vj_var *vcr_directions(vj_graph *graph, int64_t count, int64_t width, vj_var **previous) {
  if (!*previous || vj_shape_of(*previous).size[1] != width) *previous = vj_directions(graph, count, width);
  return *previous;
}

vj_var *vcr_over_views(vj_graph *graph, const void *config, const vj_text_list *views, const vj_real_list *weights,
                       vcr_term term) {
  if (views->count == 0) return vj_graph_fail(graph, VJ_CONFIG, "on: expected at least one view");
  if (weights->count && weights->count != views->count)
    return vj_graph_fail(graph, VJ_CONFIG,
                         "view_weights: expected none, or one for each of the %lld views of on:, got %lld",
                         (long long)views->count, (long long)weights->count);
  double steps = 0;
  for (int64_t i = 0; i < views->count; i++) {
    vj_var *view = vcr_view(graph, views->at[i]);
    if (!view) return NULL;
    steps += (double)vj_shape_of(view).size[1];
  }
  vj_var *sum = NULL;
  for (int64_t i = 0; i < views->count; i++) {
    const double weight = weights->count ? weights->at[i] : 1;
    if (weight == 0) continue;
    vj_var *view = vj_view(graph, views->at[i]);
    vj_var *part = vj_scale(graph, term(graph, config, view), weight * (double)vj_shape_of(view).size[1] / steps, 0);
    sum = sum ? vj_add(graph, sum, part) : part;
  }
  if (!sum && !vj_graph_failed(graph))
    return vj_graph_fail(graph, VJ_CONFIG, "view_weights: expected one that is not 0");
  return sum;
}
