#include "framework/train/loading/prefetch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vj/memory.h"

/* Ordered steps stand in a ring: `taken` is the number of the oldest, `ordered` that of the next one to be ordered. */
enum { MOST_STEPS = 8 };
static const size_t most_bytes = (size_t)256 << 20;

typedef struct slot {
  int64_t *numbers; /* [samples] */
  float *frames;    /* [samples, pixels] */
  int64_t done;     /* samples that are made */
  int64_t failed;   /* the first that failed; `samples`: none */
  vj_status status;
  char message[1024];
} slot;

struct vj_prefetch {
  vj_prefetch_request request;
  int64_t depth;
  slot slots[MOST_STEPS];
  pthread_t *threads;
  int started;
  pthread_mutex_t lock;
  pthread_cond_t work, made; /* something to make; something was made */
  int64_t taken, ordered;    /* steps */
  int64_t next;              /* sample to be made, counted over all steps */
  bool ends;
};

int64_t vj_prefetch_depth(const vj_prefetch_request *r) {
  const size_t step = (size_t)(r->samples * r->pixels) * sizeof(float) + 1, fit = most_bytes / step;
  return fit > MOST_STEPS ? MOST_STEPS : fit < 2 ? 2 : (int64_t)fit;
}

/* --- the threads ------------------------------------------------------------------------------------------------- */

/* Called with the lock, which is open while the sample is made. */
static void make_one(vj_prefetch *a, float *labels) {
  const vj_prefetch_request *const r = &a->request;
  const int64_t job = a->next++, i = job % r->samples;
  slot *const s = &a->slots[job / r->samples % a->depth];
  pthread_mutex_unlock(&a->lock);
  const vj_status status = r->ops->sample(r->dataset, VJ_TRAIN, s->numbers[i], s->frames + i * r->pixels, labels);
  pthread_mutex_lock(&a->lock);
  if (status != VJ_OK && i < s->failed) {
    s->failed = i;
    s->status = status;
    snprintf(s->message, sizeof s->message, "sample %lld: %s", (long long)s->numbers[i], vj_error_message());
  }
  s->done++;
  pthread_cond_broadcast(&a->made);
}

static void *work(void *context) {
  vj_prefetch *const a = context;
  float *const labels = malloc((size_t)(a->request.labels + 1) * sizeof *labels);
  pthread_mutex_lock(&a->lock);
  while (!a->ends && labels) {
    if (a->next < a->ordered * a->request.samples)
      make_one(a, labels);
    else
      pthread_cond_wait(&a->work, &a->lock);
  }
  pthread_mutex_unlock(&a->lock);
  free(labels);
  return NULL;
}

/* --- from outside ------------------------------------------------------------------------------------------------ */

static vj_status start(vj_prefetch *a) {
  const vj_prefetch_request *const r = &a->request;
  for (int64_t i = 0; i < a->depth; i++) {
    VJ_TRY(vj_allocate((size_t)r->samples, sizeof(int64_t), "numbers of samples", &a->slots[i].numbers));
    VJ_TRY(
        vj_allocate((size_t)(r->samples * r->pixels), sizeof(float), "samples of coming steps", &a->slots[i].frames));
  }
  VJ_TRY(vj_allocate((size_t)r->threads, sizeof *a->threads, "threads", &a->threads));
  for (; a->started < r->threads; a->started++)
    if (pthread_create(&a->threads[a->started], NULL, work, a) != 0) break;
  return a->started ? VJ_OK : vj_fail(VJ_MEMORY, "no thread could be started for making samples");
}

vj_status vj_prefetch_create(const vj_prefetch_request *request, vj_prefetch **prefetch) {
  *prefetch = NULL;
  vj_prefetch *a = calloc(1, sizeof *a);
  if (!a) return vj_fail(VJ_MEMORY, "no memory for samples of coming steps");
  a->request = *request;
  a->depth = vj_prefetch_depth(request);
  pthread_mutex_init(&a->lock, NULL);
  pthread_cond_init(&a->work, NULL);
  pthread_cond_init(&a->made, NULL);
  const vj_status status = start(a);
  if (status == VJ_OK)
    *prefetch = a;
  else
    vj_prefetch_destroy(&a);
  return status;
}

void vj_prefetch_destroy(vj_prefetch **prefetch) {
  vj_prefetch *const a = *prefetch;
  if (!a) return;
  pthread_mutex_lock(&a->lock);
  a->ends = true;
  pthread_cond_broadcast(&a->work);
  pthread_mutex_unlock(&a->lock);
  for (int i = 0; i < a->started; i++) pthread_join(a->threads[i], NULL);
  for (int64_t i = 0; i < a->depth; i++) {
    free(a->slots[i].numbers);
    free(a->slots[i].frames);
  }
  pthread_mutex_destroy(&a->lock);
  pthread_cond_destroy(&a->work);
  pthread_cond_destroy(&a->made);
  free(a->threads);
  free(a);
  *prefetch = NULL;
}

void vj_prefetch_order(vj_prefetch *a, const int64_t *numbers) {
  pthread_mutex_lock(&a->lock);
  slot *const s = &a->slots[a->ordered % a->depth];
  memcpy(s->numbers, numbers, (size_t)a->request.samples * sizeof *numbers);
  s->done = 0;
  s->failed = a->request.samples;
  s->status = VJ_OK;
  a->ordered++;
  pthread_cond_broadcast(&a->work);
  pthread_mutex_unlock(&a->lock);
}

vj_status vj_prefetch_take(vj_prefetch *a, const float **frames, const int64_t **numbers) {
  slot *const s = &a->slots[a->taken % a->depth];
  pthread_mutex_lock(&a->lock);
  while (s->done < a->request.samples) pthread_cond_wait(&a->made, &a->lock);
  pthread_mutex_unlock(&a->lock);
  *frames = s->frames;
  *numbers = s->numbers;
  return s->status == VJ_OK ? VJ_OK : vj_fail(s->status, "%s", s->message);
}

void vj_prefetch_release(vj_prefetch *a) { a->taken++; /* looked at by this thread alone */ }
