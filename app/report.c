/* `vjvcr report DIR`: everything that a sweep has measured as one page, at any time and without mpirun. */
#include <stdio.h>
#include <string.h>

#include "analysis/report/report.h"
#include "app/verbs.h"

static const char usage[] = "usage: vjvcr report DIR [-o FILE.html] [--by QUANTITY]";

static const char help[] =
    "%s\n\n"
    "Writes one HTML file, DIR/report.html, with everything that the sweep in DIR has measured: results, what "
    "mattered,\n"
    "learning curves, spectra, latents, frames, timing, and how to get it again. It needs DIR/sweep.h5 alone, works "
    "while\n"
    "the sweep runs, opens without a network, and prints.\n\n"
    "  -o FILE.html     write there\n"
    "  --by QUANTITY    compare trials by this variable of sweep.h5, e.g. probe_speed_mse; by default by the first\n"
    "                   column of the experiment's own report that says what is best, else by its first probe\n\n"
    "Pictures are drawn by gnuplot (on Debian: apt-get install gnuplot-nox).\n";

typedef struct request {
  const char *folder, *to, *by;
} request;

static vj_status read_request(int argc, char **argv, request *r) {
  *r = (request){0};
  for (int i = 1; i < argc; i++) {
    const char *next = i + 1 < argc ? argv[i + 1] : NULL;
    if (strcmp(argv[i], "-o") == 0 && next) {
      r->to = argv[++i];
    } else if (strcmp(argv[i], "--by") == 0 && next) {
      r->by = argv[++i];
    } else if (argv[i][0] == '-' || r->folder) {
      return vj_fail(VJ_USAGE, "%s", usage);
    } else {
      r->folder = argv[i];
    }
  }
  return r->folder ? VJ_OK : vj_fail(VJ_USAGE, "%s", usage);
}

static vj_status write_report(const request *wanted) {
  char path[4096];
  if (wanted->to)
    snprintf(path, sizeof path, "%s", wanted->to);
  else
    snprintf(path, sizeof path, "%s/report.html", wanted->folder);
  VJ_TRY(vj_report_write(wanted->folder, wanted->by, path));
  printf("the report is in %s\n", path);
  return VJ_OK;
}

int vj_verb_report(int argc, char **argv) {
  request wanted;
  if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    printf(help, usage);
    return 0;
  }
  vj_status status = read_request(argc, argv, &wanted);
  if (status == VJ_OK) status = write_report(&wanted);
  return status == VJ_OK ? 0 : vj_print_failure(status);
}
