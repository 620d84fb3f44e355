/* Convolutions of three rows of taps by minimal filtering (minimal.h), along the height of a frame, or along time,
 * whose frames are then rows.
 *
 * By their definition m rows of y take 3 m products of a row with a matrix; by minimal filtering m + 2. B' and A' are
 * sums of a few rows with small factors, so the price is passes over memory, kept within the second cache, and
 * rounding: some times that of the direct sum for m = 4. dx is the convolution of dy with the taps turned round. Taps
 * along the width are pairs of one product. */
#include "framework/ops/convolution/winograd.h"

#include <string.h>

#include "framework/ops/build.h"
#include "framework/ops/convolution/winograd_plan.h"
#include "framework/ops/norm/affine.h"

enum { LEAST_CHANNELS = 32, LEAST_PRODUCT = 64 * 64 };
/* B'd of a block and a block of products of output channels stay in the second cache. */
enum { BLOCK_BYTES = 720 * 1024, LEAST_ROWS = 48, MOST_ROWS = 384, COLUMNS = 64 };

/* --- shapes --------------------------------------------------------------------------------------------------- */

static int64_t products_of(const vj_convolution *c) {
  int64_t products = 0;
  for (int64_t y = 0; y < c->out_height; y++)
    for (int64_t k = 0; k < c->kernel[0]; k++) {
      const int64_t row = y + k - c->padding[0];
      products += row >= 0 && row < c->height;
    }
  return products;
}

static vj_winograd plan_of(const vj_convolution *c, const int64_t tile[2]) {
  vj_winograd p = {.c = *c, .tile = tile[0], .points = tile[0] + 2, .tiles = (c->out_height + tile[0] - 1) / tile[0]};
  p.tile_x = tile[1];
  p.points_x = tile[1] > 1 ? tile[1] + 2 : 1;
  p.taps = tile[1] > 1 ? 1 : c->kernel[1];
  p.columns = c->out < COLUMNS ? c->out : COLUMNS;
  int64_t rows = BLOCK_BYTES / (vj_winograd_points(&p) * (c->channels + p.columns) * (int64_t)sizeof(float));
  rows = rows < LEAST_ROWS ? LEAST_ROWS : rows > MOST_ROWS ? MOST_ROWS : rows;
  p.parts = (c->out_width + rows * p.tile_x - 1) / (rows * p.tile_x);
  p.part = (c->out_width + p.parts - 1) / p.parts;
  p.part = (p.part + p.tile_x - 1) / p.tile_x * p.tile_x;
  p.reach = p.part + c->kernel[1] - 1;
  p.line = p.tile_x > 1 ? p.part / p.tile_x : p.reach;
  p.lines = rows > p.line ? rows / p.line : 1;
  if (p.lines > vj_winograd_lines(&p)) p.lines = vj_winograd_lines(&p);
  return p;
}

/* Products of a row of x with the matrix of one tap, counting the ends of lines. */
static double cost_of(const vj_winograd *p) {
  return (double)(p->tiles * vj_winograd_points(p) * p->taps * p->parts * p->line) / (double)p->c.out_width;
}

bool vj_winograd_tile(const vj_convolution *c, int64_t tile[2]) {
  const bool plain = c->kernel[0] == VJ_TAPS && c->stride[0] == 1 && c->stride[1] == 1 && c->dilation[0] == 1 &&
                     c->dilation[1] == 1 && c->groups == 1 && c->padding[0] < VJ_TAPS && c->padding[1] < c->kernel[1];
  if (!plain || c->channels < LEAST_CHANNELS || c->out < LEAST_CHANNELS || c->channels * c->out < LEAST_PRODUCT)
    return false;
  const int64_t most_x = c->kernel[1] == VJ_TAPS ? 2 : 1;
  double least = 0.8 * (double)(products_of(c) * c->kernel[1]) * (1 + 1e-9);
  tile[0] = 0;
  for (int64_t y = 2; y <= 4; y++)
    for (int64_t x = 1; x <= most_x; x++) {
      const vj_winograd p = plan_of(c, (const int64_t[]){y, x});
      if (cost_of(&p) >= least) continue;
      tile[0] = y;
      tile[1] = x;
      least = cost_of(&p);
    }
  return tile[0] > 0;
}

static const vj_winograd *plan_for(const vj_node *node) { return node->attributes; }
static double flops(const vj_node *node) { return vj_convolution_flops(&plan_for(node)->c); }

double vj_winograd_flops_done(const vj_winograd *p) {
  return 2.0 * (double)p->c.images * cost_of(p) * (double)(p->c.out_width * p->c.channels) * (double)p->c.out;
}

static double flops_done(const vj_node *node) { return vj_winograd_flops_done(plan_for(node)); }

/* --- places ----------------------------------------------------------------------------------------------------- */

int64_t vj_winograd_output(const vj_winograd *p, vj_winograd_place at, int64_t i) {
  const int64_t row = at.tile * p->tile + i;
  if (row >= p->c.out_height) return -1;
  return ((at.image * p->c.out_height + row) * p->c.out_width + at.part * p->part) * p->c.out;
}

int64_t vj_winograd_positions(const vj_winograd *p, vj_winograd_place at) {
  const int64_t left = p->c.out_width - at.part * p->part;
  return left < p->part ? left : p->part;
}

/* --- y ---------------------------------------------------------------------------------------------------------- */

typedef struct workspace {
  vj_real *v;     /* B'd: [points,rows,C] */
  vj_real *m;     /* [points,rows,columns] */
  vj_real *zeros; /* of what lies outside, and for a bias that is not there */
  vj_real *spill; /* for rows past the last one, [positions,O] */
  vj_real *spare; /* with tiles along the width: what is transformed along one side */
} workspace;

int64_t vj_winograd_spare(const vj_winograd *p) { return p->tile_x > 1 ? p->points * p->reach * p->c.channels : 0; }

static size_t workspace_in(const vj_winograd *p, vj_real *room, workspace *w) {
  const int64_t rows = vj_winograd_points(p) * vj_winograd_rows(p, p->lines), line = p->reach * p->c.channels;
  const int64_t back = p->tile_x > 1 ? p->points * p->part * p->columns : 0, ahead = vj_winograd_spare(p);
  const int64_t sizes[] = {rows * p->c.channels, rows * p->columns, line > p->columns ? line : p->columns,
                           p->part * p->c.out, ahead > back ? ahead : back};
  vj_real *at[5] = {0};
  int64_t total = 0;
  for (int i = 0; i < 5; i++) {
    if (room) at[i] = room + total;
    total += (sizes[i] + 15) / 16 * 16;
  }
  if (room) *w = (workspace){at[0], at[1], at[2], at[3], at[4]};
  return (size_t)total * sizeof(vj_real);
}

static size_t minimal_scratch(const vj_node *node) { return workspace_in(plan_for(node), NULL, NULL); }

/* One line along the height: position by position, [points,pitch,C]. */
static void transform_height(const vj_winograd *p, const vj_winograd_source *source, int64_t line, int64_t pitch,
                             vj_real *v) {
  const vj_convolution *c = &p->c;
  const vj_winograd_place at = vj_winograd_place_of(p, line);
  const int64_t channels = c->channels, first = at.part * p->part - c->padding[1]; /* column of the first position */
  const int64_t before = first < 0 ? -first : 0, end = c->width - first < p->reach ? c->width - first : p->reach;
  vj_minimal_map map = {.channels = channels, .relu = p->relu};
  const vj_real *rows[VJ_MOST_POINTS];
  vj_real *to[VJ_MOST_POINTS];
  for (int64_t j = 0; j < p->points; j++) {
    vj_real *start = v + j * pitch * channels;
    const int64_t row = at.tile * p->tile + j - c->padding[0];
    const bool inside = row >= 0 && row < c->height;
    memset(start, 0, (size_t)(before * channels) * sizeof *start);
    memset(start + end * channels, 0, (size_t)((p->reach - end) * channels) * sizeof *start);
    to[j] = start + before * channels;
    rows[j] =
        inside ? source->x + ((at.image * c->height + row) * c->width + first + before) * channels : source->zeros;
    map.scale[j] = inside ? source->scale : source->zeros;
    map.shift[j] = inside ? source->shift : source->zeros;
  }
  vj_minimal_inputs(p->tile, p->mapped ? &map : NULL, rows, to, (end - before) * channels);
}

/* Along the width: from [points along the height,reach,C], the line's tiles to v, [points,pitch,C]. */
static void transform_width(const vj_winograd *p, const vj_real *spare, int64_t pitch, vj_real *v) {
  const int64_t channels = p->c.channels;
  for (int64_t j = 0; j < p->points; j++)
    for (int64_t t = 0; t < p->line; t++) {
      const vj_real *in[VJ_MOST_POINTS];
      vj_real *to[VJ_MOST_POINTS];
      for (int64_t i = 0; i < p->points_x; i++) {
        in[i] = spare + (j * p->reach + t * p->tile_x + i) * channels;
        to[i] = v + ((j * p->points_x + i) * pitch + t) * channels;
      }
      vj_minimal_inputs(p->tile_x, NULL, in, to, channels);
    }
}

void vj_winograd_transform(const vj_winograd *p, const vj_winograd_source *source, int64_t begin, int64_t end,
                           int64_t pitch, vj_real *v, vj_real *spare) {
  const int64_t channels = p->c.channels;
  for (int64_t line = begin; line < end; line++) {
    vj_real *to = v + (line - begin) * p->line * channels;
    transform_height(p, source, line, p->tile_x > 1 ? p->reach : pitch, p->tile_x > 1 ? spare : to);
    if (p->tile_x > 1) transform_width(p, spare, pitch, to);
  }
  for (int64_t j = 0; j < p->points && p->taps > 1; j++)
    memset(v + (j * pitch + (end - begin) * p->line) * channels, 0, (size_t)((p->taps - 1) * channels) * sizeof *v);
}

/* A' along the width, of a line and `columns` output channels: from [points,pitch,columns] to [points along the
 * height,part,columns]. */
static void width_back(const vj_winograd *p, const vj_real *m, int64_t pitch, int64_t columns, const vj_real *zeros,
                       vj_real *z) {
  for (int64_t j = 0; j < p->points; j++) {
    const vj_real *in[VJ_MOST_POINTS];
    vj_real *out[VJ_MOST_POINTS];
    for (int64_t i = 0; i < p->points_x; i++) in[i] = m + (j * p->points_x + i) * pitch;
    for (int64_t i = 0; i < p->tile_x; i++) out[i] = z + (j * p->part + i) * columns;
    vj_minimal_outputs(p->tile_x, in, columns, out, p->tile_x * columns, zeros, p->line, columns);
  }
}

/* y = A'M + bias, of a line and `columns` output channels from `first` on. */
static void transform_back(const vj_winograd *p, const workspace *w, int64_t line, vj_winograd_place at, int64_t first,
                           int64_t columns, const vj_real *bias, vj_real *y) {
  const int64_t pitch = vj_winograd_rows(p, p->lines) * p->columns;
  const vj_real *in[VJ_MOST_POINTS];
  vj_real *out[VJ_MOST_POINTS];
  const vj_real *m = w->m + line * p->line * columns;
  if (p->tile_x > 1) width_back(p, m, pitch, columns, w->zeros, w->spare);
  for (int64_t j = 0; j < p->points; j++) in[j] = p->tile_x > 1 ? w->spare + j * p->part * columns : m + j * pitch;
  for (int64_t i = 0; i < p->tile; i++) {
    const int64_t place = vj_winograd_output(p, at, i);
    out[i] = (place < 0 ? w->spill : y + place) + first;
  }
  vj_minimal_outputs(p->tile, in, columns, out, p->c.out, bias ? bias + first : w->zeros, vj_winograd_positions(p, at),
                     columns);
}

/* Lines begin..end-1, output channels from `first` on. */
static void multiply(const vj_winograd *p, const workspace *w, const vj_real *filters, int64_t begin, int64_t end,
                     int64_t first, const vj_real *bias, vj_real *y) {
  const bool last = p->c.out - first < p->columns;
  const int64_t rows = vj_winograd_rows(p, p->lines), columns = last ? p->c.out - first : p->columns;
  const int64_t taps = p->taps, channels = p->c.channels, points = vj_winograd_points(p);
  const vj_product *product = p->products[end - begin < p->lines][last];
  const vj_real *filter = filters + first * points * taps * channels;
  for (int64_t j = 0; j < points; j++)
    vj_product_run(product, taps, w->v + j * rows * channels, p->x_at, filter + j * taps * channels * columns,
                   last ? p->last_filter_at : p->filter_at, w->m + j * rows * p->columns);
  for (int64_t line = begin; line < end; line++)
    transform_back(p, w, line - begin, vj_winograd_place_of(p, line), first, columns, bias, y);
}

/* inputs x, filters, bias (may be NULL), scale and shift where x goes through a map; or dy, filters for dx */
static void minimal_run(const vj_call *call) {
  const vj_winograd *p = plan_for(call->node);
  const vj_real *bias = p->backward ? NULL : call->in[2];
  const int64_t all = vj_winograd_lines(p);
  workspace w = {0};
  workspace_in(p, call->scratch, &w);
  memset(w.zeros, 0, (size_t)(w.spill - w.zeros) * sizeof *w.zeros);
  const vj_winograd_source source = {call->in[0], call->in[3], call->in[4], w.zeros};
  for (int64_t begin = 0; begin < all; begin += p->lines) {
    const int64_t end = begin + p->lines < all ? begin + p->lines : all;
    vj_winograd_transform(p, &source, begin, end, vj_winograd_rows(p, p->lines), w.v, w.spare);
    for (int64_t first = 0; first < p->c.out; first += p->columns)
      multiply(p, &w, call->in[1], begin, end, first, bias, call->out[0]);
  }
}

/* --- ops ---------------------------------------------------------------------------------------------------------- */

const vj_op vj_op_minimal_convolution_input_gradient = {.name = "minimal_convolution_input_gradient",
                                                        .summary = "dx by minimal filtering",
                                                        .form = VJ_MAP,
                                                        .run = minimal_run,
                                                        .scratch_bytes = minimal_scratch,
                                                        .flops = flops,
                                                        .flops_done = flops_done};

/* Makes the kernels; false if the graph failed. */
static bool find_products(vj_graph *graph, vj_winograd *p) {
  const int64_t kw = p->taps, last_columns = p->c.out % p->columns, last_lines = vj_winograd_lines(p) % p->lines;
  p->x_at = vj_pool_take(graph->pool, (size_t)(3 * kw) * sizeof *p->x_at);
  bool found = p->x_at;
  for (int i = 0; i < 2 && found; i++)
    for (int j = 0; j < 2 && found; j++) {
      const int64_t lines = i ? last_lines : p->lines, columns = j ? last_columns : p->columns;
      if (lines == 0 || columns == 0) continue;
      p->products[i][j] = vj_product_find(&(vj_product_shape){.rows = lines * p->line,
                                                              .columns = columns,
                                                              .depth = p->c.channels,
                                                              .a_pitch = p->c.channels,
                                                              .b_pitch = columns,
                                                              .c_pitch = columns});
      found = p->products[i][j];
    }
  if (!found) {
    vj_graph_fail(graph, VJ_MEMORY, "no memory for the plan of a convolution");
    return false;
  }
  p->filter_at = p->x_at + kw;
  p->last_filter_at = p->filter_at + kw;
  for (int64_t k = 0; k < kw; k++) {
    p->x_at[k] = (uint64_t)(k * p->c.channels) * sizeof(vj_real);
    p->filter_at[k] = (uint64_t)(k * p->c.channels * p->columns) * sizeof(vj_real);
    p->last_filter_at[k] = (uint64_t)(k * p->c.channels * last_columns) * sizeof(vj_real);
  }
  return true;
}

/* dx is the convolution of dy with the taps turned round. */
static vj_winograd turned_round(const vj_winograd *p) {
  vj_convolution c = p->c;
  c.height = p->c.out_height;
  c.width = p->c.out_width;
  c.channels = p->c.out;
  c.out_height = p->c.height;
  c.out_width = p->c.width;
  c.out = p->c.channels;
  for (int i = 0; i < 2; i++) c.padding[i] = c.kernel[i] - 1 - c.padding[i];
  int64_t tile[2];
  if (!vj_winograd_tile(&c, tile)) memcpy(tile, (const int64_t[]){p->tile, p->tile_x}, sizeof tile);
  vj_winograd back = plan_of(&c, tile);
  back.backward = true;
  return back;
}

static void minimal_convolution_gradient(vj_graph *graph, vj_node *node) {
  const vj_winograd *p = plan_for(node);
  vj_var *x = p->x, *weight = p->weight, *bias = node->inputs[2];
  vj_var *dy = node->outputs[0]->gradient;
  if (vj_wants_gradient(weight))
    vj_gradient_add(graph, weight, vj_winograd_weight_gradient(graph, dy, node, &weight->shape, p));
  if (vj_wants_gradient(x)) {
    vj_winograd back = turned_round(p);
    if (!find_products(graph, &back)) return;
    vj_node *dx = vj_node_create(graph, &vj_op_minimal_convolution_input_gradient,
                                 (vj_var *[]){dy, vj_winograd_filters(graph, weight, &back)}, 2, 2, &back, sizeof back);
    vj_gradient_add(graph, x, vj_node_result(graph, dx, &x->shape));
  }
  if (vj_wants_gradient(bias)) vj_gradient_add(graph, bias, vj_sum_leading(graph, dy, 1));
}

const vj_op vj_op_minimal_convolution = {.name = "minimal_convolution",
                                         .summary = "convolution by minimal filtering",
                                         .form = VJ_MAP,
                                         .run = minimal_run,
                                         .gradient = minimal_convolution_gradient,
                                         .scratch_bytes = minimal_scratch,
                                         .flops = flops,
                                         .flops_done = flops_done};

vj_var *vj_winograd_convolution(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias, const vj_convolution *c,
                                const vj_shape *shape) {
  int64_t tile[2];
  if (graph->options.bf16 || !vj_winograd_tile(c, tile)) return NULL;
  vj_winograd p = plan_of(c, tile);
  p.x = x;
  p.weight = weight;
  if (!find_products(graph, &p)) return NULL;
  vj_affine_map map = {x, NULL, NULL, VJ_IDENTITY};
  p.mapped = vj_affine_map_of(x, &map);
  p.relu = map.activation == VJ_RELU;
  if (!p.mapped) map = (vj_affine_map){x, NULL, NULL, VJ_IDENTITY};
  vj_var *inputs[] = {map.x, vj_winograd_filters(graph, weight, &p), bias, map.scale, map.shift};
  vj_node *node = vj_node_create(graph, &vj_op_minimal_convolution, inputs, 5, 2, &p, sizeof p);
  return vj_node_result(graph, node, shape);
}
