/* Parameter rows: every type is read as it is written, and what does not fit is refused with a sentence. */
#include <stdio.h>
#include <string.h>

#include "framework/config/config.h"
#include "tests/unit/config_testing.h"

typedef struct sample {
  int64_t count, free_integer;
  double rate, fraction;
  bool flag;
  const char *text;
  int mode;
  vj_integer_list integers;
  vj_real_list reals;
  vj_text_list texts;
} sample;

static const vj_param rows[] = {
    VJ_INTEGER(sample, count, "3", 1, INFINITY, "", "a count"),
    VJ_INTEGER(sample, free_integer, "-7", -INFINITY, INFINITY, "", "any integer"),
    VJ_REAL(sample, rate, "1.0e-3", 0, INFINITY, "", "a rate"),
    VJ_REAL(sample, fraction, "0.5", 0, 1, "", "a fraction"),
    VJ_BOOL(sample, flag, "true", "a flag"),
    VJ_TEXT(sample, text, "", "a text"),
    VJ_CHOICE(sample, mode, "mse|l1|cosine", "l1", "a choice"),
    VJ_INTEGERS(sample, integers, "[1, 2]", 1, INFINITY, "", "integers"),
    VJ_REALS(sample, reals, "[0.5]", -1, 1, "", "reals"),
    VJ_TEXTS(sample, texts, "[hx, hy]", "texts"),
};

static vj_status read_sample(const char *text, const sample **read, vj_yaml *resolved) {
  static const char *const also_known[] = {"type", NULL};
  const vj_yaml *map = text ? read_text(text) : NULL;
  void *config = NULL;
  const vj_status status =
      vj_params_read(pool, rows, VJ_COUNT(rows), sizeof(sample), map, "model.encoder", also_known, &config, resolved);
  *read = config;
  return status;
}

static const sample *assert_read(const char *text) {
  const sample *read;
  assert_ok(read_sample(text, &read, NULL));
  return read;
}

static void assert_refused(const char *text, const char *message) {
  const sample *read;
  assert_error(read_sample(text, &read, NULL), VJ_CONFIG, message);
}

static void defaults_fill_what_is_not_written(void **state) {
  (void)state;
  const sample *read = assert_read(NULL);
  assert_int_equal(read->count, 3);
  assert_int_equal(read->free_integer, -7);
  assert_true(read->rate == 0.001 && read->fraction == 0.5);
  assert_true(read->flag);
  assert_string_equal(read->text, "");
  assert_int_equal(read->mode, 1);
  assert_int_equal(read->integers.count, 2);
  assert_int_equal(read->integers.at[1], 2);
  assert_int_equal(read->reals.count, 1);
  assert_true(read->reals.at[0] == 0.5);
  assert_int_equal(read->texts.count, 2);
  assert_string_equal(read->texts.at[1], "hy");
}

static void values_are_read_as_written(void **state) {
  (void)state;
  const sample *read = assert_read(
      "type: any\ncount: 12\nfree_integer: -9223372036854775808\nrate: 1.5e+3\nfraction: .25\nflag: false\n"
      "text: 'a b'\nmode: cosine\nintegers: []\nreals: [-1, 1.0]\ntexts: hx\n");
  assert_int_equal(read->count, 12);
  assert_true(read->free_integer == INT64_MIN);
  assert_true(read->rate == 1500 && read->fraction == 0.25);
  assert_false(read->flag);
  assert_string_equal(read->text, "a b");
  assert_int_equal(read->mode, 2);
  assert_int_equal(read->integers.count, 0);
  assert_true(read->reals.at[0] == -1 && read->reals.at[1] == 1);
  assert_int_equal(read->texts.count, 1);
  assert_string_equal(read->texts.at[0], "hx");
  assert_string_equal(assert_read("text: 5\n")->text, "5");
  assert_string_equal(assert_read("text:\n")->text, "");
}

static void integers_are_integers(void **state) {
  (void)state;
  assert_refused("count: 3.5\n", "a.yaml:1:8: model.encoder.count: expected an integer >= 1, got \"3.5\"");
  assert_refused("count: 1e3\n", "a.yaml:1:8: model.encoder.count: expected an integer >= 1, got \"1e3\"");
  assert_refused("count: 0\n", "a.yaml:1:8: model.encoder.count: expected an integer >= 1, got \"0\"");
  assert_refused(
      "count: '3'\n",
      "a.yaml:1:8: model.encoder.count: expected an integer >= 1, got \"3\" as text; write it without quotes");
  assert_refused("count:\n", "a.yaml:1:7: model.encoder.count: expected an integer >= 1, got nothing");
  assert_refused("count: [1]\n", "a.yaml:1:8: model.encoder.count: expected an integer >= 1, got a list");
  assert_refused("free_integer: 9223372036854775808\n",
                 "a.yaml:1:15: model.encoder.free_integer: expected an integer, got \"9223372036854775808\"");
}

static void reals_are_finite_numbers_in_bounds(void **state) {
  (void)state;
  assert_refused("rate: ten\n", "a.yaml:1:7: model.encoder.rate: expected a number >= 0, got \"ten\"");
  assert_refused("rate: -1\n", "a.yaml:1:7: model.encoder.rate: expected a number >= 0, got \"-1\"");
  assert_refused("rate: .inf\n", "a.yaml:1:7: model.encoder.rate: expected a finite number, got \".inf\"");
  assert_refused("rate: -.INF\n", "a.yaml:1:7: model.encoder.rate: expected a finite number, got \"-.INF\"");
  assert_refused("rate: .nan\n", "a.yaml:1:7: model.encoder.rate: expected a finite number, got \".nan\"");
  assert_refused("rate: 1e999\n", "a.yaml:1:7: model.encoder.rate: expected a finite number, got \"1e999\"");
  assert_refused("rate: 0x10\n", "a.yaml:1:7: model.encoder.rate: expected a number >= 0, got \"0x10\"");
  assert_refused("rate: 1e\n", "a.yaml:1:7: model.encoder.rate: expected a number >= 0, got \"1e\"");
  assert_refused("rate: .\n", "a.yaml:1:7: model.encoder.rate: expected a number >= 0, got \".\"");
  assert_refused("fraction: 1.5\n",
                 "a.yaml:1:11: model.encoder.fraction: expected a number between 0 and 1, got \"1.5\"");
}

static void truth_is_true_or_false(void **state) {
  (void)state;
  assert_refused("flag: yes\n", "a.yaml:1:7: model.encoder.flag: expected true or false, got \"yes\"");
  assert_refused("flag: 'true'\n", "a.yaml:1:7: model.encoder.flag: expected true or false, got \"true\"");
  assert_refused("flag: 1\n", "a.yaml:1:7: model.encoder.flag: expected true or false, got \"1\"");
}

static void choices_are_listed(void **state) {
  (void)state;
  assert_refused("mode: cosin\n",
                 "a.yaml:1:7: model.encoder.mode: expected one of mse, l1, cosine, got \"cosin\"; "
                 "did you mean \"cosine\"?");
  assert_refused("mode: huber\n", "a.yaml:1:7: model.encoder.mode: expected one of mse, l1, cosine, got \"huber\"");
  assert_refused("mode: {}\n", "a.yaml:1:7: model.encoder.mode: expected one of mse, l1, cosine, got a map");
}

static void list_items_have_places_of_their_own(void **state) {
  (void)state;
  assert_refused("integers: x\n", "a.yaml:1:11: model.encoder.integers: expected an integer >= 1, got \"x\"");
  assert_refused("integers: [1, 0]\n", "a.yaml:1:15: model.encoder.integers[1]: expected an integer >= 1, got \"0\"");
  assert_refused("reals: [2]\n", "a.yaml:1:9: model.encoder.reals[0]: expected a number between -1 and 1, got \"2\"");
  assert_refused("reals: 2\n", "a.yaml:1:8: model.encoder.reals: expected a number between -1 and 1, got \"2\"");
  assert_refused("reals: ~\n", "a.yaml:1:8: model.encoder.reals: expected a list of numbers, got nothing");
  assert_refused("texts: {}\n", "a.yaml:1:8: model.encoder.texts: expected a list of texts, got a map");
  assert_refused("texts: [hx, [hy]]\n", "a.yaml:1:13: model.encoder.texts[1]: expected a text, got a list");
  assert_refused("texts: [hx, ~]\n", "a.yaml:1:13: model.encoder.texts[1]: expected a text, got nothing");
}

static void unknown_keys_get_a_suggestion_or_the_list(void **state) {
  (void)state;
  assert_refused("count: 3\nrat: 2\n", "a.yaml:2:1: model.encoder: unknown key \"rat\"; did you mean \"rate\"?");
  assert_refused("typo: 2\n", "a.yaml:1:1: model.encoder: unknown key \"typo\"; did you mean \"type\"?");
  assert_refused("banana: 2\n",
                 "a.yaml:1:1: model.encoder: unknown key \"banana\"; known keys are type, count, "
                 "free_integer, rate, fraction, flag, text, mode, integers, reals, texts");
  assert_refused("[1]\n", "a.yaml:1:1: model.encoder: expected a map of keys and values, got a list");
}

static void a_required_key_is_missed(void **state) {
  (void)state;
  static const vj_param required[] = {VJ_INTEGER(sample, count, NULL, 1, INFINITY, "", "how many there are")};
  const vj_yaml *map = read_text("{}");
  void *config;
  assert_error(vj_params_read(pool, required, 1, sizeof(sample), map, "optim", NULL, &config, NULL), VJ_CONFIG,
               "a.yaml:1:1: optim: missing key \"count\" (how many there are)");
  assert_error(vj_params_read(pool, required, 1, sizeof(sample), NULL, "optim", NULL, &config, NULL), VJ_CONFIG,
               "optim: missing key \"count\" (how many there are)");
}

static void resolved_has_every_row_in_order(void **state) {
  (void)state;
  const sample *read, *again;
  vj_yaml *resolved = read_text("{}");
  assert_ok(read_sample("mode: mse\nrate: 2.5\ntext: '7'\n", &read, resolved));
  const char *printed = vj_yaml_print(pool, resolved);
  assert_string_equal(printed,
                      "count: 3\nfree_integer: -7\nrate: 2.5\nfraction: 0.5\nflag: true\ntext: \"7\"\n"
                      "mode: mse\nintegers: [1, 2]\nreals: [0.5]\ntexts: [hx, hy]\n");
  assert_ok(read_sample(printed, &again, NULL));
  assert_true(again->rate == 2.5 && again->mode == 0);
  assert_string_equal(again->text, "7");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(defaults_fill_what_is_not_written, setup, teardown),
      cmocka_unit_test_setup_teardown(values_are_read_as_written, setup, teardown),
      cmocka_unit_test_setup_teardown(integers_are_integers, setup, teardown),
      cmocka_unit_test_setup_teardown(reals_are_finite_numbers_in_bounds, setup, teardown),
      cmocka_unit_test_setup_teardown(truth_is_true_or_false, setup, teardown),
      cmocka_unit_test_setup_teardown(choices_are_listed, setup, teardown),
      cmocka_unit_test_setup_teardown(list_items_have_places_of_their_own, setup, teardown),
      cmocka_unit_test_setup_teardown(unknown_keys_get_a_suggestion_or_the_list, setup, teardown),
      cmocka_unit_test_setup_teardown(a_required_key_is_missed, setup, teardown),
      cmocka_unit_test_setup_teardown(resolved_has_every_row_in_order, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
