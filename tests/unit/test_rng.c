/* Random streams: many normal numbers at once are those of single calls, and they are the same everywhere. */
#include "vj/rng.h"

#include <math.h>
#include <string.h>

#include "tests/support/testing.h"

enum { COUNT = 1000 };

static void many_normals_are_single_ones(void **state) {
  double many[COUNT];
  (void)state;
  for (int used = 0; used < 6; used++)
    for (int count = 0; count < COUNT; count += 1 + count / 3) {
      vj_rng one = vj_rng_stream(7, VJ_RNG_TEST, 3, 5), all = one;
      for (int i = 0; i < used; i++) assert_int_equal(vj_rng_u32(&one), vj_rng_u32(&all));
      vj_rng_normals(&all, count, many);
      for (int i = 0; i < count; i++) assert_true(many[i] == vj_rng_normal(&one));
      assert_int_equal(vj_rng_u32(&one), vj_rng_u32(&all)); /* and the stream goes on alike */
    }
}

/* Whoever changes these changes every recorded result. */
static void streams_are_fixed(void **state) {
  vj_rng rng = vj_rng_stream(1, VJ_RNG_TEST, 2, 3);
  double numbers[COUNT], sum = 0, square = 0;
  uint64_t checksum = 14695981039346656037u;
  (void)state;
  vj_rng_normals(&rng, COUNT, numbers);
  for (int i = 0; i < COUNT; i++) {
    uint64_t bits;
    memcpy(&bits, &numbers[i], sizeof bits);
    checksum = (checksum ^ bits) * 1099511628211u;
    sum += numbers[i];
    square += numbers[i] * numbers[i];
  }
  assert_true(fabs(sum / COUNT) < 0.1 && fabs(square / COUNT - 1) < 0.1);
  assert_int_equal(checksum, 0x6f8d6231bc37ad85u);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(many_normals_are_single_ones),
      cmocka_unit_test(streams_are_fixed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
