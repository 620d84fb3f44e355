/* `vjvcr bench`: what a training step costs on this machine, beside the sgemm the machine can do in the same run. */
#include <math.h>
#include <mpi.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "analysis/statistics/summary.h"
#include "framework/base/threads.h"
#include "app/bench/machine_file.h"
#include "app/blas_core.h"
#include "sweeps/schedule/cost_model.h"
#include "app/experiment.h"
#include "framework/ops/product/gemm.h"
#include "analysis/output/row_writer.h"
#include "analysis/output/text_table.h"
#include "framework/train/loading/loader.h"
#include "framework/train/model/model.h"
#include "framework/train/model/optimizer.h"

typedef struct bench {
  const vj_config *config;
  const vj_comm *world;
  vj_loader loader;
  vj_model *model;
  vj_optimizer_state optimizer;
  double *data, *graph, *update; /* seconds of every timed step */
  double peak;                   /* sgemm, GFLOP/s of all threads of this rank */
  double wait;
  double *least; /* that any rank waited at each place of the newest run */
  /* Of a step, means over ranks: in exchanges themselves, for slower ranks; sent to other ranks. */
  double exchange, idle, messages, sent;
} bench;

static double median(double *values, int64_t count) {
  qsort(values, (size_t)count, sizeof *values, vj_ascending);
  return count % 2 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

/* Best of several products of 1024 x 1024 matrices, each thread its own: what one rank's cores can do. */
static vj_status measure_sgemm(double *gflops) {
  enum { N = 1024, TRIES = 12 };
  const int threads = vj_threads();
  vj_real *numbers = NULL;
  VJ_TRY(vj_allocate((size_t)threads * 3 * N * N, sizeof *numbers, "sgemm measurement", &numbers));
  for (int64_t i = 0; i < (int64_t)threads * 3 * N * N; i++) numbers[i] = (vj_real)(i % 7) - 3;
  double best = INFINITY;
  for (int k = 0; k < TRIES; k++) {
    const double start = omp_get_wtime();
#pragma omp parallel num_threads(threads)
    {
      vj_real *a = numbers + (int64_t)omp_get_thread_num() * 3 * N * N;
      vj_gemm(false, false, N, N, N, a, N, a + N * N, N, 0, a + 2 * N * N, N);
    }
    const double seconds = omp_get_wtime() - start;
    if (seconds < best) best = seconds;
  }
  free(numbers);
  *gflops = 2.0 * N * N * N * threads / best / 1e9;
  return VJ_OK;
}

static vj_status prepare(bench *b, int64_t steps) {
  VJ_TRY(vj_blas_self_check());
  VJ_TRY(vj_loader_open(b->config, &b->loader));
  VJ_TRY(vj_model_create(b->config, &b->loader.info, b->world->size, &b->model));
  VJ_TRY(vj_allocate((size_t)steps, sizeof(double), "timings", &b->data));
  VJ_TRY(vj_allocate((size_t)steps, sizeof(double), "timings", &b->graph));
  VJ_TRY(vj_allocate((size_t)steps, sizeof(double), "timings", &b->update));
  return VJ_OK;
}

/* Only the training graph: evaluation is not part of a step. */
static vj_status allocate(bench *b) {
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
static vj_status split_wait(bench *b, int64_t steps) {
  const double *mine;
  const int places = vj_graph_waits(b->model->train.graph, &mine);
  if (MPI_Allreduce(mine, b->least, places, MPI_DOUBLE, MPI_MIN, b->world->mpi) != MPI_SUCCESS)
    return vj_fail(VJ_COMM, "the ranks' waits can't be compared");
  for (int i = 0; i < places; i++) {
    b->exchange += b->least[i] / (double)steps;
    b->idle += (mine[i] - b->least[i]) / (double)steps;
  }
  return VJ_OK;
}

/* From sums of this rank to means over ranks. */
static vj_status average_ranks(bench *b) {
  double all[] = {b->exchange, b->idle, b->messages, b->sent};
  VJ_TRY(vj_comm_sum_double(b->world, all, VJ_COUNT(all)));
  b->exchange = all[0] / b->world->size;
  b->idle = all[1] / b->world->size;
  b->messages = all[2] / b->world->size;
  b->sent = all[3] / b->world->size;
  return VJ_OK;
}

static vj_status time_steps(bench *b, int64_t steps) {
  const vj_model_graph *part = &b->model->train;
  const int64_t warm_up = 2;
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
    VJ_TRY(split_wait(b, steps));
  }
  return average_ranks(b);
}

static vj_status print_ops(const bench *b, int64_t steps, double step_seconds, bool by_scope) {
  enum { MOST = 4096 };
  vj_graph_profile_row *rows = NULL;
  vj_table *table = NULL;
  VJ_TRY(vj_allocate(MOST, sizeof *rows, "profile", &rows));
  VJ_TRY(vj_table_create(&table));
  const int count = vj_graph_profile_rows(b->model->train.graph, rows, MOST);
  const double threads = fmin((double)vj_threads(), (double)(b->config->optim.shards / b->world->size));
  vj_table_column(table, "op", false);
  if (by_scope) vj_table_column(table, "where", false);
  vj_table_column(table, "ms/step", true);
  vj_table_column(table, "share", true);
  vj_table_column(table, "GFLOP", true);
  vj_table_column(table, "of sgemm", true);
  for (int i = 0; i < count; i++) {
    double seconds = 0, flops = 0;
    bool seen = false;
    for (int k = 0; k < count; k++) {
      const bool same = strcmp(rows[k].op, rows[i].op) == 0 && (!by_scope || strcmp(rows[k].scope, rows[i].scope) == 0);
      if (!same) continue;
      seen = seen || k < i;
      seconds += rows[k].seconds / (double)steps / threads;
      flops += rows[k].flops;
    }
    if (seen || seconds < 2e-5) continue;
    vj_table_cell(table, "%s", rows[i].op);
    if (by_scope) vj_table_cell(table, "%s", rows[i].scope);
    vj_table_cell(table, "%.2f", 1e3 * seconds);
    vj_table_cell(table, "%.1f%%", 100 * seconds / step_seconds);
    if (flops > 0) {
      vj_table_cell(table, "%.2f", flops / 1e9);
      vj_table_cell(table, "%.0f%%", 100 * flops / seconds / 1e9 / b->peak);
    } else {
      vj_table_cell(table, "%s", "");
      vj_table_cell(table, "%s", "");
    }
  }
  puts("");
  vj_table_end(&table, VJ_FORMAT_TEXT, stdout);
  free(rows);
  return VJ_OK;
}

/* What a run came to: medians of the timed steps, on rank 0. */
typedef struct summary {
  double data, graph, update, step; /* seconds */
  double flops, peak;               /* of a step; sgemm of all ranks together, GFLOP/s */
  double memory, planned;           /* bytes of this process */
} summary;

static summary summarise(bench *b, int64_t steps) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  summary s = {.data = median(b->data, steps),
               .graph = median(b->graph, steps),
               .update = median(b->update, steps),
               .flops = vj_graph_flops(b->model->train.graph),
               .peak = b->peak * b->world->size,
               .memory = (double)usage.ru_maxrss * 1024,
               .planned = (double)vj_model_memory(b->model)};
  s.step = s.data + s.graph + s.update;
  return s;
}

static vj_status print_text(bench *b, const summary *s, int64_t steps, bool ops) {
  const vj_clip_info *info = &b->loader.info;
  printf("configuration   %s: batch %lld in %lld shards, %lld frames of %lldx%lldx%lld, %.2f million parameters\n",
         b->config->name, (long long)b->config->optim.batch, (long long)b->config->optim.shards,
         (long long)info->frames, (long long)info->height, (long long)info->width, (long long)info->channels,
         (double)vj_model_parameter_count(b->model) / 1e6);
  printf("machine         %d rank%s of %d thread%s; sgemm 1024^3: %.0f GFLOP/s in all\n", b->world->size,
         b->world->size == 1 ? "" : "s", vj_threads(), vj_threads() == 1 ? "" : "s", s->peak);
  printf("training step   %.3f s (median of %lld): data %.4f, graph %.3f, update %.4f; waiting %.4f\n", s->step,
         (long long)steps, s->data, s->graph, s->update, b->wait);
  printf("matrix products %.1f GFLOP a step: %.0f GFLOP/s, %.1f%% of sgemm; %.1f GFLOP are carried out\n",
         s->flops / 1e9, s->flops / s->step / 1e9, 100 * s->flops / s->step / 1e9 / s->peak,
         vj_graph_flops_done(b->model->train.graph) / 1e9);
  printf("making data     %.2f%% of the step\n", 100 * s->data / s->step);
  printf("throughput      %.1f clips/s\n", (double)b->config->optim.batch / s->step);
  printf("peak memory     %.0f MiB of this process (planned %.0f MiB)\n", s->memory / 1048576, s->planned / 1048576);
  if (b->world->size > 1)
    printf(
        "between ranks   %.2f MB in %.0f messages sent a rank; exchanging %.4f s (%.1f%%), waiting for slower ranks "
        "%.4f s (%.1f%%)\n",
        b->sent / 1e6, b->messages, b->exchange, 100 * b->exchange / s->step, b->idle, 100 * b->idle / s->step);
  return print_ops(b, steps, s->step, ops);
}

/* What the plan says that a rank sends in a step. */
static vj_status planned_traffic(const bench *b, vj_step_cost *cost) {
  vj_pool *pool = NULL;
  vj_cluster *cluster = NULL;
  vj_graph_cost *graph = NULL;
  VJ_TRY(vj_pool_create(&pool));
  vj_status status = vj_cluster_builtin(pool, 1, b->world->size, 1, &cluster);
  if (status == VJ_OK) status = vj_graph_cost_count(pool, b->model->train.graph, &graph);
  if (status == VJ_OK) *cost = vj_cost_of_run(cluster, graph, b->world->size);
  vj_pool_destroy(&pool);
  return status;
}

static vj_status print_json(const bench *b, const summary *s, int64_t steps) {
  vj_step_cost planned;
  VJ_TRY(planned_traffic(b, &planned));
  const vj_clip_info *info = &b->loader.info;
  json_t *all = json_object();
  const struct {
    const char *name;
    int64_t value;
  } counts[] = {{"batch", b->config->optim.batch},
                {"shards", b->config->optim.shards},
                {"frames", info->frames},
                {"height", info->height},
                {"width", info->width},
                {"channels", info->channels},
                {"parameters", vj_model_parameter_count(b->model)},
                {"ranks", b->world->size},
                {"threads", vj_threads()},
                {"steps", steps}};
  const struct {
    const char *name;
    double value;
  } numbers[] = {{"step_seconds", s->step},
                 {"data_seconds", s->data},
                 {"graph_seconds", s->graph},
                 {"update_seconds", s->update},
                 {"wait_seconds", b->wait},
                 {"exchange_seconds", b->exchange},
                 {"idle_seconds", b->idle},
                 {"sent_messages", b->messages},
                 {"sent_bytes", b->sent},
                 {"planned_sent_messages", planned.messages},
                 {"planned_sent_bytes", planned.bytes},
                 {"gflop", s->flops / 1e9},
                 {"gflop_carried_out", vj_graph_flops_done(b->model->train.graph) / 1e9},
                 {"sgemm_gflops", s->peak},
                 {"of_sgemm", s->flops / s->step / 1e9 / s->peak},
                 {"peak_memory_bytes", s->memory},
                 {"planned_memory_bytes", s->planned}};
  json_object_set_new(all, "name", vj_json_text(b->config->name));
  for (size_t i = 0; i < VJ_COUNT(counts); i++) json_object_set_new(all, counts[i].name, json_integer(counts[i].value));
  for (size_t i = 0; i < VJ_COUNT(numbers); i++)
    json_object_set_new(all, numbers[i].name, vj_json_number(numbers[i].value));
  return vj_json_print(all, stdout);
}

/* --comm: the machine instead of the step. */
static vj_status describe(bench *b, int64_t steps, const char *file) {
  const double threads = fmin((double)vj_threads(), (double)(b->config->optim.shards / b->world->size));
  vj_step_rates rates;
  double graph = 0; /* the mean, as kernels are timed over all steps */
  for (int64_t i = 0; i < steps; i++) graph += b->graph[i] / (double)steps;
  VJ_TRY(vj_comm_agree(b->world, vj_step_rates_of(b->model->train.graph, steps, graph - b->wait, threads, &rates)));
  return vj_machine_describe(b->world, &rates, file);
}

static vj_status measure_all(bench *b, int64_t steps) {
  double again = 0;
  VJ_TRY(vj_comm_agree(b->world, prepare(b, steps)));
  VJ_TRY(allocate(b));
  VJ_TRY(vj_comm_agree(b->world, measure_sgemm(&b->peak)));
  VJ_TRY(time_steps(b, steps));
  VJ_TRY(vj_comm_agree(b->world, measure_sgemm(&again)));
  b->peak = fmax(b->peak, again); /* before and after: other work on the machine only lowers it */
  return VJ_OK;
}

static vj_status tell(const vj_command *command, bench *b, int64_t steps) {
  if (vj_command_has(command, "--comm")) return describe(b, steps, vj_command_text(command, "FILE.yaml"));
  if (command->world->rank != 0) return VJ_OK;
  const summary s = summarise(b, steps);
  const bool json = strcmp(vj_command_text(command, "--format"), "json") == 0;
  return json ? print_json(b, &s, steps) : print_text(b, &s, steps, vj_command_has(command, "--ops"));
}

static void release(bench *b) {
  free(b->data);
  free(b->graph);
  free(b->update);
  free(b->least);
  vj_optimizer_destroy(&b->optimizer);
  vj_model_destroy(&b->model);
  vj_loader_close(&b->loader);
}

static vj_status run(vj_command *command) {
  const int64_t steps = vj_command_count(command, "--steps");
  bench b = {.world = command->world, .loader = {.epoch = -1}};
  VJ_TRY(vj_experiment_read_trial(command, &b.config));
  vj_status status = measure_all(&b, steps);
  if (status == VJ_OK) status = tell(command, &b, steps);
  release(&b);
  return vj_comm_agree(command->world, status);
}

static const vj_verb_row rows[] = {
    VJ_ROW_EXPERIMENT,
    VJ_ROW_SETTINGS,
    {"--steps", VJ_VALUE_COUNT, .value = "N", .minimum = 1, .fallback = "10", .unit = "steps", .doc = "timed steps"},
    {"--ops", VJ_VALUE_FLAG, .doc = "list the operations that take most of a step"},
    {"--comm", VJ_VALUE_FLAG,
     .doc = "measure messages between ranks, too, and print the machine as a file for sweep --dry-run --cluster"},
    VJ_ROW_TEXT_OR_JSON,
    VJ_ROW_SEED,
};

const vj_verb vj_verb_bench = {.name = "bench",
                               .summary = "measure a training step against the machine's sgemm",
                               .rows = rows,
                               .row_count = VJ_COUNT(rows),
                               .notes = "Nothing is recorded. All ranks train one trial together.\n",
                               .reads = "FILE.yaml and the data set it names.\n",
                               .examples =
                                   "vjvcr bench sweeps/demo.yaml --ops\n"
                                   "mpirun -n 4 vjvcr bench sweeps/demo.yaml --comm > machine.yaml\n",
                               .uses_mpi = true,
                               .run = run};
