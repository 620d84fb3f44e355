#include "framework/train/events.h"

#include <math.h>
#include <stdlib.h>

/* Says what went wrong, and writes no more. */
static void give_up(vj_events *e, vj_status status) {
  (void)vj_fail(status, "%s; the trial goes on without TensorBoard's files", vj_error_message());
  if (e->warn) e->warn(e->context, vj_error_message());
  vj_events_close(e);
}

void vj_events_open(vj_events *events, const char *folder, const vj_config *config, int64_t first_step,
                    vj_warning *warn, void *context) {
  vj_pool *pool = NULL;
  *events = (vj_events){.warn = warn, .context = context};
  vj_status status = vj_event_file_create(folder, first_step, &events->file);
  if (status == VJ_OK) status = vj_pool_create(&pool);
  if (status == VJ_OK) status = vj_event_file_code(events->file, "config", vj_yaml_print(pool, config->resolved));
  vj_pool_destroy(&pool);
  if (status != VJ_OK) give_up(events, status);
}

static bool make_room(vj_events *e, int64_t count) {
  if (count <= e->capacity) return true;
  vj_event_scalar *more = realloc(e->scalars, (size_t)count * sizeof *more);
  if (!more) return false;
  e->scalars = more;
  e->capacity = count;
  return true;
}

static void write_scalars(vj_events *e, int64_t step, int64_t count) {
  if (count == 0) return;
  const vj_status status = vj_event_file_scalars(e->file, step, e->scalars, count);
  if (status != VJ_OK) give_up(e, status);
}

void vj_events_step(vj_events *events, const vj_recorded_metrics *list, const double *row, int64_t done) {
  int64_t count = 0;
  if (!events->file || !make_room(events, list->step_count)) return;
  for (int64_t i = 0; i < list->step_count; i++)
    if (!isnan(row[i])) events->scalars[count++] = (vj_event_scalar){list->at[i].name, row[i]};
  write_scalars(events, done, count);
}

void vj_events_evaluation(vj_events *events, const vj_recorded_metrics *list, double *const *results, int64_t done,
                          bool with_probes) {
  const int64_t first = list->step_count;
  int64_t count = 0;
  if (!events->file || !make_room(events, list->count - first)) return;
  for (int64_t i = first; i < list->count; i++) {
    const vj_recorded_metric *metric = &list->at[i];
    const double value = results[i - first][0];
    if (metric->axis != VJ_AXIS_EVAL || (metric->at_probes && !with_probes) || isnan(value)) continue;
    events->scalars[count++] = (vj_event_scalar){metric->name, value};
  }
  write_scalars(events, done, count);
}

void vj_events_close(vj_events *events) {
  vj_event_file_close(&events->file);
  free(events->scalars);
  events->scalars = NULL;
  events->capacity = 0;
}
