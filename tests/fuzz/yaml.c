/* Our own YAML: what is read can be printed, and reads back to the same. */
#include <string.h>

#include "framework/config/nodes.h"
#include "tests/fuzz/fuzz.h"

static bool same(const vj_yaml *a, const vj_yaml *b) {
  if (a->kind != b->kind || a->count != b->count) return false;
  if (a->kind == VJ_YAML_SCALAR && (strcmp(a->text, b->text) != 0 || vj_yaml_is_null(a) != vj_yaml_is_null(b)))
    return false;
  for (int64_t i = 0; i < a->count; i++) {
    if (a->kind == VJ_YAML_MAP && strcmp(a->keys[i]->text, b->keys[i]->text) != 0) return false;
    if (!same(a->items[i], b->items[i])) return false;
  }
  return true;
}

static void check_print(vj_pool *pool, const vj_yaml *root, const char *text) {
  vj_yaml *again = NULL;
  fuzz_claim(text != NULL, "there is memory to print");
  const vj_status status = vj_yaml_read_text(pool, text, "printed", &again);
  fuzz_claim(status == VJ_OK && same(root, again), "what is printed reads back to the same tree");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  vj_pool *pool = NULL;
  vj_yaml *root = NULL;
  if (vj_pool_create(&pool) != VJ_OK) return 0;
  const vj_status status = vj_yaml_parse(pool, (const char *)data, size, "sweep.yaml", true, &root);
  if (fuzz_accepted(status, VJ_CONFIG, "sweep.yaml")) {
    check_print(pool, root, vj_yaml_print(pool, root));
    check_print(pool, root, vj_yaml_print_line(pool, root));
  }
  vj_pool_destroy(&pool);
  return 0;
}
