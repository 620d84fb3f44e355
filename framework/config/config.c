#include "framework/config/config.h"

#include <stdio.h>
#include <string.h>

#include "framework/config/choice.h"
#include "framework/config/nodes.h"
#include "framework/config/sections.h"

enum { PATH_BYTES = 512 };

static const char *const section_names[] = {"data",    "model",      "losses",  "optim", "eval",
                                            "logging", "checkpoint", "plugins", "sweep", "question",
                                            "report",  "standin",    "tuned",   NULL};

/* What is being made, and of what. */
typedef struct config_maker {
  vj_pool *pool;
  const vj_yaml *root;
  const vj_config *like; /* what it may share sections with; NULL: nothing */
  vj_config *config;
  vj_yaml *resolved;
} config_maker;

/* A section of the resolved tree, to be filled. */
static vj_status add_section(const config_maker *maker, vj_yaml *parent, const char *name, vj_yaml **section) {
  const char *key = vj_pool_text(maker->pool, name);
  *section = vj_yaml_new(maker->pool, VJ_YAML_MAP, NULL);
  if (!key || !*section) return vj_fail(VJ_MEMORY, "%s: no memory for it", name);
  VJ_TRY(vj_yaml_set(maker->pool, parent, key, *section));
  return VJ_OK;
}

static vj_status check_sections(const config_maker *maker) {
  static const char *const required[] = {"data", "model", "losses", "optim"};
  char got[VJ_GOT_BYTES];
  if (maker->root->kind != VJ_YAML_MAP)
    return vj_fail_node(maker->root, "", "expected a map of sections, got %s", vj_node_got(maker->root, got));
  for (size_t i = 0; i < VJ_COUNT(required); i++)
    if (!vj_yaml_get(maker->root, required[i]))
      return vj_fail_node(maker->root, "", "missing section \"%s\"", required[i]);
  return VJ_OK;
}

static vj_status read_top(const config_maker *maker) {
  void *read = NULL;
  size_t count;
  const vj_param *rows = vj_section_rows("", &count);
  VJ_TRY(vj_params_read(maker->pool, rows, count, sizeof(vj_top_section), maker->root, "", section_names, &read,
                        maker->resolved));
  const vj_top_section *top = read;
  if (!top->name[0] || top->name[0] == '.' || strchr(top->name, '/'))
    return vj_fail_node(vj_yaml_get(maker->root, "name"), "name",
                        "\"%s\" cannot name a folder; it must not be empty, start with \".\" or contain \"/\"",
                        top->name);
  maker->config->name = top->name;
  maker->config->seed = (uint64_t)top->seed;
  return VJ_OK;
}

static vj_status read_data(const config_maker *maker) {
  vj_yaml *resolved = NULL;
  const void *read = NULL;
  vj_slot slot = {.kind = VJ_DATASET,
                  .key = "dataset",
                  .path = "data",
                  .map = vj_yaml_get(maker->root, "data"),
                  .type_key = "dataset",
                  .struct_bytes = sizeof(vj_data_section)};
  slot.rows = vj_section_rows("data", &slot.row_count);
  VJ_TRY(add_section(maker, maker->resolved, "data", &resolved));
  VJ_TRY(vj_choose(maker->pool, &slot, &maker->config->dataset, &read, resolved));
  const vj_data_section *data = read;
  maker->config->clip = (vj_clip_request){
      .input_frames = data->input_frames, .target_frames = data->target_frames, .seed = (uint64_t)data->seed};
  return VJ_OK;
}

/* The component of a kind that builds nothing: what a configuration without that part has. NULL: there is none. */
static const char *absent_part(vj_kind kind) {
  const vj_component *at;
  for (int i = 0; (at = vj_component_at(kind, i)) != NULL; i++)
    if ((kind == VJ_DECODER && !at->as.decoder.build) || (kind == VJ_LATENT && !at->as.latent.build)) return at->name;
  return NULL;
}

static vj_status read_model_part(const config_maker *maker, vj_kind kind, vj_choice *choice, vj_yaml *parent) {
  char path[PATH_BYTES];
  const char *key = vj_kind_name(kind);
  const vj_yaml *model = vj_yaml_get(maker->root, "model");
  const char *default_type = absent_part(kind);
  vj_yaml *resolved = NULL;
  const void *common = NULL;
  snprintf(path, sizeof path, "model.%s", key);
  const vj_slot slot = {.kind = kind,
                        .key = key,
                        .path = path,
                        .key_node = vj_yaml_get_key(model, key),
                        .map = vj_yaml_get(model, key),
                        .type_key = "type",
                        .default_type = default_type};
  if (!slot.map && !default_type) return vj_fail_node(model, "model", "missing key \"%s\"", key);
  VJ_TRY(add_section(maker, parent, key, &resolved));
  VJ_TRY(vj_choose(maker->pool, &slot, choice, &common, resolved));
  return VJ_OK;
}

static vj_status read_target(const config_maker *maker, vj_yaml *parent) {
  size_t count;
  void *read = NULL;
  vj_yaml *resolved = NULL;
  const vj_param *rows = vj_section_rows("target", &count);
  const vj_yaml *map = vj_yaml_get(vj_yaml_get(maker->root, "model"), "target");
  VJ_TRY(add_section(maker, parent, "target", &resolved));
  VJ_TRY(vj_params_read(maker->pool, rows, count, sizeof maker->config->target, map, "model.target", NULL, &read,
                        resolved));
  maker->config->target = *(const vj_target_config *)read;
  return VJ_OK;
}

static vj_status read_model(const config_maker *maker) {
  static const char *const parts[] = {"encoder", "predictor", "decoder", "latent", "target"};
  vj_config *config = maker->config;
  vj_yaml *resolved = NULL;
  VJ_TRY(vj_keys_check(vj_yaml_get(maker->root, "model"), "model", parts, VJ_COUNT(parts)));
  VJ_TRY(add_section(maker, maker->resolved, "model", &resolved));
  VJ_TRY(read_model_part(maker, VJ_ENCODER, &config->encoder, resolved));
  VJ_TRY(read_model_part(maker, VJ_PREDICTOR, &config->predictor, resolved));
  VJ_TRY(read_model_part(maker, VJ_DECODER, &config->decoder, resolved));
  VJ_TRY(read_model_part(maker, VJ_LATENT, &config->latent, resolved));
  return read_target(maker, resolved);
}

/* The i-th entry of a map whose keys are names of one's own: `slot` has what its kind needs. */
static vj_status choose_named(const config_maker *maker, vj_slot slot, const char *list, const vj_yaml *entries,
                              int64_t i, vj_choice *choice, const void **read, vj_yaml *parent) {
  char path[PATH_BYTES];
  vj_yaml *resolved = NULL;
  const vj_yaml *key = entries->keys[i];
  VJ_TRY(vj_name_check(key, list));
  snprintf(path, sizeof path, "%s.%s", list, key->text);
  slot.key = key->text;
  slot.path = path;
  slot.key_node = key;
  slot.map = entries->items[i];
  slot.type_key = "type";
  VJ_TRY(add_section(maker, parent, key->text, &resolved));
  VJ_TRY(vj_choose(maker->pool, &slot, choice, read, resolved));
  return VJ_OK;
}

static vj_status read_loss(const config_maker *maker, const vj_yaml *losses, int64_t i, vj_loss_choice *loss,
                           vj_yaml *parent) {
  const void *read = NULL;
  vj_slot slot = {.kind = VJ_LOSS, .default_type = losses->keys[i]->text, .struct_bytes = sizeof(vj_loss_section)};
  slot.rows = vj_section_rows("losses", &slot.row_count);
  VJ_TRY(choose_named(maker, slot, "losses", losses, i, &loss->choice, &read, parent));
  loss->weight = ((const vj_loss_section *)read)->weight;
  return VJ_OK;
}

static vj_status read_losses(const config_maker *maker) {
  const vj_yaml *losses = vj_yaml_get(maker->root, "losses");
  vj_yaml *resolved = NULL;
  VJ_TRY(vj_map_check(losses, "losses"));
  if (losses->count == 0) return vj_fail_node(losses, "losses", "expected at least one loss");
  vj_loss_choice *list = vj_pool_take(maker->pool, (size_t)losses->count * sizeof *list);
  if (!list) return vj_fail(VJ_MEMORY, "losses: no memory for %lld of them", (long long)losses->count);
  VJ_TRY(add_section(maker, maker->resolved, "losses", &resolved));
  for (int64_t i = 0; i < losses->count; i++) VJ_TRY(read_loss(maker, losses, i, &list[i], resolved));
  maker->config->losses = list;
  maker->config->loss_count = losses->count;
  return VJ_OK;
}

static vj_status check_ranks(const vj_optim_config *optim, const vj_yaml *node) {
  if (optim->ranks & (optim->ranks - 1))
    return vj_fail_node(node, "optim.ranks", "expected a power of two, so that sums keep their order, got %lld",
                        (long long)optim->ranks);
  if (optim->ranks && optim->shards % optim->ranks)
    return vj_fail_node(
        node, "optim.ranks",
        "%lld ranks do not divide %lld shard%s (optim.shards); use 1, 2, 4, .. up to the number of shards",
        (long long)optim->ranks, (long long)optim->shards, optim->shards == 1 ? "" : "s");
  return VJ_OK;
}

static vj_status check_optim(const vj_optim_config *optim, const vj_yaml *map) {
  const vj_yaml *batch = vj_yaml_get(map, "batch"), *betas = vj_yaml_get(map, "betas");
  if (optim->batch % optim->shards != 0)
    return vj_fail_node(batch ? batch : map, "optim.batch",
                        "%lld samples do not divide into %lld shards; make optim.batch a multiple of optim.shards",
                        (long long)optim->batch, (long long)optim->shards);
  VJ_TRY(check_ranks(optim, vj_yaml_get(map, "ranks")));
  if (optim->betas.count != 2)
    return vj_fail_node(betas, "optim.betas", "expected two numbers, got %lld", (long long)optim->betas.count);
  for (int64_t i = 0; i < 2; i++) {
    char path[PATH_BYTES], text[VJ_REAL_BYTES];
    snprintf(path, sizeof path, "optim.betas[%lld]", (long long)i);
    if (!(optim->betas.at[i] >= 0 && optim->betas.at[i] < 1))
      return vj_fail_node(betas->items[i], path, "expected a number >= 0 and < 1, got \"%s\"",
                          vj_real_text(optim->betas.at[i], text));
  }
  if (optim->warmup > optim->steps)
    return vj_fail_node(vj_yaml_get(map, "warmup"), "optim.warmup", "%lld steps of warm-up do not fit into %lld steps",
                        (long long)optim->warmup, (long long)optim->steps);
  return VJ_OK;
}

/* Reads a section that holds rows only, beside keys that are read elsewhere. */
static vj_status read_rows(const config_maker *maker, const char *section, size_t bytes, const char *const *also_known,
                           void *read, vj_yaml **resolved) {
  size_t count;
  void *fresh = NULL;
  const vj_param *rows = vj_section_rows(section, &count);
  VJ_TRY(add_section(maker, maker->resolved, section, resolved));
  VJ_TRY(vj_params_read(maker->pool, rows, count, bytes, vj_yaml_get(maker->root, section), section, also_known, &fresh,
                        *resolved));
  memcpy(read, fresh, bytes);
  return VJ_OK;
}

static vj_status read_probe(const config_maker *maker, const vj_yaml *probes, int64_t i, vj_probe_choice *probe,
                            vj_yaml *parent) {
  char path[PATH_BYTES];
  const void *read = NULL;
  vj_slot slot = {.kind = VJ_PROBE, .struct_bytes = sizeof(vj_probe_section)};
  slot.rows = vj_section_rows("probes", &slot.row_count);
  VJ_TRY(choose_named(maker, slot, "eval.probes", probes, i, &probe->choice, &read, parent));
  const vj_component *component = probe->choice.component;
  snprintf(path, sizeof path, "eval.probes.%s", probe->choice.key);
  if (component->as.probe.is_measure)
    return vj_fail_node(vj_yaml_get(probes->items[i], "type"), path,
                        "\"%s\" is a measure: it is taken of every hidden state at every evaluation and is not named",
                        component->name);
  const vj_probe_section *section = read;
  const bool on_labels = strcmp(section->on, "labels") == 0;
  if (on_labels && section->labels.count == 0)
    return vj_fail_node(probes->items[i], path, "on: labels needs labels: [..], those that are probed");
  if (!on_labels && section->labels.count > 0)
    return vj_fail_node(vj_yaml_get(probes->items[i], "labels"), path,
                        "labels: are probed with on: labels alone, not on: %s", section->on);
  probe->on = section->on;
  probe->labels = section->labels;
  probe->target = section->target;
  probe->dimension = section->dimension;
  probe->reduction = section->reduction;
  probe->label_share = section->label_share;
  probe->by_horizon = section->by_horizon;
  probe->has_prior = maker->config->eval.prior_draws > 0 && strcmp(section->on, "hy_pred") == 0 &&
                     maker->config->latent.component->as.latent.build_prior;
  return VJ_OK;
}

static vj_status read_probes(const config_maker *maker, const vj_yaml *probes, vj_yaml *parent) {
  vj_yaml *resolved = NULL;
  const int64_t count = probes ? probes->count : 0;
  VJ_TRY(vj_map_check(probes, "eval.probes"));
  VJ_TRY(add_section(maker, parent, "probes", &resolved));
  vj_probe_choice *list = vj_pool_take(maker->pool, (size_t)count * sizeof *list);
  if (!list) return vj_fail(VJ_MEMORY, "eval.probes: no memory for %lld of them", (long long)count);
  for (int64_t i = 0; i < count; i++) VJ_TRY(read_probe(maker, probes, i, &list[i], resolved));
  maker->config->eval.probes = list;
  maker->config->eval.probe_count = count;
  return VJ_OK;
}

static vj_status read_eval(const config_maker *maker) {
  static const char *const also_known[] = {"probes", NULL};
  vj_config *config = maker->config;
  vj_yaml *resolved = NULL;
  VJ_TRY(read_rows(maker, "eval", sizeof config->eval, also_known, &config->eval, &resolved));
  return read_probes(maker, vj_yaml_get(vj_yaml_get(maker->root, "eval"), "probes"), resolved);
}

static vj_status check_samples(const config_maker *maker) {
  const vj_config *config = maker->config;
  const vj_yaml *map = vj_yaml_get(maker->root, "eval"), *samples = vj_yaml_get(map, "samples");
  if (config->eval.samples >= config->optim.batch) return VJ_OK;
  return vj_fail_node(samples ? samples : map, "eval.samples",
                      "%lld samples are less than one batch of %lld (optim.batch); evaluation takes whole batches",
                      (long long)config->eval.samples, (long long)config->optim.batch);
}

static vj_status read_optim(const config_maker *maker) {
  vj_config *config = maker->config;
  vj_yaml *resolved = NULL;
  VJ_TRY(read_rows(maker, "optim", sizeof config->optim, NULL, &config->optim, &resolved));
  return check_optim(&config->optim, vj_yaml_get(maker->root, "optim"));
}

static vj_status read_logging(const config_maker *maker) {
  vj_yaml *resolved = NULL;
  return read_rows(maker, "logging", sizeof maker->config->logging, NULL, &maker->config->logging, &resolved);
}

static vj_status read_checkpoint(const config_maker *maker) {
  vj_yaml *resolved = NULL;
  return read_rows(maker, "checkpoint", sizeof maker->config->checkpoint, NULL, &maker->config->checkpoint, &resolved);
}

/* Whether a section is the very one that `like` was made of. */
static bool is_shared(const config_maker *maker, const char *section) {
  return maker->like && vj_yaml_get(maker->root, section) == vj_yaml_get(maker->like->root, section);
}

static vj_status read_all(const config_maker *maker) {
  static const struct {
    const char *section, *also; /* sections that decide what it says */
    vj_status (*read)(const config_maker *maker);
  } parts[] = {{"data", NULL, read_data},
               {"model", NULL, read_model},
               {"losses", NULL, read_losses},
               {"optim", NULL, read_optim},
               {"eval", "model", read_eval},
               {"logging", NULL, read_logging},
               {"checkpoint", NULL, read_checkpoint}};
  VJ_TRY(check_sections(maker));
  VJ_TRY(read_top(maker));
  for (size_t i = 0; i < VJ_COUNT(parts); i++) {
    const char *name = parts[i].section;
    const bool shared = is_shared(maker, name) && (!parts[i].also || is_shared(maker, parts[i].also));
    VJ_TRY(shared ? vj_yaml_set(maker->pool, maker->resolved, name, vj_yaml_get(maker->like->resolved, name))
                  : parts[i].read(maker));
  }
  VJ_TRY(check_samples(maker));
  /* The resolved text must find its components again. */
  const vj_yaml *plugins = vj_yaml_get(maker->root, "plugins");
  if (plugins) VJ_TRY(vj_yaml_set(maker->pool, maker->resolved, "plugins", vj_yaml_copy(maker->pool, plugins)));
  return VJ_OK;
}

vj_status vj_config_vary(vj_pool *pool, const vj_config *like, const vj_yaml *root, vj_config **config) {
  config_maker maker = {.pool = pool, .root = root, .like = like};
  *config = NULL;
  maker.config = vj_pool_take(pool, sizeof *maker.config);
  maker.resolved = vj_yaml_new(pool, VJ_YAML_MAP, NULL);
  if (!maker.config || !maker.resolved) return vj_fail(VJ_MEMORY, "no memory for a configuration");
  if (like) *maker.config = *like;
  maker.config->root = root;
  VJ_TRY(read_all(&maker));
  maker.config->resolved = maker.resolved;
  *config = maker.config;
  return VJ_OK;
}

vj_status vj_config_create(vj_pool *pool, const vj_yaml *root, vj_config **config) {
  return vj_config_vary(pool, NULL, root, config);
}

/* A tree without one key of a section; a section that said only this says nothing without it. */
static vj_status without(vj_pool *pool, vj_yaml *tree, const char *section, const char *key) {
  const vj_yaml *map = vj_yaml_get(tree, section);
  if (!map || map->kind != VJ_YAML_MAP || !vj_yaml_get(map, key)) return VJ_OK;
  vj_yaml *branch = vj_yaml_shallow(pool, map);
  if (!branch) return vj_fail(VJ_MEMORY, "no memory for a configuration");
  vj_yaml_remove(branch, key);
  if (branch->count) return vj_yaml_set(pool, tree, section, branch);
  vj_yaml_remove(tree, section);
  return VJ_OK;
}

vj_status vj_config_measured(vj_pool *pool, const vj_yaml *root, vj_yaml **measured) {
  vj_yaml *tree = *measured = vj_yaml_shallow(pool, root);
  if (!tree) return vj_fail(VJ_MEMORY, "no memory for a configuration");
  vj_yaml_remove(tree, "question");
  vj_yaml_remove(tree, "report");
  vj_yaml_remove(tree, "checkpoint");
  VJ_TRY(without(pool, tree, "logging", "tensorboard"));
  return without(pool, tree, "optim", "ranks");
}
