/* Activations, and elementary functions in the number type of graphs. In float they have no branches and no calls, so
 * that compilers make vectors of loops over them; see vj/elementary.h. */
#ifndef VJ_FRAMEWORK_OPS_ELEMENTWISE_ACTIVATION_H
#define VJ_FRAMEWORK_OPS_ELEMENTWISE_ACTIVATION_H

#include "vj/elementary.h"
#include "vj/ops.h"

#ifdef VJ_DOUBLE

static inline double vj_real_exp(double x) { return vj_math_exp(x); }
static inline double vj_real_log(double x) { return vj_math_log(x); }
static inline double vj_real_sqrt(double x) { return sqrt(x); }
static inline double vj_sigmoid(double x) { return 1 / (1 + vj_math_exp(-x)); }

/* Phi(x), the standard normal distribution, and e = exp(-x^2/2). */
static inline double vj_normal_cdf(double x, double *e) {
  *e = vj_math_exp(-0.5 * x * x);
  return 0.5 * vj_math_erfc(-x * 0.70710678118654752);
}

#else

static inline float vj_real_exp(float x) { return vj_math_expf(x); }
static inline float vj_real_log(float x) { return vj_math_logf(x); }
static inline float vj_real_sqrt(float x) { return sqrtf(x); }
static inline float vj_sigmoid(float x) { return vj_math_sigmoidf(x); }
static inline float vj_normal_cdf(float x, float *e) { return vj_math_normal_cdff(x, e); }

#endif

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
