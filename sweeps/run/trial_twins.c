#include "sweeps/run/trial_twins.h"

#include <stdlib.h>
#include <string.h>

#include "framework/config/nodes.h"

typedef struct place {
  uint64_t hash;
  int64_t trial;
} place;

static int by_hash(const void *left, const void *right) {
  const place *a = left, *b = right;
  if (a->hash != b->hash) return a->hash < b->hash ? -1 : 1;
  return (a->trial > b->trial) - (a->trial < b->trial);
}

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for the trials of a sweep"); }

/* Whether weights are zero, in their places. */
static vj_status reduce_losses(vj_pool *pool, vj_yaml *form) {
  vj_yaml *const losses = vj_yaml_shallow(pool, vj_yaml_get(form, "losses"));
  if (!losses) return no_memory();
  for (int64_t i = 0; i < losses->count; i++) {
    const vj_yaml *weight = vj_yaml_get(losses->items[i], "weight");
    vj_yaml *const loss = vj_yaml_shallow(pool, losses->items[i]);
    vj_yaml *const is_used = vj_yaml_scalar(pool, weight && strtod(weight->text, NULL) == 0 ? "0" : "1", false, NULL);
    if (!loss || !is_used) return no_memory();
    VJ_TRY(vj_yaml_set(pool, loss, "weight", is_used));
    losses->items[i] = loss;
  }
  return vj_yaml_set(pool, form, "losses", losses);
}

/* What decides the form of a trial's model, and what it records. */
static vj_status find_form(vj_pool *pool, const vj_config *config, const vj_yaml **form) {
  vj_yaml *const tree = vj_yaml_shallow(pool, config->resolved);
  vj_yaml *const optim = tree ? vj_yaml_shallow(pool, vj_yaml_get(tree, "optim")) : NULL;
  if (!optim) return no_memory();
  vj_yaml_remove(optim, "lr");
  vj_yaml_remove(optim, "weight_decay");
  vj_yaml_remove(tree, "seed");
  VJ_TRY(vj_yaml_set(pool, tree, "optim", optim));
  *form = tree;
  return reduce_losses(pool, tree);
}

/* Of places of one hash, those that are the same get the first of them. `forms`: of each trial. */
static void match(const place *places, int64_t count, const vj_yaml *const *forms, const int *ranks, int64_t *twins) {
  for (int64_t i = 0; i < count; i++) {
    const int64_t trial = places[i].trial;
    twins[trial] = trial;
    for (int64_t k = 0; k < i && twins[trial] == trial; k++) {
      const int64_t other = places[k].trial;
      if (twins[other] == other && ranks[other] == ranks[trial] && vj_yaml_means_the_same(forms[other], forms[trial]))
        twins[trial] = other;
    }
  }
}

vj_status vj_trial_twins_find(vj_pool *pool, const vj_space *space, const int *ranks, const int64_t **twins) {
  const int64_t count = space->trial_count;
  vj_pool *scratch = NULL;
  vj_status status = VJ_OK;
  int64_t *const found = vj_pool_take(pool, (size_t)count * sizeof *found);
  if (!found) return no_memory();
  VJ_TRY(vj_pool_create(&scratch));
  place *const places = vj_pool_take(scratch, (size_t)count * sizeof *places);
  const vj_yaml **const forms = vj_pool_take(scratch, (size_t)count * sizeof *forms);
  if (!places || !forms) status = no_memory();
  for (int64_t i = 0; status == VJ_OK && i < count; i++) {
    status = find_form(scratch, space->trials[i].config, &forms[i]);
    if (status == VJ_OK) places[i] = (place){vj_yaml_meaning_hash(forms[i]), i};
  }
  if (status == VJ_OK) {
    qsort(places, (size_t)count, sizeof *places, by_hash);
    for (int64_t first = 0, end; first < count; first = end) {
      for (end = first + 1; end < count && places[end].hash == places[first].hash;) end++;
      match(&places[first], end - first, forms, ranks, found);
    }
  }
  vj_pool_destroy(&scratch);
  *twins = found;
  return status;
}
