/* Tree-structured Parzen estimator (Bergstra et al. 2011, Watanabe 2023, arXiv 2304.11127): one density of the good
 * settings, l, another of all others, g; suggested is what has the largest l / g of some points drawn from l.
 *
 * A density is a mixture: a kernel for each setting, and the uniform prior. A kernel is a product over the dimensions
 * that exist in the point it is asked of. Where its own setting has a dimension, that is a normal distribution cut off
 * at the range's ends (of an integer the mass of the cell, of a choice its own more often than others), elsewhere the
 * prior. So conditional spaces need no groups: settings of another branch tell what they have in common, no more.
 *
 * With several objectives the good ones are the first of Pareto's fronts, and of the last front that has room those
 * that add most to the hypervolume (Ozaki et al. 2022). */
#include <math.h>
#include <string.h>

#include "sweeps/search/method.h"
#include "vj/elementary.h"

typedef struct tpe_options {
  int64_t startup, candidates;
  double good_share;
  int64_t most_good;
} tpe_options;

static const vj_param params[] = {
    VJ_INTEGER(tpe_options, startup, "10", 1, 1e6, "", "so many points of Sobol's sequence come first"),
    VJ_INTEGER(tpe_options, candidates, "64", 1, 1e5, "", "points drawn from the good density, of which one is chosen"),
    VJ_REAL(tpe_options, good_share, "0.1", 0, 1, "", "share of the results that are good ones"),
    VJ_INTEGER(tpe_options, most_good, "25", 1, 1e6, "", "but no more than so many"),
};

/* --- densities --------------------------------------------------------------------------------------------------- */

/* A settled point, and the edges of its cells. */
typedef struct candidate {
  double *at, *low, *high;
  bool *present;
} candidate;

typedef struct density {
  int64_t count, dimensions; /* kernels, without the prior */
  const int64_t *places;     /* [count] in the past */
  double *width;             /* [dimensions] of the normal distributions; of a choice: what all choices share */
  double *log_factor;        /* [count][dimensions] logarithm of what makes the mass within the range 1 */
  double *terms;             /* [count] */
} density;

static double normal_cdf(double x) { return 0.5 * vj_math_erfc(-x * 0x1.6a09e667f3bcdp-1); }

/* The mass from low to high; by the tail that is not near 1, lest it is lost. */
static double normal_mass(double low, double high) {
  return low > 0 ? normal_cdf(-low) - normal_cdf(-high) : normal_cdf(high) - normal_cdf(low);
}

/* Relative to the uniform density. */
static double log_kernel(const vj_search_dimension *dimension, double centre, double width, double log_factor,
                         const candidate *c, int64_t d) {
  if (dimension->choices) return c->at[d] == centre ? log_factor : vj_math_log(width);
  const double z = (c->at[d] - centre) / width, cell = c->high[d] - c->low[d];
  if (cell <= width * 0.25) return log_factor - 0.5 * z * z; /* the cell's middle is its mean, within 0.3 % */
  const double mass = normal_mass((c->low[d] - centre) / width, (c->high[d] - centre) / width);
  return vj_math_log(fmax(mass * width * 0x1.40d931ff62706p+1 / cell, 1e-300)) + log_factor;
}

/* The logarithm of the density at a point, relative to the uniform one; the prior weighs as much as a setting. */
static double log_density(const vj_search_task *task, const density *f, const candidate *c) {
  double largest = 0, sum = 0;
  for (int64_t i = 0; i < f->count; i++) {
    const vj_search_point *p = &task->past[f->places[i]].point;
    double *term = &f->terms[i];
    *term = 0;
    for (int64_t d = 0; d < f->dimensions; d++)
      if (c->present[d] && p->present[d])
        *term +=
            log_kernel(&task->space->dimensions[d], p->at[d], f->width[d], f->log_factor[i * f->dimensions + d], c, d);
    largest = fmax(largest, *term);
  }
  for (int64_t i = 0; i < f->count; i++) sum += f->terms[i] < largest - 50 ? 0 : vj_math_exp(f->terms[i] - largest);
  sum += vj_math_exp(-largest);
  return largest + vj_math_log(sum / (double)(f->count + 1));
}

/* As wide as the settings are spread (Scott's rule, with the prior as one of them), within bounds that shrink as more
 * are known. */
static double kernel_width(const vj_search_task *task, const density *f, int64_t d) {
  const vj_search_dimension *dimension = &task->space->dimensions[d];
  double n = 1, mean = 0.5, squares = 1.0 / 12;
  for (int64_t i = 0; i < f->count; i++) {
    const vj_search_point *p = &task->past[f->places[i]].point;
    if (!p->present[d]) continue;
    const double off = p->at[d] - mean;
    n++;
    mean += off / n;
    squares += off * (p->at[d] - mean);
  }
  if (dimension->choices) return 1 / n;
  const double cells = vj_search_cells(dimension);
  const double rule = sqrt(squares / n) * vj_math_pow(n, -1 / (double)(f->dimensions + 4));
  const double least = fmax(1 / fmin(100, n + 1), cells > 0 ? 0.5 / cells : 0);
  return fmin(fmax(rule, least), 1);
}

static double kernel_factor(const vj_search_dimension *dimension, double centre, double width) {
  if (dimension->choices) return vj_math_log((1 - width) * (double)dimension->choices + width);
  return -vj_math_log(width * 0x1.40d931ff62706p+1 * normal_mass(-centre / width, (1 - centre) / width));
}

static vj_status make_density(const vj_search_task *task, const int64_t *places, int64_t count, density *f) {
  *f = (density){.count = count, .dimensions = task->space->count, .places = places};
  const size_t kernels = (size_t)count + 1, dimensions = (size_t)f->dimensions;
  f->width = vj_pool_take(task->pool, dimensions * sizeof *f->width);
  f->log_factor = vj_pool_take(task->pool, kernels * dimensions * sizeof *f->log_factor);
  f->terms = vj_pool_take(task->pool, kernels * sizeof *f->terms);
  if (!f->width || !f->log_factor || !f->terms) return vj_fail(VJ_MEMORY, "search: no memory for a density");
  for (int64_t d = 0; d < f->dimensions; d++) {
    f->width[d] = kernel_width(task, f, d);
    for (int64_t i = 0; i < count; i++)
      f->log_factor[i * f->dimensions + d] =
          kernel_factor(&task->space->dimensions[d], task->past[places[i]].point.at[d], f->width[d]);
  }
  return VJ_OK;
}

/* --- draws -------------------------------------------------------------------------------------------------------- */

static double draw_numeric(vj_rng *rng, double centre, double width) {
  for (int i = 0; i < 100; i++) {
    const double at = centre + width * vj_rng_normal(rng);
    if (at >= 0 && at < 1) return at;
  }
  return vj_rng_uniform(rng);
}

/* A kernel or the prior, then each dimension from it, by a stream of its own: what one draws moves no other. */
static void draw_point(const vj_search_task *task, const density *f, int64_t index, double *at) {
  vj_rng rng = vj_search_stream(task, VJ_DRAW_CANDIDATE, index);
  const int64_t kernel = vj_rng_integer(&rng, 0, f->count);
  for (int64_t d = 0; d < f->dimensions; d++) {
    const vj_search_point *p = kernel < f->count ? &task->past[f->places[kernel]].point : NULL;
    vj_rng own = vj_search_stream(task, VJ_DRAW_DIMENSION + (int)d, index);
    const double uniform = vj_rng_uniform(&own);
    at[d] = uniform;
    if (!p || !p->present[d]) continue;
    if (task->space->dimensions[d].choices == 0)
      at[d] = draw_numeric(&own, p->at[d], f->width[d]);
    else if (vj_rng_uniform(&own) >= f->width[d])
      at[d] = p->at[d];
  }
}

static vj_status make_candidate(const vj_search_task *task, candidate *c) {
  const size_t bytes = (size_t)task->space->count * sizeof *c->at;
  c->at = vj_pool_take(task->pool, bytes);
  c->low = vj_pool_take(task->pool, bytes);
  c->high = vj_pool_take(task->pool, bytes);
  c->present = vj_pool_take(task->pool, bytes);
  return c->at && c->low && c->high && c->present ? VJ_OK : vj_fail(VJ_MEMORY, "search: no memory for a point");
}

static void draw_candidate(const vj_search_task *task, const density *good, int64_t index, candidate *c) {
  draw_point(task, good, index, c->at);
  vj_search_settle(task->space, c->at, c->present);
  for (int64_t d = 0; d < task->space->count; d++) {
    const vj_search_dimension *dimension = &task->space->dimensions[d];
    c->low[d] = c->high[d] = 0;
    if (vj_search_cells(dimension) > 0)
      vj_search_cell_edges(dimension, vj_search_cell(dimension, c->at[d]), &c->low[d], &c->high[d]);
  }
}

/* --- a suggestion ------------------------------------------------------------------------------------------------- */

/* The good ones first, then all others: worse, failed and pending. */
static vj_status split(const vj_search_task *task, const tpe_options *o, const int64_t **places, int64_t *good) {
  const int64_t *order = NULL;
  bool *is_ranked = vj_pool_take(task->pool, (size_t)task->count + 1);
  int64_t *all = vj_pool_take(task->pool, ((size_t)task->count + 1) * sizeof *all), others = task->measured;
  if (!is_ranked || !all) return vj_fail(VJ_MEMORY, "search: no memory for %lld trials", (long long)task->count);
  const int64_t share = (int64_t)ceil(o->good_share * (double)task->measured);
  *good = share < 1 ? 1 : share < o->most_good ? share : o->most_good;
  if (*good > task->measured) *good = task->measured;
  VJ_TRY(vj_search_rank(task, *good, &order));
  for (int64_t i = 0; i < task->measured; i++) {
    all[i] = order[i];
    is_ranked[order[i]] = true;
  }
  for (int64_t i = 0; i < task->count; i++)
    if (!is_ranked[i]) all[others++] = i;
  *places = all;
  return VJ_OK;
}

static vj_status choose(const vj_search_task *task, const density *good, const density *others, int64_t candidates,
                        double *at, vj_search_suggestion *suggestion) {
  candidate c = {0};
  double best = -INFINITY;
  VJ_TRY(make_candidate(task, &c));
  for (int64_t i = 0; i < candidates; i++) {
    draw_candidate(task, good, i, &c);
    if (best > -INFINITY && !vj_search_is_new(task, c.at, c.present)) continue;
    const double ratio = log_density(task, good, &c) - log_density(task, others, &c);
    const double value = vj_search_is_new(task, c.at, c.present) ? ratio : -1e300;
    if (value <= best) continue;
    best = value;
    memcpy(at, c.at, (size_t)task->space->count * sizeof *at);
  }
  suggestion->value = best;
  return VJ_OK;
}

static vj_status propose(const vj_search_task *task, double *at, vj_search_suggestion *suggestion) {
  const tpe_options *o = task->options;
  const int64_t *places = NULL;
  int64_t good_count = 0;
  density good, others;
  if (vj_search_is_startup(task, o->startup)) return vj_search_draw_sobol(task, at, suggestion);
  VJ_TRY(split(task, o, &places, &good_count));
  VJ_TRY(make_density(task, places, good_count, &good));
  VJ_TRY(make_density(task, places + good_count, task->count - good_count, &others));
  VJ_TRY(choose(task, &good, &others, o->candidates, at, suggestion));
  suggestion->model = "tpe";
  suggestion->acquisition = "log_density_ratio";
  suggestion->from = places;
  suggestion->from_count = good_count;
  suggestion->why = vj_pool_format(
      task->pool, "of %lld points near the %lld best of %lld results, the likeliest to be good: log l/g %.4g",
      (long long)o->candidates, (long long)good_count, (long long)task->measured, suggestion->value);
  return VJ_OK;
}

const vj_search_method vj_search_tpe = {
    .name = "tpe",
    .summary = "densities of good and of other settings; cheap, any space",
    .source = "Bergstra et al. 2011, Ozaki et al. 2022, Watanabe 2023 (arXiv 2304.11127)",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(tpe_options),
    .has_many_objectives = true,
    .propose = propose};
