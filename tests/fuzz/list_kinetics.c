/* Kinetics' comma-separated values. */
#include "datasets/video/lists.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  vj_list_rows rows = {0};
  vj_pool *pool = NULL;
  if (vj_pool_create(&pool) != VJ_OK) return 0;
  const vj_status status = vj_list_parse_kinetics(pool, (const char *)data, size, "list", &rows);
  if (fuzz_accepted(status, VJ_DATA, "list"))
    for (int64_t i = 0; i < rows.count; i++) {
      fuzz_claim(rows.at[i].name && rows.at[i].name[0], "a video has a name");
      fuzz_claim(rows.at[i].class != NULL, "there is the name of a class");
    }
  vj_pool_destroy(&pool);
  return 0;
}
