#include "sweeps/space/report_controls.h"

#include <string.h>

#include "framework/config/nodes.h"
#include "framework/store/records/records.h"

const char *const vj_control_names[VJ_CONTROLS] = {
    [VJ_CONTROL_UNTRAINED] = "untrained", [VJ_CONTROL_PIXELS] = "pixels",     [VJ_CONTROL_LABELS] = "labels",
    [VJ_CONTROL_MEAN] = "mean",           [VJ_CONTROL_MAJORITY] = "majority", [VJ_CONTROL_RANDOM] = "random",
};

/* What such a probe is on, and how one is written. */
static const struct {
  const char *on, *example;
} probes[VJ_CONTROLS] = {
    [VJ_CONTROL_PIXELS] = {"x", "pixels: {type: ridge, target: speed, on: x}"},
    [VJ_CONTROL_LABELS] = {"labels", "known: {type: ridge, target: speed, on: labels, labels: [current_speed]}"},
};

bool vj_control_is_probe(vj_control control) { return probes[control].on != NULL; }

vj_status vj_control_probe_missing(const vj_yaml *node, const char *path, vj_control control, const char *whose) {
  return vj_fail_node(node, path,
                      "no probe on %s has the type and target of %s probe; add one under eval.probes, such as %s",
                      probes[control].on, whose, probes[control].example);
}

/* Of a probe's key "speed" and "probe_speed_mse": "mse"; NULL if the quantity is none of this probe. */
static const char *metric_of(const char *quantity, const char *key) {
  const char *rest = vj_record_after(quantity, VJ_PROBE_RECORDS);
  const size_t length = strlen(key);
  return rest && strncmp(rest, key, length) == 0 && rest[length] == '_' ? rest + length + 1 : NULL;
}

static const char *scalar_of(const vj_yaml *map, const char *key) {
  const vj_yaml *node = vj_yaml_get(map, key);
  return node && node->kind == VJ_YAML_SCALAR ? node->text : "";
}

static bool is_same(const vj_yaml *a, const vj_yaml *b, const char *key) {
  return strcmp(scalar_of(a, key), scalar_of(b, key)) == 0;
}

const char *vj_control_probe_of(vj_pool *pool, const vj_yaml *root, vj_control control, const char *quantity) {
  const vj_yaml *all = vj_yaml_find(root, "eval.probes"), *probe = NULL;
  const char *metric = NULL;
  if (!all || all->kind != VJ_YAML_MAP) return NULL;
  for (int64_t i = 0; i < all->count; i++) { /* of keys that both fit, "speed" and "speed_y", the longer */
    const char *rest = metric_of(quantity, all->keys[i]->text);
    if (rest && (!metric || rest > metric)) metric = rest, probe = all->items[i];
  }
  for (int64_t i = 0; i < all->count && probe; i++) {
    const vj_yaml *other = all->items[i];
    if (strcmp(scalar_of(other, "on"), probes[control].on) == 0 && is_same(other, probe, "type") &&
        is_same(other, probe, "target"))
      return vj_pool_format(pool, VJ_NAME_OF_PROBE("%s", "%s"), all->keys[i]->text, metric);
  }
  return NULL;
}

const char *vj_control_guess_of(vj_pool *pool, vj_control control, const char *quantity,
                                bool (*is_recorded)(const void *context, const char *name), const void *context) {
  static const char *const words[VJ_CONTROLS] = {
      [VJ_CONTROL_MEAN] = "baseline", [VJ_CONTROL_MAJORITY] = "majority", [VJ_CONTROL_RANDOM] = "random"};
  if (!words[control]) return NULL;
  for (const char *cut = vj_record_after(quantity, VJ_PROBE_RECORDS); cut && (cut = strchr(cut, '_')); cut++) {
    const char *name = vj_pool_format(pool, "%.*s_%s%s", (int)(cut - quantity), quantity, words[control], cut);
    if (name && is_recorded(context, name)) return name;
  }
  return NULL;
}
