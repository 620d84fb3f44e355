/* Networks are those of OpenSTL: as many parameters and multiply-adds of one clip's forward pass as are published for
 * them, to the last one: encoder on the input frames, predictor, decoder. Counted are convolutions, linear maps and
 * both products of attention; not biases, norms and activations. */
#include <stdio.h>

#include "app/builtin.h"
#include "framework/config/config.h"
#include "framework/graph/plan.h"
#include "tests/support/testing.h"
#include "vj/ops.h"

typedef struct setup {
  const char *what, *encoder, *predictor;
  int64_t input_frames, target_frames, size, channels;
  int64_t parameters, multiply_adds;
} setup;

static const setup setups[] = {
    {"gSTA 10 to 10", "{type: simvp, channels: 64}", "{type: gsta, width: 512, blocks: 8}", 10, 10, 64, 1, 46769665,
     16468475904},
    {"Swin 10 to 10", "{type: simvp, channels: 64}", "{type: swin, width: 512, blocks: 8}", 10, 10, 64, 1, 46105409,
     16345202688},
    {"Swin 3 to 12", "{type: simvp, channels: 64}", "{type: swin, width: 512, blocks: 8}", 3, 12, 64, 3, 38480643,
     14556069888},
    {"Swin 3 to 12 at 128", "{type: simvp, channels: 64}", "{type: swin, width: 512, blocks: 8}", 3, 12, 128, 3,
     38480643, 58224279552},
    {"Swin 3 to 12, small", "{type: simvp}", "{type: swin}", 3, 12, 64, 3, 4086483, 1347551232}};

static vj_config *config_of(vj_pool *pool, const setup *s) {
  char text[512];
  vj_yaml *root = NULL;
  vj_config *config = NULL;
  snprintf(text, sizeof text,
           "data: {dataset: moving_mnist}\nmodel:\n  encoder: %s\n  predictor: %s\n  decoder: {type: simvp, skip: e1}\n"
           "losses: {prediction: {weight: 1.0}}\noptim: {steps: 1}\n",
           s->encoder, s->predictor);
  assert_ok(vj_yaml_read_text(pool, text, "test", &root));
  assert_ok(vj_config_create(pool, root, &config));
  return config;
}

/* x -> hx -> hy_pred -> y_pred, kept to be computed */
static void build(vj_graph *graph, const vj_config *config, const setup *s) {
  vj_var *x = vj_graph_input(graph, "x", &VJ_SHAPE(s->input_frames, s->size, s->size, s->channels));
  graph->view_scope = "hx";
  vj_scope_push(graph, "encoder");
  vj_var *hx = config->encoder.component->as.encoder.build(graph, config->encoder.config, x);
  vj_scope_pop(graph);
  graph->view_scope = NULL;
  vj_shape hidden = vj_shape_of(hx), frames = vj_shape_of(x);
  hidden.size[1] = frames.size[1] = s->target_frames;
  vj_scope_push(graph, "predictor");
  vj_var *h = config->predictor.component->as.predictor.build(graph, config->predictor.config, hx, NULL, &hidden);
  vj_scope_pop(graph);
  vj_scope_push(graph, "decoder");
  vj_graph_keep(config->decoder.component->as.decoder.build(graph, config->decoder.config, h, &frames));
  vj_scope_pop(graph);
}

static void networks_have_the_published_numbers_of_parameters_and_multiply_adds(void **state) {
  (void)state;
  for (size_t i = 0; i < VJ_COUNT(setups); i++) {
    const setup *s = &setups[i];
    vj_pool *pool = NULL;
    vj_parameters *parameters = NULL;
    vj_graph *graph = NULL;
    assert_ok(vj_pool_create(&pool));
    assert_ok(vj_parameters_create(&parameters));
    assert_ok(vj_graph_create(&(vj_graph_options){.shard_samples = 1, .shards = 1}, parameters, &graph));
    build(graph, config_of(pool, s), s);
    assert_ok(vj_graph_status(graph));
    assert_ok(vj_graph_plan(graph, 1));
    int64_t count = 0;
    for (int k = 0; k < parameters->count; k++) count += parameters->rows[k].trained ? parameters->rows[k].count : 0;
    const double multiply_adds = vj_graph_flops(graph) / 2;
    if (count != s->parameters || multiply_adds != (double)s->multiply_adds)
      fail_msg("%s: %lld parameters and %.0f multiply-adds; expected %lld and %lld", s->what, (long long)count,
               multiply_adds, (long long)s->parameters, (long long)s->multiply_adds);
    vj_graph_destroy(&graph);
    vj_parameters_destroy(&parameters);
    vj_pool_destroy(&pool);
  }
}

int main(void) {
  assert_ok(vj_builtin_register());
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(networks_have_the_published_numbers_of_parameters_and_multiply_adds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
