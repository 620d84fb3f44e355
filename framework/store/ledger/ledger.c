#include "framework/store/ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "framework/store/disk.h"
#include "framework/store/ledger/ledger_private.h"
#include "vj/memory.h"

/* The file, line by line; every line ends in the CRC-32 of what stands before its last blank:
 *
 *   vjvcr ledger 1 trials 12 55aec705
 *   1 claim 7 1 host:4242:19ab3 8a1f03c2
 *   1 failed 7 1 "the loss became NaN at step 12" 52c1b0aa
 *
 *   1 passed 7 1 18 0.25 0.5 "val_loss 0.25 after step 18: .." 3c52f00d
 *
 * A record says what happened to a trial: claim, done, failed, release (claimed by a run that was cut off), saved (it
 * has a checkpoint of this attempt, and still runs), stop (given back by who had it), passed and ended (it was decided
 * at a place, with value and threshold, that it goes on, or ends early). "1 extend 16 0 host:4242:19ab3" says that the
 * sweep has 16 trials from now on. */
enum { HEADER_BYTES = 96, MOST_ATTEMPTS = 1000000000 };
static const char header_start[] = "vjvcr ledger ";

const vj_ledger_event vj_ledger_events[VJ_LEDGER_EVENTS] = {
    [CLAIM] = {"claim", VJ_TRIAL_RUNNING},   [DONE] = {"done", VJ_TRIAL_DONE},
    [FAILED] = {"failed", VJ_TRIAL_FAILED},  [RELEASE] = {"release", VJ_TRIAL_WAITING},
    [SAVED] = {"saved", VJ_TRIAL_RUNNING},   [STOP] = {"stop", VJ_TRIAL_WAITING},
    [PASSED] = {"passed", VJ_TRIAL_RUNNING}, [ENDED] = {"ended", VJ_TRIAL_PRUNED},
    [EXTEND] = {"extend", VJ_TRIAL_WAITING}};

static const char *const state_words[] = {"waiting", "running", "done", "failed", "stopped early"};

static vj_status system_fail(const vj_ledger *ledger, const char *what) {
  return vj_fail(VJ_IO, "%s: %s: %s", ledger->path, what, strerror(errno));
}

/* --- lines --------------------------------------------------------------------------------------------------- */

static void put_record(vj_lines *text, const vj_ledger *ledger, int event, int64_t trial, int64_t attempt,
                       const char *reason) {
  const size_t start = text->used;
  char begin[80];
  snprintf(begin, sizeof begin, "%d %s %" PRId64 " %" PRId64 " ", VJ_LEDGER_VERSION, vj_ledger_events[event].name,
           trial, attempt);
  vj_lines_put(text, begin, strlen(begin));
  if (reason)
    vj_lines_put_quoted(text, reason);
  else
    vj_lines_put(text, ledger->who, strlen(ledger->who));
  vj_lines_put_checksum(text, start);
}

/* --- reading what was appended ------------------------------------------------------------------------------- */

/* The number of trials that the file states; a smaller one than this sweep has is extended when it is opened. */
static vj_status state_trials(vj_ledger *ledger, int64_t trials) {
  if (ledger->opened && trials > ledger->trials)
    return vj_fail(VJ_DATA,
                   "%s: the sweep was extended to %" PRId64 " trials while this run worked on %" PRId64
                   " of them; start it again with the new YAML and --resume",
                   ledger->path, trials, ledger->trials);
  if (trials > ledger->trials || trials < ledger->stated)
    return vj_fail(VJ_DATA,
                   "%s: the ledger is of a sweep of %" PRId64 " trials, but this sweep has %" PRId64
                   "; continue with the configuration it was started with, or choose another folder",
                   ledger->path, trials, ledger->trials);
  ledger->stated = trials;
  return VJ_OK;
}

/* `line` has lost its line end and its checksum. */
static vj_status parse_header(vj_ledger *ledger, const char *line) {
  int version = 0;
  int64_t trials = 0;
  if (strncmp(line, header_start, strlen(header_start)) != 0 ||
      sscanf(line + strlen(header_start), "%d trials %" SCNd64, &version, &trials) < 1)
    return vj_fail(VJ_DATA, "%s: this is no ledger: its first line should begin with \"%s\"", ledger->path,
                   header_start);
  if (version != VJ_LEDGER_VERSION)
    return vj_fail(VJ_DATA, "%s: this ledger has format %d; this program knows format %d", ledger->path, version,
                   VJ_LEDGER_VERSION);
  return state_trials(ledger, trials);
}

static vj_status add_report(vj_ledger *ledger, vj_ledger_measurement report) {
  if (ledger->report_count == ledger->report_room) {
    const int64_t room = 2 * ledger->report_room + 64;
    vj_ledger_measurement *larger = realloc(ledger->reports, (size_t)room * sizeof *larger);
    if (!larger) return vj_fail(VJ_MEMORY, "%s: no memory for a record", ledger->path);
    ledger->reports = larger;
    ledger->report_room = room;
  }
  ledger->reports[ledger->report_count++] = report;
  return VJ_OK;
}

/* The numbers of a decision, "18 0.25 0.5 ", before its reason; *end moves behind them. */
static vj_status parse_report(vj_ledger *ledger, const char *line, int64_t trial, int *end) {
  vj_ledger_measurement report = {.trial = trial};
  double threshold;
  int length = 0;
  if (sscanf(line + *end, "%" SCNd64 " %lf %lf %n", &report.place, &report.value, &threshold, &length) < 3 || !length)
    return vj_fail(VJ_DATA, "%s:%" PRId64 ": this record is in no form this program knows: %s", ledger->path,
                   ledger->lines, line);
  *end += length;
  return add_report(ledger, report);
}

static vj_status parse_record(vj_ledger *ledger, const char *line) {
  char name[16] = "";
  int version = 0, end = 0, event = 0;
  int64_t trial = -1, attempt = 0;
  const int found = sscanf(line, "%d %15s %" SCNd64 " %" SCNd64 " %n", &version, name, &trial, &attempt, &end);
  while (event < VJ_LEDGER_EVENTS && strcmp(vj_ledger_events[event].name, name) != 0) event++;
  if (found < 4 || version != VJ_LEDGER_VERSION || event == VJ_LEDGER_EVENTS || attempt < 0 || attempt > MOST_ATTEMPTS)
    return vj_fail(VJ_DATA, "%s:%" PRId64 ": this record is in no form this program knows: %s", ledger->path,
                   ledger->lines, line);
  if (event == EXTEND) return state_trials(ledger, trial);
  if (trial < 0 || trial >= ledger->stated)
    return vj_fail(VJ_DATA, "%s:%" PRId64 ": trial %" PRId64 " is not among the %" PRId64 " of this sweep",
                   ledger->path, ledger->lines, trial, ledger->stated);
  vj_ledger_record *r = &ledger->records[trial];
  if (event == PASSED || event == ENDED) VJ_TRY(parse_report(ledger, line, trial, &end));
  if (event == PASSED) return VJ_OK; /* as it was */
  r->state = vj_ledger_events[event].state;
  r->attempts = attempt > r->attempts ? attempt : r->attempts;
  if (event == RELEASE) r->deaths = r->saved ? 0 : r->deaths + 1;
  if (event == STOP) r->deaths = 0;
  r->saved = event == SAVED;
  if (event == SAVED) return VJ_OK; /* by whom it was claimed */
  free(r->text);
  r->text = vj_lines_unquote(line + end + (line[end] == '"'));
  return r->text ? VJ_OK : vj_fail(VJ_MEMORY, "%s: no memory for a record", ledger->path);
}

/* One line of `length` characters, its end replaced by a zero. */
static vj_status parse_line(vj_ledger *ledger, char *line, size_t length) {
  ledger->lines++;
  char *last = strrchr(line, ' '), *end = NULL;
  const unsigned long written = last ? strtoul(last + 1, &end, 16) : 0;
  const bool whole = last && end == line + length && end - last == VJ_LEDGER_CRC_CHARACTERS + 1 &&
                     (crc32(0, (const Bytef *)line, (uInt)(last - line)) & 0xffffffffUL) == written;
  if (!whole && ledger->lines == 1 && strncmp(line, header_start, strlen(header_start)) != 0)
    VJ_TRY(parse_header(ledger, line));
  if (!whole)
    return vj_fail(VJ_DATA,
                   "%s:%" PRId64
                   ": this line is damaged: its checksum does not fit; restore the file, or remove the "
                   "line to go on without that record",
                   ledger->path, ledger->lines);
  *last = '\0';
  return ledger->lines == 1 ? parse_header(ledger, line) : parse_record(ledger, line);
}

static vj_status read_at(const vj_ledger *ledger, char *bytes, size_t count, off_t at, size_t *got) {
  *got = 0;
  while (*got < count) {
    const ssize_t n = pread(ledger->descriptor, bytes + *got, count - *got, at + (off_t)*got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_fail(ledger, "can't be read");
    if (n == 0) break;
    *got += (size_t)n;
  }
  return VJ_OK;
}

/* Parses the whole lines that were appended since the last call; *torn is how many bytes of a line without its end
 * follow them. Called under the lock. */
vj_status vj_ledger_refresh(vj_ledger *ledger, off_t *torn) {
  struct stat about;
  *torn = 0;
  if (fstat(ledger->descriptor, &about) != 0) return system_fail(ledger, "can't be examined");
  if (about.st_size < ledger->parsed)
    return vj_fail(VJ_DATA, "%s: the ledger became shorter while it was in use; ledgers only grow", ledger->path);
  if (about.st_size == ledger->parsed) return VJ_OK;
  char *bytes = NULL;
  size_t got = 0, at = 0;
  VJ_TRY(vj_allocate((size_t)(about.st_size - ledger->parsed), 1, "reading the ledger", &bytes));
  vj_status status = read_at(ledger, bytes, (size_t)(about.st_size - ledger->parsed), ledger->parsed, &got);
  while (status == VJ_OK && at < got) {
    char *end = memchr(bytes + at, '\n', got - at);
    if (!end) break;
    *end = '\0';
    const size_t length = (size_t)(end - (bytes + at));
    status = parse_line(ledger, bytes + at, length);
    if (status != VJ_OK) {
      ledger->lines--; /* asked again, it is the same line */
      break;
    }
    at += length + 1;
    ledger->parsed += (off_t)(length + 1);
  }
  /* A first line without its end may be someone else's file; only what can become our header is ours to cut. */
  const size_t known = got - at < strlen(header_start) ? got - at : strlen(header_start);
  if (status == VJ_OK && ledger->lines == 0 && memcmp(bytes, header_start, known) != 0)
    status = parse_header(ledger, "");
  *torn = (off_t)(got - at);
  free(bytes);
  return status;
}

/* --- locking and appending ----------------------------------------------------------------------------------- */

vj_status vj_ledger_lock(const vj_ledger *ledger, int how) {
  while (flock(ledger->descriptor, how) != 0)
    if (errno != EINTR) return system_fail(ledger, "can't be locked");
  return VJ_OK;
}

void vj_ledger_unlock(const vj_ledger *ledger) {
  while (flock(ledger->descriptor, LOCK_UN) != 0 && errno == EINTR) continue;
}

/* The lock is held and everything whole was parsed: cuts off a torn line, appends, waits for the disk, parses. */
vj_status vj_ledger_append(vj_ledger *ledger, const vj_lines *text, off_t torn) {
  if (text->failed) return vj_fail(VJ_MEMORY, "%s: no memory for a record", ledger->path);
  if (ledger->read_only) return vj_fail(VJ_IO, "%s: can't be written: this user may only read it", ledger->path);
  if (torn > 0 && ftruncate(ledger->descriptor, ledger->parsed) != 0)
    return system_fail(ledger, "a torn line can't be cut off");
  int cause = vj_disk_write(ledger->descriptor, text->bytes, text->used, ledger->parsed);
  if (cause != 0) {
    /* If this fails too, the torn line stays for the next one who appends. */
    if (ftruncate(ledger->descriptor, ledger->parsed) != 0) vj_error_frame(__FILE__, __LINE__, __func__);
    errno = cause;
    return system_fail(ledger, "can't be written");
  }
  cause = vj_disk_sync(ledger->descriptor);
  errno = cause;
  if (cause != 0) return system_fail(ledger, "can't be brought to the disk");
  return vj_ledger_refresh(ledger, &torn);
}

/* --- the public side ----------------------------------------------------------------------------------------- */

/* Trials that were added behind those the file knows of wait. */
static vj_status extend(vj_ledger *ledger) {
  off_t torn = 0;
  vj_lines text = {0};
  VJ_TRY(vj_ledger_refresh(ledger, &torn));
  put_record(&text, ledger, EXTEND, ledger->trials, 0, NULL);
  const vj_status status = vj_ledger_append(ledger, &text, torn);
  free(text.bytes);
  return status;
}

static vj_status begin(vj_ledger *ledger) {
  off_t torn = 0;
  VJ_TRY(vj_ledger_lock(ledger, LOCK_EX));
  vj_status status = vj_ledger_refresh(ledger, &torn);
  if (status == VJ_OK && ledger->lines == 0) {
    vj_lines text = {0};
    char line[HEADER_BYTES];
    snprintf(line, sizeof line, "%s%d trials %" PRId64, header_start, VJ_LEDGER_VERSION, ledger->trials);
    vj_lines_put(&text, line, strlen(line));
    vj_lines_put_checksum(&text, 0);
    status = vj_ledger_append(ledger, &text, torn);
    free(text.bytes);
  }
  if (status == VJ_OK && ledger->stated < ledger->trials) status = extend(ledger);
  vj_ledger_unlock(ledger);
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
    status = system_fail(fresh, "can't be opened");
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
  free((*ledger)->reports);
  free((*ledger)->path);
  free((*ledger)->who);
  free(*ledger);
  *ledger = NULL;
}

/* Everything was parsed: the first of `trials` (NULL: of all there are) that waits, or -1. */
static int64_t first_waiting(const vj_ledger *ledger, const int64_t *trials, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    const int64_t trial = trials ? trials[i] : i;
    if (trial >= 0 && trial < ledger->trials && ledger->records[trial].state == VJ_TRIAL_WAITING) return trial;
  }
  return -1;
}

vj_status vj_ledger_claim_first(vj_ledger *ledger, const int64_t *trials, int64_t count, int64_t *trial,
                                int64_t *attempt) {
  off_t torn = 0;
  *trial = -1;
  *attempt = 0;
  VJ_TRY(vj_ledger_lock(ledger, LOCK_EX));
  vj_status status = vj_ledger_refresh(ledger, &torn);
  const int64_t first = status == VJ_OK ? first_waiting(ledger, trials, count) : -1;
  if (first >= 0) {
    vj_lines text = {0};
    vj_ledger_record *r = &ledger->records[first];
    put_record(&text, ledger, CLAIM, first, r->attempts + 1, NULL);
    status = vj_ledger_append(ledger, &text, torn);
    free(text.bytes);
    if (status == VJ_OK) {
      r->own_attempt = r->attempts;
      *trial = first;
      *attempt = r->attempts;
    }
  }
  vj_ledger_unlock(ledger);
  return status;
}

vj_status vj_ledger_claim(vj_ledger *ledger, int64_t *trial, int64_t *attempt) {
  return vj_ledger_claim_first(ledger, NULL, ledger->trials, trial, attempt);
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
                   vj_ledger_events[event].name, state_words[r->state]);
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
  if (status == VJ_OK) {
    vj_lines text = {0};
    put_record(&text, ledger, event, trial, ledger->records[trial].attempts, reason);
    status = vj_ledger_append(ledger, &text, torn);
    free(text.bytes);
  }
  vj_ledger_unlock(ledger);
  return status;
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
static void put_death(vj_lines *text, const vj_ledger *ledger, int64_t trial, int64_t most) {
  const vj_ledger_record *r = &ledger->records[trial];
  const int64_t deaths = r->saved ? 0 : r->deaths + 1;
  char reason[128];
  snprintf(reason, sizeof reason, "its run died %" PRId64 " time%s in a row and had saved nothing (--max-attempts)",
           deaths, deaths == 1 ? "" : "s");
  const bool enough = most > 0 && deaths >= most;
  put_record(text, ledger, enough ? FAILED : RELEASE, trial, r->attempts, enough ? reason : NULL);
}

vj_status vj_ledger_release(vj_ledger *ledger, bool (*lives)(void *context, const char *who), void *context,
                            int64_t most, int64_t *count) {
  off_t torn = 0;
  vj_lines text = {0};
  *count = 0;
  VJ_TRY(vj_ledger_lock(ledger, LOCK_EX));
  vj_status status = vj_ledger_refresh(ledger, &torn);
  for (int64_t i = 0; status == VJ_OK && i < ledger->trials; i++) {
    const vj_ledger_record *r = &ledger->records[i];
    if (r->state != VJ_TRIAL_RUNNING || (lives && lives(context, r->text ? r->text : ""))) continue;
    put_death(&text, ledger, i, most);
    ++*count;
  }
  if (status == VJ_OK && (text.used > 0 || text.failed)) status = vj_ledger_append(ledger, &text, torn);
  vj_ledger_unlock(ledger);
  free(text.bytes);
  return status;
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
