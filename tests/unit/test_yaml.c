/* The YAML tree: what is read, where it was written, what is refused and with which words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "framework/config/yaml/yaml.h"
#include "tests/unit/config_testing.h"

static void assert_refused(const char *text, const char *message) {
  vj_yaml *root = NULL;
  assert_error(vj_yaml_read_text(pool, text, "a.yaml", &root), VJ_CONFIG, message);
}

static void assert_at(const vj_yaml *root, const char *path, const char *text) {
  const vj_yaml *node = vj_yaml_find(root, path);
  assert_non_null(node);
  assert_int_equal(node->kind, VJ_YAML_SCALAR);
  assert_string_equal(node->text, text);
}

static void assert_equal_trees(const vj_yaml *a, const vj_yaml *b) {
  assert_int_equal(a->kind, b->kind);
  assert_int_equal(a->count, b->count);
  if (a->kind == VJ_YAML_SCALAR) {
    assert_string_equal(a->text, b->text);
    assert_int_equal(a->quoted, b->quoted);
  }
  for (int64_t i = 0; i < a->count; i++) {
    if (a->kind == VJ_YAML_MAP) assert_string_equal(a->keys[i]->text, b->keys[i]->text);
    assert_equal_trees(a->items[i], b->items[i]);
  }
}

static void nodes_remember_their_place(void **state) {
  (void)state;
  const vj_yaml *root = read_text("name: demo\nlosses:\n  variance: {weight: 10.0, on: [hx, 'hy']}\n");
  const vj_yaml *weight = vj_yaml_find(root, "losses.variance.weight"), *on = vj_yaml_find(root, "losses.variance.on");
  assert_string_equal(weight->text, "10.0");
  assert_false(weight->quoted);
  assert_int_equal(weight->line, 3);
  assert_int_equal(weight->column, 22);
  assert_string_equal(weight->source, "a.yaml");
  assert_int_equal(root->keys[1]->line, 2);
  assert_int_equal(on->count, 2);
  assert_true(on->items[1]->quoted);
  assert_null(vj_yaml_find(root, "losses.covariance.weight"));
  assert_null(vj_yaml_find(root, "name.weight"));
  assert_null(vj_yaml_find(root, ""));
}

static void anchors_aliases_and_merge_keys_are_resolved(void **state) {
  (void)state;
  const vj_yaml *root = read_text(
      "a: &a {lr: 1, clip: 2}\nb: &b {lr: 3, seed: 4}\n"
      "one: *a\ntwo: {<<: *a, lr: 9}\nthree: {<<: [*b, *a]}\nfour: {'<<': 5}\n");
  assert_at(root, "one.clip", "2");
  assert_at(root, "two.lr", "9");
  assert_at(root, "two.clip", "2");
  assert_at(root, "three.lr", "3");
  assert_at(root, "three.clip", "2");
  assert_int_equal(vj_yaml_find(root, "three")->count, 3);
  assert_at(root, "four.<<", "5");
}

static void an_alias_is_a_copy_of_its_own(void **state) {
  (void)state;
  vj_yaml *root = read_text("a: &a {lr: 1}\nb: *a\n");
  assert_ok(vj_yaml_override(pool, root, "b.lr=2"));
  assert_at(root, "a.lr", "1");
  assert_at(root, "b.lr", "2");
}

static void broken_text_is_refused_with_its_place(void **state) {
  (void)state;
  assert_refused("a: 1\nb: [1, 2\nc: 3\n",
                 "a.yaml:3:2: YAML syntax: did not find expected ',' or ']' while parsing a flow sequence");
  assert_refused("a: 1\n  b: 2\n", "a.yaml:2:4: YAML syntax: mapping values are not allowed in this context");
  assert_refused("a: 1\nb: \xff\n", "a.yaml:2:4: YAML syntax: invalid leading UTF-8 octet");
  assert_refused("a: \"\\0\"\n", "a.yaml:1:4: text with a zero character in it is not supported");
  assert_refused("", "a.yaml: there is nothing in it; expected a YAML document");
  assert_refused("# nothing but a comment\n", "a.yaml: there is nothing in it; expected a YAML document");
  assert_refused("a: 1\n---\nb: 2\n", "a.yaml:2:1: a second document starts here; one text holds one configuration");
}

static void keys_are_words_and_come_once(void **state) {
  (void)state;
  assert_refused("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n",
                 "a.yaml:5:3: the key \"c\" stands here a second time; it is already in line 3");
  assert_refused("[a, b]: 1\n", "a.yaml:1:1: a key must be a single word, not a map or list");
  assert_refused("~: 1\n", "a.yaml:1:1: a key must not be empty");
  assert_refused("a: {<<: 5}\n", "a.yaml:1:9: expected a map or a list of maps behind \"<<\"");
  assert_refused("a: !!int 5\n",
                 "a.yaml:1:4: the tag tag:yaml.org,2002:int is not supported; write the value without it");
  assert_true(vj_yaml_find(read_text("a: !!str 5\n"), "a")->quoted);
}

static void aliases_cannot_grow_without_bound(void **state) {
  (void)state;
  char text[4096] = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  assert_refused("a: &a [1, *a]\n", "a.yaml:1:11: alias *a: no anchor &a ends before it");
  for (int i = 1; i < 9; i++) {
    const size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i,
             i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
  }
  assert_refused(text, "a.yaml:6:10: more than 100000 values, aliases counted in full; this is no configuration");
}

static void nesting_is_bounded(void **state) {
  (void)state;
  char deep[300];
  memset(deep, '[', 64);
  memset(deep + 64, ']', 64);
  deep[128] = '\0';
  assert_int_equal(read_text(deep)->count, 1);
  memset(deep, '[', 65);
  memset(deep + 65, ']', 65);
  deep[130] = '\0';
  assert_refused(deep, "a.yaml:1:65: nested more than 64 levels deep");
  /* A deep thing cannot be hung under another through an alias either. */
  char text[1024];
  snprintf(text, sizeof text, "a: &a %.*s%.*s\nb: [[*a]]\n", 62, deep, 62, deep + 65);
  assert_refused(text, "a.yaml:2:6: nested more than 64 levels deep");
}

static void a_missing_file_is_named(void **state) {
  (void)state;
  vj_yaml *root;
  assert_error(vj_yaml_read_file(pool, "no/such.yaml", &root), VJ_CONFIG,
               "no/such.yaml: cannot be read: No such file or directory");
  assert_error(vj_yaml_read_file(pool, "/", &root), VJ_CONFIG, "/: cannot be read: Is a directory");
}

static void a_file_reads_like_its_text(void **state) {
  (void)state;
  char path[] = "/tmp/vj-test-yaml-XXXXXX";
  const int descriptor = mkstemp(path);
  assert_true(descriptor >= 0);
  FILE *file = fdopen(descriptor, "w");
  for (int i = 0; i < 5000; i++) fprintf(file, "key%d: %d\n", i, i);
  fclose(file);
  vj_yaml *root = NULL;
  const vj_status status = vj_yaml_read_file(pool, path, &root);
  unlink(path);
  assert_ok(status);
  assert_int_equal(root->count, 5000);
  assert_at(root, "key4999", "4999");
  assert_string_equal(vj_yaml_find(root, "key7")->source, path);
}

static void overrides_set_what_they_say(void **state) {
  (void)state;
  vj_yaml *root = read_text("name: demo\nlosses: {variance: {weight: 1}, covariance: }\n");
  assert_ok(vj_yaml_override(pool, root, "losses.variance.weight=2.5"));
  assert_ok(vj_yaml_override(pool, root, "losses.covariance.on=[hx, hy]"));
  assert_ok(vj_yaml_override(pool, root, "optim.steps=10"));
  assert_ok(vj_yaml_override(pool, root, "name=a=b"));
  assert_ok(vj_yaml_override(pool, root, "tag="));
  assert_string_equal(vj_yaml_print(pool, root),
                      "name: \"a=b\"\n"
                      "losses:\n"
                      "  variance:\n"
                      "    weight: 2.5\n"
                      "  covariance:\n"
                      "    on: [hx, hy]\n"
                      "optim:\n"
                      "  steps: 10\n"
                      "tag: null\n");
  assert_string_equal(vj_yaml_print_line(pool, vj_yaml_find(root, "losses")),
                      "{variance: {weight: 2.5}, covariance: {on: [hx, hy]}}");
  assert_string_equal(vj_yaml_find(root, "losses.variance.weight")->source, "override losses.variance.weight");
}

static void keys_of_a_sweep_keep_their_dots(void **state) {
  (void)state;
  vj_yaml *root = read_text("sweep: {trials: {one: {optim.lr: 1}}, parameters: {losses.variance.weight: [1]}}\n");
  assert_ok(vj_yaml_override(pool, root, "sweep.parameters.losses.variance.weight=[2, 3]"));
  assert_ok(vj_yaml_override(pool, root, "sweep.parameters.optim.clip=[0]"));
  assert_ok(vj_yaml_override(pool, root, "sweep.trials.one.optim.lr=2"));
  assert_ok(vj_yaml_override(pool, root, "sweep.trials.two.optim.steps=4"));
  assert_ok(vj_yaml_override(pool, root, "sweep.trials.three={optim.lr: 5}"));
  assert_string_equal(vj_yaml_print(pool, root),
                      "sweep:\n"
                      "  trials:\n"
                      "    one:\n"
                      "      optim.lr: 2\n"
                      "    two:\n"
                      "      optim.steps: 4\n"
                      "    three:\n"
                      "      optim.lr: 5\n"
                      "  parameters:\n"
                      "    losses.variance.weight: [2, 3]\n"
                      "    optim.clip: [0]\n");
}

static void wrong_overrides_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *assignment, *message;
  } wrong[] = {
      {"name", "override \"name\": expected key=value"},
      {"=3", "override \"=3\": expected a key before \"=\""},
      {"a..b=3", "override a..b: the key \"a..b\" has an empty part"},
      {"a.=3", "override a.: the key \"a.\" has an empty part"},
      {"name.x=3", "override name.x: \"name\" is a single value, not a map; it has no keys"},
      {"losses.on.0=3", "override losses.on.0: \"losses.on\" is a list; its items have no keys, so set the whole list"},
      {"name=[1", "override name: YAML syntax: did not find expected ',' or ']' while parsing a flow sequence"},
      {"name={x: 1, x: 2}", "override name: the key \"x\" stands there twice"},
  };
  vj_yaml *root = read_text("name: demo\nlosses: {on: [hx]}\n");
  const char *before = vj_yaml_print(pool, root);
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    assert_error(vj_yaml_override(pool, root, wrong[i].assignment), VJ_CONFIG, wrong[i].message);
  }
  assert_string_equal(vj_yaml_print(pool, root), before);
}

static void a_copy_shares_nothing(void **state) {
  (void)state;
  vj_yaml *root = read_text("a: {b: 1, c: [1, 2]}\n"), *copy = vj_yaml_copy(pool, root);
  assert_ok(vj_yaml_override(pool, copy, "a.b=2"));
  vj_yaml_remove(vj_yaml_find(copy, "a"), "c");
  vj_yaml_remove(copy, "not there");
  assert_at(root, "a.b", "1");
  assert_non_null(vj_yaml_find(root, "a.c"));
  assert_string_equal(vj_yaml_print(pool, copy), "a:\n  b: 2\n");
}

static void print_reads_back_to_the_same_tree(void **state) {
  (void)state;
  const vj_yaml *root = read_text(
      "text: ['3', \"null\", '', \"a: b\", \"tab\\tline\\nbell\\a\", \"\\N\\L\\P\\uFEFF\", \"h\xc3\xa9\", '- x', "
      "\"\\\\ \\\"\"]\n"
      "plain: [3, null, 1.0e-3, -1, true, hx.conv1]\n"
      "empty: {map: {}, list: [], nothing: }\n"
      "nested: [[1, [2]], {a: 1, b: {c: [d]}}, []]\n"
      "'a key: with a colon': 1\n'...': 2\n'-': 3\n");
  const char *printed = vj_yaml_print(pool, root);
  assert_equal_trees(read_text(printed), root);
  assert_string_equal(vj_yaml_print(pool, read_text(printed)), printed);
}

static void closest_finds_slips_and_nothing_else(void **state) {
  (void)state;
  static const char *const names[] = {"channels", "temporal", "weight", "lr", "cnn", "steps"};
  assert_string_equal(vj_closest("chanels", names, 6), "channels");
  assert_string_equal(vj_closest("weigth", names, 6), "weight");
  assert_string_equal(vj_closest("cnm", names, 6), "cnn");
  assert_string_equal(vj_closest("rl", names, 6), "lr");
  assert_null(vj_closest("banana", names, 6));
  assert_null(vj_closest("x", names, 6));
  assert_null(vj_closest("", names, 6));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(nodes_remember_their_place, setup, teardown),
      cmocka_unit_test_setup_teardown(anchors_aliases_and_merge_keys_are_resolved, setup, teardown),
      cmocka_unit_test_setup_teardown(an_alias_is_a_copy_of_its_own, setup, teardown),
      cmocka_unit_test_setup_teardown(broken_text_is_refused_with_its_place, setup, teardown),
      cmocka_unit_test_setup_teardown(keys_are_words_and_come_once, setup, teardown),
      cmocka_unit_test_setup_teardown(aliases_cannot_grow_without_bound, setup, teardown),
      cmocka_unit_test_setup_teardown(nesting_is_bounded, setup, teardown),
      cmocka_unit_test_setup_teardown(a_missing_file_is_named, setup, teardown),
      cmocka_unit_test_setup_teardown(a_file_reads_like_its_text, setup, teardown),
      cmocka_unit_test_setup_teardown(overrides_set_what_they_say, setup, teardown),
      cmocka_unit_test_setup_teardown(keys_of_a_sweep_keep_their_dots, setup, teardown),
      cmocka_unit_test_setup_teardown(wrong_overrides_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_copy_shares_nothing, setup, teardown),
      cmocka_unit_test_setup_teardown(print_reads_back_to_the_same_tree, setup, teardown),
      cmocka_unit_test_setup_teardown(closest_finds_slips_and_nothing_else, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
