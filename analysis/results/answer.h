/* What a sweep answers to its question (sweeps/space/question_spec.h): each claim with its effect, how sure that is,
 * and whether it holds; then all of them together. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_ANSWER_H
#define VJ_ANALYSIS_RESULTS_ANSWER_H

#include "analysis/results/sweep_results.h"
#include "analysis/statistics/effect.h"
#include "sweeps/space/question_spec.h"

typedef enum vj_verdict {
  VJ_VERDICT_OPEN,  /* the interval has the bound in it, or there is none */
  VJ_VERDICT_HOLDS, /* the whole interval is on the claimed side of the bound */
  VJ_VERDICT_FAILS  /* the whole interval is on the other side */
} vj_verdict;

typedef struct vj_claim_result {
  const vj_question_claim *claim;
  int64_t seeds, seeds_of_sweep; /* that have all numbers of the claim; that there are */
  double of, to;                 /* means over these seeds; `to` NaN where nothing is compared */
  vj_effect effect;              /* with the claim's bound; over seeds, no narrower than over clips of videos */
  bool by_clips;                 /* test clips leave more open than seeds do */
  double p_holm;                 /* p of the effect, made fit to be read with all other claims; of requirements p */
  vj_verdict verdict;
} vj_claim_result;

typedef enum vj_answer_kind { VJ_ANSWER_OPEN, VJ_ANSWER_YES, VJ_ANSWER_NO, VJ_ANSWER_CANNOT_TELL } vj_answer_kind;

typedef struct vj_answer {
  const vj_question *question;
  vj_answer_kind kind;
  bool is_so_far;                         /* trials are still to be trained */
  const vj_claim_result *decisive;        /* the claim, or requirement, on which the answer hangs most */
  const char *words;                      /* "no, so far", "open (one seed)", "cannot tell: ..." */
  vj_claim_result *claims, *requirements; /* as many as the question has */
} vj_answer;

/* The answer to a question, NULL for the sweep's own; *answer = NULL where there is none. Quantities and controls that
 * the file has not are errors. `folder` is the sweep's. Everything is owned by the results. */
VJ_MUST_USE vj_status vj_answer_find(const vj_results *results, const char *folder, const vj_question *question,
                                     const vj_answer **answer);

/* "holds", "fails", "open", "open (one seed)", "open (not measured)". */
const char *vj_verdict_word(const vj_claim_result *result);
/* "yes", "no", "open", "cannot tell". */
const char *vj_answer_word(vj_answer_kind kind);

#endif
