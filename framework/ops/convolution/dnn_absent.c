/* In place of oneDNN 2 where the build has none: in float no kernel, so that ours take its place; in bf16 a plain one,
 * of the same meaning. Patches of a tile of output pixels are widened to float and multiplied by the widened weights.
 */
#include "framework/ops/convolution/dnn.h"

#include <stdint.h>
#include <string.h>

#include "framework/ops/product/bf16.h"
#include "framework/ops/product/gemm.h"
#include "vj/status.h"

#ifndef VJ_ONEDNN
#include <pthread.h>
#include <stdlib.h>

enum { TILE_NUMBERS = 96 * 1024 };

struct vj_dnn {
  struct vj_dnn *next;
  vj_dnn_pass pass;
  vj_convolution c;
  int64_t pixels, tile;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static vj_dnn *all;

bool vj_dnn_available(void) { return false; }

const char *vj_dnn_version(char text[128]) {
  (void)text;
  return "none: this build has no oneDNN 2; slower kernels take its place";
}

static bool same(const vj_dnn *d, vj_dnn_pass pass, const vj_convolution *c) {
  const vj_convolution *e = &d->c;
  return d->pass == pass && e->images == c->images && e->height == c->height && e->width == c->width &&
         e->channels == c->channels && e->out_height == c->out_height && e->out_width == c->out_width &&
         e->out == c->out && memcmp(e->kernel, c->kernel, sizeof c->kernel) == 0 &&
         memcmp(e->stride, c->stride, sizeof c->stride) == 0 &&
         memcmp(e->padding, c->padding, sizeof c->padding) == 0 &&
         memcmp(e->dilation, c->dilation, sizeof c->dilation) == 0;
}

vj_status vj_dnn_find(vj_dnn_pass pass, const vj_convolution *c, bool bf16, bool biased, const vj_dnn **dnn) {
  (void)biased;
  *dnn = NULL;
  if (!bf16 || sizeof(vj_real) != sizeof(float) || c->groups != 1) return VJ_OK;
  vj_gemm_setup();
  pthread_mutex_lock(&lock);
  vj_dnn *d = all;
  while (d && !same(d, pass, c)) d = d->next;
  if (!d && (d = malloc(sizeof *d))) {
    const int64_t pixels = c->images * c->out_height * c->out_width, fit = TILE_NUMBERS / c->patch;
    *d = (vj_dnn){all, pass, *c, pixels, fit < 1 ? 1 : fit < pixels ? fit : pixels};
    all = d;
  }
  pthread_mutex_unlock(&lock);
  *dnn = d;
  return d ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for a kernel of bf16");
}

static vj_real widened(uint16_t x) {
  const uint32_t bits = (uint32_t)x << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return (vj_real)value;
}

size_t vj_dnn_packed_bytes(const vj_dnn *dnn) { return (size_t)(dnn->c.out * dnn->c.patch) * sizeof(vj_real); }

void vj_dnn_pack(const vj_dnn *dnn, const vj_real *weight, void *packed) {
  vj_real *to = packed;
  for (int64_t i = 0; i < dnn->c.out * dnn->c.patch; i++) to[i] = widened(vj_round_bf16(weight[i]));
}

/* Patches of a tile, and its dy. */
size_t vj_dnn_scratch_bytes(const vj_dnn *dnn) {
  return (size_t)(dnn->tile * (dnn->c.patch + dnn->c.out)) * sizeof(vj_real);
}

/* Where x holds what the kernel's place (ky, kx) sees from an output pixel; -1 outside the image. */
static int64_t seen_at(const vj_convolution *c, int64_t pixel, int64_t ky, int64_t kx) {
  const int64_t ox = pixel % c->out_width, oy = pixel / c->out_width % c->out_height;
  const int64_t image = pixel / c->out_width / c->out_height;
  const int64_t y = oy * c->stride[0] - c->padding[0] + ky * c->dilation[0];
  const int64_t x = ox * c->stride[1] - c->padding[1] + kx * c->dilation[1];
  if (y < 0 || y >= c->height || x < 0 || x >= c->width) return -1;
  return ((image * c->height + y) * c->width + x) * c->channels;
}

static void gather(const vj_dnn *dnn, int64_t first, int64_t count, const uint16_t *x, vj_real *patch) {
  const vj_convolution *c = &dnn->c;
  for (int64_t pixel = first; pixel < first + count; pixel++)
    for (int64_t k = 0; k < c->kernel[0] * c->kernel[1]; k++, patch += c->channels) {
      const int64_t at = seen_at(c, pixel, k / c->kernel[1], k % c->kernel[1]);
      for (int64_t i = 0; i < c->channels; i++) patch[i] = at < 0 ? 0 : widened(x[at + i]);
    }
}

static void scatter(const vj_dnn *dnn, int64_t first, int64_t count, const vj_real *patch, vj_real *dx) {
  const vj_convolution *c = &dnn->c;
  for (int64_t pixel = first; pixel < first + count; pixel++)
    for (int64_t k = 0; k < c->kernel[0] * c->kernel[1]; k++, patch += c->channels) {
      const int64_t at = seen_at(c, pixel, k / c->kernel[1], k % c->kernel[1]);
      for (int64_t i = 0; i < c->channels && at >= 0; i++) dx[at + i] += patch[i];
    }
}

/* dy of a tile, as floats behind the patches. */
static const vj_real *widen(const vj_dnn *dnn, int64_t first, int64_t count, const uint16_t *dy, vj_real *patch) {
  vj_real *to = patch + dnn->tile * dnn->c.patch;
  for (int64_t i = 0; i < count * dnn->c.out; i++) to[i] = widened(dy[first * dnn->c.out + i]);
  return to;
}

void vj_dnn_run(const vj_dnn *dnn, const void *a, const void *b, const vj_real *bias, vj_real *out, void *scratch) {
  const vj_convolution *c = &dnn->c;
  vj_real *patch = scratch;
  if (dnn->pass == VJ_DNN_INPUT_GRADIENT)
    memset(out, 0, (size_t)(c->images * c->height * c->width * c->channels) * sizeof *out);
  for (int64_t first = 0; first < dnn->pixels; first += dnn->tile) {
    const int64_t count = dnn->pixels - first < dnn->tile ? dnn->pixels - first : dnn->tile;
    if (dnn->pass == VJ_DNN_FORWARD) {
      vj_real *y = out + first * c->out;
      gather(dnn, first, count, a, patch);
      for (int64_t i = 0; bias && i < count; i++) memcpy(y + i * c->out, bias, (size_t)c->out * sizeof *y);
      vj_gemm(false, true, count, c->out, c->patch, patch, c->patch, b, c->patch, bias ? 1 : 0, y, c->out);
    } else if (dnn->pass == VJ_DNN_INPUT_GRADIENT) {
      const vj_real *dy = widen(dnn, first, count, a, patch);
      vj_gemm(false, false, count, c->patch, c->out, dy, c->out, b, c->patch, 0, patch, c->patch);
      scatter(dnn, first, count, patch, out);
    } else {
      const vj_real *dy = widen(dnn, first, count, b, patch);
      gather(dnn, first, count, a, patch);
      vj_gemm(true, false, c->out, c->patch, count, dy, c->out, patch, c->patch, first ? 1 : 0, out, c->patch);
    }
  }
}

#endif
