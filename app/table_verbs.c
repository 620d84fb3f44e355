/* `vjvcr table DIR` and `vjvcr ls DIR`: what a sweep has measured so far, at any time and without mpirun. */
#include <stdio.h>

#include "analysis/results/result_table.h"
#include "app/verb.h"

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

static vj_status table(vj_command *command) {
  const char *folder = vj_command_text(command, "DIR"), *file = vj_command_text(command, "FILE.yaml");
  const vj_format format = (vj_format)vj_command_choice(command, "--format");
  return file ? print_by_report_of(folder, file, format) : vj_result_table_print(folder, NULL, format, stdout);
}

static vj_status ls(vj_command *command) {
  return vj_results_list(vj_command_text(command, "DIR"), (vj_format)vj_command_choice(command, "--format"), stdout);
}

static const vj_verb_row rows_of_table[] = {
    VJ_ROW_SWEEP,
    {"FILE.yaml", VJ_VALUE_FILE, .optional = true, .otherwise = "the sweep's own report",
     .doc = "take the columns that this experiment's report: asks for"},
    VJ_ROW_FORMAT,
};

const vj_verb vj_verb_table = {
    .name = "table",
    .summary = "a sweep's results: arms and settings, means over seeds",
    .rows = rows_of_table,
    .row_count = VJ_COUNT(rows_of_table),
    .notes = "Also while the sweep runs. In a narrow terminal columns are left out, and named.\n",
    .reads = "DIR/sweep.h5.\n",
    .examples = "vjvcr table runs/demo --format csv > demo.csv\n",
    .run = table};

static const vj_verb_row rows_of_ls[] = {VJ_ROW_SWEEP, VJ_ROW_FORMAT};

const vj_verb vj_verb_ls = {.name = "ls",
                            .summary = "the trials of a sweep, one by one",
                            .rows = rows_of_ls,
                            .row_count = VJ_COUNT(rows_of_ls),
                            .notes = "Also while the sweep runs.\n",
                            .reads = "DIR/sweep.h5 and DIR/ledger.\n",
                            .examples = "vjvcr ls runs/demo\n",
                            .run = ls};
