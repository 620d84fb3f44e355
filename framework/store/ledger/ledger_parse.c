/* From the ledger's lines to the state of its trials. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "framework/store/ledger/ledger_private.h"

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
enum { MOST_ATTEMPTS = 1000000000 };

const vj_ledger_event vj_ledger_events[VJ_LEDGER_EVENTS] = {
    [CLAIM] = {"claim", VJ_TRIAL_RUNNING},   [DONE] = {"done", VJ_TRIAL_DONE},
    [FAILED] = {"failed", VJ_TRIAL_FAILED},  [RELEASE] = {"release", VJ_TRIAL_WAITING},
    [SAVED] = {"saved", VJ_TRIAL_RUNNING},   [STOP] = {"stop", VJ_TRIAL_WAITING},
    [PASSED] = {"passed", VJ_TRIAL_RUNNING}, [ENDED] = {"ended", VJ_TRIAL_PRUNED},
    [EXTEND] = {"extend", VJ_TRIAL_WAITING}};

/* --- what a line says ------------------------------------------------------------------------------------------ */

bool vj_ledger_take_checksum(char *line, size_t length) {
  char *last = strrchr(line, ' '), *end = NULL;
  const unsigned long written = last ? strtoul(last + 1, &end, 16) : 0;
  const bool fits = last && end == line + length && end - last == VJ_LEDGER_CRC_CHARACTERS + 1 &&
                    (crc32(0, (const Bytef *)line, (uInt)(last - line)) & 0xffffffffUL) == written;
  if (fits) *last = '\0';
  return fits;
}

bool vj_ledger_read_header(const char *line, int *version, int64_t *trials) {
  *version = 0;
  *trials = 0;
  return strncmp(line, VJ_LEDGER_HEADER, strlen(VJ_LEDGER_HEADER)) == 0 &&
         sscanf(line + strlen(VJ_LEDGER_HEADER), "%d trials %" SCNd64, version, trials) >= 1;
}

bool vj_ledger_read_record(const char *line, vj_ledger_line *r) {
  char name[16] = "";
  int end = 0;
  *r = (vj_ledger_line){.trial = -1};
  if (sscanf(line, "%d %15s %" SCNd64 " %" SCNd64 " %n", &r->version, name, &r->trial, &r->attempt, &end) < 4)
    return false;
  while (r->event < VJ_LEDGER_EVENTS && strcmp(vj_ledger_events[r->event].name, name) != 0) r->event++;
  r->text = line + end + (line[end] == '"');
  return r->event < VJ_LEDGER_EVENTS && r->attempt >= 0 && r->attempt <= MOST_ATTEMPTS;
}

/* --- what it means ---------------------------------------------------------------------------------------------- */

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
vj_status vj_ledger_parse_header(vj_ledger *ledger, const char *line) {
  int version;
  int64_t trials;
  if (!vj_ledger_read_header(line, &version, &trials))
    return vj_fail(VJ_DATA, "%s: this is no ledger: its first line should begin with \"%s\"", ledger->path,
                   VJ_LEDGER_HEADER);
  if (version != VJ_LEDGER_VERSION)
    return vj_fail(VJ_DATA, "%s: this ledger has format %d; this program knows format %d", ledger->path, version,
                   VJ_LEDGER_VERSION);
  return state_trials(ledger, trials);
}

static vj_status add_measurement(vj_ledger *ledger, vj_ledger_measurement measured) {
  if (ledger->measurement_count == ledger->measurement_capacity) {
    const int64_t capacity = 2 * ledger->measurement_capacity + 64;
    vj_ledger_measurement *larger = realloc(ledger->measurements, (size_t)capacity * sizeof *larger);
    if (!larger) return vj_fail(VJ_MEMORY, "%s: no memory for a record", ledger->path);
    ledger->measurements = larger;
    ledger->measurement_capacity = capacity;
  }
  ledger->measurements[ledger->measurement_count++] = measured;
  return VJ_OK;
}

static vj_status unknown_form(const vj_ledger *ledger, const char *line) {
  return vj_fail(VJ_DATA, "%s:%" PRId64 ": this record is in no form this program knows: %s", ledger->path,
                 ledger->lines, line);
}

/* The numbers of a decision, "18 0.25 0.5 ", before its reason; *text moves behind them. */
static vj_status parse_measurement(vj_ledger *ledger, const char *line, int64_t trial, const char **text) {
  vj_ledger_measurement measured = {.trial = trial};
  double threshold;
  int length = 0;
  if (sscanf(*text, "%" SCNd64 " %lf %lf %n", &measured.place, &measured.value, &threshold, &length) < 3 || !length)
    return unknown_form(ledger, line);
  *text += length;
  *text += **text == '"';
  return add_measurement(ledger, measured);
}

static vj_status parse_record(vj_ledger *ledger, const char *line) {
  vj_ledger_line said;
  if (!vj_ledger_read_record(line, &said) || said.version != VJ_LEDGER_VERSION) return unknown_form(ledger, line);
  if (said.event == EXTEND) return state_trials(ledger, said.trial);
  if (said.trial < 0 || said.trial >= ledger->stated)
    return vj_fail(VJ_DATA, "%s:%" PRId64 ": trial %" PRId64 " is not among the %" PRId64 " of this sweep",
                   ledger->path, ledger->lines, said.trial, ledger->stated);
  vj_ledger_record *r = &ledger->records[said.trial];
  if (said.event == PASSED || said.event == ENDED) VJ_TRY(parse_measurement(ledger, line, said.trial, &said.text));
  if (said.event == PASSED) return VJ_OK; /* as it was */
  r->state = vj_ledger_events[said.event].state;
  r->attempts = said.attempt > r->attempts ? said.attempt : r->attempts;
  if (said.event == RELEASE) r->deaths = r->saved ? 0 : r->deaths + 1;
  if (said.event == STOP) r->deaths = 0;
  r->saved = said.event == SAVED;
  if (said.event == SAVED) return VJ_OK; /* by whom it was claimed */
  free(r->text);
  r->text = vj_lines_unquote(said.text);
  return r->text ? VJ_OK : vj_fail(VJ_MEMORY, "%s: no memory for a record", ledger->path);
}

/* One line of `length` characters, its end replaced by a zero. */
vj_status vj_ledger_parse_line(vj_ledger *ledger, char *line, size_t length) {
  ledger->lines++;
  const bool whole = vj_ledger_take_checksum(line, length);
  if (!whole && ledger->lines == 1 && strncmp(line, VJ_LEDGER_HEADER, strlen(VJ_LEDGER_HEADER)) != 0)
    VJ_TRY(vj_ledger_parse_header(ledger, line));
  if (!whole)
    return vj_fail(VJ_DATA,
                   "%s:%" PRId64
                   ": this line is damaged: its checksum does not fit; restore the file, or remove the "
                   "line to go on without that record",
                   ledger->path, ledger->lines);
  return ledger->lines == 1 ? vj_ledger_parse_header(ledger, line) : parse_record(ledger, line);
}
