#include "sweeps/space/arm_space.h"

#include <math.h>
#include <stdlib.h>

#include "framework/config/nodes.h"
#include "sweeps/space/axis.h"

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for the space of an arm"); }

static vj_status read_axis(vj_pool *pool, const vj_yaml *space, int64_t parameter, vj_axis *axis) {
  return vj_axis_read(pool, space->keys[parameter], space->items[parameter], space->keys[parameter]->text, axis);
}

vj_status vj_arm_space_read(vj_pool *pool, const vj_yaml *root, const char *arm, vj_yaml **space) {
  const vj_yaml *shared = vj_yaml_find(root, "sweep.parameters");
  const vj_yaml *own = vj_yaml_get(vj_yaml_get(vj_yaml_find(root, "sweep.trials"), arm), "parameters");
  *space = vj_yaml_new(pool, VJ_YAML_MAP, own);
  if (!*space) return no_memory();
  VJ_TRY(vj_map_check(shared, "sweep.parameters"));
  VJ_TRY(vj_map_check(own, "parameters of an arm"));
  for (int64_t i = 0; shared && i < shared->count; i++) {
    vj_axis axis;
    VJ_TRY(read_axis(pool, shared, i, &axis));
    if (axis.drawn) VJ_TRY(vj_yaml_set(pool, *space, shared->keys[i]->text, shared->items[i]));
  }
  for (int64_t i = 0; own && i < own->count; i++) {
    if (vj_yaml_get(*space, own->keys[i]->text))
      return vj_fail_node(own->keys[i], "", "\"%s\" is under sweep.parameters too; write it in one place",
                          own->keys[i]->text);
    VJ_TRY(vj_yaml_set(pool, *space, own->keys[i]->text, own->items[i]));
  }
  return VJ_OK;
}

const char *vj_arm_space_text(vj_pool *pool, const vj_yaml *space) {
  const char *text = "";
  for (int64_t i = 0; i < space->count && text; i++) {
    const char *values = vj_yaml_print_line(pool, space->items[i]);
    text = values ? vj_pool_format(pool, "%s%s%s %s", text, i ? ", " : "", space->keys[i]->text, values) : NULL;
  }
  return text;
}

vj_status vj_arm_space_edge(vj_pool *pool, const vj_yaml *space, int64_t parameter, const vj_yaml *value,
                            vj_edge *edge) {
  static const double outer = 0.1;
  vj_axis axis;
  *edge = VJ_EDGE_NONE;
  VJ_TRY(read_axis(pool, space, parameter, &axis));
  if (!axis.drawn || axis.choices || !value || value->kind != VJ_YAML_SCALAR) return VJ_OK;
  const double place = vj_range_place(&axis.range, strtod(value->text, NULL));
  if (place <= outer) *edge = VJ_EDGE_LOW;
  if (place >= 1 - outer) *edge = VJ_EDGE_HIGH;
  return VJ_OK;
}

static vj_yaml *number_node(vj_pool *pool, double number, const vj_yaml *like) {
  char text[VJ_REAL_BYTES];
  const char *kept = vj_pool_text(pool, vj_real_text(number, text));
  return kept ? vj_yaml_scalar(pool, kept, false, like) : NULL;
}

vj_status vj_arm_space_extend(vj_pool *pool, const vj_yaml *space, int64_t parameter, vj_edge side, const vj_param *row,
                              vj_yaml **extended) {
  vj_axis axis;
  *extended = NULL;
  VJ_TRY(read_axis(pool, space, parameter, &axis));
  if (!axis.drawn || axis.choices) return VJ_OK;
  vj_range range = axis.range;
  if (!vj_range_extend(&range, side > 0, row ? row->minimum : -INFINITY, row ? row->maximum : INFINITY)) return VJ_OK;
  const vj_yaml *like = space->items[parameter];
  vj_yaml *map = vj_yaml_shallow(pool, like), *ends = vj_yaml_new(pool, VJ_YAML_LIST, like);
  vj_yaml **items = vj_pool_take(pool, 2 * sizeof *items);
  if (!map || !ends || !items) return no_memory();
  items[0] =
      range.low == axis.range.low ? vj_yaml_get(like, axis.drawn->text)->items[0] : number_node(pool, range.low, like);
  items[1] = range.high == axis.range.high ? vj_yaml_get(like, axis.drawn->text)->items[1]
                                           : number_node(pool, range.high, like);
  if (!items[0] || !items[1]) return no_memory();
  ends->items = items;
  ends->count = 2;
  VJ_TRY(vj_yaml_set(pool, map, axis.drawn->text, ends));
  *extended = map;
  return VJ_OK;
}

vj_status vj_arm_space_end(vj_pool *pool, const vj_yaml *space, int64_t parameter, vj_edge side, vj_yaml **end) {
  vj_axis axis;
  VJ_TRY(read_axis(pool, space, parameter, &axis));
  *end = vj_yaml_get(space->items[parameter], axis.drawn->text)->items[side > 0];
  return VJ_OK;
}
