/* A channel-wise affine map, then an activation: of shared scale and shift to what is batched. */
#include "framework/ops/elementwise/activation.h"
#include "framework/ops/norm/affine.h"
#include "framework/ops/norm/moments.h"
#include "framework/ops/norm/rows.h"
#include "framework/ops/product/bf16.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"

typedef struct affine {
  int64_t rows, channels; /* of one shard */
  vj_activation activation;
  double moment_rows; /* input gradient: of all whose mean and variance it adds; 0: none */
} affine;

static const affine *affine_of(const vj_node *node) { return node->attributes; }

extern const vj_op vj_op_channel_affine;

bool vj_affine_map_of(const vj_var *y, vj_affine_map *map) {
  const vj_node *node = y->producer;
  if (!node || node->op != &vj_op_channel_affine || !node->inputs[0]->batched) return false;
  const vj_activation activation = affine_of(node)->activation;
  *map = (vj_affine_map){node->inputs[0], node->inputs[1], node->inputs[2], activation};
  return activation == VJ_RELU || activation == VJ_IDENTITY;
}

/* An affine map's rows, folded. */
typedef struct folded {
  int64_t fold, rows, width;
  const vj_real *scale, *shift;
  vj_real *spare; /* behind them in scratch: two rows */
} folded;

static size_t scratch_bytes(const vj_node *node) {
  const affine *a = affine_of(node);
  return (size_t)(4 * vj_fold(a->rows, a->channels) * a->channels) * sizeof(vj_real);
}

static folded fold(const vj_call *call, const vj_real *scale, const vj_real *shift) {
  const affine *a = affine_of(call->node);
  const int64_t count = vj_fold(a->rows, a->channels), width = count * a->channels;
  vj_real *room = call->scratch;
  return (folded){.fold = count,
                  .rows = a->rows / count,
                  .width = width,
                  .scale = vj_fold_row(scale, a->channels, count, room),
                  .shift = vj_fold_row(shift, a->channels, count, room + width),
                  .spare = room + 2 * width};
}

/* --- forward ------------------------------------------------------------------------------------------------- */

/* inputs x, scale, shift; y may be x */
static VJ_INLINE void forward_rows(const vj_call *call, const folded *f, vj_activation activation, bool from_half,
                                   bool half) {
  for (int64_t r = 0; r < f->rows; r++) {
    const void *x = vj_numbers_from(call->in[0], from_half, r * f->width);
    void *y = vj_room_from(call->out[0], half, r * f->width);
#pragma omp simd
    for (int64_t c = 0; c < f->width; c++)
      vj_put_number(y, half, c,
                    vj_activated(activation, vj_affine(vj_number(x, from_half, c), f->scale[c], f->shift[c])));
  }
}

static VJ_INLINE void forward(const vj_call *call, bool from_half, bool half) {
  const folded f = fold(call, call->in[1], call->in[2]);
#define VJ_ROWS(activation) forward_rows(call, &f, activation, from_half, half)
  VJ_FOR_ACTIVATION(affine_of(call->node)->activation, VJ_ROWS)
#undef VJ_ROWS
}

VJ_KERNEL(of_floats, (const vj_call *call), (call)) { forward(call, false, false); }
VJ_KERNEL(of_floats_to_half, (const vj_call *call), (call)) { forward(call, false, true); }
VJ_KERNEL(of_half_to_floats, (const vj_call *call), (call)) { forward(call, true, false); }
VJ_KERNEL(of_half, (const vj_call *call), (call)) { forward(call, true, true); }

static void channel_affine_run(const vj_call *call) {
  const bool half = call->node->outputs[0]->half;
  if (call->node->inputs[0]->half)
    (half ? of_half : of_half_to_floats)(call);
  else
    (half ? of_floats_to_half : of_floats)(call);
}

static unsigned channel_affine_halves(const vj_node *node) {
  (void)node;
  return VJ_INPUT(0) | VJ_FIRST_OUTPUT;
}

/* --- gradients ----------------------------------------------------------------------------------------------- */

/* dy activation'(u) */
static VJ_INLINE vj_real slope_times(vj_activation activation, vj_real dy, vj_real u) {
  return activation == VJ_IDENTITY ? dy : dy * vj_activation_slope(activation, u);
}

/* Rows begin..end: by_x += g x, plain += g. Without `restrict`, by which compilers would take several rows at once:
 * memory is fastest when it is read in order, even if sums then go to the nearest cache and back. */
static VJ_INLINE void sum_rows(const vj_call *call, const folded *f, int64_t begin, int64_t end, vj_real *by_x,
                               vj_real *plain, vj_activation activation, bool half) {
  const int64_t width = f->width;
  const vj_real *scale = f->scale, *shift = f->shift;
  for (int64_t r = begin; r < end; r++) {
    const void *dys = vj_numbers_from(call->in[0], half, r * width);
    const void *xs = vj_numbers_from(call->in[1], half, r * width);
#pragma omp simd
    for (int64_t c = 0; c < width; c++) {
      const vj_real x = vj_number(xs, half, c);
      const vj_real g = slope_times(activation, vj_number(dys, half, c), vj_affine(x, scale[c], shift[c]));
      by_x[c] = vj_fma(g, x, by_x[c]);
      plain[c] += g;
    }
  }
}

/* inputs dy, x, scale, shift; outputs dscale, dshift. Sums run in vj_real over short blocks of rows, then in double. */
static VJ_INLINE void reduce(const vj_call *call, bool half) {
  enum { BLOCK_ROWS = 32 };
  const affine *a = affine_of(call->node);
  const folded f = fold(call, call->in[2], call->in[3]);
  vj_real *by_x = f.spare, *plain = by_x + f.width;
  for (int64_t begin = 0; begin < f.rows; begin += BLOCK_ROWS) {
    const int64_t end = begin + BLOCK_ROWS < f.rows ? begin + BLOCK_ROWS : f.rows;
    memset(by_x, 0, (size_t)(2 * f.width) * sizeof *by_x);
#define VJ_ROWS(activation) sum_rows(call, &f, begin, end, by_x, plain, activation, half)
    VJ_FOR_ACTIVATION(a->activation, VJ_ROWS)
#undef VJ_ROWS
    for (int64_t i = 0; i < f.width; i += a->channels)
      for (int64_t c = 0; c < a->channels; c++) {
        call->sums[c] += (double)by_x[i + c];
        call->sums[a->channels + c] += (double)plain[i + c];
      }
  }
}

VJ_KERNEL(reduce_floats, (const vj_call *call), (call)) { reduce(call, false); }
VJ_KERNEL(reduce_halves, (const vj_call *call), (call)) { reduce(call, true); }

static void channel_affine_gradient_reduce(const vj_call *call) {
  (call->node->inputs[1]->half ? reduce_halves : reduce_floats)(call);
}

static unsigned gradient_halves(const vj_node *node) {
  (void)node;
  return VJ_INPUT(0) | VJ_INPUT(1) | VJ_FIRST_OUTPUT;
}

static int64_t sum_count(const vj_node *node) { return 2 * affine_of(node)->channels; }

const vj_op vj_op_channel_affine_gradient = {.name = "channel_affine_gradient",
                                             .summary = "dscale and dshift in one pass",
                                             .form = VJ_SUM,
                                             .reduce = channel_affine_gradient_reduce,
                                             .finish = vj_finish_sums,
                                             .sum_count = sum_count,
                                             .halves = gradient_halves,
                                             .alike = VJ_INPUT(0) | VJ_INPUT(1),
                                             .scratch_bytes = scratch_bytes};

/* dx = g scale, or g scale + x slope + offset; dx may be dy. */
static VJ_INLINE void input_rows(const vj_call *call, const folded *f, const vj_real *slope, const vj_real *offset,
                                 vj_activation activation, bool with_moments, bool half) {
  for (int64_t r = 0; r < f->rows; r++) {
    const void *dys = vj_numbers_from(call->in[0], half, r * f->width);
    const void *xs = vj_numbers_from(call->in[1], half, r * f->width);
    void *dx = vj_room_from(call->out[0], half, r * f->width);
#pragma omp simd
    for (int64_t c = 0; c < f->width; c++) {
      const vj_real x = vj_number(xs, half, c), dy = vj_number(dys, half, c);
      const vj_real g = slope_times(activation, dy, vj_affine(x, f->scale[c], f->shift[c]));
      vj_put_number(dx, half, c,
                    with_moments ? vj_fma(g, f->scale[c], vj_fma(x, slope[c], offset[c])) : g * f->scale[c]);
    }
  }
}

/* inputs dy, x, scale, shift; then mean, dmean, dvariance of x (the last two may be NULL), if it adds what they give */
static VJ_INLINE void input_gradient(const vj_call *call, bool half) {
  const affine *a = affine_of(call->node);
  const folded f = fold(call, call->in[2], call->in[3]);
  vj_real *slope = f.spare, *offset = slope + f.width;
  const bool with_moments = a->moment_rows > 0;
  if (with_moments) {
    vj_moments_slope(a->channels, a->moment_rows, call->in[4], call->in[5], call->in[6], slope, offset);
    vj_fold_row(slope, a->channels, f.fold, slope);
    vj_fold_row(offset, a->channels, f.fold, offset);
  }
#define VJ_ROWS(activation)                                      \
  if (with_moments)                                              \
    input_rows(call, &f, slope, offset, activation, true, half); \
  else                                                           \
    input_rows(call, &f, slope, offset, activation, false, half)
  VJ_FOR_ACTIVATION(a->activation, VJ_ROWS)
#undef VJ_ROWS
}

VJ_KERNEL(input_gradient_of_floats, (const vj_call *call), (call)) { input_gradient(call, false); }
VJ_KERNEL(input_gradient_of_halves, (const vj_call *call), (call)) { input_gradient(call, true); }

static void input_gradient_run(const vj_call *call) {
  (call->node->outputs[0]->half ? input_gradient_of_halves : input_gradient_of_floats)(call);
}

const vj_op vj_op_channel_affine_input_gradient = {.name = "channel_affine_input_gradient",
                                                   .summary = "dx, and what came by x's mean and variance",
                                                   .form = VJ_MAP,
                                                   .in_place = 1,
                                                   .run = input_gradient_run,
                                                   .halves = gradient_halves,
                                                   .alike = VJ_INPUT(0) | VJ_INPUT(1) | VJ_FIRST_OUTPUT,
                                                   .scratch_bytes = scratch_bytes};

static void channel_affine_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *scale = node->inputs[1], *shift = node->inputs[2];
  vj_var *inputs[] = {node->outputs[0]->gradient, x, scale, shift};
  vj_gradient_by(graph, x, node, &vj_op_channel_affine_input_gradient, inputs, 4);
  vj_node *sums = vj_node_create(graph, &vj_op_channel_affine_gradient, inputs, 4, 4, node->attributes, sizeof(affine));
  vj_gradient_add(graph, scale, vj_node_output(graph, sums, false, &scale->shape));
  vj_gradient_add(graph, shift, vj_node_output(graph, sums, false, &shift->shape));
}

vj_var *vj_channel_affine_gradient_with(vj_graph *graph, const vj_var *base, vj_var *x, double rows,
                                        vj_var *const inputs[3]) {
  const vj_node *by = base ? base->producer : NULL;
  if (!by || by->op != &vj_op_channel_affine_input_gradient || by->inputs[1] != x) return NULL;
  affine a = *affine_of(by);
  if (a.moment_rows > 0 || inputs[0]->count != a.channels) return NULL;
  a.moment_rows = rows;
  vj_var *all[] = {by->inputs[0], x, by->inputs[2], by->inputs[3], inputs[0], inputs[1], inputs[2]};
  vj_node *node = vj_node_create(graph, by->op, all, 7, 5, &a, sizeof a);
  return vj_node_output(graph, node, x->batched, &x->shape);
}

/* --- the op -------------------------------------------------------------------------------------------------- */

const vj_op vj_op_channel_affine = {.name = "channel_affine",
                                    .summary = "activation(x scale[c] + shift[c]) over the last dimension",
                                    .form = VJ_MAP,
                                    .in_place = 1,
                                    .run = channel_affine_run,
                                    .halves = channel_affine_halves,
                                    .recompute = true,
                                    .gradient = channel_affine_gradient,
                                    .scratch_bytes = scratch_bytes};

vj_var *vj_channel_affine(vj_graph *graph, vj_var *x, vj_var *scale, vj_var *shift, vj_activation activation) {
  if (!x || !scale || !shift) return NULL;
  const int64_t channels = x->shape.rank ? x->shape.size[x->shape.rank - 1] : 0;
  if (scale->batched || shift->batched || scale->count != channels || shift->count != channels)
    return vj_graph_fail(graph, VJ_SHAPE, "channel_affine: x %s does not fit scale %s and shift %s",
                         VJ_SHAPE_TEXT(&x->shape), VJ_SHAPE_TEXT(&scale->shape), VJ_SHAPE_TEXT(&shift->shape));
  const affine args = {.rows = x->count / channels, .channels = channels, .activation = activation};
  vj_node *node = vj_node_create(graph, &vj_op_channel_affine, (vj_var *[]){x, scale, shift}, 3, 3, &args, sizeof args);
  return vj_node_result(graph, node, &x->shape);
}
