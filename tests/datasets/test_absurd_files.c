/* Files whose form is right and whose content is absurd: what made input found (tests/fuzz), for machines without
 * clang.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/cater/scene.h"
#include "datasets/clevrer/annotation.h"
#include "tests/support/testing.h"

static void assert_no_annotation(const char *text, const char *sentence) {
  vj_clevrer_annotation a;
  assert_error(vj_clevrer_annotation_parse(text, strlen(text), "a.json", &a), VJ_DATA, sentence);
}

static void speeds_are_finite(void **state) {
  (void)state;
  assert_no_annotation(
      "{\"object_property\":[{\"object_id\":0,\"color\":\"red\",\"material\":\"metal\",\"shape\":\"cube\"}],"
      "\"motion_trajectory\":[{\"frame_id\":0,\"objects\":[{\"object_id\":0,\"location\":[0,0,0],"
      "\"velocity\":[1e300,0,0],\"inside_camera_view\":true}]}]}",
      "a.json: frame 0, object 0: expected numbers below 1e6 for location and velocity");
}

/* A terminal would obey it. */
static void sentences_have_no_control_characters(void **state) {
  (void)state;
  assert_no_annotation(
      "{\"object_property\":[{\"object_id\":0,\"color\":\"\\u001b[31m\\n\\u007f\",\"material\":\"metal\","
      "\"shape\":\"cube\"}],\"motion_trajectory\":[{}]}",
      "a.json: object_property[0]: expected an object_id and CLEVRER's names, got ?[31m ? metal cube");
}

static void assert_no_scene(const char *text, const char *sentence) {
  vj_cater_scene scene;
  assert_error(vj_cater_scene_parse(text, strlen(text), "s.json", &scene), VJ_DATA, sentence);
}

/* Every instance is looked for among all objects: a million of each would take hours. */
static void scenes_have_few_objects(void **state) {
  (void)state;
  enum { COUNT = VJ_CATER_OBJECTS + 1 };
  char *const text = calloc(COUNT, 32);
  assert_non_null(text);
  size_t used = (size_t)sprintf(text, "{\"objects\":[");
  for (int i = 0; i < COUNT; i++) used += (size_t)sprintf(text + used, "%s{}", i ? "," : "");
  sprintf(text + used, "],\"movements\":{}}");
  assert_no_scene(text, "s.json: expected at most 1000 objects, got 1001 with movements of 0");
  used = (size_t)sprintf(text, "{\"objects\":[{}],\"movements\":{");
  for (int i = 0; i < COUNT; i++) used += (size_t)sprintf(text + used, "%s\"%d\":[]", i ? "," : "", i);
  sprintf(text + used, "}}");
  assert_no_scene(text, "s.json: expected at most 1000 objects, got 1 with movements of 1001");
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(speeds_are_finite),
      cmocka_unit_test(sentences_have_no_control_characters),
      cmocka_unit_test(scenes_have_few_objects),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
