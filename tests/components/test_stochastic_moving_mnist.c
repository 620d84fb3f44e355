/* The digit that takes one of five ways: pixels tell which, the input frames do not, labels say what the pixels show,
 * and a clip is a pure function of (seed, split, number). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/components/moving_digits_testing.h"

extern const vj_component vj_dataset_stochastic_moving_mnist;

enum { WAYS = 5 };
enum { ABSOLUTE = 1 }; /* of the parameter `turn` */
static const double turn = 6.283185307179586;

static fixture open_request(const setting *settings, vj_clip_request request) {
  return open_clips(&vj_dataset_stochastic_moving_mnist, "builtin", settings, request);
}

static fixture open_fixture(const setting *settings, uint64_t seed) { return open_request(settings, usual_clip(seed)); }

static void rotate(const double v[2], int psi, double turned[2]) {
  const double c = cos(turn * psi / WAYS), s = sin(turn * psi / WAYS);
  turned[0] = c * v[0] - s * v[1];
  turned[1] = s * v[0] + c * v[1];
}

/* --- what a clip is ---------------------------------------------------------------------------------------------- */

static void info_describes_the_clip(void **state) {
  (void)state;
  static const vj_label expected[] = {
      {"psi", VJ_LABEL_CLASS, 1, 5, "", NULL, false, 0, NULL},
      {"switched", VJ_LABEL_CLASS, 1, 2, "", NULL, false, 0, NULL},
      {"speed", VJ_LABEL_REAL, 1, 0, "px/frame", NULL, false, 0, NULL},
      {"position", VJ_LABEL_REAL, 24, 0, "px", NULL, false, 12, NULL},
      {"input_position", VJ_LABEL_REAL, 6, 0, "px", NULL, false, 0, NULL},
      {"velocity", VJ_LABEL_REAL, 2, 0, "px/frame", NULL, false, 0, NULL},
      {"angle", VJ_LABEL_REAL, 1, 0, "rad", NULL, false, 0, NULL},
      {"bounce", VJ_LABEL_FLAGS, 12, 0, "", NULL, false, 12, NULL},
      {"walls", VJ_LABEL_FLAGS, 4, 0, "", NULL, false, 0, NULL},
      {"digit_index", VJ_LABEL_REAL, 1, 0, "", NULL, false, 0, NULL},
      {"digit", VJ_LABEL_CLASS, 1, 10, "", NULL, false, 0, NULL},
  };
  const setting smaller[] = {{"size", 48}, {"validation_size", 77}, {NULL, 0}};
  fixture f = open_fixture(smaller, 1);
  assert_int_equal(f.info.frames, INPUT + TARGET);
  assert_int_equal(f.info.height, 48);
  assert_int_equal(f.info.width, 48);
  assert_int_equal(f.info.channels, 1);
  assert_int_equal(f.info.samples[VJ_TRAIN], 10000);
  assert_int_equal(f.info.samples[VJ_VALIDATION], 77);
  assert_int_equal(f.info.samples[VJ_TEST], 1000);
  assert_int_equal(f.info.label_width, 54);
  expect_labels(&f, expected, VJ_COUNT(expected));
  close_fixture(&f);
}

static void pixels_show_the_labelled_digit_at_the_labelled_places(void **state) {
  (void)state;
  vj_pool *pool;
  vj_digits digits;
  assert_ok(vj_pool_create(&pool));
  assert_ok(vj_digits_draw(pool, &digits));
  fixture f = open_fixture(defaults, 11);
  for (int64_t i = 0; i < 180; i++) {
    take(&f, (vj_split)(i % VJ_SPLITS), i);
    expect_drawn_at_labels(&f, &digits, (vj_split)(i % VJ_SPLITS));
  }
  close_fixture(&f);
  vj_pool_destroy(&pool);
}

static void any_thread_gets_the_same_sample(void **state) {
  (void)state;
  fixture f = open_fixture(defaults, 3);
  expect_the_same_in_any_thread(&f);
  close_fixture(&f);
}

static void seeds_splits_and_numbers_give_other_clips(void **state) {
  (void)state;
  fixture f = open_fixture(defaults, 5), other = open_fixture(defaults, 6);
  expect_other_clips(&f, &other, 100, "angle", sizeof(float));
  close_fixture(&f);
  close_fixture(&other);
}

static void downsampled_frames_are_averages_of_cells(void **state) {
  (void)state;
  const setting settings[] = {{"downsample", 4}, {NULL, 0}};
  fixture whole = open_fixture(defaults, 47), small = open_fixture(settings, 47);
  const int64_t side = 64, cells = 16;
  assert_int_equal(small.info.height, cells);
  assert_int_equal(small.info.width, cells);
  for (int64_t number = 0; number < 20; number++) {
    take(&whole, VJ_TEST, number);
    take(&small, VJ_TEST, number);
    assert_memory_equal(whole.labels, small.labels, (size_t)whole.info.label_width * sizeof *whole.labels);
    for (int64_t i = 0; i < (INPUT + TARGET) * cells * cells; i++) {
      const int64_t t = i / (cells * cells), row = i / cells % cells, column = i % cells;
      double sum = 0;
      for (int64_t k = 0; k < 16; k++)
        sum += (double)whole.frames[t * side * side + (4 * row + k / 4) * side + 4 * column + k % 4];
      assert_true(fabs(sum / 16 - (double)small.frames[i]) < 1e-6);
    }
  }
  close_fixture(&whole);
  close_fixture(&small);
}

/* --- which way --------------------------------------------------------------------------------------------------- */

/* From what two frames before, at and two frames after the last input frame show, and nothing else. */
static int decoded_way(const fixture *f) {
  double seen[3][2], before[2], best = INFINITY;
  int way = 0;
  for (int64_t i = 0; i < 3; i++)
    for (int axis = 0; axis < 2; axis++)
      seen[i][axis] = (double)lroundf(position(f, f->input - 1 + 2 * (i - 1), 0)[axis]);
  for (int axis = 0; axis < 2; axis++) before[axis] = seen[1][axis] - seen[0][axis];
  for (int psi = 0; psi < WAYS; psi++) {
    double after[2];
    rotate(before, psi, after);
    const double miss = hypot(seen[2][0] - seen[1][0] - after[0], seen[2][1] - seen[1][1] - after[1]);
    if (miss < best) {
      best = miss;
      way = psi;
    }
  }
  return way;
}

static void expect_all_decoded(const setting *settings, int64_t input, int64_t train, int64_t others) {
  fixture f = open_request(settings, (vj_clip_request){.input_frames = input, .target_frames = 2, .seed = 41});
  for (int split = 0; split < VJ_SPLITS; split++)
    for (int64_t number = 0; number < (split == VJ_TRAIN ? train : others); number++) {
      take(&f, (vj_split)split, number);
      assert_int_equal(decoded_way(&f), (int)label(&f, "psi")[0]);
    }
  close_fixture(&f);
}

static void rounded_places_always_tell_the_way(void **state) {
  (void)state;
  const setting many[] = {{"validation_size", 5000}, {"test_size", 5000}, {NULL, 0}};
  const setting slowest[] = {{"speed_min", 2.29}, {"speed_max", 2.29}, {NULL, 0}};
  const setting small[] = {{"size", 32}, {"digit_size", 14}, {"speed_max", 4.4}, {NULL, 0}};
  expect_all_decoded(many, INPUT, 10000, 5000);
  expect_all_decoded(slowest, INPUT, 10000, 1000);
  expect_all_decoded(small, INPUT, 2000, 1000);
  expect_all_decoded(defaults, 5, 2000, 1000);
}

/* The first two target frames alone say it: their step points into direction psi. */
static void an_absolute_way_is_the_direction_of_the_target(void **state) {
  (void)state;
  const setting settings[] = {{"turn", ABSOLUTE}, {"switch_probability", 0.5}, {NULL, 0}};
  fixture f = open_fixture(settings, 43);
  int switched = 0, others = 0;
  for (int64_t number = 0; number < 2000; number++) {
    take(&f, VJ_TRAIN, number);
    const float *from = position(&f, INPUT, 0), *to = position(&f, INPUT + 1, 0), *was = position(&f, INPUT - 1, 0);
    const double direction = atan2((double)to[1] - (double)from[1], (double)to[0] - (double)from[0]);
    const double way = turn * (double)label(&f, "psi")[0] / WAYS;
    const double off = fabs(remainder(direction - way, turn));
    if (label(&f, "switched")[0] != 0) {
      switched++;
      assert_true(off < 1e-4);
      assert_true(fabs(hypot(to[0] - was[0], to[1] - was[1]) - 2.0 * (double)label(&f, "speed")[0]) < 1e-3);
    } else {
      others++;
      assert_true(off <= turn / (2 * WAYS) + 1e-4); /* the nearest of five */
    }
  }
  assert_in_range(switched, 900, 1100);
  assert_in_range(others, 900, 1100);
  close_fixture(&f);
}

static void ways_digits_and_directions_are_equally_likely(void **state) {
  (void)state;
  enum { DRAWS = 10000, DIRECTIONS = 8 };
  int ways[WAYS] = {0}, digits[VJ_DIGIT_CLASSES] = {0}, both[DIRECTIONS * WAYS] = {0};
  fixture f = open_request(defaults, (vj_clip_request){.input_frames = INPUT, .target_frames = 1, .seed = 43});
  for (int64_t number = 0; number < DRAWS; number++) {
    take(&f, VJ_TRAIN, number);
    const double angle = label(&f, "angle")[0], speed = label(&f, "speed")[0];
    const float *v = label(&f, "velocity");
    assert_true(angle >= 0 && angle < turn);
    assert_true(hypot(v[0] - speed * cos(angle), v[1] - speed * sin(angle)) < 1e-5);
    const int way = (int)label(&f, "psi")[0];
    ways[way]++;
    digits[(int)label(&f, "digit")[0]]++;
    both[(int)(angle / turn * DIRECTIONS) * WAYS + way]++;
    assert_int_equal((int)label(&f, "switched")[0], 1);
  }
  /* The 0.1 % points of chi-square with 4, 9 and 39 degrees of freedom. */
  assert_true(chi_square(ways, WAYS, DRAWS) < 18.47);
  assert_true(chi_square(digits, VJ_DIGIT_CLASSES, DRAWS) < 27.88);
  assert_true(chi_square(both, DIRECTIONS * WAYS, DRAWS) < 72.05);
  close_fixture(&f);
}

static void without_a_switch_every_clip_goes_straight_on(void **state) {
  (void)state;
  const setting never[] = {{"switch_probability", 0}, {NULL, 0}};
  fixture straight = open_fixture(never, 47), turned = open_fixture(defaults, 47);
  const size_t input_bytes = INPUT * 64 * 64 * sizeof(float);
  int others = 0;
  for (int64_t number = 0; number < 500; number++) {
    static const char *const shared[] = {"speed", "velocity", "angle", "digit_index", "digit"};
    take(&straight, VJ_TRAIN, number);
    take(&turned, VJ_TRAIN, number);
    assert_int_equal((int)label(&straight, "psi")[0], 0);
    assert_int_equal((int)label(&straight, "switched")[0], 0);
    assert_memory_equal(straight.frames, turned.frames, input_bytes);
    assert_memory_equal(label(&straight, "input_position"), label(&turned, "input_position"), 6 * sizeof(float));
    for (size_t i = 0; i < VJ_COUNT(shared); i++)
      assert_true(label(&straight, shared[i])[0] == label(&turned, shared[i])[0]);
    others += label(&turned, "psi")[0] != 0;
    if (label(&turned, "psi")[0] != 0) continue;
    assert_memory_equal(straight.frames, turned.frames, (INPUT + TARGET) * 64 * 64 * sizeof(float));
  }
  assert_in_range(others, 350, 450);
  close_fixture(&straight);
  close_fixture(&turned);
}

static void switch_probability_mixes_straight_and_turned_clips(void **state) {
  (void)state;
  enum { DRAWS = 4000 };
  const setting never[] = {{"switch_probability", 0}, {NULL, 0}}, some[] = {{"switch_probability", 0.3}, {NULL, 0}};
  fixture straight = open_fixture(never, 53), turned = open_fixture(defaults, 53), mixed = open_fixture(some, 53);
  const size_t bytes = (INPUT + TARGET) * 64 * 64 * sizeof(float);
  int switched = 0;
  for (int64_t number = 0; number < DRAWS; number++) {
    take(&mixed, VJ_TRAIN, number);
    const bool coin = label(&mixed, "switched")[0] != 0;
    switched += coin;
    if (number >= 300) continue;
    const fixture *same = coin ? &turned : &straight;
    take(same, VJ_TRAIN, number);
    assert_memory_equal(mixed.frames, same->frames, bytes);
    assert_memory_equal(mixed.labels, same->labels, (size_t)mixed.info.label_width * sizeof(float));
  }
  assert_true(fabs(switched / (double)DRAWS - 0.3) < 4 * sqrt(0.3 * 0.7 / DRAWS));
  close_fixture(&straight);
  close_fixture(&turned);
  close_fixture(&mixed);
}

/* --- motion ------------------------------------------------------------------------------------------------------ */

/* One line to the last input frame, a turned and folded one from there; speed, bounces and walls as labelled. */
static void check_motion(const fixture *f, double range) {
  const int64_t last = f->input - 1;
  const float *corner = position(f, last, 0), *labelled = label(f, "velocity");
  const double before[2] = {labelled[0], labelled[1]}, speed = label(f, "speed")[0];
  double after[2];
  bool walls[4] = {false};
  rotate(before, (int)label(f, "psi")[0], after);
  assert_true(fabs(hypot(before[0], before[1]) - speed) < 1e-5);
  for (int64_t t = 0; t < f->input + f->target; t++) {
    const float *now = position(f, t, 0), *then = position(f, t > 0 ? t - 1 : 0, 0);
    const double gone = (double)(t - last);
    bool bounced = false;
    for (int axis = 0; axis < 2; axis++) {
      const double v = t > last ? after[axis] : before[axis], line = corner[axis] + v * gone;
      assert_true(now[axis] >= 0.0f && now[axis] <= (float)range);
      assert_true(fabs(now[axis] - folded(corner[axis], v, gone, range)) < 1e-4);
      if (t <= last + 2) assert_true(fabs(now[axis] - line) < 1e-4); /* no wall yet */
      if (t > last && meets_wall(line, line - v, range, axis, walls)) bounced = true;
    }
    if (t > last) assert_int_equal((int)label(f, "bounce")[t - f->input], bounced);
    if (t > 0 && !bounced) assert_true(fabs(hypot(now[0] - then[0], now[1] - then[1]) - speed) < 1e-4);
  }
  for (int wall = 0; wall < 4; wall++) assert_int_equal((int)label(f, "walls")[wall], walls[wall]);
}

static void digits_turn_once_and_keep_their_speed(void **state) {
  (void)state;
  static const struct {
    double size, digit_size, speed_min, speed_max;
    int64_t input, target;
  } cases[] = {
      {64, 28, 2.5, 4.0, 3, 12}, {64, 28, 8.9, 8.99, 3, 12}, {32, 14, 1.0, 4.4, 2, 13},
      {32, 28, 0.1, 0.9, 1, 20}, {64, 28, 2.5, 3.5, 6, 9},
  };
  for (size_t i = 0; i < VJ_COUNT(cases); i++) {
    const setting settings[] = {{"size", cases[i].size},
                                {"digit_size", cases[i].digit_size},
                                {"speed_min", cases[i].speed_min},
                                {"speed_max", cases[i].speed_max},
                                {NULL, 0}};
    fixture f = open_request(
        settings, (vj_clip_request){.input_frames = cases[i].input, .target_frames = cases[i].target, .seed = 59});
    int bounces = 0;
    for (int64_t number = 0; number < 1000; number++) {
      take(&f, VJ_TRAIN, number);
      check_motion(&f, cases[i].size - cases[i].digit_size);
      for (int64_t t = 0; t < f.target; t++) bounces += (int)label(&f, "bounce")[t];
    }
    assert_true(bounces > 0);
    close_fixture(&f);
  }
}

static void speeds_and_starts_are_uniform(void **state) {
  (void)state;
  enum { DRAWS = 4000, DRAWN = 3 };
  double sum[DRAWN] = {0}, square[DRAWN] = {0};
  fixture f = open_fixture(defaults, 61);
  for (int64_t number = 0; number < DRAWS; number++) {
    take(&f, VJ_TRAIN, number);
    const double speed = label(&f, "speed")[0];
    const float *corner = position(&f, INPUT - 1, 0);
    /* The speed between its bounds, the place in its square [2 r, 36 - 2 r]^2: each in [0, 1]. */
    const double drawn[DRAWN] = {(speed - 2.5) / 1.5, (corner[0] - 2 * speed) / (36 - 4 * speed),
                                 (corner[1] - 2 * speed) / (36 - 4 * speed)};
    for (int i = 0; i < DRAWN; i++) {
      assert_true(drawn[i] > -1e-6 && drawn[i] < 1 + 1e-6);
      sum[i] += drawn[i] / DRAWS;
      square[i] += drawn[i] * drawn[i] / DRAWS;
    }
  }
  for (int i = 0; i < DRAWN; i++) {
    assert_true(fabs(sum[i] - 0.5) < 4 * sqrt(1.0 / 12 / DRAWS));
    assert_true(fabs(square[i] - sum[i] * sum[i] - 1.0 / 12.0) < 4 * sqrt(1.0 / 180 / DRAWS));
  }
  close_fixture(&f);
}

/* --- refusals ---------------------------------------------------------------------------------------------------- */

static void refused(const setting *settings, int64_t input, const char *sentence) {
  const vj_clip_request request = {.input_frames = input, .target_frames = TARGET, .seed = 1};
  expect_refused(&vj_dataset_stochastic_moving_mnist, "builtin", settings, request, VJ_CONFIG, sentence);
}

static void settings_that_do_not_fit_are_refused(void **state) {
  (void)state;
  const setting no_room[] = {{"size", 28}, {NULL, 0}};
  const setting reversed[] = {{"speed_min", 5}, {"speed_max", 4.5}, {NULL, 0}};
  const setting small[] = {{"size", 32}, {NULL, 0}};
  const setting just_too_fast[] = {{"speed_max", 9}, {NULL, 0}};
  refused(no_room, INPUT, "data.size: expected more than digit_size = 28, got 28");
  refused(reversed, INPUT, "data.speed_min: expected at most speed_max = 4.5, got 5");
  refused(
      small, INPUT,
      "data.speed_max: expected less than (size - digit_size) / 4 = (32 - 28) / 4 = 1, got 4: a digit needs 2 frames "
      "of free way around its place at the last input frame");
  refused(
      just_too_fast, INPUT,
      "data.speed_max: expected less than (size - digit_size) / 4 = (64 - 28) / 4 = 9, got 9: a digit needs 2 frames "
      "of free way around its place at the last input frame");
  refused(defaults, 6,
          "data.speed_max: expected less than (size - digit_size) / 10 = (64 - 28) / 10 = 3.6, got 4: a digit "
          "needs 5 frames "
          "of free way around its place at the last input frame");
}

static void a_folder_without_digits_is_named(void **state) {
  (void)state;
  expect_folder_without_digits_named(&vj_dataset_stochastic_moving_mnist);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(info_describes_the_clip),
      cmocka_unit_test(pixels_show_the_labelled_digit_at_the_labelled_places),
      cmocka_unit_test(any_thread_gets_the_same_sample),
      cmocka_unit_test(seeds_splits_and_numbers_give_other_clips),
      cmocka_unit_test(rounded_places_always_tell_the_way),
      cmocka_unit_test(an_absolute_way_is_the_direction_of_the_target),
      cmocka_unit_test(downsampled_frames_are_averages_of_cells),
      cmocka_unit_test(ways_digits_and_directions_are_equally_likely),
      cmocka_unit_test(without_a_switch_every_clip_goes_straight_on),
      cmocka_unit_test(switch_probability_mixes_straight_and_turned_clips),
      cmocka_unit_test(digits_turn_once_and_keep_their_speed),
      cmocka_unit_test(speeds_and_starts_are_uniform),
      cmocka_unit_test(settings_that_do_not_fit_are_refused),
      cmocka_unit_test(a_folder_without_digits_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
