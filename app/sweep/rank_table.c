#include "app/sweep/rank_table.h"

#include <unistd.h>

#include "framework/base/machine_memory.h"
#include "analysis/output/terminal.h"
#include "analysis/output/text_table.h"

static const double gibibyte = 1073741824;

vj_status vj_rank_table_machine(const vj_experiment *e, int64_t ranks, int64_t ranks_here, vj_rank_question *q) {
  vj_cluster *cluster = NULL;
  const char *file = vj_command_text(e->command, "--cluster");
  const int64_t asked = vj_command_count(e->command, "--ranks");
  q->ranks = asked ? asked : ranks;
  if (file) {
    VJ_TRY(vj_cluster_read(e->pool, file, &cluster));
    const int64_t there = cluster->nodes * cluster->ranks_per_node;
    if (!asked) q->ranks = there;
    if (q->ranks > there)
      return vj_fail(VJ_USAGE, "--ranks %lld: %s has %lld nodes of %lld ranks", (long long)q->ranks, file,
                     (long long)cluster->nodes, (long long)cluster->ranks_per_node);
  } else {
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const int64_t a_node = asked && processors > 0 ? processors : ranks_here;
    VJ_TRY(vj_cluster_builtin(e->pool, (q->ranks + a_node - 1) / a_node, a_node, vj_machine_memory(NULL) / gibibyte,
                              &cluster));
  }
  q->cluster = cluster;
  return VJ_OK;
}

static const char *seconds_text(double seconds, char text[VJ_DURATION_BYTES]) {
  if (seconds >= 10) return vj_duration_text(seconds, text);
  snprintf(text, VJ_DURATION_BYTES, seconds < 1 ? "%.3g ms" : "%.3g s", seconds < 1 ? 1e3 * seconds : seconds);
  return text;
}

static void add_row(vj_table *table, const vj_rank_row *row, bool is_best) {
  char text[VJ_DURATION_BYTES];
  const bool large = row->memory >= gibibyte;
  vj_table_cell(table, "%d%s", row->ranks_per_trial, is_best ? "*" : "");
  vj_table_cell(table, "%lld", (long long)row->ranks / row->ranks_per_trial);
  vj_table_cell(table, "%.*f %s%s", large ? 1 : 0, row->memory / (large ? gibibyte : 1048576), large ? "GiB" : "MiB",
                row->fits ? "" : ": DOES NOT FIT");
  vj_table_cell(table, "%s", seconds_text(row->step, text));
  vj_table_cell(table, "%s", seconds_text(row->trial, text));
  vj_table_cell(table, "%s", seconds_text(row->sweep, text));
  vj_table_cell(table, "%.0f%%", 100 * row->efficiency);
}

static vj_status print_rows(const vj_rank_advice *advice) {
  static const char *const headings[] = {"ranks for a trial", "groups",      "memory of a rank", "step",
                                         "longest trial",     "whole sweep", "efficiency"};
  vj_table *table = NULL;
  VJ_TRY(vj_table_create(&table));
  for (size_t i = 0; i < VJ_COUNT(headings); i++) vj_table_column(table, headings[i], i < 2 || i == 6);
  for (int i = 0; i < advice->row_count; i++) add_row(table, &advice->rows[i], i == advice->best);
  vj_table_end(&table, VJ_FORMAT_TEXT, stdout);
  return VJ_OK;
}

vj_status vj_rank_table_print(vj_pool *pool, const vj_rank_question *q, bool timed) {
  vj_rank_advice *advice;
  if (q->ranks < 2) return VJ_OK;
  VJ_TRY(vj_rank_advise(pool, q, &advice));
  printf("\n%lld ranks of %s, up to %lld on a node; estimated %s:\n", (long long)q->ranks, q->cluster->name,
         (long long)q->cluster->ranks_per_node, timed ? "from the steps just tried" : "by the cost model");
  VJ_TRY(print_rows(advice));
  if (advice->best < 0)
    printf("no suggestion: %s\n", advice->reason);
  else
    printf("suggestion: --ranks-per-trial %d: %s\n", advice->rows[advice->best].ranks_per_trial, advice->reason);
  if (advice->limit) printf("%s\n", advice->limit);
  return VJ_OK;
}
