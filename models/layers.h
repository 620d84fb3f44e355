/* Layers that several networks are made of, with their parameters. Each stands in a scope of its own: "name.weight",
 * "name.bias". Models see vj/... and this; begin with encoders/cnn.c. */
#ifndef VJ_MODELS_LAYERS_H
#define VJ_MODELS_LAYERS_H

#include "vj/component.h"
#include "vj/ops.h"

/* How weights begin; biases begin at zero unless UNIFORM. */
typedef enum vj_layer_init {
  VJ_LAYER_UNIFORM,   /* weight and bias on +-1/sqrt(fan in), as PyTorch's layers */
  VJ_LAYER_TRUNCATED, /* weight with deviation 0.02, as networks of attention and SimVP */
  VJ_LAYER_FAN_OUT    /* weight with deviation sqrt(2 / fan out) (He et al. 2015) */
} vj_layer_init;

/* The size of the last dimension; 1 for NULL. */
int64_t vj_last_size(vj_var *x);

/* Weights are made before biases in all of them: the order of parameters is that of the sum in the norm of gradients.
 */

/* [..,I] -> [..,out]: a linear map of the last dimension, which is also a 1 x 1 convolution. */
vj_var *vj_linear_layer(vj_graph *graph, vj_var *x, const char *name, int64_t out, vj_layer_init init);
/* [..,H,W,C] -> [..,H',W',out]: kernel x kernel, zeros around; a norm after it makes a bias idle. */
vj_var *vj_conv_layer_unbiased(vj_graph *graph, vj_var *x, const char *name, int64_t out, int64_t kernel,
                               int64_t stride, vj_layer_init init);
/* The same with bias. */
vj_var *vj_conv_layer(vj_graph *graph, vj_var *x, const char *name, int64_t out, int64_t kernel, int64_t stride,
                      vj_layer_init init);
/* Every channel by itself, size kept; begins as FAN_OUT. */
vj_var *vj_depthwise_layer(vj_graph *graph, vj_var *x, const char *name, int64_t kernel, int64_t dilation);
/* Norms over the last dimension. */
vj_var *vj_batch_norm_layer(vj_graph *graph, vj_var *x, const char *name, vj_activation activation);
vj_var *vj_layer_norm_layer(vj_graph *graph, vj_var *x, const char *name, double epsilon);

/* 3 x 3 convolution (to four times the channels and a pixel shuffle where `up`), group norm of two groups, SiLU: the
 * layer that SimVP's encoder and decoder are made of. */
vj_var *vj_simvp_layer(vj_graph *graph, vj_var *x, const char *name, int64_t out, int64_t stride, bool up);

/* The pre-norm block of transformers but its attention: x + drop(linear(GELU(linear(norm(x))))). */
vj_var *vj_mlp_residual(vj_graph *graph, vj_var *x, int64_t hidden, double norm_epsilon, double drop);

/* "latent.weight" [numbers,size]: by it a latent of `size` enters linearly; see vj_predictor_ops.build_linear. */
vj_var *vj_latent_weight(vj_graph *graph, int64_t numbers, int64_t size);

#endif
