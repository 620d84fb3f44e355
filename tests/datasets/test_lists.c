/* Lists of labelled videos: what is published is read, and everything else is told with its place. */
#include <string.h>

#include "datasets/video/lists.h"
#include "tests/support/testing.h"

typedef vj_status (*parser)(vj_pool *pool, const char *text, size_t length, const char *path, vj_list_rows *rows);

static int set_up(void **state) { return vj_pool_create((vj_pool **)state) == VJ_OK ? 0 : -1; }

static int tear_down(void **state) {
  vj_pool_destroy((vj_pool **)state);
  return 0;
}

static vj_list_rows parse(vj_pool *pool, parser with, const char *text) {
  vj_list_rows rows;
  const vj_status status = with(pool, text, strlen(text), "list", &rows);
  if (status != VJ_OK) print_error("%s\n", vj_error_message());
  assert_ok(status);
  return rows;
}

static void assert_refused(vj_pool *pool, parser with, const char *text, const char *sentence) {
  vj_list_rows rows;
  assert_error(with(pool, text, strlen(text), "list", &rows), VJ_DATA, sentence);
}

static void test_paths(void **state) {
  const vj_list_rows rows =
      parse(*state, vj_list_parse_paths, "\xEF\xBB\xBF/data/a.mp4 0\r\n\nmy videos/b c.webm 17\nd.avi  3");
  assert_int_equal(rows.count, 3);
  assert_string_equal(rows.at[0].name, "/data/a.mp4");
  assert_int_equal(rows.at[0].number, 0);
  assert_string_equal(rows.at[1].name, "my videos/b c.webm");
  assert_int_equal(rows.at[1].number, 17);
  assert_string_equal(rows.at[2].name, "d.avi");
  assert_int_equal(rows.at[2].number, 3);
  assert_int_equal(parse(*state, vj_list_parse_paths, "").count, 0);
}

static void test_paths_refused(void **state) {
  assert_refused(*state, vj_list_parse_paths, "a.mp4 0\nb.mp4\n",
                 "list:2: expected `path label`, the label a number from 0 to 1048575, got \"b.mp4\"");
  assert_refused(*state, vj_list_parse_paths, "a.mp4 -1\n",
                 "list:1: expected `path label`, the label a number from 0 to 1048575, got \"a.mp4 -1\"");
  assert_refused(*state, vj_list_parse_paths, "a.mp4 99999999999999999999999\n",
                 "list:1: expected `path label`, the label a number from 0 to 1048575, got \"a.mp4 "
                 "99999999999999999999999\"");
}

static void test_kinetics(void **state) {
  const vj_list_rows rows = parse(*state, vj_list_parse_kinetics,
                                  "label,youtube_id,time_start,time_end,split,is_cc\n"
                                  "abseiling,-3B32lodo2M,59,69,train,0\n"
                                  "\"tying knot, not on a tie\",\"a\"\"b\",7.0,17.0,train,1\n");
  assert_int_equal(rows.count, 2);
  assert_string_equal(rows.at[0].name, "-3B32lodo2M_000059_000069");
  assert_string_equal(rows.at[0].class, "abseiling");
  assert_string_equal(rows.at[1].name, "a\"b_000007_000017");
  assert_string_equal(rows.at[1].class, "tying knot, not on a tie");
}

static void test_kinetics_refused(void **state) {
  assert_refused(*state, vj_list_parse_kinetics, "youtube_id,time_start,time_end,split\n",
                 "list:1: there is no column label; expected the header label,youtube_id,time_start,time_end,..");
  assert_refused(*state, vj_list_parse_kinetics, "label,youtube_id,time_start,time_end\nabseiling,x,1\n",
                 "list:2: there is no time_end");
  assert_refused(*state, vj_list_parse_kinetics, "label,youtube_id,time_start,time_end\nabseiling,x,1,1.5\n",
                 "list:2: time_end: expected whole seconds, got \"1.5\"");
  assert_refused(*state, vj_list_parse_kinetics, "label,youtube_id,time_start,time_end\n\"abseiling\"x,y,1,2\n",
                 "list:2: expected comma-separated values, got \"\"abseiling\"x,y,1,2\"");
}

static void test_something(void **state) {
  const vj_list_rows rows = parse(*state, vj_list_parse_something,
                                  "[{\"id\":\"78687\",\"label\":\"holding potato next to vicks vaporub bottle\","
                                  "\"template\":\"Holding [something] next to [something]\"}]");
  assert_int_equal(rows.count, 1);
  assert_string_equal(rows.at[0].name, "78687");
  assert_string_equal(rows.at[0].class, "Holding something next to something");
  const vj_list_rows classes = parse(*state, vj_list_parse_classes, "{\"Holding something\":\"3\",\"Moving\":7}");
  assert_int_equal(classes.count, 2);
  assert_int_equal(classes.at[0].number, 3);
  assert_int_equal(classes.at[1].number, 7);
}

static void test_something_refused(void **state) {
  assert_refused(*state, vj_list_parse_something, "[{\"id\":3,\"template\":\"x\"}]",
                 "list: record 1: expected texts \"id\" and \"template\"");
  assert_refused(*state, vj_list_parse_something, "{}", "list: expected an array of records");
  assert_refused(*state, vj_list_parse_something, "[", "list:1:1: not JSON: ']' expected near end of file");
  assert_refused(*state, vj_list_parse_classes, "{\"Holding\":\"x\"}",
                 "list: \"Holding\": expected a number from 0 to 1048575");
}

/* Every beginning of a text, and every one with a changed byte, is read or refused. */
static void test_damaged_texts(void **state) {
  static const char text[] = "label,youtube_id,time_start,time_end\n\"a\"\"b\",x,1,2\r\nc d 5\n[{\"id\":\"1\"}]";
  static const parser parsers[] = {vj_list_parse_paths, vj_list_parse_kinetics, vj_list_parse_something,
                                   vj_list_parse_classes};
  (void)state;
  for (size_t length = 0; length < sizeof text; length++)
    for (size_t at = 0; at < length; at++)
      for (int p = 0; p < 4; p++) {
        vj_pool *pool = NULL;
        vj_list_rows rows;
        char changed[sizeof text];
        memcpy(changed, text, sizeof text);
        changed[at] ^= 0x22;
        assert_ok(vj_pool_create(&pool));
        const vj_status status = parsers[p](pool, changed, length, "list", &rows);
        assert_true(status == VJ_OK || status == VJ_DATA);
        vj_pool_destroy(&pool);
      }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_paths, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_paths_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_kinetics, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_kinetics_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_something, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_something_refused, set_up, tear_down),
      cmocka_unit_test(test_damaged_texts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
