#include "datasets/packing/pack_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "framework/base/atomic_file.h"
#include "framework/base/disk.h"
#include "datasets/video/pack/pack.h"
#include "datasets/video/pack/pack_schedule.h"

enum { BLOCK_BYTES = 64 << 20, MOST_BLOCK_FRAMES = 8192, NAME_BYTES = 4096, REASON_BYTES = 1024 };

typedef struct packing {
  const vj_comm *world;
  const vj_clips *clips;
  const char *path;
  char *temporary;
  int threads, lock;
  vj_video_request request; /* of single frames */
  int64_t frame_bytes;
  int64_t videos, frames;
  int64_t *first, *split, *bytes, *changed;
  const vj_clip_video **video;
  int64_t *number; /* of each video in its split */
  hid_t file, access, transfer;
  vj_pack_outcome *results;
} packing;

/* --- what there is to pack --------------------------------------------------------------------------------------- */

static vj_status list_videos(packing *p) {
  for (int s = 0; s < VJ_SPLITS; s++) p->videos += vj_clips_count(p->clips, (vj_split)s);
  const size_t count = (size_t)p->videos + 1;
  VJ_TRY(vj_allocate(count, sizeof *p->first, "a pack", &p->first));
  VJ_TRY(vj_allocate(count, sizeof *p->split, "a pack", &p->split));
  VJ_TRY(vj_allocate(count, sizeof *p->bytes, "a pack", &p->bytes));
  VJ_TRY(vj_allocate(count, sizeof *p->changed, "a pack", &p->changed));
  VJ_TRY(vj_allocate(count, sizeof *p->number, "a pack", &p->number));
  VJ_TRY(vj_allocate(count, sizeof *p->video, "a pack", &p->video));
  int64_t at = 0;
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0; i < vj_clips_count(p->clips, (vj_split)s); i++, at++) {
      const vj_clip_video *const v = p->video[at] = vj_clips_video(p->clips, (vj_split)s, i);
      p->split[at] = s, p->number[at] = i, p->bytes[at] = v->info.bytes, p->changed[at] = v->changed;
      p->first[at + 1] = p->first[at] + (v->broken ? 0 : v->info.frames);
      p->results->broken += v->broken != NULL;
    }
  p->frames = p->first[p->videos];
  p->results->videos = p->videos, p->results->frames = p->frames;
  p->results->bytes = (double)p->frames * (double)p->frame_bytes;
  return VJ_OK;
}

/* --- the file ---------------------------------------------------------------------------------------------------- */

static vj_status hdf5_failed(const packing *p, const char *what) {
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

static vj_status create_file(packing *p) {
  VJ_TRY(vj_comm_agree(p->world, p->world->rank == 0 ? begin(p) : VJ_OK));
  setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0); /* ours is held */
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  p->access = H5Pcreate(H5P_FILE_ACCESS);
  p->transfer = H5Pcreate(H5P_DATASET_XFER);
  H5Pset_fapl_mpio(p->access, p->world->mpi, MPI_INFO_NULL);
  H5Pset_dxpl_mpio(p->transfer, H5FD_MPIO_COLLECTIVE);
  p->file = H5Fcreate(p->temporary, H5F_ACC_TRUNC, H5P_DEFAULT, p->access);
  return vj_comm_agree(p->world, p->file >= 0 ? VJ_OK : hdf5_failed(p, "the file"));
}

/* A data set with its room; frames are written later, so nothing is filled in. */
static hid_t create_set(const packing *p, const char *name, hid_t type, int axes, const hsize_t *size) {
  const hid_t space = H5Screate_simple(axes, size, NULL), create = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_alloc_time(create, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(create, H5D_FILL_TIME_NEVER);
  H5Pset_obj_track_times(create, 0);
  const hid_t set = H5Dcreate2(p->file, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
  H5Pclose(create);
  H5Sclose(space);
  return set;
}

/* `count` rows of a data set from `start` on, this rank's part of a collective write; none with count 0. */
static vj_status write_rows(const packing *p, hid_t set, hid_t type, int64_t start, int64_t count, const void *values) {
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
  return written >= 0 ? VJ_OK : hdf5_failed(p, "a part");
}

/* A small table, which rank 0 writes. */
static vj_status write_table(const packing *p, const char *name, hid_t type, int axes, const hsize_t *size,
                             const void *values) {
  const hid_t set = create_set(p, name, type, axes, size);
  if (set < 0) return hdf5_failed(p, name);
  const vj_status status = write_rows(p, set, type, 0, p->world->rank == 0 ? (int64_t)size[0] : 0, values);
  H5Dclose(set);
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
  return written ? VJ_OK : hdf5_failed(p, name);
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
    const vj_clip_window window = vj_clips_window(p->clips, 0, p->video[i]->info.frames);
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

static vj_status write_tables(const packing *p) {
  const hsize_t videos = (hsize_t)p->videos, places = videos + 1;
  VJ_TRY(write_word(p, "format", VJ_PACK_FORMAT));
  VJ_TRY(write_word(p, "dataset", vj_clips_list(p->clips)->what));
  VJ_TRY(write_table(p, "first", H5T_NATIVE_INT64, 1, &places, p->first));
  VJ_TRY(write_table(p, "split", H5T_NATIVE_INT64, 1, &videos, p->split));
  VJ_TRY(write_table(p, "bytes", H5T_NATIVE_INT64, 1, &videos, p->bytes));
  VJ_TRY(write_table(p, "changed", H5T_NATIVE_INT64, 1, &videos, p->changed));
  VJ_TRY(write_texts(p, "name", false));
  VJ_TRY(write_texts(p, "broken", true));
  return write_labels(p);
}

/* --- frames ------------------------------------------------------------------------------------------------------ */

/* The frames of video `i` that lie in first..end-1. */
static vj_status decode_part(const packing *p, int64_t i, int64_t first, int64_t end, uint8_t *frames, bool *whole) {
  const int64_t low = p->first[i] > first ? p->first[i] : first, high = p->first[i + 1] < end ? p->first[i + 1] : end;
  vj_video_request request = p->request;
  vj_video *video = NULL;
  if (low >= high) return VJ_OK;
  request.start = low - p->first[i];
  request.stride = 1;
  request.count = high - low;
  VJ_TRY(vj_video_open(p->video[i]->entry->path, &video));
  vj_status status = VJ_OK;
  if (vj_video_about(video)->frames != p->first[i + 1] - p->first[i])
    status = vj_fail(VJ_DATA, "%s: it changes while it is packed", p->video[i]->entry->path);
  if (status == VJ_OK)
    status = vj_video_frames(video, &request, frames + (low - first) * p->frame_bytes, whole + (low - first), NULL);
  vj_video_close(&video);
  return status;
}

static vj_status decode_block(const packing *p, int64_t first, int64_t end, uint8_t *frames, bool *whole) {
  vj_status failure = VJ_OK;
  char message[1024] = "";
  int64_t from = 0, to = p->videos;
  while (from < p->videos && p->first[from + 1] <= first) from++;
  while (to > from && p->first[to - 1] >= end) to--;
#pragma omp parallel for schedule(dynamic) num_threads(p->threads)
  for (int64_t i = from; i < to; i++) {
    const vj_status status = decode_part(p, i, first, end, frames, whole);
    if (status == VJ_OK) continue;
#pragma omp critical
    {
      failure = status;
      snprintf(message, sizeof message, "%s", vj_error_message());
    }
  }
  return failure == VJ_OK ? VJ_OK : vj_error_adopt(failure, message);
}

/* What a frame of a video costs: its pixels, and what comes with any frame. */
static double cost_of(const vj_clip_video *video) {
  enum { ANY_FRAME = 16384 }; /* px */
  return (double)(video->info.width * video->info.height + ANY_FRAME);
}

static vj_status make_schedule(const packing *p, int64_t most, int64_t **edges, int64_t *rounds) {
  double *cost = NULL;
  VJ_TRY(vj_allocate((size_t)p->videos + 1, sizeof *cost, "a plan of a pack", &cost));
  for (int64_t i = 0; i < p->videos; i++) cost[i] = cost_of(p->video[i]);
  const vj_pack_work work = {p->videos, p->first, cost};
  const vj_status status = vj_pack_schedule(&work, p->world->size, most, p->world->rank, edges, rounds);
  free(cost);
  return status;
}

static void do_nothing(void *context) { (void)context; }

static vj_status write_together(const packing *p, hid_t set, int64_t first, int64_t count, const void *values) {
  return vj_comm_agree(p->world, write_rows(p, set, H5T_NATIVE_UINT8, first, count, values));
}

/* Block after block of this rank's range, each written together with the other ranks'; which frames are whole at the
 * end, at once. */
static vj_status write_blocks(const packing *p, const int64_t *edges, int64_t rounds, hid_t frame_set, hid_t whole_set,
                              uint8_t *frames, bool *whole, void (*told)(double share)) {
  for (int64_t k = 0; k < rounds; k++) {
    const int64_t first = edges[k], count = edges[k + 1] - first;
    if (told && p->world->rank == 0) told((double)k / (double)rounds);
    const vj_status status = count ? decode_block(p, first, edges[k + 1], frames, whole + (first - edges[0])) : VJ_OK;
    VJ_TRY(vj_comm_wait(p->world, do_nothing, NULL)); /* who is done early leaves the processor to the others */
    VJ_TRY(vj_comm_agree(p->world, status));
    VJ_TRY(write_together(p, frame_set, first, count, frames));
  }
  const int64_t mine = edges[rounds] - edges[0];
  for (int64_t i = 0; i < mine; i++) p->results->damaged_frames += !whole[i];
  return write_together(p, whole_set, edges[0], mine, whole);
}

/* With a plan and room for it. */
static vj_status decode_all(const packing *p, hid_t frame_set, hid_t whole_set, void (*told)(double share)) {
  const int64_t fit = BLOCK_BYTES / p->frame_bytes;
  const int64_t most = fit < 1 ? 1 : fit < MOST_BLOCK_FRAMES ? fit : MOST_BLOCK_FRAMES;
  int64_t *edges = NULL, rounds = 0;
  uint8_t *frames = NULL;
  bool *whole = NULL;
  vj_status status = make_schedule(p, most, &edges, &rounds);
  const int64_t mine = status == VJ_OK && rounds ? edges[rounds] - edges[0] : 0;
  int64_t largest = 1;
  for (int64_t k = 0; k < rounds && status == VJ_OK; k++)
    if (edges[k + 1] - edges[k] > largest) largest = edges[k + 1] - edges[k];
  if (status == VJ_OK) status = vj_allocate((size_t)(largest * p->frame_bytes), 1, "frames", &frames);
  if (status == VJ_OK) status = vj_allocate((size_t)mine + 1, sizeof *whole, "frames", &whole);
  status = vj_comm_agree(p->world, status);
  if (status == VJ_OK && rounds) status = write_blocks(p, edges, rounds, frame_set, whole_set, frames, whole, told);
  free(edges);
  free(frames);
  free(whole);
  return status;
}

static vj_status write_frames(const packing *p, void (*told)(double share)) {
  const hsize_t size[4] = {(hsize_t)p->frames, (hsize_t)p->request.height, (hsize_t)p->request.width,
                           p->request.grey ? 1 : 3};
  const hid_t frame_set = create_set(p, "frames", H5T_NATIVE_UINT8, 4, size);
  const hid_t whole_set = create_set(p, "whole", H5T_NATIVE_UINT8, 1, size);
  vj_status status = frame_set >= 0 && whole_set >= 0 ? VJ_OK : hdf5_failed(p, "frames");
  status = vj_comm_agree(p->world, status);
  if (status == VJ_OK) status = decode_all(p, frame_set, whole_set, told);
  if (frame_set >= 0) H5Dclose(frame_set);
  if (whole_set >= 0) H5Dclose(whole_set);
  return status;
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

/* Of all ranks, of which there may be any number. */
static vj_status count_damaged(const packing *p) {
  int64_t *counts = NULL;
  VJ_TRY(vj_comm_agree(p->world, vj_allocate((size_t)p->world->size, sizeof *counts, "counts", &counts)));
  const vj_status status =
      vj_comm_gather_all(p->world, &p->results->damaged_frames, counts, sizeof p->results->damaged_frames);
  if (status == VJ_OK) p->results->damaged_frames = 0;
  for (int r = 0; r < p->world->size && status == VJ_OK; r++) p->results->damaged_frames += counts[r];
  free(counts);
  return status;
}

static vj_status write_all(packing *p, void (*told)(double share)) {
  VJ_TRY(create_file(p));
  VJ_TRY(vj_comm_agree(p->world, write_tables(p)));
  VJ_TRY(write_frames(p, told));
  return count_damaged(p);
}

/* Sealed, brought to the disk, looked at as a reader will, and named. */
static vj_status finish(const packing *p) {
  vj_pack *pack = NULL;
  vj_status status = vj_pack_checksum_file(p->temporary);
  if (status == VJ_OK) status = vj_pack_open(p->temporary, &pack);
  vj_pack_close(&pack);
  const int cause = status == VJ_OK ? vj_atomic_publish(p->temporary, p->path) : 0;
  return cause ? vj_fail(VJ_IO, "%s: can't be named: %s", p->path, strerror(cause)) : status;
}

vj_status vj_pack_file_write(const vj_comm *world, const vj_clips *clips, const char *path, int threads,
                             void (*told)(double share), vj_pack_outcome *results) {
  packing p = {.world = world,
               .clips = clips,
               .path = path,
               .threads = threads,
               .lock = -1,
               .file = -1,
               .access = -1,
               .transfer = -1,
               .results = results,
               .request = vj_clips_request(clips)};
  const size_t room = strlen(path) + sizeof ".part";
  *results = (vj_pack_outcome){0};
  p.frame_bytes = p.request.height * p.request.width * (p.request.grey ? 1 : 3);
  p.temporary = malloc(room);
  vj_status status = p.temporary ? list_videos(&p) : vj_fail(VJ_MEMORY, "no memory for a path");
  if (p.temporary) snprintf(p.temporary, room, "%s.part", path);
  status = vj_comm_agree(world, status);
  if (status == VJ_OK) status = write_all(&p, told);
  if (p.file >= 0 && H5Fclose(p.file) < 0 && status == VJ_OK) status = hdf5_failed(&p, "the file");
  if (p.access >= 0) H5Pclose(p.access);
  if (p.transfer >= 0) H5Pclose(p.transfer);
  status = vj_comm_agree(world, status);
  if (status == VJ_OK) status = vj_comm_agree(world, world->rank == 0 ? finish(&p) : VJ_OK);
  if (status != VJ_OK && status != VJ_USAGE && p.lock >= 0) unlink(p.temporary);
  if (p.lock >= 0) close(p.lock);
  free(p.temporary), free(p.first), free(p.split), free(p.bytes), free(p.changed), free(p.number), free(p.video);
  return status;
}
