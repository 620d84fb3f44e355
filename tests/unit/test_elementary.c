/* The elementary functions of vj/elementary.h: near those of the C library in long double, and equal to the bit in
 * every width of vectors and on the machine on which the checksums below were written down. */
#include "vj/elementary.h"

#include <stdbool.h>

#include "framework/base/kernel.h"
#include "tests/support/testing.h"

enum { STRIDE = 1021, FLOATS = 4096, DOUBLES = 400000 };

/* --- float ------------------------------------------------------------------------------------------------------- */

static inline float cdff(float x) {
  float e;
  return vj_math_normal_cdff(x, &e);
}

static inline float densityf(float x) {
  float e;
  vj_math_normal_cdff(x, &e);
  return e;
}

#define LOOP(name, function)                                                                    \
  VJ_KERNEL(name, (const float *restrict x, float *restrict y, int64_t count), (x, y, count)) { \
    for (int64_t i = 0; i < count; i++) y[i] = function(x[i]);                                  \
  }
LOOP(exp_loop, vj_math_expf)
LOOP(log_loop, vj_math_logf)
LOOP(sigmoid_loop, vj_math_sigmoidf)
LOOP(tanh_loop, vj_math_tanhf)
LOOP(cdf_loop, cdff)
LOOP(density_loop, densityf)

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double cdf(double x) { return 0.5 * erfc(-x * 0.70710678118654752440); }
static double density(double x) { return exp(-0.5 * x * x); }

typedef void loop(const float *x, float *y, int64_t count);

static const struct {
  const char *name;
  loop *chosen, *narrow, *wide;
  double (*right)(double);
  double ulp;
  uint64_t checksum;
} floats[] = {
#if defined(__x86_64__)
#define ALL(name) name, name##_narrow, name##_wide
#else
#define ALL(name) name, name, name
#endif
    {"expf", ALL(exp_loop), exp, 1, 0xe58d473a7a5b695cu},
    {"logf", ALL(log_loop), log, 1, 0xb6ac26693e559f83u},
    {"sigmoidf", ALL(sigmoid_loop), sigmoid, 2.5, 0xe365a26cf575d098u},
    {"tanhf", ALL(tanh_loop), tanh, 2.5, 0x02b9426a86e61f4fu},
    {"normal_cdff", ALL(cdf_loop), cdf, 6, 0xa0971f400bce6a0bu},
    {"its density", ALL(density_loop), density, 1.5, 0xa460fdfa29005a47u},
};

/* |y - right| in distances of floats at `right`; infinite if only one of them is no finite number. */
static double ulps_of_float(float y, double right) {
  const float rounded = (float)right;
  if (isnan(right) || isnan(y)) return isnan(right) && isnan(y) ? 0 : INFINITY;
  if (isinf(rounded) || isinf(y))
    return rounded == y ? 0 : fabs(right) > 0x1.fffffcp127 && fabsf(y) > 0x1.fffffcp127f ? 1 : INFINITY;
  if (right == 0 || y == 0) return fabs(y - right) / 0x1p-149;
  return fabs(y - right) / ldexp(1, (int)fmax(ilogb(right), -126) - 23);
}

/* Whether a NaN has a sign is the compiler's choice. */
static void compute(loop *function, const float *x, float *y, int64_t count) {
  function(x, y, count);
  for (int64_t i = 0; i < count; i++)
    if (isnan(y[i])) y[i] = NAN;
}

static void float_functions_are_near(void **state) {
  static float x[FLOATS], y[FLOATS], other[FLOATS];
  (void)state;
  for (size_t f = 0; f < sizeof floats / sizeof *floats; f++) {
    double worst = 0;
    float at = 0;
    uint64_t checksum = 14695981039346656037u;
    for (uint64_t bits = 0; bits < (uint64_t)1 << 32;) {
      int64_t count = 0;
      for (; count < FLOATS && bits < (uint64_t)1 << 32; bits += STRIDE) {
        const uint32_t low = (uint32_t)bits;
        memcpy(&x[count++], &low, sizeof low);
      }
      compute(floats[f].chosen, x, y, count);
      compute(floats[f].narrow, x, other, count);
      assert_memory_equal(y, other, (size_t)count * sizeof *y);
      if (vj_cpu_path() >= VJ_CPU_AVX512) {
        compute(floats[f].wide, x, other, count);
        assert_memory_equal(y, other, (size_t)count * sizeof *y);
      }
      for (int64_t i = 0; i < count; i++) {
        const double off = ulps_of_float(y[i], floats[f].right((double)x[i]));
        if (off > worst) at = x[i];
        worst = fmax(worst, off);
        uint32_t low;
        memcpy(&low, &y[i], sizeof low);
        if (!isnan(y[i])) checksum = (checksum ^ low) * 1099511628211u;
      }
    }
    print_message("%s: %.3f ulp at %a, checksum 0x%016llxu\n", floats[f].name, worst, (double)at,
                  (unsigned long long)checksum);
    assert_true(worst <= floats[f].ulp);
    assert_int_equal(checksum, floats[f].checksum);
  }
}

/* --- double ------------------------------------------------------------------------------------------------------ */

typedef struct function {
  const char *name;
  double (*ours)(double);
  long double (*right)(long double);
  double low, high; /* of |x|, equally spaced in its logarithm */
  bool negative;
  double ulp;
  uint64_t checksum;
} function;

static const function doubles[] = {
    {"exp", vj_math_exp, expl, 0x1p-60, 745.5, true, 1, 0xc3ca738b92a73a34u},
    {"expm1", vj_math_expm1, expm1l, 0x1p-60, 709.7, true, 1, 0x3694bf0516adcdd6u},
    {"log", vj_math_log, logl, 0x1p-1070, 0x1p1023, false, 1, 0x21cbccc773683613u},
    {"log near 1", vj_math_log, logl, 0.5, 2, false, 1, 0x6565a93f20ea0ca6u},
    {"log10", vj_math_log10, log10l, 0x1p-1070, 0x1p1023, false, 1, 0xd8eef0844e08a274u},
    {"log1p", vj_math_log1p, log1pl, 0x1p-60, 0.999999, true, 1, 0x8d93216fb825b7a6u},
    {"log1p of more", vj_math_log1p, log1pl, 1, 0x1p1023, false, 1, 0x940696bbf671d492u},
    {"sin", vj_math_sin, sinl, 0x1p-30, 0x1p34, true, 1, 0x059b73f01bf9d37fu},
    {"cos", vj_math_cos, cosl, 0x1p-30, 0x1p34, true, 1, 0x5ab553347920219du},
    {"sin from afar", vj_math_sin, sinl, 0x1p29, 0x1p60, true, 1, 0xcb9893295f03fd16u},
    {"tanh", vj_math_tanh, tanhl, 0x1p-60, 30, true, 1, 0x2c23fd7f863f6e4bu},
    {"erf", vj_math_erf, erfl, 0x1p-60, 7, true, 1.5, 0x7b6a897661743ba3u},
    {"erfc", vj_math_erfc, erfcl, 0x1p-60, 27.3, true, 4, 0x55aa8868f5485504u},
};

static double ulps_of_double(double y, long double right) {
  if (isinf(y) || isinf((double)right)) return y == (double)right ? 0 : INFINITY;
  if (right == 0 || y == 0) return (double)(fabsl((long double)y - right) / 0x1p-1074L);
  return (double)(fabsl((long double)y - right) / ldexpl(1, (ilogbl(right) < -1022 ? -1022 : ilogbl(right)) - 52));
}

static uint64_t mixed(uint64_t checksum, double y) {
  uint64_t bits;
  memcpy(&bits, &y, sizeof bits);
  return (checksum ^ bits) * 1099511628211u;
}

/* The points are made without any function. */
static double point(const function *f, int i) {
  int exponent_low, exponent_high;
  frexp(f->low, &exponent_low);
  frexp(f->high, &exponent_high);
  const double step = (double)(exponent_high - exponent_low + 1) / DOUBLES, at = step * i, whole = floor(at);
  const double x = fmin(fmax(ldexp(1 + (at - whole), exponent_low - 1 + (int)whole), f->low), f->high);
  return f->negative && i % 2 ? -x : x;
}

static void double_functions_are_near(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof doubles / sizeof *doubles; k++) {
    const function *f = &doubles[k];
    double worst = 0, at = 0;
    uint64_t checksum = 14695981039346656037u;
    for (int i = 0; i < DOUBLES; i++) {
      const double x = point(f, i), y = f->ours(x), off = ulps_of_double(y, f->right((long double)x));
      if (off > worst) at = x;
      worst = fmax(worst, off);
      checksum = mixed(checksum, y);
    }
    print_message("%s: %.4f ulp at %a, checksum 0x%016llxu\n", f->name, worst, at, (unsigned long long)checksum);
    assert_true(worst <= f->ulp);
    assert_int_equal(checksum, f->checksum);
  }
}

/* Functions of two numbers over a grid: both of many sizes. */
static void check_two(const char *name, double (*ours)(double, double), long double (*right)(long double, long double),
                      double lowest, double highest, double bound, uint64_t expected) {
  const function x_axis = {.low = 0x1p-400, .high = 0x1p400},
                 y_axis = {.low = lowest, .high = highest, .negative = true};
  double worst = 0;
  uint64_t checksum = 14695981039346656037u;
  for (int i = 0; i < DOUBLES; i++) {
    const double x = point(i % 3 ? &x_axis : &(function){.low = 0.5, .high = 3}, i);
    const double y = point(&y_axis, (int)((int64_t)i * 7919 % DOUBLES)), z = ours(x, y);
    worst = fmax(worst, ulps_of_double(z, right((long double)x, (long double)y)));
    checksum = mixed(checksum, z);
  }
  print_message("%s: %.4f ulp, checksum 0x%016llxu\n", name, worst, (unsigned long long)checksum);
  assert_true(worst <= bound);
  assert_int_equal(checksum, expected);
}

static void functions_of_two_are_near(void **state) {
  (void)state;
  check_two("pow", vj_math_pow, powl, 0x1p-20, 0x1p10, 1, 0x992b6ee02ab6fac8u);
  check_two("hypot", vj_math_hypot, hypotl, 0x1p-400, 0x1p400, 1, 0xfcadd47088c18441u);
}

static void arrays_have_the_same_bits(void **state) {
  static double x[1003], y[1003], z[1003];
  const function log_axis = {.low = 0x1p-1070, .high = 0x1p1023},
                 angles = {.low = 0x1p-40, .high = 0x1p50, .negative = true};
  (void)state;
  for (int i = 0; i < 1000; i++) x[i] = point(&log_axis, i * (DOUBLES / 1000));
  x[1000] = 0, x[1001] = -1, x[1002] = INFINITY;
  vj_math_log_array(1003, x, y);
  for (int i = 0; i < 1003; i++) assert_true(y[i] == vj_math_log(x[i]) || (i == 1001 && isnan(y[i])));
  for (int i = 0; i < 1003; i++) x[i] = point(&angles, i * (DOUBLES / 1003));
  vj_math_sin_cos_array(1003, x, y, z);
  for (int i = 0; i < 1003; i++) assert_true(y[i] == vj_math_sin(x[i]) && z[i] == vj_math_cos(x[i]));
}

/* --- special values ---------------------------------------------------------------------------------------------- */

static bool same(double a, double b) { return isnan(b) ? isnan(a) : a == b && !signbit(a) == !signbit(b); }

static void special_values_are_those_of_annex_f(void **state) {
  static double (*const ours[])(double) = {vj_math_exp, vj_math_expm1, vj_math_log,  vj_math_log1p, vj_math_log10,
                                           vj_math_sin, vj_math_cos,   vj_math_tanh, vj_math_erf,   vj_math_erfc};
  static double (*const right[])(double) = {exp, expm1, log, log1p, log10, sin, cos, tanh, erf, erfc};
  const double at[] = {0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 1000, -1000, 0x1p-1074, -0x1p-1074};
  (void)state;
  for (size_t f = 0; f < sizeof ours / sizeof *ours; f++)
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
      const double y = ours[f](at[i]), r = right[f](at[i]);
      if (!same(y, r) && !(fabs(y - r) <= 2e-16 * fabs(r)))
        fail_msg("function %zu of %g is %g, not %g", f, at[i], y, r);
    }
  const double bases[] = {0, -0.0, 0.5, -0.5, 1, -1, 2, -2, INFINITY, -INFINITY, NAN};
  const double exponents[] = {0, -0.0, 0.5, -0.5, 1, -1, 2, -2, 3, -3, 1e300, -1e300, INFINITY, -INFINITY, NAN};
  for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
    for (size_t k = 0; k < sizeof exponents / sizeof *exponents; k++) {
      const double y = vj_math_pow(bases[i], exponents[k]), r = pow(bases[i], exponents[k]);
      if (!same(y, r)) fail_msg("%g to the power %g is %g, not %g", bases[i], exponents[k], y, r);
      const double h = vj_math_hypot(bases[i], exponents[k]), rh = hypot(bases[i], exponents[k]);
      if (!same(h, rh)) fail_msg("hypot(%g, %g) is %g, not %g", bases[i], exponents[k], h, rh);
    }
}

static void powers_of_ten_are_whole(void **state) {
  double power = 1;
  (void)state;
  for (int k = 0; k <= 22; k++, power *= 10) {
    assert_true(vj_math_pow(10, k) == power);
    assert_true(vj_math_log10(power) == k);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(float_functions_are_near),
      cmocka_unit_test(double_functions_are_near),
      cmocka_unit_test(functions_of_two_are_near),
      cmocka_unit_test(arrays_have_the_same_bits),
      cmocka_unit_test(special_values_are_those_of_annex_f),
      cmocka_unit_test(powers_of_ten_are_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
