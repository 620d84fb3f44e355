/* vjvcr: the command line. Only this folder prints or exits. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/base/threads.h"
#include "app/blas_core.h"
#include "app/builtin.h"
#include "framework/config/nodes.h"
#include "app/verbs.h"

static const struct {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *arguments, *summary;
} verbs[] = {
    {"sweep", vj_verb_sweep, "FILE.yaml [-o DIR] [--quick] [--resume] [key=value ...]",
     "run every trial of an experiment"},
    {"train", vj_verb_sweep, "FILE.yaml [-o DIR] [--quick] [--resume] [key=value ...]",
     "the same without its sweep: one trial"},
    {"table", vj_verb_table, "DIR [FILE.yaml] [--format F]", "a sweep's results, also while it runs"},
    {"ls", vj_verb_ls, "DIR [--format F]", "the trials of a sweep, one by one"},
    {"status", vj_verb_status, "DIR [--watch SECONDS] [--format text|json]", "how far a sweep is, and who runs it"},
    {"show", vj_verb_show, "DIR TRIAL [--format F]", "everything of one trial"},
    {"best", vj_verb_best, "DIR [METRIC] [--asc|--desc] [-n K] [--group-seeds] [--format F]",
     "the best trials, or settings over their seeds"},
    {"compare", vj_verb_compare, "DIR A B [--format F]", "two trials or arms: what differs in settings and outcome"},
    {"report", vj_verb_report, "DIR [-o FILE.html] [--by QUANTITY]", "all of a sweep as one page with pictures"},
    {"export", vj_verb_export, "DIR [TRIAL] --format csv|safetensors, or --frames", "results, weights, pictures"},
    {"list", vj_verb_list, "[KIND] [FILE.yaml]", "components; with a file, its plug-ins too"},
    {"describe", vj_verb_describe, "KIND NAME [FILE.yaml]", "one component and its parameters"},
    {"debug", vj_verb_debug, "step FILE.yaml -o step.h5 [--steps N]", "one training step laid open in a file"},
    {"bench", vj_verb_bench, "[FILE.yaml] [--steps N] [--ops]", "a training step against the machine's sgemm"},
    {"data", vj_verb_data, "make|inspect|pack ... [key=value ...]",
     "data sets of videos: stand-ins, what they are, packs"},
    {"info", vj_verb_info, "[--json]", "versions, processor, libraries"},
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

static void print_help(FILE *to) {
  fputs("vjvcr trains video joint-embedding predictive models and runs sweeps of them with MPI.\n\nusage:\n", to);
  for (int i = 0; i < VERBS; i++) {
    char call[96];
    snprintf(call, sizeof call, "%s %s", verbs[i].name, verbs[i].arguments);
    fprintf(to, "  vjvcr %-63s %s\n", call, verbs[i].summary);
  }
  fputs(
      "\nF is text, json, csv or md: json and csv have all digits and the names of sweep.h5.\n"
      "Start a sweep on several ranks with: mpirun -n 2 vjvcr sweep FILE.yaml\n"
      "`vjvcr sweep --help` lists its options.\n",
      to);
}

int vj_print_failure(vj_status status) {
  fprintf(stderr, "vjvcr: %s\n", vj_error_message());
  if (getenv("VJVCR_TRACE")) {
    const char *lines[16];
    const int count = vj_error_trace(lines, 16);
    for (int i = 0; i < count; i++) fprintf(stderr, "  %s\n", lines[i]);
  }
  return vj_status_exit_code(status);
}

static int unknown_verb(const char *word) {
  const char *names[VERBS];
  char hint[VJ_SUGGESTION_BYTES];
  for (int i = 0; i < VERBS; i++) names[i] = verbs[i].name;
  fprintf(stderr, "vjvcr: there is no verb \"%s\"%s\n", word, vj_suggestion(word, "verbs", names, VERBS, hint));
  return 2;
}

vj_status vj_mpi_start(vj_comm *world) {
  int provided = 0;
  /* Nobody here uses shared file pointers; Open MPI would keep a file in /tmp for them, which two programs that were
   * started alone can't share. */
  setenv("OMPI_MCA_sharedfp", "individual", 0);
  /* Ranks of one host need no network; Open MPI 5 would try it, and tell on stderr where that fails. */
  const char *all = getenv("OMPI_COMM_WORLD_SIZE"), *here = getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  if (all && here && strcmp(all, here) == 0) setenv("OMPI_MCA_btl", "^tcp", 0);
  MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  return vj_comm_create(MPI_COMM_WORLD, world);
}

int main(int argc, char **argv) {
  /* A limit on the size of files is an error with a sentence, as a full disk is. */
  signal(SIGXFSZ, SIG_IGN);
  vj_blas_core_choose(argc, argv);
  (void)vj_threads();
  if (argc < 2) {
    print_help(stderr);
    return 2;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
    print_help(stdout);
    return 0;
  }
  if (strcmp(argv[1], "--version") == 0) {
    printf("vjvcr %s\n", VJ_VERSION);
    return 0;
  }
  const vj_status status = vj_builtin_register();
  if (status != VJ_OK) return vj_print_failure(status);
  for (int i = 0; i < VERBS; i++)
    if (strcmp(argv[1], verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
  return unknown_verb(argv[1]);
}
