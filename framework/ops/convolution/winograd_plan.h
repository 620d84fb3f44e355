/* How a convolution by minimal filtering goes through its image: see winograd.c. */
#ifndef VJ_FRAMEWORK_OPS_CONVOLUTION_WINOGRAD_PLAN_H
#define VJ_FRAMEWORK_OPS_CONVOLUTION_WINOGRAD_PLAN_H

#include "framework/ops/convolution/minimal.h"
#include "framework/ops/convolution/winograd.h"
#include "framework/ops/product/product.h"

/* Products go over lines: the positions of a row, or of a part of a wide one, with room at the end for what the taps
 * along the width reach beyond; or, with tiles of two along the width, those tiles. Lines of several tiles and images
 * make a block. */
typedef struct vj_winograd {
  vj_convolution c;
  int64_t tile, points;     /* outputs, and products, of a tile along the height: points = tile + 2 */
  int64_t tile_x, points_x; /* the same along the width: 2 and 4; 1 and 1 without */
  int64_t taps;             /* along the width, that are summed as pairs: kw, or 1 */
  int64_t tiles, parts;     /* of an image, of a row */
  int64_t part, reach;      /* positions of y in a part; of x: part + kw - 1 */
  int64_t line;             /* rows of a product: reach, or tiles along the width */
  int64_t lines;            /* in a block */
  int64_t columns;          /* output channels at once */
  bool backward;            /* dx from dy: c is that convolution */
  /* [1]: of the last block, which may have fewer lines; [][1]: of the last output channels */
  const vj_product *products[2][2];
  uint64_t *x_at, *filter_at, *last_filter_at; /* [kw], in bytes; the last for the last output channels */
  vj_var *x, *weight;                          /* which get gradients */
  bool mapped, relu;                           /* x goes through a channel-wise map first (norm/affine.h), with ReLU */
} vj_winograd;

typedef struct vj_winograd_place {
  int64_t image, tile, part;
} vj_winograd_place;

/* Line `line` of a shard. */
static inline vj_winograd_place vj_winograd_place_of(const vj_winograd *p, int64_t line) {
  return (vj_winograd_place){line / p->parts / p->tiles, line / p->parts % p->tiles, line % p->parts};
}

static inline int64_t vj_winograd_lines(const vj_winograd *p) { return p->c.images * p->tiles * p->parts; }

/* The last line reaches beyond. */
static inline int64_t vj_winograd_rows(const vj_winograd *p, int64_t lines) { return lines * p->line + p->taps - 1; }

/* Products of a tile. */
static inline int64_t vj_winograd_points(const vj_winograd *p) { return p->points * p->points_x; }

/* x as it is read: scale and shift [C] where it goes through a map; `zeros` for what lies outside, a line of them. */
typedef struct vj_winograd_source {
  const vj_real *x, *scale, *shift, *zeros;
} vj_winograd_source;

/* Numbers of `spare` below. */
int64_t vj_winograd_spare(const vj_winograd *p);
/* Lines begin..end-1 of B'd, [points,pitch,C], and zeros behind the last. With tiles along the width a line is first
 * transformed along the height, into `spare` [points along the height,reach,C]. */
void vj_winograd_transform(const vj_winograd *p, const vj_winograd_source *source, int64_t begin, int64_t end,
                           int64_t pitch, vj_real *v, vj_real *spare);

/* Where output i of a tile lies in y, or -1 past the last row; and how many of the line's positions there are. */
int64_t vj_winograd_output(const vj_winograd *p, vj_winograd_place at, int64_t i);
int64_t vj_winograd_positions(const vj_winograd *p, vj_winograd_place at);

/* The weight by blocks of output channels, [points,taps,C,columns]; for dx input and output channels change places. */
vj_var *vj_winograd_filters(vj_graph *graph, vj_var *weight, const vj_winograd *p);

/* The gradient of the weight, by the same tiles, of the convolution that `forward` is. */
vj_var *vj_winograd_weight_gradient(vj_graph *graph, vj_var *dy, const vj_node *forward, const vj_shape *weight,
                                    const vj_winograd *p);
double vj_winograd_flops_done(const vj_winograd *p);

#endif
