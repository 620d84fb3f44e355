/* Elementary functions that give the same bits on every processor, under every compiler and C library. What can reach a
 * trained weight or a recorded number takes these in place of those of <math.h>, whose last digits differ between
 * versions and between vectors of different widths (tests/structure/test_libm.py). Exact in IEEE 754, and so taken from
 * <math.h> as they are: sqrt, fabs, fmin, fmax, floor, ceil, rint, round, lround, fma, ldexp, frexp, fmod, copysign.
 *
 *   const double rate = vj_math_exp(-0.5 * t);
 *   for (int64_t i = 0; i < count; i++) y[i] = vj_math_expf(x[i]);          compilers make vectors of this loop
 *
 * Each is one polynomial in explicit fused multiply-adds, without tables. Special values are those of C99's Annex F;
 * errno is not set. Errors, in units of the last place, against the function in long double
 * (tests/unit/test_elementary.c measures them):
 *
 *   float     expf 1, logf 1, sigmoidf 2.5, tanhf 2.5, normal_cdff 6 (its exponential 1.5)
 *   double    exp, log, log1p, log10, sin, cos, hypot, pow, expm1, tanh 1; erf 1.5; erfc 4
 */
#ifndef VJ_ELEMENTARY_H
#define VJ_ELEMENTARY_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* --- double: right first, then fast --------------------------------------------------------------------------- */

double vj_math_exp(double x);
double vj_math_expm1(double x);
double vj_math_log(double x);
double vj_math_log1p(double x);
double vj_math_log10(double x);
double vj_math_pow(double x, double y);
double vj_math_sin(double x);
double vj_math_cos(double x);
double vj_math_tanh(double x);
double vj_math_erf(double x);
double vj_math_erfc(double x);
double vj_math_hypot(double x, double y);

/* Many at once, to the same bits. */
void vj_math_log_array(int64_t count, const double *x, double *y);
void vj_math_sin_cos_array(int64_t count, const double *x, double *sine, double *cosine);

/* --- float: without branches, for loops over many numbers ------------------------------------------------------- */

/* 2^n for n from -126 to 127 */
static inline float vj_math_power_of_two(int32_t n) {
  const uint32_t bits = (uint32_t)(n + 127) << 23;
  float power;
  memcpy(&power, &bits, sizeof power);
  return power;
}

/* exp(x + low) - 1 = (2^n - 1) + 2^n q, |x| at most 126 and low far smaller: q, and n where an integer lies in the last
 * bits of a float. */
static inline float vj_math_exp_parts(float x, float low, int32_t *n) {
  const float round = 0x1.8p23f; /* adding it leaves an integer in the last bits */
  const float shifted = __builtin_fmaf(x, 0x1.715476p+0f, round), whole = shifted - round;
  const float high = __builtin_fmaf(-whole, 0x1.62e430p-1f, x);
  const float r = __builtin_fmaf(-whole, -0x1.05c610p-29f, high) + low;
  float p = 0x1.6a239ap-10f;
  p = __builtin_fmaf(p, r, 0x1.1239e0p-7f);
  p = __builtin_fmaf(p, r, 0x1.5558f2p-5f);
  p = __builtin_fmaf(p, r, 0x1.555492p-3f);
  p = __builtin_fmaf(p, r, 0x1.fffffcp-2f);
  uint32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  *n = (int32_t)(bits - 0x4b400000u);
  const float square = r * r;
  return __builtin_fmaf(square, p, r);
}

/* exp(x + low), low far smaller than x. The power is two factors, so that overflow and denormals come by themselves. */
static inline float vj_math_exp_sumf(float x, float low) {
  int32_t n;
  const float below = x > 89 ? 89 : x, in = below < -104 ? -104 : below;
  const float q = vj_math_exp_parts(in, low, &n);
  const int32_t half = (int32_t)((uint32_t)(n + 512) >> 1) - 256;
  return (1 + q) * vj_math_power_of_two(half) * vj_math_power_of_two(n - half);
}

static inline float vj_math_expf(float x) { return vj_math_exp_sumf(x, 0); }

static inline float vj_math_logf(float x) {
  const float normal = x < 0x1p-126f ? x * 0x1p23f : x, shift = x < 0x1p-126f ? -150 : -127;
  uint32_t bits;
  memcpy(&bits, &normal, sizeof bits);
  bits += 0x3f800000u - 0x3f3504f3u; /* the fraction is from sqrt(1/2) to sqrt(2) */
  const float exponent = (float)(int32_t)(bits >> 23) + shift;
  bits = (bits & 0x007fffffu) + 0x3f3504f3u;
  float fraction;
  memcpy(&fraction, &bits, sizeof fraction);
  const float f = fraction - 1;
  float p = -0x1.392280p-4f;
  p = __builtin_fmaf(p, f, 0x1.08a2f6p-3f);
  p = __builtin_fmaf(p, f, -0x1.0f3576p-3f);
  p = __builtin_fmaf(p, f, 0x1.226440p-3f);
  p = __builtin_fmaf(p, f, -0x1.542602p-3f);
  p = __builtin_fmaf(p, f, 0x1.99a48cp-3f);
  p = __builtin_fmaf(p, f, -0x1.000430p-2f);
  p = __builtin_fmaf(p, f, 0x1.555550p-2f);
  p = __builtin_fmaf(p, f, -0x1.fffff8p-2f);
  const float square = f * f, low = __builtin_fmaf(square, p, exponent * -0x1.05c610p-29f);
  const float y = __builtin_fmaf(exponent, 0x1.62e430p-1f, f + low);
  const float finite = x > 0x1.fffffep127f ? x : y, positive = x == 0 ? -INFINITY : finite;
  const float real = x < 0 ? NAN : positive;
  return x != x ? x : real;
}

/* 1 / (1 + exp(-x)) */
static inline float vj_math_sigmoidf(float x) {
  const float e = vj_math_expf(-__builtin_fabsf(x)), above = x < 0 ? e : 1;
  const float y = above / (1 + e);
  return x != x ? x : y;
}

static inline float vj_math_tanhf(float x) {
  int32_t n;
  const float size = 2 * __builtin_fabsf(x), in = size > 20 ? 20 : size;
  const float q = vj_math_exp_parts(in, 0, &n), power = vj_math_power_of_two(n);
  const float e = __builtin_fmaf(power, q, power - 1); /* exp(2 |x|) - 1 */
  return __builtin_copysignf(e / (e + 2), x);
}

/* Phi(x), the standard normal distribution, and *e = exp(-x^2/2): Phi(-t) = e w P(w), w = 1 / (1 + 0.3 t). */
static inline float vj_math_normal_cdff(float x, float *e) {
  const float all = __builtin_fabsf(x), size = all > 15 ? 15 : all;
  const float square = size * size, rest = __builtin_fmaf(size, size, -square);
  const float w = 1 / __builtin_fmaf(0x1.333334p-2f, size, 1), v = w - 0.59375f;
  float p = -0x1.51df66p-6f;
  p = __builtin_fmaf(p, v, 0x1.2417ccp-9f);
  p = __builtin_fmaf(p, v, 0x1.696286p-5f);
  p = __builtin_fmaf(p, v, -0x1.36d404p-7f);
  p = __builtin_fmaf(p, v, -0x1.739d62p-4f);
  p = __builtin_fmaf(p, v, -0x1.67c734p-7f);
  p = __builtin_fmaf(p, v, 0x1.ce29e0p-3f);
  p = __builtin_fmaf(p, v, 0x1.a35844p-2f);
  p = __builtin_fmaf(p, v, 0x1.999756p-2f);
  p = __builtin_fmaf(p, v, 0x1.0633bap-2f);
  *e = vj_math_exp_sumf(-0.5f * square, -0.5f * rest);
  const float y = __builtin_fmaf(x < 0 ? *e : -*e, w * p, x < 0 ? 0 : 1);
  return x != x ? x : y;
}

#endif
