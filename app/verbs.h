/* The verbs of the command line: one file each, thin. Each takes its own arguments (argv[0] is the verb) and returns
 * the exit code: 0 all succeeded; 1 some trials failed; 2 usage or configuration; 75 stopped early. */
#ifndef VJ_APP_VERBS_H
#define VJ_APP_VERBS_H

#include "framework/comm/comm.h"
#include "vj/status.h"

int vj_verb_sweep(int argc, char **argv); /* train and sweep */
int vj_verb_table(int argc, char **argv);
int vj_verb_ls(int argc, char **argv);
int vj_verb_status(int argc, char **argv);
int vj_verb_show(int argc, char **argv);
int vj_verb_best(int argc, char **argv);
int vj_verb_compare(int argc, char **argv);
int vj_verb_report(int argc, char **argv);
int vj_verb_export(int argc, char **argv);
int vj_verb_list(int argc, char **argv);
int vj_verb_describe(int argc, char **argv);
int vj_verb_debug(int argc, char **argv);
int vj_verb_bench(int argc, char **argv);
int vj_verb_info(int argc, char **argv);
int vj_verb_data(int argc, char **argv);

/* Starts MPI for a verb that computes, and gives it the world. */
VJ_MUST_USE vj_status vj_mpi_start(vj_comm *world);

/* Prints the current failure as "vjvcr: <sentence>" (with its trace if VJVCR_TRACE is set) and returns its exit code.
 */
int vj_print_failure(vj_status status);

#endif
