#include "datasets/packing/pack_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datasets/packing/pack_writer_private.h"
#include "framework/base/atomic_file.h"

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
  VJ_TRY(vj_packing_create_file(p));
  VJ_TRY(vj_comm_agree(p->world, vj_packing_write_tables(p)));
  VJ_TRY(vj_packing_write_frames(p, told));
  return count_damaged(p);
}

/* Given its checksum, brought to the disk, looked at as a reader will, and named. */
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
  if (p.file >= 0 && H5Fclose(p.file) < 0 && status == VJ_OK) status = vj_packing_failed(&p, "the file");
  if (p.access >= 0) H5Pclose(p.access);
  if (p.transfer >= 0) H5Pclose(p.transfer);
  status = vj_comm_agree(world, status);
  if (status == VJ_OK) status = vj_comm_agree(world, world->rank == 0 ? finish(&p) : VJ_OK);
  if (status != VJ_OK && status != VJ_USAGE && p.lock >= 0) unlink(p.temporary);
  if (p.lock >= 0) close(p.lock);
  free(p.temporary), free(p.first), free(p.split), free(p.bytes), free(p.changed), free(p.number), free(p.video);
  return status;
}
