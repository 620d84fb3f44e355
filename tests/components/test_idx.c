/* IDX files: what is read back is what was written, and every way a file can be wrong is told in a sentence. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "datasets/digits/digits.h"
#include "tests/support/testing.h"

enum { IMAGES = 0x803, LABELS = 0x801, TRAIN = 60000, TEST = 10000 };

static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                    "t10k-labels-idx1-ubyte"};

/* --- files in a folder of their own ------------------------------------------------------------------------------ */

typedef struct fixture {
  vj_pool *pool;
  char folder[64];
  char path[160]; /* of the file last written */
} fixture;

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  if (!f || vj_pool_create(&f->pool) != VJ_OK) return -1;
  strcpy(f->folder, "/tmp/vj-idx-XXXXXX");
  *state = f;
  return mkdtemp(f->folder) ? 0 : -1;
}

static int tear_down(void **state) {
  static const char *const others[] = {"images", "labels"};
  fixture *f = *state;
  char path[160];
  for (int i = 0; i < 4; i++)
    for (int compressed = 0; compressed < 2; compressed++) {
      snprintf(path, sizeof path, "%s/%s%s", f->folder, names[i], compressed ? ".gz" : "");
      (void)unlink(path);
    }
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s/%s", f->folder, others[i]);
    (void)unlink(path);
  }
  const int left = rmdir(f->folder);
  vj_pool_destroy(&f->pool);
  free(f);
  return left;
}

/* What is said of a file, and what it holds: `bytes` of body, byte i being i % `modulus`. */
typedef struct contents {
  uint32_t magic, count, rows, columns;
  int64_t bytes;
  int modulus;
} contents;

static contents images(uint32_t count) { return (contents){IMAGES, count, 28, 28, (int64_t)count * 784, 251}; }

static contents labels(uint32_t count) { return (contents){LABELS, count, 0, 0, count, 10}; }

static void put_number(unsigned char *at, uint32_t number) {
  for (int i = 0; i < 4; i++) at[i] = (unsigned char)(number >> (24 - 8 * i));
}

/* Writes the file, compressed where its name ends in .gz. */
static void write_file(fixture *f, const char *name, contents c) {
  const size_t length = strlen(name), header = c.magic == LABELS ? 8 : 16;
  const bool compressed = length > 3 && strcmp(name + length - 3, ".gz") == 0;
  unsigned char *bytes = malloc(header + (size_t)c.bytes);
  assert_non_null(bytes);
  const uint32_t numbers[4] = {c.magic, c.count, c.rows, c.columns};
  for (size_t i = 0; i < header / 4; i++) put_number(bytes + 4 * i, numbers[i]);
  for (int64_t i = 0; i < c.bytes; i++) bytes[(int64_t)header + i] = (unsigned char)(i % c.modulus);
  snprintf(f->path, sizeof f->path, "%s/%s", f->folder, name);
  gzFile file = gzopen(f->path, compressed ? "wb1" : "wbT");
  assert_non_null(file);
  assert_int_equal(gzwrite(file, bytes, (unsigned)(header + (size_t)c.bytes)), header + (size_t)c.bytes);
  assert_int_equal(gzclose(file), Z_OK);
  free(bytes);
}

static void write_bytes(fixture *f, const char *name, const void *bytes, size_t count) {
  snprintf(f->path, sizeof f->path, "%s/%s", f->folder, name);
  FILE *file = fopen(f->path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, count, file), count);
  assert_int_equal(fclose(file), 0);
}

/* The sentence is "<the file last written>: " and then `expected`. */
static void expect_sentence(const fixture *f, const char *expected) {
  char sentence[512];
  snprintf(sentence, sizeof sentence, "%s: %s", f->path, expected);
  assert_string_equal(vj_error_message(), sentence);
}

static void expect_bad_images(const fixture *f, const char *expected) {
  const uint8_t *kept;
  int64_t count;
  assert_int_equal(vj_idx_images(f->pool, f->path, 5, &kept, &count), VJ_DATA);
  expect_sentence(f, expected);
}

static void expect_bad_labels(const fixture *f, const char *expected) {
  const uint8_t *kept;
  int64_t count;
  assert_int_equal(vj_idx_labels(f->pool, f->path, 5, &kept, &count), VJ_DATA);
  expect_sentence(f, expected);
}

/* --- one file ---------------------------------------------------------------------------------------------------- */

static void plain_and_compressed_files_read_alike(void **state) {
  static const char *const forms[] = {"t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz"};
  fixture *f = *state;
  for (int form = 0; form < 2; form++) {
    const uint8_t *kept;
    int64_t count;
    write_file(f, forms[form], images(300)); /* longer than any buffer */
    assert_ok(vj_idx_images(f->pool, f->path, 120, &kept, &count));
    assert_int_equal(count, 300);
    for (int64_t i = 0; i < 120 * 784; i++) assert_int_equal(kept[i], i % 251);
    assert_ok(vj_idx_images(f->pool, f->path, 1000, &kept, &count)); /* wants more than there are */
    assert_int_equal(count, 300);
    assert_int_equal(kept[300 * 784 - 1], (300 * 784 - 1) % 251);
  }
}

static void a_wrong_magic_number_is_named(void **state) {
  fixture *f = *state;
  contents c = images(5);
  c.magic = 0x00000c03;
  write_file(f, "images", c);
  expect_bad_images(f, "starts with 0x00000C03, expected 0x00000803, the magic number of IDX images");
  expect_bad_labels(f, "starts with 0x00000C03, expected 0x00000801, the magic number of IDX labels");
}

static void exchanged_files_are_noticed(void **state) {
  fixture *f = *state;
  write_file(f, "images", labels(5));
  expect_bad_images(f, "holds labels where images are expected");
  write_file(f, "labels", images(5));
  expect_bad_labels(f, "holds images where labels are expected");
}

static void other_dimensions_are_refused(void **state) {
  fixture *f = *state;
  contents c = images(5);
  c.rows = 32;
  write_file(f, "images", c);
  expect_bad_images(f, "holds images of 32 x 28 pixels, expected 28 x 28");
  c = images(5);
  c.columns = 4000000000u;
  write_file(f, "images", c);
  expect_bad_images(f, "holds images of 28 x 4000000000 pixels, expected 28 x 28");
}

static void truncated_files_are_noticed(void **state) {
  fixture *f = *state;
  contents c = images(5);
  c.bytes -= 1;
  write_file(f, "images", c);
  expect_bad_images(f, "3920 bytes of images expected, 3919 found");
  c = images(300);
  c.bytes = 299 * 784;
  write_file(f, "images", c); /* cut behind what is kept */
  expect_bad_images(f, "235200 bytes of images expected, 234416 found");
  c = labels(7);
  c.bytes = 0;
  write_file(f, "labels", c);
  expect_bad_labels(f, "7 bytes of labels expected, 0 found");
  write_bytes(f, "images", "\0\0\10\3\0\0\0\5\0\0", 10);
  expect_bad_images(f, "16 bytes of header expected, 10 found");
  write_bytes(f, "images", "", 0);
  expect_bad_images(f, "16 bytes of header expected, 0 found");
}

static void trailing_bytes_are_noticed(void **state) {
  fixture *f = *state;
  contents c = images(5);
  c.bytes += 3;
  write_file(f, "images", c);
  expect_bad_images(f, "3 bytes follow the 5 images that the header announces");
  c = labels(2);
  c.bytes += 100000;
  write_file(f, "labels", c);
  expect_bad_labels(f, "100000 bytes follow the 2 labels that the header announces");
}

static void labels_above_nine_are_refused(void **state) {
  fixture *f = *state;
  contents c = labels(20);
  const uint8_t *kept;
  int64_t count;
  c.modulus = 11;
  write_file(f, "labels", c);
  assert_int_equal(vj_idx_labels(f->pool, f->path, 20, &kept, &count), VJ_DATA);
  expect_sentence(f, "label 10 is 10, expected 0 to 9");
}

/* Reads the file last written into memory; the caller frees. */
static unsigned char *file_bytes(const fixture *f, size_t *count) {
  struct stat found;
  assert_int_equal(stat(f->path, &found), 0);
  unsigned char *bytes = malloc((size_t)found.st_size);
  FILE *file = fopen(f->path, "rb");
  assert_non_null(bytes);
  assert_non_null(file);
  *count = fread(bytes, 1, (size_t)found.st_size, file);
  assert_int_equal(*count, (size_t)found.st_size);
  (void)fclose(file);
  return bytes;
}

static void damaged_gzip_is_noticed(void **state) {
  fixture *f = *state;
  size_t count;
  write_file(f, "t10k-images-idx3-ubyte.gz", images(300));
  unsigned char *bytes = file_bytes(f, &count);

  write_bytes(f, "t10k-images-idx3-ubyte.gz", bytes, count / 2);
  expect_bad_images(f, "the gzip data end too early; copy the file again");
  write_bytes(f, "t10k-images-idx3-ubyte.gz", bytes, count - 3); /* inside the sum at the end */
  expect_bad_images(f, "the gzip data end too early; copy the file again");
  bytes[count - 7] ^= 1; /* the sum itself */
  write_bytes(f, "t10k-images-idx3-ubyte.gz", bytes, count);
  expect_bad_images(f, "the gzip data are damaged; copy the file again");
  bytes[count - 7] ^= 1;
  memset(bytes + count / 2, 0xff, 16);
  write_bytes(f, "t10k-images-idx3-ubyte.gz", bytes, count);
  expect_bad_images(f, "the gzip data are damaged; copy the file again");
  free(bytes);
}

static void a_boasting_header_takes_no_memory(void **state) {
  fixture *f = *state;
  contents c = images(5);
  const uint8_t *kept;
  int64_t count;
  c.count = 4294967295u;
  write_file(f, "images", c);
  /* Room for as many as that would be refused with VJ_MEMORY. */
  assert_int_equal(vj_idx_images(f->pool, f->path, 5, &kept, &count), VJ_DATA);
  expect_sentence(f, "3367254359280 bytes of images expected, 3920 found");
}

static void unreadable_files_are_named(void **state) {
  fixture *f = *state;
  const uint8_t *kept;
  int64_t count;
  snprintf(f->path, sizeof f->path, "%s/images", f->folder);
  assert_int_equal(vj_idx_images(f->pool, f->path, 5, &kept, &count), VJ_IO);
  expect_sentence(f, "can't be opened: No such file or directory");
  snprintf(f->path, sizeof f->path, "%s", f->folder);
  assert_int_equal(vj_idx_images(f->pool, f->path, 5, &kept, &count), VJ_IO);
  expect_sentence(f, "can't be read: Is a directory");
}

/* --- the four files ---------------------------------------------------------------------------------------------- */

static void write_folder(fixture *f, const char *ending) {
  const contents all[] = {images(TRAIN), labels(TRAIN), images(TEST), labels(TEST)};
  for (int i = 0; i < 4; i++) {
    char name[64];
    snprintf(name, sizeof name, "%s%s", names[i], ending);
    write_file(f, name, all[i]);
  }
}

static void splits_share_no_digit(void **state) {
  fixture *f = *state;
  vj_digits digits;
  write_folder(f, ".gz");
  assert_ok(vj_digits_read(f->pool, f->folder, &digits));
  static const struct { int64_t count, first; } expected[VJ_SPLITS] = {{55000, 0}, {5000, 55000}, {10000, 0}};
  for (int split = 0; split < VJ_SPLITS; split++) {
    const vj_digit_set *set = &digits.split[split];
    assert_int_equal(set->count, expected[split].count);
    assert_int_equal(set->first, expected[split].first);
    /* The bytes count on through the file, so they tell their place in it. */
    for (int64_t i = 0; i < set->count; i += set->count - 1) {
      assert_int_equal(set->labels[i], (set->first + i) % 10);
      assert_int_equal(set->images[i * 784], (set->first + i) * 784 % 251);
      assert_int_equal(set->images[i * 784 + 783], ((set->first + i) * 784 + 783) % 251);
    }
  }
}

static void a_plain_file_goes_before_a_compressed_one(void **state) {
  fixture *f = *state;
  vj_digits digits;
  write_folder(f, ".gz");
  write_bytes(f, names[1], "", 0);
  assert_int_equal(vj_digits_read(f->pool, f->folder, &digits), VJ_DATA);
  expect_sentence(f, "8 bytes of header expected, 0 found");
}

static void a_missing_file_is_named_in_both_forms(void **state) {
  fixture *f = *state;
  vj_digits digits;
  char expected[512];
  write_folder(f, ".gz");
  snprintf(f->path, sizeof f->path, "%s/%s.gz", f->folder, names[3]);
  assert_int_equal(unlink(f->path), 0);
  assert_int_equal(vj_digits_read(f->pool, f->folder, &digits), VJ_CONFIG);
  snprintf(expected, sizeof expected,
           "%s: found neither t10k-labels-idx1-ubyte nor t10k-labels-idx1-ubyte.gz; name the folder with the four "
           "MNIST files, or leave out `digits` to use the built-in ones",
           f->folder);
  assert_string_equal(vj_error_message(), expected);
}

static void images_and_labels_must_be_as_many(void **state) {
  fixture *f = *state;
  vj_digits digits;
  char expected[256];
  write_folder(f, ".gz");
  write_file(f, "train-labels-idx1-ubyte.gz", labels(TRAIN - 1));
  assert_int_equal(vj_digits_read(f->pool, f->folder, &digits), VJ_DATA);
  snprintf(expected, sizeof expected, "holds 59999 labels for the 60000 images of %s/train-images-idx3-ubyte.gz",
           f->folder);
  expect_sentence(f, expected);
}

static void too_few_images_for_the_splits_are_refused(void **state) {
  fixture *f = *state;
  vj_digits digits;
  write_folder(f, "");
  write_file(f, names[3], labels(TEST - 1));
  write_file(f, names[2], images(TEST - 1));
  assert_int_equal(vj_digits_read(f->pool, f->folder, &digits), VJ_DATA);
  expect_sentence(f, "holds 9999 images, expected at least 10000");
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_A_FOLDER(plain_and_compressed_files_read_alike),
      IN_A_FOLDER(a_wrong_magic_number_is_named),
      IN_A_FOLDER(exchanged_files_are_noticed),
      IN_A_FOLDER(other_dimensions_are_refused),
      IN_A_FOLDER(truncated_files_are_noticed),
      IN_A_FOLDER(trailing_bytes_are_noticed),
      IN_A_FOLDER(labels_above_nine_are_refused),
      IN_A_FOLDER(damaged_gzip_is_noticed),
      IN_A_FOLDER(a_boasting_header_takes_no_memory),
      IN_A_FOLDER(unreadable_files_are_named),
      IN_A_FOLDER(splits_share_no_digit),
      IN_A_FOLDER(a_plain_file_goes_before_a_compressed_one),
      IN_A_FOLDER(a_missing_file_is_named_in_both_forms),
      IN_A_FOLDER(images_and_labels_must_be_as_many),
      IN_A_FOLDER(too_few_images_for_the_splits_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
