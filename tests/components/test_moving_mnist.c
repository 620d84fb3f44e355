/* The moving digits: labels say what the pixels show, the motion is what its formula says, and a clip is a pure
 * function of (seed, split, number). */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/digits/digits.h"
#include "tests/support/requirements.h"
#include "vj/component.h"

extern const vj_component vj_dataset_moving_mnist;

enum { INPUT = 3, TARGET = 12, FRAMES = INPUT + TARGET };

/* --- the data set under test ------------------------------------------------------------------------------------ */

typedef struct fixture {
  void *dataset;
  vj_clip_info info;
  float *frames, *labels; /* room for one sample */
} fixture;

/* One "row=value" of a configuration. */
typedef struct setting {
  const char *row;
  int64_t value;
} setting;

/* All defaults but for `settings` (ended by a NULL row), as the rows of the component say where they belong. */
static void make_config(void *config, const char *digits, const setting *settings) {
  const vj_component *c = &vj_dataset_moving_mnist;
  for (size_t i = 0; i < c->param_count; i++) {
    const vj_param *row = &c->params[i];
    if (row->type == VJ_PARAM_TEXT) {
      memcpy((char *)config + row->offset, &digits, sizeof digits);
      continue;
    }
    assert_int_equal(row->type, VJ_PARAM_INTEGER);
    int64_t value = strtoll(row->fallback, NULL, 10);
    for (const setting *s = settings; s->row; s++)
      if (strcmp(s->row, row->name) == 0) value = s->value;
    assert_true((double)value >= row->minimum && (double)value <= row->maximum);
    memcpy((char *)config + row->offset, &value, sizeof value);
  }
}

static vj_status try_open(const char *digits, const setting *settings, uint64_t seed, void **dataset) {
  const vj_clip_request request = {.input_frames = INPUT, .target_frames = TARGET, .seed = seed};
  void *config = calloc(1, vj_dataset_moving_mnist.config_bytes);
  assert_non_null(config);
  make_config(config, digits, settings);
  const vj_status status = vj_dataset_moving_mnist.as.dataset.open(config, &request, dataset);
  free(config);
  return status;
}

static fixture open_fixture(const char *digits, const setting *settings, uint64_t seed) {
  fixture f;
  assert_ok(try_open(digits, settings, seed, &f.dataset));
  vj_dataset_moving_mnist.as.dataset.info(f.dataset, &f.info);
  f.frames = malloc((size_t)(f.info.frames * f.info.height * f.info.width * f.info.channels) * sizeof *f.frames);
  f.labels = malloc((size_t)f.info.label_width * sizeof *f.labels);
  assert_non_null(f.frames);
  assert_non_null(f.labels);
  return f;
}

static void close_fixture(fixture *f) {
  vj_dataset_moving_mnist.as.dataset.close(&f->dataset);
  assert_null(f->dataset);
  free(f->frames);
  free(f->labels);
}

static void take(const fixture *f, vj_split split, int64_t number) {
  assert_ok(vj_dataset_moving_mnist.as.dataset.sample(f->dataset, split, number, f->frames, f->labels));
}

/* Where a label's numbers stand in the current sample. */
static const float *label(const fixture *f, const char *name) {
  const float *at = f->labels;
  for (int64_t i = 0; i < f->info.label_count; i++) {
    if (strcmp(f->info.labels[i].name, name) == 0) return at;
    at += f->info.labels[i].width;
  }
  fail_msg("there is no label %s", name);
  return NULL;
}

/* Position of digit k at frame t of the whole clip. */
static const float *position(const fixture *f, int64_t digits, int64_t t, int64_t k) {
  return t < INPUT ? label(f, "input_position") + (t * digits + k) * 2
                   : label(f, "position") + ((t - INPUT) * digits + k) * 2;
}

static const setting defaults[] = {{NULL, 0}};

/* --- claims ------------------------------------------------------------------------------------------------------ */

static void info_describes_the_clip(void **state) {
  (void)state;
  static const struct {
    const char *name;
    vj_label_kind kind;
    int64_t width, classes;
  } expected[] = {
      {"speed", VJ_LABEL_REAL, 2, 0},           {"position", VJ_LABEL_REAL, 48, 0},
      {"input_position", VJ_LABEL_REAL, 12, 0}, {"velocity", VJ_LABEL_REAL, 4, 0},
      {"bounce", VJ_LABEL_FLAGS, 24, 0},        {"walls", VJ_LABEL_FLAGS, 4, 0},
      {"digit_index", VJ_LABEL_REAL, 2, 0},     {"digit", VJ_LABEL_CLASS, 1, 10},
      {"digit_second", VJ_LABEL_CLASS, 1, 10},
  };
  const setting two[] = {{"digit_count", 2}, {"size", 48}, {"validation_size", 77}, {NULL, 0}};
  fixture f = open_fixture("builtin", two, 1);
  assert_int_equal(f.info.frames, FRAMES);
  assert_int_equal(f.info.height, 48);
  assert_int_equal(f.info.width, 48);
  assert_int_equal(f.info.channels, 1);
  assert_int_equal(f.info.samples[VJ_TRAIN], 10000);
  assert_int_equal(f.info.samples[VJ_VALIDATION], 77);
  assert_int_equal(f.info.samples[VJ_TEST], 1000);
  assert_int_equal(f.info.label_count, VJ_COUNT(expected));
  assert_int_equal(f.info.label_width, 98);
  for (size_t i = 0; i < VJ_COUNT(expected); i++) {
    assert_string_equal(f.info.labels[i].name, expected[i].name);
    assert_int_equal(f.info.labels[i].kind, expected[i].kind);
    assert_int_equal(f.info.labels[i].width, expected[i].width);
    assert_int_equal(f.info.labels[i].classes, expected[i].classes);
  }
  close_fixture(&f);
  f = open_fixture("builtin", defaults, 1);
  assert_int_equal(f.info.label_count, 8);
  assert_int_equal(f.info.label_width, 1 + 24 + 6 + 2 + 12 + 4 + 1 + 1);
  close_fixture(&f);
}

enum { THREADS = 4, SHARED_SAMPLES = 40 };

typedef struct reader {
  const fixture *f;
  float *frames, *labels; /* SHARED_SAMPLES samples */
  int64_t first;          /* each thread takes the samples in its own order */
} reader;

static void *read_samples(void *argument) {
  const reader *r = argument;
  const vj_clip_info *info = &r->f->info;
  const int64_t pixels = info->frames * info->height * info->width;
  for (int64_t i = 0; i < SHARED_SAMPLES; i++) {
    const int64_t n = (i + r->first) % SHARED_SAMPLES;
    if (vj_dataset_moving_mnist.as.dataset.sample(r->f->dataset, VJ_TRAIN, n, r->frames + n * pixels,
                                                  r->labels + n * info->label_width) != VJ_OK)
      return argument;
  }
  return NULL;
}

static void any_thread_gets_the_same_sample(void **state) {
  (void)state;
  const setting two[] = {{"digit_count", 2}, {NULL, 0}};
  fixture f = open_fixture("builtin", two, 3);
  const size_t frame_bytes = (size_t)(f.info.frames * f.info.height * f.info.width) * sizeof(float) * SHARED_SAMPLES;
  const size_t label_bytes = (size_t)f.info.label_width * sizeof(float) * SHARED_SAMPLES;
  pthread_t threads[THREADS];
  reader readers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    /* Filled with rubbish: a sample writes every number. */
    readers[i] = (reader){.f = &f, .frames = malloc(frame_bytes), .labels = malloc(label_bytes), .first = 11 * i};
    assert_non_null(readers[i].frames);
    assert_non_null(readers[i].labels);
    memset(readers[i].frames, 0x70 + i, frame_bytes);
    memset(readers[i].labels, 0x70 + i, label_bytes);
  }
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, read_samples, &readers[i]), 0);
  for (int i = 0; i < THREADS; i++) {
    void *failed;
    assert_int_equal(pthread_join(threads[i], &failed), 0);
    assert_null(failed);
  }
  for (int i = 0; i < THREADS; i++) {
    assert_memory_equal(readers[i].frames, readers[0].frames, frame_bytes);
    assert_memory_equal(readers[i].labels, readers[0].labels, label_bytes);
  }
  for (int i = 0; i < THREADS; i++) {
    free(readers[i].frames);
    free(readers[i].labels);
  }
  close_fixture(&f);
}

/* A hash of where the first digit starts and how it moves: equal only for the same draw. */
static uint64_t start_of(const fixture *f) {
  uint64_t bits = 0;
  memcpy(&bits, label(f, "input_position"), sizeof bits);
  return bits;
}

static int compare_bits(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static void seeds_splits_and_numbers_give_other_clips(void **state) {
  (void)state;
  enum { EACH = 300 };
  static uint64_t starts[(VJ_SPLITS + 1) * EACH];
  size_t count = 0;
  fixture f = open_fixture("builtin", defaults, 5), other = open_fixture("builtin", defaults, 6);
  for (int64_t n = 0; n < EACH; n++) {
    for (int split = 0; split < VJ_SPLITS; split++) {
      take(&f, (vj_split)split, n);
      starts[count++] = start_of(&f);
    }
    take(&other, VJ_TRAIN, n);
    starts[count++] = start_of(&other);
  }
  qsort(starts, count, sizeof starts[0], compare_bits);
  for (size_t i = 1; i < count; i++) assert_true(starts[i] != starts[i - 1]);
  close_fixture(&f);
  close_fixture(&other);
}

/* Draws every digit of the sample at the rounded labels and compares the clip with it, pixel by pixel. */
static void expect_drawn_at_labels(const fixture *f, const vj_digits *digits, vj_split split, int64_t n) {
  static float frame[64 * 64];
  assert_int_equal(f->info.width, 64);
  for (int64_t t = 0; t < FRAMES; t++) {
    memset(frame, 0, sizeof frame);
    for (int64_t k = 0; k < n; k++) {
      const vj_digit_set *set = &digits->split[split];
      const int64_t number = (int64_t)label(f, "digit_index")[k] - set->first;
      assert_in_range(number, 0, set->count - 1);
      assert_int_equal((int)label(f, k == 0 ? "digit" : "digit_second")[0], set->labels[number]);
      const float *at = position(f, n, t, k);
      const long left = lroundf(at[0]), top = lroundf(at[1]);
      for (long row = 0; row < VJ_DIGIT_SIDE; row++)
        for (long column = 0; column < VJ_DIGIT_SIDE; column++) {
          float *pixel = &frame[(top + row) * 64 + left + column];
          const float ink = (float)vj_digit_image(set, number)[row * VJ_DIGIT_SIDE + column] / 255.0f;
          if (ink > *pixel) *pixel = ink;
        }
    }
    assert_memory_equal(frame, f->frames + t * 64 * 64, sizeof frame);
  }
}

static void pixels_show_the_labelled_digits_at_the_labelled_places(void **state) {
  (void)state;
  vj_pool *pool;
  vj_digits digits;
  assert_ok(vj_pool_create(&pool));
  assert_ok(vj_digits_draw(pool, &digits));
  for (int64_t n = 1; n <= 2; n++) {
    const setting count[] = {{"digit_count", n}, {NULL, 0}};
    fixture f = open_fixture("builtin", count, 11);
    for (int split = 0; split < VJ_SPLITS; split++)
      for (int64_t number = 0; number < 60; number++) {
        take(&f, (vj_split)split, number);
        expect_drawn_at_labels(&f, &digits, (vj_split)split, n);
      }
    close_fixture(&f);
  }
  vj_pool_destroy(&pool);
}

/* Centre of mass of one frame, (x, y). */
static void centroid(const float *frame, int64_t size, double centre[2]) {
  double sum = 0, x = 0, y = 0;
  for (int64_t row = 0; row < size; row++)
    for (int64_t column = 0; column < size; column++) {
      const double ink = frame[row * size + column];
      sum += ink;
      x += ink * (double)column;
      y += ink * (double)row;
    }
  assert_true(sum > 0);
  centre[0] = x / sum;
  centre[1] = y / sum;
}

static void small_digits_move_as_their_labels_say(void **state) {
  (void)state;
  const setting small[] = {{"size", 32}, {"digit_size", 14}, {NULL, 0}};
  fixture f = open_fixture("builtin", small, 12);
  for (int64_t number = 0; number < 60; number++) {
    double first[2], centre[2];
    take(&f, VJ_TRAIN, number);
    centroid(f.frames, 32, first);
    for (int64_t t = 1; t < FRAMES; t++) {
      centroid(f.frames + t * 32 * 32, 32, centre);
      for (int axis = 0; axis < 2; axis++) {
        const double moved = position(&f, 1, t, 0)[axis] - position(&f, 1, 0, 0)[axis];
        assert_true(fabs(centre[axis] - first[axis] - moved) <= 1.0 + 1e-4); /* both ends were rounded */
      }
    }
  }
  close_fixture(&f);
}

static void shrinking_a_digit_keeps_its_mean_ink(void **state) {
  (void)state;
  vj_pool *pool;
  vj_digits digits;
  assert_ok(vj_pool_create(&pool));
  assert_ok(vj_digits_draw(pool, &digits));
  static const int64_t sides[] = {4, 9, 14, 27, 28};
  for (size_t s = 0; s < VJ_COUNT(sides); s++) {
    const int64_t side = sides[s];
    const setting small[] = {{"digit_size", side}, {NULL, 0}};
    fixture f = open_fixture("builtin", small, 13);
    take(&f, VJ_TEST, side);
    const int64_t number = (int64_t)label(&f, "digit_index")[0];
    double expected = 0, ink = 0;
    for (int64_t i = 0; i < VJ_DIGIT_PIXELS; i++)
      expected += vj_digit_image(&digits.split[VJ_TEST], number)[i] / 255.0 / VJ_DIGIT_PIXELS;
    for (int64_t i = 0; i < 64 * 64; i++) ink += f.frames[i] / (double)(side * side);
    assert_true(fabs(ink - expected) < 1e-5);
    close_fixture(&f);
  }
  vj_pool_destroy(&pool);
}

/* The straight line p + v t, folded into [0, range] like a paper strip: an independent form of exact reflection. */
static double folded(double p, double v, double t, double range) {
  const double q = fmod(fmod(p + v * t, 2.0 * range) + 2.0 * range, 2.0 * range);
  return q <= range ? q : 2.0 * range - q;
}

/* Folds lie at multiples of the range: at even ones the left or upper wall, at odd ones the right or lower. */
static void note_wall(double line, double before, double range, int axis, bool *walls) {
  const double fold = floor(line / range), old = floor(before / range);
  if (fold != old) walls[2 * axis + (fmod(fmax(fold, old), 2.0) != 0)] = true;
}

static void check_motion(const fixture *f, int64_t n, double range) {
  bool walls[4] = {false};
  for (int64_t k = 0; k < n; k++) {
    const float *start = position(f, n, 0, k), *velocity = label(f, "velocity") + 2 * k;
    for (int64_t t = 0; t < FRAMES; t++) {
      bool bounced = false;
      for (int axis = 0; axis < 2; axis++) {
        const double p = position(f, n, t, k)[axis], line = start[axis] + velocity[axis] * (double)t;
        assert_true(p >= 0.0 && p <= range);
        assert_true(fabs(p - folded(start[axis], velocity[axis], (double)t, range)) < 1e-4);
        if (floor(line / range) != floor((line - velocity[axis]) / range)) bounced = true;
        if (t >= INPUT) note_wall(line, line - velocity[axis], range, axis, walls);
      }
      if (t >= INPUT) assert_int_equal((int)label(f, "bounce")[(t - INPUT) * n + k], bounced);
      if (t < INPUT || bounced) continue;
      const float *now = position(f, n, t, k), *before = position(f, n, t - 1, k);
      const double step = hypot(now[0] - before[0], now[1] - before[1]);
      assert_true(fabs(step - hypot(velocity[0], velocity[1])) < 1e-4);
    }
  }
  for (int wall = 0; wall < 4; wall++) assert_int_equal((int)label(f, "walls")[wall], walls[wall]);
}

static void reflection_folds_a_straight_line(void **state) {
  (void)state;
  static const struct {
    int64_t size, digit_size, count, max_speed;
  } cases[] = {{64, 28, 1, 4}, {64, 28, 2, 4}, {32, 28, 2, 4}, {20, 14, 1, 6}, {33, 4, 2, 17}};
  for (size_t i = 0; i < VJ_COUNT(cases); i++) {
    const setting settings[] = {{"size", cases[i].size},
                                {"digit_size", cases[i].digit_size},
                                {"digit_count", cases[i].count},
                                {"max_speed", cases[i].max_speed},
                                {NULL, 0}};
    fixture f = open_fixture("builtin", settings, 17);
    int bounces = 0;
    for (int64_t number = 0; number < 200; number++) {
      take(&f, VJ_TRAIN, number);
      check_motion(&f, cases[i].count, (double)(cases[i].size - cases[i].digit_size));
      for (int64_t t = 0; t < TARGET; t++) bounces += (int)label(&f, "bounce")[t];
    }
    assert_true(bounces > 0);
    close_fixture(&f);
  }
}

static void speed_is_the_length_of_the_velocity_smaller_first(void **state) {
  (void)state;
  const setting two[] = {{"digit_count", 2}, {NULL, 0}};
  fixture f = open_fixture("builtin", two, 19);
  int swapped = 0;
  for (int64_t number = 0; number < 200; number++) {
    take(&f, VJ_TRAIN, number);
    const float *speed = label(&f, "speed"), *v = label(&f, "velocity");
    const float first = (float)hypot(v[0], v[1]), second = (float)hypot(v[2], v[3]);
    assert_true(speed[0] == fminf(first, second) && speed[1] == fmaxf(first, second));
    swapped += first > second;
  }
  assert_in_range(swapped, 50, 150);
  close_fixture(&f);
}

static void velocities_cover_the_grid_but_never_stand_still(void **state) {
  (void)state;
  enum { DRAWS = 10000, CELLS = 80 };
  int seen[9][9] = {{0}};
  fixture f = open_fixture("builtin", defaults, 23);
  for (int64_t number = 0; number < DRAWS; number++) {
    take(&f, VJ_TRAIN, number);
    const float *v = label(&f, "velocity");
    assert_true(v[0] == floorf(v[0]) && v[1] == floorf(v[1]) && fabsf(v[0]) <= 4 && fabsf(v[1]) <= 4);
    seen[(int)v[1] + 4][(int)v[0] + 4]++;
  }
  assert_int_equal(seen[4][4], 0);
  double chi_square = 0;
  for (int y = 0; y < 9; y++)
    for (int x = 0; x < 9; x++) {
      const double expected = (double)DRAWS / CELLS;
      if (x == 4 && y == 4) continue;
      assert_true(seen[y][x] > 0);
      chi_square += (seen[y][x] - expected) * (seen[y][x] - expected) / expected;
    }
  assert_true(chi_square < 124.8); /* the 0.1 % point of chi-square with 79 degrees of freedom */
  close_fixture(&f);
}

static void predicting_the_mean_speed_costs_1_480(void **state) {
  (void)state;
  double sum = 0, square = 0;
  int cells = 0;
  for (int y = -4; y <= 4; y++)
    for (int x = -4; x <= 4; x++) {
      if (x == 0 && y == 0) continue;
      sum += sqrt(x * x + y * y);
      square += x * x + y * y;
      cells++;
    }
  const double mean = sum / cells, variance = square / cells - mean * mean;
  assert_true(fabs(mean - 3.467) < 5e-4);
  assert_true(fabs(variance - 1.480) < 5e-4);

  fixture f = open_fixture("builtin", defaults, 29);
  double sampled = 0, sampled_square = 0;
  for (int64_t number = 0; number < 10000; number++) {
    take(&f, VJ_TRAIN, number);
    const double speed = label(&f, "speed")[0];
    sampled += speed / 10000;
    sampled_square += speed * speed / 10000;
  }
  /* Four standard errors of 10,000 draws. */
  assert_true(fabs(sampled - mean) < 4 * sqrt(variance / 10000));
  assert_true(fabs(sampled_square - sampled * sampled - variance) < 0.08);
  close_fixture(&f);
}

static void starts_fill_the_canvas_evenly(void **state) {
  (void)state;
  double sum[2] = {0}, square[2] = {0};
  fixture f = open_fixture("builtin", defaults, 31);
  for (int64_t number = 0; number < 4000; number++) {
    take(&f, VJ_TRAIN, number);
    for (int axis = 0; axis < 2; axis++) {
      const double p = position(&f, 1, 0, 0)[axis] / 36.0;
      sum[axis] += p / 4000;
      square[axis] += p * p / 4000;
    }
  }
  for (int axis = 0; axis < 2; axis++) {
    assert_true(fabs(sum[axis] - 0.5) < 0.02);
    assert_true(fabs(square[axis] - sum[axis] * sum[axis] - 1.0 / 12.0) < 0.004);
  }
  close_fixture(&f);
}

static void sizes_that_do_not_fit_are_refused(void **state) {
  (void)state;
  const setting no_room[] = {{"size", 28}, {NULL, 0}};
  const setting too_fast[] = {{"size", 32}, {"max_speed", 5}, {NULL, 0}};
  const setting no_cells[] = {{"downsample", 3}, {NULL, 0}};
  void *dataset;
  assert_int_equal(try_open("builtin", no_room, 1, &dataset), VJ_CONFIG);
  assert_null(dataset);
  assert_string_equal(vj_error_message(), "data.size: expected more than digit_size = 28, got 28");
  assert_error(try_open("builtin", too_fast, 1, &dataset), VJ_CONFIG,
               "data.max_speed: expected at most size - digit_size = 4, got 5");
  assert_error(try_open("builtin", no_cells, 1, &dataset), VJ_CONFIG,
               "data.downsample: expected a divisor of size = 64, got 3");
}

static void a_folder_without_digits_is_named(void **state) {
  (void)state;
  void *dataset;
  assert_int_equal(try_open("no/such/folder", defaults, 1, &dataset), VJ_IO);
  assert_null(dataset);
  assert_string_equal(vj_error_message(),
                      "no/such/folder: found neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz; name the "
                      "folder with the four MNIST files, or leave out `digits` to use the built-in ones");
}

static void real_mnist_digits_move_too(void **state) {
  (void)state;
  const char *folder = getenv("VJ_MNIST");
  if (!folder) impossible("VJ_MNIST names no folder with the four MNIST files");
  vj_pool *pool;
  vj_digits digits;
  int64_t ones = 0;
  assert_ok(vj_pool_create(&pool));
  assert_ok(vj_digits_read(pool, folder, &digits));
  assert_int_equal(digits.split[VJ_TRAIN].count, 55000);
  assert_int_equal(digits.split[VJ_VALIDATION].count, 5000);
  assert_int_equal(digits.split[VJ_VALIDATION].first, 55000);
  assert_int_equal(digits.split[VJ_TEST].count, 10000);
  /* What everybody knows of MNIST: it starts with 5, 0, 4 and t10k with 7, 2, 1; 11.35 % of t10k are ones. */
  assert_memory_equal(digits.split[VJ_TRAIN].labels, ((const uint8_t[]){5, 0, 4}), 3);
  assert_memory_equal(digits.split[VJ_TEST].labels, ((const uint8_t[]){7, 2, 1}), 3);
  for (int64_t i = 0; i < 10000; i++) ones += digits.split[VJ_TEST].labels[i] == 1;
  assert_int_equal(ones, 1135);
  fixture f = open_fixture(folder, defaults, 37);
  for (int split = 0; split < VJ_SPLITS; split++)
    for (int64_t number = 0; number < 50; number++) {
      take(&f, (vj_split)split, number);
      expect_drawn_at_labels(&f, &digits, (vj_split)split, 1);
    }
  close_fixture(&f);
  vj_pool_destroy(&pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(info_describes_the_clip),
      cmocka_unit_test(any_thread_gets_the_same_sample),
      cmocka_unit_test(seeds_splits_and_numbers_give_other_clips),
      cmocka_unit_test(pixels_show_the_labelled_digits_at_the_labelled_places),
      cmocka_unit_test(small_digits_move_as_their_labels_say),
      cmocka_unit_test(shrinking_a_digit_keeps_its_mean_ink),
      cmocka_unit_test(reflection_folds_a_straight_line),
      cmocka_unit_test(speed_is_the_length_of_the_velocity_smaller_first),
      cmocka_unit_test(velocities_cover_the_grid_but_never_stand_still),
      cmocka_unit_test(predicting_the_mean_speed_costs_1_480),
      cmocka_unit_test(starts_fill_the_canvas_evenly),
      cmocka_unit_test(sizes_that_do_not_fit_are_refused),
      cmocka_unit_test(a_folder_without_digits_is_named),
      cmocka_unit_test(real_mnist_digits_move_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
