/* A small component of every kind, so that tests of the configuration do not depend on the real ones. */
#ifndef VJ_TESTS_UNIT_FAKE_COMPONENTS_H
#define VJ_TESTS_UNIT_FAKE_COMPONENTS_H

#include <string.h>

#include "framework/config/config.h"

typedef struct fake_encoder_config {
  vj_integer_list channels;
  bool bias;
} fake_encoder_config;

typedef struct fake_loss_config {
  double tau;
  vj_text_list on;
} fake_loss_config;

typedef struct fake_dataset_config {
  int64_t size;
} fake_dataset_config;

typedef struct fake_probe_config {
  vj_real_list lambdas;
} fake_probe_config;

static const vj_param fake_encoder_rows[] = {
    VJ_INTEGERS(fake_encoder_config, channels, "[32, 64]", 1, INFINITY, "channels", "channels of each layer"),
    VJ_BOOL(fake_encoder_config, bias, "true", "whether layers have a bias"),
};
static const vj_param fake_loss_rows[] = {
    VJ_REAL(fake_loss_config, tau, "1.0", 0, INFINITY, "", "target standard deviation"),
    VJ_TEXTS(fake_loss_config, on, "[hx, hy]", "views"),
};
static const vj_param fake_dataset_rows[] = {
    VJ_INTEGER(fake_dataset_config, size, "64", 8, 512, "pixels", "height and width"),
};
static const vj_param fake_probe_rows[] = {
    VJ_REALS(fake_probe_config, lambdas, "[1.0e-3, 1.0]", 0, INFINITY, "", "ridge"),
};

static const vj_component fake_components[] = {
    {VJ_ABI,
     VJ_ENCODER,
     "cnn",
     "",
     "",
     fake_encoder_rows,
     VJ_COUNT(fake_encoder_rows),
     sizeof(fake_encoder_config),
     {.encoder = {0}}},
    {VJ_ABI, VJ_ENCODER, "vit", "", "", NULL, 0, 0, {.encoder = {0}}},
    {VJ_ABI, VJ_PREDICTOR, "mlp", "", "", NULL, 0, 0, {.predictor = {0}}},
    {VJ_ABI, VJ_DECODER, "none", "", "", NULL, 0, 0, {.decoder = {0}}},
    {VJ_ABI, VJ_LATENT, "none", "", "", NULL, 0, 0, {.latent = {0}}},
    {VJ_ABI, VJ_LOSS, "prediction", "", "", NULL, 0, 0, {.loss = {0}}},
    {VJ_ABI,
     VJ_LOSS,
     "variance",
     "",
     "",
     fake_loss_rows,
     VJ_COUNT(fake_loss_rows),
     sizeof(fake_loss_config),
     {.loss = {0}}},
    {VJ_ABI,
     VJ_DATASET,
     "squares",
     "",
     "",
     fake_dataset_rows,
     VJ_COUNT(fake_dataset_rows),
     sizeof(fake_dataset_config),
     {.dataset = {0}}},
    {VJ_ABI,
     VJ_PROBE,
     "ridge",
     "",
     "",
     fake_probe_rows,
     VJ_COUNT(fake_probe_rows),
     sizeof(fake_probe_config),
     {.probe = {0}}},
    {VJ_ABI, VJ_PROBE, "spectrum", "", "", NULL, 0, 0, {.probe = {.is_measure = true}}},
};

static int register_fakes(void **state) {
  (void)state;
  for (size_t i = 0; i < VJ_COUNT(fake_components); i++)
    if (vj_component_register(&fake_components[i]) != VJ_OK) return -1;
  return 0;
}

/* The shortest configuration that is one. */
#define FAKE_YAML                \
  "data: {dataset: squares}\n"   \
  "model:\n"                     \
  "  encoder: {type: cnn}\n"     \
  "  predictor: {type: mlp}\n"   \
  "losses:\n"                    \
  "  prediction:\n"              \
  "  variance: {weight: 10.0}\n" \
  "optim: {steps: 100}\n"

#endif
