/* What the tests of configurations share: memory for one test, and texts read as a file of the name a.yaml. */
#ifndef VJ_TESTS_UNIT_CONFIG_TESTING_H
#define VJ_TESTS_UNIT_CONFIG_TESTING_H

#include "framework/config/yaml/yaml.h"
#include "tests/support/testing.h"

static vj_pool *pool;

static inline int setup(void **state) {
  (void)state;
  return vj_pool_create(&pool) == VJ_OK ? 0 : -1;
}

static inline int teardown(void **state) {
  (void)state;
  vj_pool_destroy(&pool);
  vj_error_clear();
  return 0;
}

static inline vj_yaml *read_text(const char *text) {
  vj_yaml *root = NULL;
  assert_ok(vj_yaml_read_text(pool, text, "a.yaml", &root));
  return root;
}

#endif
