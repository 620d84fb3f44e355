#include "sweeps/run/resume/resume_match.h"

#include <stdlib.h>
#include <string.h>

#include "framework/config/nodes.h"
#include "sweeps/run/resume/resume_error.h"
#include "sweeps/run/trial_row.h"
#include "vj/rng.h"

/* Texts are many and long, and only their hashes are kept: the pool they lie in is made anew after so many of them. */
enum { TEXTS_AT_ONCE = 256 };

typedef struct identity {
  uint64_t hash;
  int64_t index;
} identity;

/* A configuration as it is printed, and what it measures. */
typedef struct known_text {
  uint64_t text, measured;
} known_text;

typedef struct matcher {
  vj_pool *pool, *scratch;
  int texts; /* in `scratch` */
  const vj_sweep_file *file;
  const char *path;
  const vj_space *space;
  const vj_match_terms *terms;
  vj_space *as_begun; /* the trials of the YAML in the file, when rows without a configuration need them */
  identity *trials, *rows;
  known_text *known;
} matcher;

static vj_status no_memory(const matcher *m) {
  return vj_fail(VJ_MEMORY, "%s: no memory to find %lld trials in it", m->path, (long long)m->space->trial_count);
}

static vj_status tidy(matcher *m) {
  if (++m->texts < TEXTS_AT_ONCE) return VJ_OK;
  m->texts = 0;
  vj_pool_destroy(&m->scratch);
  return vj_pool_create(&m->scratch);
}

/* --- terms ------------------------------------------------------------------------------------------------------- */

const vj_match_terms vj_terms_of_resume = {
    .refusal =
        "--resume adds trials and keeps those there are, but some of these are not what they were; undo that, or "
        "choose another folder with -o:"};

/* "data.root": sections are one level deep. */
static vj_status leave_out(vj_pool *pool, vj_yaml *tree, const char *key) {
  const char *dot = strchr(key, '.');
  const char *name = dot ? vj_pool_format(pool, "%.*s", (int)(dot - key), key) : NULL;
  const vj_yaml *section = name ? vj_yaml_get(tree, name) : NULL;
  if (dot && !name) return vj_fail(VJ_MEMORY, "no memory to compare configurations");
  if (!section || section->kind != VJ_YAML_MAP) return VJ_OK;
  vj_yaml *others = vj_yaml_shallow(pool, section);
  if (!others) return vj_fail(VJ_MEMORY, "no memory to compare configurations");
  vj_yaml_remove(others, dot + 1);
  return vj_yaml_set(pool, tree, name, others);
}

vj_status vj_match_measured(vj_pool *pool, const vj_yaml *resolved, const vj_match_terms *terms, vj_yaml **measured) {
  VJ_TRY(vj_config_measured(pool, resolved, measured));
  for (int64_t i = 0; i < terms->apart_from.count; i++) VJ_TRY(leave_out(pool, *measured, terms->apart_from.at[i]));
  return VJ_OK;
}

/* --- identities ------------------------------------------------------------------------------------------------- */

static uint64_t with_arm(uint64_t measured, const char *arm) {
  return measured ^ (vj_hash_text(arm) * UINT64_C(0x9e3779b97f4a7c15));
}

static vj_status hash_measured(matcher *m, const vj_yaml *resolved, uint64_t *hash) {
  vj_yaml *measured = NULL;
  VJ_TRY(vj_match_measured(m->scratch, resolved, m->terms, &measured));
  const char *text = vj_yaml_print(m->scratch, measured);
  if (!text) return no_memory(m);
  *hash = vj_hash_text(text);
  return VJ_OK;
}

static vj_status identify_trials(matcher *m) {
  for (int64_t i = 0; i < m->space->trial_count; i++) {
    const vj_trial *trial = &m->space->trials[i];
    const char *text = vj_yaml_print(m->scratch, trial->config->resolved);
    if (!text) return no_memory(m);
    m->known[i].text = vj_hash_text(text);
    VJ_TRY(hash_measured(m, trial->config->resolved, &m->known[i].measured));
    m->trials[i] = (identity){with_arm(m->known[i].measured, trial->arm), i};
    VJ_TRY(tidy(m));
  }
  return VJ_OK;
}

/* A row that a kill came before: the trial that stood there by the YAML of the file. */
static vj_status begun_trial(matcher *m, int64_t row, const vj_trial **trial) {
  const char *text = vj_sweep_file_attribute(m->file, VJ_ATTRIBUTE_SWEEP_YAML);
  vj_yaml *root = NULL;
  if (!m->as_begun) {
    VJ_TRY(vj_yaml_read_text(m->pool, text ? text : "", m->path, &root));
    VJ_TRY(vj_space_create(m->pool, root, &m->as_begun));
  }
  if (row >= m->as_begun->trial_count)
    return vj_fail(VJ_DATA, "%s: it says nothing of trial %lld; choose another folder with -o", m->path,
                   (long long)row);
  *trial = &m->as_begun->trials[row];
  return VJ_OK;
}

static int compare_texts(const void *left, const void *right) {
  const known_text *a = left, *b = right;
  return (a->text > b->text) - (a->text < b->text);
}

/* Keys that came since then have their defaults in it, which are what that trial was. One that today's program does not
 * take stays as it is, and is no trial's. */
static const vj_yaml *as_today(const matcher *m, const vj_yaml *resolved) {
  vj_config *config = NULL;
  const vj_status status = vj_config_create(m->scratch, resolved, &config);
  if (status != VJ_OK) vj_error_clear();
  return status == VJ_OK ? config->resolved : resolved;
}

/* Reading a configuration is the slow part: what some trial prints alike need not be read. */
static vj_status identify_row(matcher *m, int64_t row) {
  const char *text = NULL, *arm = NULL;
  VJ_TRY(vj_trial_row_get_text(m->scratch, m->file, VJ_RECORD_CONFIG, row, &text));
  VJ_TRY(vj_trial_row_get_text(m->scratch, m->file, VJ_RECORD_ARM, row, &arm));
  known_text wanted = {.text = vj_hash_text(text)};
  const known_text *found = bsearch(&wanted, m->known, (size_t)m->space->trial_count, sizeof *m->known, compare_texts);
  if (found) {
    wanted.measured = found->measured;
  } else {
    vj_known_trial trial;
    VJ_TRY(vj_known_trial_read(m->scratch, m->file, m->path, row, &trial));
    if (!trial.resolved) {
      const vj_trial *begun = NULL;
      VJ_TRY(begun_trial(m, row, &begun));
      trial = (vj_known_trial){begun->arm, begun->config->resolved};
    }
    arm = trial.arm;
    VJ_TRY(hash_measured(m, as_today(m, trial.resolved), &wanted.measured));
  }
  m->rows[row] = (identity){with_arm(wanted.measured, arm), row};
  return tidy(m);
}

/* --- matching --------------------------------------------------------------------------------------------------- */

static int compare_identities(const void *left, const void *right) {
  const identity *a = left, *b = right;
  if (a->hash != b->hash) return a->hash < b->hash ? -1 : 1;
  return (a->index > b->index) - (a->index < b->index);
}

/* Of trials that are alike, the first goes with the first. Rows without a trial are put into `lost`. */
static int64_t pair_up(const matcher *m, vj_resume_match *match, int64_t *lost) {
  int64_t missing = 0;
  for (int64_t r = 0, t = 0; r < match->known;) {
    const bool ends = t == m->space->trial_count;
    if (!ends && m->trials[t].hash == m->rows[r].hash)
      match->row[m->trials[t++].index] = m->rows[r++].index;
    else if (!ends && m->trials[t].hash < m->rows[r].hash)
      t++;
    else
      lost[missing++] = m->rows[r++].index;
  }
  return missing;
}

static vj_status match_all(matcher *m, vj_resume_match *match) {
  const size_t trials = (size_t)m->space->trial_count, known = (size_t)match->known;
  match->row = vj_pool_take(m->pool, trials * sizeof *match->row);
  m->trials = vj_pool_take(m->pool, trials * sizeof *m->trials);
  m->known = vj_pool_take(m->pool, trials * sizeof *m->known);
  m->rows = vj_pool_take(m->pool, known * sizeof *m->rows);
  int64_t *lost = vj_pool_take(m->pool, known * sizeof *lost);
  if (!match->row || !m->trials || !m->known || !m->rows || !lost) return no_memory(m);
  VJ_TRY(identify_trials(m));
  qsort(m->known, trials, sizeof *m->known, compare_texts);
  for (int64_t i = 0; i < match->known; i++) VJ_TRY(identify_row(m, i));
  qsort(m->trials, trials, sizeof *m->trials, compare_identities);
  qsort(m->rows, known, sizeof *m->rows, compare_identities);
  for (size_t i = 0; i < trials; i++) match->row[i] = -1;
  const int64_t missing = pair_up(m, match, lost);
  if (missing) {
    const vj_lost_trials all = {m->file, m->path, m->space, match->row, missing, lost};
    return vj_resume_error(m->pool, &all, m->terms);
  }
  int64_t next = match->known;
  for (size_t i = 0; i < trials; i++)
    if (match->row[i] < 0) match->row[i] = next++;
  return VJ_OK;
}

vj_status vj_resume_match_trials(vj_pool *pool, const vj_sweep_file *file, const char *path, const vj_space *space,
                                 const vj_match_terms *terms, vj_resume_match *match) {
  matcher m = {.pool = pool, .file = file, .path = path, .space = space, .terms = terms};
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(file, VJ_NAME_TRIAL);
  if (variable < 0) return vj_fail(VJ_DATA, "%s: it has no variable trial", path);
  vj_sweep_file_variable(file, variable, &info);
  *match = (vj_resume_match){.known = info.size[0]};
  VJ_TRY(vj_pool_create(&m.scratch));
  const vj_status status = match_all(&m, match);
  vj_pool_destroy(&m.scratch);
  return status;
}

vj_status vj_space_arrange(vj_pool *pool, const vj_space *space, const int64_t *row, vj_space **arranged) {
  vj_space *fresh = vj_pool_take(pool, sizeof *fresh);
  vj_trial *trials = vj_pool_take(pool, (size_t)space->trial_count * sizeof *trials);
  if (!fresh || !trials) return vj_fail(VJ_MEMORY, "no memory for %lld trials", (long long)space->trial_count);
  for (int64_t i = 0; i < space->trial_count; i++) {
    trials[row[i]] = space->trials[i];
    trials[row[i]].index = row[i];
  }
  *fresh = *space;
  fresh->trials = trials;
  *arranged = fresh;
  return VJ_OK;
}
