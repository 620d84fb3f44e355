/* Gradients of convolutions agree with central finite differences in float64, and shards do not change them.
 * precision: double */
#include "tests/ops/convolution_cases.h"
#include "vj/param.h"

static void gradients_agree_with_finite_differences(void **state) {
  (void)state;
  check_gradients(convolution_cases, VJ_COUNT(convolution_cases));
}

static void shards_do_not_change_loss_or_gradient(void **state) {
  (void)state;
  check_shards(convolution_cases, VJ_COUNT(convolution_cases));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_agree_with_finite_differences),
      cmocka_unit_test(shards_do_not_change_loss_or_gradient),
  };
  return cmocka_run_group_tests(tests, start_alone, end_alone);
}
