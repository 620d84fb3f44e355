/* The built-in digits: balanced, all different, whole, and told apart by what a reader would look at. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/digits/digits.h"
#include "tests/support/testing.h"

static vj_pool *pool;
static vj_digits digits;

static int draw_once(void **state) {
  (void)state;
  return vj_pool_create(&pool) == VJ_OK && vj_digits_draw(pool, &digits) == VJ_OK ? 0 : -1;
}

static int let_go(void **state) {
  (void)state;
  vj_pool_destroy(&pool);
  return 0;
}

static const uint8_t *image_of(int split, int64_t number) { return vj_digit_image(&digits.split[split], number); }

static void classes_are_balanced(void **state) {
  (void)state;
  static const int64_t expected[VJ_SPLITS] = {6000, 1000, 1000};
  for (int split = 0; split < VJ_SPLITS; split++) {
    int64_t seen[VJ_DIGIT_CLASSES] = {0};
    assert_int_equal(digits.split[split].count, expected[split]);
    assert_int_equal(digits.split[split].first, 0);
    for (int64_t i = 0; i < expected[split]; i++) {
      assert_int_equal(digits.split[split].labels[i], vj_digit_class(i));
      seen[digits.split[split].labels[i]]++;
    }
    for (int c = 0; c < VJ_DIGIT_CLASSES; c++) assert_int_equal(seen[c], expected[split] / VJ_DIGIT_CLASSES);
  }
}

static void a_digit_is_a_function_of_split_and_number(void **state) {
  (void)state;
  uint8_t image[VJ_DIGIT_PIXELS];
  for (int split = 0; split < VJ_SPLITS; split++)
    for (int64_t i = 999; i >= 0; i -= 37) {
      memset(image, 0xa5, sizeof image);
      vj_digit_draw((vj_split)split, i, image);
      assert_memory_equal(image, image_of(split, i), VJ_DIGIT_PIXELS);
    }
}

static int compare_images(const void *a, const void *b) {
  return memcmp(*(const uint8_t *const *)a, *(const uint8_t *const *)b, VJ_DIGIT_PIXELS);
}

static void no_image_appears_twice_in_any_splits(void **state) {
  (void)state;
  static const uint8_t *all[8000];
  size_t count = 0;
  for (int split = 0; split < VJ_SPLITS; split++)
    for (int64_t i = 0; i < digits.split[split].count; i++) all[count++] = image_of(split, i);
  assert_int_equal(count, 8000);
  qsort(all, count, sizeof all[0], compare_images);
  for (size_t i = 1; i < count; i++) assert_true(memcmp(all[i - 1], all[i], VJ_DIGIT_PIXELS) != 0);
}

static void digits_are_whole_and_sharp(void **state) {
  (void)state;
  for (int split = 0; split < VJ_SPLITS; split++)
    for (int64_t i = 0; i < digits.split[split].count; i++) {
      const uint8_t *image = image_of(split, i);
      double ink = 0;
      int darkest = 0, top = VJ_DIGIT_SIDE, bottom = -1;
      for (int p = 0; p < VJ_DIGIT_PIXELS; p++) {
        const int row = p / VJ_DIGIT_SIDE, column = p % VJ_DIGIT_SIDE;
        const bool border = row == 0 || column == 0 || row == VJ_DIGIT_SIDE - 1 || column == VJ_DIGIT_SIDE - 1;
        if (border) assert_int_equal(image[p], 0); /* nothing is cut off */
        ink += image[p] / 255.0;
        if (image[p] > darkest) darkest = image[p];
        if (image[p] > 127 && row < top) top = row;
        if (image[p] > 127 && row > bottom) bottom = row;
      }
      assert_int_equal(darkest, 255);
      assert_true(ink > 20 && ink < 250);
      assert_in_range(bottom - top, 9, 25);
    }
}

static int64_t distance(const uint8_t *a, const uint8_t *b) {
  int64_t sum = 0;
  for (int p = 0; p < VJ_DIGIT_PIXELS; p++) {
    const int difference = a[p] - b[p];
    sum += difference * difference;
  }
  return sum;
}

static void nearest_neighbour_recognises_unseen_digits(void **state) {
  (void)state;
  enum { KNOWN = 2000, ASKED = 300 };
  int right = 0;
  for (int64_t i = 0; i < ASKED; i++) {
    int64_t best = INT64_MAX, nearest = 0;
    for (int64_t k = 0; k < KNOWN; k++) {
      const int64_t d = distance(image_of(VJ_VALIDATION, i), image_of(VJ_TRAIN, k));
      if (d < best) {
        best = d;
        nearest = k;
      }
    }
    right += digits.split[VJ_TRAIN].labels[nearest] == digits.split[VJ_VALIDATION].labels[i];
  }
  assert_in_range(right, 285, ASKED); /* 95 % */
}

static void writers_of_one_class_differ(void **state) {
  (void)state;
  /* The mean image of a class must leave a good part of the ink's variance: the digits are no stamps. */
  for (int c = 0; c < VJ_DIGIT_CLASSES; c++) {
    double mean[VJ_DIGIT_PIXELS] = {0}, square = 0, explained = 0;
    for (int64_t i = 0; i < 500; i++)
      for (int p = 0; p < VJ_DIGIT_PIXELS; p++) {
        const double ink = image_of(VJ_TRAIN, i * VJ_DIGIT_CLASSES + c)[p] / 255.0;
        mean[p] += ink / 500;
        square += ink * ink / 500;
      }
    for (int p = 0; p < VJ_DIGIT_PIXELS; p++) explained += mean[p] * mean[p];
    assert_true(explained < 0.75 * square);
    assert_true(explained > 0.2 * square); /* nor are they noise */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(classes_are_balanced),
      cmocka_unit_test(a_digit_is_a_function_of_split_and_number),
      cmocka_unit_test(no_image_appears_twice_in_any_splits),
      cmocka_unit_test(digits_are_whole_and_sharp),
      cmocka_unit_test(nearest_neighbour_recognises_unseen_digits),
      cmocka_unit_test(writers_of_one_class_differ),
  };
  return cmocka_run_group_tests(tests, draw_once, let_go);
}
