/* How the target's hidden state hy is made: averages follow their recursion to the bit, begin as the encoder does, are
 * no trained numbers, and serve evaluation, too. */
#include <stdlib.h>
#include <string.h>

#include "tests/components/model_testing.h"

static const char base[] =
    "data: {dataset: moving_mnist, size: 16, digit_size: 8, max_speed: 2, train_size: 64, validation_size: 8}\n"
    "model:\n"
    "  encoder: {type: cnn, channels: [3, 4], temporal: [5], pool: 2}\n"
    "  predictor: {type: mlp, hidden: [8]}\n"
    "losses: {prediction: {weight: 1.0}, variance: {weight: 1.0, on: hx}}\n"
    "optim: {steps: 1, batch: 8, shards: 2}\n"
    "eval: {samples: 8}\n";

static experiment start(const char *target) {
  experiment e;
  open_experiment(base, &target, 1, &e);
  return e;
}

/* The row of "<name>" for that of "target.<name>"; NULL for every other row. */
static const vj_parameter_row *averaged_by(const vj_parameters *parameters, const vj_parameter_row *row) {
  if (strncmp(row->name, "target.", 7) != 0) return NULL;
  const int index = vj_parameters_find(parameters, row->name + 7);
  if (index < 0) fail_msg("%s stands beside no row of the encoder", row->name);
  return &parameters->rows[index];
}

static void averages_begin_as_the_encoder(void **state) {
  (void)state;
  experiment e = start("model.target={type: ema}");
  const vj_parameters *p = e.model->parameters;
  int compared = 0;
  for (int i = 0; i < p->count; i++) {
    const vj_parameter_row *row = &p->rows[i], *of = averaged_by(p, row);
    if (!of) continue;
    const vj_real *first = (of->trained ? p->values : p->states) + of->offset;
    assert_memory_equal(p->states + row->offset, first, (size_t)row->count * sizeof *first);
    compared++;
  }
  assert_int_equal(compared, 3 * 5); /* three layers: a weight, a norm's two parameters and its two statistics */
  close_experiment(&e);
}

/* Whole numbers and a momentum of 3/4 leave nothing to round, in whatever order it is computed. */
static void averages_follow_their_recursion_exactly(void **state) {
  (void)state;
  enum { STEPS = 5 };
  experiment e = start("model.target={type: ema, momentum: 0.75}");
  vj_parameters *p = e.model->parameters;
  double *wanted = calloc((size_t)p->state_count, sizeof *wanted);
  assert_non_null(wanted);
  for (int64_t k = 0; k < p->state_count; k++) wanted[k] = (double)(p->states[k] = (vj_real)(k % 11 - 5));
  for (int step = 0; step < STEPS; step++) {
    for (int64_t k = 0; k < p->value_count; k++) p->values[k] = (vj_real)((k + 3) * (step + 1) % 17 - 8);
    run_step(&e, &e.model->train, 0);
    for (int i = 0; i < p->count; i++) {
      const vj_parameter_row *row = &p->rows[i], *of = averaged_by(p, row);
      for (int64_t k = 0; k < row->count && of && of->trained; k++) {
        double *average = &wanted[row->offset + k];
        *average = 0.75 * *average + 0.25 * (double)p->values[of->offset + k];
        if ((double)p->states[row->offset + k] != *average)
          fail_msg("%s[%lld] is %.9g after %d steps, not %.9g", row->name, (long long)k,
                   (double)p->states[row->offset + k], step + 1, *average);
      }
    }
  }
  free(wanted);
  close_experiment(&e);
}

/* A parameter may be asked for twice by one encoder; its average then still moves once a step. */
static void an_average_asked_for_twice_is_one(void **state) {
  (void)state;
  vj_parameters *parameters = NULL;
  vj_graph *graph = NULL;
  const vj_graph_options options = {.training = true, .shard_samples = 1, .shards = 1};
  const vj_param_spec spec = {"weight", VJ_SHAPE(2, 3), "OI", VJ_INIT_UNIFORM, 1, true};
  assert_ok(vj_parameters_create(&parameters));
  assert_ok(vj_graph_create(&options, parameters, &graph));
  vj_scope_push(graph, "encoder");
  vj_var *trained = vj_parameter(graph, &spec);
  graph->averages = true;
  vj_var *average = vj_parameter(graph, &spec);
  assert_ptr_equal(vj_parameter(graph, &spec), average);
  assert_ptr_not_equal(average, trained);
  assert_string_equal(average->name, "target.encoder.weight");
  assert_int_equal(graph->changes.count, 1);
  vj_graph_destroy(&graph);
  vj_parameters_destroy(&parameters);
}

static void averages_are_states_not_parameters(void **state) {
  (void)state;
  experiment shared = start("model.target={type: shared}"), ema = start("model.target={type: ema}");
  assert_int_equal(vj_model_parameter_count(ema.model), vj_model_parameter_count(shared.model));
  assert_int_equal(ema.model->parameters->value_count, shared.model->parameters->value_count);
  int64_t averages = 0, statistics = 0;
  for (int i = 0; i < ema.model->parameters->count; i++) {
    const vj_parameter_row *row = &ema.model->parameters->rows[i];
    const bool averaged = averaged_by(ema.model->parameters, row) != NULL;
    assert_false(averaged && row->trained);
    averages += averaged ? row->count : 0;
    statistics += !averaged && !row->trained ? row->count : 0;
  }
  /* encoder: 3 3x3 1 + 4 3x3 3 + 5 3 4 weights, and (3 + 4 + 5) channels with four numbers each */
  assert_int_equal(averages, 27 + 108 + 60 + 4 * 12);
  assert_int_equal(statistics, 2 * 12);
  assert_true(ema.model->parameters->state_count >= averages + statistics);
  close_experiment(&shared);
  close_experiment(&ema);
}

/* A view's numbers, of all shards, after evaluating the first batch; freed by the caller. */
static vj_real *evaluated(experiment *e, const char *view) {
  const vj_model_graph *part = &e->model->evaluate;
  const vj_var *var = vj_graph_find_view(part->graph, view);
  vj_real *values = malloc((size_t)(2 * var->count) * sizeof *values);
  assert_non_null(values);
  run_step(e, part, 0);
  for (int64_t s = 0; s < 2; s++)
    memcpy(values + s * var->count, vj_graph_values(part->graph, var, s), (size_t)var->count * sizeof *values);
  return values;
}

/* Whether a view changes, in evaluation, when all numbers of the rows whose names begin so are changed. */
static bool depends_on(experiment *e, const char *view, const char *prefix) {
  const vj_parameters *p = e->model->parameters;
  const vj_var *var = vj_graph_find_view(e->model->evaluate.graph, view);
  vj_real *before = evaluated(e, view);
  for (int i = 0; i < p->count; i++) {
    const vj_parameter_row *row = &p->rows[i];
    vj_real *values = (row->trained ? p->values : p->states) + row->offset;
    for (int64_t k = 0; k < row->count && strncmp(row->name, prefix, strlen(prefix)) == 0; k++)
      values[k] = values[k] / 2 + (vj_real)0.25;
  }
  vj_real *after = evaluated(e, view);
  const bool changed = memcmp(before, after, (size_t)(2 * var->count) * sizeof *before) != 0;
  free(before);
  free(after);
  return changed;
}

static void evaluation_takes_the_target_from_the_averages(void **state) {
  (void)state;
  experiment e = start("model.target={type: ema}");
  assert_false(depends_on(&e, "hy", "encoder."));
  assert_true(depends_on(&e, "hx", "encoder."));
  assert_false(depends_on(&e, "hx", "target."));
  assert_true(depends_on(&e, "hy", "target.encoder.conv1.weight"));
  assert_true(depends_on(&e, "hy", "target.encoder.time_norm0.running_mean"));
  close_experiment(&e);
  e = start("model.target={type: stop_gradient}");
  assert_true(depends_on(&e, "hy", "encoder."));
  close_experiment(&e);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(averages_begin_as_the_encoder),
      cmocka_unit_test(averages_follow_their_recursion_exactly),
      cmocka_unit_test(an_average_asked_for_twice_is_one),
      cmocka_unit_test(averages_are_states_not_parameters),
      cmocka_unit_test(evaluation_takes_the_target_from_the_averages),
  };
  return cmocka_run_group_tests(tests, start_with_components, end_alone);
}
