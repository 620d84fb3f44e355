/* One axis of a convolution: which input positions an output position reads, through which taps.
 *
 * Outputs are taken together in runs that see the same taps, so that a run's products differ by where they begin alone:
 * output first + n step reads, through tap tap_first + t tap_step, the input position
 * in_first + n in_step + t tap_in_step. */
#ifndef VJ_FRAMEWORK_OPS_CONVOLUTION_AXIS_H
#define VJ_FRAMEWORK_OPS_CONVOLUTION_AXIS_H

#include <stdint.h>

typedef struct vj_axis {
  int64_t in, out, kernel, stride, padding, dilation;
} vj_axis;

typedef struct vj_axis_run {
  int64_t first, step, count;
  int64_t in_first, in_step;
  int64_t tap_first, tap_step, taps, tap_in_step;
} vj_axis_run;

/* Of y; `runs` has room for axis->out of them. Returns how many there are. */
int vj_axis_runs(const vj_axis *axis, vj_axis_run *runs);
/* Of dx, which reads dy; room for axis->in of them. A run without taps is zero. */
int vj_axis_transposed_runs(const vj_axis *axis, vj_axis_run *runs);

/* Outputs begin..end-1 that read an input through one tap. */
void vj_axis_tap(const vj_axis *axis, int64_t tap, int64_t *begin, int64_t *end);

#endif
