#include "app/bench/link.h"

#include <omp.h>
#include <stdlib.h>

#include "analysis/statistics/summary.h"
#include "framework/comm/exchange.h"
#include "vj/memory.h"

enum { REPEATS = 31, SMALLEST = 64, MOST = 1 << 24 };

typedef vj_status (*collective)(const vj_comm *comm, void *values, size_t bytes);

static vj_status sum(const vj_comm *comm, void *values, size_t bytes) {
  return vj_comm_sum_double(comm, values, bytes / sizeof(double));
}

static vj_status exchange(const vj_comm *comm, void *values, size_t bytes) {
  vj_exchange one;
  vj_real *const numbers = values, *const received = numbers + bytes / sizeof *numbers;
  VJ_TRY(vj_exchange_start(&one, comm, numbers, received, (int64_t)(bytes / sizeof *numbers), 0));
  return vj_exchange_wait(&one);
}

static vj_status gather(const vj_comm *comm, void *values, size_t bytes) {
  return vj_comm_gather_in_place(comm, values, bytes / (size_t)comm->size);
}

/* The median of what it takes this rank, all of them beginning together. */
static vj_status measure(const vj_comm *comm, collective what, void *values, double bytes, double *seconds) {
  double each[REPEATS];
  for (int k = 0; k < REPEATS; k++) {
    VJ_TRY(vj_comm_barrier(comm));
    const double start = omp_get_wtime();
    VJ_TRY(what(comm, values, (size_t)bytes));
    each[k] = omp_get_wtime() - start;
  }
  qsort(each, REPEATS, sizeof *each, vj_ascending);
  *seconds = each[REPEATS / 2];
  return VJ_OK;
}

static vj_status measure_all(const vj_comm *comm, void *values, vj_link_times *times) {
  times->ranks = comm->size;
  for (int i = 0; i < VJ_LINK_SIZES; i++) {
    const double bytes = (double)((int64_t)SMALLEST << (3 * i)); /* up to MOST */
    times->bytes[i] = bytes;
    VJ_TRY(measure(comm, sum, values, times->bytes[i], &times->sum[i]));
    VJ_TRY(measure(comm, exchange, values, times->bytes[i], &times->exchange[i]));
    VJ_TRY(measure(comm, gather, values, times->bytes[i], &times->gather[i]));
  }
  return VJ_OK;
}

vj_status vj_link_measure(const vj_comm *comm, vj_link_times *times) {
  int usable = 1;
  void *values = NULL;
  vj_comm group;
  while (2 * usable <= comm->size) usable *= 2;
  VJ_TRY(vj_comm_split(comm, comm->rank < usable ? 0 : 1, &group));
  vj_status status = vj_comm_agree(&group, vj_allocate(2 * MOST, 1, "messages between ranks", &values));
  if (status == VJ_OK && comm->rank < usable) status = measure_all(&group, values, times);
  free(values);
  vj_comm_destroy(&group);
  return vj_comm_agree(comm, status);
}

void vj_link_fit(const vj_link_times *t, vj_link *link) {
  int levels = 0;
  double bytes = 0, seconds = 0;
  while (1 << levels < t->ranks) levels++;
  if (levels == 0) return;
  link->latency_us = 1e6 * (t->sum[0] + t->sum[1]) / 2 / levels;
  for (int i = VJ_LINK_SIZES - 3; i < VJ_LINK_SIZES; i++) { /* each rank sends 2 (1 - 1/R) of an array */
    bytes += 2 * t->bytes[i] * (1 - 1.0 / t->ranks);
    seconds += t->exchange[i] - 2e-6 * levels * link->latency_us;
  }
  if (seconds > 0) link->bandwidth_gb_s = 1e-9 * bytes / seconds;
}

void vj_link_print(const vj_link_times *t, const char *where, FILE *to) {
  fprintf(to, "# %d ranks %s, microseconds (medians of %d):\n", t->ranks, where, REPEATS);
  fputs("#      bytes         sum    exchange      gather\n", to);
  for (int i = 0; i < VJ_LINK_SIZES; i++)
    fprintf(to, "# %10.0f %11.2f %11.2f %11.2f\n", t->bytes[i], 1e6 * t->sum[i], 1e6 * t->exchange[i],
            1e6 * t->gather[i]);
}
