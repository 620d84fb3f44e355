/* `vjvcr bench`: what a training step costs on this machine, beside what the machine can do in the same run. */
#include <math.h>
#include <mpi.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "framework/base/threads.h"
#include "app/bench/machine_file.h"
#include "app/bench/products.h"
#include "app/bench/report.h"
#include "app/experiment.h"

static vj_status prepare(vj_bench *b) {
  VJ_TRY(vj_loader_open(b->config, &b->loader));
  const double start = omp_get_wtime();
  VJ_TRY(vj_model_create(b->config, &b->loader.info, b->world->size, &b->model));
  b->planning = omp_get_wtime() - start;
  VJ_TRY(vj_allocate((size_t)b->steps, sizeof(double), "timings", &b->data));
  VJ_TRY(vj_allocate((size_t)b->steps, sizeof(double), "timings", &b->graph));
  VJ_TRY(vj_allocate((size_t)b->steps, sizeof(double), "timings", &b->update));
  return VJ_OK;
}

/* Only the training graph: evaluation is not part of a step. */
static vj_status allocate(vj_bench *b) {
  VJ_TRY(vj_comm_agree(b->world, vj_parameters_allocate(b->model->parameters)));
  VJ_TRY(vj_graph_allocate(&b->model->train.graph, 1, b->world));
  const double *waits;
  const int places = vj_graph_waits(b->model->train.graph, &waits);
  VJ_TRY(vj_comm_agree(b->world, vj_allocate((size_t)places, sizeof *b->least, "waits", &b->least)));
  vj_parameters_initialise(b->model->parameters, b->config->seed);
  return vj_comm_agree(b->world, vj_optimizer_create(&b->config->optim, b->model->parameters,
                                                     b->model->train.has_gradient, &b->optimizer));
}

/* At each place where ranks meet, the one that came last waits only for the exchange itself; what the others wait
 * beyond that they are idle. */
static vj_status split_wait(vj_bench *b) {
  const double steps = (double)b->steps;
  const double *mine;
  const int places = vj_graph_waits(b->model->train.graph, &mine);
  if (MPI_Allreduce(mine, b->least, places, MPI_DOUBLE, MPI_MIN, b->world->mpi) != MPI_SUCCESS)
    return vj_fail(VJ_COMM, "the ranks' waits can't be compared");
  for (int i = 0; i < places; i++) {
    b->exchange += b->least[i] / steps;
    b->idle += (mine[i] - b->least[i]) / steps;
  }
  return VJ_OK;
}

/* From sums of this rank to means over ranks. */
static vj_status average_ranks(vj_bench *b) {
  double all[] = {b->exchange, b->idle, b->messages, b->sent};
  VJ_TRY(vj_comm_sum_double(b->world, all, VJ_COUNT(all)));
  b->exchange = all[0] / b->world->size;
  b->idle = all[1] / b->world->size;
  b->messages = all[2] / b->world->size;
  b->sent = all[3] / b->world->size;
  return VJ_OK;
}

static vj_status time_steps(vj_bench *b) {
  const vj_model_graph *part = &b->model->train;
  const int64_t warm_up = 2, steps = b->steps;
  for (int64_t step = 0; step < warm_up + steps; step++) {
    if (step == warm_up) vj_graph_profile(part->graph, true);
    const double waited = vj_graph_wait_seconds(part->graph), start = omp_get_wtime();
    VJ_TRY(vj_comm_agree(b->world, vj_loader_fill_step(&b->loader, part->graph, part->frames, b->world, step)));
    const vj_traffic before = vj_comm_traffic();
    const double filled = omp_get_wtime();
    VJ_TRY(vj_graph_run(part->graph));
    const double ran = omp_get_wtime();
    vj_optimizer_step(&b->optimizer, step, vj_gradient_norm(&b->optimizer));
    const double updated = omp_get_wtime();
    if (step < warm_up) continue;
    b->data[step - warm_up] = filled - start;
    b->graph[step - warm_up] = ran - filled;
    b->update[step - warm_up] = updated - ran;
    b->wait += (vj_graph_wait_seconds(part->graph) - waited) / (double)steps;
    const vj_traffic after = vj_comm_traffic();
    b->messages += (double)(after.messages - before.messages) / (double)steps;
    b->sent += (double)(after.bytes - before.bytes) / (double)steps;
    VJ_TRY(split_wait(b));
  }
  return average_ranks(b);
}

/* --comm: the machine instead of the step. */
static vj_status describe(vj_bench *b, const char *file) {
  const int64_t steps = b->steps;
  const double threads = fmin((double)vj_threads(), (double)(b->config->optim.shards / b->world->size));
  vj_step_rates rates;
  double graph = 0; /* the mean, as kernels are timed over all steps */
  for (int64_t i = 0; i < steps; i++) graph += b->graph[i] / (double)steps;
  VJ_TRY(vj_comm_agree(b->world, vj_step_rates_of(b->model->train.graph, steps, graph - b->wait, threads, &rates)));
  return vj_machine_describe(b->world, &rates, file);
}

/* Before arrays are taken to measure memory with. */
static vj_status read_memory(vj_bench *b) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  b->memory = b->memory_all = (double)usage.ru_maxrss * 1024;
  return vj_comm_sum_double(b->world, &b->memory_all, 1);
}

static vj_status measure_all(vj_bench *b) {
  VJ_TRY(vj_comm_agree(b->world, prepare(b)));
  VJ_TRY(allocate(b));
  VJ_TRY(vj_comm_barrier(b->world));
  vj_peak_measure_products(&b->peak);
  VJ_TRY(time_steps(b));
  VJ_TRY(vj_comm_barrier(b->world));
  vj_peak_measure_products(&b->peak);
  VJ_TRY(read_memory(b));
  return vj_comm_agree(b->world, vj_peak_measure_memory(&b->peak));
}

static vj_status tell(const vj_command *command, vj_bench *b) {
  if (vj_command_has(command, "--comm")) return describe(b, vj_command_text(command, "FILE.yaml"));
  if (command->world->rank != 0) return VJ_OK;
  const bool json = strcmp(vj_command_text(command, "--format"), "json") == 0;
  if (json) return vj_bench_print_json(b);
  VJ_TRY(vj_bench_print_text(b, vj_command_has(command, "--ops")));
  return vj_command_has(command, "--products") ? vj_products_print(&b->peak) : VJ_OK;
}

static void release(vj_bench *b) {
  free(b->data);
  free(b->graph);
  free(b->update);
  free(b->least);
  vj_optimizer_destroy(&b->optimizer);
  vj_model_destroy(&b->model);
  vj_loader_close(&b->loader);
}

static vj_status run(vj_command *command) {
  vj_bench b = {.steps = vj_command_count(command, "--steps"), .world = command->world, .loader = {.epoch = -1}};
  VJ_TRY(vj_experiment_read_trial(command, &b.config));
  vj_status status = measure_all(&b);
  if (status == VJ_OK) status = tell(command, &b);
  release(&b);
  return vj_comm_agree(command->world, status);
}

static const vj_verb_row rows[] = {
    VJ_ROW_EXPERIMENT,
    VJ_ROW_SETTINGS,
    {"--steps", VJ_VALUE_COUNT, .value = "N", .minimum = 1, .fallback = "10", .unit = "steps", .doc = "timed steps"},
    {"--ops", VJ_VALUE_FLAG, .doc = "list the operations that take most of a step"},
    {"--products", VJ_VALUE_FLAG, .doc = "time every kernel of matrix products that the step uses, by its shape"},
    {"--comm", VJ_VALUE_FLAG,
     .doc = "measure messages between ranks, too, and print the machine as a file for sweep --dry-run --cluster"},
    VJ_ROW_TEXT_OR_JSON,
    VJ_ROW_SEED,
    VJ_ROW_ALONE,
};

const vj_verb vj_verb_bench = {.name = "bench",
                               .summary = "measure a training step against what the machine can do",
                               .rows = rows,
                               .row_count = VJ_COUNT(rows),
                               .notes = "Nothing is recorded. All ranks train one trial together.\n",
                               .reads = "FILE.yaml and the data set it names.\n",
                               .examples =
                                   "vjvcr bench sweeps/demo.yaml --ops\n"
                                   "mpirun -n 4 vjvcr bench sweeps/demo.yaml --comm > machine.yaml\n",
                               .uses_mpi = true,
                               .run = run};
