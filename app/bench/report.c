#include "app/bench/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/output/row_writer.h"
#include "analysis/output/text_table.h"
#include "analysis/statistics/summary.h"
#include "framework/base/cpu.h"
#include "framework/base/threads.h"
#include "framework/ops/product/product.h"
#include "sweeps/schedule/cost_model.h"

enum { MOST_ROWS = 8192 };

typedef struct profile {
  vj_graph_profile_row *rows;
  int count;
} profile;

static vj_status profile_of(const vj_bench *b, profile *p) {
  VJ_TRY(vj_allocate(MOST_ROWS, sizeof *p->rows, "profile", &p->rows));
  p->count = vj_graph_profile_rows(b->model->train.graph, p->rows, MOST_ROWS);
  return VJ_OK;
}

/* GFLOP/s that the products of a row could have at most: those of bf16 by its instruction, where there is one. */
static double limit_of(const vj_bench *b, const vj_graph_profile_row *row) {
  return row->half && b->peak.bf16 > 0 ? b->peak.bf16 : b->peak.fma;
}

/* --- the whole step -------------------------------------------------------------------------------------------- */

/* What a run came to: medians of the timed steps, on rank 0. */
typedef struct summary {
  double data, graph, update, step; /* seconds */
  double flops, flops_done;         /* of a step, by all ranks */
  double products, passes, bytes;   /* the floor of a step of this rank: seconds; bytes of passes */
} summary;

static double median(double *values, int64_t count) {
  qsort(values, (size_t)count, sizeof *values, vj_ascending);
  return count % 2 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

/* Numbers that the optimizer reads and writes for a parameter: itself, its gradient, its moments. */
static double optimizer_numbers(const vj_optim_config *optim) { return optim->type == VJ_ADAMW ? 7 : 5; }

static summary summarise(vj_bench *b, const profile *p) {
  summary s = {.data = median(b->data, b->steps),
               .graph = median(b->graph, b->steps),
               .update = median(b->update, b->steps),
               .flops = vj_graph_flops(b->model->train.graph),
               .flops_done = vj_graph_flops_done(b->model->train.graph)};
  s.step = s.data + s.graph + s.update;
  s.bytes = optimizer_numbers(&b->config->optim) * (double)vj_model_parameter_count(b->model) * sizeof(vj_real);
  for (int i = 0; i < p->count; i++) {
    s.products += 1e-9 * p->rows[i].flops_done / limit_of(b, &p->rows[i]);
    s.bytes += p->rows[i].bytes;
  }
  s.passes = 1e-9 * s.bytes / b->peak.memory;
  return s;
}

/* --- by operation ---------------------------------------------------------------------------------------------- */

/* Of rows of the same op, and the same scope where that is asked for. */
typedef struct total {
  double seconds, flops_done, limit;
} total;

static bool is_same(const vj_graph_profile_row *a, const vj_graph_profile_row *b, bool by_scope) {
  return strcmp(a->op, b->op) == 0 && (!by_scope || strcmp(a->scope, b->scope) == 0);
}

/* False if row i is counted with an earlier one. `limit`: seconds of its products at their peak. */
static bool add_up(const vj_bench *b, const profile *p, int i, bool by_scope, total *sum) {
  const double threads = fmin((double)vj_threads(), (double)(b->config->optim.shards / b->world->size));
  *sum = (total){0};
  for (int k = 0; k < p->count; k++) {
    if (!is_same(&p->rows[k], &p->rows[i], by_scope)) continue;
    if (k < i) return false;
    sum->seconds += p->rows[k].seconds / (double)b->steps / threads;
    sum->flops_done += p->rows[k].flops_done;
    sum->limit += 1e-9 * p->rows[k].flops_done / limit_of(b, &p->rows[k]);
  }
  return true;
}

static vj_status print_ops(const vj_bench *b, const profile *p, double step_seconds, bool by_scope) {
  vj_table *table = NULL;
  VJ_TRY(vj_table_create(&table));
  vj_table_column(table, "op", false);
  if (by_scope) vj_table_column(table, "where", false);
  vj_table_column(table, "ms/step", true);
  vj_table_column(table, "share", true);
  vj_table_column(table, "GFLOP", true);
  vj_table_column(table, "of peak", true);
  for (int i = 0; i < p->count; i++) {
    total sum;
    if (!add_up(b, p, i, by_scope, &sum) || sum.seconds < 2e-5) continue;
    vj_table_cell(table, "%s", p->rows[i].op);
    if (by_scope) vj_table_cell(table, "%s", p->rows[i].scope);
    vj_table_cell(table, "%.2f", 1e3 * sum.seconds);
    vj_table_cell(table, "%.1f%%", 100 * sum.seconds / step_seconds);
    if (sum.flops_done > 0) {
      vj_table_cell(table, "%.2f", sum.flops_done / 1e9);
      vj_table_cell(table, "%.0f%%", 100 * sum.limit / sum.seconds);
    } else {
      vj_table_cell(table, "%s", "");
      vj_table_cell(table, "%s", "");
    }
  }
  puts("");
  vj_table_end(&table, VJ_FORMAT_TEXT, stdout);
  return VJ_OK;
}

/* --- text ------------------------------------------------------------------------------------------------------ */

static const char *plural(int64_t count) { return count == 1 ? "" : "s"; }

static void print_machine(const vj_bench *b) {
  const int ranks = b->world->size;
  printf("machine         %d rank%s of %d thread%s, %s; in all %.0f GFLOP/s of multiply-adds (FMA peak)", ranks,
         plural(ranks), vj_threads(), plural(vj_threads()), vj_cpu_path_name(vj_cpu_path()), b->peak.fma * ranks);
  if (b->peak.bf16 > 0) printf(", %.0f of bf16", b->peak.bf16 * ranks);
  printf("; memory %.1f GB/s\n", b->peak.memory * ranks);
}

static void print_step(const vj_bench *b, const summary *s) {
  const double peak = b->peak.fma * b->world->size, floor = s->products + s->passes;
  printf("training step   %.3f s (median of %lld): data %.4f, graph %.3f, update %.4f; waiting %.4f\n", s->step,
         (long long)b->steps, s->data, s->graph, s->update, b->wait);
  printf("matrix products %.1f GFLOP a step, %.1f carried out: %.0f GFLOP/s, %.1f%% of the FMA peak\n", s->flops / 1e9,
         s->flops_done / 1e9, s->flops_done / s->step / 1e9, 100 * s->flops_done / s->step / 1e9 / peak);
  printf(
      "floor           %.3f s: products %.3f at their peak, %.2f GB of passes over memory %.3f; the step takes %.2f "
      "of it\n",
      floor, s->products, 1e-9 * s->bytes, s->passes, s->step / floor);
}

static vj_status print_all(vj_bench *b, const profile *p, bool by_scope) {
  const summary s = summarise(b, p);
  const vj_clip_info *info = &b->loader.info;
  printf("configuration   %s: batch %lld in %lld shards, %lld frames of %lldx%lldx%lld, %.2f million parameters\n",
         b->config->name, (long long)b->config->optim.batch, (long long)b->config->optim.shards,
         (long long)info->frames, (long long)info->height, (long long)info->width, (long long)info->channels,
         (double)vj_model_parameter_count(b->model) / 1e6);
  print_machine(b);
  const vj_product_counts kernels = vj_product_count();
  printf("planning        %.3f s before the first step: graphs of training and evaluation, %d kernels of products\n",
         b->planning, kernels.all);
  print_step(b, &s);
  printf("making data     %.2f%% of the step\n", 100 * s.data / s.step);
  printf("throughput      %.1f clips/s\n", (double)b->config->optim.batch / s.step);
  printf("peak memory     %.0f MiB of this process (planned %.0f MiB)\n", b->memory / 1048576,
         (double)vj_model_memory(b->model) / 1048576);
  if (b->world->size > 1)
    printf(
        "between ranks   %.2f MB in %.0f messages sent a rank; exchanging %.4f s (%.1f%%), waiting for slower ranks "
        "%.4f s (%.1f%%)\n",
        b->sent / 1e6, b->messages, b->exchange, 100 * b->exchange / s.step, b->idle, 100 * b->idle / s.step);
  return print_ops(b, p, s.step, by_scope);
}

vj_status vj_bench_print_text(vj_bench *bench, bool by_scope) {
  profile p = {0};
  vj_status status = profile_of(bench, &p);
  if (status == VJ_OK) status = print_all(bench, &p, by_scope);
  free(p.rows);
  return status;
}

/* --- JSON ------------------------------------------------------------------------------------------------------ */

/* What the plan says that a rank sends in a step. */
static vj_status planned_traffic(const vj_bench *b, vj_step_cost *cost) {
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

static json_t *counts_of(const vj_bench *b) {
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
                {"steps", b->steps}};
  json_object_set_new(all, "name", vj_json_text(b->config->name));
  for (size_t i = 0; i < VJ_COUNT(counts); i++) json_object_set_new(all, counts[i].name, json_integer(counts[i].value));
  return all;
}

static void add_numbers(const vj_bench *b, const summary *s, const vj_step_cost *planned, json_t *all) {
  const double ranks = b->world->size, floor = s->products + s->passes;
  const struct {
    const char *name;
    double value;
  } numbers[] = {{"planning_seconds", b->planning},
                 {"step_seconds", s->step},
                 {"data_seconds", s->data},
                 {"graph_seconds", s->graph},
                 {"update_seconds", s->update},
                 {"wait_seconds", b->wait},
                 {"exchange_seconds", b->exchange},
                 {"idle_seconds", b->idle},
                 {"sent_messages", b->messages},
                 {"sent_bytes", b->sent},
                 {"planned_sent_messages", planned->messages},
                 {"planned_sent_bytes", planned->bytes},
                 {"gflop", s->flops / 1e9},
                 {"gflop_carried_out", s->flops_done / 1e9},
                 {"fma_gflops", b->peak.fma * ranks},
                 {"bf16_gflops", b->peak.bf16 * ranks},
                 {"memory_gb_s", b->peak.memory * ranks},
                 {"of_fma", s->flops_done / s->step / 1e9 / (b->peak.fma * ranks)},
                 {"floor_seconds", floor},
                 {"floor_products_seconds", s->products},
                 {"floor_passes_seconds", s->passes},
                 {"passes_bytes", s->bytes},
                 {"of_floor", s->step / floor},
                 {"peak_memory_bytes", b->memory},
                 {"peak_memory_bytes_of_all_ranks", b->memory_all},
                 {"planned_memory_bytes", (double)vj_model_memory(b->model)}};
  for (size_t i = 0; i < VJ_COUNT(numbers); i++)
    json_object_set_new(all, numbers[i].name, vj_json_number(numbers[i].value));
}

vj_status vj_bench_print_json(vj_bench *bench) {
  vj_step_cost planned;
  profile p = {0};
  VJ_TRY(planned_traffic(bench, &planned));
  VJ_TRY(profile_of(bench, &p));
  const summary s = summarise(bench, &p);
  free(p.rows);
  json_t *all = counts_of(bench);
  add_numbers(bench, &s, &planned, all);
  return vj_json_print(all, stdout);
}
