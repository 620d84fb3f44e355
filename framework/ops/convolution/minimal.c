#include "framework/ops/convolution/minimal.h"

#include <math.h>
#include <string.h>

#include "framework/base/kernel.h"
#include "framework/ops/norm/affine.h"

static const vj_minimal of_two = {2,
                                  4,
                                  {1, 0, -1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, -1, 0, 1},
                                  {1, 1, 1, 0, 0, 1, -1, 1},
                                  {1, 0, 0, 1. / 2, 1. / 2, 1. / 2, 1. / 2, -1. / 2, 1. / 2, 0, 0, 1}};
static const vj_minimal of_three = {
    3,
    5,
    {2, -1, -2, 1, 0, 0, -2, -1, 1, 0, 0, 2, -3, 1, 0, 0, -1, 0, 1, 0, 0, 2, -1, -2, 1},
    {1, 1, 1, 1, 0, 0, 1, -1, 2, 0, 0, 1, 1, 4, 1},
    {1. / 2, 0, 0, -1. / 2, -1. / 2, -1. / 2, -1. / 6, 1. / 6, -1. / 6, 1. / 6, 1. / 3, 2. / 3, 0, 0, 1}};
static const vj_minimal of_four = {4,
                                   6,
                                   {4, 0,  -5, 0, 1, 0, 0, -4, -4, 1,  1, 0, 0, 4, -4, -1, 1, 0,
                                    0, -2, -1, 2, 1, 0, 0, 2,  -1, -2, 1, 0, 0, 4, 0,  -5, 0, 1},
                                   {1, 1, 1, 1, 1, 0, 0, 1, -1, 2, -2, 0, 0, 1, 1, 4, 4, 0, 0, 1, -1, 8, -8, 1},
                                   {1. / 4, 0, 0, -1. / 6, -1. / 6, -1. / 6, -1. / 6, 1. / 6, -1. / 6, 1. / 24, 1. / 12,
                                    1. / 6, 1. / 24, -1. / 12, 1. / 6, 0, 0, 1}};

const vj_minimal *vj_minimal_of(int64_t tile) { return tile == 2 ? &of_two : tile == 3 ? &of_three : &of_four; }

/* --- B' written out ---------------------------------------------------------------------------------------------- */

/* B' of m + 2 numbers. */
static VJ_INLINE void points_of_two(const vj_real *d, vj_real *v) {
  v[0] = d[0] - d[2];
  v[1] = d[1] + d[2];
  v[2] = d[2] - d[1];
  v[3] = d[3] - d[1];
}

static VJ_INLINE void points_of_three(const vj_real *d, vj_real *v) {
  const vj_real far = d[3] - d[1], near = d[3] - d[2];
  v[0] = vj_fma((vj_real)2, d[0] - d[2], far);
  v[1] = vj_fma((vj_real)-2, d[1], near);
  v[2] = vj_fma((vj_real)2, d[1] - d[2], near);
  v[3] = far;
  v[4] = vj_fma((vj_real)-2, far, d[4] - d[2]);
}

static VJ_INLINE void points_of_four(const vj_real *d, vj_real *v) {
  const vj_real even = vj_fma((vj_real)-4, d[2], d[4]), odd = vj_fma((vj_real)-4, d[1], d[3]);
  const vj_real turn = d[3] - d[1], rest = d[4] - d[2];
  v[0] = vj_fma((vj_real)4, d[0], vj_fma((vj_real)-5, d[2], d[4]));
  v[1] = even + odd;
  v[2] = even - odd;
  v[3] = vj_fma((vj_real)2, turn, rest);
  v[4] = vj_fma((vj_real)-2, turn, rest);
  v[5] = vj_fma((vj_real)4, d[1], vj_fma((vj_real)-5, d[3], d[5]));
}

/* As they are, and through a map; `most` is m + 2. */
#define VJ_DEFINE_INPUTS(name, most)                                                                                  \
  VJ_KERNEL(inputs_##name, (const vj_real *const *in, vj_real *const *out, int64_t count), (in, out, count)) {        \
    const vj_real *from[most];                                                                                        \
    vj_real *to[most];                                                                                                \
    for (int k = 0; k < (most); k++) {                                                                                \
      from[k] = in[k];                                                                                                \
      to[k] = out[k];                                                                                                 \
    }                                                                                                                 \
    VJ_INDEPENDENT for (int64_t i = 0; i < count; i++) {                                                              \
      vj_real d[most], v[most];                                                                                       \
      for (int k = 0; k < (most); k++) d[k] = from[k][i];                                                             \
      points_##name(d, v);                                                                                            \
      for (int k = 0; k < (most); k++) to[k][i] = v[k];                                                               \
    }                                                                                                                 \
  }                                                                                                                   \
  VJ_KERNEL(mapped_##name, (const vj_minimal_map *map, const vj_real *const *in, vj_real *const *out, int64_t count), \
            (map, in, out, count)) {                                                                                  \
    const vj_real *from[most], *scale[most], *shift[most], least = map->relu ? 0 : -(vj_real)INFINITY;                \
    vj_real *to[most];                                                                                                \
    for (int k = 0; k < (most); k++) {                                                                                \
      from[k] = in[k];                                                                                                \
      to[k] = out[k];                                                                                                 \
      scale[k] = map->scale[k];                                                                                       \
      shift[k] = map->shift[k];                                                                                       \
    }                                                                                                                 \
    const int64_t channels = map->channels;                                                                           \
    for (int64_t at = 0; at < count; at += channels) {                                                                \
      VJ_INDEPENDENT for (int64_t c = 0; c < channels; c++) {                                                         \
        vj_real d[most], v[most];                                                                                     \
        for (int k = 0; k < (most); k++) {                                                                            \
          d[k] = vj_affine(from[k][at + c], scale[k][c], shift[k][c]);                                                \
          d[k] = d[k] < least ? least : d[k];                                                                         \
        }                                                                                                             \
        points_##name(d, v);                                                                                          \
        for (int k = 0; k < (most); k++) to[k][at + c] = v[k];                                                        \
      }                                                                                                               \
    }                                                                                                                 \
  }
VJ_DEFINE_INPUTS(of_two, 4)
VJ_DEFINE_INPUTS(of_three, 5)
VJ_DEFINE_INPUTS(of_four, 6)

void vj_minimal_inputs(int64_t tile, const vj_minimal_map *map, const vj_real *const *in, vj_real *const *out,
                       int64_t count) {
  if (map)
    (tile == 2 ? mapped_of_two : tile == 3 ? mapped_of_three : mapped_of_four)(map, in, out, count);
  else
    (tile == 2 ? inputs_of_two : tile == 3 ? inputs_of_three : inputs_of_four)(in, out, count);
}

/* --- A' written out ---------------------------------------------------------------------------------------------- */

typedef struct outputs {
  const vj_real *const *in;
  vj_real *const *out;
  int64_t in_pitch, out_pitch;
  const vj_real *bias;
  int64_t rows, count;
} outputs;

/* Row `row` of in[k] and out[k]. */
#define VJ_IN(k) (o->in[k] + row * o->in_pitch)
#define VJ_OUT(k) (o->out[k] + row * o->out_pitch)

VJ_KERNEL(outputs_of_two, (const outputs *o), (o)) {
  for (int64_t row = 0; row < o->rows; row++) {
    const vj_real *m0 = VJ_IN(0), *m1 = VJ_IN(1), *m2 = VJ_IN(2), *m3 = VJ_IN(3), *bias = o->bias;
    vj_real *restrict y0 = VJ_OUT(0), *restrict y1 = VJ_OUT(1);
    VJ_INDEPENDENT
    for (int64_t i = 0; i < o->count; i++) {
      y0[i] = m0[i] + (m1[i] + m2[i]) + bias[i];
      y1[i] = m3[i] + (m1[i] - m2[i]) + bias[i];
    }
  }
}

VJ_KERNEL(outputs_of_three, (const outputs *o), (o)) {
  for (int64_t row = 0; row < o->rows; row++) {
    const vj_real *m0 = VJ_IN(0), *m1 = VJ_IN(1), *m2 = VJ_IN(2), *m3 = VJ_IN(3), *m4 = VJ_IN(4), *bias = o->bias;
    vj_real *restrict y0 = VJ_OUT(0), *restrict y1 = VJ_OUT(1), *restrict y2 = VJ_OUT(2);
    VJ_INDEPENDENT
    for (int64_t i = 0; i < o->count; i++) {
      const vj_real sum = m1[i] + m2[i], difference = m1[i] - m2[i], c = m3[i];
      y0[i] = m0[i] + sum + c + bias[i];
      y1[i] = vj_fma((vj_real)2, c, difference) + bias[i];
      y2[i] = vj_fma((vj_real)4, c, sum) + m4[i] + bias[i];
    }
  }
}

VJ_KERNEL(outputs_of_four, (const outputs *o), (o)) {
  for (int64_t row = 0; row < o->rows; row++) {
    const vj_real *m0 = VJ_IN(0), *m1 = VJ_IN(1), *m2 = VJ_IN(2), *m3 = VJ_IN(3), *m4 = VJ_IN(4), *m5 = VJ_IN(5);
    const vj_real *bias = o->bias;
    vj_real *restrict y0 = VJ_OUT(0), *restrict y1 = VJ_OUT(1), *restrict y2 = VJ_OUT(2), *restrict y3 = VJ_OUT(3);
    VJ_INDEPENDENT
    for (int64_t i = 0; i < o->count; i++) {
      const vj_real near = m1[i] + m2[i], turn = m1[i] - m2[i], far = m3[i] + m4[i], twist = m3[i] - m4[i];
      y0[i] = m0[i] + near + far + bias[i];
      y1[i] = vj_fma((vj_real)2, twist, turn) + bias[i];
      y2[i] = vj_fma((vj_real)4, far, near) + bias[i];
      y3[i] = vj_fma((vj_real)8, twist, turn) + m5[i] + bias[i];
    }
  }
}

void vj_minimal_outputs(int64_t tile, const vj_real *const *in, int64_t in_pitch, vj_real *const *out,
                        int64_t out_pitch, const vj_real *bias, int64_t rows, int64_t count) {
  const outputs o = {in, out, in_pitch, out_pitch, bias, rows, count};
  (tile == 2 ? outputs_of_two : tile == 3 ? outputs_of_three : outputs_of_four)(&o);
}

/* --- A written out ----------------------------------------------------------------------------------------------- */

static VJ_INLINE void slopes_of_two(const vj_real *y, vj_real *m) {
  m[0] = y[0];
  m[1] = y[0] + y[1];
  m[2] = y[0] - y[1];
  m[3] = y[1];
}

static VJ_INLINE void slopes_of_three(const vj_real *y, vj_real *m) {
  const vj_real even = y[0] + y[2];
  m[0] = y[0];
  m[1] = even + y[1];
  m[2] = even - y[1];
  m[3] = vj_fma((vj_real)4, y[2], vj_fma((vj_real)2, y[1], y[0]));
  m[4] = y[2];
}

static VJ_INLINE void slopes_of_four(const vj_real *y, vj_real *m) {
  const vj_real even = y[0] + y[2], odd = y[1] + y[3];
  const vj_real far_even = vj_fma((vj_real)4, y[2], y[0]), far_odd = vj_fma((vj_real)4, y[3], y[1]);
  m[0] = y[0];
  m[1] = even + odd;
  m[2] = even - odd;
  m[3] = vj_fma((vj_real)2, far_odd, far_even);
  m[4] = vj_fma((vj_real)-2, far_odd, far_even);
  m[5] = y[3];
}

#define VJ_DEFINE_SLOPES(name, tile)                                                                              \
  VJ_KERNEL(gradients_##name, (const vj_real *const *in, vj_real *const *out, int64_t count), (in, out, count)) { \
    const vj_real *from[tile];                                                                                    \
    vj_real *to[(tile) + 2];                                                                                      \
    for (int k = 0; k < (tile); k++) from[k] = in[k];                                                             \
    for (int k = 0; k < (tile) + 2; k++) to[k] = out[k];                                                          \
    VJ_INDEPENDENT for (int64_t i = 0; i < count; i++) {                                                          \
      vj_real y[tile], m[(tile) + 2];                                                                             \
      for (int k = 0; k < (tile); k++) y[k] = from[k][i];                                                         \
      slopes_##name(y, m);                                                                                        \
      for (int k = 0; k < (tile) + 2; k++) to[k][i] = m[k];                                                       \
    }                                                                                                             \
  }
VJ_DEFINE_SLOPES(of_two, 2)
VJ_DEFINE_SLOPES(of_three, 3)
VJ_DEFINE_SLOPES(of_four, 4)

void vj_minimal_gradients(int64_t tile, const vj_real *const *in, vj_real *const *out, int64_t count) {
  (tile == 2 ? gradients_of_two : tile == 3 ? gradients_of_three : gradients_of_four)(in, out, count);
}

/* --- one sum ----------------------------------------------------------------------------------------------------- */

#define VJ_DEFINE_SUM(terms)                                                                                      \
  VJ_KERNEL(sum_##terms, (const vj_real *const *in, const vj_real *factor, vj_real *restrict out, int64_t count), \
            (in, factor, out, count)) {                                                                           \
    for (int64_t i = 0; i < count; i++) {                                                                         \
      vj_real sum = factor[0] * in[0][i];                                                                         \
      for (int k = 1; k < (terms); k++) sum = vj_fma(factor[k], in[k][i], sum);                                   \
      out[i] = sum;                                                                                               \
    }                                                                                                             \
  }
VJ_DEFINE_SUM(1)
VJ_DEFINE_SUM(2)
VJ_DEFINE_SUM(3)
VJ_DEFINE_SUM(4)
VJ_DEFINE_SUM(5)
VJ_DEFINE_SUM(6)
VJ_DEFINE_SUM(7)
VJ_DEFINE_SUM(8)
VJ_DEFINE_SUM(9)

void vj_minimal_sum(const vj_real *factor, int64_t stride, int64_t terms, const vj_real *const *in, vj_real *out,
                    int64_t count) {
  static void (*const sums[])(const vj_real *const *, const vj_real *, vj_real *, int64_t) = {
      sum_1, sum_2, sum_3, sum_4, sum_5, sum_6, sum_7, sum_8, sum_9};
  const vj_real *from[VJ_MOST_TAPS];
  vj_real factors[VJ_MOST_TAPS];
  int used = 0;
  for (int64_t k = 0; k < terms; k++) {
    if (!in[k] || factor[k * stride] == 0) continue;
    from[used] = in[k];
    factors[used++] = factor[k * stride];
  }
  if (used)
    sums[used - 1](from, factors, out, count);
  else
    memset(out, 0, (size_t)count * sizeof *out);
}
