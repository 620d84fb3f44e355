#include "framework/train/loading/bad_samples.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const split_words[VJ_SPLITS] = {"training", "validation", "test"};

vj_status vj_bad_samples_create(const vj_dataset_ops *ops, const void *dataset, const vj_clip_info *info,
                                vj_bad_samples *bad_samples) {
  *bad_samples = (vj_bad_samples){.ops = ops, .dataset = dataset};
  if (!ops->passed || !ops->video_name) return VJ_OK;
  for (int s = 0; s < VJ_SPLITS; s++) bad_samples->all += bad_samples->videos[s] = info->videos[s];
  return bad_samples->all ? vj_allocate((size_t)bad_samples->all, 1, "which videos are damaged", &bad_samples->met)
                          : VJ_OK;
}

void vj_bad_samples_free(vj_bad_samples *bad_samples) {
  free(bad_samples->met);
  *bad_samples = (vj_bad_samples){0};
}

bool vj_bad_samples_is_known(const vj_bad_samples *bad_samples) { return bad_samples->met != NULL; }

/* --- noting ------------------------------------------------------------------------------------------------------ */

static int64_t first_of(const vj_bad_samples *d, int split) {
  int64_t first = 0;
  for (int s = 0; s < split; s++) first += d->videos[s];
  return first;
}

static void mark(vj_bad_samples *d, int split, int64_t video) {
  unsigned char *const met = &d->met[first_of(d, split) + video];
  if (!*met) d->is_fresh = true;
  *met = 1;
}

void vj_bad_samples_note(vj_bad_samples *d, vj_split split, const int64_t *numbers, int64_t count) {
  int64_t videos[VJ_MOST_PASSED];
  for (int64_t i = 0; i < count && d->met; i++) {
    const int64_t passed = d->ops->passed(d->dataset, split, numbers[i], videos);
    for (int64_t k = 0; k < passed; k++) mark(d, split, videos[k]);
  }
}

vj_status vj_bad_samples_share(vj_bad_samples *d, const vj_comm *comm) {
  unsigned any = 0;
  if (!d->met) return VJ_OK;
  VJ_TRY(vj_comm_any(comm, d->is_fresh, &any));
  if (any) VJ_TRY(vj_comm_any_bytes(comm, d->met, (size_t)d->all));
  d->is_fresh = false;
  return VJ_OK;
}

/* --- telling ----------------------------------------------------------------------------------------------------- */

int64_t vj_bad_samples_count(const vj_bad_samples *d) {
  int64_t count = 0;
  for (int64_t i = 0; i < d->all; i++) count += d->met[i];
  return count;
}

typedef struct telling {
  char *text;
  size_t bytes, used;
} telling;

/* One more name; false: it does not fit beside what may have to come behind it. */
static bool tell_one(telling *t, const char *before, const char *split, const char *name) {
  const size_t ending = sizeof " and 9223372036854775807 more";
  const int needed = snprintf(NULL, 0, "%s%s%s", before, split, name);
  if (t->used + (size_t)needed + ending > t->bytes) return false;
  t->used += (size_t)snprintf(t->text + t->used, t->bytes - t->used, "%s%s%s", before, split, name);
  return true;
}

void vj_bad_samples_tell(const vj_bad_samples *d, char *text, size_t bytes) {
  static const char *const headings[VJ_SPLITS] = {"training: ", "validation: ", "test: "};
  telling t = {text, bytes, 0};
  int64_t left = vj_bad_samples_count(d);
  bool fits = true;
  text[0] = '\0';
  for (int s = 0; s < VJ_SPLITS && fits; s++) {
    const char *before = t.used ? "; " : "", *heading = headings[s];
    for (int64_t i = 0, at = first_of(d, s); i < d->videos[s] && fits; i++) {
      if (!d->met[at + i]) continue;
      fits = tell_one(&t, before, heading, d->ops->video_name(d->dataset, (vj_split)s, i));
      left -= fits;
      before = ", ", heading = "";
    }
  }
  if (!fits) snprintf(text + t.used, bytes - t.used, "%s%" PRId64 " more", t.used ? " and " : "", left);
  for (char *c = text; *c; c++) /* a name may be anything */
    if ((unsigned char)*c < 32 || *c == 127) *c = ' ';
}

const char *vj_bad_samples_sentence(vj_pool *pool, const vj_bad_samples *d) {
  const int64_t count = vj_bad_samples_count(d);
  char names[VJ_DAMAGED_NAMES_BYTES];
  vj_bad_samples_tell(d, names, sizeof names);
  return vj_pool_format(pool,
                        "%" PRId64 " of the %" PRId64
                        " videos in use %s damaged where clips were asked for, and others were taken in their place: "
                        "%s",
                        count, d->all, count == 1 ? "is" : "are", names);
}

vj_status vj_bad_samples_record(const vj_bad_samples *d, vj_sweep_file *file, int64_t trial) {
  const int variable = vj_sweep_file_find(file, VJ_RECORD_DAMAGED);
  const int names = vj_sweep_file_find(file, VJ_RECORD_DAMAGED_NAMES);
  const int64_t count = vj_bad_samples_count(d), one = 1;
  char text[VJ_DAMAGED_NAMES_BYTES] = "";
  if (!d->met || variable < 0 || names < 0) return VJ_OK;
  vj_bad_samples_tell(d, text, sizeof text);
  VJ_TRY(vj_sweep_file_write(file, names, &trial, &one, text));
  return vj_sweep_file_write(file, variable, &trial, &one, &count);
}

/* --- for a checkpoint -------------------------------------------------------------------------------------------- */

/* Writes the record of each damaged video to `text`, unless that is NULL; returns the bytes of all. */
static int64_t put_records(const vj_bad_samples *d, char *text) {
  int64_t bytes = 0;
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0, at = first_of(d, s); i < d->videos[s]; i++) {
      if (!d->met[at + i]) continue;
      const char *const name = d->ops->video_name(d->dataset, (vj_split)s, i);
      const size_t length = strlen(split_words[s]) + 1 + strlen(name) + 1;
      if (text) snprintf(text + bytes, length, "%s %s", split_words[s], name);
      bytes += (int64_t)length;
    }
  return bytes;
}

vj_status vj_bad_samples_pack(const vj_bad_samples *d, unsigned char **text, int64_t *bytes) {
  *text = NULL;
  *bytes = d->met ? put_records(d, NULL) : 0;
  if (*bytes == 0) return VJ_OK;
  VJ_TRY(vj_allocate((size_t)*bytes, 1, "names of damaged videos", text));
  put_records(d, (char *)*text);
  return VJ_OK;
}

static void unpack_one(vj_bad_samples *d, const char *record) {
  for (int s = 0; s < VJ_SPLITS; s++) {
    const size_t word = strlen(split_words[s]);
    if (strncmp(record, split_words[s], word) != 0 || record[word] != ' ') continue;
    for (int64_t i = 0; i < d->videos[s]; i++)
      if (strcmp(d->ops->video_name(d->dataset, (vj_split)s, i), record + word + 1) == 0) mark(d, s, i);
  }
}

void vj_bad_samples_unpack(vj_bad_samples *d, const unsigned char *text, int64_t bytes) {
  if (!d->met || bytes == 0 || text[bytes - 1] != '\0') return;
  for (int64_t at = 0; at < bytes; at += (int64_t)strlen((const char *)text + at) + 1)
    unpack_one(d, (const char *)text + at);
}
