#include "sweeps/run/layout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/schedule/trial_schedule.h"
#include "framework/train/evaluation/sample_frames.h"
#include "framework/train/trial_checkpoint.h"
#include "framework/train/trial.h"

#ifndef VJ_VERSION
#define VJ_VERSION "unknown"
#endif

enum {
  TRIAL,
  STEP,
  EVAL,
  COMPONENT,
  HORIZON,
  CATEGORY,
  SAMPLE,
  COORDINATE,
  INPUT_FRAME,
  ROW,
  COLUMN,
  CHANNEL,
  CLIP,
  FEATURE,
  DIMENSIONS
};

/* What tells how long a step of a trial takes. */
typedef struct trial_size {
  size_t memory;
  int64_t parameters;
  double flops;
  int ranks;
  int64_t first; /* trial of this size */
} trial_size;

typedef struct builder {
  vj_pool *pool;
  const vj_space *space;
  vj_sweep_layout *layout;
  vj_file_variable *variables;
  int64_t count, capacity;
  int64_t size[DIMENSIONS]; /* the largest of any trial; 0: nobody needs it */
  trial_size *sizes;
  int64_t size_count;
  const char *data_text; /* of the open data set */
  vj_loader loader;
} builder;

/* --- variables ----------------------------------------------------------------------------------------------- */

static vj_status add(builder *b, vj_file_variable variable) {
  for (int64_t i = 0; i < b->count; i++)
    if (strcmp(b->variables[i].name, variable.name) == 0) {
      if (b->variables[i].rank == variable.rank) return VJ_OK;
      return vj_fail(VJ_CONFIG, "%s would be recorded in two forms; rename the loss or probe", variable.name);
    }
  if (b->count == b->capacity) {
    b->capacity = b->capacity ? 2 * b->capacity : 128;
    vj_file_variable *fresh = vj_pool_take(b->pool, (size_t)b->capacity * sizeof *fresh);
    if (!fresh) return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
    if (b->count) memcpy(fresh, b->variables, (size_t)b->count * sizeof *fresh);
    b->variables = fresh;
  }
  b->variables[b->count++] = variable;
  return VJ_OK;
}

static vj_file_variable of_trial(const char *name, vj_file_type type, const char *units, const char *text,
                                 bool is_coordinate) {
  return (vj_file_variable){.name = name,
                            .type = type,
                            .rank = 1,
                            .dimension = {TRIAL},
                            .units = units,
                            .long_name = text,
                            .is_coordinate = is_coordinate};
}

static vj_status add_text(builder *b, const char *name, int64_t bytes, const char *text, bool is_coordinate) {
  vj_file_variable variable = of_trial(name, VJ_FILE_TEXT, "", text, is_coordinate);
  variable.text_bytes = bytes;
  return add(b, variable);
}

static vj_status add_bookkeeping(builder *b) {
  int64_t longest = 63;
  for (int64_t i = 0; i < b->space->trial_count; i++) {
    const int64_t length = (int64_t)strlen(b->space->trials[i].arm);
    if (length > longest) longest = length;
  }
  VJ_TRY(add_text(b, "arm", longest + 1, "name of the explicit trial, or of what was set", true));
  VJ_TRY(add(b, of_trial("seed", VJ_FILE_INT64, "1", "seed of initialisation, sample order and noise", true)));
  vj_file_variable status = of_trial(VJ_RECORD_STATUS, VJ_FILE_INT64, "1", "state of the trial", true);
  status.flags = "0 waiting|1 running|2 done|3 failed|4 stopped";
  VJ_TRY(add(b, status));
  VJ_TRY(add(b, of_trial("attempt", VJ_FILE_INT64, "1", "how often the trial was started", true)));
  VJ_TRY(add(b, of_trial(VJ_RECORD_COMMITTED, VJ_FILE_INT64, "steps",
                         "training steps completed and recorded; rows up to here are whole", false)));
  VJ_TRY(add_text(b, VJ_RECORD_FAILURE, VJ_FAILURE_BYTES, "why the trial failed", false));
  VJ_TRY(add(b, of_trial(VJ_RECORD_WORK, VJ_FILE_DOUBLE, "1",
                         "floating-point operations of the trial's matrix products, estimated", false)));
  if (b->space->stopping)
    VJ_TRY(add_text(b, VJ_RECORD_STOP_REASON, VJ_STOP_REASON_BYTES, "why the trial was stopped early", false));
#define ADD_TIME(field, name, text) VJ_TRY(add(b, of_trial(name, VJ_FILE_DOUBLE, "s", text, false)));
  VJ_RECORD_TIMES(ADD_TIME)
#undef ADD_TIME
  return VJ_OK;
}

/* Numbers stay numbers; anything else becomes text. */
static bool all_numbers(vj_pool *pool, const vj_space *space, const char *key, int64_t *longest) {
  bool numbers = true;
  for (int64_t i = 0; i < space->trial_count; i++) {
    const vj_yaml *value = vj_yaml_find(space->trials[i].config->resolved, key);
    if (!value) continue;
    char *end = NULL;
    const bool scalar = value->kind == VJ_YAML_SCALAR && value->text && value->text[0];
    if (scalar) (void)strtod(value->text, &end);
    if (!scalar || *end || value->quoted) numbers = false;
    const int64_t length = (int64_t)strlen(vj_yaml_value_text(pool, value));
    if (length > *longest) *longest = length;
  }
  return numbers;
}

static vj_status add_hyperparameters(builder *b) {
  for (int64_t i = 0; i < b->space->key_count; i++) {
    const char *key = b->space->keys[i];
    const char *name = vj_pool_format(b->pool, "param.%s", key);
    const char *text = vj_pool_format(b->pool, "configuration: %s", key);
    int64_t longest = 1;
    if (!name || !text) return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
    if (all_numbers(b->pool, b->space, key, &longest))
      VJ_TRY(add(b, of_trial(name, VJ_FILE_DOUBLE, "", text, true)));
    else
      VJ_TRY(add_text(b, name, longest + 1, text, true));
  }
  size_t longest = 1;
  for (int64_t i = 0; i < b->space->trial_count; i++) {
    const char *text = vj_yaml_print(b->pool, b->space->trials[i].config->resolved);
    if (!text) return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
    if (strlen(text) > longest) longest = strlen(text);
  }
  return add_text(b, "config", (int64_t)longest + 1, "resolved configuration of the trial (YAML)", false);
}

static void widen(builder *b, int dimension, int64_t size) {
  if (size > b->size[dimension]) b->size[dimension] = size;
}

/* Of one evaluation alone. */
static vj_status add_states(builder *b, const vj_recorded_metric *quantity) {
  const int dimensions[] = {TRIAL, CLIP, quantity->is_past ? INPUT_FRAME : HORIZON, FEATURE};
  vj_file_variable variable = {.name = vj_pool_text(b->pool, quantity->name),
                               .type = VJ_FILE_FLOAT,
                               .rank = 4,
                               .units = vj_pool_text(b->pool, quantity->units),
                               .long_name = vj_pool_text(b->pool, quantity->long_name)};
  if (!variable.name || !variable.units || !variable.long_name)
    return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
  memcpy(variable.dimension, dimensions, sizeof dimensions);
  for (int i = 0; i < 3; i++) widen(b, dimensions[1 + i], quantity->shape[i]);
  return add(b, variable);
}

static vj_status add_quantity(builder *b, const vj_recorded_metric *quantity) {
  if (quantity->size == 0) return VJ_OK;
  if (quantity->axis == VJ_AXIS_STATES) return add_states(b, quantity);
  vj_file_variable variable = {.name = vj_pool_text(b->pool, quantity->name),
                               .type = VJ_FILE_DOUBLE,
                               .rank = quantity->axis == VJ_AXIS_STEP || quantity->axis == VJ_AXIS_EVAL ? 2
                                       : quantity->axis == VJ_AXIS_LABEL                                ? 5
                                                                                                        : 3,
                               .dimension = {TRIAL, quantity->axis == VJ_AXIS_STEP ? STEP : EVAL},
                               .units = vj_pool_text(b->pool, quantity->units),
                               .long_name = vj_pool_text(b->pool, quantity->long_name)};
  if (!variable.name || !variable.units || !variable.long_name)
    return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
  if (variable.rank == 3) {
    variable.dimension[2] = quantity->axis == VJ_AXIS_HORIZON    ? HORIZON
                            : quantity->axis == VJ_AXIS_CATEGORY ? CATEGORY
                                                                 : COMPONENT;
    widen(b, variable.dimension[2], quantity->size);
  }
  for (int i = 0; i < 3 && quantity->axis == VJ_AXIS_LABEL; i++) {
    variable.dimension[2 + i] = (int[]){SAMPLE, HORIZON, COORDINATE}[i];
    widen(b, variable.dimension[2 + i], quantity->shape[i]);
  }
  return add(b, variable);
}

static vj_status add_pictures(builder *b, const vj_model *model) {
  vj_sample_frames pictures[VJ_MOST_SAMPLE_FRAMES];
  const int count = vj_sample_frames_list(model, &b->loader, pictures);
  for (int i = 0; i < count; i++) {
    const vj_sample_frames *p = &pictures[i];
    const int64_t sizes[] = {p->samples, p->frames, p->height, p->width, p->channels};
    vj_file_variable variable = {.name = p->name,
                                 .type = VJ_FILE_UINT8,
                                 .rank = 6,
                                 .dimension = {TRIAL},
                                 .units = "",
                                 .long_name = p->long_name};
    for (int d = 0; d < 5; d++) {
      variable.dimension[1 + d] = (int[]){SAMPLE, p->of_input ? INPUT_FRAME : HORIZON, ROW, COLUMN, CHANNEL}[d];
      widen(b, variable.dimension[1 + d], sizes[d]);
    }
    VJ_TRY(add(b, variable));
  }
  return VJ_OK;
}

/* --- trials -------------------------------------------------------------------------------------------------- */

/* Trials mostly share their data; it is opened again only when its section changes. */
static vj_status open_data(builder *b, const vj_config *config) {
  const char *text = vj_yaml_print(b->pool, vj_yaml_find(config->resolved, "data"));
  if (!text) return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
  if (b->data_text && strcmp(text, b->data_text) == 0) return VJ_OK;
  vj_loader_close(&b->loader);
  b->data_text = NULL;
  VJ_TRY(vj_loader_open(config, &b->loader));
  b->data_text = text;
  return VJ_OK;
}

static int64_t first_of_size(builder *b, trial_size size) {
  int64_t i = 0;
  while (i < b->size_count && (b->sizes[i].memory != size.memory || b->sizes[i].parameters != size.parameters ||
                               b->sizes[i].flops != size.flops || b->sizes[i].ranks != size.ranks))
    i++;
  if (i == b->size_count) b->sizes[b->size_count++] = size;
  return b->sizes[i].first;
}

static vj_status add_videos(builder *b, int64_t trial) {
  int64_t *const videos = &b->layout->videos[trial], *const skipped = &b->layout->skipped[trial];
  for (int s = 0; s < VJ_SPLITS; s++) {
    *videos += b->loader.info.videos[s];
    *skipped += b->loader.info.skipped[s];
  }
  if (*videos == 0) return VJ_OK;
  VJ_TRY(add(b, of_trial(VJ_RECORD_VIDEOS, VJ_FILE_INT64, "1", "videos in use, of all splits", false)));
  VJ_TRY(add(b, of_trial(VJ_RECORD_SKIPPED, VJ_FILE_INT64, "1", "videos that are listed and can't be read", false)));
  if (!vj_bad_samples_is_known(&b->loader.bad_samples)) return VJ_OK;
  VJ_TRY(add(b, of_trial(VJ_RECORD_DAMAGED, VJ_FILE_INT64, "1",
                         "videos in use that were damaged where clips were asked for", false)));
  return add_text(b, VJ_RECORD_DAMAGED_NAMES, VJ_DAMAGED_NAMES_BYTES, "names of videos that were damaged", false);
}

static vj_status add_trial(builder *b, int64_t trial, int ranks) {
  const vj_config *config = b->space->trials[trial].config;
  vj_model *model = NULL;
  vj_recorded_metrics list;
  VJ_TRY(open_data(b, config));
  VJ_TRY(add_videos(b, trial));
  VJ_TRY(vj_model_create(config, &b->loader.info, ranks, &model));
  vj_status status = vj_recorded_metrics_list(b->pool, model, &b->loader, &list);
  for (int64_t i = 0; i < list.count && status == VJ_OK; i++) status = add_quantity(b, &list.at[i]);
  if (status == VJ_OK) status = add_pictures(b, model);
  const trial_size size = {.memory = vj_model_memory(model),
                           .parameters = vj_model_parameter_count(model),
                           .flops = vj_graph_flops(model->train.graph),
                           .ranks = ranks,
                           .first = trial};
  if (size.memory > b->layout->memory_bytes) b->layout->memory_bytes = size.memory;
  if (size.parameters > b->layout->parameter_count) b->layout->parameter_count = size.parameters;
  b->layout->work[trial] = vj_trial_work(config, model);
  const double checkpoint = status == VJ_OK ? vj_trial_checkpoint_estimate(config, model->parameters, &list) : 0;
  if (checkpoint > b->layout->checkpoint_bytes) b->layout->checkpoint_bytes = checkpoint;
  b->layout->like[trial] = status == VJ_OK ? first_of_size(b, size) : -1;
  vj_model_destroy(&model);
  return status;
}

static vj_status add_trials(builder *b, const int *ranks) {
  const int64_t trials = b->space->trial_count;
  char *first = NULL;
  for (int64_t i = 0; i < trials; i++) {
    b->layout->like[i] = -1;
    b->layout->work[i] = NAN;
    const vj_status status = add_trial(b, i, ranks[i]);
    if (status == VJ_OK) continue;
    if (status == VJ_MEMORY) return status; /* no fault of the trial */
    b->layout->problems[i] = vj_pool_text(b->pool, vj_error_message());
    if (b->layout->problem_count++ == 0) {
      b->layout->first_problem = status;
      first = vj_pool_text(b->pool, vj_error_message());
    }
  }
  if (b->layout->problem_count < trials) return VJ_OK;
  return vj_fail(b->layout->first_problem, "%s", first);
}

/* --- axes ---------------------------------------------------------------------------------------------------- */

typedef bool (*is_row)(const vj_config *config, int64_t done);

/* Every number of completed steps at which some trial has a row, ascending. */
static vj_status union_axis(builder *b, is_row row, int64_t **values, int64_t *count) {
  int64_t most = 0;
  for (int64_t i = 0; i < b->space->trial_count; i++)
    if (b->space->trials[i].config->optim.steps > most) most = b->space->trials[i].config->optim.steps;
  bool *used = calloc((size_t)most + 1, sizeof *used);
  if (!used) return vj_fail(VJ_MEMORY, "no memory for %lld steps", (long long)most);
  const vj_config *last = NULL;
  for (int64_t i = 0; i < b->space->trial_count; i++) {
    const vj_config *config = b->space->trials[i].config;
    const bool same = last && last->optim.steps == config->optim.steps && last->eval.every == config->eval.every &&
                      last->logging.every == config->logging.every;
    for (int64_t done = 0; done <= config->optim.steps && !same; done++) used[done] = used[done] || row(config, done);
    last = config;
  }
  *count = 0;
  for (int64_t done = 0; done <= most; done++) *count += used[done];
  *values = vj_pool_take(b->pool, (size_t)(*count + 1) * sizeof **values);
  int64_t next = 0;
  for (int64_t done = 0; done <= most && *values; done++)
    if (used[done]) (*values)[next++] = done;
  free(used);
  return *values ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for the sweep's axes");
}

/* Those that are there for certain trials only. */
static vj_file_dimension counted_dimension(const builder *b, int dimension) {
  static const char *const names[DIMENSIONS] = {
      [HORIZON] = "horizon", [SAMPLE] = "sample",  [COORDINATE] = "coordinate", [INPUT_FRAME] = "input_frame",
      [ROW] = "row",         [COLUMN] = "column",  [CHANNEL] = "channel",       [CATEGORY] = "category",
      [CLIP] = "clip",       [FEATURE] = "feature"};
  static const char *const texts[DIMENSIONS] = {[HORIZON] = "number of the target step",
                                                [SAMPLE] = "number of the test clip",
                                                [COORDINATE] = "number of a label at a target step: x, y of each point",
                                                [INPUT_FRAME] = "number of the input frame",
                                                [ROW] = "row of a frame, from above",
                                                [COLUMN] = "column of a frame, from the left",
                                                [CHANNEL] = "channel of a pixel",
                                                [CATEGORY] = "column of the label",
                                                [CLIP] = "number of the test clip",
                                                [FEATURE] = "number of the feature of a hidden state"};
  const char *units = dimension == HORIZON || dimension == INPUT_FRAME ? "frames" : "1";
  return (vj_file_dimension){names[dimension], b->size[dimension], NULL, units, texts[dimension]};
}

/* Dimensions that nobody needs are left out, and variables told where the others are. */
static void leave_out_dimensions(builder *b, vj_file_dimension *dimensions) {
  int place[DIMENSIONS], count = 0;
  for (int d = 0; d < DIMENSIONS; d++) {
    place[d] = count;
    if (d >= HORIZON && b->size[d] == 0) continue;
    dimensions[count++] = dimensions[d];
  }
  for (int64_t v = 0; v < b->count; v++)
    for (int i = 0; i < b->variables[v].rank; i++) b->variables[v].dimension[i] = place[b->variables[v].dimension[i]];
  b->layout->file.dimensions = dimensions;
  b->layout->file.dimension_count = count;
}

static vj_status set_dimensions(builder *b) {
  vj_file_dimension *dimensions = vj_pool_take(b->pool, DIMENSIONS * sizeof *dimensions);
  if (!dimensions) return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
  int64_t *steps, *evals, step_count, eval_count;
  VJ_TRY(union_axis(b, vj_is_recorded, &steps, &step_count));
  VJ_TRY(union_axis(b, vj_is_evaluated, &evals, &eval_count));
  dimensions[TRIAL] = (vj_file_dimension){"trial", b->space->trial_count, NULL, "1", "number of the trial"};
  dimensions[STEP] = (vj_file_dimension){"step", step_count, steps, "steps", "training steps completed"};
  dimensions[EVAL] = (vj_file_dimension){"eval", eval_count, evals, "steps", "training steps completed at evaluation"};
  dimensions[COMPONENT] = (vj_file_dimension){"component", b->size[COMPONENT] ? b->size[COMPONENT] : 1, NULL, "1",
                                              "number of the singular value, largest first"};
  for (int d = HORIZON; d < DIMENSIONS; d++) dimensions[d] = counted_dimension(b, d);
  leave_out_dimensions(b, dimensions);
  return VJ_OK;
}

static vj_status set_attributes(builder *b, const vj_yaml *root) {
  enum { ATTRIBUTES = 3 };
  vj_file_attribute *attributes = vj_pool_take(b->pool, ATTRIBUTES * sizeof *attributes);
  if (!attributes) return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
  attributes[0] = (vj_file_attribute){"title", b->space->trials[0].config->name};
  attributes[1] = (vj_file_attribute){"source", "vjvcr " VJ_VERSION};
  attributes[2] = (vj_file_attribute){"sweep_yaml", vj_yaml_print(b->pool, root)};
  if (!attributes[2].text) return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
  b->layout->file.attributes = attributes;
  b->layout->file.attribute_count = ATTRIBUTES;
  return VJ_OK;
}

static vj_status build(builder *b, const vj_yaml *root, const int *ranks) {
  VJ_TRY(add_bookkeeping(b));
  VJ_TRY(add_hyperparameters(b));
  VJ_TRY(add_trials(b, ranks));
  VJ_TRY(set_dimensions(b));
  VJ_TRY(set_attributes(b, root));
  b->layout->file.variables = b->variables;
  b->layout->file.variable_count = b->count;
  return VJ_OK;
}

vj_status vj_sweep_layout_create(vj_pool *pool, const vj_yaml *root, const vj_space *space, const int *ranks,
                                 vj_sweep_layout **layout) {
  *layout = vj_pool_take(pool, sizeof **layout);
  builder b = {.pool = pool, .space = space, .layout = *layout, .loader = {.epoch = -1}};
  const size_t trials = (size_t)space->trial_count;
  b.sizes = vj_pool_take(pool, trials * sizeof *b.sizes);
  if (*layout) (*layout)->problems = vj_pool_take(pool, trials * sizeof *(*layout)->problems);
  if (*layout) (*layout)->work = vj_pool_take(pool, trials * sizeof *(*layout)->work);
  if (*layout) (*layout)->like = vj_pool_take(pool, trials * sizeof *(*layout)->like);
  if (*layout) (*layout)->videos = vj_pool_take(pool, trials * sizeof *(*layout)->videos);
  if (*layout) (*layout)->skipped = vj_pool_take(pool, trials * sizeof *(*layout)->skipped);
  if (!b.sizes || !*layout || !(*layout)->problems || !(*layout)->like || !(*layout)->work || !(*layout)->videos ||
      !(*layout)->skipped)
    return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
  const vj_status status = build(&b, root, ranks);
  vj_loader_close(&b.loader);
  return status;
}
