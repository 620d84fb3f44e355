#include "sweeps/space/repeats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "framework/config/nodes.h"

typedef struct place {
  uint64_t hash;
  int64_t index;
} place;

typedef struct search {
  vj_pool *pool;
  vj_trial *trials;
  place *places;      /* by hash, then by index */
  int64_t *different; /* of one hash: places of trials that are not the same, arms aside or in their arm */
  bool *is_repeat;
  int64_t count, repeats, first_repeat;
  int64_t first_alike, other_alike, alike; /* trials of arms that are the same; alike: how many */
} search;

static int by_hash(const void *left, const void *right) {
  const place *a = left, *b = right;
  if (a->hash != b->hash) return a->hash < b->hash ? -1 : 1;
  return (a->index > b->index) - (a->index < b->index);
}

/* One trial against those of its hash that came before it. */
static void look_at(search *s, int64_t index, int64_t *kept) {
  const vj_trial *trial = &s->trials[index];
  int64_t twin = -1; /* in another arm */
  for (int64_t k = 0; k < *kept; k++) {
    const vj_trial *other = &s->trials[s->different[k]];
    if (!vj_yaml_means_the_same(trial->config->resolved, other->config->resolved)) continue;
    if (strcmp(trial->arm, other->arm) == 0) {
      s->is_repeat[index] = true;
      if (s->repeats++ == 0 || index < s->first_repeat) s->first_repeat = index;
      return;
    }
    if (twin < 0) twin = s->different[k];
  }
  s->different[(*kept)++] = index;
  if (twin < 0) return;
  if (s->alike++ == 0 || index < s->other_alike) s->first_alike = twin, s->other_alike = index;
}

static void look_at_all(search *s) {
  int64_t kept = 0;
  for (int64_t i = 0; i < s->count; i++) s->places[i] = (place){vj_yaml_meaning_hash(s->trials[i].config->resolved), i};
  qsort(s->places, (size_t)s->count, sizeof *s->places, by_hash);
  for (int64_t i = 0; i < s->count; i++) {
    if (i == 0 || s->places[i].hash != s->places[i - 1].hash) kept = 0;
    look_at(s, s->places[i].index, &kept);
  }
}

/* "strong, optim.lr=0.01, seed 1" */
static const char *about(vj_pool *pool, const vj_trial *trial) {
  const char *text = trial->arm;
  for (int64_t i = 0; text && i < trial->setting_count; i++)
    text = vj_pool_format(pool, "%s%s%s=%s", text, text[0] ? ", " : "", trial->settings[i].key,
                          vj_yaml_value_text(pool, trial->settings[i].value));
  return text ? vj_pool_format(pool, "%s%sseed %" PRIu64, text, text[0] ? ", " : "", trial->seed) : NULL;
}

static vj_status describe(const search *s, const char **repeats, const char **alike) {
  const vj_status no_memory = VJ_MEMORY;
  const char *first = s->repeats ? about(s->pool, &s->trials[s->first_repeat]) : "";
  if (s->repeats && first)
    *repeats = vj_pool_format(s->pool,
                              "%" PRId64 " of %" PRId64
                              " combinations of the sweep repeat%s another to the last "
                              "setting and seed; each is one trial, trained once. The first that repeats: %s",
                              s->repeats, s->count, s->repeats == 1 ? "s" : "", first);
  if (s->alike)
    *alike = vj_pool_format(s->pool,
                            "arms \"%s\" and \"%s\" have the same settings in %" PRId64
                            " trial%s; they are trained twice, and give the same numbers",
                            s->trials[s->first_alike].arm, s->trials[s->other_alike].arm, s->alike,
                            s->alike == 1 ? "" : "s");
  if ((s->repeats && !*repeats) || (s->alike && !*alike)) return vj_fail(no_memory, "no memory for a sweep");
  return VJ_OK;
}

static int64_t take_out(const search *s) {
  int64_t kept = 0;
  for (int64_t i = 0; i < s->count; i++) {
    if (s->is_repeat[i]) continue;
    s->trials[kept] = s->trials[i];
    s->trials[kept].index = kept;
    kept++;
  }
  return kept;
}

vj_status vj_repeats_remove(vj_pool *pool, vj_trial *trials, int64_t *count, const char **repeats, const char **alike) {
  search s = {.pool = pool, .trials = trials, .count = *count};
  const size_t n = (size_t)*count;
  vj_status status;
  *repeats = *alike = NULL;
  VJ_TRY_GOTO(status, vj_allocate(n, sizeof *s.places, "the trials of a sweep", &s.places), done);
  VJ_TRY_GOTO(status, vj_allocate(n, sizeof *s.different, "the trials of a sweep", &s.different), done);
  VJ_TRY_GOTO(status, vj_allocate(n, sizeof *s.is_repeat, "the trials of a sweep", &s.is_repeat), done);
  look_at_all(&s);
  VJ_TRY_GOTO(status, describe(&s, repeats, alike), done);
  *count = take_out(&s);
done:
  free(s.places);
  free(s.different);
  free(s.is_repeat);
  return status;
}
