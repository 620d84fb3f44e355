#include "sweeps/run/resume/resume_error.h"

#include <stdlib.h>
#include <string.h>

#include "framework/config/nodes.h"
#include "framework/config/config_diff.h"
#include "sweeps/run/layout.h"
#include "sweeps/run/trial_row.h"

enum { MOST_LINES = 6, MOST_KEYS = 3, MOST_COMPARED = 256 };

/* One change, and the trials it befell. */
typedef struct change {
  const char *text;
  int64_t first, count;
} change;

typedef struct comparison {
  vj_pool *pool;
  const vj_lost_trials *lost;
  const vj_match_terms *terms;
  change changes[MOST_LINES];
  int64_t shown, others; /* changes; trials that were not compared or not shown */
} comparison;

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory to compare configurations"); }

vj_status vj_known_trial_read(vj_pool *pool, const vj_sweep_file *file, const char *path, int64_t row,
                              vj_known_trial *trial) {
  const char *text = NULL;
  vj_yaml *root = NULL;
  vj_config *config = NULL;
  *trial = (vj_known_trial){0};
  VJ_TRY(vj_trial_row_get_text(pool, file, VJ_RECORD_ARM, row, &trial->arm));
  VJ_TRY(vj_trial_row_get_text(pool, file, VJ_RECORD_CONFIG, row, &text));
  if (!text[0]) return VJ_OK;
  VJ_TRY(vj_yaml_read_text(pool, text, path, &root));
  const vj_status status = vj_config_create(pool, root, &config);
  if (status != VJ_OK) vj_error_prefix("%s: trial %lld, as it was made: ", path, (long long)row);
  VJ_TRY(status);
  trial->resolved = config->resolved;
  return VJ_OK;
}

/* --- one trial -------------------------------------------------------------------------------------------------- */

static vj_status compare(const comparison *r, vj_pool *pool, const vj_known_trial *known, const vj_trial *trial,
                         vj_config_diff *found) {
  vj_yaml *before = NULL, *after = NULL;
  *found = (vj_config_diff){0};
  VJ_TRY(vj_match_measured(pool, known->resolved, r->terms, &before));
  VJ_TRY(vj_match_measured(pool, trial->config->resolved, r->terms, &after));
  return vj_config_diff_find(pool, before, after, found);
}

/* The trial without a row that has the fewest differences; another arm is one, too. -1: there is none. */
static vj_status find_nearest(const comparison *r, const vj_known_trial *known, int64_t *nearest) {
  int64_t least = 0, compared = 0;
  *nearest = -1;
  for (int64_t i = 0; i < r->lost->space->trial_count && compared < MOST_COMPARED; i++) {
    if (r->lost->row[i] >= 0) continue;
    vj_pool *scratch = NULL;
    vj_config_diff found;
    VJ_TRY(vj_pool_create(&scratch));
    const vj_status status = compare(r, scratch, known, &r->lost->space->trials[i], &found);
    vj_pool_destroy(&scratch);
    VJ_TRY(status);
    found.count += strcmp(known->arm, r->lost->space->trials[i].arm) != 0;
    if (compared++ > 0 && found.count >= least) continue;
    least = found.count;
    *nearest = i;
  }
  return VJ_OK;
}

static vj_status add_text(const comparison *r, const char **all, const char *text) {
  *all = text ? vj_pool_format(r->pool, "%s%s%s", *all, (*all)[0] ? "; " : "", text) : NULL;
  return *all ? VJ_OK : no_memory();
}

static vj_status changed_text(const comparison *r, const vj_known_trial *known, const vj_trial *trial,
                              const char **text) {
  vj_config_diff found;
  *text = "";
  VJ_TRY(compare(r, r->pool, known, trial, &found));
  if (strcmp(known->arm, trial->arm) != 0)
    VJ_TRY(add_text(r, text, vj_pool_format(r->pool, "its arm was \"%s\" and is \"%s\" now", known->arm, trial->arm)));
  for (int64_t i = 0; i < found.count && i < MOST_KEYS; i++)
    VJ_TRY(add_text(r, text, vj_config_change_text(r->pool, &found.at[i])));
  if (found.count > MOST_KEYS)
    VJ_TRY(add_text(r, text, vj_pool_format(r->pool, "and %lld more keys", (long long)(found.count - MOST_KEYS))));
  return VJ_OK;
}

/* "is gone (strong, optim.lr=0.01, seed 1)" */
static vj_status gone_text(const comparison *r, const vj_known_trial *known, const char **text) {
  const vj_yaml *seed = known->resolved ? vj_yaml_find(known->resolved, "seed") : NULL;
  const char *about = known->arm;
  for (int v = 0; known->resolved && about && v < vj_sweep_file_variable_count(r->lost->file); v++) {
    vj_file_variable_info info;
    vj_sweep_file_variable(r->lost->file, v, &info);
    const char *key = vj_record_after(info.name, VJ_NAME_OF_SETTING(""));
    if (!key) continue;
    const vj_yaml *value = vj_yaml_find(known->resolved, key);
    if (value)
      about =
          vj_pool_format(r->pool, "%s%s%s=%s", about, about[0] ? ", " : "", key, vj_yaml_value_text(r->pool, value));
  }
  if (about && seed) about = vj_pool_format(r->pool, "%s%sseed %s", about, about[0] ? ", " : "", seed->text);
  *text = about && about[0] ? vj_pool_format(r->pool, "is gone (%s)", about) : about ? "is gone" : NULL;
  return *text ? VJ_OK : no_memory();
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

static void note(comparison *r, const char *text, int64_t trial) {
  for (int64_t i = 0; i < r->shown; i++) {
    if (strcmp(r->changes[i].text, text) != 0) continue;
    r->changes[i].count++;
    return;
  }
  if (r->shown == MOST_LINES)
    r->others++;
  else
    r->changes[r->shown++] = (change){text, trial, 1};
}

static vj_status examine(comparison *r, int64_t trial) {
  vj_known_trial known;
  int64_t nearest = -1;
  const char *text = NULL;
  VJ_TRY(vj_known_trial_read(r->pool, r->lost->file, r->lost->path, trial, &known));
  if (known.resolved) VJ_TRY(find_nearest(r, &known, &nearest));
  if (nearest >= 0)
    VJ_TRY(changed_text(r, &known, &r->lost->space->trials[nearest], &text));
  else
    VJ_TRY(gone_text(r, &known, &text));
  note(r, text, trial);
  return VJ_OK;
}

static int ascending(const void *left, const void *right) {
  const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

static vj_status fail_with(const comparison *r) {
  const vj_status status = vj_fail(VJ_CONFIG, "%s: %s", r->lost->path, r->terms->refusal);
  for (int64_t i = 0; i < r->shown; i++) {
    const change *c = &r->changes[i];
    const char *gone = strncmp(c->text, "is gone", 7) == 0 ? "" : ":";
    if (c->count == 1)
      vj_error_line("trial %lld%s %s", (long long)c->first, gone, c->text);
    else
      vj_error_line("trial %lld and %lld other%s%s %s", (long long)c->first, (long long)(c->count - 1),
                    c->count == 2 ? "" : "s", gone, c->text);
  }
  if (r->others) vj_error_line("and %lld more trial%s", (long long)r->others, r->others == 1 ? "" : "s");
  return status;
}

vj_status vj_resume_error(vj_pool *pool, const vj_lost_trials *lost, const vj_match_terms *terms) {
  comparison r = {.pool = pool, .lost = lost, .terms = terms};
  int64_t *sorted = vj_pool_take(pool, (size_t)lost->count * sizeof *sorted);
  if (!sorted) return no_memory();
  memcpy(sorted, lost->rows, (size_t)lost->count * sizeof *sorted);
  qsort(sorted, (size_t)lost->count, sizeof *sorted, ascending);
  for (int64_t i = 0; i < lost->count && i < MOST_COMPARED; i++) VJ_TRY(examine(&r, sorted[i]));
  if (lost->count > MOST_COMPARED) r.others += lost->count - MOST_COMPARED;
  return fail_with(&r);
}
