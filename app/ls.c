/* `vjvcr ls DIR`: the table that a sweep ends with, at any time and without mpirun. */
#include <string.h>

#include "results.h"
#include "verbs.h"

int vj_verb_ls(int argc, char **argv) {
  static const char usage[] = "usage: vjvcr ls DIR [--trials]";
  const char *folder = NULL;
  bool by_trial = false;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--trials") == 0)
      by_trial = true;
    else if (argv[i][0] != '-' && !folder)
      folder = argv[i];
    else
      return vj_report_failure(vj_fail(VJ_USAGE, usage));
  }
  if (!folder) return vj_report_failure(vj_fail(VJ_USAGE, usage));
  const vj_status status = vj_results_print(folder, by_trial, stdout);
  return status == VJ_OK ? 0 : vj_report_failure(status);
}
