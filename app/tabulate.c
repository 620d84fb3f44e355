/* `vjvcr table DIR` and `vjvcr ls DIR`: what a sweep has measured so far, at any time and without mpirun. */
#include <string.h>

#include "results.h"
#include "verbs.h"

static vj_status print_by_report_of(const char *folder, const char *file) {
  vj_pool *pool = NULL;
  vj_yaml *root = NULL;
  const vj_report_spec *report = NULL;
  vj_status status;
  VJ_TRY(vj_pool_create(&pool));
  VJ_TRY_GOTO(status, vj_yaml_read_file(pool, file, &root), done);
  VJ_TRY_GOTO(status, vj_report_read(pool, root, &report), done);
  if (!report) status = vj_fail(VJ_CONFIG, "%s: there is no section \"report\"", file);
  if (status == VJ_OK) status = vj_results_print(folder, report, stdout);
done:
  vj_pool_destroy(&pool);
  return status;
}

int vj_verb_table(int argc, char **argv) {
  vj_status status;
  if (argc < 2 || argc > 3 || argv[1][0] == '-')
    status = vj_fail(VJ_USAGE, "usage: vjvcr table DIR [FILE.yaml]");
  else
    status = argc == 3 ? print_by_report_of(argv[1], argv[2]) : vj_results_print(argv[1], NULL, stdout);
  return status == VJ_OK ? 0 : vj_report_failure(status);
}

int vj_verb_ls(int argc, char **argv) {
  const vj_status status =
      argc == 2 && argv[1][0] != '-' ? vj_results_list(argv[1], stdout) : vj_fail(VJ_USAGE, "usage: vjvcr ls DIR");
  return status == VJ_OK ? 0 : vj_report_failure(status);
}
