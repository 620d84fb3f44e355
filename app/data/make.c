/* vjvcr data make KIND DIR: a stand-in for a data set of videos, over all ranks and threads. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "framework/base/threads.h"
#include "app/data/data.h"
#include "datasets/standins/standins.h"
#include "app/verbs.h"
#include "vj/param.h"

static void print_usage(FILE *to) {
  fputs("usage: vjvcr data make KIND DIR [options]\nKIND, and what is made without options:\n", to);
  for (int i = 0; vj_standin_kind(i); i++) fprintf(to, "  %-10s%s\n", vj_standin_kind(i), vj_standin_about(i));
  fputs(
      "options:\n"
      "  --videos N          videos in all, split as the data set itself is; or TRAIN,VALIDATION[,TEST]\n"
      "  --frames N          frames a video\n"
      "  --size WxH          pixels; those of CLEVRER are 480x320, those of CATER 320x240\n"
      "  --seed N            another seed is another set (0)\n"
      "  --variant NAME      of cater: max2action, in which at most two objects move at a time, or all_actions\n"
      "The set is a function of these. An interrupted one goes on with the same command; a folder with something else\n"
      "in it is left alone. Faster with threads (OMP_NUM_THREADS) and with mpirun.\n",
      to);
}

/* --- arguments --------------------------------------------------------------------------------------------------- */

static vj_status take_whole(const char *option, const char *text, int64_t most, const char **end, int64_t *value) {
  char *stop = NULL;
  *value = strtoll(text, &stop, 10);
  if (stop == text || *value < 0 || *value > most || *text == '-' || *text == '+' || *text == ' ')
    return vj_fail(VJ_USAGE, "%s: expected a whole number from 0 to %" PRId64 ", got \"%s\"", option, most, text);
  *end = stop;
  return VJ_OK;
}

static vj_status take_videos(const char *text, vj_standin_request *r, int64_t *total) {
  const char *at = text;
  int count = 0;
  for (bool more = true; more && count < VJ_SPLITS; at += more) {
    VJ_TRY(take_whole("--videos", at, 100000, &at, &r->videos[count++]));
    more = *at == ',';
  }
  if (*at) return vj_fail(VJ_USAGE, "--videos: expected N or TRAIN,VALIDATION[,TEST], got \"%s\"", text);
  r->has_videos = true;
  *total = count == 1 ? r->videos[0] : -1;
  return VJ_OK;
}

static vj_status take_size(const char *text, vj_standin_request *r) {
  const char *at = text;
  VJ_TRY(take_whole("--size", text, 100000, &at, &r->width));
  if (*at != 'x') return vj_fail(VJ_USAGE, "--size: expected WIDTHxHEIGHT, got \"%s\"", text);
  VJ_TRY(take_whole("--size", at + 1, 100000, &at, &r->height));
  if (*at) return vj_fail(VJ_USAGE, "--size: expected WIDTHxHEIGHT, got \"%s\"", text);
  return VJ_OK;
}

static vj_status take_option(const char *option, const char *value, vj_standin_request *r, int64_t *total) {
  static const char *const options[] = {"--videos", "--size", "--variant", "--seed", "--frames"};
  const char *rest = "";
  int64_t number = 0;
  size_t i = 0;
  while (i < VJ_COUNT(options) && strcmp(option, options[i]) != 0) i++;
  if (i == VJ_COUNT(options))
    return vj_fail(VJ_USAGE, "there is no option %s here; there are: --videos --frames --size --seed --variant --help",
                   option);
  if (!value) return vj_fail(VJ_USAGE, "%s: expected a value", option);
  if (i == 0) return take_videos(value, r, total);
  if (i == 1) return take_size(value, r);
  if (i == 2) return r->variant = value, VJ_OK;
  VJ_TRY(take_whole(option, value, i == 3 ? INT64_MAX - 1 : 100000, &rest, &number));
  if (*rest) return vj_fail(VJ_USAGE, "%s: expected a whole number, got \"%s\"", option, value);
  if (i == 3) r->seed = (uint64_t)number;
  if (i == 4 && number == 0) return vj_fail(VJ_USAGE, "--frames: expected a number above 0");
  if (i == 4) r->frames = number;
  return VJ_OK;
}

static vj_status read_arguments(int argc, char **argv, vj_standin_request *r) {
  int64_t total = -1;
  for (int i = 1; i < argc; i++) {
    if (argv[i][0] == '-') {
      VJ_TRY(take_option(argv[i], i + 1 < argc ? argv[i + 1] : NULL, r, &total));
      i++;
    } else if (!r->kind) {
      r->kind = argv[i];
    } else if (!r->folder) {
      r->folder = argv[i];
    } else {
      return vj_fail(VJ_USAGE, "\"%s\": expected an option; see `vjvcr data make --help`", argv[i]);
    }
  }
  if (!r->folder || !*r->folder)
    return vj_fail(VJ_USAGE, "usage: vjvcr data make KIND DIR [options]; see `vjvcr data make --help`");
  if (total >= 0) VJ_TRY(vj_standin_share(r->kind, total, r->videos));
  return VJ_OK;
}

/* --- making ------------------------------------------------------------------------------------------------------ */

typedef struct work {
  const vj_standin *set;
  const vj_comm *world;
  int64_t count, mine, done, made; /* of all, of this rank; done and made by this rank */
  double last;                     /* when progress was shown */
  bool live;                       /* on a terminal */
  vj_status status;
  char message[1024];
} work;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* By one thread at a time. What the other ranks do is like what this one does. */
static void show(work *w) {
  const double time = now();
  if (w->world->rank != 0 || time - w->last < (w->live ? 0.2 : 20)) return;
  w->last = time;
  fprintf(stderr, w->live ? "\rabout %" PRId64 " of %" PRId64 " videos" : "about %" PRId64 " of %" PRId64 " videos\n",
          w->done * w->count / w->mine, w->count);
}

static void make_one(work *w, int64_t number) {
  bool made = false;
  const vj_status status = vj_standin_make(w->set, number, &made);
#pragma omp critical(vj_data_make)
  {
    if (status != VJ_OK && w->status == VJ_OK) {
      w->status = status;
      snprintf(w->message, sizeof w->message, "%s", vj_error_message());
    }
    w->done++;
    w->made += made;
    show(w);
  }
}

/* This rank's videos; the first failure ends it. */
static vj_status make_videos(work *w) {
  const int rank = w->world->rank, size = w->world->size;
  w->mine = (w->count - rank + size - 1) / size;
  w->live = isatty(STDERR_FILENO);
  w->last = now();
#pragma omp parallel for schedule(dynamic, 1) num_threads(vj_threads())
  for (int64_t i = 0; i < w->mine; i++) {
    vj_status status;
#pragma omp critical(vj_data_make)
    status = w->status;
    if (status == VJ_OK) make_one(w, rank + i * size);
  }
  if (rank == 0 && w->live) fputs("\r\033[K", stderr);
  return w->status == VJ_OK ? VJ_OK : vj_error_adopt(w->status, w->message);
}

static void say_what_is_there(const work *w, int64_t made) {
  const vj_standin_request *r = vj_standin_resolved(w->set);
  printf("%s: a stand-in for %s, %" PRId64 " videos (%" PRId64 " train, %" PRId64 " validation, %" PRId64
         " test) of %" PRId64 "x%" PRId64 " px, seed %" PRIu64 "; %" PRId64 " made now\n",
         r->folder, r->kind, w->count, r->videos[0], r->videos[1], r->videos[2], r->width, r->height, r->seed, made);
}

static vj_status run(const vj_standin_request *request, const vj_comm *world, vj_standin **set) {
  VJ_TRY(vj_comm_agree(world, world->rank == 0 ? vj_standin_open(request, true, set) : VJ_OK));
  VJ_TRY(vj_comm_agree(world, world->rank == 0 ? VJ_OK : vj_standin_open(request, false, set)));
  work w = {.set = *set, .world = world, .count = vj_standin_videos(*set)};
  VJ_TRY(vj_comm_agree(world, make_videos(&w)));
  double made = (double)w.made;
  VJ_TRY(vj_comm_agree(world, world->rank == 0 ? vj_standin_finish(*set) : VJ_OK));
  MPI_Reduce(world->rank == 0 ? MPI_IN_PLACE : &made, &made, 1, MPI_DOUBLE, MPI_SUM, 0, world->mpi);
  if (world->rank == 0) say_what_is_there(&w, (int64_t)made);
  return VJ_OK;
}

int vj_data_make(int argc, char **argv) {
  vj_standin_request request = {0};
  vj_standin *set = NULL;
  vj_comm world = {0};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-h") != 0) continue;
    print_usage(stdout);
    return 0;
  }
  vj_status status = vj_mpi_start(&world);
  if (status == VJ_OK) status = vj_comm_agree(&world, read_arguments(argc, argv, &request));
  if (status == VJ_OK) status = run(&request, &world, &set);
  if (status != VJ_OK && world.rank == 0) vj_print_failure(status);
  vj_standin_close(&set);
  if (world.size) vj_comm_destroy(&world);
  MPI_Finalize();
  return vj_status_exit_code(status);
}
