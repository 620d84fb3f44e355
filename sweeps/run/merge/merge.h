/* Sweeps of one experiment, or of parts of its trials, that ran on machines which share no file system become one: what
 * merge_read.c finds in their folders, merge_write.c writes as one machine would have. Begin here. Not collective, but
 * sweep.h5 is written by MPI-IO. */
#ifndef VJ_SWEEPS_RUN_MERGE_MERGE_H
#define VJ_SWEEPS_RUN_MERGE_MERGE_H

#include "sweeps/run/layout.h"
#include "sweeps/run/resume/resume_match.h"
#include "sweeps/space/question_spec.h"
#include "framework/store/ledger/ledger.h"

/* One folder. */
typedef struct vj_merge_part {
  const char *folder, *path; /* and that of its sweep.h5 */
  vj_sweep_file *file;
  int64_t trials;                              /* its rows */
  const int64_t *row;                          /* of each trial of the experiment; -1: it does not have it */
  const int64_t *status, *attempt, *committed; /* of each row */
} vj_merge_part;

typedef struct vj_merge {
  vj_pool *pool;
  const vj_yaml *root; /* the experiment, and its trials */
  const vj_space *space;
  int64_t count;
  vj_merge_part *parts;
  int64_t *source; /* of each trial the part that it is taken from: the first where it is done, else where it failed;
                    * -1: none, and it waits */
} vj_merge;

/* Opens the folders and finds their trials among those of the experiment. VJ_CONFIG with a list where some are none of
 * it; VJ_USAGE where a job works on a folder, where one is named twice, and where trials are stopped early, since such
 * decisions depend on what each sweep knew. To be closed in any case. `pool` outlives it. */
VJ_MUST_USE vj_status vj_merge_open(vj_pool *pool, const vj_yaml *root, const vj_space *space, vj_text_list folders,
                                    const vj_match_terms *terms, vj_merge *merge);
void vj_merge_close(vj_merge *merge);

/* What became of a trial in a part: waiting where it is not there, or has not ended. */
vj_trial_state vj_merge_state_in(const vj_merge *merge, int64_t part, int64_t trial);
/* And in the sweep that they become. */
vj_trial_state vj_merge_state(const vj_merge *merge, int64_t trial);

/* How sweep.h5 will be laid out; the data of the trials have to be here. Report and question may be NULL. */
VJ_MUST_USE vj_status vj_merge_layout(const vj_merge *merge, const vj_report_spec *report, const vj_question *question,
                                      vj_sweep_layout **layout);
/* VJ_USAGE unless the folder can be made: it is not there, or empty. */
VJ_MUST_USE vj_status vj_merge_check_folder(vj_pool *pool, const char *path);
/* Writes the folder, which gets its name when it is whole and on the disk. */
VJ_MUST_USE vj_status vj_merge_write(const vj_merge *merge, const vj_sweep_layout *layout, const char *path);

#endif
