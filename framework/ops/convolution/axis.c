#include "framework/ops/convolution/axis.h"

/* Appends position `at` to the run before it, or begins another. Returns the number of runs. */
static int append(vj_axis_run *runs, int count, const vj_axis_run *one) {
  vj_axis_run *last = count ? &runs[count - 1] : 0;
  if (last && last->step == one->step && one->first == last->first + last->count * last->step &&
      last->tap_first == one->tap_first && last->taps == one->taps) {
    last->count++;
    return count;
  }
  runs[count] = *one;
  return count + 1;
}

int vj_axis_runs(const vj_axis *a, vj_axis_run *runs) {
  int count = 0;
  for (int64_t o = 0; o < a->out; o++) {
    vj_axis_run one = {
        .first = o, .step = 1, .count = 1, .in_step = a->stride, .tap_step = 1, .tap_in_step = a->dilation};
    for (int64_t t = 0; t < a->kernel; t++) {
      const int64_t at = o * a->stride - a->padding + t * a->dilation;
      if (at < 0 || at >= a->in) continue;
      if (one.taps++ == 0) {
        one.tap_first = t;
        one.in_first = at;
      }
    }
    count = append(runs, count, &one);
  }
  return count;
}

static int64_t common_divisor(int64_t a, int64_t b) { return b ? common_divisor(b, a % b) : a; }

int vj_axis_transposed_runs(const vj_axis *a, vj_axis_run *runs) {
  const int64_t tap_step = a->stride / common_divisor(a->stride, a->dilation);
  int count = 0;
  for (int64_t residue = 0; residue < a->stride && residue < a->in; residue++)
    for (int64_t i = residue; i < a->in; i += a->stride) {
      vj_axis_run one = {.first = i,
                         .step = a->stride,
                         .count = 1,
                         .in_step = 1,
                         .tap_step = tap_step,
                         .tap_in_step = -tap_step * a->dilation / a->stride};
      for (int64_t t = 0; t < a->kernel; t++) {
        const int64_t at = i + a->padding - t * a->dilation;
        if (at < 0 || at % a->stride != 0 || at / a->stride >= a->out) continue;
        if (one.taps++ == 0) {
          one.tap_first = t;
          one.in_first = at / a->stride;
        }
      }
      count = append(runs, count, &one);
    }
  return count;
}

void vj_axis_tap(const vj_axis *a, int64_t tap, int64_t *begin, int64_t *end) {
  const int64_t shift = tap * a->dilation - a->padding; /* input = output stride + shift */
  *begin = shift < 0 ? (-shift + a->stride - 1) / a->stride : 0;
  *end = a->in - shift > 0 ? (a->in - shift - 1) / a->stride + 1 : 0;
  if (*end > a->out) *end = a->out;
  if (*begin > *end) *begin = *end;
}
