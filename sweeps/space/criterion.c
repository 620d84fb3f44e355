#include "sweeps/space/criterion.h"

#include <string.h>

#include "framework/config/config.h"
#include "framework/config/nodes.h"
#include "framework/store/records/records.h"
#include "sweeps/space/report_spec.h"

static const vj_param rows[] = {
    VJ_TEXT(vj_criterion, metric, NULL, "the quantity of validation clips by which settings are chosen"),
    VJ_CHOICE(vj_criterion, mode, "min|max", NULL, "what is good of the metric: min or max"),
};

vj_status vj_criterion_read(vj_pool *pool, const vj_yaml *sweep, const vj_criterion **criterion) {
  const vj_yaml *map = vj_yaml_get(sweep, "select");
  void *read = NULL;
  *criterion = NULL;
  if (vj_yaml_is_null(map)) return VJ_OK;
  VJ_TRY(vj_params_read(pool, rows, VJ_COUNT(rows), sizeof(vj_criterion), map, "sweep.select", NULL, &read, NULL));
  vj_criterion *fresh = read;
  fresh->node = map;
  *criterion = fresh;
  return VJ_OK;
}

vj_status vj_criterion_check(const vj_criterion *criterion, const vj_file_layout *layout) {
  static const char path[] = "sweep.select.metric";
  if (!criterion) return VJ_OK;
  const vj_yaml *node = vj_yaml_get(criterion->node, "metric");
  VJ_TRY(vj_report_check_quantity(criterion->metric, node, path, layout, NULL));
  if (vj_is_of_validation(criterion->metric)) return VJ_OK;
  return vj_fail_node(node, path,
                      "settings are chosen by figures of validation clips, and %s is of %s clips; name a "
                      "probe's that ends in _validation, or %s",
                      criterion->metric, vj_is_of_test(criterion->metric) ? "test" : "training", VJ_RECORD_VAL_LOSS);
}

static bool ends_in_validation(const char *quantity) {
  static const char suffix[] = "_validation";
  const size_t length = strlen(quantity), end = sizeof suffix - 1;
  return length > end && strcmp(quantity + length - end, suffix) == 0;
}

bool vj_is_of_test(const char *quantity) {
  return vj_record_is(quantity, VJ_RECORD_PROBE) && !ends_in_validation(quantity);
}

bool vj_is_of_validation(const char *quantity) {
  static const char *const patterns[] = {VJ_RECORD_VAL_LOSS, VJ_RECORD_VAL_ONE_LOSS, VJ_RECORD_VAL_REPORT,
                                         VJ_RECORD_MEASURE};
  if (vj_record_is(quantity, VJ_RECORD_PROBE)) return ends_in_validation(quantity);
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
    if (vj_record_is(quantity, patterns[i])) return true;
  return false;
}
