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

bool vj_disk_need_fits(const vj_disk_need *need) {
  return need->free < 0 || need->records + need->checkpoints <= need->free;
}

vj_status vj_disk_need_check(const vj_disk_need *need) {
  if (vj_disk_need_fits(need) || need->records > need->free) return VJ_OK;
  return vj_fail(
      VJ_IO,
      "%s: the disk has too little room: sweep.h5 and the ledger take %.0f bytes, checkpoints of %d trial%s at "
      "a time up to %.0f, and %.0f are free; make room, or choose another folder with -o",
      need->folder, need->records, need->groups, need->groups == 1 ? "" : "s", need->checkpoints, need->free);
}
