#include "framework/store/records/records.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "vj/param.h"

#define VJ_DIMENSION(id, text, ...) const char VJ_NAME_##id[] = text;
#define VJ_RECORD(id, text, ...) const char VJ_RECORD_##id[] = text;
#include "framework/store/records/records.def"

const vj_dimension_row vj_dimension_rows[VJ_DIMENSIONS] = {
#define VJ_DIMENSION(id, text, ...) [VJ_DIMENSION_##id] = {VJ_NAME_##id, __VA_ARGS__},
#include "framework/store/records/records.def"
};

#define VJ_OF_TRIAL .rank = 1, .dimension = {VJ_DIMENSION_TRIAL}
#define VJ_OF_STEP .rank = 2, .dimension = {VJ_DIMENSION_TRIAL, VJ_DIMENSION_STEP}
#define VJ_OF_EVAL .rank = 2, .dimension = {VJ_DIMENSION_TRIAL, VJ_DIMENSION_EVAL}
#define VJ_OF_EVAL_AND(axis) .rank = 3, .dimension = {VJ_DIMENSION_TRIAL, VJ_DIMENSION_EVAL, VJ_DIMENSION_##axis}
#define VJ_OF_METRIC VJ_OF_EVAL, .and_of_metric = true
#define VJ_OF_CLIP(frame) \
  .rank = 4, .dimension = {VJ_DIMENSION_TRIAL, VJ_DIMENSION_CLIP, VJ_DIMENSION_##frame, VJ_DIMENSION_FEATURE}
#define VJ_OF_PICTURE(frame)                                                              \
  .rank = 6, .dimension = {VJ_DIMENSION_TRIAL, VJ_DIMENSION_SAMPLE, VJ_DIMENSION_##frame, \
                           VJ_DIMENSION_ROW,   VJ_DIMENSION_COLUMN, VJ_DIMENSION_CHANNEL}

static const vj_record records[] = {
#define VJ_RECORD(id, text, ...) {.name = VJ_RECORD_##id, __VA_ARGS__},
#include "framework/store/records/records.def"
};

const vj_record *vj_record_at(int i) { return i >= 0 && i < (int)VJ_COUNT(records) ? &records[i] : NULL; }

const vj_record *vj_record_row(const char *name) {
  for (size_t i = 0; i < VJ_COUNT(records); i++)
    if (strcmp(records[i].name, name) == 0) return &records[i];
  return NULL;
}

/* `view` stands for <view>; any other word is what is there, at least one character. */
static void make_glob(const char *pattern, const char *view, char *glob, size_t bytes) {
  size_t used = 0;
  for (const char *c = pattern; *c && used + 8 < bytes; c++) {
    if (*c != '<') {
      glob[used++] = *c;
      continue;
    }
    used += (size_t)snprintf(glob + used, bytes - used, "%s", strncmp(c, "<view>", 6) == 0 ? view : "?*");
    c = strchr(c, '>');
  }
  glob[used] = '\0';
}

bool vj_record_is(const char *name, const char *pattern) {
  static const char *const measured[] = {"h[xy]*", "z"};
  char glob[64];
  for (size_t i = 0; i < VJ_COUNT(measured); i++) {
    make_glob(pattern, measured[i], glob, sizeof glob);
    if (fnmatch(glob, name, 0) == 0) return true;
  }
  return false;
}

const char *vj_record_checksum(const vj_record *record) {
  if (record->known_before || record->is_kept) return NULL;
  return record->is_of_run ? VJ_RECORD_TIME_CHECKSUM : VJ_RECORD_CHECKSUM;
}

const char *vj_record_after(const char *name, const char *beginning) {
  const size_t length = strlen(beginning);
  return strncmp(name, beginning, length) == 0 ? name + length : NULL;
}

int vj_record_dimensions(const vj_record *record, vj_metric_axis metric, int dimension[VJ_FILE_MAX_DIMENSIONS]) {
  static const struct {
    int count;
    vj_dimension dimension[3];
  } of_metric[] = {[VJ_METRIC_SCALAR] = {0},
                   [VJ_METRIC_COMPONENT] = {1, {VJ_DIMENSION_COMPONENT}},
                   [VJ_METRIC_HORIZON] = {1, {VJ_DIMENSION_HORIZON}},
                   [VJ_METRIC_CATEGORY] = {1, {VJ_DIMENSION_CATEGORY}},
                   [VJ_METRIC_LABEL] = {3, {VJ_DIMENSION_SAMPLE, VJ_DIMENSION_HORIZON, VJ_DIMENSION_COORDINATE}}};
  int rank = 0;
  while (rank < record->rank) dimension[rank] = record->dimension[rank], rank++;
  for (int i = 0; record->and_of_metric && i < of_metric[metric].count; i++)
    dimension[rank++] = of_metric[metric].dimension[i];
  return rank;
}

static const char *word_of(const char *const *words, const char *name, size_t length) {
  for (; words[0]; words += 2)
    if (strlen(words[0]) == length && strncmp(words[0], name, length) == 0) return words[1];
  return "";
}

const char *vj_record_fill(vj_pool *pool, const char *text, const char *const *words) {
  const char *filled = "";
  while (filled) {
    const char *open = text ? strchr(text, '<') : NULL;
    if (!open) return vj_pool_format(pool, "%s%s", filled, text ? text : "");
    const char *close = strchr(open, '>');
    const char *word = word_of(words, open + 1, (size_t)(close - open - 1));
    filled = word ? vj_pool_format(pool, "%s%.*s%s", filled, (int)(open - text), text, word) : NULL;
    text = close + 1;
  }
  return NULL;
}
