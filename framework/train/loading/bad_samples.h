/* The videos of a trial that turned out damaged when samples were asked for. Which ones is a function of the samples
 * that were taken, so it is the same on any number of ranks and after a resume. Each rank notes what its own samples
 * met; vj_bad_samples_share brings it together. Empty where a data set is not made of videos. */
#ifndef VJ_FRAMEWORK_TRAIN_LOADING_BAD_SAMPLES_H
#define VJ_FRAMEWORK_TRAIN_LOADING_BAD_SAMPLES_H

#include <stddef.h>

#include "framework/comm/comm.h"
#include "framework/store/records/records.h"
#include "vj/dataset.h"
#include "vj/memory.h"

typedef struct vj_bad_samples {
  const vj_dataset_ops *ops;
  const void *dataset;
  int64_t videos[VJ_SPLITS]; /* in use */
  int64_t all;               /* of all splits */
  unsigned char *met;        /* [all], split by split: 1 where a video is damaged */
  bool is_fresh;             /* this rank has noted something since ranks shared */
} vj_bad_samples;

VJ_MUST_USE vj_status vj_bad_samples_create(const vj_dataset_ops *ops, const void *dataset, const vj_clip_info *info,
                                            vj_bad_samples *bad_samples);
void vj_bad_samples_free(vj_bad_samples *bad_samples);

/* Whether the data set can name damaged videos at all. */
bool vj_bad_samples_is_known(const vj_bad_samples *bad_samples);
/* What samples that were made have passed over. */
void vj_bad_samples_note(vj_bad_samples *bad_samples, vj_split split, const int64_t *numbers, int64_t count);
/* Collective over a trial's group: what any rank knows, all know afterwards. */
VJ_MUST_USE vj_status vj_bad_samples_share(vj_bad_samples *bad_samples, const vj_comm *comm);

int64_t vj_bad_samples_count(const vj_bad_samples *bad_samples);
/* "training: a.mp4, b.mp4; test: c.mp4", as listed; what does not fit into `bytes` is counted at the end, " and 3
 * more".
 */
void vj_bad_samples_tell(const vj_bad_samples *bad_samples, char *text, size_t bytes);
/* The same as a sentence; NULL: no memory. Owned by the pool. */
const char *vj_bad_samples_sentence(vj_pool *pool, const vj_bad_samples *bad_samples);
/* Writes both to a trial's row. A file of an earlier version that has no room for it stays as it is. */
VJ_MUST_USE vj_status vj_bad_samples_record(const vj_bad_samples *bad_samples, vj_sweep_file *file, int64_t trial);

/* For a checkpoint: "training a.mp4", "test c.mp4", each with a zero behind it, in `bytes` bytes; the caller frees
 * them. None: NULL and 0. */
VJ_MUST_USE vj_status vj_bad_samples_pack(const vj_bad_samples *bad_samples, unsigned char **text, int64_t *bytes);
/* Notes again what was packed. Videos that are no longer in use are left out. */
void vj_bad_samples_unpack(vj_bad_samples *bad_samples, const unsigned char *text, int64_t bytes);

#endif
