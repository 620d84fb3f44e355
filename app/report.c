/* `vjvcr report DIR`: everything that a sweep has measured as one page, at any time and without mpirun. */
#include <stdio.h>

#include "analysis/report/report.h"
#include "app/verb.h"

static vj_status report(vj_command *command) {
  const char *folder = vj_command_text(command, "DIR"), *to = vj_command_text(command, "-o");
  const char *path = to ? to : vj_pool_format(command->pool, "%s/report.html", folder);
  if (!path) return vj_fail(VJ_MEMORY, "no memory for a path");
  VJ_TRY(vj_report_write(folder, vj_command_text(command, "--by"), path));
  printf("the report is in %s\n", path);
  return VJ_OK;
}

static const vj_verb_row rows[] = {
    VJ_ROW_SWEEP,
    {"-o", VJ_VALUE_FILE, .value = "FILE.html", .otherwise = "DIR/report.html", .doc = "write there"},
    {"--by", VJ_VALUE_METRIC, .value = "METRIC",
     .otherwise = "the first column of the sweep's report that says what is best, else its first probe",
     .doc = "compare trials by this variable of sweep.h5, e.g. probe_speed_mse"},
};

const vj_verb vj_verb_report = {
    .name = "report",
    .summary = "all of a sweep as one page with pictures",
    .rows = rows,
    .row_count = VJ_COUNT(rows),
    .notes =
        "One HTML file with everything that the sweep has measured: results, what mattered, learning curves, spectra, "
        "latents, frames, timing, and how to get it again. It works while the sweep runs, opens without a network, "
        "and prints.\nPictures are drawn by gnuplot (on Debian: apt-get install gnuplot-nox).\n",
    .reads = "DIR/sweep.h5 alone.\n",
    .writes = "FILE.html.\n",
    .examples = "vjvcr report runs/demo\n",
    .run = report};
