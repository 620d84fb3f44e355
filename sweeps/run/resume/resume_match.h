/* The trials of an experiment found again in the sweep file of an earlier run. Not collective. */
#ifndef VJ_SWEEPS_RUN_RESUME_RESUME_MATCH_H
#define VJ_SWEEPS_RUN_RESUME_RESUME_MATCH_H

#include "sweeps/space/space.h"
#include "framework/store/sweep_file/sweep_file.h"

typedef struct vj_resume_match {
  int64_t known; /* trials in the file, which are rows 0 up to it */
  int64_t *row;  /* for each trial of the space its row; those that are not in the file come behind, in their order */
} vj_resume_match;

typedef struct vj_match_terms {
  const char *refusal;     /* what is said, behind the file's name, before the list of what changed */
  vj_text_list apart_from; /* keys that may differ, "data.root" */
} vj_match_terms;
extern const vj_match_terms vj_terms_of_resume;

/* Trials are the same when what they measure is: their arm, and their resolved configuration, seed included, without
 * what changes no number. Any order will do. A trial of the file that is no more, or has changed, is VJ_CONFIG with a
 * list of what changed: which trial, which key, the old value and the new one with its place. `path` names the file. */
VJ_MUST_USE vj_status vj_resume_match_trials(vj_pool *pool, const vj_sweep_file *file, const char *path,
                                             const vj_space *space, const vj_match_terms *terms,
                                             vj_resume_match *match);
/* What decides whether trials are the same, of a resolved configuration, with which it shares its branches. */
VJ_MUST_USE vj_status vj_match_measured(vj_pool *pool, const vj_yaml *resolved, const vj_match_terms *terms,
                                        vj_yaml **measured);

/* The same trials, each at its row. Shares everything with `space`. */
VJ_MUST_USE vj_status vj_space_arrange(vj_pool *pool, const vj_space *space, const int64_t *row, vj_space **arranged);

#endif
