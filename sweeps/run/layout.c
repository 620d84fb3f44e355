#include "sweeps/run/layout.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/run/trial_row.h"
#include "sweeps/run/trial_twins.h"
#include "sweeps/schedule/trial_schedule.h"
#include "framework/train/evaluation/sample_frames.h"
#include "framework/train/trial_checkpoint.h"
#include "framework/train/trial.h"

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
  int64_t count;
  int64_t size[VJ_DIMENSIONS]; /* the largest of any trial; 0: nobody needs it */
  trial_size *sizes;
  int64_t size_count;
  const char *data_text; /* of the open data set */
  vj_loader loader;
} builder;

/* --- variables ----------------------------------------------------------------------------------------------- */

static vj_status add(builder *b, vj_file_variable variable) {
  for (int64_t i = 0; i < b->count; i++)
    if (strcmp(b->variables[i].name, variable.name) == 0) {
      /* Where trials say different things of it, the longer sentence holds for all. */
      if (strlen(variable.long_name) > strlen(b->variables[i].long_name))
        b->variables[i].long_name = variable.long_name;
      if (b->variables[i].rank == variable.rank) return VJ_OK;
      return vj_fail(VJ_CONFIG, "%s would be recorded in two forms; rename the loss or probe", variable.name);
    }
  if (!vj_pool_grow(b->pool, &b->variables, b->count, sizeof *b->variables))
    return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
  b->variables[b->count++] = variable;
  return VJ_OK;
}

/* As its row says; a text's bytes are set by the caller where the row does not say them. */
static vj_file_variable variable_of(const char *record) {
  const vj_record *row = vj_record_row(record);
  vj_file_variable variable = {.name = row->name,
                               .type = row->type,
                               .text_bytes = row->text_bytes,
                               .units = row->units ? row->units : "",
                               .long_name = row->long_name,
                               .is_coordinate = row->is_coordinate,
                               .flags = row->flags,
                               .checksum = vj_record_checksum(row),
                               .is_fixed = !vj_record_checksum(row)};
  variable.rank = vj_record_dimensions(row, VJ_METRIC_SCALAR, variable.dimension);
  return variable;
}

static vj_status add_record(builder *b, const char *record) { return add(b, variable_of(record)); }

static vj_status add_text(builder *b, const char *record, int64_t bytes) {
  vj_file_variable variable = variable_of(record);
  variable.text_bytes = bytes;
  return add(b, variable);
}

static vj_status add_bookkeeping(builder *b) {
  int64_t longest = 63;
  for (int64_t i = 0; i < b->space->trial_count; i++) {
    const int64_t length = (int64_t)strlen(b->space->trials[i].arm);
    if (length > longest) longest = length;
  }
  VJ_TRY(add_text(b, VJ_RECORD_ARM, longest + 1));
  VJ_TRY(add_record(b, VJ_RECORD_SEED));
  VJ_TRY(add_record(b, VJ_RECORD_STATUS));
  VJ_TRY(add_record(b, VJ_RECORD_ATTEMPT));
  VJ_TRY(add_record(b, VJ_RECORD_COMMITTED));
  VJ_TRY(add_record(b, VJ_RECORD_FAILURE));
  VJ_TRY(add_record(b, VJ_RECORD_WORK));
  if (b->space->stopping) VJ_TRY(add_record(b, VJ_RECORD_STOP_REASON));
  VJ_TRY(add_record(b, VJ_RECORD_CHECKSUM));
  VJ_TRY(add_record(b, VJ_RECORD_TIME_CHECKSUM));
#define ADD_TIME(field, name) VJ_TRY(add_record(b, name));
  VJ_TRIAL_TIMES(ADD_TIME)
#undef ADD_TIME
  return VJ_OK;
}

/* False for whole numbers beyond 2^53 that no double holds. */
static bool is_exact_double(const char *text) {
  char *end = NULL;
  errno = 0;
  const long long whole = strtoll(text, &end, 10);
  const double number = strtod(text, NULL);
  return *end || (errno == 0 && fabs(number) < 9.2e18 && (long long)number == whole);
}

/* Numbers stay numbers, where they are meant as such and keep all their digits; anything else becomes text: the name of
 * a folder may look like a number. */
static bool all_numbers(vj_pool *pool, const vj_space *space, const char *key, int64_t *longest) {
  bool numbers = true;
  for (int64_t i = 0; i < space->trial_count; i++) {
    const vj_yaml *value = vj_yaml_find(space->trials[i].config->resolved, key);
    if (!value) continue;
    numbers = numbers && value->is_number && is_exact_double(value->text);
    const int64_t length = (int64_t)strlen(vj_setting_text(pool, value));
    if (length > *longest) *longest = length;
  }
  return numbers;
}

static vj_status add_hyperparameters(builder *b) {
  for (int64_t i = 0; i < b->space->key_count; i++) {
    const char *key = b->space->keys[i];
    const char *const words[] = {"key", key, NULL};
    int64_t longest = 1;
    vj_file_variable setting = variable_of(VJ_RECORD_SETTING);
    setting.name = vj_record_fill(b->pool, setting.name, words);
    setting.long_name = vj_record_fill(b->pool, setting.long_name, words);
    if (!setting.name || !setting.long_name) return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
    if (!all_numbers(b->pool, b->space, key, &longest)) {
      setting.type = VJ_FILE_TEXT;
      setting.text_bytes = longest + 1;
    }
    VJ_TRY(add(b, setting));
  }
  size_t longest = 1;
  for (int64_t i = 0; i < b->space->trial_count; i++) {
    const char *text = vj_yaml_print(b->pool, b->space->trials[i].config->resolved);
    if (!text) return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
    if (strlen(text) > longest) longest = strlen(text);
  }
  return add_text(b, VJ_RECORD_CONFIG, (int64_t)longest + 1);
}

static void widen(builder *b, int dimension, int64_t size) {
  if (size > b->size[dimension]) b->size[dimension] = size;
}

static vj_status add_quantity(builder *b, const vj_recorded_metric *quantity) {
  if (quantity->size == 0) return VJ_OK;
  vj_file_variable variable = variable_of(quantity->record->name);
  variable.name = vj_pool_text(b->pool, quantity->name);
  variable.units = vj_pool_text(b->pool, quantity->units);
  variable.long_name = vj_pool_text(b->pool, quantity->long_name);
  if (!variable.name || !variable.units || !variable.long_name)
    return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
  variable.rank = quantity->rank;
  memcpy(variable.dimension, quantity->dimension, sizeof variable.dimension);
  const int first = quantity->axis == VJ_AXIS_STATES ? 1 : 2; /* behind trial, and step or eval */
  for (int d = first; d < variable.rank; d++)
    widen(b, variable.dimension[d], variable.rank == 3 ? quantity->size : quantity->shape[d - first]);
  return add(b, variable);
}

static vj_status add_pictures(builder *b, const vj_model *model) {
  vj_sample_frames pictures[VJ_MOST_SAMPLE_FRAMES];
  const int count = vj_sample_frames_list(model, &b->loader, pictures);
  for (int i = 0; i < count; i++) {
    const vj_sample_frames *p = &pictures[i];
    const int64_t sizes[] = {p->samples, p->frames, p->height, p->width, p->channels};
    vj_file_variable variable = variable_of(p->name);
    for (int d = 0; d < 5; d++) widen(b, variable.dimension[1 + d], sizes[d]);
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

/* How many videos the first clips are of, which losses, measures and probes take. */
static vj_status add_seen(builder *b, int64_t trial) {
  const vj_eval_config *eval = &b->space->trials[trial].config->eval;
  const int64_t clips[VJ_SPLITS] = {eval->probe_train, eval->probe_validation, eval->probe_test};
  int64_t *const seen = b->layout->seen[trial];
  for (int s = 0; s < VJ_SPLITS && eval->probe_count; s++)
    VJ_TRY(vj_loader_videos(&b->loader, (vj_split)s, clips[s], &seen[s]));
  VJ_TRY(vj_loader_videos(&b->loader, VJ_VALIDATION, eval->samples, &seen[VJ_SPLITS]));
  VJ_TRY(add_record(b, VJ_RECORD_VIDEOS_EVALUATED));
  VJ_TRY(add_record(b, VJ_RECORD_VIDEOS_PROBED_TRAIN));
  VJ_TRY(add_record(b, VJ_RECORD_VIDEOS_PROBED_VALIDATION));
  return add_record(b, VJ_RECORD_VIDEOS_PROBED_TEST);
}

static vj_status add_videos(builder *b, int64_t trial) {
  int64_t *const videos = &b->layout->videos[trial], *const skipped = &b->layout->skipped[trial];
  for (int s = 0; s < VJ_SPLITS; s++) {
    *videos += b->loader.info.videos[s];
    *skipped += b->loader.info.skipped[s];
  }
  if (*videos == 0) return VJ_OK;
  VJ_TRY(add_record(b, VJ_RECORD_VIDEOS));
  VJ_TRY(add_record(b, VJ_RECORD_SKIPPED));
  VJ_TRY(add_seen(b, trial));
  if (!vj_bad_samples_is_known(&b->loader.bad_samples)) return VJ_OK;
  VJ_TRY(add_record(b, VJ_RECORD_DAMAGED));
  return add_record(b, VJ_RECORD_DAMAGED_NAMES);
}

/* As it is with a trial that needs the same. */
static void add_like(builder *b, int64_t trial, int64_t twin) {
  vj_sweep_layout *const l = b->layout;
  l->work[trial] = l->work[twin];
  l->like[trial] = l->like[twin];
  l->videos[trial] = l->videos[twin];
  l->skipped[trial] = l->skipped[twin];
  memcpy(l->seen[trial], l->seen[twin], sizeof l->seen[trial]);
  l->problems[trial] = l->problems[twin];
  l->problem_count += l->problems[twin] != NULL;
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
  const int64_t trials = b->space->trial_count, *twins = NULL;
  char *first = NULL;
  VJ_TRY(vj_trial_twins_find(b->pool, b->space, ranks, &twins));
  for (int64_t i = 0; i < trials; i++) {
    if (twins[i] < i) {
      add_like(b, i, twins[i]);
      continue;
    }
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

static bool is_left_out(const builder *b, int dimension) {
  return b->size[dimension] == 0 && dimension >= VJ_DIMENSION_HORIZON;
}

/* Dimensions that nobody needs are left out, and variables told where the others are. */
static void leave_out_dimensions(builder *b, vj_file_dimension *dimensions) {
  int place[VJ_DIMENSIONS], count = 0;
  for (int d = 0; d < VJ_DIMENSIONS; d++) {
    place[d] = count;
    if (!is_left_out(b, d)) dimensions[count++] = dimensions[d];
  }
  for (int64_t v = 0; v < b->count; v++)
    for (int i = 0; i < b->variables[v].rank; i++) b->variables[v].dimension[i] = place[b->variables[v].dimension[i]];
  b->layout->file.dimensions = dimensions;
  b->layout->file.dimension_count = count;
}

static vj_status set_dimensions(builder *b) {
  vj_file_dimension *dimensions = vj_pool_take(b->pool, VJ_DIMENSIONS * sizeof *dimensions);
  if (!dimensions) return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
  for (int d = 0; d < VJ_DIMENSIONS; d++) {
    const vj_dimension_row *row = &vj_dimension_rows[d];
    dimensions[d] = (vj_file_dimension){row->name, b->size[d], NULL, row->units, row->long_name};
  }
  vj_file_dimension *const step = &dimensions[VJ_DIMENSION_STEP], *const eval = &dimensions[VJ_DIMENSION_EVAL];
  int64_t *steps, *evals;
  VJ_TRY(union_axis(b, vj_is_recorded, &steps, &step->size));
  VJ_TRY(union_axis(b, vj_is_evaluated, &evals, &eval->size));
  step->values = steps;
  eval->values = evals;
  dimensions[VJ_DIMENSION_TRIAL].size = b->space->trial_count;
  if (b->size[VJ_DIMENSION_COMPONENT] == 0) dimensions[VJ_DIMENSION_COMPONENT].size = 1;
  leave_out_dimensions(b, dimensions);
  return VJ_OK;
}

static vj_status set_attributes(builder *b, const vj_yaml *root) {
  enum { ATTRIBUTES = 3 };
  vj_file_attribute *attributes = vj_pool_take(b->pool, ATTRIBUTES * sizeof *attributes);
  if (!attributes) return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
  attributes[0] = (vj_file_attribute){VJ_ATTRIBUTE_TITLE, b->space->trials[0].config->name};
  attributes[1] = (vj_file_attribute){VJ_ATTRIBUTE_SOURCE, "vjvcr " VJ_VERSION};
  attributes[2] = (vj_file_attribute){VJ_ATTRIBUTE_SWEEP_YAML, vj_yaml_print(b->pool, root)};
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
  if (*layout) (*layout)->seen = vj_pool_take(pool, trials * sizeof *(*layout)->seen);
  if (!b.sizes || !*layout || !(*layout)->problems || !(*layout)->like || !(*layout)->work || !(*layout)->videos ||
      !(*layout)->skipped || !(*layout)->seen)
    return vj_fail(VJ_MEMORY, "no memory for the sweep's layout");
  const vj_status status = build(&b, root, ranks);
  vj_loader_close(&b.loader);
  return status;
}
