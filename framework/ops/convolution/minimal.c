#include "framework/ops/convolution/minimal.h"

#include <string.h>

#include "framework/base/kernel.h"

#ifdef VJ_DOUBLE
#define VJ_FMA __builtin_fma
#else
#define VJ_FMA __builtin_fmaf
#endif

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

VJ_KERNEL(inputs_of_two, (const vj_real *const *in, vj_real *const *out, int64_t count), (in, out, count)) {
  const vj_real *d0 = in[0], *d1 = in[1], *d2 = in[2], *d3 = in[3];
  vj_real *restrict v0 = out[0], *restrict v1 = out[1], *restrict v2 = out[2], *restrict v3 = out[3];
#pragma omp simd
  for (int64_t i = 0; i < count; i++) {
    const vj_real a = d0[i], b = d1[i], c = d2[i], d = d3[i];
    v0[i] = a - c;
    v1[i] = b + c;
    v2[i] = c - b;
    v3[i] = d - b;
  }
}

VJ_KERNEL(inputs_of_three, (const vj_real *const *in, vj_real *const *out, int64_t count), (in, out, count)) {
  const vj_real *d0 = in[0], *d1 = in[1], *d2 = in[2], *d3 = in[3], *d4 = in[4];
  vj_real *restrict v0 = out[0], *restrict v1 = out[1], *restrict v2 = out[2], *restrict v3 = out[3],
                    *restrict v4 = out[4];
#pragma omp simd
  for (int64_t i = 0; i < count; i++) {
    const vj_real a = d0[i], b = d1[i], c = d2[i], d = d3[i], e = d4[i], db = d - b, dc = d - c;
    v0[i] = VJ_FMA((vj_real)2, a - c, db);
    v1[i] = VJ_FMA((vj_real)-2, b, dc);
    v2[i] = VJ_FMA((vj_real)2, b - c, dc);
    v3[i] = db;
    v4[i] = VJ_FMA((vj_real)-2, db, e - c);
  }
}

VJ_KERNEL(inputs_of_four, (const vj_real *const *in, vj_real *const *out, int64_t count), (in, out, count)) {
  const vj_real *d0 = in[0], *d1 = in[1], *d2 = in[2], *d3 = in[3], *d4 = in[4], *d5 = in[5];
  vj_real *restrict v0 = out[0], *restrict v1 = out[1], *restrict v2 = out[2], *restrict v3 = out[3],
                    *restrict v4 = out[4], *restrict v5 = out[5];
#pragma omp simd
  for (int64_t i = 0; i < count; i++) {
    const vj_real a = d0[i], b = d1[i], c = d2[i], d = d3[i], e = d4[i], f = d5[i];
    const vj_real even = VJ_FMA((vj_real)-4, c, e), odd = VJ_FMA((vj_real)-4, b, d), db = d - b, ec = e - c;
    v0[i] = VJ_FMA((vj_real)4, a, VJ_FMA((vj_real)-5, c, e));
    v1[i] = even + odd;
    v2[i] = even - odd;
    v3[i] = VJ_FMA((vj_real)2, db, ec);
    v4[i] = VJ_FMA((vj_real)-2, db, ec);
    v5[i] = VJ_FMA((vj_real)4, b, VJ_FMA((vj_real)-5, d, f));
  }
}

void vj_minimal_inputs(int64_t tile, const vj_real *const *in, vj_real *const *out, int64_t count) {
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
#pragma omp simd
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
#pragma omp simd
    for (int64_t i = 0; i < o->count; i++) {
      const vj_real sum = m1[i] + m2[i], difference = m1[i] - m2[i], c = m3[i];
      y0[i] = m0[i] + sum + c + bias[i];
      y1[i] = VJ_FMA((vj_real)2, c, difference) + bias[i];
      y2[i] = VJ_FMA((vj_real)4, c, sum) + m4[i] + bias[i];
    }
  }
}

VJ_KERNEL(outputs_of_four, (const outputs *o), (o)) {
  for (int64_t row = 0; row < o->rows; row++) {
    const vj_real *m0 = VJ_IN(0), *m1 = VJ_IN(1), *m2 = VJ_IN(2), *m3 = VJ_IN(3), *m4 = VJ_IN(4), *m5 = VJ_IN(5);
    const vj_real *bias = o->bias;
    vj_real *restrict y0 = VJ_OUT(0), *restrict y1 = VJ_OUT(1), *restrict y2 = VJ_OUT(2), *restrict y3 = VJ_OUT(3);
#pragma omp simd
    for (int64_t i = 0; i < o->count; i++) {
      const vj_real near = m1[i] + m2[i], turn = m1[i] - m2[i], far = m3[i] + m4[i], twist = m3[i] - m4[i];
      y0[i] = m0[i] + near + far + bias[i];
      y1[i] = VJ_FMA((vj_real)2, twist, turn) + bias[i];
      y2[i] = VJ_FMA((vj_real)4, far, near) + bias[i];
      y3[i] = VJ_FMA((vj_real)8, twist, turn) + m5[i] + bias[i];
    }
  }
}

void vj_minimal_outputs(int64_t tile, const vj_real *const *in, int64_t in_pitch, vj_real *const *out,
                        int64_t out_pitch, const vj_real *bias, int64_t rows, int64_t count) {
  const outputs o = {in, out, in_pitch, out_pitch, bias, rows, count};
  (tile == 2 ? outputs_of_two : tile == 3 ? outputs_of_three : outputs_of_four)(&o);
}

/* --- one sum ----------------------------------------------------------------------------------------------------- */

#define VJ_DEFINE_SUM(terms)                                                                                      \
  VJ_KERNEL(sum_##terms, (const vj_real *const *in, const vj_real *factor, vj_real *restrict out, int64_t count), \
            (in, factor, out, count)) {                                                                           \
    for (int64_t i = 0; i < count; i++) {                                                                         \
      vj_real sum = factor[0] * in[0][i];                                                                         \
      for (int k = 1; k < (terms); k++) sum = VJ_FMA(factor[k], in[k][i], sum);                                   \
      out[i] = sum;                                                                                               \
    }                                                                                                             \
  }
VJ_DEFINE_SUM(1)
VJ_DEFINE_SUM(2)
VJ_DEFINE_SUM(3)
VJ_DEFINE_SUM(4)
VJ_DEFINE_SUM(5)
VJ_DEFINE_SUM(6)

void vj_minimal_sum(const vj_real *factor, int64_t stride, int64_t terms, const vj_real *const *in, vj_real *out,
                    int64_t count) {
  static void (*const sums[])(const vj_real *const *, const vj_real *, vj_real *, int64_t) = {sum_1, sum_2, sum_3,
                                                                                              sum_4, sum_5, sum_6};
  const vj_real *from[VJ_MOST_POINTS];
  vj_real factors[VJ_MOST_POINTS];
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
