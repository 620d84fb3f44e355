/* A watchdog: a thread that notices when nothing moves any more, as in a collective whose peer is gone.
 *
 * Time is counted in naps of the thread itself, so a process that was suspended as a whole is not taken for hung. */
#ifndef VJ_FRAMEWORK_BASE_WATCHDOG_H
#define VJ_FRAMEWORK_BASE_WATCHDOG_H

#include "vj/status.h"

typedef struct vj_watchdog vj_watchdog;

typedef struct vj_watchdog_calls {
  void (*pulse)(void *context); /* every ten seconds or sooner, from the thread; may be NULL */
  void (*hung)(void *context);  /* from the thread, once: it is expected to end the process; may be NULL */
  void *context;
} vj_watchdog_calls;

/* `limit` in seconds without a beat; 0: it only pulses. The caller stops it. */
VJ_MUST_USE vj_status vj_watchdog_start(double limit, const vj_watchdog_calls *calls, vj_watchdog **watchdog);
void vj_watchdog_beat(vj_watchdog *watchdog);
/* Nulls the handle. */
void vj_watchdog_stop(vj_watchdog **watchdog);

#endif
