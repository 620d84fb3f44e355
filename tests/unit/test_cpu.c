/* One loop, two widths, the same bits; and VJVCR_CPU's sentences. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "framework/base/kernel.h"
#include "tests/support/testing.h"

enum { COUNT = 1003 };

VJ_KERNEL(mixture, (const float *a, const float *b, float *c, int64_t count), (a, b, c, count)) {
  for (int64_t i = 0; i < count; i++) c[i] = fmaf(a[i], b[i], a[i] * b[i] + 0.1f) / (1 + b[i] * b[i]);
}

/* Whatever the last numbers of a row fall on. */
static void widths_give_the_same_bits(void **state) {
#if defined(__x86_64__)
  static float a[COUNT], b[COUNT], narrow[COUNT], wide[COUNT];
  if (vj_cpu_path() < VJ_CPU_AVX512) skip();
  for (int i = 0; i < COUNT; i++) {
    a[i] = sinf((float)i);
    b[i] = cosf((float)(3 * i));
  }
  for (int count = COUNT - 40; count <= COUNT; count++) {
    mixture_narrow(a, b, narrow, count);
    mixture_wide(a, b, wide, count);
    assert_memory_equal(narrow, wide, sizeof narrow);
  }
#endif
  (void)state;
}

static void goes_by_the_path(void **state) {
  const float a = 3, b = 2;
  float c = 0;
  (void)state;
  mixture(&a, &b, &c, 1);
  assert_float_equal(c, 12.1f / 5, 1e-6);
}

static void an_unknown_path_is_refused(void **state) {
  (void)state;
  assert_int_equal(setenv("VJVCR_CPU", "sse9", 1), 0);
  assert_int_equal(vj_cpu_check(), VJ_USAGE);
  assert_non_null(strstr(vj_error_message(), "VJVCR_CPU=sse9 is not known; "));
  assert_int_equal(setenv("VJVCR_CPU", vj_cpu_path_name(VJ_CPU_AVX2), 1), 0);
  assert_ok(vj_cpu_check());
  assert_int_equal(unsetenv("VJVCR_CPU"), 0);
  assert_ok(vj_cpu_check());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(widths_give_the_same_bits),
      cmocka_unit_test(goes_by_the_path),
      cmocka_unit_test(an_unknown_path_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
