/* What the tests of moving digits share: a data set opened with some settings, one sample of it, and what holds for
 * every one: any thread gets the same sample, pixels are where labels say, digits bounce off walls. */
#ifndef VJ_TESTS_COMPONENTS_MOVING_DIGITS_TESTING_H
#define VJ_TESTS_COMPONENTS_MOVING_DIGITS_TESTING_H

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/digits/digits.h"
#include "tests/components/dataset_testing.h"

enum { INPUT = 3, TARGET = 12, FRAMES = INPUT + TARGET };

/* One "row=value" of a configuration; a choice by its index. */
typedef struct setting {
  const char *row;
  double value;
} setting;

static const setting defaults[] = {{NULL, 0}};

static inline void set_row(void *field, const vj_param *row, double value) {
  const int64_t whole = (int64_t)value;
  const int chosen = (int)value;
  if (row->type == VJ_PARAM_CHOICE) {
    memcpy(field, &chosen, sizeof chosen);
    return;
  }
  assert_true(value >= row->minimum && value <= row->maximum);
  assert_true(row->type == VJ_PARAM_INTEGER || row->type == VJ_PARAM_REAL);
  if (row->type == VJ_PARAM_REAL) {
    memcpy(field, &value, sizeof value);
    return;
  }
  assert_true((double)whole == value);
  memcpy(field, &whole, sizeof whole);
}

/* All defaults but for `settings` (ended by a NULL row), as the rows of the component say where they belong. The first
 * of a choice is its default. */
static inline void make_config(const vj_component *c, void *config, const char *digits, const setting *settings) {
  for (size_t i = 0; i < c->param_count; i++) {
    const vj_param *row = &c->params[i];
    void *const field = (char *)config + row->offset;
    double value = strtod(row->fallback, NULL);
    for (const setting *s = settings; s->row; s++)
      if (strcmp(s->row, row->name) == 0) value = s->value;
    if (row->type == VJ_PARAM_TEXT)
      memcpy(field, &digits, sizeof digits);
    else
      set_row(field, row, value);
  }
}

static inline vj_status try_open(const vj_component *c, const char *digits, const setting *settings,
                                 vj_clip_request request, void **dataset) {
  void *config = calloc(1, c->config_bytes);
  assert_non_null(config);
  make_config(c, config, digits, settings);
  const vj_status status = c->as.dataset.open(config, &request, dataset);
  free(config);
  return status;
}

static inline vj_clip_request usual_clip(uint64_t seed) {
  return (vj_clip_request){.input_frames = INPUT, .target_frames = TARGET, .seed = seed};
}

static inline fixture open_clips(const vj_component *c, const char *digits, const setting *settings,
                                 vj_clip_request request) {
  void *dataset;
  assert_ok(try_open(c, digits, settings, request, &dataset));
  return fixture_of(c, &request, dataset);
}

/* In a clip. */
static inline int64_t digits_of(const fixture *f) {
  int64_t at;
  return find_label(&f->info, "velocity", &at)->width / 2;
}

/* Of digit k at frame t of the whole clip. */
static inline const float *position(const fixture *f, int64_t t, int64_t k) {
  const int64_t digits = digits_of(f);
  return t < f->input ? label(f, "input_position") + (t * digits + k) * 2
                      : label(f, "position") + ((t - f->input) * digits + k) * 2;
}

/* --- what holds for every data set of moving digits -------------------------------------------------------------- */

/* Draws every digit of the sample at the rounded labels and compares the clip with it, pixel by pixel. */
static inline void expect_drawn_at_labels(const fixture *f, const vj_digits *digits, vj_split split) {
  static float frame[64 * 64];
  const vj_digit_set *set = &digits->split[split];
  assert_int_equal(f->info.width, 64);
  for (int64_t t = 0; t < f->info.frames; t++) {
    memset(frame, 0, sizeof frame);
    for (int64_t k = 0; k < digits_of(f); k++) {
      const int64_t number = (int64_t)label(f, "digit_index")[k] - set->first;
      assert_in_range(number, 0, set->count - 1);
      assert_int_equal((int)label(f, k == 0 ? "digit" : "digit_second")[0], set->labels[number]);
      const long left = lroundf(position(f, t, k)[0]), top = lroundf(position(f, t, k)[1]);
      for (long i = 0; i < VJ_DIGIT_PIXELS; i++) {
        float *pixel = &frame[(top + i / VJ_DIGIT_SIDE) * 64 + left + i % VJ_DIGIT_SIDE];
        *pixel = fmaxf(*pixel, (float)vj_digit_image(set, number)[i] / 255.0f);
      }
    }
    assert_memory_equal(frame, f->frames + t * 64 * 64, sizeof frame);
  }
}

enum { THREADS = 4, SHARED_SAMPLES = 40 };

typedef struct reader {
  const fixture *f;
  float *frames, *labels; /* SHARED_SAMPLES samples */
  int64_t first;          /* each thread takes the samples in its own order */
} reader;

static inline void *read_samples(void *argument) {
  const reader *r = argument;
  const vj_clip_info *info = &r->f->info;
  const int64_t pixels = info->frames * info->height * info->width;
  for (int64_t i = 0; i < SHARED_SAMPLES; i++) {
    const int64_t n = (i + r->first) % SHARED_SAMPLES;
    if (r->f->ops->sample(r->f->dataset, VJ_TRAIN, n, r->frames + n * pixels, r->labels + n * info->label_width) !=
        VJ_OK)
      return argument;
  }
  return NULL;
}

static inline void expect_the_same_in_any_thread(const fixture *f) {
  const size_t frame_bytes = (size_t)(f->info.frames * f->info.height * f->info.width) * sizeof(float) * SHARED_SAMPLES;
  const size_t label_bytes = (size_t)f->info.label_width * sizeof(float) * SHARED_SAMPLES;
  pthread_t threads[THREADS];
  reader readers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    readers[i] = (reader){.f = f, .frames = malloc(frame_bytes), .labels = malloc(label_bytes), .first = 11 * i};
    assert_non_null(readers[i].frames);
    assert_non_null(readers[i].labels);
    /* Filled with rubbish: a sample writes every number. */
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
}

static inline int compare_bits(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* In all splits of one data set and the training split of one with another seed, the first `each` samples differ in
 * the first numbers of a label, `bytes` of them. */
static inline void expect_other_clips(const fixture *f, const fixture *other, int64_t each, const char *name,
                                      size_t bytes) {
  const size_t most = (size_t)(VJ_SPLITS + 1) * (size_t)each;
  uint64_t *drawn = calloc(most, sizeof *drawn);
  size_t count = 0;
  assert_non_null(drawn);
  assert_true(bytes <= sizeof *drawn);
  for (int64_t n = 0; n < each; n++) {
    for (int split = 0; split < VJ_SPLITS; split++) {
      take(f, (vj_split)split, n);
      memcpy(&drawn[count++], label(f, name), bytes);
    }
    take(other, VJ_TRAIN, n);
    memcpy(&drawn[count++], label(other, name), bytes);
  }
  assert_int_equal(count, most);
  qsort(drawn, count, sizeof *drawn, compare_bits);
  for (size_t i = 1; i < count; i++) assert_true(drawn[i] != drawn[i - 1]);
  free(drawn);
}

/* Sum of (count - expected)^2 / expected, all cells as likely. */
static inline double chi_square(const int *counts, int cells, double draws) {
  const double expected = draws / cells;
  double sum = 0;
  for (int i = 0; i < cells; i++) sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  return sum;
}

/* The straight line p + v t, folded into [0, range] like a paper strip: an independent form of exact reflection. */
static inline double folded(double p, double v, double t, double range) {
  const double q = fmod(fmod(p + v * t, 2.0 * range) + 2.0 * range, 2.0 * range);
  return q <= range ? q : 2.0 * range - q;
}

/* Whether a step of the straight line from `before` to `line` meets a wall, which is noted. Folds lie at multiples of
 * the range: at even ones the left or upper wall, at odd ones the right or lower. */
static inline bool meets_wall(double line, double before, double range, int axis, bool walls[4]) {
  const double fold = floor(line / range), old = floor(before / range);
  if (fold == old) return false;
  walls[2 * axis + (fmod(fmax(fold, old), 2.0) != 0)] = true;
  return true;
}

/* --- refusals ---------------------------------------------------------------------------------------------------- */

static inline void expect_refused(const vj_component *c, const char *digits, const setting *settings,
                                  vj_clip_request request, vj_status status, const char *sentence) {
  void *dataset = &dataset; /* rubbish */
  assert_error(try_open(c, digits, settings, request, &dataset), status, sentence);
  assert_null(dataset);
}

static inline void expect_folder_without_digits_named(const vj_component *c) {
  expect_refused(c, "no/such/folder", defaults, usual_clip(1), VJ_CONFIG,
                 "no/such/folder: found neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz; name the "
                 "folder with the four MNIST files, or leave out `digits` to use the built-in ones");
}

#endif
