/* The moving digits: labels say what the pixels show, the motion is what its formula says, and a clip is a pure
 * function of (seed, split, number). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/components/moving_digits_testing.h"
#include "tests/support/requirements.h"

extern const vj_component vj_dataset_moving_mnist;

static fixture open_fixture(const char *digits, const setting *settings, uint64_t seed) {
  return open_clips(&vj_dataset_moving_mnist, digits, settings, usual_clip(seed));
}

/* --- claims ------------------------------------------------------------------------------------------------------ */

static void info_describes_the_clip(void **state) {
  (void)state;
  static const vj_label expected[] = {
      {"speed", VJ_LABEL_REAL, 2, 0, "px/frame", NULL, false, 0, NULL},
      {"position", VJ_LABEL_REAL, 48, 0, "px", NULL, false, 12, NULL},
      {"input_position", VJ_LABEL_REAL, 12, 0, "px", NULL, false, 0, NULL},
      {"velocity", VJ_LABEL_REAL, 4, 0, "px/frame", NULL, false, 0, NULL},
      {"bounce", VJ_LABEL_FLAGS, 24, 0, "", NULL, false, 12, NULL},
      {"walls", VJ_LABEL_FLAGS, 4, 0, "", NULL, false, 0, NULL},
      {"digit_index", VJ_LABEL_REAL, 2, 0, "", NULL, false, 0, NULL},
      {"digit", VJ_LABEL_CLASS, 1, 10, "", NULL, false, 0, NULL},
      {"digit_second", VJ_LABEL_CLASS, 1, 10, "", NULL, false, 0, NULL},
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
  assert_int_equal(f.info.label_width, 98);
  expect_labels(&f, expected, VJ_COUNT(expected));
  close_fixture(&f);
  f = open_fixture("builtin", defaults, 1);
  assert_int_equal(f.info.label_count, 8);
  assert_int_equal(f.info.label_width, 1 + 24 + 6 + 2 + 12 + 4 + 1 + 1);
  close_fixture(&f);
}

static void any_thread_gets_the_same_sample(void **state) {
  (void)state;
  const setting two[] = {{"digit_count", 2}, {NULL, 0}};
  fixture f = open_fixture("builtin", two, 3);
  expect_the_same_in_any_thread(&f);
  close_fixture(&f);
}

static void seeds_splits_and_numbers_give_other_clips(void **state) {
  (void)state;
  fixture f = open_fixture("builtin", defaults, 5), other = open_fixture("builtin", defaults, 6);
  expect_other_clips(&f, &other, 300, "input_position", 2 * sizeof(float));
  close_fixture(&f);
  close_fixture(&other);
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
        expect_drawn_at_labels(&f, &digits, (vj_split)split);
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
        const double moved = position(&f, t, 0)[axis] - position(&f, 0, 0)[axis];
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

static void check_motion(const fixture *f, double range) {
  bool walls[4] = {false}, before[4]; /* the target frames, in which walls count */
  for (int64_t k = 0; k < digits_of(f); k++) {
    const float *start = position(f, 0, k), *velocity = label(f, "velocity") + 2 * k;
    for (int64_t t = 0; t < FRAMES; t++) {
      bool bounced = false;
      for (int axis = 0; axis < 2; axis++) {
        const double p = position(f, t, k)[axis], line = start[axis] + velocity[axis] * (double)t;
        assert_true(p >= 0.0 && p <= range);
        assert_true(fabs(p - folded(start[axis], velocity[axis], (double)t, range)) < 1e-4);
        if (meets_wall(line, line - velocity[axis], range, axis, t >= INPUT ? walls : before)) bounced = true;
      }
      if (t >= INPUT) assert_int_equal((int)label(f, "bounce")[(t - INPUT) * digits_of(f) + k], bounced);
      if (t < INPUT || bounced) continue;
      const float *now = position(f, t, k), *then = position(f, t - 1, k);
      const double step = hypot(now[0] - then[0], now[1] - then[1]);
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
      check_motion(&f, (double)(cases[i].size - cases[i].digit_size));
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
  int seen[CELLS + 1] = {0};
  fixture f = open_fixture("builtin", defaults, 23);
  for (int64_t number = 0; number < DRAWS; number++) {
    take(&f, VJ_TRAIN, number);
    const float *v = label(&f, "velocity");
    assert_true(v[0] == floorf(v[0]) && v[1] == floorf(v[1]) && fabsf(v[0]) <= 4 && fabsf(v[1]) <= 4);
    seen[9 * ((int)v[1] + 4) + (int)v[0] + 4]++;
  }
  assert_int_equal(seen[CELLS / 2], 0);
  for (int i = 0; i < CELLS; i++) assert_true(seen[i < CELLS / 2 ? i : i + 1] > 0); /* all but the middle */
  memmove(&seen[CELLS / 2], &seen[CELLS / 2 + 1], CELLS / 2 * sizeof seen[0]);
  assert_true(chi_square(seen, CELLS, DRAWS) < 124.8); /* the 0.1 % point with 79 degrees of freedom */
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
      const double p = position(&f, 0, 0)[axis] / 36.0;
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
  const vj_component *const c = &vj_dataset_moving_mnist;
  expect_refused(c, "builtin", no_room, usual_clip(1), VJ_CONFIG,
                 "data.size: expected more than digit_size = 28, got 28");
  expect_refused(c, "builtin", too_fast, usual_clip(1), VJ_CONFIG,
                 "data.max_speed: expected at most size - digit_size = 4, got 5");
  expect_refused(c, "builtin", no_cells, usual_clip(1), VJ_CONFIG,
                 "data.downsample: expected a divisor of size = 64, got 3");
}

static void a_folder_without_digits_is_named(void **state) {
  (void)state;
  expect_folder_without_digits_named(&vj_dataset_moving_mnist);
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
      expect_drawn_at_labels(&f, &digits, (vj_split)split);
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
