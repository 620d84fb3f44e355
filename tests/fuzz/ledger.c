/* The ledger of a sweep. So that what is behind the checksums is reached, every line gets its own, but those that begin
 * with "!", which stay as they are without that sign. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "framework/store/ledger/ledger_private.h"

static vj_lines with_checksums(const uint8_t *data, size_t size) {
  vj_lines text = {0};
  for (const uint8_t *at = data, *const end = data + size; at < end;) {
    const uint8_t *const feed = memchr(at, '\n', (size_t)(end - at)), *const stop = feed ? feed : end;
    const bool marked = *at == '!', raw = marked || stop == at;
    const size_t start = text.used, length = (size_t)(stop - at) - marked;
    if (length) vj_lines_put(&text, (const char *)at + marked, length);
    if (raw && feed) vj_lines_put(&text, "\n", 1);
    if (!raw) vj_lines_put_checksum(&text, start);
    at = feed ? feed + 1 : end;
  }
  fuzz_claim(!text.failed, "there is memory for a ledger");
  return text;
}

static bool lives(void *context, const char *who) {
  (void)context;
  return strlen(who) % 2 != 0;
}

static vj_status goes_on(const void *context, const vj_ledger_measurement *earlier, int64_t count,
                         const vj_ledger_measurement *mine, vj_ledger_ruling *judgement) {
  (void)context;
  for (int64_t i = 0; i < count; i++) judgement->ends |= earlier[i].value < mine->value;
  return VJ_OK;
}

/* What a run does with a ledger that it could open. */
static void use(vj_ledger *ledger, const char *name) {
  static const int64_t all[] = {0, 1, 2, 3, 4, 5, 6, 7};
  int64_t trial = -1, attempt = 0, count = 0;
  vj_prune_decision verdict;
  if (!fuzz_accepted(vj_ledger_release(ledger, lives, NULL, 3, &count), VJ_DATA, name)) return;
  if (!fuzz_accepted(vj_ledger_claim(ledger, all, 8, &trial, &attempt), VJ_DATA, name) || trial < 0) return;
  fuzz_claim(attempt >= 1, "attempts count from 1");
  const vj_ledger_measurement mine = {.trial = trial, .place = 10, .value = 0.5};
  if (!fuzz_accepted(vj_ledger_decide(ledger, &mine, goes_on, NULL, &verdict), VJ_DATA, name)) return;
  if (verdict == VJ_DECISION_GO_ON)
    (void)fuzz_accepted(vj_ledger_failed(ledger, trial, "a \"reason\"\n"), VJ_DATA, name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  enum { TRIALS = 8 };
  vj_lines text = with_checksums(data, size);
  vj_ledger *ledger = NULL;
  fuzz_file file = fuzz_file_open((const uint8_t *)text.bytes, text.used);
  if (fuzz_accepted(vj_ledger_open(file.path, TRIALS, "host:1:a", &ledger), VJ_DATA, file.path)) {
    use(ledger, file.path);
    for (int64_t i = 0; i < TRIALS; i++) {
      vj_trial_state state;
      int64_t attempts;
      const char *reason;
      if (!fuzz_accepted(vj_ledger_state(ledger, i, &state, &attempts, &reason), VJ_DATA, file.path)) break;
      fuzz_claim(state < VJ_TRIAL_STATES && attempts >= 0 && reason, "each trial has a state");
    }
  }
  vj_ledger_close(&ledger);
  fuzz_file_close(&file);
  free(text.bytes);
  return 0;
}
