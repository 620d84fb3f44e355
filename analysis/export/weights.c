/* `vjvcr export DIR TRIAL --format safetensors`: a header in JSON that says where each array lies, then the arrays. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/export/export.h"
#include "framework/base/atomic_file.h"
#include "framework/store/ledger/ledger.h"
#include "framework/train/model/weights.h"
#include "vj/bytes.h"
#include "vj/param.h"

enum { MOST_DIMENSIONS = 4, HEADER_UNIT = 8 };

typedef struct tensor {
  const char *source; /* in the file: "param/encoder.conv0.weight" */
  const char *name;
  char layout[16]; /* of its dimensions as they are written */
  int rank;
  int64_t size[MOST_DIMENSIONS]; /* as they are in the file, */
  int order[MOST_DIMENSIONS];    /* and which of them comes when */
  int64_t count;
} tensor;

typedef struct packer {
  vj_pool *pool;
  const vj_results *o;
  const vj_export_request *request;
  vj_weights weights;
  tensor *tensors;
  int64_t count;
} packer;

/* --- arrays ------------------------------------------------------------------------------------------------------ */

/* PyTorch has the input's channels before the places of a kernel. */
static vj_status set_layout(const packer *p, const char *layout, tensor *t) {
  static const struct { const char *ours, *theirs; } layouts[] = {{"OHWI", "OIHW"}, {"OTI", "OIT"}};
  const char *wanted = layout;
  if (!layout[0])
    return vj_fail(VJ_DATA, "%s: it does not say how its arrays are laid out; an older vjvcr wrote it",
                   p->weights.generation.path);
  for (size_t i = 0; i < VJ_COUNT(layouts) && p->request->pytorch; i++)
    if (strcmp(layout, layouts[i].ours) == 0) wanted = layouts[i].theirs;
  snprintf(t->layout, sizeof t->layout, "%s", wanted);
  for (int i = 0; i < t->rank; i++) {
    const char *at = strchr(layout, wanted[i]);
    t->order[i] = at && (int)strlen(layout) == t->rank ? (int)(at - layout) : i;
  }
  return VJ_OK;
}

/* "param/encoder.norm0.weight" -> "encoder.norm0.weight"; PyTorch says running_var. */
static const char *name_of(const packer *p, const char *source) {
  static const char ours[] = ".running_variance";
  const char *name = strchr(source, '/') + 1;
  const size_t length = strlen(name), ending = sizeof ours - 1;
  if (p->request->pytorch && length > ending && strcmp(name + length - ending, ours) == 0)
    return vj_pool_format(p->pool, "%.*s.running_var", (int)(length - ending), name);
  return vj_pool_text(p->pool, name);
}

static vj_status add_tensor(void *context, const vj_array_info *info) {
  packer *p = context;
  if (info->rank > MOST_DIMENSIONS || info->type != VJ_ARRAY_FLOAT)
    return vj_fail(VJ_DATA, "%s: %s is no array of float32 with at most %d dimensions", p->weights.generation.path,
                   info->name, MOST_DIMENSIONS);
  if (!vj_pool_grow(p->pool, &p->tensors, p->count, sizeof *p->tensors))
    return vj_fail(VJ_MEMORY, "no memory for %lld arrays", (long long)p->count + 1);
  tensor *t = &p->tensors[p->count++];
  *t = (tensor){.source = vj_pool_text(p->pool, info->name), .rank = info->rank, .count = info->count};
  t->name = t->source ? name_of(p, info->name) : NULL;
  for (int i = 0; i < info->rank; i++) t->size[i] = info->size[i];
  return t->name ? set_layout(p, info->layout, t) : vj_fail(VJ_MEMORY, "no memory for %s", info->name);
}

/* Dimension order[0] of `from` slowest in `to`; missing dimensions are of size 1. */
static void reorder(const tensor *t, const float *from, float *to) {
  int64_t size[MOST_DIMENSIONS] = {1, 1, 1, 1}, stride[MOST_DIMENSIONS] = {0}, strides[MOST_DIMENSIONS] = {0};
  for (int64_t i = t->rank - 1, product = 1; i >= 0; product *= t->size[i--]) strides[i] = product;
  for (int i = 0; i < t->rank; i++) {
    size[i] = t->size[t->order[i]];
    stride[i] = strides[t->order[i]];
  }
  for (int64_t a = 0; a < size[0]; a++)
    for (int64_t b = 0; b < size[1]; b++)
      for (int64_t c = 0; c < size[2]; c++)
        for (int64_t d = 0; d < size[3]; d++)
          *to++ = from[a * stride[0] + b * stride[1] + c * stride[2] + d * stride[3]];
}

/* --- the header -------------------------------------------------------------------------------------------------- */

static const char *integer_of(const packer *p, const char *attribute, const char *format) {
  int64_t value = 0;
  if (vj_array_file_get_integer(p->weights.file, attribute, &value) != VJ_OK) return "";
  const char *text = format ? vj_pool_format(p->pool, "%016" PRIx64, (uint64_t)value)
                            : vj_pool_format(p->pool, "%lld", (long long)value);
  return text ? text : "";
}

/* All values are texts: the format has no others here. */
static json_t *make_metadata(const packer *p) {
  char version[64] = "unknown";
  json_t *layouts = json_object(), *metadata = json_object();
  for (int64_t i = 0; i < p->count; i++)
    json_object_set_new(layouts, p->tensors[i].name, json_string(p->tensors[i].layout));
  char *text = json_dumps(layouts, JSON_COMPACT);
  if (vj_array_file_get_text(p->weights.file, "vjvcr_version", version, sizeof version) != VJ_OK) version[0] = '\0';
  const char *const pairs[][2] = {{"format", p->request->pytorch ? "pt" : "vjvcr"},
                                  {"layout", p->request->pytorch ? "pytorch" : "vjvcr"},
                                  {"layouts", text ? text : ""},
                                  {"vjvcr_version", version},
                                  {"trial", integer_of(p, "trial", NULL)},
                                  {"seed", vj_pool_format(p->pool, "%lld", (long long)p->o->seed[p->request->trial])},
                                  {"arm", vj_results_text(p->o, VJ_RECORD_ARM, p->request->trial)},
                                  {"steps_done", integer_of(p, "steps_done", NULL)},
                                  {"config_hash", integer_of(p, "config_hash", "hexadecimal")},
                                  {"config", vj_results_text(p->o, VJ_RECORD_CONFIG, p->request->trial)}};
  for (size_t i = 0; i < VJ_COUNT(pairs); i++) json_object_set_new(metadata, pairs[i][0], json_string(pairs[i][1]));
  free(text);
  json_decref(layouts);
  return metadata;
}

static json_t *make_entry(const tensor *t, int64_t offset) {
  json_t *shape = json_array();
  for (int i = 0; i < t->rank; i++) json_array_append_new(shape, json_integer(t->size[t->order[i]]));
  return json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets", (json_int_t)offset,
                   (json_int_t)(offset + t->count * (int64_t)sizeof(float)));
}

/* The caller frees it. */
static vj_status make_header(const packer *p, char **header) {
  int64_t offset = 0;
  json_t *root = json_object();
  json_object_set_new(root, "__metadata__", make_metadata(p));
  for (int64_t i = 0; i < p->count; offset += p->tensors[i++].count * (int64_t)sizeof(float))
    json_object_set_new(root, p->tensors[i].name, make_entry(&p->tensors[i], offset));
  *header = json_dumps(root, JSON_COMPACT);
  json_decref(root);
  return *header ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for the header of a safetensors file");
}

/* Its length in front, and blanks behind it, so that the arrays begin at a multiple of 8 bytes. */
static vj_status write_header(const char *header, vj_atomic_file *file) {
  const size_t length = strlen(header), padding = (HEADER_UNIT - length % HEADER_UNIT) % HEADER_UNIT;
  unsigned char before[8];
  vj_put_little(before, length + padding, sizeof before);
  VJ_TRY(vj_atomic_file_write(file, before, sizeof before));
  VJ_TRY(vj_atomic_file_write(file, header, length));
  return vj_atomic_file_write(file, "        ", padding);
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static vj_status write_tensors(const packer *p, vj_atomic_file *file) {
  int64_t most = 1;
  float *ours = NULL, *theirs = NULL;
  for (int64_t i = 0; i < p->count; i++)
    if (p->tensors[i].count > most) most = p->tensors[i].count;
  vj_status status = vj_allocate((size_t)most, sizeof *ours, "an array of weights", &ours);
  if (status == VJ_OK) status = vj_allocate((size_t)most, sizeof *theirs, "an array of weights", &theirs);
  for (int64_t i = 0; i < p->count && status == VJ_OK; i++) {
    const tensor *t = &p->tensors[i];
    status = vj_array_file_get(p->weights.file, t->source, VJ_ARRAY_FLOAT, ours);
    if (status == VJ_OK) reorder(t, ours, theirs);
    if (status == VJ_OK) status = vj_atomic_file_write(file, theirs, (size_t)t->count * sizeof *theirs);
  }
  free(ours);
  free(theirs);
  return status;
}

static vj_status write_file(packer *p, const char *path) {
  vj_atomic_file file;
  char *header = NULL;
  VJ_TRY(vj_array_file_each(p->weights.file, "param", add_tensor, p));
  VJ_TRY(vj_array_file_each(p->weights.file, "state", add_tensor, p));
  VJ_TRY(make_header(p, &header));
  vj_status status = vj_atomic_file_open(path, &file);
  if (status == VJ_OK) status = write_header(header, &file);
  if (status == VJ_OK) status = write_tensors(p, &file);
  const vj_status closed = vj_atomic_file_close(&file, status == VJ_OK);
  free(header);
  return status == VJ_OK ? closed : status;
}

/* --- the trial --------------------------------------------------------------------------------------------------- */

static vj_status there_are_none(const packer *p) {
  const char *folder = p->request->folder;
  const long long trial = (long long)p->request->trial;
  switch (p->o->status[p->request->trial]) {
    case VJ_TRIAL_RUNNING:
      return vj_fail(VJ_DATA, "%s: trial %lld has no checkpoint yet; wait for one, see `checkpoint:`", folder, trial);
    case VJ_TRIAL_FAILED:
      return vj_fail(VJ_DATA, "%s: trial %lld failed, and nothing is kept of its weights", folder, trial);
    case VJ_TRIAL_WAITING:
      return vj_fail(VJ_DATA, "%s: trial %lld has not begun, and has no weights", folder, trial);
    default:
      return vj_fail(VJ_DATA,
                     "%s: trial %lld ended without keeping its weights; run it with checkpoint.keep=weights to have "
                     "them",
                     folder, trial);
  }
}

static vj_status pack(packer *p, vj_export_outcome *outcome) {
  const vj_export_request *r = p->request;
  bool found = false;
  VJ_TRY(vj_weights_find(r->folder, r->trial, &p->weights, &found));
  if (!found) return there_are_none(p);
  const char *path =
      r->output ? r->output : vj_pool_format(p->pool, "%s/trial-%04lld.safetensors", r->folder, (long long)r->trial);
  if (!path) return vj_fail(VJ_MEMORY, "no memory for a path");
  VJ_TRY(write_file(p, path));
  outcome->arrays = p->count;
  outcome->steps_done = vj_pool_text(outcome->pool, integer_of(p, "steps_done", NULL));
  return vj_export_wrote(outcome, path);
}

vj_status vj_export_weights(const vj_results *results, const vj_export_request *request, vj_export_outcome *outcome) {
  packer p = {.o = results, .request = request};
  VJ_TRY(vj_pool_create(&p.pool));
  const vj_status status = pack(&p, outcome);
  vj_weights_close(&p.weights);
  vj_pool_destroy(&p.pool);
  return status;
}
