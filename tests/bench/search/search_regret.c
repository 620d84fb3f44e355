/* Regret of the methods of sweeps/search on problems whose minimum is known, with four workers (lag 3), and what a
 * suggestion costs: a CSV on standard output. optuna_samplers.py has the same problems for Optuna.
 *
 *   cmake --build build --target search_regret
 *   build/tests/search_regret 20 gp,tpe branin,hartmann6,ackley10,conditional > ours.csv
 *   build/tests/search_regret cost 1000
 */
#include "sweeps/search/search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 100, LAG = 3, WIDEST = 10 };
static const double pi = 3.14159265358979323846;

/* --- problems ---------------------------------------------------------------------------------------------------- */

#define REAL(name_, low_, high_)                               \
  {                                                            \
    .name = (name_), .range = {(low_), (high_), false, false } \
  }
#define LOG(name_, low_, high_)                               \
  {                                                           \
    .name = (name_), .range = {(low_), (high_), true, false } \
  }
#define INTEGER(name_, low_, high_)                           \
  {                                                           \
    .name = (name_), .range = {(low_), (high_), false, true } \
  }
#define LOG_INTEGER(name_, low_, high_)                      \
  {                                                          \
    .name = (name_), .range = {(low_), (high_), true, true } \
  }
#define CHOICE(name_, choices_) \
  { .name = (name_), .choices = (choices_) }

static double branin(const double *v) {
  const double b = 5.1 / (4 * pi * pi), c = 5 / pi, t = 1 / (8 * pi), x = v[0];
  return pow(v[1] - b * x * x + c * x - 6, 2) + 10 * (1 - t) * cos(x) + 10 - 0.39788735772973816;
}

static double hartmann6(const double *v) {
  static const double a[4][6] = {
      {10, 3, 17, 3.5, 1.7, 8}, {0.05, 10, 17, 0.1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, 0.05, 10, 0.1, 14}};
  static const double p[4][6] = {{1312, 1696, 5569, 124, 8283, 5886},
                                 {2329, 4135, 8307, 3736, 1004, 9991},
                                 {2348, 1451, 3522, 2883, 3047, 6650},
                                 {4047, 8828, 8732, 5743, 1091, 381}};
  static const double c[4] = {1, 1.2, 3, 3.2};
  double sum = 0;
  for (int i = 0; i < 4; i++) {
    double square = 0;
    for (int d = 0; d < 6; d++) square += a[i][d] * pow(v[d] - 1e-4 * p[i][d], 2);
    sum += c[i] * exp(-square);
  }
  return 3.3223680114155147 - sum;
}

static double ackley10(const double *v) {
  static const double choices[] = {1, -4, 0, 3, -2};
  double square = 0, wave = 0;
  for (int d = 0; d < 10; d++) {
    const double x = d < 7 ? v[d] : choices[(int)v[d]];
    square += x * x / 10;
    wave += cos(2 * pi * x) / 10;
  }
  return 20 + exp(1) - 20 * exp(-0.2 * sqrt(square)) - exp(wave);
}

/* kind, width, depth, then of sgd: lr, momentum; of adam: lr, beta, decay, and of decay: weight_decay */
static double conditional(const double *v) {
  const double t = log2(v[1]), best = -2 - 0.25 * (t - 6);
  double value = 0.05 + 0.02 * (t - 7) * (t - 7) + 0.03 * (v[2] - 3) * (v[2] - 3);
  if (v[0] == 0) return value + 0.6;
  if (v[0] == 1) return value + 0.15 + 0.1 * pow(log10(v[3]) - best - 1, 2) + 0.5 * pow(v[4] - 0.9, 2);
  value += 0.1 * pow(log10(v[5]) - best, 2) + 0.05 * pow(log10(v[6]) + 2.5, 2);
  if (v[7] == 1) value += 0.04 * pow(log10(v[8]) + 3, 2) - 0.05;
  return value;
}

static bool conditional_exists(const void *context, const double *at, const bool *present, int64_t d) {
  (void)context;
  const int kind = (int)(at[0] * 3);
  if (d < 3) return true;
  if (d < 5) return kind == 1;
  if (d < 8) return kind == 2;
  return present[7] && at[7] >= 0.5;
}

static const vj_search_dimension branin_space[] = {REAL("x", -5, 10), REAL("y", 0, 15)};
static const vj_search_dimension hartmann_space[] = {REAL("x0", 0, 1), REAL("x1", 0, 1), REAL("x2", 0, 1),
                                                     REAL("x3", 0, 1), REAL("x4", 0, 1), REAL("x5", 0, 1)};
static const vj_search_dimension ackley_space[] = {
    REAL("x0", -5, 10),    REAL("x1", -5, 10),    REAL("x2", -5, 10), REAL("x3", -5, 10), INTEGER("i0", -5, 10),
    INTEGER("i1", -5, 10), INTEGER("i2", -5, 10), CHOICE("c0", 5),    CHOICE("c1", 5),    CHOICE("c2", 5)};
static const vj_search_dimension conditional_space[] = {
    CHOICE("kind", 3),      LOG_INTEGER("width", 8, 512), INTEGER("depth", 1, 6),
    LOG("sgd_lr", 1e-5, 1), REAL("momentum", 0, 1),       LOG("adam_lr", 1e-5, 1),
    LOG("beta", 1e-4, 0.1), CHOICE("decay", 2),           LOG("weight_decay", 1e-6, 0.1)};

static const struct problem {
  const char *name;
  vj_search_space space;
  double (*value)(const double *v);
} problems[] = {
    {"branin", {VJ_COUNT(branin_space), branin_space, NULL, NULL}, branin},
    {"hartmann6", {VJ_COUNT(hartmann_space), hartmann_space, NULL, NULL}, hartmann6},
    {"ackley10", {VJ_COUNT(ackley_space), ackley_space, NULL, NULL}, ackley10},
    {"conditional", {VJ_COUNT(conditional_space), conditional_space, conditional_exists, NULL}, conditional},
};

/* --- searches ----------------------------------------------------------------------------------------------------- */

static double cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void must(vj_status status) {
  if (status == VJ_OK) return;
  fprintf(stderr, "search_regret: %s\n", vj_error_message());
  exit(1);
}

static double evaluate(const struct problem *problem, const vj_search_point *point) {
  double values[WIDEST] = {0};
  char text[VJ_REAL_BYTES];
  for (int64_t d = 0; d < problem->space.count; d++)
    if (point->present[d]) values[d] = strtod(vj_search_text(&problem->space.dimensions[d], point->at[d], text), NULL);
  return problem->value(values);
}

static vj_search_point copy_of(vj_pool *pool, const vj_search_point *point, int64_t dimensions) {
  double *at = vj_pool_take(pool, (size_t)dimensions * sizeof *at);
  bool *present = vj_pool_take(pool, (size_t)dimensions);
  if (!at || !present) exit(1);
  memcpy(at, point->at, (size_t)dimensions * sizeof *at);
  memcpy(present, point->present, (size_t)dimensions);
  return (vj_search_point){at, present};
}

static void run(const struct problem *problem, const char *name, uint64_t seed) {
  vj_search_observation past[MOST] = {0};
  double values[MOST], best = INFINITY;
  const double begun = cpu_seconds();
  vj_pool *kept = NULL;
  must(vj_pool_create(&kept));
  const vj_search search = {
      .method = vj_search_method_find(name), .seed = seed, .space = &problem->space, .objective_count = 1};
  if (!search.method) exit(2);
  for (int64_t s = 0; s < MOST; s++) {
    vj_pool *pool = NULL;
    vj_search_suggestion found;
    must(vj_pool_create(&pool));
    for (int64_t i = 0; i < s; i++) past[i].state = i < s - LAG ? VJ_SEARCH_MEASURED : VJ_SEARCH_PENDING;
    must(vj_search_suggest(pool, &search, past, s, s, &found));
    if (getenv("VERBOSE")) printf("%3d %s\n", (int)s, found.why);
    past[s] = (vj_search_observation){.point = copy_of(kept, &found.point, problem->space.count), .seeds = 1};
    values[s] = evaluate(problem, &past[s].point);
    past[s].mean = &values[s];
    best = fmin(best, values[s]);
    if (s == 49 || s == 99)
      printf("%s,%s,%d,%d,%.9g,%.3g\n", problem->name, name, (int)seed - 1, (int)s + 1, best, cpu_seconds() - begun);
    vj_pool_destroy(&pool);
  }
  fflush(stdout);
  vj_pool_destroy(&kept);
}

/* What one suggestion takes with so many results, drawn at random. */
static void cost(int64_t count) {
  const struct problem *problem = &problems[2];
  vj_pool *pool = NULL;
  must(vj_pool_create(&pool));
  vj_search_observation *past = vj_pool_take(pool, (size_t)count * sizeof *past);
  double *values = vj_pool_take(pool, (size_t)count * sizeof *values);
  if (!past || !values) exit(1);
  for (int64_t i = 0; i < count; i++) {
    const vj_search search = {
        .method = vj_search_method_find("random"), .seed = 1, .space = &problem->space, .objective_count = 1};
    vj_search_suggestion found;
    must(vj_search_suggest(pool, &search, past, i, i, &found));
    past[i] = (vj_search_observation){found.point, i < count - 8 ? VJ_SEARCH_MEASURED : VJ_SEARCH_PENDING, .seeds = 1};
    values[i] = evaluate(problem, &found.point);
    past[i].mean = &values[i];
  }
  for (int64_t m = 0; vj_search_method_at(m); m++) {
    const vj_search search = {
        .method = vj_search_method_at(m), .seed = 1, .space = &problem->space, .objective_count = 1};
    vj_search_suggestion found;
    double least = INFINITY;
    for (int again = 0; again < 3; again++) {
      const double begun = cpu_seconds();
      must(vj_search_suggest(pool, &search, past, count, count, &found));
      least = fmin(least, cpu_seconds() - begun);
    }
    printf("%s: %.1f ms at %lld results (%s)\n", vj_search_method_name(search.method), 1e3 * least, (long long)count,
           found.why);
  }
  vj_pool_destroy(&pool);
}

static bool is_among(const char *name, const char *list) {
  const size_t length = strlen(name);
  for (const char *at = list; (at = strstr(at, name)); at += length)
    if ((at == list || at[-1] == ',') && (at[length] == ',' || !at[length])) return true;
  return false;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "cost") == 0) {
    cost(atoll(argv[2]));
    return 0;
  }
  if (argc != 4) {
    fprintf(stderr, "search_regret SEEDS METHODS PROBLEMS | cost RESULTS\n");
    return 2;
  }
  puts("problem,method,seed,trials,regret,cpu_s");
  for (int seed = 1; seed <= atoi(argv[1]); seed++)
    for (int64_t m = 0; vj_search_method_at(m); m++)
      for (size_t p = 0; p < VJ_COUNT(problems); p++) {
        const char *name = vj_search_method_name(vj_search_method_at(m));
        if (is_among(name, argv[2]) && is_among(problems[p].name, argv[3])) run(&problems[p], name, (uint64_t)seed);
      }
  return 0;
}
