/* The ops: what graphs are made of. Each takes and returns variables of one graph; see vj/graph.h for errors.
 *
 * An op on shared variables alone gives a shared variable; with a batched one among them, a batched one. Where the
 * comment says otherwise (batched -> shared) it is one of the bridges between the two. Inputs are never changed. A
 * shape that does not fit is a failure of the graph, which names the op, the scope and the shapes; the result is NULL
 * then. "A constant" is a result through which no gradient flows; every other op has an exact gradient, checked by
 * finite differences in tests/ops.
 *
 * Linear maps, attention, normalisation, residual blocks, elementwise, shapes, pooling and reductions, covariance,
 * tests of distributions, latents, random numbers, in this order.
 */
#ifndef VJ_OPS_H
#define VJ_OPS_H

#include "vj/graph.h"

/* --- linear maps ------------------------------------------------------------------------------------------- */

/* y[..,o] = sum_i x[..,i] weight[o,i] + bias[o]; weight [O,I] ("OI"), bias [O] or NULL. x batched. */
vj_var *vj_linear(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias);

/* a [b,..,I] and b [b,..,J], batched with the same rows -> shared [I,J]: the sum over all rows of the global batch of
 * a_i b_j. */
vj_var *vj_cross_products(vj_graph *graph, vj_var *a, vj_var *b);

typedef struct vj_conv2d_args {
  int64_t stride[2], padding[2], dilation[2]; /* height, width; stride and dilation 0 mean 1 */
  int64_t groups;                             /* 0 means 1 */
} vj_conv2d_args;

/* Spatial convolution over the last three dimensions [H,W,C] of x, all before them being images.
 * weight [O,kh,kw,C/groups] ("OHWI"), bias [O] or NULL. x batched. Cross-correlation, zero padding. */
vj_var *vj_conv2d(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias, const vj_conv2d_args *args);

/* Temporal convolution, kernel kt x 1 x 1: x [b,T,..,C], weight [O,kt,C] ("OTI"), bias [O] or NULL -> [b,T',..,O]
 * with T' = T + 2 padding - kt + 1. */
vj_var *vj_conv_time(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias, int64_t padding);

/* Depthwise convolution, stride 1: channel c of y is channel c of x through its own kernel. weight [kh,kw,C] ("HWC"),
 * bias [C] or NULL; padding at most dilation (kernel - 1). x batched [b,..,H,W,C]. */
vj_var *vj_depthwise(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias, const vj_conv2d_args *args);

/* --- attention --------------------------------------------------------------------------------------------- */

typedef struct vj_attention_args {
  int64_t heads;             /* divide C */
  int64_t windows, size;     /* tokens see those of their window: windows x size = N */
  const int32_t *token;      /* [windows,size], each of 0..N-1 once; NULL: in order. All lists are copied. */
  const int32_t *bias_index; /* [size,size]: row of `bias` for a query and a key of a window; with a bias */
  const int32_t *region;     /* [N] or NULL: tokens see only those of their own region */
} vj_attention_args;

/* Multi-head attention (Vaswani et al. 2017) within windows: softmax(q k' / sqrt(C/heads) + bias) v. qkv batched
 * [b,..,3C], N tokens a sample, each with its query, key and value, heads one after the other in each; bias shared
 * [rows,heads] or NULL -> [b,..,C]. Windows and cyclic shifts are lists of tokens: nothing is moved for them. Weights
 * of attention are not kept, but computed again on the way back. */
vj_var *vj_attention(vj_graph *graph, vj_var *qkv, vj_var *bias, const vj_attention_args *args);

/* --- normalisation ----------------------------------------------------------------------------------------- */

typedef enum vj_activation { VJ_IDENTITY, VJ_RELU, VJ_GELU, VJ_SILU, VJ_SIGMOID } vj_activation;
#define VJ_ACTIVATION_CHOICES "none|relu|gelu|silu|sigmoid"

/* activation(x * scale[c] + shift[c]) over the last dimension; scale, shift shared [C]. */
vj_var *vj_channel_affine(vj_graph *graph, vj_var *x, vj_var *scale, vj_var *shift, vj_activation activation);

/* Mean and (biased) variance over all samples of the global batch and over the dimensions before the last
 * `kept`: x [b,..,kept..] -> mean, variance shared [kept..]. */
void vj_moments(vj_graph *graph, vj_var *x, int kept, vj_var **mean, vj_var **variance);

/* Batch normalisation over the last dimension with statistics of the global batch, then the activation
 * (Ioffe and Szegedy 2015). Makes parameters weight, bias and state running_mean, running_variance (momentum 0.1,
 * unbiased variance, as PyTorch) in the current scope; evaluation graphs use the running statistics. */
vj_var *vj_batch_norm(vj_graph *graph, vj_var *x, double epsilon, vj_activation activation);

/* Group normalisation (Wu and He 2018), then the activation: over the pixels of each image [H,W,C], the last three
 * dimensions of x, and groups of C / groups neighbouring channels. Layer normalisation (Ba et al. 2016): over the last
 * dimension. Both make parameters weight, bias in the current scope. x batched. */
vj_var *vj_group_norm(vj_graph *graph, vj_var *x, int64_t groups, double epsilon, vj_activation activation);
vj_var *vj_layer_norm(vj_graph *graph, vj_var *x, double epsilon, vj_activation activation);

/* --- residual blocks --------------------------------------------------------------------------------------- */

/* x + scale[c] y, where in training y is dropped of each sample with probability `drop` and else divided by 1 - drop
 * (stochastic depth, Huang et al. 2016). scale shared [C], or NULL for 1. */
vj_var *vj_residual(vj_graph *graph, vj_var *x, vj_var *y, vj_var *scale, double drop);
/* [..,2C] -> [..,C]: the first half times the sigmoid of the second. */
vj_var *vj_glu(vj_graph *graph, vj_var *x);
/* x [b,T,..] + y [b,..], the same for every step. */
vj_var *vj_add_to_steps(vj_graph *graph, vj_var *x, vj_var *y);

/* --- elementwise ------------------------------------------------------------------------------------------- */

/* Each number of x by itself; the result has x's shape. */
vj_var *vj_activate(vj_graph *graph, vj_var *x, vj_activation activation);
vj_var *vj_square(vj_graph *graph, vj_var *x);
vj_var *vj_sqrt(vj_graph *graph, vj_var *x);
/* 1 / sqrt(x) */
vj_var *vj_rsqrt(vj_graph *graph, vj_var *x);
vj_var *vj_abs(vj_graph *graph, vj_var *x);
vj_var *vj_exp(vj_graph *graph, vj_var *x);
vj_var *vj_log(vj_graph *graph, vj_var *x);
/* a x + b */
vj_var *vj_scale(vj_graph *graph, vj_var *x, double a, double b);
/* Same shape, or one of them a shared scalar (rank 0). */
vj_var *vj_add(vj_graph *graph, vj_var *a, vj_var *b);
vj_var *vj_sub(vj_graph *graph, vj_var *a, vj_var *b);
vj_var *vj_mul(vj_graph *graph, vj_var *a, vj_var *b);
vj_var *vj_div(vj_graph *graph, vj_var *a, vj_var *b);

/* --- shapes ------------------------------------------------------------------------------------------------ */

/* The same numbers under another shape; a batched variable keeps its first dimension. No copy. */
vj_var *vj_reshape(vj_graph *graph, vj_var *x, const vj_shape *shape);
/* Keeps the first `kept` dimensions and folds the rest into one. */
vj_var *vj_flatten(vj_graph *graph, vj_var *x, int kept);
/* Along a dimension that is not the batch; the other sizes agree. Any number of variables. */
vj_var *vj_concat(vj_graph *graph, vj_var *const *x, int count, int dimension);
/* `size` of the indices of a dimension that is not the batch, from `start` on. */
vj_var *vj_slice(vj_graph *graph, vj_var *x, int dimension, int64_t start, int64_t size);

/* Dimensions begin..middle-1 change places with middle..end-1: vj_permute(graph, x, 1, 2, 4) takes [b,T,H,W,C] to
 * [b,H,W,T,C]. */
vj_var *vj_permute(vj_graph *graph, vj_var *x, int begin, int middle, int end);
/* Shared: numbers that never change, row-major; copied. */
vj_var *vj_constant_tensor(vj_graph *graph, const vj_shape *shape, const vj_real *values);

/* Channels to a finer grid: x [..,H,W,f f C] -> [..,f H,f W,C], where channel (i f + j) C + c of a pixel becomes
 * channel c of its sub-pixel (i,j). PyTorch's PixelShuffle orders its channels (c,i,j): permute a weight's rows to
 * compare. */
vj_var *vj_pixel_shuffle(vj_graph *graph, vj_var *x, int64_t factor);
/* The same numbers, through which no gradient flows. No copy. */
vj_var *vj_stop_gradient(vj_graph *graph, vj_var *x);

/* --- pooling and reductions -------------------------------------------------------------------------------- */

/* Averages [..,H,W,C] over equal cells to [..,rows,columns,C]; H % rows == 0 and W % columns == 0. */
vj_var *vj_average_pool(vj_graph *graph, vj_var *x, int64_t rows, int64_t columns);
/* Sum over the last dimension: [..,n] -> [..]. */
vj_var *vj_sum_features(vj_graph *graph, vj_var *x);
/* log sum_i exp x_i over the last dimension: [..,n] -> [..]. Its gradient is the softmax; nothing overflows. */
vj_var *vj_log_sum_exp_features(vj_graph *graph, vj_var *x);
/* Batched [b,..] -> shared [..]: the sum, or mean, over all samples of the global batch. */
vj_var *vj_sum_batch(vj_graph *graph, vj_var *x);
vj_var *vj_mean_batch(vj_graph *graph, vj_var *x);
/* The mean of every number, for a batched variable over the global batch: a shared scalar. */
vj_var *vj_mean_all(vj_graph *graph, vj_var *x);
/* Shared [..] -> batched [b,..]: one copy a sample. */
vj_var *vj_broadcast(vj_graph *graph, vj_var *x);
/* Shared [..] -> shared [rows,..]: one copy a row. */
vj_var *vj_repeat_rows(vj_graph *graph, vj_var *x, int64_t rows);
/* Batched [b,..] -> shared [B,..]: all samples of the global batch, in order. */
vj_var *vj_gather_batch(vj_graph *graph, vj_var *x);

/* --- covariance -------------------------------------------------------------------------------------------- */

/* For shared x [N,G,d] (N rows, G groups such as time steps): [G], the sum over i != j of Cov(x[:,g,:])_ij^2 with
 * denominator N-1. Never forms a d x d matrix when N < d: with X centred and K = X X',
 * sum_{i!=j} C_ij^2 = |K|_F^2/m^2 - sum_i var_i^2. */
vj_var *vj_offdiagonal_covariance(vj_graph *graph, vj_var *x);

/* --- tests of distributions -------------------------------------------------------------------------------- */

/* Batched [b,..] -> shared [..]: how far each column's N numbers, over the global batch, are from N(0,1), by the
 * statistic of Epps and Pulley 1983 (Biometrika 70), N integral phi(t) |mean exp(i t x) - phi(t)|^2 dt with
 * phi(t) = exp(-t^2/2), by the trapezoidal rule on `knots` points (2 at least) from -t_max to t_max. */
vj_var *vj_epps_pulley(vj_graph *graph, vj_var *x, int64_t knots, double t_max);
/* Batched [b,..] -> shared [..]: of each column's N numbers over the global batch, in order, the mean squared distance
 * to the quantiles Phi^-1(n / (N + 1)) of N(0,1), n = 1..N: the square of a 2-Wasserstein distance. */
vj_var *vj_normal_distance(vj_graph *graph, vj_var *x);

/* --- latents ----------------------------------------------------------------------------------------------- */

/* Batched [b,K] -> [b,K]: 1 at each sample's smallest number (the first of equals), 0 elsewhere. A constant. */
vj_var *vj_one_hot_smallest(vj_graph *graph, vj_var *x);
/* sum_k weight[b,k] x[b,k,..]: [b,K,..], [b,K] -> [b,..]. With a one-hot weight only the chosen head learns. */
vj_var *vj_mix_heads(vj_graph *graph, vj_var *x, vj_var *weight);

typedef struct vj_sparse_code_args {
  int64_t steps;    /* at most */
  double tolerance; /* a sample is done when |z - z_old| <= tolerance |z_old| */
  bool positive;    /* z >= 0 */
  bool accelerated; /* FISTA; else ISTA */
} vj_sparse_code_args;

/* For every sample z* = argmin_z |base + W z - target|^2 / D + lambda |z|_1: base and target [b,D], weight [D,n],
 * lambda a shared scalar -> z [b,n], a constant; *statistics [b,3]: energy without penalty at z = 0 and at z*,
 * iterations. */
vj_var *vj_sparse_code(vj_graph *graph, vj_var *base, vj_var *weight, vj_var *target, vj_var *lambda,
                       const vj_sparse_code_args *args, vj_var **statistics);

/* An energy as a function of codes: z batched [b,n] -> [b]. Built in a frozen section (see vj_freeze). */
typedef vj_var *(*vj_code_energy)(vj_graph *graph, const void *context, vj_var *z);

/* z* = argmin_z energy(z) + lambda |z|_1 for any smooth energy, by back-propagation through it: proximal gradient steps
 * from z = 0, a fixed number of them in the graph, each with two evaluations of the energy and one gradient. A sample
 * starts with the step size 1/L, L being the curvature along its first gradient; a step whose energy exceeds its
 * quadratic upper bound is not taken, and the sample's step size halves (Beck and Teboulle 2009, section 4). One that
 * would raise energy plus penalty is not taken either, and momentum starts anew (O'Donoghue and Candes 2015): energy
 * plus penalty never rises. With `joint` the energy may couple samples: the sum over the batch is one problem with one
 * step size. Gives z [b,n], a constant, and the *iterations [b] a sample moved in. */
vj_var *vj_proximal_code(vj_graph *graph, int64_t size, vj_code_energy energy, const void *context, vj_var *lambda,
                         const vj_sparse_code_args *args, bool joint, vj_var **iterations);

/* --- random numbers: functions of seed, node and training step, the same for any number of ranks ---------------- */

/* Standard normal numbers of a batched shape, new at every training step. An evaluation graph always draws the same. */
vj_var *vj_noise(vj_graph *graph, const vj_shape *shape);
/* Shared [count,width]: unit vectors, uniform on the sphere, new at every training step; in an evaluation graph always
 * the same. A constant. */
vj_var *vj_directions(vj_graph *graph, int64_t count, int64_t width);

#endif
