#include "framework/base/watchdog.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "framework/base/float_environment.h"

struct vj_watchdog {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  bool ends; /* under the lock */
  atomic_ulong beats;
  double limit, nap;
  vj_watchdog_calls calls;
};

/* True when it is time to end. */
static bool wait_nap(vj_watchdog *w) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += (long)((w->nap - (double)(long)w->nap) * 1e9);
  until.tv_sec += (time_t)w->nap + until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_mutex_lock(&w->lock);
  while (!w->ends && pthread_cond_timedwait(&w->wake, &w->lock, &until) == 0) continue;
  const bool ends = w->ends;
  pthread_mutex_unlock(&w->lock);
  return ends;
}

static void *run(void *context) {
  vj_watchdog *w = context;
  unsigned long seen = 0;
  double idle = 0;
  bool reported = false;
  vj_float_environment();
  while (!wait_nap(w)) {
    const unsigned long beats = atomic_load(&w->beats);
    idle = beats == seen ? idle + w->nap : 0;
    seen = beats;
    if (w->calls.pulse) w->calls.pulse(w->calls.context);
    if (reported || w->limit <= 0 || idle < w->limit) continue;
    reported = true;
    if (w->calls.hung) w->calls.hung(w->calls.context);
  }
  return NULL;
}

vj_status vj_watchdog_start(double limit, const vj_watchdog_calls *calls, vj_watchdog **watchdog) {
  vj_watchdog *w = calloc(1, sizeof *w);
  *watchdog = NULL;
  if (!w) return vj_fail(VJ_MEMORY, "no memory for the watchdog");
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_mutex_init(&w->lock, NULL);
  pthread_cond_init(&w->wake, &attributes);
  pthread_condattr_destroy(&attributes);
  w->limit = limit;
  w->nap = limit > 0 && limit < 80 ? limit / 8 : 10;
  w->calls = *calls;
  /* Signals are for the threads that work. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int cause = pthread_create(&w->thread, NULL, run, w);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (cause == 0) {
    *watchdog = w;
    return VJ_OK;
  }
  free(w);
  return vj_fail(VJ_INTERNAL, "the watchdog can't be started: %s", strerror(cause));
}

void vj_watchdog_beat(vj_watchdog *watchdog) {
  if (watchdog) atomic_fetch_add(&watchdog->beats, 1);
}

void vj_watchdog_stop(vj_watchdog **watchdog) {
  vj_watchdog *w = *watchdog;
  *watchdog = NULL;
  if (!w) return;
  pthread_mutex_lock(&w->lock);
  w->ends = true;
  pthread_cond_signal(&w->wake);
  pthread_mutex_unlock(&w->lock);
  pthread_join(w->thread, NULL);
  pthread_cond_destroy(&w->wake);
  pthread_mutex_destroy(&w->lock);
  free(w);
}
