/* vjvcr: the command line. Only this folder prints or exits. What it can do stands in verbs.def. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/blas_core.h"
#include "app/builtin.h"
#include "app/help.h"
#include "app/launcher.h"
#include "app/main.h"
#include "app/standard_files.h"
#include "framework/base/cpu.h"
#include "framework/base/float_environment.h"
#include "framework/base/threads.h"
#include "framework/store/start.h"

/* "vjvcr: <sentence>", with its trace if VJVCR_TRACE is set. */
static void print_failure(void) {
  fprintf(stderr, "vjvcr: %s\n", vj_error_message());
  if (!getenv("VJVCR_TRACE")) return;
  const char *lines[16];
  const int count = vj_error_trace(lines, 16);
  for (int i = 0; i < count; i++) fprintf(stderr, "  %s\n", lines[i]);
}

static bool is_help(const char *word) { return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0; }

static bool asks_for_help(int count, char *const *words) {
  for (int i = 0; i < count; i++)
    if (is_help(words[i])) return true;
  return false;
}

static vj_status start_mpi(vj_comm *world) {
  int provided = 0;
  vj_store_start();
  /* Nobody here uses shared file pointers; Open MPI would keep a file in /tmp for them, which two programs that were
   * started alone can't share. */
  setenv("OMPI_MCA_sharedfp", "individual", 0);
  /* Ranks of one host need no network; Open MPI 5 would try it, and tell on stderr where that fails. */
  const char *all = getenv("OMPI_COMM_WORLD_SIZE"), *here = getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  if (all && here && strcmp(all, here) == 0) setenv("OMPI_MCA_btl", "^tcp", 0);
  MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  vj_float_environment();
  return vj_comm_create(MPI_COMM_WORLD, world);
}

/* Rank 0 tells what all ranks agree on. */
static int run_on_ranks(const vj_verb *verb, int count, char *const *words) {
  vj_comm world = {0};
  vj_command command = {.world = NULL};
  const vj_launcher launcher = vj_launcher_find(); /* before MPI changes the environment */
  vj_status status = start_mpi(&world);
  const vj_status mine = vj_command_read(verb, count, words, &command);
  if (status == VJ_OK) status = vj_comm_agree(&world, mine);
  command.world = &world;
  if (status == VJ_OK) status = vj_launcher_check(&launcher, world.size, vj_command_has(&command, "--alone"));
  if (status == VJ_OK) status = verb->run(&command);
  if (status == VJ_OK) status = vj_comm_agree(&world, vj_standard_output_check());
  const int code = status == VJ_OK ? command.code : vj_status_exit_code(status);
  if (status != VJ_OK && world.rank == 0) print_failure();
  vj_command_free(&command);
  if (world.size) vj_comm_destroy(&world);
  MPI_Finalize();
  return code;
}

static int run(const vj_verb *verb, int count, char *const *words) {
  vj_command command;
  vj_status status = vj_command_read(verb, count, words, &command);
  if (status == VJ_OK) status = verb->run(&command);
  if (status == VJ_OK) status = vj_standard_output_check();
  const int code = status == VJ_OK ? command.code : vj_status_exit_code(status);
  if (status != VJ_OK) print_failure();
  vj_command_free(&command);
  return code;
}

/* `vjvcr --help`, `vjvcr data --help`, `vjvcr sweep --help`, wherever the word stands; false if nobody asks. Of several
 * ranks the first tells. */
static bool help(int count, char *const *words, const vj_verb *verb) {
  const char *rank = getenv("OMPI_COMM_WORLD_RANK");
  if (!asks_for_help(count, words)) return false;
  if (rank && strcmp(rank, "0") != 0) return true;
  if (verb)
    vj_help_print_verb(stdout, verb);
  else
    vj_help_print_verbs(stdout, vj_verb_is_group(words[0]) ? words[0] : NULL);
  return true;
}

/* What is printed without a verb. */
static int told(void) {
  const vj_status status = vj_standard_output_check();
  if (status != VJ_OK) print_failure();
  return vj_status_exit_code(status);
}

int vj_main(int argc, char **argv) {
  vj_standard_files_begin();
  /* vjvcr has locks of its own, and reads sweep.h5 while it is written. HDF5 puts this before what a file is opened
   * with, so whatever the user's environment says would end every sweep. */
  setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
  vj_blas_core_pin(argc, argv);
  (void)vj_threads();
  if (argc < 2) {
    vj_help_print_verbs(stderr, NULL);
    return 2;
  }
  if (strcmp(argv[1], "--version") == 0) {
    printf("vjvcr %s\n", VJ_VERSION);
    return told();
  }
  const vj_verb *verb = NULL;
  int used = 0;
  vj_status status = vj_verb_find(argc - 1, argv + 1, &verb, &used);
  if ((verb || vj_verb_is_group(argv[1]) || is_help(argv[1])) && help(argc - 1, argv + 1, verb)) return told();
  if (status == VJ_OK) status = vj_cpu_check();
  if (status == VJ_OK) status = vj_builtin_register();
  if (status != VJ_OK) {
    print_failure();
    return vj_status_exit_code(status);
  }
  char *const *words = argv + 1 + used;
  vj_threads_begin();
  return verb->uses_mpi ? run_on_ranks(verb, argc - 1 - used, words) : run(verb, argc - 1 - used, words);
}
