#include "framework/train/loading/prefetch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/base/float_environment.h"
#include "vj/memory.h"

/* Enqueued steps stand in a ring: `taken` is the number of the oldest, `enqueued` that of the next one to be enqueued.
 */
enum { MOST_STEPS = 8 };
static const size_t most_bytes = (size_t)256 << 20;

typedef struct slot {
  int64_t *numbers; /* [samples] */
  float *frames;    /* [samples, pixels] */
  float *labels;    /* [samples, labels] */
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
  int64_t taken, enqueued;   /* steps */
  int64_t next;              /* sample to be made, counted over all steps */
  bool ends;
};

int64_t vj_prefetch_depth(const vj_prefetch_request *r) {
  const size_t step = (size_t)(r->samples * r->pixels) * sizeof(float) + 1, fit = most_bytes / step;
  return fit > MOST_STEPS ? MOST_STEPS : fit < 2 ? 2 : (int64_t)fit;
}

/* --- the threads ------------------------------------------------------------------------------------------------- */

/* Called with the lock, which is open while the sample is made. */
static void make_one(vj_prefetch *p) {
  const vj_prefetch_request *const r = &p->request;
  const int64_t job = p->next++, i = job % r->samples;
  slot *const s = &p->slots[job / r->samples % p->depth];
  pthread_mutex_unlock(&p->lock);
  const vj_status status =
      r->ops->sample(r->dataset, VJ_TRAIN, s->numbers[i], s->frames + i * r->pixels, s->labels + i * r->labels);
  pthread_mutex_lock(&p->lock);
  if (status != VJ_OK && i < s->failed) {
    s->failed = i;
    s->status = status;
    snprintf(s->message, sizeof s->message, "sample %lld: %s", (long long)s->numbers[i], vj_error_message());
  }
  s->done++;
  pthread_cond_broadcast(&p->made);
}

static void *work(void *context) {
  vj_prefetch *const p = context;
  vj_float_environment();
  pthread_mutex_lock(&p->lock);
  while (!p->ends) {
    if (p->next < p->enqueued * p->request.samples)
      make_one(p);
    else
      pthread_cond_wait(&p->work, &p->lock);
  }
  pthread_mutex_unlock(&p->lock);
  return NULL;
}

/* --- from outside ------------------------------------------------------------------------------------------------ */

static vj_status start(vj_prefetch *p) {
  const vj_prefetch_request *const r = &p->request;
  for (int64_t i = 0; i < p->depth; i++) {
    VJ_TRY(vj_allocate((size_t)r->samples, sizeof(int64_t), "numbers of samples", &p->slots[i].numbers));
    VJ_TRY(
        vj_allocate((size_t)(r->samples * r->pixels), sizeof(float), "samples of coming steps", &p->slots[i].frames));
    VJ_TRY(vj_allocate((size_t)(r->samples * r->labels + 1), sizeof(float), "their labels", &p->slots[i].labels));
  }
  VJ_TRY(vj_allocate((size_t)r->threads, sizeof *p->threads, "threads", &p->threads));
  for (; p->started < r->threads; p->started++)
    if (pthread_create(&p->threads[p->started], NULL, work, p) != 0) break;
  return p->started ? VJ_OK : vj_fail(VJ_MEMORY, "no thread could be started for making samples");
}

vj_status vj_prefetch_create(const vj_prefetch_request *request, vj_prefetch **prefetch) {
  *prefetch = NULL;
  vj_prefetch *p = calloc(1, sizeof *p);
  if (!p) return vj_fail(VJ_MEMORY, "no memory for samples of coming steps");
  p->request = *request;
  p->depth = vj_prefetch_depth(request);
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->work, NULL);
  pthread_cond_init(&p->made, NULL);
  const vj_status status = start(p);
  if (status == VJ_OK)
    *prefetch = p;
  else
    vj_prefetch_destroy(&p);
  return status;
}

void vj_prefetch_destroy(vj_prefetch **prefetch) {
  vj_prefetch *const p = *prefetch;
  if (!p) return;
  pthread_mutex_lock(&p->lock);
  p->ends = true;
  pthread_cond_broadcast(&p->work);
  pthread_mutex_unlock(&p->lock);
  for (int i = 0; i < p->started; i++) pthread_join(p->threads[i], NULL);
  for (int64_t i = 0; i < p->depth; i++) {
    free(p->slots[i].numbers);
    free(p->slots[i].frames);
    free(p->slots[i].labels);
  }
  pthread_mutex_destroy(&p->lock);
  pthread_cond_destroy(&p->work);
  pthread_cond_destroy(&p->made);
  free(p->threads);
  free(p);
  *prefetch = NULL;
}

void vj_prefetch_enqueue(vj_prefetch *p, const int64_t *numbers) {
  pthread_mutex_lock(&p->lock);
  slot *const s = &p->slots[p->enqueued % p->depth];
  memcpy(s->numbers, numbers, (size_t)p->request.samples * sizeof *numbers);
  s->done = 0;
  s->failed = p->request.samples;
  s->status = VJ_OK;
  p->enqueued++;
  pthread_cond_broadcast(&p->work);
  pthread_mutex_unlock(&p->lock);
}

vj_status vj_prefetch_take(vj_prefetch *p, vj_prefetched_step *step) {
  slot *const s = &p->slots[p->taken % p->depth];
  pthread_mutex_lock(&p->lock);
  while (s->done < p->request.samples) pthread_cond_wait(&p->made, &p->lock);
  pthread_mutex_unlock(&p->lock);
  *step = (vj_prefetched_step){s->frames, s->labels, s->numbers};
  return s->status == VJ_OK ? VJ_OK : vj_fail(s->status, "%s", s->message);
}

void vj_prefetch_release(vj_prefetch *p) { p->taken++; /* looked at by this thread alone */ }
