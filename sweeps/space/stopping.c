#include "sweeps/space/stopping.h"

#include <math.h>
#include <string.h>

#include "framework/config/nodes.h"
#include "sweeps/space/report_spec.h"
#include "framework/train/evaluation/metrics.h"
#include "vj/rng.h"

static const char path[] = "sweep.stopping";

/* --- reading --------------------------------------------------------------------------------------------------- */

#define TYPE_ROW VJ_CHOICE(vj_stopping, type, "asha|median", NULL, "the rule: asha or median")
#define COMMON_ROWS                                                                            \
  VJ_TEXT(vj_stopping, metric, NULL, "the quantity of sweep.h5 by which trials are compared"), \
      VJ_CHOICE(vj_stopping, mode, "min|max", NULL, "what is good of the metric: min or max"), \
      VJ_INTEGER(vj_stopping, grace_steps, NULL, 1, INFINITY, "steps",                         \
                 "no trial ends before so many; asha: the first rung")

static const vj_param asha_rows[] = {
    TYPE_ROW,
    COMMON_ROWS,
    VJ_INTEGER(vj_stopping, reduction_factor, "3", 2, 1000, "",
               "eta: one in so many goes on from a rung, and the next rung is so many times as far"),
};

static const vj_param median_rows[] = {
    TYPE_ROW,
    COMMON_ROWS,
    VJ_INTEGER(vj_stopping, interval_steps, "1", 1, INFINITY, "steps",
               "from one decision to the next; 1: wherever the metric is measured"),
    VJ_INTEGER(vj_stopping, min_trials, "3", 1, INFINITY, "", "other trials that must have come as far"),
};

const vj_param *vj_stopping_rows(vj_stopping_type type, size_t *count) {
  *count = type == VJ_STOPPING_ASHA ? VJ_COUNT(asha_rows) : VJ_COUNT(median_rows);
  return type == VJ_STOPPING_ASHA ? asha_rows : median_rows;
}

vj_status vj_stopping_read(vj_pool *pool, const vj_yaml *sweep, const vj_stopping **stopping) {
  const vj_yaml *map = vj_yaml_get(sweep, "stopping"), *type = vj_yaml_get(map, "type");
  const vj_param type_row = TYPE_ROW;
  void *read = NULL;
  int kind = VJ_STOPPING_ASHA;
  size_t count;
  *stopping = NULL;
  if (vj_yaml_is_null(map)) return VJ_OK;
  VJ_TRY(vj_map_check(map, path));
  if (!type) return vj_fail_node(map, path, "missing key \"type\" (%s)", type_row.doc);
  VJ_TRY(vj_value_read(pool, &type_row, type, "sweep.stopping.type", &kind));
  const vj_param *rows = vj_stopping_rows((vj_stopping_type)kind, &count);
  VJ_TRY(vj_params_read(pool, rows, count, sizeof(vj_stopping), map, path, NULL, &read, NULL));
  vj_stopping *fresh = read;
  fresh->node = map;
  *stopping = fresh;
  return VJ_OK;
}

/* --- places ---------------------------------------------------------------------------------------------------- */

static bool is_measured(vj_stopping_axis axis, const vj_config *config, int64_t done) {
  if (axis == VJ_STOPPING_AT_ROWS) return vj_is_recorded(config, done);
  return axis == VJ_STOPPING_AT_PROBES ? vj_is_probed(config, done) : vj_is_evaluated(config, done);
}

/* The last place not behind `done`; 0 if there is none. */
static int64_t place_before(const vj_stopping *s, int64_t done) {
  if (done < s->grace_steps) return 0;
  if (s->type == VJ_STOPPING_MEDIAN)
    return s->grace_steps + (done - s->grace_steps) / s->interval_steps * s->interval_steps;
  int64_t rung = s->grace_steps;
  while (rung <= done / s->reduction_factor) rung *= s->reduction_factor;
  return rung;
}

int64_t vj_stopping_place(const vj_stopping *s, vj_stopping_axis axis, const vj_config *config, int64_t done) {
  const int64_t place = place_before(s, done);
  if (place == 0 || done >= config->optim.steps || !is_measured(axis, config, done)) return 0;
  for (int64_t between = place; between < done; between++)
    if (is_measured(axis, config, between)) return 0;
  return place;
}

static vj_status fail_places(const vj_stopping *s, vj_stopping_axis axis) {
  static const char *const remedies[] = {
      [VJ_STOPPING_AT_ROWS] = "record more often (logging.every)",
      [VJ_STOPPING_AT_EVALUATIONS] = "evaluate more often (eval.every)",
      [VJ_STOPPING_AT_PROBES] =
          ("let probes run at all evaluations (eval.probe_at: all), evaluate more often "
           "(eval.every)")}; /* in parentheses: clang takes the second text for a forgotten comma else */
  return vj_fail_node(
      s->node, path,
      "no trial measures %s at step %lld (grace_steps) or later but before its last step, so none could "
      "end early; %s, or lower grace_steps",
      s->metric, (long long)s->grace_steps, remedies[axis]);
}

vj_status vj_stopping_check_places(const vj_stopping *s, vj_stopping_axis axis, const vj_config *const *configs,
                                   int64_t count) {
  const vj_config *last = NULL;
  for (int64_t i = 0; i < count; i++) {
    const vj_config *config = configs[i];
    const bool same = last && last->optim.steps == config->optim.steps && last->eval.every == config->eval.every &&
                      last->logging.every == config->logging.every && last->eval.probe_at == config->eval.probe_at;
    for (int64_t done = s->grace_steps; done < config->optim.steps && !same; done++)
      if (is_measured(axis, config, done)) return VJ_OK;
    last = config;
  }
  return fail_places(s, axis);
}

vj_status vj_stopping_find_axis(const vj_stopping *s, const vj_file_layout *layout, const vj_sweep_file *file,
                                vj_stopping_axis *axis) {
  bool is_of_steps = false;
  VJ_TRY(vj_report_check_course(s->metric, vj_yaml_get(s->node, "metric"), "sweep.stopping.metric", layout, file,
                                &is_of_steps));
  const bool is_of_probe = vj_record_is(s->metric, VJ_RECORD_PROBE);
  *axis = is_of_steps ? VJ_STOPPING_AT_ROWS : is_of_probe ? VJ_STOPPING_AT_PROBES : VJ_STOPPING_AT_EVALUATIONS;
  return VJ_OK;
}

double vj_stopping_expected_share(const vj_stopping *s, vj_stopping_axis axis, const vj_config *config) {
  double made = 0, left = 1; /* of its steps; the share of trials that still run */
  int64_t last = 0;
  const int64_t steps = config->optim.steps;
  for (int64_t done = s->grace_steps; done < steps; done++) {
    if (!vj_stopping_place(s, axis, config, done)) continue;
    made += left * (double)(done - last);
    left /= s->type == VJ_STOPPING_ASHA ? (double)s->reduction_factor : 2;
    last = done;
    if (s->type == VJ_STOPPING_MEDIAN) break;
  }
  return (made + left * (double)(steps - last)) / (double)steps;
}

void vj_stopping_order(int64_t trials, int64_t *order) {
  vj_rng rng = vj_rng_stream(0, VJ_RNG_SWEEP, UINT32_MAX, 0); /* no sampled parameter has this number */
  vj_rng_permutation(&rng, trials, order);
}
