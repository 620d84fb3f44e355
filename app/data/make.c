/* `vjvcr data make`: a stand-in for a data set of videos, over all ranks and threads. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "framework/base/threads.h"
#include "datasets/standins/standins.h"
#include "app/experiment.h"
#include "vj/param.h"

/* --- the request ------------------------------------------------------------------------------------------------- */

/* Of one kind, as options say. */
static vj_status read_options(const vj_command *command, vj_standin_request *r) {
  const vj_integer_list videos = vj_command_counts(command, "--videos"), size = vj_command_counts(command, "--size");
  if (command->settings.count || vj_command_has(command, "--quick"))
    return vj_fail(VJ_USAGE, "--quick and key=value change an experiment's FILE.yaml, and none is given");
  *r = (vj_standin_request){.kind = vj_command_text(command, "KIND"),
                            .folder = vj_command_text(command, "DIR"),
                            .variant = vj_command_text(command, "--variant"),
                            .seed = (uint64_t)vj_command_count(command, "--seed"),
                            .frames = vj_command_count(command, "--frames"),
                            .has_videos = videos.count > 0};
  if (!r->folder[0]) return vj_fail(VJ_USAGE, "DIR: expected the name of a folder, got \"\"");
  if (size.count) r->width = size.at[0], r->height = size.at[1];
  for (int64_t i = 0; i < videos.count && videos.count > 1; i++) r->videos[i] = videos.at[i];
  return videos.count == 1 ? vj_standin_share(r->kind, videos.at[0], r->videos) : VJ_OK;
}

/* What an experiment's section `standin:` says. */
static vj_status read_section(const vj_command *command, vj_standin_request *r) {
  static const char *const said_there[] = {"KIND", "DIR", "--videos", "--frames", "--size", "--seed", "--variant"};
  vj_experiment e;
  for (size_t i = 0; i < VJ_COUNT(said_there); i++)
    if (vj_command_has(command, said_there[i]))
      return vj_fail(VJ_USAGE, "%s: the section standin: of %s says this; override its keys by standin.key=value",
                     said_there[i], vj_command_text(command, "FILE.yaml"));
  VJ_TRY(vj_experiment_read(command, vj_command_has(command, "--quick"), &e));
  const vj_standin_section *const s = e.standin;
  if (!s) return vj_fail(VJ_CONFIG, "%s: there is no section \"standin\" that says what videos to make", e.file);
  *r = (vj_standin_request){.kind = s->kind,
                            .folder = s->folder,
                            .has_videos = s->videos.count > 0,
                            .seed = (uint64_t)s->seed,
                            .frames = s->frames,
                            .variant = s->variant[0] ? s->variant : NULL};
  for (int64_t i = 0; i < s->videos.count; i++) r->videos[i] = s->videos.at[i];
  if (s->size.count) r->height = s->size.at[0], r->width = s->size.at[1];
  return VJ_OK;
}

static vj_status read_request(const vj_command *command, vj_standin_request *r) {
  if (vj_command_has(command, "FILE.yaml")) return read_section(command, r);
  if (vj_command_has(command, "DIR")) return read_options(command, r);
  return vj_fail(VJ_USAGE, "expected FILE.yaml, or KIND and DIR; see `vjvcr data make --help`");
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

static vj_status make_set(const vj_standin_request *request, const vj_comm *world, vj_standin **set) {
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

/* --- the verb ---------------------------------------------------------------------------------------------------- */

static vj_status make(vj_command *command) {
  vj_standin_request request;
  vj_standin *set = NULL;
  VJ_TRY(vj_comm_agree(command->world, read_request(command, &request)));
  const vj_status status = make_set(&request, command->world, &set);
  vj_standin_close(&set);
  return status;
}

static const vj_verb_row rows[] = {
    {"FILE.yaml", VJ_VALUE_FILE, .optional = true,
     .doc =
         "an experiment, whose section standin: says what to make and where, instead of KIND, DIR and their options"},
    {"KIND", VJ_VALUE_CHOICE, .optional = true, .choice_at = vj_standin_kind, .choice_doc = vj_standin_about,
     .doc = "the data set to stand in for, and what is made without options"},
    {"DIR", VJ_VALUE_FOLDER, .optional = true, .doc = "the folder to make it in"},
    VJ_ROW_SETTINGS,
    VJ_ROW_QUICK,
    {"--videos", VJ_VALUE_COUNTS, .value = "N|TRAIN,VALIDATION[,TEST]", .maximum = 100000, .separator = ',', .least = 1,
     .most = VJ_SPLITS, .unit = "videos", .otherwise = "see KIND",
     .doc = "videos in all, split as the data set itself is; or of each split"},
    {"--frames", VJ_VALUE_COUNT, .value = "N", .minimum = 1, .maximum = 100000, .unit = "frames",
     .otherwise = "see KIND", .doc = "frames of a video"},
    {"--size", VJ_VALUE_COUNTS, .value = "WIDTHxHEIGHT", .maximum = 100000, .separator = 'x', .least = 2, .most = 2,
     .unit = "pixels", .otherwise = "see KIND", .doc = "of a frame; those of CLEVRER are 480x320, of CATER 320x240"},
    {"--seed", VJ_VALUE_COUNT, .value = "N", .fallback = "0", .doc = "another seed is another set"},
    {"--variant", VJ_VALUE_CHOICE, .choices = "max2action|all_actions", .otherwise = "max2action",
     .doc = "of cater: in max2action at most two objects move at a time"},
    VJ_ROW_ALONE,
};

const vj_verb vj_verb_data_make = {
    .name = "data make",
    .summary = "a small stand-in for clevrer, cater or labelled videos",
    .rows = rows,
    .row_count = VJ_COUNT(rows),
    .notes =
        "The set is a function of these options. An interrupted one goes on with the same command; a folder with "
        "something else in it is left alone. Faster with threads (OMP_NUM_THREADS) and with mpirun.\n",
    .writes = "DIR: videos and annotations in the files of the data set itself.\n",
    .examples =
        "vjvcr data make sweeps/cater.yaml --quick\n"
        "vjvcr data make clevrer runs/standins/clevrer --videos 40,20,8\n",
    .uses_mpi = true,
    .run = make};
