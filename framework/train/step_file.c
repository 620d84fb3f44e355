#include "framework/train/step_file.h"

#include <stdlib.h>
#include <string.h>

#include "framework/comm/exchange.h"
#include "framework/ops/op.h"
#include "framework/store/array_file.h"
#include "framework/train/evaluation/calibration.h"
#include "framework/train/loading/loader.h"
#include "framework/train/model/labels.h"
#include "framework/train/model/model.h"
#include "framework/train/model/optimizer.h"
#include "framework/train/model/weights.h"

typedef struct dump {
  const vj_config *config;
  const vj_comm *comm;
  vj_array_file *file; /* on rank 0 */
  vj_loader loader;
  vj_model *model;
  vj_optimizer_state optimizer;
  vj_pool *pool;
} dump;

static vj_status put(dump *d, const char *group, const char *name, const vj_shape *shape, const void *values,
                     const char *layout) {
  if (!d->file) return VJ_OK;
  const char *full = vj_pool_format(d->pool, "%s%s%s", group, group[0] ? "/" : "", name);
  if (!full) return vj_fail(VJ_MEMORY, "no memory for a name");
  return vj_array_file_put(d->file, full, VJ_ARRAY_REAL, shape->rank, shape->size, values, layout);
}

/* A batched variable of all ranks as one array [B,..]; collective. */
static vj_status put_batched(dump *d, const char *group, const char *name, const vj_var *var) {
  const vj_graph *graph = d->model->train.graph;
  const int64_t shards = d->config->optim.shards / d->comm->size, mine = shards * var->count;
  vj_real *part = NULL, *all = NULL;
  vj_status status = vj_allocate((size_t)mine, sizeof *part, name, &part);
  if (status == VJ_OK) status = vj_allocate((size_t)(mine * d->comm->size), sizeof *all, name, &all);
  VJ_TRY_GOTO(status, vj_comm_agree(d->comm, status), done);
  for (int64_t s = 0; s < shards; s++)
    memcpy(part + s * var->count, vj_graph_values(graph, var, s), (size_t)var->count * sizeof *part);
  VJ_TRY_GOTO(status, vj_comm_gather(d->comm, part, all, (size_t)mine * sizeof *part, 0), done);
  vj_shape shape = var->shape;
  shape.size[0] = d->config->optim.batch;
  status = vj_comm_agree(d->comm, put(d, group, name, &shape, all, NULL));
done:
  free(part);
  free(all);
  return status;
}

static vj_status put_parameters(dump *d, const char *trained, const char *states, const vj_real *values) {
  const vj_parameters *p = d->model->parameters;
  for (int i = 0; i < p->count; i++) {
    const vj_parameter_row *row = &p->rows[i];
    if (!row->trained && !states) continue;
    const vj_real *from = row->trained ? values + row->offset : p->states + row->offset;
    VJ_TRY(put(d, row->trained ? trained : states, row->name, &row->shape, from, row->layout));
  }
  return VJ_OK;
}

static vj_status put_labels(dump *d) {
  const int64_t batch = d->config->optim.batch, width = d->loader.info.label_width;
  const int64_t pixels = d->loader.info.frames * d->loader.info.height * d->loader.info.width * d->loader.info.channels;
  if (!d->file) return VJ_OK;
  int64_t *numbers = vj_pool_take(d->pool, (size_t)batch * sizeof *numbers);
  float *frames = vj_pool_take(d->pool, (size_t)pixels * sizeof *frames);
  float *labels = vj_pool_take(d->pool, (size_t)(batch * width + 1) * sizeof *labels);
  float *column = vj_pool_take(d->pool, (size_t)(batch * width + 1) * sizeof *column);
  if (!numbers || !frames || !labels || !column) return vj_fail(VJ_MEMORY, "no memory for labels");
  for (int64_t i = 0; i < batch; i++) {
    numbers[i] = vj_loader_number(&d->loader, i);
    VJ_TRY(d->loader.component->as.dataset.sample(d->loader.dataset, VJ_TRAIN, numbers[i], frames, labels + i * width));
  }
  VJ_TRY(vj_array_file_put(d->file, "batch/numbers", VJ_ARRAY_INT64, 1, &batch, numbers, NULL));
  for (int64_t k = 0, offset = 0; k < d->loader.info.label_count; offset += d->loader.info.labels[k++].width) {
    const vj_label *label = &d->loader.info.labels[k];
    for (int64_t i = 0; i < batch; i++)
      memcpy(column + i * label->width, labels + i * width + offset, (size_t)label->width * sizeof *column);
    const char *name = vj_pool_format(d->pool, "labels/%s", label->name);
    VJ_TRY(vj_array_file_put(d->file, name, VJ_ARRAY_FLOAT, 2, (int64_t[]){batch, label->width}, column, NULL));
  }
  return VJ_OK;
}

static vj_status put_step(dump *d, double norm) {
  const vj_model_graph *part = &d->model->train;
  for (int i = 0; i < part->graph->views.count; i++) {
    const vj_named_var *view = part->graph->views.at[i];
    if (view->var->keep && view->var->batched) VJ_TRY(put_batched(d, "activation", view->name, view->var));
  }
  const vj_shape scalar = {.rank = 0};
  const vj_real norm_real = (vj_real)norm;
  vj_status status = put(d, "loss", "total", &scalar, vj_graph_values(part->graph, part->total, 0), NULL);
  for (int64_t i = 0; i < d->config->loss_count && status == VJ_OK; i++)
    status = put(d, "loss", d->config->losses[i].choice.key, &scalar, vj_graph_values(part->graph, part->losses[i], 0),
                 NULL);
  for (int i = 0; i < part->graph->reports.count && status == VJ_OK; i++) {
    const vj_recorded_scalar *report = part->graph->reports.at[i];
    status = put(d, "loss", report->name, &scalar, vj_graph_values(part->graph, report->var, 0), NULL);
  }
  if (status == VJ_OK) status = put_parameters(d, "grad", NULL, d->model->parameters->gradients);
  if (status == VJ_OK) status = put(d, "", "grad_norm", &scalar, &norm_real, NULL);
  return vj_comm_agree(d->comm, status);
}

/* How many of the nodes before this one draw at random in its scope. */
static int noise_number(const vj_list *nodes, int index) {
  const vj_node *node = nodes->at[index];
  int number = 0;
  for (int i = 0; i < index; i++) {
    const vj_node *other = nodes->at[i];
    number += other->op == &vj_op_noise && strcmp(other->scope, node->scope) == 0;
  }
  return number;
}

/* What the step drew at random, as <scope>.0, <scope>.1, ...; collective. */
static vj_status put_noise(dump *d, const char *group) {
  const vj_graph *graph = d->model->train.graph;
  for (int i = 0; i < graph->nodes.count; i++) {
    const vj_node *node = graph->nodes.at[i];
    if (node->op != &vj_op_noise) continue;
    const vj_var *drawn = node->outputs[0];
    const char *name = vj_pool_format(d->pool, "%s.%d", node->scope, noise_number(&graph->nodes, i));
    if (drawn->batched)
      VJ_TRY(put_batched(d, group, name, drawn));
    else
      VJ_TRY(vj_comm_agree(d->comm, put(d, group, name, &drawn->shape, vj_graph_values(graph, drawn, 0), NULL)));
  }
  return VJ_OK;
}

/* Everything a view shows, and what is drawn, must outlive the step. */
static void keep_what_is_shown(vj_model_graph *part, int64_t losses) {
  for (int i = 0; i < part->graph->nodes.count; i++) {
    const vj_node *node = part->graph->nodes.at[i];
    if (node->op == &vj_op_noise) vj_graph_keep(node->outputs[0]);
  }
  vj_graph_keep(part->frames);
  for (int i = 0; i < part->graph->labels.count; i++) {
    const vj_label_input *input = part->graph->labels.at[i];
    vj_graph_keep(input->values);
    vj_graph_keep(input->known);
  }
  for (int64_t i = 0; i < losses; i++) vj_graph_keep(part->losses[i]);
  for (int i = 0; i < part->graph->reports.count; i++)
    vj_graph_keep(((const vj_recorded_scalar *)part->graph->reports.at[i])->var);
  for (int i = 0; i < part->graph->views.count; i++) {
    const vj_named_var *view = part->graph->views.at[i];
    if (!strchr(view->name, '.')) vj_graph_keep(view->var);
  }
}

/* What losses learn, as the graph has it; collective. */
static vj_status put_learnt(dump *d, const char *group) {
  const vj_list *learnt = &d->model->train.graph->labels;
  for (int i = 0; i < learnt->count; i++) {
    const vj_label_input *input = learnt->at[i];
    VJ_TRY(put_batched(d, group, vj_pool_format(d->pool, "labels/%s", input->label->name), input->values));
    if (!input->known) continue;
    VJ_TRY(put_batched(d, group, vj_pool_format(d->pool, "known/%s", input->label->name), input->known));
  }
  return VJ_OK;
}

static vj_status prepare(dump *d) {
  VJ_TRY(vj_pool_create(&d->pool));
  VJ_TRY(vj_loader_open(d->config, &d->loader));
  VJ_TRY(vj_model_create(d->config, &d->loader.info, d->comm->size, &d->model));
  keep_what_is_shown(&d->model->train, d->config->loss_count);
  return vj_graph_plan(d->model->train.graph, d->config->optim.shards / d->comm->size);
}

static vj_status run_steps(dump *d, int64_t steps) {
  const vj_model_graph *part = &d->model->train;
  for (int64_t step = 0; step < steps; step++) {
    const vj_status filled = vj_loader_fill_step(&d->loader, part->graph, part->frames, d->comm, step);
    VJ_TRY(vj_comm_agree(d->comm, filled));
    const char *group = step ? vj_pool_format(d->pool, "step%lld/", (long long)step) : "";
    VJ_TRY(put_batched(d, vj_pool_format(d->pool, "%sbatch", group), "frames", part->frames));
    VJ_TRY(put_learnt(d, vj_pool_format(d->pool, "%sbatch", group)));
    part->graph->step = step;
    part->graph->momentum = vj_target_momentum(&d->config->target, step, d->config->optim.steps);
    VJ_TRY(vj_graph_run(part->graph));
    VJ_TRY(put_noise(d, vj_pool_format(d->pool, "%snoise", group)));
    const double norm = vj_gradient_norm(&d->optimizer);
    if (step == 0) VJ_TRY(put_step(d, norm));
    vj_optimizer_step(&d->optimizer, step, norm);
  }
  return VJ_OK;
}

static vj_status load(const dump *d, const char *from) {
  vj_weights weights;
  VJ_TRY(vj_weights_open(from, &weights));
  const vj_status status = vj_weights_load(&weights, d->model->parameters);
  vj_weights_close(&weights);
  return status;
}

/* Rank 0 reads, all others get what it has. */
static vj_status take_up(const dump *d, const char *from) {
  const vj_parameters *p = d->model->parameters;
  VJ_TRY(vj_comm_agree(d->comm, d->comm->rank == 0 ? load(d, from) : VJ_OK));
  VJ_TRY(vj_comm_broadcast(d->comm, p->values, (size_t)p->value_count * sizeof(vj_real), 0));
  return vj_comm_broadcast(d->comm, p->states, (size_t)p->state_count * sizeof(vj_real), 0);
}

static vj_status write(dump *d, int64_t steps, const char *from, const char *path) {
  VJ_TRY(vj_comm_agree(d->comm, prepare(d)));
  VJ_TRY(vj_model_allocate(d->model, d->comm));
  if (from)
    VJ_TRY(take_up(d, from));
  else if (d->model->train.graph->labels.count > 0) /* numbers are standardised as in training */
    VJ_TRY(vj_calibrate(d->model, &d->loader, d->comm, &(vj_stop_check){0}));
  vj_status mine =
      vj_optimizer_create(&d->config->optim, d->model->parameters, d->model->train.has_gradient, &d->optimizer);
  if (mine == VJ_OK && d->comm->rank == 0) {
    mine = vj_array_file_create(path, &d->file);
    if (mine == VJ_OK) mine = vj_array_file_text(d->file, "config", vj_yaml_print(d->pool, d->config->resolved));
    if (mine == VJ_OK) mine = vj_array_file_text(d->file, "vjvcr_version", VJ_VERSION);
    if (mine == VJ_OK) mine = vj_array_file_integer(d->file, "step", 0);
    if (mine == VJ_OK) mine = put_labels(d);
    if (mine == VJ_OK) mine = put_parameters(d, "param", "state", d->model->parameters->values);
  }
  VJ_TRY(vj_comm_agree(d->comm, mine));
  VJ_TRY(run_steps(d, steps));
  mine = put_parameters(d, "param_after", "state_after", d->model->parameters->values);
  return vj_comm_agree(d->comm, mine);
}

vj_status vj_step_file_write(const vj_config *config, const vj_comm *comm, int64_t steps, const char *from,
                             const char *path) {
  dump d = {.config = config, .comm = comm, .loader = {.epoch = -1}};
  vj_status status = write(&d, steps, from, path);
  const vj_status closed = vj_array_file_close(&d.file, status == VJ_OK);
  if (status == VJ_OK) status = vj_comm_agree(comm, closed);
  vj_optimizer_destroy(&d.optimizer);
  vj_model_destroy(&d.model);
  vj_loader_close(&d.loader);
  vj_pool_destroy(&d.pool);
  return status;
}
