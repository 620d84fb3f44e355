/* Batches: which samples a step takes, and filling a graph's input with them. */
#ifndef VJ_FRAMEWORK_TRAIN_LOADING_LOADER_H
#define VJ_FRAMEWORK_TRAIN_LOADING_LOADER_H

#include "framework/comm/comm.h"
#include "framework/config/config.h"
#include "framework/graph/graph.h"
#include "framework/train/loading/prefetch.h"
#include "framework/train/loading/bad_samples.h"

/* An open data set that outlives a trial, for the next one with the same section `data`; zeros: none is open. */
typedef struct vj_open_data {
  const vj_component *component;
  void *dataset;
  char *section;            /* what it was opened from */
  int64_t damaged_reported; /* damaged videos that a warning was given of */
} vj_open_data;

void vj_open_data_close(vj_open_data *cached);

typedef struct vj_loader {
  const vj_component *component; /* the data set */
  void *dataset;
  bool is_borrowed; /* by someone else, who closes it */
  vj_clip_info info;
  uint64_t seed;          /* of the trial: order of samples */
  int64_t epoch;          /* whose order is in `order`; -1: none yet */
  int64_t *order;         /* a permutation of the training samples */
  float *frames, *labels; /* room for one sample a thread */
  int threads;
  vj_prefetch *prefetch;    /* makes samples of coming steps; NULL where a data set is quick */
  int64_t prefetched_batch; /* the batch it was made for, and this rank's place in it */
  int prefetched_rank, prefetched_size;
  int64_t prefetched_first, prefetched_end; /* steps that are enqueued and not taken */
  vj_bad_samples bad_samples; /* met by the samples that were taken; those prefetched count when they are */
} vj_loader;

/* Opens the data set of a configuration. Not collective (every rank opens its own). */
VJ_MUST_USE vj_status vj_loader_open(const vj_config *config, vj_loader *loader);
/* The same with the data set that is cached, if it was opened from the same section; else with a fresh one, cached in
 * its place. `cached` must outlive the loader. */
VJ_MUST_USE vj_status vj_loader_open_cached(const vj_config *config, vj_open_data *cached, vj_loader *loader);
void vj_loader_close(vj_loader *loader);

/* Global number of the i-th training sample since step 0: epochs one after the other, each in its own order. */
int64_t vj_loader_number(vj_loader *loader, int64_t position);

/* Fills this rank's shards of `input` [b,T,H,W,C], and those of labels that the graph has, with the training batch of a
 * step, in parallel over samples. */
VJ_MUST_USE vj_status vj_loader_fill_step(vj_loader *loader, const vj_graph *graph, const vj_var *input,
                                          const vj_comm *comm, int64_t step);
/* The same with consecutive samples of a split from `first` on, modulo the split's size. `labels`, if not NULL, has
 * room for this rank's samples, label_width numbers each. */
VJ_MUST_USE vj_status vj_loader_fill_split(vj_loader *loader, const vj_graph *graph, const vj_var *input,
                                           const vj_comm *comm, vj_split split, int64_t first, float *labels);

/* Of how many videos the first `samples` samples of a split are; 0 for a data set that is not made of videos. */
VJ_MUST_USE vj_status vj_loader_videos(const vj_loader *loader, vj_split split, int64_t samples, int64_t *videos);

/* The label by name, and where its numbers start in a sample's labels; NULL if there is none. */
const vj_label *vj_loader_label(const vj_loader *loader, const char *name, int64_t *offset);

#endif
