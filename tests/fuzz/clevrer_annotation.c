/* CLEVRER's annotations, JSON. */
#include <math.h>
#include <stdlib.h>

#include "datasets/clevrer/annotation.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  vj_clevrer_annotation a;
  const vj_status status = vj_clevrer_annotation_parse((const char *)data, size, "annotation.json", &a);
  if (!fuzz_accepted(status, VJ_DATA, "annotation.json")) {
    fuzz_claim(a.moments == NULL, "what was refused leaves nothing to be freed");
    return 0;
  }
  fuzz_claim(a.frames >= 1 && a.frames <= VJ_CLEVRER_FRAMES, "there are frames");
  fuzz_claim(a.count >= 0 && a.count <= VJ_CLEVRER_SLOTS, "there are not too many objects");
  fuzz_claim(isnan(a.rate) || (isfinite(a.rate) && a.rate > 0), "a rate is a number above 0");
  for (int k = 0; k < a.count; k++)
    fuzz_claim(a.slots[k] >= 0 && a.slots[k] < VJ_CLEVRER_SLOTS, "each object has a slot");
  for (int64_t i = 0; i < a.frames * a.count; i++)
    fuzz_claim(isfinite(a.moments[i].speed) && a.moments[i].speed >= 0, "speeds are finite");
  free(a.moments);
  return 0;
}
