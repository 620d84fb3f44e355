/* Sparse codes by ISTA and FISTA (Beck and Teboulle 2009) where the code enters linearly: for every sample
 *   z* = argmin_z |base + W z - target|^2 / D + lambda |z|_1
 * With G = W'W and c = W'(target - base) the gradient is (2/D)(G z - c), so an iteration costs n^2, not n D; the step
 * is D / (2 lambda_max(G)), the largest that is safe. No gradient flows through the inference (alternating
 * minimisation). */
#include <math.h>
#include <string.h>

#include "framework/base/kernel.h"
#include "framework/base/lanes.h"
#include "framework/ops/elementwise/activation.h"
#include "framework/ops/build.h"
#include "framework/ops/product/long_sum.h"
#include "framework/ops/op.h"

typedef struct coding {
  int64_t samples, size, width; /* of one shard; n numbers of code, D numbers of target */
  vj_sparse_code_args args;
  vj_long_product gram, projection; /* W'W and (target - base) W */
} coding;

/* False without memory. */
static bool find_products(coding *c) {
  const vj_product_shape gram = {.rows = c->size,
                                 .columns = c->size,
                                 .depth = c->width,
                                 .a_pitch = c->size,
                                 .b_pitch = c->size,
                                 .c_pitch = c->size,
                                 .a_transposed = true};
  const vj_product_shape projection = {.rows = c->samples,
                                       .columns = c->size,
                                       .depth = c->width,
                                       .a_pitch = c->width,
                                       .b_pitch = c->size,
                                       .c_pitch = c->size};
  return vj_long_product_find(&gram, &c->gram) && vj_long_product_find(&projection, &c->projection);
}

static size_t scratch_bytes(const vj_node *node) {
  const coding *c = node->attributes;
  const int64_t n = c->size;
  const size_t gram = vj_long_product_scratch(&c->gram.shape),
               projection = vj_long_product_scratch(&c->projection.shape);
  return (gram > projection ? gram : projection) + (size_t)(n * n + c->samples * (n + c->width)) * sizeof(vj_real) +
         (size_t)(n * n + 5 * n) * sizeof(double);
}

/* y = G x; G is symmetric, so that its rows are taken for its columns. */
VJ_KERNEL(gram_times, (const double *gram, const double *x, int64_t n, double *restrict y), (gram, x, n, y)) {
  memset(y, 0, (size_t)n * sizeof *y);
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < n; i++) y[i] = fma(gram[j * n + i], x[j], y[i]);
}

/* Largest eigenvalue of a positive semidefinite G by power iteration from a fixed start; a little above it, so that the
 * step stays safe. */
static double largest_eigenvalue(const double *gram, int64_t n, double *v, double *next) {
  double value = 0;
  for (int64_t i = 0; i < n; i++) v[i] = 1 + 0.01 * (double)i; /* not orthogonal to anything in particular */
  for (int round = 0; round < 100; round++) {
    gram_times(gram, v, n, next);
    VJ_LANE_SUM(double, square, i, n, next[i] * next[i]);
    const double norm = sqrt(square);
    if (!(norm > 0)) return 0;
    for (int64_t i = 0; i < n; i++) v[i] = next[i] / norm;
    if (fabs(norm - value) <= 1e-10 * norm) break;
    value = norm;
  }
  return 1.0001 * value;
}

/* One sample; `extrapolated`, `old` and `product` are room for n each. Returns the iterations taken. */
static int64_t infer(const coding *c, const double *gram, const double *correlation, double eigenvalue, double lambda,
                     double *z, double *extrapolated, double *old, double *product) {
  const int64_t n = c->size;
  const double rate = (double)c->width / (2 * eigenvalue), two = 2 / (double)c->width;
  double momentum = 1;
  for (int64_t i = 0; i < n; i++) z[i] = extrapolated[i] = 0;
  for (int64_t step = 1; step <= c->args.steps; step++) {
    double change = 0, length = 0;
    memcpy(old, z, (size_t)n * sizeof *z);
    gram_times(gram, extrapolated, n, product);
    for (int64_t i = 0; i < n; i++)
      z[i] = vj_shrink(extrapolated[i] - rate * two * (product[i] - correlation[i]), rate * lambda, c->args.positive);
    const double faster = (1 + sqrt(1 + 4 * momentum * momentum)) / 2;
    for (int64_t i = 0; i < n; i++) {
      extrapolated[i] = c->args.accelerated ? z[i] + (momentum - 1) / faster * (z[i] - old[i]) : z[i];
      change += (z[i] - old[i]) * (z[i] - old[i]);
      length += old[i] * old[i];
    }
    momentum = faster;
    /* A code that stays at zero has converged; one that just left it has not. */
    if (change <= c->args.tolerance * c->args.tolerance * length) return step;
  }
  return c->args.steps;
}

/* inputs base [b,D], weight [D,n], target [b,D], lambda (shared scalar); outputs z [b,n], statistics [b,3]: the energy
 * at z = 0 and at z*, without the penalty, and the iterations */
static void sparse_code_run(const vj_call *call) {
  const coding *c = call->node->attributes;
  const int64_t n = c->size, width = c->width;
  double *gram = call->scratch, *correlation = gram + n * n, *z = correlation + n, *extrapolated = z + n,
         *old = extrapolated + n, *spare = old + n;
  vj_real *product = (vj_real *)(void *)(spare + n), *residual = product + n * n,
          *projected = residual + c->samples * width;
  void *sums = projected + c->samples * n;
  vj_long_product_run(&c->gram, call->in[1], call->in[1], product, sums);
  for (int64_t i = 0; i < n * n; i++) gram[i] = (double)product[i];
  const double eigenvalue = largest_eigenvalue(gram, n, extrapolated, spare), lambda = (double)call->in[3][0];
  for (int64_t i = 0; i < c->samples * width; i++) residual[i] = call->in[2][i] - call->in[0][i];
  vj_long_product_run(&c->projection, residual, call->in[1], projected, sums);
  for (int64_t s = 0; s < c->samples; s++) {
    const vj_real *own = residual + s * width;
    VJ_LANE_SUM(double, before, i, width, (double)own[i] * (double)own[i]);
    for (int64_t i = 0; i < n; i++) correlation[i] = (double)projected[s * n + i];
    memset(z, 0, (size_t)n * sizeof *z);
    const int64_t iterations =
        eigenvalue > 0 ? infer(c, gram, correlation, eigenvalue, lambda, z, extrapolated, old, spare) : 0;
    gram_times(gram, z, n, spare);
    VJ_LANE_SUM(double, after, i, n, z[i] * (spare[i] - 2 * correlation[i])); /* |r - W z|^2 = |r|^2 - 2 c z + z G z */
    for (int64_t i = 0; i < n; i++) call->out[0][s * n + i] = (vj_real)z[i];
    call->out[1][s * 3] = (vj_real)(before / (double)width);
    call->out[1][s * 3 + 1] = (vj_real)((before + after) / (double)width);
    call->out[1][s * 3 + 2] = (vj_real)iterations;
  }
}

const vj_op vj_op_sparse_code = {.name = "sparse_code",
                                 .summary = "ISTA or FISTA codes where the code enters linearly; a constant",
                                 .form = VJ_MAP,
                                 .run = sparse_code_run,
                                 .scratch_bytes = scratch_bytes};

vj_var *vj_sparse_code(vj_graph *graph, vj_var *base, vj_var *weight, vj_var *target, vj_var *lambda,
                       const vj_sparse_code_args *args, vj_var **statistics) {
  *statistics = NULL;
  if (!base || !weight || !target || !lambda) return NULL;
  if (!base->batched || base->shape.rank != 2 || weight->shape.rank != 2 ||
      base->shape.size[1] != weight->shape.size[0] || target->count != base->count || lambda->count != 1)
    return vj_graph_fail(graph, VJ_SHAPE, "sparse_code: base %s, target %s and weight %s [D,n] do not fit",
                         VJ_SHAPE_TEXT(&base->shape), VJ_SHAPE_TEXT(&target->shape), VJ_SHAPE_TEXT(&weight->shape));
  coding c = {
      .samples = base->shape.size[0], .size = weight->shape.size[1], .width = weight->shape.size[0], .args = *args};
  if (!find_products(&c)) return vj_graph_fail(graph, VJ_MEMORY, "%s", vj_error_message());
  vj_node *node =
      vj_node_create(graph, &vj_op_sparse_code, (vj_var *[]){base, weight, target, lambda}, 4, 4, &c, sizeof c);
  vj_var *z = vj_node_output(graph, node, true, &VJ_SHAPE(c.samples, c.size));
  *statistics = vj_node_output(graph, node, true, &VJ_SHAPE(c.samples, 3));
  if (!z || !*statistics) return NULL;
  z->needs_gradient = (*statistics)->needs_gradient = false;
  return z;
}
