#include "app/sweep/scale_warning.h"

#include <string.h>

#include "framework/config/config.h"

static const vj_yaml *setting_of(const vj_trial *trial, const char *key) {
  for (int64_t i = 0; i < trial->setting_count; i++)
    if (strcmp(trial->settings[i].key, key) == 0) return trial->settings[i].value;
  return NULL;
}

static const vj_trial *first_of_arm(const vj_space *space, const char *arm) {
  const vj_trial *trial = space->trials;
  while (strcmp(trial->arm, arm) != 0) trial++;
  return trial;
}

/* Whether trials of one arm have different values of it. */
static bool is_swept(vj_pool *pool, const vj_space *space, const char *key) {
  for (int64_t i = 1; i < space->trial_count; i++) {
    const vj_yaml *value = setting_of(&space->trials[i], key);
    const vj_yaml *first = value ? setting_of(first_of_arm(space, space->trials[i].arm), key) : NULL;
    if (first && strcmp(vj_yaml_value_text(pool, first), vj_yaml_value_text(pool, value)) != 0) return true;
  }
  return false;
}

static const char *swept_weight(vj_pool *pool, const vj_space *space, const vj_config *config) {
  for (int64_t i = 0; i < config->loss_count; i++) {
    const char *key = vj_pool_format(pool, "losses.%s.weight", config->losses[i].choice.key);
    if (key && is_swept(pool, space, key)) return key;
  }
  return NULL;
}

const char *vj_scale_warning(vj_pool *pool, const vj_space *space) {
  const vj_config *config = space->trials[0].config;
  const vj_encoder_ops *encoder = &config->encoder.component->as.encoder;
  if (!encoder->scales_freely || !encoder->scales_freely(config->encoder.config)) return NULL;
  for (int64_t i = 0; i < config->loss_count; i++) {
    const vj_choice *loss = &config->losses[i].choice;
    const char *name = loss->component->as.loss.scale;
    const char *scale = name ? vj_pool_format(pool, "losses.%s.%s", loss->key, name) : NULL;
    const char *weight = scale && is_swept(pool, space, scale) ? swept_weight(pool, space, config) : NULL;
    if (!weight) continue;
    return vj_pool_format(pool,
                          "warning: %s and %s are both swept, and encoder %s can give hidden states any scale: there "
                          "another %s is the same as other weights (prediction ~ %s^2, hinge ~ %s, covariance ~ %s^4)",
                          scale, weight, config->encoder.component->name, name, name, name, name);
  }
  return NULL;
}
