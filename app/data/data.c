/* vjvcr data: what is done with data sets of videos before they are trained on. */
#include "app/data/data.h"

#include <stdio.h>
#include <string.h>

#include "framework/config/nodes.h"
#include "app/verbs.h"

static const struct {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *usage;
} actions[] = {
    {"pack", vj_data_pack, "pack FILE.yaml [-o PACK.h5]  all frames of a data set's videos, decoded once, in one file"},
    {"inspect", vj_data_inspect, "inspect FILE.yaml [options] what a data set's videos are, and which are broken"},
    {"make", vj_data_make, "make KIND DIR [options]   a small stand-in for clevrer, cater or labelled videos"},
};
enum { ACTIONS = sizeof actions / sizeof actions[0] };

static void print_help(FILE *to) {
  fputs("usage:\n", to);
  for (int i = 0; i < ACTIONS; i++) fprintf(to, "  vjvcr data %s\n", actions[i].usage);
  fputs("`vjvcr data make --help` and so on list the options.\n", to);
}

int vj_verb_data(int argc, char **argv) {
  const char *names[ACTIONS];
  char hint[VJ_SUGGESTION_BYTES];
  if (argc < 2) {
    print_help(stderr);
    return 2;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    print_help(stdout);
    return 0;
  }
  for (int i = 0; i < ACTIONS; i++) {
    names[i] = actions[i].name;
    if (strcmp(argv[1], names[i]) == 0) return actions[i].run(argc - 1, argv + 1);
  }
  fprintf(stderr, "vjvcr: data: there is no \"%s\"%s\n", argv[1],
          vj_suggestion(argv[1], "things to do with data", names, ACTIONS, hint));
  return 2;
}
