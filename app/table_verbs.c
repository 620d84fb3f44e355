/* `vjvcr table DIR` and `vjvcr ls DIR`: what a sweep has measured so far, at any time and without mpirun. */
#include <string.h>

#include "analysis/results/result_table.h"
#include "app/verbs.h"

static const char usage_of_table[] = "usage: vjvcr table DIR [FILE.yaml] [--format text|json|csv|md]";
static const char usage_of_ls[] = "usage: vjvcr ls DIR [--format text|json|csv|md]";

/* By the report of another experiment. */
static vj_status print_by_report_of(const char *folder, const char *file, vj_format format) {
  vj_pool *pool = NULL;
  vj_yaml *root = NULL;
  const vj_report_spec *report = NULL;
  vj_status status;
  VJ_TRY(vj_pool_create(&pool));
  VJ_TRY_GOTO(status, vj_yaml_read_file(pool, file, &root), done);
  VJ_TRY_GOTO(status, vj_report_read(pool, root, &report), done);
  if (!report) status = vj_fail(VJ_CONFIG, "%s: there is no section \"report\"", file);
  if (status == VJ_OK) status = vj_result_table_print(folder, report, format, stdout);
done:
  vj_pool_destroy(&pool);
  return status;
}

int vj_verb_table(int argc, char **argv) {
  const char *words[2] = {NULL};
  vj_format format = VJ_FORMAT_TEXT;
  vj_status status = vj_format_words(argc, argv, usage_of_table, 1, 2, words, &format);
  if (status == VJ_OK)
    status = words[1] ? print_by_report_of(words[0], words[1], format)
                      : vj_result_table_print(words[0], NULL, format, stdout);
  return status == VJ_OK ? 0 : vj_print_failure(status);
}

int vj_verb_ls(int argc, char **argv) {
  const char *folder = NULL;
  vj_format format = VJ_FORMAT_TEXT;
  vj_status status = vj_format_words(argc, argv, usage_of_ls, 1, 1, &folder, &format);
  if (status == VJ_OK) status = vj_results_list(folder, format, stdout);
  return status == VJ_OK ? 0 : vj_print_failure(status);
}
