/* Elementary functions in double. Where one double is not enough, a number is a pair: the unevaluated sum of two
 * (Dekker 1971, Numerische Mathematik 18; exact sums by Knuth, exact products by fma). Coefficients are minimax
 * polynomials of our own (tests/reference/minimax.py), rounded to double. Without contraction
 * (-ffp-contract=off): products are fused with sums where fma is written, and nowhere else. */
#include "vj/elementary.h"

#include <stdbool.h>

#include "framework/base/kernel.h"

typedef struct pair {
  double high, low;
} pair;

static const double ln2 = 0x1.62e42fefa39efp-1, ln2_low = 0x1.abc9e3b39803fp-56;
static const double round_to_integer = 0x1.8p52; /* adding it leaves an integer in the last bits */

static VJ_INLINE uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static VJ_INLINE double double_of(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static VJ_INLINE pair sum(double a, double b) {
  const double s = a + b, part = s - a;
  return (pair){s, (a - (s - part)) + (b - part)};
}

/* |a| at least |b|, or a = 0 */
static VJ_INLINE pair sum_ordered(double a, double b) {
  const double s = a + b;
  return (pair){s, b - (s - a)};
}

static VJ_INLINE pair product(double a, double b) {
  const double p = a * b;
  return (pair){p, fma(a, b, -p)};
}

static VJ_INLINE pair multiply(pair a, pair b) {
  const pair p = product(a.high, b.high);
  return sum_ordered(p.high, fma(a.high, b.low, fma(a.low, b.high, p.low)));
}

/* coefficient[0] + coefficient[1] x + .. */
static VJ_INLINE double polynomial(int count, const double *coefficient, double x) {
  double p = coefficient[count - 1];
  for (int k = count - 2; k >= 0; k--) p = fma(p, x, coefficient[k]);
  return p;
}
#define POLYNOMIAL(x, ...) \
  polynomial((int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (const double[]){__VA_ARGS__}, x)

/* --- exponentials ------------------------------------------------------------------------------------------------ */

/* exp(high + low) - 1 = (2^n - 1) + 2^n q: q and n, for |high| below 2^20 */
static pair exponential_parts(double high, double low, int *n) {
  const double whole = rint(high * 0x1.71547652b82fep+0);
  const double reduced = fma(-whole, ln2, high); /* exact */
  const pair r = sum(reduced, fma(-whole, ln2_low, low));
  const double p =
      POLYNOMIAL(r.high, 0x1p-1, 0x1.555555555555bp-3, 0x1.5555555555503p-5, 0x1.111111110ec5dp-7,
                 0x1.6c16c16c30425p-10, 0x1.a01a01b37e472p-13, 0x1.a01a0136a30f3p-16, 0x1.71ddf020c4f8ap-19,
                 0x1.27e5b42e60938p-22, 0x1.af6be7c43bd9cp-26, 0x1.1e3d3dc62e154p-29);
  *n = (int)whole;
  return (pair){r.high, fma(r.high * r.high, p, fma(r.high, r.low, r.low))};
}

/* exp(high + low) */
static double exponential(double high, double low) {
  int n;
  if (high != high) return high;
  if (high > 710) return INFINITY;
  if (high < -746) return 0;
  const pair q = exponential_parts(high, low, &n), s = sum_ordered(1, q.high);
  return ldexp(s.high + (s.low + q.low), n);
}

double vj_math_exp(double x) { return exponential(x, 0); }

/* For x from -50 to 60. */
static pair expm1_pair(double x) {
  int n;
  const pair q = exponential_parts(x, 0, &n);
  const double power = ldexp(1, n);
  const pair before = sum(power, -1), s = sum(before.high, power * q.high);
  return sum_ordered(s.high, fma(power, q.low, s.low + before.low));
}

double vj_math_expm1(double x) {
  if (x != x || fabs(x) < 0x1p-54) return x;
  if (x > 60) return exponential(x, 0);
  if (x < -50) return -1;
  const pair e = expm1_pair(x);
  return e.high + e.low;
}

double vj_math_tanh(double x) {
  if (x != x || fabs(x) < 0x1p-30) return x;
  if (fabs(x) > 22) return copysign(1, x);
  const pair e = expm1_pair(2 * fabs(x)), below = sum(e.high, 2);
  const double y = e.high / below.high;
  const double rest = fma(-y, below.low + e.low, fma(-y, below.high, e.high) + e.low);
  return copysign(y + rest / below.high, x);
}

/* --- logarithms -------------------------------------------------------------------------------------------------- */

/* x = 2^*exponent * result, for x normal and positive; from sqrt(1/2) to sqrt(2) */
static VJ_INLINE double fraction_of(double x, double *exponent) {
  const uint64_t root_half = 0x3fe6a09e667f3bcdu, bits = bits_of(x) - root_half + ((uint64_t)1024 << 52);
  *exponent = double_of((bits >> 52) | bits_of(0x1p52)) - (0x1p52 + 1024);
  return double_of((bits & 0x000fffffffffffffu) + root_half);
}

/* log((fraction + low) 2^exponent) = exponent log(2) + 2 atanh(s), s = (fraction - 1) / (fraction + 1), to some 2^-66
 * of it; without branches. */
static VJ_INLINE pair logarithm(double fraction, double low, double exponent) {
  const pair two_thirds = {0x1.5555555555555p-1, 0x1.5555555555555p-55};
  const pair above = sum(fraction - 1, low), below = sum_ordered(2, fraction - 1);
  const double inverse = 1 / below.high, s = above.high * inverse;
  const double rest = fma(-s, below.low + low, fma(-s, below.high, above.high) + above.low);
  const pair root = {s, rest * inverse};
  const pair square = multiply(root, root), cube = multiply(square, root);
  const double z = square.high;
  const double p = POLYNOMIAL(z, 0x1.9999999999996p-2, 0x1.2492492493035p-2, 0x1.c71c71c5806f3p-3, 0x1.745d18324fbcdp-3,
                              0x1.3b1362b6cbeb7p-3, 0x1.1120b5863257bp-3, 0x1.de3374b77de1ap-4, 0x1.eb110289b6f3fp-4);
  const pair factor = sum_ordered(two_thirds.high, z * p);
  const pair series = multiply(cube, (pair){factor.high, factor.low + two_thirds.low});
  const pair a = sum(exponent * 0x1.62e42fefa3800p-1, 2 * root.high), b = sum(a.high, series.high);
  const double small = fma(exponent, 0x1.ef35793c76730p-45, fma(2, root.low, series.low));
  return sum_ordered(b.high, b.low + a.low + small);
}

/* Of x positive and finite, denormal or not. */
static pair logarithm_of(double x) {
  double exponent;
  const bool denormal = x < 0x1p-1022;
  const double fraction = fraction_of(denormal ? x * 0x1p54 : x, &exponent);
  return logarithm(fraction, 0, denormal ? exponent - 54 : exponent);
}

/* What no logarithm is computed for. */
static double special_logarithm(double x) { return x == 0 ? -INFINITY : x < 0 ? NAN : x; }
static bool has_logarithm(double x) { return x > 0 && x <= 0x1.fffffffffffffp1023; }

double vj_math_log(double x) {
  if (!has_logarithm(x)) return special_logarithm(x);
  const pair y = logarithm_of(x);
  return y.high + y.low;
}

double vj_math_log10(double x) {
  if (!has_logarithm(x)) return special_logarithm(x);
  const pair y = multiply(logarithm_of(x), (pair){0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57});
  return y.high + y.low;
}

double vj_math_log1p(double x) {
  double exponent;
  if (fabs(x) < 0x1p-54) return x;
  if (!has_logarithm(1 + x)) return x < -1 ? NAN : x == -1 ? -INFINITY : x;
  const pair in = sum(1, x);
  const double fraction = fraction_of(in.high, &exponent);
  const pair y = logarithm(fraction, ldexp(in.low, -(int)exponent), exponent);
  return y.high + y.low;
}

VJ_KERNEL(log_of_normals, (int64_t count, const double *restrict x, double *restrict y), (count, x, y)) {
  for (int64_t i = 0; i < count; i++) {
    double exponent;
    const double fraction = fraction_of(x[i], &exponent);
    const pair l = logarithm(fraction, 0, exponent);
    y[i] = l.high + l.low;
  }
}

void vj_math_log_array(int64_t count, const double *x, double *y) {
  log_of_normals(count, x, y);
  for (int64_t i = 0; i < count; i++)
    if (!(x[i] >= 0x1p-1022 && has_logarithm(x[i]))) y[i] = vj_math_log(x[i]);
}

/* --- powers ------------------------------------------------------------------------------------------------------ */

static bool is_integer(double y) { return y == rint(y); }
static bool is_odd(double y) { return is_integer(y) && fabs(fmod(y, 2)) == 1; }

/* x or y is 0 or infinite, or the result is not a number. */
static double special_power(double x, double y) {
  const bool negative = signbit(x) && is_odd(y);
  if (x != x || y != y) return x + y;
  if (isinf(y)) return fabs(x) == 1 ? 1 : (fabs(x) > 1) == (y > 0) ? INFINITY : 0;
  if (x == 0 || isinf(x)) return copysign((x == 0) == (y < 0) ? INFINITY : 0, negative ? -1 : 1);
  return NAN;
}

double vj_math_pow(double x, double y) {
  if (y == 0 || x == 1) return 1;
  if (!has_logarithm(fabs(x)) || !(fabs(y) <= 0x1.fffffffffffffp1023) || (x < 0 && !is_integer(y)))
    return special_power(x, y);
  const pair l = logarithm_of(fabs(x)), p = product(y, l.high);
  const double size = exponential(p.high, fma(y, l.low, p.low));
  return x < 0 && is_odd(y) ? -size : size;
}

double vj_math_hypot(double x, double y) {
  if (isinf(x) || isinf(y)) return INFINITY;
  if (x != x || y != y) return x + y;
  const double a = fmax(fabs(x), fabs(y)), b = fmin(fabs(x), fabs(y));
  if (b == 0 || b < a * 0x1p-60) return a + b;
  const double scale = a > 0x1p500 ? 0x1p-600 : b < 0x1p-400 ? 0x1p600 : 1;
  const pair aa = product(a * scale, a * scale), bb = product(b * scale, b * scale), s = sum_ordered(aa.high, bb.high);
  const double root = sqrt(s.high), rest = fma(-root, root, s.high) + (s.low + (aa.low + bb.low));
  return (root + rest / (2 * root)) / scale;
}

/* --- sine and cosine --------------------------------------------------------------------------------------------- */

/* pi/2 in three parts; n times all of them is exact enough while n fits 30 bits. */
static const double half_pi[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110};
static const double largest_reduced = 0x1p30;

typedef struct angle {
  pair rest; /* from -pi/4 to pi/4 */
  uint64_t quarter;
} angle;

static VJ_INLINE angle reduced(double x) {
  const double shifted = fma(x, 0x1.45f306dc9c883p-1, round_to_integer), n = shifted - round_to_integer;
  const double first = fma(-n, half_pi[0], x); /* exact */
  const pair second = product(n, half_pi[1]), r = sum(first, -second.high);
  return (angle){sum_ordered(r.high, fma(-n, half_pi[2], r.low - second.low)), bits_of(shifted)};
}

/* The digits of 2/pi that are multiples of a full turn are left out (Payne and Hanek 1983, SIGNUM Newsletter 18). */
static angle reduced_from_far(double x) {
  __extension__ typedef unsigned __int128 word2;
  static const uint64_t two_over_pi[] = {0,
                                         0xa2f9836e4e441529u,
                                         0xfc2757d1f534ddc0u,
                                         0xdb6295993c439041u,
                                         0xfe5163abdebbc561u,
                                         0xb7246e3a424dd2e0u,
                                         0x06492eea09d1921cu,
                                         0xfe1deb1cb129a73eu,
                                         0xe88235f52ebb4484u,
                                         0xe99c7026b45f7e41u,
                                         0x3991d639835339f4u,
                                         0x9c845f8bbdf9283bu,
                                         0x1ff897ffde05980fu,
                                         0xef2f118b5a0a6d1fu,
                                         0x6d367ecf27cb09b7u,
                                         0x4f463f669e5fea2du,
                                         0x7527bac7ebe5f17bu,
                                         0x3d0739f78a5292eau,
                                         0x6bfb5fb11f8d5d08u,
                                         0x56033046fc7b6babu,
                                         0xf0cfbc209af4361du};
  const uint64_t bits = bits_of(fabs(x)), digits = (bits & 0x000fffffffffffffu) | (uint64_t)1 << 52;
  const int at = (int)(bits >> 52) - 1023 - 54 + 64, skip = at % 64; /* of the table's first bit that counts */
  uint64_t word[3];
  for (int k = 0; k < 3; k++)
    word[k] = skip ? two_over_pi[at / 64 + k] << skip | two_over_pi[at / 64 + k + 1] >> (64 - skip)
                   : two_over_pi[at / 64 + k];
  const word2 third = (word2)digits * word[2], second = (word2)digits * word[1] + (third >> 64);
  const uint64_t first = digits * word[0] + (uint64_t)(second >> 64);
  /* first, second, third: a fraction of a full turn. Its quarters are the two bits in front; the rest, with a sign: */
  const uint64_t high = first << 2 | (uint64_t)second >> 62, low = (uint64_t)second << 2 | (uint64_t)third >> 62;
  const bool negative = high >> 63;
  const word2 whole = (word2)high << 64 | low, size = negative ? -whole : whole;
  const double sign = negative != (x < 0) ? -1 : 1;
  const double a = (double)(uint64_t)(size >> 76) * 0x1p-52, b = (double)(uint64_t)(size >> 24 & 0xfffffffffffffu);
  const double c = (double)(uint64_t)(size & 0xffffffu), tail = (b * 0x1p24 + c) * 0x1p-128;
  const pair r = multiply(sum_ordered(sign * a, sign * tail), (pair){half_pi[0], half_pi[1]});
  const uint64_t quarter = (first >> 62) + negative;
  return (angle){r, x < 0 ? -quarter : quarter};
}

static VJ_INLINE void sin_cos(angle of, double *sine, double *cosine) {
  const double r = of.rest.high, low = of.rest.low, z = r * r, half = 0.5 * z, w = 1 - half;
  const double s =
      POLYNOMIAL(z, -0x1.5555555555555p-3, 0x1.111111111110bp-7, -0x1.a01a01a018ae6p-13, 0x1.71de3a5339a74p-19,
                 -0x1.ae6452988f665p-26, 0x1.612092e592825p-33, -0x1.aaa55f314aa81p-41);
  const double c =
      POLYNOMIAL(z, 0x1.5555555555555p-5, -0x1.6c16c16c16c0fp-10, 0x1.a01a01a018cc9p-16, -0x1.27e4fb75eb79fp-22,
                 0x1.1eed8c90b4c09p-29, -0x1.93932403b246ep-37, 0x1.aabd0bad62a00p-45);
  const double sine_of = r + fma(r * z, s, low * w);
  const double missing = ((1 - w) - half) - 0.5 * fma(r, r, -z);
  const double cosine_of = w + fma(z * z, c, fma(-r, low, missing));
  const bool swapped = of.quarter & 1;
  const double a = swapped ? cosine_of : sine_of, b = swapped ? sine_of : cosine_of;
  *sine = double_of(bits_of(a) ^ (of.quarter & 2) << 62);
  *cosine = double_of(bits_of(b) ^ ((of.quarter + 1) & 2) << 62);
}

static VJ_INLINE void sin_cos_near(double x, double *sine, double *cosine) {
  double s;
  sin_cos(reduced(x), &s, cosine);
  *sine = fabs(x) < 0x1p-27 ? x : s; /* -0, too */
}

static void sin_cos_of(double x, double *sine, double *cosine) {
  if (fabs(x) <= largest_reduced) {
    sin_cos_near(x, sine, cosine);
  } else if (x - x == 0) {
    sin_cos(reduced_from_far(x), sine, cosine);
  } else {
    *sine = *cosine = NAN;
  }
}

double vj_math_sin(double x) {
  double sine, cosine;
  sin_cos_of(x, &sine, &cosine);
  return sine;
}

double vj_math_cos(double x) {
  double sine, cosine;
  sin_cos_of(x, &sine, &cosine);
  return cosine;
}

VJ_KERNEL(sin_cos_of_near, (int64_t count, const double *restrict x, double *restrict sine, double *restrict cosine),
          (count, x, sine, cosine)) {
  for (int64_t i = 0; i < count; i++) sin_cos_near(x[i], &sine[i], &cosine[i]);
}

void vj_math_sin_cos_array(int64_t count, const double *x, double *sine, double *cosine) {
  sin_cos_of_near(count, x, sine, cosine);
  for (int64_t i = 0; i < count; i++)
    if (!(fabs(x[i]) <= largest_reduced)) sin_cos_of(x[i], &sine[i], &cosine[i]);
}

/* --- error function ---------------------------------------------------------------------------------------------- */

static const double small_error = 0.85;

/* erf(x) / x - 1 for |x| <= 0.85, of x^2 */
static double erf_series(double z) {
  return POLYNOMIAL(z, 0x1.06eba8214db69p-3, -0x1.812746b0379e7p-2, 0x1.ce2f21a042bdcp-4, -0x1.b82ce31288880p-6,
                    0x1.565bcd0e5f445p-8, -0x1.c02db3fd03a28p-11, 0x1.f9a3265da27bdp-14, -0x1.f4d2488379015p-17,
                    0x1.b9e513d55a1afp-20, -0x1.5f5a018c24ed4p-23, 0x1.faa55b158affap-27, -0x1.436a93db0815fp-30,
                    0x1.28f65d3fabf25p-34);
}

/* erfc(x) for x >= 0.85: exp(-x^2) w P(w), w = 1 / (1 + 0.375 x) */
static double erfc_beyond(double x) {
  if (x > 28) return 0;
  const double w = 1 / fma(0.375, x, 1);
  const double p = POLYNOMIAL(
      w - 0.4296875, 0x1.6e3e7d4a8ca89p-2, 0x1.0ec246d91e7a3p-1, 0x1.40e2ca9c9c71ap-1, 0x1.1fd28f3bb0489p-1,
      0x1.4f254572498cap-2, 0x1.6ad9f7d2d2e95p-5, -0x1.c63ad30b02cdcp-4, -0x1.32637e13f3f04p-4, 0x1.0a43c4c8c99fap-5,
      0x1.b4228f2502fd9p-5, -0x1.884268e055e7ep-7, -0x1.3725629c7cdd8p-5, 0x1.231d73dd6986ep-7, 0x1.dbd360124cc28p-6,
      -0x1.7e623112d2b4fp-7, -0x1.708ea85a0c30fp-6, 0x1.133766ce4d1d1p-6, 0x1.f7cbe67c2d307p-7, -0x1.68c75be71317ep-6,
      -0x1.9c88b94186210p-8, 0x1.7fc2768d047cap-6, -0x1.3e06d379c4a72p-9, -0x1.ee0abe697ea0dp-7, 0x1.1bb571bfe099cp-8);
  const pair square = product(x, x);
  return exponential(-square.high, -square.low) * (w * p);
}

double vj_math_erf(double x) {
  const double size = fabs(x);
  if (size < small_error) return fma(x, erf_series(x * x), x);
  if (x != x) return x;
  return copysign(size > 6 ? 1 : 1 - erfc_beyond(size), x);
}

double vj_math_erfc(double x) {
  if (x != x) return x;
  if (fabs(x) >= small_error) return x > 0 ? erfc_beyond(x) : 2 - erfc_beyond(-x);
  const pair rest = sum(1, -x);
  return rest.high + fma(-x, erf_series(x * x), rest.low);
}
