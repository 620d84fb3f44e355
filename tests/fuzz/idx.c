/* IDX files, plain and compressed, as images and as labels. */
#include "datasets/digits/digits.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  enum { MOST = 64 };
  const uint8_t *images = NULL, *labels = NULL;
  int64_t count = 0, sum = 0;
  vj_pool *pool = NULL;
  if (vj_pool_create(&pool) != VJ_OK) return 0;
  fuzz_file file = fuzz_file_open(data, size);
  if (fuzz_accepted(vj_idx_images(pool, file.path, MOST, &images, &count), VJ_DATA, file.path))
    for (int64_t i = 0; i < VJ_DIGIT_PIXELS * (count < MOST ? count : MOST); i++) sum += images[i];
  if (fuzz_accepted(vj_idx_labels(pool, file.path, MOST, &labels, &count), VJ_DATA, file.path))
    for (int64_t i = 0; i < (count < MOST ? count : MOST); i++)
      fuzz_claim(labels[i] < VJ_DIGIT_CLASSES, "labels are digits");
  fuzz_claim(sum >= 0, "all images that were announced can be read");
  fuzz_file_close(&file);
  vj_pool_destroy(&pool);
  return 0;
}
