/* CLEVRER's annotations and CATER's scenes, lists and classes, as texts: what is wrong with one is said with its
 * place. */
#include <stdlib.h>
#include <string.h>

#include "datasets/cater/scene.h"
#include "datasets/clevrer/annotation.h"
#include "tests/support/testing.h"
#include "vj/memory.h"
#include "vj/param.h"

static void assert_annotation_refused(const char *text, const char *sentence) {
  vj_clevrer_annotation a;
  assert_error(vj_clevrer_annotation_parse(text, strlen(text), "a.json", &a), VJ_DATA, sentence);
  assert_null(a.moments);
}

#define CUBE "{\"object_id\":4,\"color\":\"red\",\"material\":\"metal\",\"shape\":\"cube\"}"

static void annotations_with_faults_are_refused(void **state) {
  (void)state;
  assert_annotation_refused("", "a.json:1:0: no JSON: '[' or '{' expected near end of file");
  assert_annotation_refused("{}", "a.json: expected a list \"motion_trajectory\" of 1 to 10000 frames");
  assert_annotation_refused("{\"motion_trajectory\":[1]}", "a.json: expected a list \"object_property\"");
  assert_annotation_refused(
      "{\"motion_trajectory\":[1],\"object_property\":[{\"object_id\":1,\"color\":\"pink\"}]}",
      "a.json: object_property[0]: expected an object_id and CLEVRER's names, got pink no material "
      "no shape");
  assert_annotation_refused("{\"motion_trajectory\":[1],\"object_property\":[" CUBE "," CUBE "]}",
                            "a.json: object_property[1]: the same object as object_property[0]");
  assert_annotation_refused("{\"motion_trajectory\":[{\"frame_id\":1,\"objects\":[]}],\"object_property\":[" CUBE "]}",
                            "a.json: motion_trajectory[0]: expected a frame_id of its own below 1 and objects");
  assert_annotation_refused(
      "{\"motion_trajectory\":[{\"frame_id\":0,\"objects\":[{\"object_id\":5}]}],\"object_property\":[" CUBE "]}",
      "a.json: frame 0: an object_id that object_property does not have");
  assert_annotation_refused(
      "{\"motion_trajectory\":[{\"frame_id\":0,\"objects\":[{\"object_id\":4,\"location\":[1,2],"
      "\"velocity\":[\"fast\"]}]}],\"object_property\":[" CUBE "]}",
      "a.json: frame 0, object 4: expected numbers below 1e6 for location and velocity");
}

/* `collisions`, and an orientation of four numbers. */
static void annotations_of_the_like_generator_are_read(void **state) {
  (void)state;
  const char *text = "{\"object_property\":[" CUBE
                     "],\"motion_trajectory\":[{\"frame_id\":0,\"objects\":[{\"object_id\":4,\"location\":[1,2,0],"
                     "\"orientation\":[1,0,0,0],\"velocity\":[3,4,0],\"inside_camera_view\":true}]}],\"collisions\":[{"
                     "\"object_ids\":[4,4],"
                     "\"frame_id\":0}]}";
  vj_clevrer_annotation a;
  assert_ok(vj_clevrer_annotation_parse(text, strlen(text), "a.json", &a));
  assert_true(a.moments[0].speed == 5 && a.moments[0].in_view);
  assert_int_equal(a.slots[0], 1);
  assert_int_equal(a.collision_count, 1);
  free(a.moments);
}

static void scenes_and_lists_with_faults_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *text, *sentence;
  } scenes[] = {
      {"[]", "s.json: expected \"objects\" and \"movements\""},
      {"{\"objects\":[],\"movements\":{\"Cone_0\":[[\"_slide\",null,1,2]]}}",
       "s.json: movements of Cone_0: no object of that instance and CATER's shapes"},
      {"{\"objects\":[{\"instance\":\"C\",\"shape\":\"cone\"}],\"movements\":{\"C\":[[\"_fly\",null,1,2]]}}",
       "s.json: movements of C: expected [action, other, start, end]"},
      {"{\"objects\":[{\"instance\":\"C\",\"shape\":\"cone\"}],\"movements\":{\"C\":[[\"_slide\",null,9,2]]}}",
       "s.json: movements of C: expected [action, other, start, end]"},
      {"{\"objects\":[],\"movements\":{}}", "s.json: expected an object of shape spl with 1 to 100000 locations"},
      {"{\"objects\":[{\"shape\":\"spl\",\"locations\":{\"1\":[0,0,0]}}],\"movements\":{}}",
       "s.json: locations of spl: expected [x, y, z] for frame 0"},
  };
  static const struct {
    const char *text, *sentence;
  } lists[] = {
      {"a.avi 1,2\nb.avi 3,14\n", "l.txt:2: expected a video and its classes below 14, separated by commas"},
      {"a.avi 1,x\n", "l.txt:1: expected a video and its classes below 14, separated by commas"},
      {"\n\n 4\n", "l.txt:3: expected the name of a video"},
  };
  vj_pool *pool = NULL;
  assert_ok(vj_pool_create(&pool));
  for (size_t i = 0; i < VJ_COUNT(scenes); i++) {
    vj_cater_scene s;
    assert_error(vj_cater_scene_parse(scenes[i].text, strlen(scenes[i].text), "s.json", &s), VJ_DATA,
                 scenes[i].sentence);
  }
  int64_t count;
  const vj_cater_listed *listed;
  for (size_t i = 0; i < VJ_COUNT(lists); i++) {
    assert_error(vj_cater_list_parse(lists[i].text, strlen(lists[i].text), "l.txt", 14, pool, &count, &listed), VJ_DATA,
                 lists[i].sentence);
  }
  const char *text = "output/images/a b.avi 13,0\r\n\nb.avi\nc.avi \n";
  assert_ok(vj_cater_list_parse(text, strlen(text), "l.txt", 14, pool, &count, &listed));
  assert_int_equal(count, 3);
  assert_string_equal(listed[0].video, "a b.avi");
  assert_int_equal(listed[0].count, 2);
  assert_int_equal(listed[0].classes[0], 13);
  assert_string_equal(listed[1].video, "b.avi");
  assert_int_equal(listed[1].count + listed[2].count, 0);
  assert_string_equal(listed[2].video, "c.avi");
  vj_pool_destroy(&pool);
}

/* The worked examples of CATER's classes. */
static void cater_classes_have_the_numbers_of_the_release(void **state) {
  (void)state;
  const vj_cater_movement slide = {VJ_CATER_SPHERE, VJ_CATER_SLIDE, 10, 30};
  const vj_cater_movement contain = {VJ_CATER_CONE, VJ_CATER_CONTAIN, 30, 55};
  const vj_cater_movement idle = {VJ_CATER_CONE, VJ_CATER_NO_OP, 0, 300};
  const vj_cater_movement all[3] = {contain, slide, idle};
  float present[VJ_CATER_PRESENT], orders[VJ_CATER_ORDERS];
  int64_t count = 0;
  vj_cater_label_present(all, 3, &(vj_cater_span){0, 300, 1}, present);
  for (int i = 0; i < VJ_CATER_PRESENT; i++) assert_true(present[i] == (i == 0 || i == 11 ? 1.0f : 0.0f));
  vj_cater_label_orders(all, 3, &(vj_cater_span){0, 300, 1}, orders);
  /* 0 with itself has two classes, with 1 to 10 three each; then comes 0 before 11. */
  for (int i = 0; i < VJ_CATER_ORDERS; i++) count += orders[i] != 0;
  assert_int_equal(count, 1);
  assert_true(orders[2 + 3 * 10] == 1);
  vj_cater_label_orders(all, 3, &(vj_cater_span){31, 300, 1}, orders);
  for (int i = 0; i < VJ_CATER_ORDERS; i++) assert_true(orders[i] == 0);
  /* Of 21 frames of the slide, 10 to 30, 20 are from 11 on. */
  vj_cater_label_present(all, 3, &(vj_cater_span){11, 300, 20}, present);
  assert_true(present[0] == 1 && present[11] == 1);
  vj_cater_label_present(all, 3, &(vj_cater_span){11, 300, 21}, present);
  assert_true(present[0] == 0 && present[11] == 1);
  assert_int_equal(vj_cater_label_place(-3, -3, 6), 0);
  assert_int_equal(vj_cater_label_place(2.9, 2.9, 6), 35);
  assert_int_equal(vj_cater_label_place(-0.1, 0.1, 6), 3 * 6 + 2);
  assert_int_equal(vj_cater_label_place(-0.1, 0.1, 4), 2 * 4 + 1);
  assert_int_equal(vj_cater_label_place(2.9, -2.9, 8), 7);
  assert_int_equal(vj_cater_label_place(3, 0, 6), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cater_classes_have_the_numbers_of_the_release),
      cmocka_unit_test(annotations_with_faults_are_refused),
      cmocka_unit_test(annotations_of_the_like_generator_are_read),
      cmocka_unit_test(scenes_and_lists_with_faults_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
