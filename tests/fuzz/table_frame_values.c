/* Tables of values of frames, DeepLabCut's as well, and what is kept of them. The first line: 1 or 0 (a file of one
 * video). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/tables/frame_values.h"
#include "tests/fuzz/fuzz.h"

static void check(const vj_frame_table *all, size_t bytes) {
  size_t length = 0;
  for (int64_t i = 0; i < all->texts; i++) length += strlen(all->text + length) + 1;
  fuzz_claim(length <= bytes, "texts are within what is kept");
  fuzz_claim(all->columns > 0 && all->columns <= all->texts, "columns have names");
  for (int64_t i = 0; i < all->count; i++) {
    fuzz_claim(all->rows[i].frame >= 0 && all->rows[i].video < all->texts, "a row is of a frame and a video");
    fuzz_claim(i == 0 || all->rows[i].video != all->rows[i - 1].video || all->rows[i].frame > all->rows[i - 1].frame,
               "frames are in order");
  }
}

/* What is remembered may be anything, too. */
static void recall(const vj_annotation_form *form, const uint8_t *data, size_t size) {
  void *const kept = malloc(size + 1);
  if (!kept) return;
  memcpy(kept, data, size);
  if (form->fits(kept, size)) {
    const vj_frame_table all = vj_frame_table_of(kept);
    check(&all, size);
  }
  free(kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  vj_frame_columns columns = {.video = "", .frame = "", .min_likelihood = 0.6};
  char name[VJ_FORM_NAME_BYTES];
  size_t count = 0;
  void *kept = NULL;
  if (size < 2) return 0;
  columns.is_of_one = data[0] == '1';
  const vj_annotation_form form = vj_frame_values_form(&columns, name);
  recall(&form, data + 2, size - 2);
  const vj_status status = form.keep(&columns, (const char *)data + 2, size - 2, "poses", &kept, &count);
  if (fuzz_accepted(status, VJ_DATA, "poses")) {
    fuzz_claim(form.fits(kept, count), "what is kept is found fit");
    const vj_frame_table all = vj_frame_table_of(kept);
    check(&all, count);
    for (int64_t i = 0; i < all.count * all.columns; i++)
      fuzz_claim(!isinf(all.values[i]), "a value is a number or missing");
    free(kept);
  }
  return 0;
}
