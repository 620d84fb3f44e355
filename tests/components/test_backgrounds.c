/* What is behind moving digits changes neither digits nor labels, is as strong, smooth and fast as it is asked to be,
 * and in every thread the same. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/components/moving_digits_testing.h"

extern const vj_component vj_dataset_moving_mnist, vj_dataset_stochastic_moving_mnist;

enum { NONE, TEXTURE, MOVING, FLICKER, KINDS }; /* choices of `background` */
enum { SIDE = 64, PIXELS = SIDE * SIDE };

static const vj_component *const data_sets[] = {&vj_dataset_moving_mnist, &vj_dataset_stochastic_moving_mnist};

static fixture open_behind(const vj_component *c, int kind, double strength) {
  const setting settings[] = {{"background", kind}, {"background_strength", strength}, {NULL, 0}};
  return open_clips(c, "builtin", settings, usual_clip(7));
}

/* Digits so small that hardly a pixel is theirs. */
static fixture open_empty(int kind, double scale) {
  const setting settings[] = {
      {"background", kind}, {"background_strength", 1}, {"digit_size", 4}, {"background_scale", scale}, {NULL, 0}};
  return open_clips(&vj_dataset_moving_mnist, "builtin", settings, usual_clip(8));
}

static void at_strength_0_a_clip_has_the_bytes_of_one_without(void **state) {
  (void)state;
  for (size_t c = 0; c < VJ_COUNT(data_sets); c++)
    for (int kind = TEXTURE; kind < KINDS; kind++) {
      fixture plain = open_behind(data_sets[c], NONE, 1), behind = open_behind(data_sets[c], kind, 0);
      for (int64_t number = 0; number < 20; number++) {
        take(&plain, VJ_TEST, number);
        take(&behind, VJ_TEST, number);
        assert_memory_equal(plain.frames, behind.frames, FRAMES * PIXELS * sizeof *plain.frames);
      }
      close_fixture(&plain);
      close_fixture(&behind);
    }
}

/* Where the plain clip is black the background is seen, and never more than its strength; elsewhere the brighter. */
static void digits_stand_before_it_unchanged(void **state) {
  (void)state;
  for (size_t c = 0; c < VJ_COUNT(data_sets); c++)
    for (int kind = TEXTURE; kind < KINDS; kind++) {
      fixture plain = open_behind(data_sets[c], NONE, 1), behind = open_behind(data_sets[c], kind, 0.75);
      for (int64_t number = 0; number < 20; number++) {
        float brightest = 0;
        take(&plain, VJ_TRAIN, number);
        take(&behind, VJ_TRAIN, number);
        assert_memory_equal(plain.labels, behind.labels, (size_t)plain.info.label_width * sizeof *plain.labels);
        for (int64_t i = 0; i < FRAMES * PIXELS; i++) {
          const float ink = plain.frames[i], seen = behind.frames[i];
          assert_true(seen >= ink && (seen == ink || seen <= 0.75f));
          if (ink == 0) brightest = fmaxf(brightest, seen);
        }
        assert_true(brightest > 0.6f);
      }
      close_fixture(&plain);
      close_fixture(&behind);
    }
}

/* --- statistics ----------------------------------------------------------------------------------------------------
 */

/* Correlation of frame a with frame b moved by (dx, dy), around the edges. */
static double correlation(const float *a, const float *b, int64_t dx, int64_t dy) {
  double sa = 0, sb = 0, aa = 0, bb = 0, ab = 0;
  for (int64_t y = 0; y < SIDE; y++)
    for (int64_t x = 0; x < SIDE; x++) {
      const double p = a[y * SIDE + x], q = b[(y - dy + 4 * SIDE) % SIDE * SIDE + (x - dx + 4 * SIDE) % SIDE];
      sa += p, sb += q, aa += p * p, bb += q * q, ab += p * q;
    }
  return (ab - sa * sb / PIXELS) / sqrt((aa - sa * sa / PIXELS) * (bb - sb * sb / PIXELS));
}

static void flicker_is_grey_smooth_and_forgets(void **state) {
  (void)state;
  enum { CLIPS = 20 };
  fixture f = open_empty(FLICKER, 8);
  double sum = 0, square = 0, near = 0, far = 0, next = 0;
  for (int64_t number = 0; number < CLIPS; number++) {
    take(&f, VJ_TRAIN, number);
    for (int64_t i = 0; i < FRAMES * PIXELS; i++) {
      sum += f.frames[i];
      square += f.frames[i] * f.frames[i];
    }
    for (int64_t t = 1; t < FRAMES; t++) {
      const float *frame = f.frames + t * PIXELS;
      near += correlation(frame, frame, 1, 0) / (CLIPS * (FRAMES - 1));
      far += correlation(frame, frame, 0, 32) / (CLIPS * (FRAMES - 1));
      next += fabs(correlation(frame, frame - PIXELS, 0, 0)) / (CLIPS * (FRAMES - 1));
    }
  }
  const double count = (double)CLIPS * FRAMES * PIXELS, mean = sum / count;
  assert_true(fabs(mean - 0.5) < 0.02);
  assert_true(fabs(sqrt(square / count - mean * mean) - 0.27) < 0.03);
  assert_true(near > 0.95);
  assert_true(fabs(far) < 0.1);
  assert_true(next < 0.2); /* about 64 independent numbers a frame: 0.1 by chance */
  close_fixture(&f);
}

static void a_texture_stays_in_its_clip_alone(void **state) {
  (void)state;
  fixture f = open_empty(TEXTURE, 8);
  float first[PIXELS];
  double others = 0;
  for (int64_t number = 0; number < 10; number++) {
    take(&f, VJ_TRAIN, number);
    for (int64_t t = 1; t < FRAMES; t++) assert_true(correlation(f.frames, f.frames + t * PIXELS, 0, 0) > 0.95);
    if (number > 0) others += fabs(correlation(f.frames, first, 0, 0)) / 9;
    memcpy(first, f.frames, sizeof first);
  }
  assert_true(others < 0.25);
  close_fixture(&f);
}

/* The whole shift within 6 px of (x, y) that brings frame 0 nearest to a frame. */
static double best_shift(const float *first, const float *frame, int64_t shift[2]) {
  const int64_t x = shift[0], y = shift[1];
  double best = -1;
  for (int64_t dy = y - 6; dy <= y + 6; dy++)
    for (int64_t dx = x - 6; dx <= x + 6; dx++) {
      const double c = correlation(frame, first, dx, dy);
      if (c <= best) continue;
      best = c;
      shift[0] = dx, shift[1] = dy;
    }
  return best;
}

static void a_moving_texture_keeps_its_velocity(void **state) {
  (void)state;
  enum { LAST = FRAMES - 1 };
  fixture f = open_empty(MOVING, 8);
  double fastest = 0;
  for (int64_t number = 0; number < 4; number++) {
    int64_t shift[FRAMES][2] = {{0, 0}};
    take(&f, VJ_TRAIN, number);
    for (int64_t t = 1; t < FRAMES; t++) {
      memcpy(shift[t], shift[t - 1], sizeof shift[t]);
      assert_true(best_shift(f.frames, f.frames + t * PIXELS, shift[t]) > 0.95);
    }
    for (int axis = 0; axis < 2; axis++) {
      const double velocity = (double)shift[LAST][axis] / LAST;
      assert_true(fabs(velocity) < 4 + 0.5 / LAST);
      fastest = fmax(fastest, fabs(velocity));
      for (int64_t t = 1; t < LAST; t++) assert_true(fabs((double)shift[t][axis] - velocity * (double)t) <= 1);
    }
  }
  assert_true(fastest > 1);
  close_fixture(&f);
}

static void scale_is_the_size_of_what_is_seen(void **state) {
  (void)state;
  double at_4[3];
  static const double scales[] = {2, 8, 16};
  for (int s = 0; s < 3; s++) {
    fixture f = open_empty(TEXTURE, scales[s]);
    at_4[s] = 0;
    for (int64_t number = 0; number < 10; number++) {
      take(&f, VJ_TRAIN, number);
      at_4[s] += correlation(f.frames, f.frames, 4, 0) / 10;
    }
    close_fixture(&f);
  }
  if (!(at_4[0] < 0.2 && at_4[1] > 0.7 && at_4[1] < 0.9 && at_4[2] > at_4[1] + 0.05))
    fail_msg("correlations at 4 px are %g, %g and %g for scales of 2, 8 and 16 px", at_4[0], at_4[1], at_4[2]);
}

static void any_thread_gets_the_same_background(void **state) {
  (void)state;
  for (int kind = TEXTURE; kind < KINDS; kind++) {
    fixture f = open_behind(&vj_dataset_moving_mnist, kind, 0.5);
    expect_the_same_in_any_thread(&f);
    close_fixture(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(at_strength_0_a_clip_has_the_bytes_of_one_without),
      cmocka_unit_test(digits_stand_before_it_unchanged),
      cmocka_unit_test(flicker_is_grey_smooth_and_forgets),
      cmocka_unit_test(a_texture_stays_in_its_clip_alone),
      cmocka_unit_test(a_moving_texture_keeps_its_velocity),
      cmocka_unit_test(scale_is_the_size_of_what_is_seen),
      cmocka_unit_test(any_thread_gets_the_same_background),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
