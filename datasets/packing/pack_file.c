/* The file of a pack: made, and filled with its tables. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "datasets/packing/pack_writer_private.h"
#include "framework/base/disk.h"

enum { NAME_BYTES = 4096, REASON_BYTES = 1024 };

vj_status vj_packing_failed(const packing *p, const char *what) {
  return vj_fail(VJ_IO, "%s: %s can't be written (is the disk full?)", p->temporary, what);
}

static vj_status take_lock(packing *p) {
  p->lock = open(p->temporary, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (p->lock < 0) return vj_fail(VJ_IO, "%s: can't be made: %s", p->temporary, strerror(errno));
  if (flock(p->lock, LOCK_EX | LOCK_NB) == 0) return VJ_OK;
  return vj_fail(VJ_USAGE, "%s: another process is making this pack", p->temporary);
}

/* Frames are nearly all of it. */
static vj_status check_room(const packing *p) {
  if (ftruncate(p->lock, 0) != 0) return vj_fail(VJ_IO, "%s: can't be emptied: %s", p->temporary, strerror(errno));
  const double needed = p->results->bytes, there = vj_disk_free(p->temporary);
  if (there < 0 || needed <= there) return VJ_OK;
  return vj_fail(
      VJ_IO,
      "%s: the disk has too little room: %.0f frames take %.0f bytes and %.0f are free; make room, or choose "
      "another place with -o",
      p->path, (double)p->frames, needed, there);
}

static vj_status begin(packing *p) {
  VJ_TRY(take_lock(p));
  return check_room(p);
}

vj_status vj_packing_create_file(packing *p) {
  VJ_TRY(vj_comm_agree(p->world, p->world->rank == 0 ? begin(p) : VJ_OK));
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  p->access = H5Pcreate(H5P_FILE_ACCESS);
  p->transfer = H5Pcreate(H5P_DATASET_XFER);
  H5Pset_fapl_mpio(p->access, p->world->mpi, MPI_INFO_NULL);
  H5Pset_dxpl_mpio(p->transfer, H5FD_MPIO_COLLECTIVE);
  p->file = H5Fcreate(p->temporary, H5F_ACC_TRUNC, H5P_DEFAULT, p->access);
  return vj_comm_agree(p->world, p->file >= 0 ? VJ_OK : vj_packing_failed(p, "the file"));
}

hid_t vj_packing_create_set(const packing *p, const char *name, hid_t type, int axes, const hsize_t *size) {
  const hid_t space = H5Screate_simple(axes, size, NULL), create = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_alloc_time(create, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(create, H5D_FILL_TIME_NEVER);
  H5Pset_obj_track_times(create, 0);
  const hid_t set = H5Dcreate2(p->file, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
  H5Pclose(create);
  H5Sclose(space);
  return set;
}

vj_status vj_packing_write_rows(const packing *p, hid_t set, hid_t type, int64_t start, int64_t count,
                                const void *values) {
  const hid_t space = H5Dget_space(set);
  hsize_t size[4] = {0}, from[4] = {(hsize_t)start}, part[4];
  const int axes = H5Sget_simple_extent_dims(space, size, NULL);
  memcpy(part, size, sizeof part);
  part[0] = (hsize_t)count;
  const hid_t memory = H5Screate_simple(axes, count ? part : size, NULL);
  if (count)
    H5Sselect_hyperslab(space, H5S_SELECT_SET, from, NULL, part, NULL);
  else {
    H5Sselect_none(space);
    H5Sselect_none(memory);
  }
  const herr_t written = H5Dwrite(set, type, memory, space, p->transfer, values);
  H5Sclose(memory);
  H5Sclose(space);
  return written >= 0 ? VJ_OK : vj_packing_failed(p, "a part");
}

/* A small table, which rank 0 writes. */
static vj_status write_table(const packing *p, const char *name, hid_t type, int axes, const hsize_t *size,
                             const void *values) {
  const hid_t set = vj_packing_create_set(p, name, type, axes, size);
  if (set < 0) return vj_packing_failed(p, name);
  const vj_status status = vj_packing_write_rows(p, set, type, 0, p->world->rank == 0 ? (int64_t)size[0] : 0, values);
  H5Dclose(set);
  return status;
}

/* Of what can't be decoded, too: 0. */
static vj_status write_rates(const packing *p) {
  double *rates = NULL;
  VJ_TRY(vj_allocate((size_t)p->videos + 1, sizeof *rates, "rates of videos", &rates));
  for (int64_t i = 0; i < p->videos; i++) rates[i] = p->video[i]->broken ? 0 : p->video[i]->info.rate;
  const vj_status status = write_table(p, "rate", H5T_NATIVE_DOUBLE, 1, (hsize_t[]){(hsize_t)p->videos}, rates);
  free(rates);
  return status;
}

static vj_status write_word(const packing *p, const char *name, const char *word) {
  const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, strlen(word));
  const hid_t attribute = H5Acreate2(p->file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  const bool written = attribute >= 0 && H5Awrite(attribute, type, word) >= 0;
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
  return written ? VJ_OK : vj_packing_failed(p, name);
}

/* Texts of one length, as long as the longest. */
static vj_status write_texts(const packing *p, const char *name, bool reasons) {
  const size_t most = reasons ? REASON_BYTES : NAME_BYTES;
  size_t longest = 1;
  char *texts = NULL;
  for (int64_t i = 0; i < p->videos; i++) {
    const char *const text = reasons ? p->video[i]->broken : p->video[i]->entry->name;
    if (text && strlen(text) + 1 > longest) longest = strlen(text) + 1 < most ? strlen(text) + 1 : most;
  }
  VJ_TRY(vj_allocate((size_t)p->videos + 1, longest, "names of videos", &texts));
  for (int64_t i = 0; i < p->videos; i++) {
    const char *const text = reasons ? p->video[i]->broken : p->video[i]->entry->name;
    snprintf(texts + (size_t)i * longest, longest, "%s", text ? text : "");
  }
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, longest);
  const vj_status status = write_table(p, name, type, 1, (hsize_t[]){(hsize_t)p->videos}, texts);
  H5Tclose(type);
  free(texts);
  return status;
}

/* Labels of the clip that begins with a video's first frame, for readers that have no lists. */
static vj_status write_labels(const packing *p) {
  const vj_clip_list *const list = vj_clips_list(p->clips);
  vj_clip_info info;
  float *row = NULL, *column = NULL;
  vj_clips_info(p->clips, &info);
  vj_status status = vj_allocate((size_t)(p->videos * info.label_width) + 1, sizeof *row, "labels", &row);
  if (status == VJ_OK)
    status = vj_allocate((size_t)(p->videos * info.label_width) + 1, sizeof *column, "labels", &column);
  for (int64_t i = 0; i < p->videos && status == VJ_OK; i++) {
    float *const to = row + i * info.label_width;
    const vj_clip_window window = vj_clips_window(p->clips, p->video[i], 0);
    for (int64_t k = 0; k < info.label_width; k++) to[k] = NAN;
    if (!p->video[i]->broken) status = list->fill_labels(list->owner, (vj_split)p->split[i], p->number[i], &window, to);
  }
  status = vj_comm_agree(p->world, status);
  for (int64_t k = 0, at = 0; k < list->label_count && status == VJ_OK; at += list->labels[k++].width) {
    const int64_t width = list->labels[k].width;
    char name[128];
    snprintf(name, sizeof name, "label_%s", list->labels[k].name);
    for (int64_t i = 0; i < p->videos; i++)
      memcpy(column + i * width, row + i * info.label_width + at, (size_t)width * sizeof *column);
    status = write_table(p, name, H5T_NATIVE_FLOAT, 2, (hsize_t[]){(hsize_t)p->videos, (hsize_t)width}, column);
  }
  free(row);
  free(column);
  return status;
}

vj_status vj_packing_write_tables(const packing *p) {
  const hsize_t videos = (hsize_t)p->videos, places = videos + 1;
  VJ_TRY(write_word(p, "format", VJ_PACK_FORMAT));
  VJ_TRY(write_word(p, "dataset", vj_clips_list(p->clips)->what));
  VJ_TRY(write_table(p, "first", H5T_NATIVE_INT64, 1, &places, p->first));
  VJ_TRY(write_table(p, "split", H5T_NATIVE_INT64, 1, &videos, p->split));
  VJ_TRY(write_table(p, "bytes", H5T_NATIVE_INT64, 1, &videos, p->bytes));
  VJ_TRY(write_table(p, "changed", H5T_NATIVE_INT64, 1, &videos, p->changed));
  VJ_TRY(write_rates(p));
  VJ_TRY(write_texts(p, "name", false));
  VJ_TRY(write_texts(p, "broken", true));
  return write_labels(p);
}
