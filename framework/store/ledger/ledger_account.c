#include "framework/store/ledger/ledger_account.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "framework/store/ledger/ledger_private.h"

static bool is_end(int event) { return event == DONE || event == FAILED || event == ENDED; }

static bool has_ended(vj_trial_state state) { return state != VJ_TRIAL_WAITING && state != VJ_TRIAL_RUNNING; }

/* --- reading ----------------------------------------------------------------------------------------------------- */

vj_status vj_ledger_account_read(vj_pool *pool, const char *path, vj_ledger_account *a) {
  struct stat about;
  *a = (vj_ledger_account){.pool = pool, .path = path};
  FILE *file = fopen(path, "rb");
  if (!file && errno == ENOENT) return VJ_OK;
  if (!file) return vj_fail(VJ_IO, "%s: can't be opened: %s", path, strerror(errno));
  const size_t size = fstat(fileno(file), &about) == 0 && about.st_size > 0 ? (size_t)about.st_size : 0;
  a->text = vj_pool_take(pool, size + 1);
  if (a->text) a->bytes = fread(a->text, 1, size, file);
  const bool failed = ferror(file) != 0;
  fclose(file);
  if (!a->text) return vj_fail(VJ_MEMORY, "%s: no memory for it", path);
  return failed ? vj_fail(VJ_IO, "%s: can't be read", path) : VJ_OK;
}

/* The line that begins at *at, without its end; NULL behind the last whole one. */
static const char *next_line(const vj_ledger_account *a, size_t *at, size_t *length) {
  const char *line = a->text + *at, *end = *at < a->bytes ? memchr(line, '\n', a->bytes - *at) : NULL;
  if (!end) return NULL;
  *length = (size_t)(end - line);
  *at += *length + 1;
  return line;
}

/* A copy without its checksum, if that fits; *copy NULL: it does not. */
static vj_status check_line(const vj_ledger_account *a, const char *line, size_t length, char **copy) {
  *copy = vj_pool_take(a->pool, length + 1);
  if (!*copy) return vj_fail(VJ_MEMORY, "%s: no memory for its lines", a->path);
  memcpy(*copy, line, length);
  if (strlen(*copy) != length || !vj_ledger_take_checksum(*copy, length)) *copy = NULL;
  return VJ_OK;
}

/* A whole record of this sweep. */
static bool read_record(const vj_ledger_account *a, const char *line, vj_ledger_line *said) {
  if (!vj_ledger_read_record(line, said) || said->version != VJ_LEDGER_VERSION) return false;
  return said->event == EXTEND ? said->trial > 0 && said->trial <= a->trials
                               : said->trial >= 0 && said->trial < a->trials;
}

static bool read_first(vj_ledger_account *a, const char *line) {
  int version;
  return vj_ledger_read_header(line, &version, &a->stated) && version == VJ_LEDGER_VERSION && a->stated <= a->trials;
}

static void note_record(vj_ledger_account *a, const vj_ledger_line *said) {
  if (said->event == EXTEND) {
    a->stated = said->trial;
    return;
  }
  if (said->attempt > a->attempts[said->trial]) a->attempts[said->trial] = said->attempt;
  if (said->event != PASSED) a->state[said->trial] = vj_ledger_events[said->event].state;
}

vj_status vj_ledger_account_take_apart(vj_ledger_account *a, int64_t trials) {
  vj_ledger_line said;
  size_t at = 0, length;
  const char *line;
  a->trials = trials;
  a->state = vj_pool_take(a->pool, (size_t)trials * sizeof *a->state);
  a->attempts = vj_pool_take(a->pool, (size_t)trials * sizeof *a->attempts);
  if (!a->state || !a->attempts) return vj_fail(VJ_MEMORY, "%s: no memory for its trials", a->path);
  for (int64_t number = 1; a->text && (line = next_line(a, &at, &length)); number++) {
    char *copy;
    VJ_TRY(check_line(a, line, length, &copy));
    const bool is_whole = copy && (number == 1 ? read_first(a, copy) : read_record(a, copy, &said));
    if (is_whole && number > 1) note_record(a, &said);
    if (!is_whole && a->damaged++ == 0) a->first_damaged = number;
  }
  a->is_torn = at < a->bytes;
  return VJ_OK;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static vj_status keep_lines(const vj_ledger_account *a, const vj_ledger_fact *facts, vj_trial_state *state,
                            vj_lines *to) {
  vj_ledger_line said;
  size_t at = 0, length;
  const char *line;
  for (int64_t number = 1; a->text && (line = next_line(a, &at, &length)); number++) {
    char *copy;
    VJ_TRY(check_line(a, line, length, &copy));
    if (!copy || number == 1 || !read_record(a, copy, &said) || said.event == EXTEND) continue;
    if (is_end(said.event) && facts[said.trial].is_open) continue;
    vj_lines_put(to, line, length + 1);
    if (said.event != PASSED) state[said.trial] = vj_ledger_events[said.event].state;
  }
  return VJ_OK;
}

/* What lines do not say of a trial. */
static void add_missing(const vj_ledger *ledger, const vj_ledger_fact *fact, vj_trial_state state, int64_t trial,
                        int64_t attempts, vj_lines *to) {
  if (fact->is_open && state != VJ_TRIAL_WAITING) vj_ledger_put_record(to, ledger, STOP, trial, attempts, NULL);
  if (fact->is_open || has_ended(state) || !has_ended(fact->state)) return;
  if (fact->state == VJ_TRIAL_DONE) vj_ledger_put_record(to, ledger, DONE, trial, attempts, NULL);
  if (fact->state == VJ_TRIAL_FAILED) vj_ledger_put_record(to, ledger, FAILED, trial, attempts, fact->reason);
  if (fact->state == VJ_TRIAL_PRUNED) vj_ledger_put_decision(to, ENDED, attempts, &fact->measured, NAN, fact->reason);
}

vj_status vj_ledger_account_rewrite(const vj_ledger_account *a, const vj_ledger_fact *facts, const char *who,
                                    char **text, size_t *bytes) {
  const vj_ledger signer = {.who = (char *)who};
  vj_trial_state *state = vj_pool_take(a->pool, (size_t)a->trials * sizeof *state);
  vj_lines to = {.failed = !state};
  vj_ledger_put_header(&to, a->trials);
  to.failed = to.failed || keep_lines(a, facts, state, &to) != VJ_OK;
  for (int64_t i = 0; i < a->trials && !to.failed; i++) {
    const int64_t attempts = facts[i].attempts > a->attempts[i] ? facts[i].attempts : a->attempts[i];
    add_missing(&signer, &facts[i], state[i], i, attempts > 0 ? attempts : 1, &to);
  }
  if (to.failed) free(to.bytes);
  if (to.failed) return vj_fail(VJ_MEMORY, "%s: no memory for a ledger", a->path);
  *text = to.bytes;
  *bytes = to.used;
  return VJ_OK;
}
