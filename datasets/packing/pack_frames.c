/* The frames of a pack: decoded block by block, and written by all ranks together. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "datasets/packing/pack_writer_private.h"
#include "datasets/video/pack/pack_schedule.h"

enum { BLOCK_BYTES = 64 << 20, MOST_BLOCK_FRAMES = 8192 };

/* The frames of video `i` that lie in first..end-1. */
static vj_status decode_part(const packing *p, int64_t i, int64_t first, int64_t end, uint8_t *frames, bool *whole) {
  const int64_t low = p->first[i] > first ? p->first[i] : first, high = p->first[i + 1] < end ? p->first[i + 1] : end;
  vj_video_request request = p->request;
  vj_video *video = NULL;
  if (low >= high) return VJ_OK;
  request.start = low - p->first[i];
  request.stride = 1;
  request.count = high - low;
  VJ_TRY(vj_clips_open_video(p->clips, p->video[i], &video));
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
  VJ_TRY(vj_allocate((size_t)p->videos + 1, sizeof *cost, "a schedule of a pack", &cost));
  for (int64_t i = 0; i < p->videos; i++) cost[i] = cost_of(p->video[i]);
  const vj_pack_work work = {p->videos, p->first, cost};
  const vj_status status = vj_pack_schedule(&work, p->world->size, most, p->world->rank, edges, rounds);
  free(cost);
  return status;
}

static void do_nothing(void *context) { (void)context; }

static vj_status write_together(const packing *p, hid_t set, int64_t first, int64_t count, const void *values) {
  return vj_comm_agree(p->world, vj_packing_write_rows(p, set, H5T_NATIVE_UINT8, first, count, values));
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

/* With a schedule and memory for it. */
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

vj_status vj_packing_write_frames(const packing *p, void (*told)(double share)) {
  const hsize_t size[4] = {(hsize_t)p->frames, (hsize_t)p->request.height, (hsize_t)p->request.width,
                           p->request.grey ? 1 : 3};
  const hid_t frame_set = vj_packing_create_set(p, "frames", H5T_NATIVE_UINT8, 4, size);
  const hid_t whole_set = vj_packing_create_set(p, "whole", H5T_NATIVE_UINT8, 1, size);
  vj_status status = frame_set >= 0 && whole_set >= 0 ? VJ_OK : vj_packing_failed(p, "frames");
  status = vj_comm_agree(p->world, status);
  if (status == VJ_OK) status = decode_all(p, frame_set, whole_set, told);
  if (frame_set >= 0) H5Dclose(frame_set);
  if (whole_set >= 0) H5Dclose(whole_set);
  return status;
}
