/* Activations and the exponential, written so that compilers make vectors of loops over them: no branches, no calls.
 * In float they are right to a few units of the last place of 1 (GELU's normal distribution to 8e-8); in double they
 * are the C library's. */
#ifndef VJ_FRAMEWORK_OPS_ELEMENTWISE_ACTIVATION_H
#define VJ_FRAMEWORK_OPS_ELEMENTWISE_ACTIVATION_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "vj/ops.h"

#ifdef VJ_DOUBLE

static inline double vj_quick_exp(double x) { return exp(x); }

/* Phi(x), the standard normal distribution, and e = exp(-x^2/2). */
static inline double vj_normal_cdf(double x, double *e) {
  *e = exp(-0.5 * x * x);
  return 0.5 * erfc(-x * 0.70710678118654752);
}

#else

/* exp(x) = 2^n exp(r), |r| <= log(2)/2, exp(r) by its series; 0 below -87, and at most exp(88). */
static inline float vj_quick_exp(float x) {
  const float round = 12582912.0f; /* 3 2^22: adding it leaves an integer in the last bits */
  const float log2_high = 0.693145751953125f, log2_low = 1.42860677e-6f;
  const float in = x > 88 ? 88 : x;
  const float shifted = in * 1.44269504f + round, n = shifted - round;
  const float r = (in - n * log2_high) - n * log2_low;
  const float series =
      1 + r * (1 + r * (1.0f / 2 + r * (1.0f / 6 + r * (1.0f / 24 + r * (1.0f / 120 + r * (1.0f / 720))))));
  int32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (int32_t)(((uint32_t)bits + 127) << 23); /* the exponent of 2^n */
  float power;
  memcpy(&power, &bits, sizeof power);
  return x < -87 ? 0 : series * power;
}

/* Phi(x) and e = exp(-x^2/2): Abramowitz and Stegun 7.1.26. */
static inline float vj_normal_cdf(float x, float *e) {
  const float size = x < 0 ? -x : x;
  const float t = 1 / (1 + 0.3275911f * 0.70710678f * size);
  const float tail =
      t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
  *e = vj_quick_exp(-0.5f * x * x);
  const float beyond = 0.5f * tail * *e;
  return x < 0 ? beyond : 1 - beyond;
}

#endif

static inline vj_real vj_sigmoid(vj_real x) { return 1 / (1 + vj_quick_exp(-x)); }

/* activation(u). With a constant activation the choice is made by the compiler, and loops become vectors. */
static inline __attribute__((always_inline)) vj_real vj_activated(vj_activation activation, vj_real u) {
  vj_real e;
  switch (activation) {
    case VJ_IDENTITY:
      return u;
    case VJ_RELU:
      return u < 0 ? 0 : u; /* NaN stays */
    case VJ_GELU:           /* u Phi(u), the exact form (Hendrycks and Gimpel 2016) */
      return u * vj_normal_cdf(u, &e);
    case VJ_SILU:
      return u * vj_sigmoid(u);
    case VJ_SIGMOID:
      return vj_sigmoid(u);
  }
  return u;
}

/* activation'(u) */
static inline __attribute__((always_inline)) vj_real vj_activation_slope(vj_activation activation, vj_real u) {
  vj_real e, s;
  switch (activation) {
    case VJ_IDENTITY:
      return 1;
    case VJ_RELU:
      return u > 0 ? 1 : 0;
    case VJ_GELU:
      s = vj_normal_cdf(u, &e);
      return s + u * (vj_real)0.39894228040143268 * e;
    case VJ_SILU:
      s = vj_sigmoid(u);
      return s * (1 + u * (1 - s));
    case VJ_SIGMOID:
      s = vj_sigmoid(u);
      return s * (1 - s);
  }
  return 1;
}

/* Proximal map of threshold |u|: towards zero by it, and no further; `positive`: to no less than zero. */
static inline double vj_shrink(double u, double threshold, bool positive) {
  if (u > threshold) return u - threshold;
  return !positive && u < -threshold ? u + threshold : 0;
}

/* Calls `function(.., activation)` with a constant in place of the variable `activation`, so that its loops are made
 * for each of them. */
#define VJ_FOR_ACTIVATION(activation, call) \
  switch (activation) {                     \
    case VJ_IDENTITY:                       \
      call(VJ_IDENTITY);                    \
      break;                                \
    case VJ_RELU:                           \
      call(VJ_RELU);                        \
      break;                                \
    case VJ_GELU:                           \
      call(VJ_GELU);                        \
      break;                                \
    case VJ_SILU:                           \
      call(VJ_SILU);                        \
      break;                                \
    case VJ_SIGMOID:                        \
      call(VJ_SIGMOID);                     \
      break;                                \
  }

#endif
