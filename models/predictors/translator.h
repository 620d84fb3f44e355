/* SimVP's translator, whatever its blocks are: the steps of a map side by side as channels, [b,H,W,T C], then blocks
 * over the map, then a 1 x 1 convolution to the channels of all target steps. */
#ifndef VJ_MODELS_PREDICTORS_TRANSLATOR_H
#define VJ_MODELS_PREDICTORS_TRANSLATOR_H

#include "models/layers.h"

/* A block of the network, h [b,H,W,C] to the same shape; `drop` of its drop paths. */
typedef vj_var *(*vj_translator_block)(vj_graph *graph, const void *config, vj_var *h, int64_t layer, double drop);

/* A component's configuration starts with this, so that rows with places in it are rows of the component. */
typedef struct vj_translator {
  int64_t width, blocks, mlp_ratio;
  double drop_path, first_drop_path;
} vj_translator;

#define VJ_TRANSLATOR_PARAMS                                                                                    \
  VJ_INTEGER(vj_translator, width, "256", 1, 65536, "", "channels of all blocks but the first (hid_T)"),        \
      VJ_INTEGER(vj_translator, blocks, "4", 2, 64, "", "number of blocks (N_T)"),                              \
      VJ_INTEGER(vj_translator, mlp_ratio, "8", 1, 64, "", "width of a block's hidden layer, in its channels"), \
      VJ_REAL(vj_translator, drop_path, "0", 0, 0.99, "", "probability to drop a branch of the last block"),    \
      VJ_REAL(vj_translator, first_drop_path, "0.01", 0, 0.99, "",                                              \
              "that of the first block; those between go evenly from one to the other")

/* The three ways of a predictor; see vj_predictor_ops. */
vj_var *vj_translate(vj_graph *graph, const vj_translator *config, vj_translator_block block, vj_var *hx, vj_var *z,
                     const vj_shape *target);
vj_var *vj_translate_choices(vj_graph *graph, const vj_translator *config, vj_translator_block block, vj_var *hx,
                             int64_t choices, const vj_shape *target);
vj_var *vj_translate_linear(vj_graph *graph, const vj_translator *config, vj_translator_block block, vj_var *hx,
                            int64_t size, const vj_shape *target, vj_var **weight);

#endif
