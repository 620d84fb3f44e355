/* What the tests of data sets share: one that is open, one sample of it, and its labels by name. */
#ifndef VJ_TESTS_COMPONENTS_DATASET_TESTING_H
#define VJ_TESTS_COMPONENTS_DATASET_TESTING_H

#include <stdlib.h>
#include <string.h>

#include "tests/support/testing.h"
#include "vj/component.h"

typedef struct fixture {
  const vj_dataset_ops *ops;
  void *dataset;
  vj_clip_info info;
  int64_t input, target;
  float *frames, *labels; /* room for one sample */
} fixture;

/* Of an open data set, which it owns. */
static inline fixture fixture_of(const vj_component *c, const vj_clip_request *request, void *dataset) {
  fixture f = {.ops = &c->as.dataset, .dataset = dataset};
  f.input = request->input_frames;
  f.target = request->target_frames;
  f.ops->info(dataset, &f.info);
  f.frames = malloc((size_t)(f.info.frames * f.info.height * f.info.width * f.info.channels) * sizeof *f.frames);
  f.labels = malloc((size_t)f.info.label_width * sizeof *f.labels);
  assert_non_null(f.frames);
  assert_non_null(f.labels);
  return f;
}

static inline void close_fixture(fixture *f) {
  f->ops->close(&f->dataset);
  assert_null(f->dataset);
  free(f->frames);
  free(f->labels);
}

static inline void take(const fixture *f, vj_split split, int64_t number) {
  assert_in_range(number, 0, f->info.samples[split] - 1);
  assert_ok(f->ops->sample(f->dataset, split, number, f->frames, f->labels));
}

/* The label, and where its numbers stand in a sample. */
static inline const vj_label *find_label(const vj_clip_info *info, const char *name, int64_t *at) {
  *at = 0;
  for (int64_t i = 0; i < info->label_count; *at += info->labels[i++].width)
    if (strcmp(info->labels[i].name, name) == 0) return &info->labels[i];
  fail_msg("there is no label %s", name);
  return NULL;
}

/* A label's numbers in the current sample. */
static inline const float *label(const fixture *f, const char *name) {
  int64_t at;
  (void)find_label(&f->info, name, &at);
  return f->labels + at;
}

static inline void expect_labels(const fixture *f, const vj_label *expected, size_t count) {
  assert_int_equal(f->info.label_count, count);
  for (size_t i = 0; i < count; i++) {
    const vj_label *found = &f->info.labels[i];
    assert_string_equal(found->name, expected[i].name);
    assert_int_equal(found->kind, expected[i].kind);
    assert_int_equal(found->width, expected[i].width);
    assert_int_equal(found->classes, expected[i].classes);
    assert_string_equal(found->unit, expected[i].unit);
  }
}

#endif
