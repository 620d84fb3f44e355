/* Kernels of oneDNN, made once for each shape. */
#include "framework/ops/convolution/dnn.h"

#ifdef VJ_ONEDNN
#include <dnnl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/ops/product/gemm.h"
#include "vj/memory.h"
#include "vj/status.h"

/* Shapes as oneDNN has them: N, C, H, W and O, I, H, W, whatever lies next to what in memory. */
struct vj_dnn {
  struct vj_dnn *next;
  vj_convolution c;
  vj_dnn_pass pass;
  bool bf16, biased, found;
  dnnl_primitive_t kernel, pack, unpack;
  dnnl_memory_desc_t x, y, bias, scratch; /* as the kernel takes them */
  dnnl_memory_desc_t weight, plain;       /* as the kernel takes them or gives their gradient, and as OHWI of float */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static vj_dnn *all;
static dnnl_engine_t engine;
static dnnl_stream_t stream;

static const char *instructions(void) {
  const unsigned bf16 = dnnl_cpu_isa_avx512_core_bf16, avx512 = dnnl_cpu_isa_avx512_core, avx2 = dnnl_cpu_isa_avx2;
  const unsigned all_of = (unsigned)dnnl_get_effective_cpu_isa();
  if ((all_of & bf16) == bf16) return "AVX-512 with bf16";
  if ((all_of & avx512) == avx512) return "AVX-512, bf16 by conversion";
  return (all_of & avx2) == avx2 ? "AVX2, slow with bf16" : "no vectors of 32 bytes, slow";
}

bool vj_dnn_available(void) { return true; }

const char *vj_dnn_version(char text[128]) {
  const dnnl_version_t *version = dnnl_version();
  snprintf(text, 128, "%d.%d.%d (%s)", version->major, version->minor, version->patch, instructions());
  return text;
}

static dnnl_status_t describe(vj_dnn *d, dnnl_memory_desc_t *any) {
  const vj_convolution *c = &d->c;
  const dnnl_data_type_t narrow = d->bf16 ? dnnl_bf16 : dnnl_f32;
  const bool dx = d->pass == VJ_DNN_INPUT_GRADIENT, dw = d->pass == VJ_DNN_WEIGHT_GRADIENT;
  const dnnl_dims_t x = {c->images, c->channels, c->height, c->width};
  const dnnl_dims_t y = {c->images, c->out, c->out_height, c->out_width};
  const dnnl_dims_t w = {c->out, c->channels, c->kernel[0], c->kernel[1]}, b = {c->out};
  dnnl_status_t status = dnnl_memory_desc_init_by_tag(&d->x, 4, x, dx ? dnnl_f32 : narrow, dnnl_nhwc);
  if (!status) status = dnnl_memory_desc_init_by_tag(&d->y, 4, y, dx || dw ? narrow : dnnl_f32, dnnl_nhwc);
  if (!status) status = dnnl_memory_desc_init_by_tag(&d->bias, 1, b, dnnl_f32, dnnl_a);
  if (!status) status = dnnl_memory_desc_init_by_tag(&d->plain, 4, w, dnnl_f32, dnnl_acdb);
  if (!status) status = dnnl_memory_desc_init_by_tag(any, 4, w, dw ? dnnl_f32 : narrow, dnnl_format_tag_any);
  return status;
}

/* Primitive descriptors of the pass; a gradient's takes that of a forward pass as a hint. */
static dnnl_status_t choose(vj_dnn *d, const dnnl_memory_desc_t *any, dnnl_primitive_attr_t attr,
                            dnnl_primitive_desc_t *chosen) {
  const vj_convolution *c = &d->c;
  const dnnl_dims_t stride = {c->stride[0], c->stride[1]}, gap = {c->dilation[0] - 1, c->dilation[1] - 1};
  const dnnl_dims_t before = {c->padding[0], c->padding[1]};
  dnnl_dims_t after; /* so that the last window ends where the image does */
  const int64_t size[2] = {c->height, c->width}, out[2] = {c->out_height, c->out_width};
  for (int i = 0; i < 2; i++)
    after[i] = (out[i] - 1) * c->stride[i] + (c->kernel[i] - 1) * c->dilation[i] + 1 - size[i] - c->padding[i];
  dnnl_convolution_desc_t forward, pass;
  dnnl_memory_desc_t x = d->x, y = d->y, w = *any;
  if (d->bf16) x.data_type = w.data_type = dnnl_bf16;
  y.data_type = dnnl_f32;
  dnnl_primitive_desc_t hint = NULL;
  dnnl_status_t status =
      dnnl_dilated_convolution_forward_desc_init(&forward, dnnl_forward_training, dnnl_convolution_direct, &x, &w,
                                                 d->biased ? &d->bias : NULL, &y, stride, gap, before, after);
  if (!status) status = dnnl_primitive_desc_create(&hint, &forward, attr, engine, NULL);
  if (status || d->pass == VJ_DNN_FORWARD) {
    *chosen = hint;
    return status;
  }
  if (d->pass == VJ_DNN_INPUT_GRADIENT)
    status = dnnl_dilated_convolution_backward_data_desc_init(&pass, dnnl_convolution_direct, &d->x, any, &d->y, stride,
                                                              gap, before, after);
  else
    status = dnnl_dilated_convolution_backward_weights_desc_init(&pass, dnnl_convolution_direct, &d->x, any, NULL,
                                                                 &d->y, stride, gap, before, after);
  if (!status) status = dnnl_primitive_desc_create(chosen, &pass, attr, engine, hint);
  dnnl_primitive_desc_destroy(hint);
  return status;
}

static dnnl_status_t reorder(const dnnl_memory_desc_t *from, const dnnl_memory_desc_t *to,
                             dnnl_primitive_t *primitive) {
  dnnl_primitive_desc_t desc = NULL;
  dnnl_status_t status = dnnl_reorder_primitive_desc_create(&desc, from, engine, to, engine, NULL);
  if (!status) status = dnnl_primitive_create(primitive, desc);
  dnnl_primitive_desc_destroy(desc);
  return status;
}

static dnnl_status_t start(void) {
  if (stream) return dnnl_success;
  const dnnl_status_t status = engine ? dnnl_success : dnnl_engine_create(&engine, dnnl_cpu, 0);
  return status ? status : dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
}

static dnnl_status_t create(vj_dnn *d) {
  dnnl_memory_desc_t any;
  dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t desc = NULL;
  dnnl_status_t status = start();
  if (!status) status = describe(d, &any);
  if (!status) status = dnnl_primitive_attr_create(&attr);
  if (!status) status = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
  if (!status) status = choose(d, &any, attr, &desc);
  if (!status) status = dnnl_primitive_create(&d->kernel, desc);
  if (!status) {
    const bool dw = d->pass == VJ_DNN_WEIGHT_GRADIENT;
    d->weight = *dnnl_primitive_desc_query_md(desc, dw ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
    d->scratch = *dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
    status = dw ? reorder(&d->weight, &d->plain, &d->unpack) : reorder(&d->plain, &d->weight, &d->pack);
  }
  dnnl_primitive_desc_destroy(desc);
  dnnl_primitive_attr_destroy(attr);
  return status;
}

static void destroy(vj_dnn *d) {
  if (!d) return;
  dnnl_primitive_destroy(d->kernel);
  dnnl_primitive_destroy(d->pack);
  dnnl_primitive_destroy(d->unpack);
  free(d);
}

static bool same(const vj_dnn *d, vj_dnn_pass pass, const vj_convolution *c, bool bf16, bool biased) {
  const vj_convolution *e = &d->c;
  return d->pass == pass && d->bf16 == bf16 && d->biased == biased && e->images == c->images &&
         e->height == c->height && e->width == c->width && e->channels == c->channels &&
         e->out_height == c->out_height && e->out_width == c->out_width && e->out == c->out &&
         memcmp(e->kernel, c->kernel, sizeof c->kernel) == 0 && memcmp(e->stride, c->stride, sizeof c->stride) == 0 &&
         memcmp(e->padding, c->padding, sizeof c->padding) == 0 &&
         memcmp(e->dilation, c->dilation, sizeof c->dilation) == 0;
}

vj_status vj_dnn_find(vj_dnn_pass pass, const vj_convolution *c, bool bf16, bool biased, const vj_dnn **dnn) {
  *dnn = NULL;
  if (sizeof(vj_real) != sizeof(float) || c->groups != 1) return VJ_OK;
  vj_gemm_setup(); /* one thread: what oneDNN's blocks are made for */
  dnnl_status_t status = dnnl_success;
  pthread_mutex_lock(&lock);
  vj_dnn *d = all;
  while (d && !same(d, pass, c, bf16, biased)) d = d->next;
  if (!d) {
    d = calloc(1, sizeof *d);
    if (d) *d = (vj_dnn){.next = all, .c = *c, .pass = pass, .bf16 = bf16, .biased = biased};
    status = d ? create(d) : dnnl_out_of_memory;
    if (d) d->found = status == dnnl_success;
    if (status == dnnl_unimplemented || status == dnnl_invalid_arguments) status = dnnl_success; /* there is none */
    if (status == dnnl_success) {
      all = d;
    } else {
      destroy(d);
      d = NULL;
    }
  }
  pthread_mutex_unlock(&lock);
  if (d && d->found) *dnn = d;
  return status ? vj_fail(VJ_MEMORY, "no memory for a kernel of oneDNN (its status: %d)", (int)status) : VJ_OK;
}

/* --- running -------------------------------------------------------------------------------------------------- */

static size_t aligned(size_t bytes) { return (bytes + VJ_ALIGNMENT - 1) / VJ_ALIGNMENT * VJ_ALIGNMENT; }

size_t vj_dnn_packed_bytes(const vj_dnn *dnn) { return dnnl_memory_desc_get_size(&dnn->weight); }

size_t vj_dnn_scratch_bytes(const vj_dnn *dnn) {
  const size_t gradient = dnn->pass == VJ_DNN_WEIGHT_GRADIENT ? aligned(vj_dnn_packed_bytes(dnn)) : 0;
  return gradient + aligned(dnnl_memory_desc_get_size(&dnn->scratch));
}

/* A description and an address; NULL where there is no memory for the object. */
static dnnl_memory_t at(const dnnl_memory_desc_t *desc, const void *address) {
  dnnl_memory_t memory = NULL;
  if (dnnl_memory_create(&memory, desc, engine, (void *)(uintptr_t)address) != dnnl_success) return NULL;
  return memory;
}

/* Kernels return no status. Where oneDNN fails, for want of memory, its numbers become NaN, in float and in bf16, and
 * the trial fails by its loss: better than by numbers that were there before. */
static void execute(dnnl_primitive_t primitive, dnnl_exec_arg_t *arguments, int count, const dnnl_memory_desc_t *desc,
                    void *out) {
  bool whole = true;
  for (int i = 0; i < count; i++) whole = whole && arguments[i].memory;
  if (!whole || dnnl_primitive_execute(primitive, stream, count, arguments) != dnnl_success)
    memset(out, 0xff, dnnl_memory_desc_get_size(desc));
  for (int i = 0; i < count; i++) dnnl_memory_destroy(arguments[i].memory);
}

void vj_dnn_pack(const vj_dnn *dnn, const vj_real *weight, void *packed) {
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, at(&dnn->plain, weight)}, {DNNL_ARG_TO, at(&dnn->weight, packed)}};
  execute(dnn->pack, arguments, 2, &dnn->weight, packed);
}

void vj_dnn_run(const vj_dnn *dnn, const void *first, const void *second, const vj_real *bias, vj_real *out,
                void *scratch) {
  const dnnl_memory_t room = at(
      &dnn->scratch, (char *)scratch + vj_dnn_scratch_bytes(dnn) - aligned(dnnl_memory_desc_get_size(&dnn->scratch)));
  if (dnn->pass == VJ_DNN_FORWARD) {
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, at(&dnn->x, first)},
                                   {DNNL_ARG_WEIGHTS, at(&dnn->weight, second)},
                                   {DNNL_ARG_DST, at(&dnn->y, out)},
                                   {DNNL_ARG_SCRATCHPAD, room},
                                   {DNNL_ARG_BIAS, bias ? at(&dnn->bias, bias) : NULL}};
    execute(dnn->kernel, arguments, bias ? 5 : 4, &dnn->y, out);
  } else if (dnn->pass == VJ_DNN_INPUT_GRADIENT) {
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_DIFF_DST, at(&dnn->y, first)},
                                   {DNNL_ARG_WEIGHTS, at(&dnn->weight, second)},
                                   {DNNL_ARG_DIFF_SRC, at(&dnn->x, out)},
                                   {DNNL_ARG_SCRATCHPAD, room}};
    execute(dnn->kernel, arguments, 4, &dnn->x, out);
  } else {
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, at(&dnn->x, first)},
                                   {DNNL_ARG_DIFF_DST, at(&dnn->y, second)},
                                   {DNNL_ARG_DIFF_WEIGHTS, at(&dnn->weight, scratch)},
                                   {DNNL_ARG_SCRATCHPAD, room}};
    execute(dnn->kernel, arguments, 4, &dnn->weight, scratch);
    dnnl_exec_arg_t back[] = {{DNNL_ARG_FROM, at(&dnn->weight, scratch)}, {DNNL_ARG_TO, at(&dnn->plain, out)}};
    execute(dnn->unpack, back, 2, &dnn->plain, out);
  }
}

#endif
