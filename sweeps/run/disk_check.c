#include "sweeps/run/disk_check.h"

#include "framework/base/disk.h"
#include "framework/store/checkpoint.h"

vj_disk_need vj_disk_need_of(const vj_sweep_layout *layout, int64_t trials, int groups, const char *folder) {
  enum { RECORD_BYTES = 128, RECORDS_OF_A_TRIAL = 3 }; /* claim, saved, done */
  const double ledger = ((double)trials * RECORDS_OF_A_TRIAL + 1) * RECORD_BYTES;
  return (vj_disk_need){.folder = folder,
                        .groups = groups,
                        .records = (double)vj_sweep_file_estimate(&layout->file) + ledger,
                        .checkpoints = groups * (VJ_GENERATIONS + 1) * layout->checkpoint_bytes,
                        .free = vj_disk_free(folder)};
}

bool vj_disk_need_fits(const vj_disk_need *room) {
  return room->free < 0 || room->records + room->checkpoints <= room->free;
}

vj_status vj_disk_need_check(const vj_disk_need *room) {
  if (vj_disk_need_fits(room) || room->records > room->free) return VJ_OK;
  return vj_fail(
      VJ_IO,
      "%s: the disk has too little room: sweep.h5 and the ledger take %.0f bytes, checkpoints of %d trial%s at "
      "a time up to %.0f, and %.0f are free; make room, or choose another folder with -o",
      room->folder, room->records, room->groups, room->groups == 1 ? "" : "s", room->checkpoints, room->free);
}
