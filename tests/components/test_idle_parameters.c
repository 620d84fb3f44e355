/* Parameters that no gradient reaches, such as a decoder's without a loss on frames, stay as they were drawn: neither
 * optimizer decays them. */
#include <stdlib.h>
#include <string.h>

#include "tests/components/model_testing.h"

static const char base[] =
    "data: {dataset: moving_mnist, size: 16, digit_size: 8, max_speed: 2, train_size: 64, validation_size: 8}\n"
    "model:\n"
    "  encoder: {type: cnn, channels: [3, 4], temporal: [5]}\n"
    "  predictor: {type: mlp, hidden: [8]}\n"
    "  decoder: {type: cnn, channels: [4, 3]}\n"
    "losses: {prediction: {weight: 1.0}, variance: {weight: 1.0}, reconstruction: {weight: 0}}\n"
    "optim: {steps: 3, batch: 8, shards: 2, lr: 0.1, weight_decay: 0.5, schedule: constant}\n"
    "eval: {samples: 8}\n";

static void compare(const vj_parameters *p, const vj_real *first, bool decoder_stays) {
  for (int i = 0; i < p->count; i++) {
    const vj_parameter_row *row = &p->rows[i];
    if (!row->trained) continue;
    const bool stays = decoder_stays && strncmp(row->name, "decoder.", 8) == 0;
    const size_t bytes = (size_t)row->count * sizeof *first;
    const bool same = memcmp(p->values + row->offset, first + row->offset, bytes) == 0;
    if (same != stays) fail_msg("%s %s", row->name, same ? "did not move" : "moved without a gradient");
  }
}

static void train_and_compare(const char *optimizer, const char *weight, bool decoder_stays) {
  experiment e;
  open_experiment(base, (const char *[]){optimizer, weight}, 2, &e);
  const size_t bytes = (size_t)e.model->parameters->value_count * sizeof(vj_real);
  vj_real *first = malloc(bytes);
  assert_non_null(first);
  memcpy(first, e.model->parameters->values, bytes);
  train(&e, e.config->optim.steps);
  compare(e.model->parameters, first, decoder_stays);
  free(first);
  close_experiment(&e);
}

static void a_decoder_that_learns_nothing_stays(void **state) {
  (void)state;
  train_and_compare("optim.type=adamw", "losses.reconstruction.weight=0", true);
  train_and_compare("optim.type=sgd", "losses.reconstruction.weight=0", true);
}

static void a_decoder_that_learns_moves(void **state) {
  (void)state;
  train_and_compare("optim.type=adamw", "losses.reconstruction.weight=1", false);
  train_and_compare("optim.type=sgd", "losses.reconstruction.weight=1", false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_decoder_that_learns_nothing_stays),
      cmocka_unit_test(a_decoder_that_learns_moves),
  };
  return cmocka_run_group_tests(tests, start_with_components, end_alone);
}
