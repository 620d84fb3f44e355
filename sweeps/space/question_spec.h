/* `question:` of an experiment: what it asks, and what would count as an answer, said before it is run. Data alone;
 * analysis/results/answer.h answers it. Like `report:` it is part of no trial. Not collective. */
#ifndef VJ_SWEEPS_SPACE_QUESTION_SPEC_H
#define VJ_SWEEPS_SPACE_QUESTION_SPEC_H

#include "sweeps/space/report_spec.h"
#include "sweeps/space/space.h"

/* A quantity of an arm, or how it differs from that of another arm or of a control, held against a bound. */
typedef struct vj_question_claim {
  vj_report_column column; /* which number of a trial; its node is the claim's */
  const char *of;          /* the arm; "" where the sweep has none */
  const char *to;          /* the arm or control that it is compared with; "" with none */
  int control;             /* vj_control, where `to` is one and no arm; else VJ_CONTROLS */
  bool is_difference;      /* of - to, not of / to */
  bool is_at_least;        /* else at most */
  double bound;
  int64_t where_count; /* of both arms only trials with these settings */
  const vj_setting *where;
  const char *text; /* "probe_speed_mse, VJ-VCR / generative, at most 0.8" */
  const char *path; /* "question.claims[0]" */
} vj_question_claim;

typedef struct vj_question {
  const char *asked, *yes, *no, *published; /* prose; all but the first may be "" */
  int64_t claim_count, requirement_count;
  const vj_question_claim *claims;       /* at least one */
  const vj_question_claim *requirements; /* controls: unless all hold, nothing is answered */
} vj_question;

/* Reads `question:` of the tree; *question = NULL without one. Arms must be those of the tree's sweep. Everything is
 * owned by the pool, places by the tree. Errors have a place:
 *   sweeps/vcr.yaml:40:34: question.claims[0].of: no arm "VJ-VRC"; did you mean "VJ-VCR"? */
VJ_MUST_USE vj_status vj_question_read(vj_pool *pool, const vj_yaml *root, const vj_question **question);

/* Fails unless each `where` names settings of the sweep that trials of its arms have. A NULL question is fine, here and
 * below. */
VJ_MUST_USE vj_status vj_question_check_space(const vj_question *question, const vj_space *space);

/* Fails unless every quantity is a number that the file has, or will have when it is laid out like this, and every
 * control has one. */
VJ_MUST_USE vj_status vj_question_check_layout(const vj_question *question, const vj_file_layout *layout);
VJ_MUST_USE vj_status vj_question_check_file(const vj_question *question, const vj_sweep_file *file);

#endif
