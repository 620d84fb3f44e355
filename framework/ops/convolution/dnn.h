/* Convolutions by oneDNN, in float or with both factors in bf16, whose products are summed in float.
 *
 * Which of oneDNN's kernels runs, and so the bits, depends on the shapes and the processor alone: it is created for one
 * thread and runs inside our own. Float build only; in the double build there are none, and neither are there where the
 * build found no oneDNN 2. */
#ifndef VJ_FRAMEWORK_OPS_CONVOLUTION_DNN_H
#define VJ_FRAMEWORK_OPS_CONVOLUTION_DNN_H

#include "framework/ops/convolution/conv2d.h"

typedef enum vj_dnn_pass { VJ_DNN_FORWARD, VJ_DNN_INPUT_GRADIENT, VJ_DNN_WEIGHT_GRADIENT } vj_dnn_pass;

/* Whether this program was built with it. */
bool vj_dnn_available(void);

/* "2.6.3 (AVX-512 with bf16)", or why there is none. `text` may hold it. */
const char *vj_dnn_version(char text[128]);

/* One kernel, for one pass and shape. Lives as long as the process, whoever asked for it first. */
typedef struct vj_dnn vj_dnn;

/* `dnn` is NULL where oneDNN has none for these shapes (its groups are not used). VJ_MEMORY where one cannot be made
 * now: taking another kernel then would give other bits. Not collective; any thread. */
vj_status vj_dnn_find(vj_dnn_pass pass, const vj_convolution *c, bool bf16, bool biased, const vj_dnn **dnn);

/* Weights in the order this kernel wants, rounded for bf16: bytes, and the copy from OHWI. */
size_t vj_dnn_packed_bytes(const vj_dnn *dnn);
void vj_dnn_pack(const vj_dnn *dnn, const vj_real *weight, void *packed);

/* FORWARD: y from x, packed weights, bias (NULL unless biased). INPUT_GRADIENT: dx from dy, packed weights, NULL.
 * WEIGHT_GRADIENT: dweight OHWI from x, dy, NULL. x and dy are bf16 where the kernel is. */
void vj_dnn_run(const vj_dnn *dnn, const void *first, const void *second, const vj_real *bias, vj_real *out,
                void *scratch);
size_t vj_dnn_scratch_bytes(const vj_dnn *dnn);

/* dweight by other means than oneDNN's: from dy and x as floats. */
typedef vj_var *(*vj_dnn_weight_gradient)(vj_graph *graph, vj_var *dy, vj_var *x, const vj_shape *weight,
                                          const vj_convolution *c);

/* The convolution as a node, for the builders of ops: y of `shape`, from x of any shape with c's numbers, in the
 * graph's precision. `flops` of one shard; `gradient` may be NULL. NULL without a failure where oneDNN does not do it,
 * with one where there is no memory. */
vj_var *vj_dnn_convolution(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias, const vj_convolution *c,
                           const vj_shape *shape, double flops, vj_dnn_weight_gradient gradient);

#endif
