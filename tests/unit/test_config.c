/* The configuration of a trial: sections, components chosen by name, defaults, cross-checks, plug-ins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/requirements.h"
#include "tests/unit/config_testing.h"
#include "tests/unit/fake_components.h"

static const vj_config *make(const char *text) {
  vj_config *config;
  assert_ok(vj_config_create(pool, read_text(text), &config));
  return config;
}

/* The short configuration with one override has this error. */
static void assert_override_refused(const char *assignment, const char *message) {
  vj_config *config;
  vj_yaml *root = read_text(FAKE_YAML);
  assert_ok(vj_yaml_override(pool, root, assignment));
  assert_error(vj_config_create(pool, root, &config), VJ_CONFIG, message);
}

static void assert_text_refused(const char *text, const char *message) {
  vj_config *config;
  assert_error(vj_config_create(pool, read_text(text), &config), VJ_CONFIG, message);
}

static void a_short_configuration_gets_its_defaults(void **state) {
  (void)state;
  const vj_config *config = make(FAKE_YAML);
  assert_string_equal(config->name, "sweep");
  assert_int_equal(config->seed, 0);
  assert_int_equal(config->clip.input_frames, 3);
  assert_int_equal(config->clip.target_frames, 12);
  assert_string_equal(config->dataset.component->name, "squares");
  assert_int_equal(((const fake_dataset_config *)config->dataset.config)->size, 64);
  assert_string_equal(config->encoder.key, "encoder");
  assert_int_equal(((const fake_encoder_config *)config->encoder.config)->channels.at[1], 64);
  assert_string_equal(config->decoder.component->name, "none");
  assert_string_equal(config->latent.component->name, "none");
  assert_int_equal(config->target.type, VJ_TARGET_SHARED);
  assert_true(config->target.momentum == 0.996);
  assert_int_equal(config->loss_count, 2);
  assert_string_equal(config->losses[0].choice.key, "prediction");
  assert_true(config->losses[0].weight == 1 && config->losses[1].weight == 10);
  assert_true(((const fake_loss_config *)config->losses[1].choice.config)->tau == 1);
  assert_int_equal(config->optim.type, VJ_ADAMW);
  assert_int_equal(config->optim.schedule, VJ_COSINE);
  assert_true(config->optim.lr == 0.001 && config->optim.betas.at[1] == 0.999);
  assert_int_equal(config->optim.steps, 100);
  assert_int_equal(config->eval.probe_at, VJ_PROBE_ENDS);
  assert_int_equal(config->eval.probe_count, 0);
  assert_int_equal(config->logging.every, 10);
}

static void a_loss_may_have_another_name_than_its_type(void **state) {
  (void)state;
  vj_yaml *root = read_text(FAKE_YAML);
  vj_config *config;
  assert_ok(vj_yaml_override(pool, root, "losses.spread={type: variance, weight: 0, on: hx.conv1}"));
  assert_ok(vj_config_create(pool, root, &config));
  assert_int_equal(config->loss_count, 3);
  assert_string_equal(config->losses[2].choice.key, "spread");
  assert_string_equal(config->losses[2].choice.component->name, "variance");
  assert_true(config->losses[2].weight == 0);
  assert_string_equal(((const fake_loss_config *)config->losses[2].choice.config)->on.at[0], "hx.conv1");
}

static void probes_have_a_view_and_a_target(void **state) {
  (void)state;
  vj_yaml *root = read_text(FAKE_YAML);
  vj_config *config;
  assert_ok(vj_yaml_override(pool, root, "eval.probes={speed: {type: ridge, target: speed, lambdas: [2]}}"));
  assert_ok(vj_yaml_override(pool, root, "eval.probe_at=all"));
  assert_ok(vj_config_create(pool, root, &config));
  assert_int_equal(config->eval.probe_at, VJ_PROBE_ALL);
  assert_int_equal(config->eval.probe_count, 1);
  assert_string_equal(config->eval.probes[0].choice.key, "speed");
  assert_string_equal(config->eval.probes[0].on, "hy_pred");
  assert_string_equal(config->eval.probes[0].target, "speed");
  assert_true(((const fake_probe_config *)config->eval.probes[0].choice.config)->lambdas.at[0] == 2);
}

static const char resolved_text[] =
    "name: sweep\nseed: 0\n"
    "data:\n  dataset: squares\n  input_frames: 3\n  target_frames: 12\n  seed: 0\n  size: 64\n"
    "model:\n  encoder:\n    type: cnn\n    channels: [32, 64]\n    bias: true\n"
    "  predictor:\n    type: mlp\n  decoder:\n    type: none\n  latent:\n    type: none\n"
    "  target:\n    type: shared\n    momentum: 0.996\n    momentum_schedule: constant\n    final_momentum: 1.0\n"
    "losses:\n  prediction:\n    type: prediction\n    weight: 1.0\n"
    "  variance:\n    type: variance\n    weight: 10.0\n    tau: 1.0\n    on: [hx, hy]\n"
    "optim:\n  type: adamw\n  precision: fp32\n  schedule: cosine\n  lr: 1.0e-3\n  warmup: 0\n  final_lr: 0.0\n  "
    "betas: [0.9, 0.999]\n"
    "  epsilon: 1.0e-8\n  momentum: 0.9\n  weight_decay: 0.01\n  weight_decay_schedule: constant\n  "
    "final_weight_decay: 0.0\n  clip: 0\n  steps: 100\n  batch: 64\n  shards: 8\n  "
    "ranks: 0\n"
    "eval:\n  every: 500\n  samples: 512\n  probe_train: 1024\n  probe_validation: 256\n  probe_test: 256\n"
    "  probe_at: ends\n  states: 0\n  decoder_steps: 0\n  prior_draws: 8\n  pictures: 2\n  probes: {}\n"
    "logging:\n  every: 10\n  tensorboard: false\n"
    "checkpoint:\n  minutes: 10\n  steps: 0\n  keep: none\n";

static void resolved_shows_everything_and_reads_back(void **state) {
  (void)state;
  assert_string_equal(vj_yaml_print(pool, make(FAKE_YAML)->resolved), resolved_text);
  assert_string_equal(vj_yaml_print(pool, make(resolved_text)->resolved), resolved_text);
  /* The order is that of the rows, not of the file; a sweep is left out. */
  const vj_config *shuffled = make(
      "sweep: {seeds: 3}\nlogging: \noptim: {batch: 64, steps: 100}\n"
      "losses: {prediction: {}, variance: {on: [hx, hy], weight: 10.0}}\n"
      "model: {predictor: {type: mlp}, encoder: {type: cnn}}\ndata: {size: 64, dataset: squares}\n");
  assert_string_equal(vj_yaml_print(pool, shuffled->resolved), resolved_text);
}

static void missing_sections_are_named(void **state) {
  (void)state;
  assert_text_refused("name: x\n", "a.yaml:1:1: missing section \"data\"");
  assert_text_refused("data: {dataset: squares}\n", "a.yaml:1:1: missing section \"model\"");
  assert_text_refused("data: {}\nmodel: {}\nlosses: {}\n", "a.yaml:1:1: missing section \"optim\"");
  assert_text_refused("[1]\n", "a.yaml:1:1: expected a map of sections, got a list");
  assert_text_refused("data: {}\nmodel: {}\nlosses: {}\noptim: {}\n",
                      "a.yaml:1:7: data: missing key \"dataset\"; datasets are squares");
  assert_override_refused("model={predictor: {type: mlp}}", "override model: model: missing key \"encoder\"");
  assert_override_refused("model.encoder={}",
                          "override model.encoder: model.encoder: missing key \"type\"; encoders are cnn, vit");
  assert_override_refused("losses={}", "override losses: losses: expected at least one loss");
  assert_override_refused("losses=", "override losses: losses: expected at least one loss");
  assert_override_refused("optim={lr: 1}", "override optim: optim: missing key \"steps\" (training steps of a trial)");
}

static void unknown_keys_are_refused_wherever_they_stand(void **state) {
  (void)state;
  assert_override_refused("optin.steps=3", "override optin.steps: unknown key \"optin\"; did you mean \"optim\"?");
  assert_override_refused("losses.variance.weigth=3",
                          "override losses.variance.weigth: losses.variance: unknown key "
                          "\"weigth\"; did you mean \"weight\"?");
  assert_override_refused("data.sizes=3", "override data.sizes: data: unknown key \"sizes\"; did you mean \"size\"?");
  assert_override_refused("model.encodr={}",
                          "override model.encodr: model: unknown key \"encodr\"; did you mean \"encoder\"?");
  assert_override_refused("eval.probs={}",
                          "override eval.probs: eval: unknown key \"probs\"; did you mean \"probes\"?");
  assert_override_refused("logging.x=3",
                          "override logging.x: logging: unknown key \"x\"; known keys are every, tensorboard");
  assert_override_refused("model.predictor.chanels=3",
                          "override model.predictor.chanels: model.predictor: unknown key "
                          "\"chanels\"; known keys are type");
  assert_text_refused(FAKE_YAML "model2: 3\n", "a.yaml:9:1: unknown key \"model2\"; did you mean \"model\"?");
}

static void unknown_components_are_refused(void **state) {
  (void)state;
  assert_override_refused("model.encoder.type=cnm",
                          "override model.encoder.type: model.encoder.type: no encoder "
                          "\"cnm\"; did you mean \"cnn\"?");
  assert_override_refused("model.encoder.type=resnet",
                          "override model.encoder.type: model.encoder.type: no encoder "
                          "\"resnet\"; encoders are cnn, vit");
  assert_override_refused("model.encoder.type=[cnn]",
                          "override model.encoder.type: model.encoder.type: expected the "
                          "name of one of the encoders, got a list");
  assert_override_refused("model.encoder=cnn",
                          "override model.encoder: model.encoder: expected a map of keys and "
                          "values, got \"cnn\"");
  assert_override_refused("losses.varianse={}",
                          "override losses.varianse: losses.varianse: no loss \"varianse\"; "
                          "did you mean \"variance\"?");
  assert_override_refused("data.dataset=cater",
                          "override data.dataset: data.dataset: no dataset \"cater\"; datasets are squares");
  assert_override_refused("eval.probes.s={type: spectrum}",
                          "override eval.probes.s: eval.probes.s: \"spectrum\" is a measure: it is taken of every "
                          "hidden state at every evaluation and is not named");
  assert_override_refused("eval.probes.s={target: speed}",
                          "override eval.probes.s: eval.probes.s: missing key \"type\"; probes are ridge, spectrum");
}

static void values_are_checked_where_they_are_written(void **state) {
  (void)state;
  assert_text_refused(
      "data: {dataset: squares}\nmodel: {encoder: {type: cnn}, predictor: {type: mlp}}\n"
      "losses:\n  variance:\n    weight: ten\noptim: {steps: 1}\n",
      "a.yaml:5:13: losses.variance.weight: expected a number >= 0, got \"ten\"");
  assert_override_refused("data.size=4",
                          "override data.size: data.size: expected an integer between 8 and 512, "
                          "got \"4\"");
  assert_override_refused("seed=-1", "override seed: seed: expected an integer >= 0, got \"-1\"");
  assert_override_refused("optim.steps=0", "override optim.steps: optim.steps: expected an integer >= 1, got \"0\"");
  assert_override_refused("eval.probe_at=never",
                          "override eval.probe_at: eval.probe_at: expected one of ends, all, "
                          "last, got \"never\"");
  assert_override_refused("optim.type=adam",
                          "override optim.type: optim.type: expected one of adamw, sgd, got "
                          "\"adam\"; did you mean \"adamw\"?");
  assert_override_refused("model.target.type=emma",
                          "override model.target.type: model.target.type: expected one of shared, stop_gradient, ema, "
                          "got \"emma\"; did you mean \"ema\"?");
  assert_override_refused(
      "model.target={type: ema, momentum: 1.5}",
      "override model.target: model.target.momentum: expected a number between 0 and 1, got \"1.5\"");
  assert_override_refused("model.target.momentum=-0.1",
                          "override model.target.momentum: model.target.momentum: expected a number between 0 and 1, "
                          "got \"-0.1\"");
  assert_override_refused(
      "model.target.tau=0.9",
      "override model.target.tau: model.target: unknown key \"tau\"; known keys are type, momentum, "
      "momentum_schedule, final_momentum");
  assert_override_refused("model.target=ema",
                          "override model.target: model.target: expected a map of keys and values, got \"ema\"");
  assert_override_refused("eval.probes=3",
                          "override eval.probes: eval.probes: expected a map of keys and values, got "
                          "\"3\"");
}

static void names_can_name_what_they_name(void **state) {
  (void)state;
  assert_override_refused("name=a/b",
                          "override name: name: \"a/b\" cannot name a folder; it must not be empty, start "
                          "with \".\" or contain \"/\"");
  assert_override_refused("name=",
                          "override name: name: \"\" cannot name a folder; it must not be empty, start with "
                          "\".\" or contain \"/\"");
  assert_override_refused("losses={'a b': {}}",
                          "override losses: losses: the name \"a b\" may only have letters, "
                          "digits, \"_\" and \"-\"");
}

static void sections_agree_with_themselves(void **state) {
  (void)state;
  assert_override_refused("optim.batch=60",
                          "override optim.batch: optim.batch: 60 samples do not divide into 8 shards; "
                          "make optim.batch a multiple of optim.shards");
  assert_override_refused("optim.betas=[0.9]", "override optim.betas: optim.betas: expected two numbers, got 1");
  assert_override_refused("optim.betas=[0.9, 1]",
                          "override optim.betas: optim.betas[1]: expected a number >= 0 and < 1, got \"1\"");
  assert_override_refused("optim.warmup=101",
                          "override optim.warmup: optim.warmup: 101 steps of warm-up do not fit into 100 steps");
  assert_override_refused("eval.samples=32",
                          "override eval.samples: eval.samples: 32 samples are less than one batch "
                          "of 64 (optim.batch); evaluation takes whole batches");
}

static void section_rows_are_there_to_describe(void **state) {
  (void)state;
  static const char *const sections[] = {"",      "data", "target",  "losses",     "probes",
                                         "optim", "eval", "logging", "checkpoint", "standin"};
  size_t count;
  for (size_t i = 0; i < VJ_COUNT(sections); i++) {
    const vj_param *rows = vj_section_rows(sections[i], &count);
    assert_non_null(rows);
    for (size_t r = 0; r < count; r++) assert_true(rows[r].doc[0] != '\0');
  }
  assert_null(vj_section_rows("sections", &count));
}

static void assert_register_refused(vj_component component, const char *message) {
  static vj_component kept; /* the table must not see a dead one, were it accepted */
  kept = component;
  assert_error(vj_component_register(&kept), VJ_PLUGIN, message);
}

static void tables_refuse_what_cannot_be_used(void **state) {
  (void)state;
  static const vj_param outside[] = {VJ_INTEGER(fake_dataset_config, size, "1", 0, 9, "", "a size")};
  char other_abi[128];
  snprintf(other_abi, sizeof other_abi, "a component was built for ABI %d, this program has ABI %d; build it again",
           VJ_ABI + 1, VJ_ABI);
  assert_register_refused((vj_component){.abi = VJ_ABI + 1}, other_abi);
  assert_register_refused((vj_component){.abi = VJ_ABI, .kind = VJ_ENCODER, .name = "cnn"},
                          "encoder \"cnn\": there is one of this name already; give it another");
  assert_register_refused((vj_component){.abi = VJ_ABI, .kind = VJ_LOSS}, "a component of kind loss has no name");
  assert_register_refused((vj_component){.abi = VJ_ABI, .kind = VJ_KIND_COUNT, .name = "x"},
                          "a component has the unknown kind 7");
  assert_register_refused(
      (vj_component){
          .abi = VJ_ABI, .kind = VJ_LOSS, .name = "x", .params = outside, .param_count = 1, .config_bytes = 4},
      "loss \"x\": the row \"size\" lies outside the config struct of 4 bytes");
  assert_null(vj_component_find(VJ_LOSS, "x"));
  assert_string_equal(vj_component_at(VJ_ENCODER, 1)->name, "vit");
  assert_null(vj_component_at(VJ_ENCODER, 2));
  assert_string_equal(vj_kind_plural(VJ_LOSS), "losses");
}

/* --- plug-ins, compiled here ----------------------------------------------------------------------------------- */

static char folder[64];

static int plugin_setup(void **state) {
  snprintf(folder, sizeof folder, "/tmp/vj-test-plugin-XXXXXX");
  return mkdtemp(folder) ? setup(state) : -1;
}

static int plugin_teardown(void **state) {
  char command[256];
  snprintf(command, sizeof command, "rm -r %s", folder);
  return system(command) == 0 ? teardown(state) : -1;
}

/* Compiles `source` to folder/name.so and gives its path. */
static const char *compile(const char *name, const char *source) {
  char path[256], command[1024];
  snprintf(path, sizeof path, "%s/%s.c", folder, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(source, file);
  fclose(file);
  snprintf(command, sizeof command, "cc -std=c17 -shared -fPIC -I%s/framework/include %s -o %s/%s.so",
           getenv("VJ_SOURCE"), path, folder, name);
  need_program("cc");
  assert_int_equal(system(command), 0);
  return vj_pool_format(pool, "%s/%s.so", folder, name);
}

static void plugins_fill_the_same_tables(void **state) {
  (void)state;
  const char *path = compile(
      "good",
      "#include \"vj/component.h\"\n"
      "static const vj_component extra = {.abi = VJ_ABI, .kind = VJ_LOSS, .name = \"extra\"};\nVJ_PLUGIN(&extra);\n");
  const char *text = vj_pool_format(pool, "plugins: [%s]\n", path);
  assert_ok(vj_config_load_plugins(pool, read_text(text)));
  assert_non_null(vj_component_find(VJ_LOSS, "extra"));
  /* A resolved configuration names its plug-ins again. */
  assert_ok(vj_plugin_load(path));
  const vj_config *config = make(vj_pool_format(pool, "%splugins: [\"%s\"]\n", FAKE_YAML, path));
  assert_string_equal(vj_yaml_print(pool, config->resolved),
                      vj_pool_format(pool, "%splugins: [\"%s\"]\n", resolved_text, path));
}

static void plugins_that_cannot_be_loaded_say_why(void **state) {
  (void)state;
  vj_yaml *root = read_text("plugins:\n  - no/such.so\n");
  assert_error(vj_config_load_plugins(pool, root), VJ_PLUGIN,
               "a.yaml:2:5: plugins: plug-in no/such.so: cannot be read: No such file or directory");
  assert_error(vj_config_load_plugins(pool, read_text("plugins: {a: b}\n")), VJ_CONFIG,
               "a.yaml:1:10: plugins: expected a list of texts, got a map");
  const char *path = compile("empty", "int nothing_here;\n");
  assert_error(vj_plugin_load(path), VJ_PLUGIN,
               vj_pool_format(pool,
                              "plug-in %s: no symbol \"vj_plugin\"; end its source with "
                              "VJ_PLUGIN(&my_component);",
                              path));
  path = compile("old", "#include \"vj/component.h\"\nconst vj_plugin_table vj_plugin = {VJ_ABI + 1, 0, 0};\n");
  assert_int_equal(vj_plugin_load(path), VJ_PLUGIN);
  assert_string_equal(vj_error_message(),
                      vj_pool_format(pool, "plug-in %s: built for ABI %d, this program has ABI %d; build it again",
                                     path, VJ_ABI + 1, VJ_ABI));
  path = compile("twin",
                 "#include \"vj/component.h\"\nstatic const vj_component twin = {.abi = VJ_ABI, .kind = "
                 "VJ_ENCODER, .name = \"cnn\"};\nVJ_PLUGIN(&twin);\n");
  assert_error(vj_plugin_load(path), VJ_PLUGIN,
               vj_pool_format(pool,
                              "plug-in %s: encoder \"cnn\": there is one of this name already; give it "
                              "another",
                              path));
  path = vj_pool_format(pool, "%s/old.c", folder);
  assert_int_equal(vj_plugin_load(path), VJ_PLUGIN);
  assert_non_null(strstr(vj_error_message(), "old.c: cannot be loaded: "));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_short_configuration_gets_its_defaults, setup, teardown),
      cmocka_unit_test_setup_teardown(a_loss_may_have_another_name_than_its_type, setup, teardown),
      cmocka_unit_test_setup_teardown(probes_have_a_view_and_a_target, setup, teardown),
      cmocka_unit_test_setup_teardown(resolved_shows_everything_and_reads_back, setup, teardown),
      cmocka_unit_test_setup_teardown(missing_sections_are_named, setup, teardown),
      cmocka_unit_test_setup_teardown(unknown_keys_are_refused_wherever_they_stand, setup, teardown),
      cmocka_unit_test_setup_teardown(unknown_components_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(values_are_checked_where_they_are_written, setup, teardown),
      cmocka_unit_test_setup_teardown(names_can_name_what_they_name, setup, teardown),
      cmocka_unit_test_setup_teardown(sections_agree_with_themselves, setup, teardown),
      cmocka_unit_test_setup_teardown(section_rows_are_there_to_describe, setup, teardown),
      cmocka_unit_test_setup_teardown(tables_refuse_what_cannot_be_used, setup, teardown),
      cmocka_unit_test_setup_teardown(plugins_fill_the_same_tables, plugin_setup, plugin_teardown),
      cmocka_unit_test_setup_teardown(plugins_that_cannot_be_loaded_say_why, plugin_setup, plugin_teardown),
  };
  return cmocka_run_group_tests(tests, register_fakes, NULL);
}
