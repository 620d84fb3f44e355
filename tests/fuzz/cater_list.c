/* CATER's lists of videos and their classes. */
#include <string.h>

#include "datasets/cater/scene.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const vj_cater_listed *listed = NULL;
  const int64_t classes = VJ_CATER_ORDERS;
  vj_pool *pool = NULL;
  int64_t count = 0;
  if (vj_pool_create(&pool) != VJ_OK) return 0;
  const vj_status status = vj_cater_list_parse((const char *)data, size, "list.txt", classes, pool, &count, &listed);
  if (fuzz_accepted(status, VJ_DATA, "list.txt"))
    for (int64_t i = 0; i < count; i++) {
      fuzz_claim(listed[i].video[0] && !strchr(listed[i].video, '/'), "a video has a name, without folders");
      for (int64_t k = 0; k < listed[i].count; k++)
        fuzz_claim(listed[i].classes[k] >= 0 && listed[i].classes[k] < classes, "classes are among those there are");
    }
  vj_pool_destroy(&pool);
  return 0;
}
