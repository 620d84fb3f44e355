/* Groups of ranks that train nothing: processes that claim trials of a sweep that was laid out, wait as long as a trial
 * takes, and record its end, with the ledger and the sweep file of the program.
 *
 *   simulated_groups FOLDER TRIALS GROUPS SECONDS      FOLDER has the sweep.h5 of so many trials and no ledger
 *
 * Prints groups, trials, seconds from the first claim to the last end, the share of the time between a group's first
 * claim and its last end in which it "trained", and of all calls of the store the median and the longest, in
 * milliseconds. Fails where a trial was not done exactly once. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <fcntl.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "framework/store/ledger/ledger.h"
#include "framework/store/start.h"
#include "framework/store/sweep_file/sweep_file.h"
#include "vj/memory.h"

enum { PATH_BYTES = 4096, MOST_GROUPS = 65536 };

typedef struct shared {
  int64_t ready;
  double begin[MOST_GROUPS], end[MOST_GROUPS], trained[MOST_GROUPS];
  int64_t trials[MOST_GROUPS];
  int64_t call_count;
  double calls[]; /* milliseconds */
} shared;

typedef struct group {
  int number;
  double seconds;
  vj_ledger *ledger;
  vj_sweep_file *file;
  int status, attempt, committed;
  int64_t trials, *all;
  int start; /* reads an end of file when all may begin */
  shared *shared;
} group;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void pause_for(double seconds) {
  struct timespec left = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  while (nanosleep(&left, &left) != 0) continue;
}

static void die(const char *what) {
  fprintf(stderr, "%s: %s\n", what, vj_error_message());
  _exit(1);
}

static void put(const group *g, int variable, int64_t trial, int64_t value) {
  if (vj_sweep_file_write(g->file, variable, &trial, (int64_t[]){1}, &value) != VJ_OK) die("a value");
}

/* From the claim to the first step, or from the last step to the end. */
static void note_call(const group *g, double begin) {
  const int64_t place = __atomic_fetch_add(&g->shared->call_count, 1, __ATOMIC_RELAXED);
  g->shared->calls[place] = 1e3 * (now() - begin);
}

static bool claim(const group *g, int64_t *trial) {
  int64_t attempt = 0;
  const double begin = now();
  if (vj_ledger_claim(g->ledger, g->all, g->trials, trial, &attempt) != VJ_OK) die("a claim");
  if (*trial < 0) return false;
  put(g, g->attempt, *trial, attempt);
  put(g, g->status, *trial, VJ_TRIAL_RUNNING);
  note_call(g, begin);
  return true;
}

static void end(const group *g, int64_t trial) {
  const double begin = now();
  put(g, g->committed, trial, 1);
  put(g, g->status, trial, VJ_TRIAL_DONE);
  if (vj_sweep_file_sync(g->file) != VJ_OK) die("sweep.h5");
  if (vj_ledger_done(g->ledger, trial) != VJ_OK) die("an end");
  note_call(g, begin);
}

static void work(group *g, const char *folder) {
  char path[PATH_BYTES];
  int64_t trial = -1;
  const vj_comm self = {.mpi = MPI_COMM_SELF, .rank = 0, .size = 1};
  snprintf(path, sizeof path, "%s/sweep.h5", folder);
  if (vj_sweep_file_open(&self, path, &g->file) != VJ_OK) die("sweep.h5");
  g->status = vj_sweep_file_find(g->file, "status");
  g->attempt = vj_sweep_file_find(g->file, "attempt");
  g->committed = vj_sweep_file_find(g->file, "committed");
  snprintf(path, sizeof path, "%s/ledger", folder);
  if (vj_ledger_open(path, g->trials, "simulated:1:2", &g->ledger) != VJ_OK) die("ledger");
  __atomic_fetch_add(&g->shared->ready, 1, __ATOMIC_RELEASE);
  char none;
  if (read(g->start, &none, 1) != 0) die("the start");
  shared *s = g->shared;
  s->begin[g->number] = s->end[g->number] = now();
  while (claim(g, &trial)) {
    const double begin = now();
    pause_for(g->seconds);
    s->trained[g->number] += now() - begin;
    end(g, trial);
    s->trials[g->number]++;
    s->end[g->number] = now();
  }
}

static int by_size(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int check_and_print(shared *s, int groups, const group *g, const char *folder) {
  double first = s->begin[0], last = 0, there = 0, trained = 0;
  int64_t done = 0;
  char path[PATH_BYTES];
  for (int i = 0; i < groups; i++) {
    if (s->begin[i] < first) first = s->begin[i];
    if (s->end[i] > last) last = s->end[i];
    there += s->end[i] - s->begin[i];
    trained += s->trained[i];
    done += s->trials[i];
  }
  vj_ledger *ledger = NULL;
  snprintf(path, sizeof path, "%s/ledger", folder);
  if (vj_ledger_open(path, g->trials, "simulated:1:2", &ledger) != VJ_OK) die("ledger");
  for (int64_t i = 0; i < g->trials; i++) {
    vj_trial_state state;
    int64_t attempts;
    const char *reason;
    if (vj_ledger_state(ledger, i, &state, &attempts, &reason) != VJ_OK) die("ledger");
    if (state != VJ_TRIAL_DONE || attempts != 1) return fprintf(stderr, "trial %lld was not done once\n", (long long)i);
  }
  qsort(s->calls, (size_t)s->call_count, sizeof *s->calls, by_size);
  printf(
      "%d groups, %lld trials of %g s in %.1f s: %.1f trials a second, %.2f %% of the time training; a claim or an "
      "end takes %.1f ms (median), %.0f ms (longest)\n",
      groups, (long long)done, g->seconds, last - first, (double)done / (last - first), 100 * trained / there,
      s->calls[s->call_count / 2], s->calls[s->call_count - 1]);
  return done == g->trials ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const int groups = atoi(argv[3]);
  if (groups < 1 || groups > MOST_GROUPS) return 2;
  group g = {.seconds = atof(argv[4]), .trials = atoll(argv[2])};
  vj_store_start();
  MPI_Init(&argc, &argv);
  const size_t bytes = sizeof *g.shared + (size_t)(2 * g.trials) * sizeof *g.shared->calls;
  g.shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g.all = malloc((size_t)g.trials * sizeof *g.all);
  if (g.shared == MAP_FAILED || !g.all) return 1;
  for (int64_t i = 0; i < g.trials; i++) g.all[i] = i;
  int failed = 0, result = 0, ends[2];
  if (pipe(ends) != 0) return 1;
  g.start = ends[0];
  pid_t *const children = malloc((size_t)groups * sizeof *children); /* MPI may have others */
  if (!children) return 1;
  for (int i = 0; i < groups; i++) {
    const pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) {
      close(ends[1]);
      g.number = i;
      work(&g, argv[1]);
      _exit(0); /* MPI is the parent's to end */
    }
    children[i] = child;
  }
  while (__atomic_load_n(&g.shared->ready, __ATOMIC_ACQUIRE) < groups && waitpid(-1, &result, WNOHANG) <= 0)
    pause_for(0.05);
  close(ends[1]);
  for (int i = 0; i < groups; i++) failed += waitpid(children[i], &result, 0) < 0 || result != 0;
  free(children);
  if (!failed) failed = check_and_print(g.shared, groups, &g, argv[1]);
  fflush(stdout);
  MPI_Finalize();
  return failed != 0;
}
