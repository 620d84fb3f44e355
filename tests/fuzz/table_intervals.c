/* Tables of intervals, and what is kept of them. The first line sets how they are read: 1 or 0 (a file of one video),
 * then the number of the unit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/tables/intervals.h"
#include "tests/fuzz/fuzz.h"

static void check(const vj_intervals *all, size_t bytes) {
  size_t length = 0;
  for (int64_t i = 0; i < all->texts; i++) length += strlen(all->text + length) + 1;
  fuzz_claim(length <= bytes, "texts are within what is kept");
  for (int64_t i = 0; i < all->count; i++) {
    const vj_interval *const one = &all->at[i];
    fuzz_claim(one->start <= one->end && fabs(one->end) <= 1e9, "an interval has a start and an end");
    fuzz_claim(one->label >= 0 && one->label < all->texts, "it has a label");
    fuzz_claim(one->video >= -1 && one->video < all->texts, "its video is among the texts");
  }
}

/* What is remembered may be anything, too. */
static void recall(const vj_annotation_form *form, const uint8_t *data, size_t size) {
  void *const kept = malloc(size + 1);
  if (!kept) return;
  memcpy(kept, data, size);
  if (form->fits(kept, size)) {
    const vj_intervals all = vj_intervals_of(kept);
    check(&all, size);
  }
  free(kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  vj_interval_columns columns = {.video = "", .start = "", .end = ""};
  char name[VJ_FORM_NAME_BYTES];
  size_t count = 0;
  void *kept = NULL;
  if (size < 3) return 0;
  columns.is_of_one = data[0] == '1';
  columns.unit = data[1] % 4;
  const vj_annotation_form form = vj_intervals_form(&columns, name);
  recall(&form, data + 3, size - 3);
  const vj_status status = form.keep(&columns, (const char *)data + 3, size - 3, "events", &kept, &count);
  if (fuzz_accepted(status, VJ_DATA, "events")) {
    fuzz_claim(form.fits(kept, count), "what is kept is found fit");
    const vj_intervals all = vj_intervals_of(kept);
    check(&all, count);
    for (int64_t i = 0; i < all.count; i++)
      fuzz_claim((all.at[i].video < 0) == columns.is_of_one, "its video is named, or the file is of one");
    free(kept);
  }
  return 0;
}
