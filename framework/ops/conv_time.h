/* A temporal convolution's shapes, and how it is computed with fewer products: see conv_time_minimal.c. */
#ifndef VJ_CONV_TIME_H
#define VJ_CONV_TIME_H

#include "ops/op.h"

typedef struct vj_conv_time_sizes {
  int64_t samples, frames, positions, channels; /* of x in one shard; positions = H W of a frame */
  int64_t out_frames, out, taps, padding;       /* of y, the kernel */
  int64_t tile;                                 /* frames of y made together by minimal filtering; 0: tap by tap */
} vj_conv_time_sizes;

/* The tile that takes the fewest products, or 0 where it would not save enough to pay for its passes over memory. By
 * shapes alone. */
int64_t vj_conv_time_tile(const vj_conv_time_sizes *c);
/* Products of frames with one tap's matrix: those the definition asks for, and those that are carried out. */
int64_t vj_conv_time_products(const vj_conv_time_sizes *c);
int64_t vj_conv_time_minimal_products(const vj_conv_time_sizes *c);

/* Filters for a tile, made once for all shards from the shared weight [O,3,C]: shared [tile+2,C,O]. `backward`: those
 * that turn dy into dx, [tile+2,O,C]. */
vj_var *vj_conv_time_filters(vj_graph *graph, vj_var *weight, int64_t tile, bool backward);

/* y [b,T',..,O] from x [b,T,..,C], filters [tile+2,C,O] and a bias [O] or NULL. */
void vj_conv_time_minimal(const vj_conv_time_sizes *c, const vj_real *x, const vj_real *filters, const vj_real *bias,
                          vj_real *y, void *scratch);
size_t vj_conv_time_minimal_scratch(const vj_conv_time_sizes *c);
/* dweight [O,3,C] of one shard. */
void vj_conv_time_minimal_weight_gradient(const vj_conv_time_sizes *c, const vj_real *dy, const vj_real *x,
                                          vj_real *dweight, void *scratch);
size_t vj_conv_time_minimal_weight_gradient_scratch(const vj_conv_time_sizes *c);

#endif
