#include "framework/train/loading/loader.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/base/float_environment.h"
#include "framework/base/threads.h"
#include "framework/train/model/labels.h"
#include "vj/memory.h"
#include "vj/rng.h"

/* What a data set can't read is bad data, the matter of one trial; VJ_IO stays with the files that all trials share. */
static vj_status of_data(vj_status status) {
  return status == VJ_IO ? vj_error_adopt(VJ_DATA, vj_error_message()) : status;
}

/* --- opening ------------------------------------------------------------------------------------------------- */

static vj_status open_data_set(const vj_config *config, void **dataset) {
  vj_clip_request request = config->clip;
  request.threads = vj_threads();
  return of_data(config->dataset.component->as.dataset.open(config->dataset.config, &request, dataset));
}

/* What a loader has beside its data set. */
static vj_status allocate_buffers(vj_loader *loader) {
  loader->component->as.dataset.info(loader->dataset, &loader->info);
  loader->threads = vj_threads();
  const vj_clip_info *info = &loader->info;
  const size_t pixels = (size_t)(info->frames * info->height * info->width * info->channels);
  VJ_TRY(vj_allocate((size_t)info->samples[VJ_TRAIN], sizeof *loader->order, "order of samples", &loader->order));
  VJ_TRY(vj_allocate((size_t)loader->threads * pixels, sizeof(float), "frames", &loader->frames));
  VJ_TRY(vj_allocate((size_t)(loader->threads * (info->label_width + 1)), sizeof(float), "labels", &loader->labels));
  return vj_bad_samples_create(&loader->component->as.dataset, loader->dataset, info, &loader->bad_samples);
}

vj_status vj_loader_open(const vj_config *config, vj_loader *loader) {
  *loader = (vj_loader){.component = config->dataset.component, .seed = config->seed, .epoch = -1};
  VJ_TRY(open_data_set(config, &loader->dataset));
  return allocate_buffers(loader);
}

void vj_open_data_close(vj_open_data *cached) {
  if (cached->dataset) cached->component->as.dataset.close(&cached->dataset);
  free(cached->section);
  *cached = (vj_open_data){0};
}

static vj_status cache_data_set(const vj_config *config, vj_open_data *cached) {
  vj_pool *pool = NULL;
  VJ_TRY(vj_pool_create(&pool));
  const char *section = vj_yaml_print(pool, vj_yaml_find(config->resolved, "data"));
  vj_status status = section ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for what the data set is opened from");
  if (section && !(cached->dataset && strcmp(cached->section, section) == 0)) {
    vj_open_data_close(cached);
    cached->section = strdup(section);
    cached->component = config->dataset.component;
    status = cached->section ? open_data_set(config, &cached->dataset) : vj_fail(VJ_MEMORY, "no memory for a data set");
  }
  vj_pool_destroy(&pool);
  return status;
}

vj_status vj_loader_open_cached(const vj_config *config, vj_open_data *cached, vj_loader *loader) {
  *loader = (vj_loader){.component = config->dataset.component, .is_borrowed = true, .seed = config->seed, .epoch = -1};
  VJ_TRY(cache_data_set(config, cached));
  loader->dataset = cached->dataset;
  return allocate_buffers(loader);
}

void vj_loader_close(vj_loader *loader) {
  vj_prefetch_destroy(&loader->prefetch);
  if (loader->dataset && !loader->is_borrowed) loader->component->as.dataset.close(&loader->dataset);
  vj_bad_samples_free(&loader->bad_samples);
  free(loader->order);
  free(loader->frames);
  free(loader->labels);
  *loader = (vj_loader){.epoch = -1};
}

/* --- samples ------------------------------------------------------------------------------------------------- */

int64_t vj_loader_number(vj_loader *loader, int64_t position) {
  const int64_t samples = loader->info.samples[VJ_TRAIN], epoch = position / samples;
  if (epoch != loader->epoch) {
    vj_rng rng = vj_rng_stream(loader->seed, VJ_RNG_SHUFFLE, (uint32_t)epoch, 0);
    vj_rng_permutation(&rng, samples, loader->order);
    loader->epoch = epoch;
  }
  return loader->order[position % samples];
}

/* One sample's frames to their place in the graph's input; through a float buffer where the graph computes in double.
 */
static vj_status make_sample(const vj_loader *loader, vj_split split, int64_t number, vj_real *to, float *labels) {
  const vj_clip_info *info = &loader->info;
  const int64_t pixels = info->frames * info->height * info->width * info->channels;
  vj_float_environment();
#ifdef VJ_DOUBLE
  float *frames = loader->frames + omp_get_thread_num() * pixels;
  VJ_TRY(loader->component->as.dataset.sample(loader->dataset, split, number, frames, labels));
  for (int64_t i = 0; i < pixels; i++) to[i] = (vj_real)frames[i];
  return VJ_OK;
#else
  (void)pixels;
  return loader->component->as.dataset.sample(loader->dataset, split, number, to, labels);
#endif
}

/* This rank's i-th sample of a batch into the graph's inputs. `labels`: NULL, or room for what it is labelled with. */
static vj_status put_sample(const vj_loader *loader, const vj_graph *graph, const vj_var *input, vj_split split,
                            int64_t number, int64_t i, float *labels) {
  const int64_t b = vj_shard_samples(graph), pixels = input->count / b;
  vj_real *to = vj_graph_values(graph, input, i / b) + (i % b) * pixels;
  if (!labels) labels = loader->labels + omp_get_thread_num() * (loader->info.label_width + 1);
  VJ_TRY(make_sample(loader, split, number, to, labels));
  vj_labels_fill(graph, i, labels);
  return VJ_OK;
}

/* `numbers`: of this rank's samples, in order. A failure in any thread becomes the caller's. */
static vj_status fill(vj_loader *loader, const vj_graph *graph, const vj_var *input, vj_split split,
                      const int64_t *numbers, int64_t count, float *labels) {
  vj_status failure = VJ_OK;
  int64_t lowest = count; /* the first bad sample is reported, whichever thread met it first */
  char message[1024] = "";
#pragma omp parallel for schedule(static) num_threads(loader->threads)
  for (int64_t i = 0; i < count; i++) {
    float *row = labels ? labels + i * loader->info.label_width : NULL;
    const vj_status status = put_sample(loader, graph, input, split, numbers[i], i, row);
    if (status == VJ_OK) continue;
#pragma omp critical
    if (i < lowest) {
      lowest = i;
      failure = status;
      snprintf(message, sizeof message, "sample %lld: %s", (long long)numbers[i], vj_error_message());
    }
  }
  if (failure != VJ_OK) return of_data(vj_fail(failure, "%s", message));
  vj_bad_samples_note(&loader->bad_samples, split, numbers, count);
  return VJ_OK;
}

static vj_status no_memory(int64_t batch) {
  return vj_fail(VJ_MEMORY, "no memory for a batch of %lld", (long long)batch);
}

/* --- steps --------------------------------------------------------------------------------------------------- */

/* This rank's samples of a step; the caller frees the numbers. */
static int64_t *numbers_of(vj_loader *loader, const vj_comm *comm, int64_t batch, int64_t step) {
  const int64_t mine = batch / comm->size;
  int64_t *numbers = malloc((size_t)mine * sizeof *numbers);
  for (int64_t i = 0; i < mine && numbers; i++)
    numbers[i] = vj_loader_number(loader, step * batch + comm->rank * mine + i);
  return numbers;
}

/* Enqueues the coming steps, as many as fit. A step out of turn, or another batch, begins anew. */
static vj_status enqueue_steps(vj_loader *loader, const vj_comm *comm, int64_t batch, int64_t pixels, int64_t step) {
  const vj_prefetch_request request = {.ops = &loader->component->as.dataset,
                                       .dataset = loader->dataset,
                                       .samples = batch / comm->size,
                                       .pixels = pixels,
                                       .labels = loader->info.label_width,
                                       .threads = loader->threads};
  if (loader->prefetch && (loader->prefetched_first != step || loader->prefetched_batch != batch ||
                           loader->prefetched_rank != comm->rank || loader->prefetched_size != comm->size))
    vj_prefetch_destroy(&loader->prefetch);
  if (!loader->prefetch) {
    VJ_TRY(vj_prefetch_create(&request, &loader->prefetch));
    loader->prefetched_batch = batch, loader->prefetched_rank = comm->rank, loader->prefetched_size = comm->size;
    loader->prefetched_first = loader->prefetched_end = step;
  }
  for (const int64_t depth = vj_prefetch_depth(&request); loader->prefetched_end < step + depth;
       loader->prefetched_end++) {
    int64_t *const numbers = numbers_of(loader, comm, batch, loader->prefetched_end);
    if (!numbers) return no_memory(batch);
    vj_prefetch_enqueue(loader->prefetch, numbers);
    free(numbers);
  }
  return VJ_OK;
}

static vj_status fill_from_prefetch(vj_loader *loader, const vj_graph *graph, const vj_var *input, const vj_comm *comm,
                                    int64_t step) {
  const int64_t batch = vj_batch_samples(graph), b = vj_shard_samples(graph), pixels = input->count / b;
  vj_prefetched_step made = {0};
  VJ_TRY(enqueue_steps(loader, comm, batch, pixels, step));
  const vj_status status = vj_prefetch_take(loader->prefetch, &made);
  for (int64_t i = 0; i < batch / comm->size && status == VJ_OK; i++) {
    vj_real *const to = vj_graph_values(graph, input, i / b) + (i % b) * pixels;
    for (int64_t k = 0; k < pixels; k++) to[k] = (vj_real)made.frames[i * pixels + k];
    vj_labels_fill(graph, i, made.labels + i * loader->info.label_width);
  }
  if (status == VJ_OK) vj_bad_samples_note(&loader->bad_samples, VJ_TRAIN, made.numbers, batch / comm->size);
  vj_prefetch_release(loader->prefetch);
  loader->prefetched_first++;
  return status == VJ_OK ? VJ_OK : of_data(status);
}

vj_status vj_loader_fill_step(vj_loader *loader, const vj_graph *graph, const vj_var *input, const vj_comm *comm,
                              int64_t step) {
  if (loader->info.is_slow) return fill_from_prefetch(loader, graph, input, comm, step);
  const int64_t batch = vj_batch_samples(graph);
  int64_t *numbers = numbers_of(loader, comm, batch, step);
  if (!numbers) return no_memory(batch);
  const vj_status status = fill(loader, graph, input, VJ_TRAIN, numbers, batch / comm->size, NULL);
  free(numbers);
  return status;
}

vj_status vj_loader_fill_split(vj_loader *loader, const vj_graph *graph, const vj_var *input, const vj_comm *comm,
                               vj_split split, int64_t first, float *labels) {
  const int64_t mine = vj_batch_samples(graph) / comm->size;
  int64_t *numbers = malloc((size_t)mine * sizeof *numbers);
  if (!numbers) return no_memory(vj_batch_samples(graph));
  for (int64_t i = 0; i < mine; i++) numbers[i] = (first + comm->rank * mine + i) % loader->info.samples[split];
  const vj_status status = fill(loader, graph, input, split, numbers, mine, labels);
  free(numbers);
  return status;
}

vj_status vj_loader_videos(const vj_loader *loader, vj_split split, int64_t samples, int64_t *videos) {
  const vj_dataset_ops *ops = &loader->component->as.dataset;
  bool *seen = NULL;
  *videos = 0;
  if (!ops->video_of) return VJ_OK;
  VJ_TRY(vj_allocate((size_t)loader->info.videos[split] + 1, sizeof *seen, "videos", &seen));
  for (int64_t i = 0; i < samples && i < loader->info.samples[split]; i++) {
    bool *const video = &seen[ops->video_of(loader->dataset, split, i)];
    *videos += !*video;
    *video = true;
  }
  free(seen);
  return VJ_OK;
}

const vj_label *vj_loader_label(const vj_loader *loader, const char *name, int64_t *offset) {
  *offset = 0;
  for (int64_t i = 0; i < loader->info.label_count; i++) {
    const vj_label *label = &loader->info.labels[i];
    if (strcmp(label->name, name) == 0) return label;
    *offset += label->width;
  }
  return NULL;
}
