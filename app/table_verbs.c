/* `vjvcr table DIR` and `vjvcr ls DIR`: what a sweep has measured so far, at any time and without mpirun. */
#include <stdio.h>

#include "analysis/results/result_table.h"
#include "app/verb.h"

/* By the sweep's own report and question, or those of another experiment. */
static vj_status table(vj_command *command) {
  const char *folder = vj_command_text(command, "DIR"), *file = vj_command_text(command, "FILE.yaml");
  const vj_format format = (vj_format)vj_command_choice(command, "--format");
  vj_yaml *root = NULL;
  const vj_report_spec *report = NULL;
  const vj_question *question = NULL;
  if (file) VJ_TRY(vj_yaml_read_file(command->pool, file, &root));
  if (file) VJ_TRY(vj_report_read(command->pool, root, &report));
  if (file) VJ_TRY(vj_question_read(command->pool, root, &question));
  if (file && !report && !question) return vj_fail(VJ_CONFIG, "%s: there is no section \"report\"", file);
  return vj_result_table_print(folder, report, question, format, stdout);
}

static vj_status ls(vj_command *command) {
  return vj_results_list(vj_command_text(command, "DIR"), (vj_format)vj_command_choice(command, "--format"), stdout);
}

static const vj_verb_row rows_of_table[] = {
    VJ_ROW_SWEEP,
    {"FILE.yaml", VJ_VALUE_FILE, .optional = true, .otherwise = "the sweep's own",
     .doc = "take the columns that this experiment's report: asks for, and answer its question:"},
    VJ_ROW_FORMAT,
};

const vj_verb vj_verb_table = {.name = "table",
                               .summary = "a sweep's results: arms and settings, means over seeds",
                               .rows = rows_of_table,
                               .row_count = VJ_COUNT(rows_of_table),
                               .notes =
                                   "Also while the sweep runs. What the sweep answers to its question stands below. In "
                                   "a narrow terminal columns are left out, and named.\n",
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
