#include "framework/train/trial_checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/config/nodes.h"
#include "framework/store/array_file.h"
#include "framework/store/checkpoint.h"
#include "vj/rng.h"

enum { FORMAT = 1, NAME_BYTES = 512, SENTENCE_BYTES = 1024 };

struct vj_trial_checkpoint {
  vj_generation generation;
  vj_array_file *file;
};

vj_status vj_trial_checkpoint_hash(vj_pool *pool, const vj_config *config, uint64_t *hash) {
  vj_yaml *measured = NULL;
  VJ_TRY(vj_config_measured(pool, config->resolved, &measured));
  const char *text = vj_yaml_print(pool, measured);
  if (!text) return vj_fail(VJ_MEMORY, "no memory for a trial's configuration");
  *hash = vj_hash_text(text);
  return VJ_OK;
}

/* --- every array, in one place ------------------------------------------------------------------------------- */

typedef vj_status visit(vj_array_file *file, const char *name, vj_array_type type, int rank, const int64_t *size,
                        void *values, const char *layout);

static vj_status visit_rows(const vj_trial_parts *parts, vj_array_file *file, const char *group, bool trained,
                            vj_real *values, visit *each) {
  char name[NAME_BYTES];
  for (int i = 0; i < parts->parameters->count; i++) {
    const vj_parameter_row *row = &parts->parameters->rows[i];
    if (row->trained != trained) continue;
    snprintf(name, sizeof name, "%s/%s", group, row->name);
    VJ_TRY(each(file, name, VJ_ARRAY_REAL, row->shape.rank, row->shape.size, values ? values + row->offset : NULL,
                row->layout));
  }
  return VJ_OK;
}

/* What probes found, of which those on frames do not run again. */
static vj_status visit_probes(const vj_trial_parts *parts, vj_array_file *file, visit *each) {
  char name[NAME_BYTES];
  for (int64_t i = parts->list->step_count; i < parts->list->count; i++) {
    const vj_recorded_metric *metric = &parts->list->at[i];
    if (!metric->at_probes || metric->size == 0) continue;
    snprintf(name, sizeof name, "probe/%s", metric->name);
    VJ_TRY(each(file, name, VJ_ARRAY_DOUBLE, 1, &metric->size, parts->results[i - parts->list->step_count], NULL));
  }
  return VJ_OK;
}

static vj_status visit_all(const vj_trial_parts *parts, const vj_position *at, vj_array_file *file, visit *each) {
  const vj_parameters *p = parts->parameters;
  VJ_TRY(visit_rows(parts, file, "param", true, p->values, each));
  VJ_TRY(visit_rows(parts, file, "state", false, p->states, each));
  VJ_TRY(visit_rows(parts, file, "moment1", true, parts->optimizer->first, each));
  if (parts->config->optim.type == VJ_ADAMW)
    VJ_TRY(visit_rows(parts, file, "moment2", true, parts->optimizer->second, each));
  return at->frames_probed ? visit_probes(parts, file, each) : VJ_OK;
}

/* --- damaged videos ------------------------------------------------------------------------------------------ */

static const char damaged_name[] = "data/damaged";

static vj_status put_damage(const vj_trial_parts *parts, vj_array_file *file) {
  unsigned char *text = NULL;
  int64_t bytes = 0;
  VJ_TRY(vj_bad_samples_pack(parts->bad_samples, &text, &bytes));
  const vj_status status = bytes ? vj_array_file_put(file, damaged_name, VJ_ARRAY_UINT8, 1, &bytes, text, NULL) : VJ_OK;
  free(text);
  return status;
}

/* How long it is; 0: there is none. */
static vj_status find_damage(void *context, const vj_array_info *info) {
  if (strcmp(info->name, damaged_name) == 0 && info->type == VJ_ARRAY_UINT8 && info->rank == 1)
    *(int64_t *)context = info->count;
  return VJ_OK;
}

static vj_status get_damage(const vj_trial_parts *parts, const vj_array_file *file) {
  unsigned char *text = NULL;
  int64_t bytes = 0;
  VJ_TRY(vj_array_file_each(file, "data", find_damage, &bytes));
  if (bytes == 0) return VJ_OK;
  VJ_TRY(vj_allocate((size_t)bytes, 1, "names of damaged videos", &text));
  const vj_status status = vj_array_file_get(file, damaged_name, VJ_ARRAY_UINT8, text);
  if (status == VJ_OK) vj_bad_samples_unpack(parts->bad_samples, text, bytes);
  free(text);
  return status;
}

/* --- sizes --------------------------------------------------------------------------------------------------- */

/* Attributes of the file: name, expression that is read and written. */
#define POSITION_LIST(X)                    \
  X("steps_done", at->done)                 \
  X("decoder_steps_done", at->decoder_done) \
  X("stage", at->stage)                     \
  X("evaluated", at->evaluated)             \
  X("frames_probed", at->frames_probed)

/* Of an array in an HDF5 file: its name, header and links; of the file: the rest. */
double vj_trial_checkpoint_estimate(const vj_config *config, const vj_parameters *parameters,
                                    const vj_recorded_metrics *list) {
  enum { FILE_OVERHEAD = 32768, ARRAY_OVERHEAD = 768 };
  const int copies = config->optim.type == VJ_ADAMW ? 3 : 2; /* values and moments */
  double bytes = FILE_OVERHEAD;
  for (int i = 0; i < parameters->count; i++) {
    const vj_parameter_row *row = &parameters->rows[i];
    bytes += (row->trained ? copies : 1) * ((double)row->count * sizeof(vj_real) + ARRAY_OVERHEAD);
  }
  for (int64_t i = list->step_count; i < list->count; i++)
    if (list->at[i].at_probes) bytes += (double)list->at[i].size * sizeof(double) + ARRAY_OVERHEAD;
  return bytes;
}

/* --- saving -------------------------------------------------------------------------------------------------- */

static vj_status put_array(vj_array_file *file, const char *name, vj_array_type type, int rank, const int64_t *size,
                           void *values, const char *layout) {
  return vj_array_file_put(file, name, type, rank, size, values, layout);
}

static vj_status put_position(const vj_trial_parts *parts, const vj_position *at, const char *format,
                              vj_array_file *file) {
  VJ_TRY(vj_array_file_integer(file, format, FORMAT));
  VJ_TRY(vj_array_file_text(file, "vjvcr_version", VJ_VERSION));
  VJ_TRY(vj_array_file_integer(file, "trial", parts->trial));
  VJ_TRY(vj_array_file_integer(file, "config_hash", (int64_t)parts->config_hash));
#define PUT_POSITION(name, field) VJ_TRY(vj_array_file_integer(file, name, field));
  POSITION_LIST(PUT_POSITION)
#undef PUT_POSITION
  return VJ_OK;
}

static vj_status put_all(const vj_trial_parts *parts, const vj_position *at, vj_array_file *file) {
  VJ_TRY(put_position(parts, at, "vjvcr_checkpoint", file));
#define PUT_TIME(field, name) \
  VJ_TRY(vj_array_file_put(file, "seconds/" #field, VJ_ARRAY_DOUBLE, 0, NULL, &at->seconds.field, NULL));
  VJ_TRIAL_TIMES(PUT_TIME)
#undef PUT_TIME
  VJ_TRY(put_damage(parts, file));
  return visit_all(parts, at, file, put_array);
}

/* What the model is, and nothing of how to train it on. An attribute has no room for a text of 64 KiB. */
static vj_status put_weights(const vj_trial_parts *parts, const vj_position *at, vj_array_file *file) {
  enum { MOST_BYTES = 60000 };
  vj_pool *pool = NULL;
  VJ_TRY(put_position(parts, at, "vjvcr_weights", file));
  VJ_TRY(visit_rows(parts, file, "param", true, parts->parameters->values, put_array));
  VJ_TRY(visit_rows(parts, file, "state", false, parts->parameters->states, put_array));
  VJ_TRY(vj_pool_create(&pool));
  const char *text = vj_yaml_print(pool, parts->config->resolved);
  const vj_status status = text && strlen(text) < MOST_BYTES ? vj_array_file_text(file, "config", text) : VJ_OK;
  vj_pool_destroy(&pool);
  return status;
}

/* The whole file in memory; the caller frees it. */
static vj_status make_image(const vj_trial_parts *parts, const vj_position *at, const char *name,
                            vj_status (*put)(const vj_trial_parts *, const vj_position *, vj_array_file *),
                            unsigned char **image, size_t *bytes) {
  vj_array_file *file = NULL;
  *image = NULL;
  VJ_TRY(vj_array_file_create_image(name, &file));
  vj_status status = put(parts, at, file);
  if (status == VJ_OK) status = vj_array_file_image(file, image, bytes);
  vj_array_file_close(&file, 0);
  return status;
}

vj_status vj_trial_checkpoint_save(const vj_trial_parts *parts, const vj_position *position, uint64_t serial) {
  unsigned char *image = NULL;
  size_t bytes = 0;
  vj_status status = make_image(parts, position, parts->path, put_all, &image, &bytes);
  if (status == VJ_OK) status = vj_checkpoint_write(parts->path, serial, image, bytes);
  free(image);
  return status;
}

vj_status vj_trial_checkpoint_keep(const vj_trial_parts *parts, const vj_position *position, const char *path) {
  unsigned char *image = NULL;
  size_t bytes = 0;
  vj_status status = make_image(parts, position, path, put_weights, &image, &bytes);
  if (status == VJ_OK) status = vj_checkpoint_keep(path, image, bytes);
  free(image);
  return status;
}

/* --- finding ------------------------------------------------------------------------------------------------- */

static vj_status check_array(vj_array_file *file, const char *name, vj_array_type type, int rank, const int64_t *size,
                             void *values, const char *layout) {
  (void)values;
  (void)layout;
  if (vj_array_file_holds(file, name, type, rank, size)) return VJ_OK;
  return vj_fail(VJ_DATA, "it has no %s of the model's shape", name);
}

static vj_status get_position(const vj_array_file *file, vj_position *at) {
  int64_t number = 0;
#define GET_POSITION(name, field)                         \
  VJ_TRY(vj_array_file_get_integer(file, name, &number)); \
  field = number;
  POSITION_LIST(GET_POSITION)
#undef GET_POSITION
#define GET_TIME(field, name) VJ_TRY(vj_array_file_get(file, "seconds/" #field, VJ_ARRAY_DOUBLE, &at->seconds.field));
  VJ_TRIAL_TIMES(GET_TIME)
#undef GET_TIME
  return VJ_OK;
}

/* Whole as it is, it may be of another configuration or another program. */
static vj_status check_snapshot(const vj_trial_parts *parts, const vj_trial_checkpoint *s, vj_position *at) {
  int64_t format = 0, trial = 0, hash = 0;
  VJ_TRY(vj_array_file_get_integer(s->file, "vjvcr_checkpoint", &format));
  if (format != FORMAT)
    return vj_fail(VJ_DATA, "it has format %lld; this program knows format %d", (long long)format, FORMAT);
  VJ_TRY(vj_array_file_get_integer(s->file, "trial", &trial));
  VJ_TRY(vj_array_file_get_integer(s->file, "config_hash", &hash));
  if (trial != parts->trial || (uint64_t)hash != parts->config_hash)
    return vj_fail(VJ_DATA, "it is of another configuration");
  VJ_TRY(get_position(s->file, at));
  return visit_all(parts, at, s->file, check_array);
}

static vj_status open_snapshot(const vj_trial_parts *parts, vj_generation *generation, vj_trial_checkpoint **checkpoint,
                               vj_position *at) {
  *checkpoint = calloc(1, sizeof **checkpoint);
  if (!*checkpoint) return vj_fail(VJ_MEMORY, "no memory for a checkpoint");
  (*checkpoint)->generation = *generation;
  *generation = (vj_generation){0};
  const vj_generation *g = &(*checkpoint)->generation;
  vj_status status = vj_array_file_open_image(g->path, g->image, g->bytes, &(*checkpoint)->file);
  if (status == VJ_OK) status = check_snapshot(parts, *checkpoint, at);
  if (status == VJ_OK) return VJ_OK;
  status = vj_fail(status, "%s: this checkpoint can't be used: %s", g->path, vj_error_message());
  vj_trial_checkpoint_close(checkpoint);
  return status;
}

void vj_trial_checkpoint_close(vj_trial_checkpoint **checkpoint) {
  if (!*checkpoint) return;
  vj_array_file_close(&(*checkpoint)->file, 0);
  vj_generation_free(&(*checkpoint)->generation);
  free(*checkpoint);
  *checkpoint = NULL;
}

/* Sentences that wait until it is known what is used in place of what they tell of. */
typedef struct complaints {
  char sentences[VJ_GENERATIONS][SENTENCE_BYTES];
  int count;
} complaints;

static void complain(complaints *c) { snprintf(c->sentences[c->count++], SENTENCE_BYTES, "%s", vj_error_message()); }

static void warn_of(const complaints *c, const vj_trial_checkpoint *used, const vj_position *at, vj_warning *warn,
                    void *context) {
  char sentence[SENTENCE_BYTES + NAME_BYTES], version[64] = "unknown";
  if (!warn) return;
  for (int i = 0; i < c->count; i++) {
    if (used)
      snprintf(sentence, sizeof sentence, "%s; the trial goes on from step %lld, in %s", c->sentences[i],
               (long long)at->done, used->generation.path);
    else
      snprintf(sentence, sizeof sentence, "%s; the trial begins anew", c->sentences[i]);
    warn(context, sentence);
  }
  if (!used || vj_array_file_get_text(used->file, "vjvcr_version", version, sizeof version) != VJ_OK) return;
  if (strcmp(version, VJ_VERSION) == 0) return;
  snprintf(sentence, sizeof sentence,
           "%s was written by vjvcr %s, and this is vjvcr " VJ_VERSION
           "; the numbers may not be those of an uninterrupted run",
           used->generation.path, version);
  warn(context, sentence);
}

vj_status vj_trial_checkpoint_find(const vj_trial_parts *parts, vj_warning *warn, void *context,
                                   vj_trial_checkpoint **checkpoint, vj_position *position, uint64_t *serial) {
  vj_generation generations[VJ_GENERATIONS] = {{0}};
  complaints c = {.count = 0};
  vj_status status = VJ_OK;
  *checkpoint = NULL;
  *serial = 1;
  for (int slot = 0; slot < VJ_GENERATIONS && status == VJ_OK; slot++) {
    status = vj_checkpoint_read(parts->path, slot, &generations[slot]);
    if (status == VJ_OK && generations[slot].serial >= *serial) *serial = generations[slot].serial + 1;
    if (status != VJ_DATA) continue;
    complain(&c);
    status = VJ_OK;
  }
  const int newer = generations[1].serial > generations[0].serial;
  for (int i = 0; i < VJ_GENERATIONS && status == VJ_OK && !*checkpoint; i++) {
    vj_generation *generation = &generations[i == 0 ? newer : !newer];
    if (!generation->image) continue;
    status = open_snapshot(parts, generation, checkpoint, position);
    if (status != VJ_DATA) continue;
    complain(&c);
    status = VJ_OK;
  }
  for (int slot = 0; slot < VJ_GENERATIONS; slot++) vj_generation_free(&generations[slot]);
  if (status == VJ_OK) warn_of(&c, *checkpoint, position, warn, context);
  return status;
}

/* --- loading ------------------------------------------------------------------------------------------------- */

static vj_status get_array(vj_array_file *file, const char *name, vj_array_type type, int rank, const int64_t *size,
                           void *values, const char *layout) {
  (void)rank;
  (void)size;
  (void)layout;
  return vj_array_file_get(file, name, type, values);
}

vj_status vj_trial_checkpoint_load(const vj_trial_checkpoint *checkpoint, const vj_trial_parts *parts) {
  vj_position at;
  VJ_TRY(get_position(checkpoint->file, &at));
  VJ_TRY(get_damage(parts, checkpoint->file));
  return visit_all(parts, &at, checkpoint->file, get_array);
}
