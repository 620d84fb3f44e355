/* CATER's scenes, JSON, and the labels that are made from them. */
#include <math.h>

#include "datasets/cater/scene.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  vj_cater_scene s;
  float present[VJ_CATER_PRESENT], orders[VJ_CATER_ORDERS];
  const vj_status status = vj_cater_scene_parse((const char *)data, size, "scene.json", &s);
  if (fuzz_accepted(status, VJ_DATA, "scene.json")) {
    fuzz_claim(s.frames >= 1 && s.frames <= VJ_CATER_FRAMES, "there are frames");
    for (int64_t i = 0; i < 2 * s.frames; i++) fuzz_claim(isfinite(s.snitch[i]), "places are finite");
    for (int64_t i = 0; i < s.movement_count; i++)
      fuzz_claim(s.movements[i].start >= 0 && s.movements[i].end >= s.movements[i].start, "movements have a length");
    for (int64_t cells = 4; cells <= 8; cells += 2) {
      const int64_t cell = vj_cater_label_place((double)s.snitch[0], (double)s.snitch[1], cells);
      fuzz_claim(cell >= -1 && cell < cells * cells, "a place is a cell, or outside");
    }
    const vj_cater_span all = {0, s.frames - 1, 1};
    vj_cater_label_present(s.movements, s.movement_count, &all, present);
    vj_cater_label_orders(s.movements, s.movement_count, &all, orders);
  }
  vj_cater_scene_free(&s);
  return 0;
}
