#include "framework/store/ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "framework/store/ledger/ledger_private.h"
#include "vj/memory.h"

const char *vj_trial_state_word(vj_trial_state state) {
  static const char *const words[VJ_TRIAL_STATES] = {[VJ_TRIAL_WAITING] = "waiting",
                                                     [VJ_TRIAL_RUNNING] = "running",
                                                     [VJ_TRIAL_DONE] = "done",
                                                     [VJ_TRIAL_FAILED] = "failed",
                                                     [VJ_TRIAL_PRUNED] = "stopped"};
  return words[state];
}

/* Trials that were added behind those the file knows of wait. */
static vj_status extend(vj_ledger *ledger) {
  off_t torn = 0;
  VJ_TRY(vj_ledger_refresh(ledger, &torn));
  return vj_ledger_append_record(ledger, EXTEND, ledger->trials, 0, NULL, torn);
}

static vj_status begin(vj_ledger *ledger) {
  off_t torn = 0;
  VJ_TRY(vj_ledger_lock(ledger, LOCK_EX));
  vj_status status = vj_ledger_refresh(ledger, &torn);
  if (status == VJ_OK && ledger->lines == 0) {
    vj_lines text = {0};
    vj_ledger_put_header(&text, ledger->trials);
    status = vj_ledger_append(ledger, &text, torn);
  }
  if (status == VJ_OK && ledger->stated < ledger->trials) status = extend(ledger);
  status = vj_ledger_unlock_and_sync(ledger, status);
  ledger->opened = status == VJ_OK;
  return status;
}

vj_status vj_ledger_open(const char *path, int64_t trials, const char *who, vj_ledger **ledger) {
  *ledger = NULL;
  if (trials < 1) return vj_fail(VJ_INTERNAL, "%s: a ledger of %" PRId64 " trials", path, trials);
  vj_ledger *fresh = NULL;
  vj_status status = VJ_OK;
  VJ_TRY(vj_allocate(1, sizeof *fresh, "the ledger", &fresh));
  fresh->descriptor = -1;
  fresh->trials = trials;
  VJ_TRY_GOTO(status, vj_allocate(strlen(path) + 1, 1, "the ledger's path", &fresh->path), failed);
  memcpy(fresh->path, path, strlen(path) + 1);
  VJ_TRY_GOTO(status, vj_allocate(strlen(who) + 1, 1, "the ledger's signature", &fresh->who), failed);
  memcpy(fresh->who, who, strlen(who) + 1);
  VJ_TRY_GOTO(status, vj_allocate((size_t)trials, sizeof *fresh->records, "the ledger's trials", &fresh->records),
              failed);
  fresh->descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  /* Who may only read may still ask for states. */
  if (fresh->descriptor < 0 && (errno == EACCES || errno == EROFS)) {
    const int cause = errno;
    fresh->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    fresh->read_only = true;
    if (fresh->descriptor < 0) errno = cause;
  }
  if (fresh->descriptor < 0) {
    status = vj_ledger_system_fail(fresh, "can't be opened");
    goto failed;
  }
  VJ_TRY_GOTO(status, begin(fresh), failed);
  *ledger = fresh;
  return VJ_OK;
failed:
  vj_ledger_close(&fresh);
  return status;
}

void vj_ledger_close(vj_ledger **ledger) {
  if (!*ledger) return;
  if ((*ledger)->descriptor >= 0) close((*ledger)->descriptor);
  for (int64_t i = 0; (*ledger)->records && i < (*ledger)->trials; i++) free((*ledger)->records[i].text);
  free((*ledger)->records);
  free((*ledger)->measurements);
  free((*ledger)->path);
  free((*ledger)->who);
  free(*ledger);
  *ledger = NULL;
}

/* Everything was parsed: the first of `trials` that waits, or -1. */
static int64_t first_waiting(const vj_ledger *ledger, const int64_t *trials, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (trials[i] >= 0 && trials[i] < ledger->trials && ledger->records[trials[i]].state == VJ_TRIAL_WAITING)
      return trials[i];
  return -1;
}

vj_status vj_ledger_claim(vj_ledger *ledger, const int64_t *trials, int64_t count, int64_t *trial, int64_t *attempt) {
  off_t torn = 0;
  *trial = -1;
  *attempt = 0;
  VJ_TRY(vj_ledger_lock(ledger, LOCK_EX));
  vj_status status = vj_ledger_refresh(ledger, &torn);
  const int64_t first = status == VJ_OK ? first_waiting(ledger, trials, count) : -1;
  if (first >= 0)
    status = vj_ledger_append_record(ledger, CLAIM, first, ledger->records[first].attempts + 1, NULL, torn);
  vj_ledger_unlock(ledger); /* if the power fails, the trial waits again, and nothing was lost */
  if (first < 0 || status != VJ_OK) return status;
  vj_ledger_record *r = &ledger->records[first];
  *trial = first;
  *attempt = r->own_attempt = r->attempts;
  return VJ_OK;
}

vj_status vj_ledger_waits(vj_ledger *ledger, const int64_t *trials, int64_t count, bool *waits) {
  off_t torn = 0;
  VJ_TRY(vj_ledger_lock(ledger, LOCK_SH));
  const vj_status status = vj_ledger_refresh(ledger, &torn);
  vj_ledger_unlock(ledger);
  *waits = status == VJ_OK && first_waiting(ledger, trials, count) >= 0;
  return status;
}

vj_status vj_ledger_check_trial(const vj_ledger *ledger, int64_t trial) {
  if (trial >= 0 && trial < ledger->trials) return VJ_OK;
  return vj_fail(VJ_INTERNAL, "%s: there is no trial %" PRId64 "; the sweep has %" PRId64, ledger->path, trial,
                 ledger->trials);
}

/* Who lost a trial to a resumed run must not end the other's attempt. */
static vj_status check_running(const vj_ledger *ledger, int64_t trial, int event) {
  const vj_ledger_record *r = &ledger->records[trial];
  if (r->state != VJ_TRIAL_RUNNING)
    return vj_fail(VJ_DATA, "%s: trial %" PRId64 " can't be recorded as %s: it is %s, not running", ledger->path, trial,
                   vj_ledger_events[event].name, vj_trial_state_word(r->state));
  if (r->own_attempt != 0 && r->own_attempt != r->attempts)
    return vj_fail(VJ_DATA,
                   "%s: trial %" PRId64 " can't be recorded as %s: attempt %" PRId64
                   " was given up and attempt %" PRId64 " runs elsewhere",
                   ledger->path, trial, vj_ledger_events[event].name, r->own_attempt, r->attempts);
  return VJ_OK;
}

static vj_status end_trial(vj_ledger *ledger, int64_t trial, int event, const char *reason) {
  off_t torn = 0;
  VJ_TRY(vj_ledger_check_trial(ledger, trial));
  VJ_TRY(vj_ledger_lock(ledger, LOCK_EX));
  vj_status status = vj_ledger_refresh(ledger, &torn);
  if (status == VJ_OK) status = check_running(ledger, trial, event);
  if (status == VJ_OK)
    status = vj_ledger_append_record(ledger, event, trial, ledger->records[trial].attempts, reason, torn);
  return vj_ledger_unlock_and_sync(ledger, status);
}

vj_status vj_ledger_done(vj_ledger *ledger, int64_t trial) { return end_trial(ledger, trial, DONE, NULL); }

vj_status vj_ledger_failed(vj_ledger *ledger, int64_t trial, const char *reason) {
  return end_trial(ledger, trial, FAILED, reason ? reason : "");
}

vj_status vj_ledger_saved(vj_ledger *ledger, int64_t trial) { return end_trial(ledger, trial, SAVED, NULL); }

vj_status vj_ledger_stop(vj_ledger *ledger, int64_t trial) { return end_trial(ledger, trial, STOP, NULL); }

/* Everything appended so far is known afterwards. */
static vj_status look(vj_ledger *ledger, int64_t trial) {
  off_t torn = 0;
  VJ_TRY(vj_ledger_check_trial(ledger, trial));
  VJ_TRY(vj_ledger_lock(ledger, LOCK_SH));
  const vj_status status = vj_ledger_refresh(ledger, &torn);
  vj_ledger_unlock(ledger);
  return status;
}

vj_status vj_ledger_owns(vj_ledger *ledger, int64_t trial, bool *owns) {
  VJ_TRY(look(ledger, trial));
  const vj_ledger_record *r = &ledger->records[trial];
  *owns = r->state == VJ_TRIAL_RUNNING && r->own_attempt == r->attempts;
  return VJ_OK;
}

/* The line for a trial whose attempt was cut off. */
static void put_death(vj_lines *text, const vj_ledger *ledger, int64_t trial, int64_t max_deaths) {
  const vj_ledger_record *r = &ledger->records[trial];
  const int64_t deaths = r->saved ? 0 : r->deaths + 1;
  char reason[128];
  snprintf(reason, sizeof reason, "its run died %" PRId64 " time%s in a row and had saved nothing (--max-attempts)",
           deaths, deaths == 1 ? "" : "s");
  const bool enough = max_deaths > 0 && deaths >= max_deaths;
  vj_ledger_put_record(text, ledger, enough ? FAILED : RELEASE, trial, r->attempts, enough ? reason : NULL);
}

vj_status vj_ledger_release(vj_ledger *ledger, bool (*is_alive)(void *context, const char *who), void *context,
                            int64_t max_deaths, int64_t *count) {
  off_t torn = 0;
  vj_lines text = {0};
  *count = 0;
  VJ_TRY(vj_ledger_lock(ledger, LOCK_EX));
  vj_status status = vj_ledger_refresh(ledger, &torn);
  for (int64_t i = 0; status == VJ_OK && i < ledger->trials; i++) {
    const vj_ledger_record *r = &ledger->records[i];
    if (r->state != VJ_TRIAL_RUNNING || (is_alive && is_alive(context, r->text ? r->text : ""))) continue;
    put_death(&text, ledger, i, max_deaths);
    ++*count;
  }
  if (status == VJ_OK && (text.used > 0 || text.failed)) status = vj_ledger_append(ledger, &text, torn);
  return vj_ledger_unlock_and_sync(ledger, status);
}

vj_status vj_ledger_state(vj_ledger *ledger, int64_t trial, vj_trial_state *state, int64_t *attempts,
                          const char **reason) {
  VJ_TRY(look(ledger, trial));
  const vj_ledger_record *r = &ledger->records[trial];
  *state = r->state;
  *attempts = r->attempts;
  const bool has_reason = r->state == VJ_TRIAL_FAILED || r->state == VJ_TRIAL_PRUNED;
  *reason = has_reason && r->text ? r->text : "";
  return VJ_OK;
}
