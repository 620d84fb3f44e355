/* Building: variables, nodes, parameters, scopes, views, and the first failure. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/graph/graph.h"
#include "framework/graph/plan.h"
#include "framework/ops/op.h"

vj_status vj_graph_create(const vj_graph_options *options, vj_parameters *parameters, vj_graph **graph) {
  *graph = NULL;
  vj_pool *pool = NULL;
  VJ_TRY(vj_pool_create(&pool));
  vj_graph *fresh = vj_pool_take(pool, sizeof *fresh);
  if (!fresh) {
    vj_pool_destroy(&pool);
    return vj_fail(VJ_MEMORY, "no memory for a graph");
  }
  fresh->pool = pool;
  fresh->options = *options;
  fresh->parameters = parameters;
  *graph = fresh;
  return VJ_OK;
}

void vj_graph_destroy(vj_graph **graph) {
  if (!*graph) return;
  vj_plan_destroy((*graph)->plan);
  vj_pool *pool = (*graph)->pool; /* the graph itself lives in it */
  vj_pool_destroy(&pool);
  *graph = NULL;
}

/* --- failures ----------------------------------------------------------------------------------------------- */

vj_var *vj_graph_fail(vj_graph *graph, vj_status status, const char *format, ...) {
  if (graph->status != VJ_OK) return NULL;
  char sentence[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(sentence, sizeof sentence, format, arguments);
  va_end(arguments);
  graph->status = status;
  graph->message = vj_pool_format(graph->pool, "%s%s%s", graph->scope, graph->scope[0] ? ": " : "", sentence);
  return NULL;
}

bool vj_graph_failed(const vj_graph *graph) { return graph->status != VJ_OK; }

vj_status vj_graph_status(const vj_graph *graph) {
  if (graph->status == VJ_OK) return VJ_OK;
  return vj_fail(graph->status, "%s", graph->message ? graph->message : "no memory while building a graph");
}

static vj_var *out_of_memory(vj_graph *graph) { return vj_graph_fail(graph, VJ_MEMORY, "no memory for the graph"); }

bool vj_list_push(vj_graph *graph, vj_list *list, void *item) {
  if (!vj_pool_grow(graph->pool, &list->at, list->count, sizeof *list->at)) {
    out_of_memory(graph);
    return false;
  }
  list->at[list->count++] = item;
  return true;
}

/* Zeroed, in the graph's pool and in the list; NULL after a failure. */
static void *list_new(vj_graph *graph, vj_list *list, size_t bytes) {
  void *item = vj_pool_take(graph->pool, bytes);
  if (!item) return out_of_memory(graph);
  return vj_list_push(graph, list, item) ? item : NULL;
}

/* --- shapes ------------------------------------------------------------------------------------------------- */

vj_shape vj_shape_of(const vj_var *var) { return var ? var->shape : (vj_shape){.rank = 0}; }

bool vj_is_batched(const vj_var *var) { return var && var->batched; }

bool vj_shape_same(const vj_shape *a, const vj_shape *b) {
  return a->rank == b->rank && memcmp(a->size, b->size, (size_t)a->rank * sizeof a->size[0]) == 0;
}

int64_t vj_shape_count(const vj_shape *shape, int from, int to) {
  int64_t count = 1;
  for (int i = from; i < to; i++) count *= shape->size[i];
  return count;
}

const char *vj_shape_text(const vj_shape *shape, char *buffer) {
  int used = snprintf(buffer, 128, "[");
  for (int i = 0; i < shape->rank && used < 100; i++)
    used += snprintf(buffer + used, (size_t)(128 - used), i ? ",%lld" : "%lld", (long long)shape->size[i]);
  snprintf(buffer + used, (size_t)(128 - used), "]");
  return buffer;
}

bool vj_is_training(const vj_graph *graph) { return graph->options.training && graph->frozen == 0; }
int64_t vj_shard_samples(const vj_graph *graph) { return graph->options.shard_samples; }
int64_t vj_batch_samples(const vj_graph *graph) { return graph->options.shard_samples * graph->options.shards; }

/* --- variables and nodes ------------------------------------------------------------------------------------- */

static vj_var *var_create(vj_graph *graph, vj_role role, bool batched, const vj_shape *shape, const char *name) {
  if (graph->status != VJ_OK) return NULL;
  vj_var *var = vj_pool_take(graph->pool, sizeof *var);
  if (!var) return out_of_memory(graph);
  var->id = graph->vars.count;
  var->name = name;
  var->role = role;
  var->batched = batched;
  var->shape = *shape;
  var->count = vj_shape_count(shape, 0, shape->rank);
  var->parameter = -1;
  for (int i = 0; i < shape->rank; i++)
    if (shape->size[i] < 1) {
      return vj_graph_fail(graph, VJ_SHAPE, "%s would have the empty shape %s", name, VJ_SHAPE_TEXT(shape));
    }
  return vj_list_push(graph, &graph->vars, var) ? var : NULL;
}

vj_node *vj_node_create(vj_graph *graph, const vj_op *op, vj_var *const *inputs, int count, int optional_from,
                        const void *attributes, size_t attribute_bytes) {
  if (graph->status != VJ_OK) return NULL;
  bool batched = false, needs_gradient = false;
  for (int i = 0; i < count; i++) {
    if (!inputs[i] && i < optional_from) return NULL; /* what failed before was said before */
    batched = batched || vj_is_batched(inputs[i]);
    needs_gradient = needs_gradient || vj_wants_gradient(inputs[i]);
  }
  vj_node *node = vj_pool_take(graph->pool, sizeof *node);
  void *copy = vj_pool_take(graph->pool, attribute_bytes ? attribute_bytes : 1);
  if (!node || !copy) {
    out_of_memory(graph);
    return NULL;
  }
  if (attribute_bytes) memcpy(copy, attributes, attribute_bytes);
  node->op = op;
  node->input_count = count;
  for (int i = 0; i < count; i++) node->inputs[i] = inputs[i];
  node->attributes = copy;
  node->scope = vj_pool_text(graph->pool, graph->scope);
  if (!node->scope) out_of_memory(graph);
  node->batched = batched;
  return vj_list_push(graph, &graph->nodes, node) ? node : NULL;
}

vj_var *vj_node_output(vj_graph *graph, vj_node *node, bool batched, const vj_shape *shape) {
  if (!node) return NULL;
  vj_var *var = var_create(graph, VJ_ROLE_INTERMEDIATE, batched, shape, node->op->name);
  if (!var) return NULL;
  var->producer = node;
  for (int i = 0; i < node->input_count; i++)
    var->needs_gradient = var->needs_gradient || vj_wants_gradient(node->inputs[i]);
  node->batched = node->batched || batched;
  node->outputs[node->output_count++] = var;
  return var;
}

vj_var *vj_node_result(vj_graph *graph, vj_node *node, const vj_shape *shape) {
  return node ? vj_node_output(graph, node, node->batched, shape) : NULL;
}

vj_var *vj_graph_input(vj_graph *graph, const char *name, const vj_shape *sample_shape) {
  vj_shape shape = {.rank = sample_shape->rank + 1};
  shape.size[0] = graph->options.shard_samples;
  for (int i = 0; i < sample_shape->rank; i++) shape.size[i + 1] = sample_shape->size[i];
  return var_create(graph, VJ_ROLE_INPUT, true, &shape, vj_pool_text(graph->pool, name));
}

void vj_graph_keep(vj_var *var) {
  if (var) var->keep = true;
}

/* --- parameters --------------------------------------------------------------------------------------------- */

/* `prefix` stands before the name, not before that of the stream its first values are drawn from. */
static vj_var *parameter_var(vj_graph *graph, const char *prefix, const vj_param_spec *spec, bool trained) {
  if (graph->status != VJ_OK) return NULL;
  char name[384];
  const int stream = snprintf(name, sizeof name, "%s", prefix);
  snprintf(name + stream, sizeof name - (size_t)stream, "%s%s%s", graph->scope, graph->scope[0] ? "." : "", spec->name);
  int index = -1;
  const vj_status status = vj_parameters_add(graph->parameters, name, name + stream, spec, trained, &index);
  if (status != VJ_OK) return vj_graph_fail(graph, status, "%s", vj_error_message());
  for (int i = 0; i < graph->parameter_vars.count; i++) {
    vj_var *known = graph->parameter_vars.at[i];
    if (known->parameter == index) return known;
  }
  vj_var *var = var_create(graph, trained ? VJ_ROLE_PARAMETER : VJ_ROLE_STATE, false, &spec->shape,
                           graph->parameters->rows[index].name);
  if (!var) return NULL;
  var->parameter = index;
  *(graph->frozen ? &var->thawed : &var->needs_gradient) = trained && graph->options.training;
  return vj_list_push(graph, &graph->parameter_vars, var) ? var : NULL;
}

static void change_state(vj_graph *graph, vj_var *state, vj_var *value, double rate, bool averages) {
  if (graph->status != VJ_OK || !state || !value || !vj_is_training(graph)) return;
  vj_state_change *change = list_new(graph, &graph->changes, sizeof *change);
  if (!change) return;
  *change = (vj_state_change){state, value, rate, averages};
  vj_graph_keep(value);
}

static const char *const average_prefix = "target.";

/* Changes of states come before the optimizer's step: after step k, counted from 0, the average takes in the
 * parameter that step k was made with, not the one it made. It so lags one step behind an average taken after the
 * optimizer, as BYOL's (Grill et al. 2020, eq. 1), and nothing but the graph is needed to train with it. */
static vj_var *average_of(vj_graph *graph, const vj_param_spec *spec, vj_var *trained) {
  const int known = graph->parameter_vars.count;
  vj_var *average = parameter_var(graph, average_prefix, spec, false);
  if (graph->parameter_vars.count > known && !graph->calibrates) change_state(graph, average, trained, 0, true);
  return average;
}

vj_var *vj_parameter(vj_graph *graph, const vj_param_spec *spec) {
  vj_var *trained = parameter_var(graph, "", spec, true);
  return graph->averages ? average_of(graph, spec, trained) : trained;
}

vj_var *vj_state(vj_graph *graph, const vj_param_spec *spec) {
  return parameter_var(graph, graph->averages ? average_prefix : "", spec, false);
}

void vj_state_update(vj_graph *graph, vj_var *state, vj_var *value, double rate) {
  if (!graph->calibrates) change_state(graph, state, value, rate, false);
}

void vj_graph_running_statistic(vj_graph *graph, vj_var *state, vj_var *value, double rate) {
  change_state(graph, state, value, rate, false);
}

/* --- frozen sections ----------------------------------------------------------------------------------------- */

void vj_freeze(vj_graph *graph) {
  if (graph->frozen++ > 0) return;
  for (int i = 0; i < graph->vars.count; i++) {
    vj_var *var = graph->vars.at[i];
    var->thawed = var->needs_gradient;
    var->needs_gradient = false;
  }
}

/* What was made in between was never `thawed`, so it stays a constant. */
void vj_thaw(vj_graph *graph) {
  if (--graph->frozen > 0) return;
  for (int i = 0; i < graph->vars.count; i++) {
    vj_var *var = graph->vars.at[i];
    var->needs_gradient = var->thawed;
    var->thawed = false;
  }
}

/* --- scopes and views --------------------------------------------------------------------------------------- */

void vj_scope_push(vj_graph *graph, const char *format, ...) {
  const size_t used = strlen(graph->scope), left = sizeof graph->scope - used;
  if (graph->scope_depth < VJ_MAX_SCOPES) graph->scope_lengths[graph->scope_depth] = used;
  graph->scope_depth++;
  const int dot = used && left > 1 ? snprintf(graph->scope + used, left, ".") : 0;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(graph->scope + used + dot, left - (size_t)dot, format, arguments);
  va_end(arguments);
}

void vj_scope_pop(vj_graph *graph) {
  if (graph->scope_depth == 0) return;
  graph->scope_depth--;
  if (graph->scope_depth < VJ_MAX_SCOPES) graph->scope[graph->scope_lengths[graph->scope_depth]] = '\0';
}

void vj_scope_leave(vj_graph *graph, char left[VJ_SCOPE_BYTES]) {
  memcpy(left, graph->scope, VJ_SCOPE_BYTES);
  graph->scope[0] = '\0';
}

void vj_scope_return(vj_graph *graph, const char left[VJ_SCOPE_BYTES]) { memcpy(graph->scope, left, VJ_SCOPE_BYTES); }

void vj_show(vj_graph *graph, const char *name, vj_var *var) {
  if (!var || graph->frozen) return;
  const char *own_name = vj_pool_text(graph->pool, name);
  vj_named_var *view = own_name ? list_new(graph, &graph->views, sizeof *view) : NULL;
  if (!view) {
    out_of_memory(graph);
    return;
  }
  *view = (vj_named_var){own_name, var};
}

void vj_tap(vj_graph *graph, const char *name, vj_var *var) {
  char full[256];
  if (graph->view_scope) snprintf(full, sizeof full, "%s.%s", graph->view_scope, name);
  if (graph->view_scope) vj_show(graph, full, var);
}

vj_var *vj_graph_find_view(const vj_graph *graph, const char *name) {
  for (int i = 0; i < graph->views.count; i++) {
    const vj_named_var *view = graph->views.at[i];
    if (strcmp(view->name, name) == 0) return view->var;
  }
  return NULL;
}

void vj_graph_record_scalar(vj_graph *graph, const char *name, vj_var *var, double weight, const char *unit,
                            const char *long_name) {
  if (!var || graph->frozen) return;
  if (var->batched || var->count != 1) {
    vj_graph_fail(graph, VJ_SHAPE, "%s: expected a shared number to report, got %s", name, VJ_SHAPE_TEXT(&var->shape));
    return;
  }
  vj_recorded_scalar *report = list_new(graph, &graph->reports, sizeof *report);
  if (!report) return;
  *report = (vj_recorded_scalar){vj_pool_text(graph->pool, name), vj_pool_text(graph->pool, long_name), var, weight,
                                 vj_pool_text(graph->pool, unit)};
  if (!report->name || !report->long_name || !report->unit) out_of_memory(graph);
  vj_graph_keep(var);
}

void vj_add_loss(vj_graph *graph, const char *name, vj_var *var, double weight, const char *long_name) {
  vj_graph_record_scalar(graph, name, var, weight, "1", long_name);
}

void vj_record_scalar(vj_graph *graph, const char *name, vj_var *var, const char *long_name) {
  vj_add_loss(graph, name, var, 0, long_name);
}

void vj_aim(vj_graph *graph, const char *name, const char *setting, double goal, double tolerance) {
  if (graph->status != VJ_OK || graph->frozen) return;
  vj_goal *fresh = list_new(graph, &graph->goals, sizeof *fresh);
  if (!fresh) return;
  *fresh = (vj_goal){vj_pool_text(graph->pool, name), vj_pool_text(graph->pool, setting), goal, tolerance};
  if (!fresh->name || !fresh->setting) out_of_memory(graph);
}

vj_var *vj_view(vj_graph *graph, const char *name) {
  if (graph->status != VJ_OK) return NULL;
  vj_var *var = vj_graph_find_view(graph, name);
  if (var) return var;
  char known[768] = "";
  for (int i = 0; i < graph->views.count; i++) {
    const size_t used = strlen(known);
    snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", ((vj_named_var *)graph->views.at[i])->name);
  }
  return vj_graph_fail(graph, VJ_CONFIG, "there is no view \"%s\"; there are: %s", name, known);
}
