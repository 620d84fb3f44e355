/* What the tests of sweeps share: the sweep of the fake configuration, with this section, and what a trial of it sets.
 */
#ifndef VJ_TESTS_UNIT_SPACE_TESTING_H
#define VJ_TESTS_UNIT_SPACE_TESTING_H

#include "sweeps/space/space.h"
#include "tests/unit/config_testing.h"
#include "tests/unit/fake_components.h"

/* The fake configuration, which has eight lines, with this sweep from line 9 on. */
static inline vj_status expand(const char *sweep, vj_space **space) {
  return vj_space_create(pool, read_text(vj_pool_format(pool, "%s%s", FAKE_YAML, sweep)), space);
}

static inline const vj_space *make_space(const char *sweep) {
  vj_space *space = NULL;
  assert_ok(expand(sweep, &space));
  return space;
}

static inline void assert_refused(const char *sweep, const char *message) {
  vj_space *space;
  assert_error(expand(sweep, &space), VJ_CONFIG, message);
}

static inline void assert_setting(const vj_trial *trial, int64_t i, const char *key, const char *text) {
  assert_true(i < trial->setting_count);
  assert_string_equal(trial->settings[i].key, key);
  assert_string_equal(trial->settings[i].value->text, text);
}

#endif
