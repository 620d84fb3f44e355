#include <errno.h>
#include <fcntl.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "analysis/statistics/summary.h"
#include "app/doctor/checks.h"
#include "framework/base/atomic_file.h"
#include "framework/base/disk.h"
#include "framework/base/file_lock.h"
#include "framework/store/sweep_file/sweep_file.h"
#include "vj/param.h"

enum { PATH_BYTES = 4096, NAME_BYTES = PATH_BYTES + 64, SYNCS = 9, SYNC_BYTES = 4096, TRIALS = 4, STEPS = 64 };

static const double gibibyte = 1073741824;

/* --- what kind it is ---------------------------------------------------------------------------------------------- */

static const struct {
  long magic;
  const char *name;
} kinds[] = {{0xEF53, "ext4"},      {0x58465342, "XFS"},     {0x9123683E, "Btrfs"}, {0x2FC12FC1, "ZFS"},
             {0x01021994, "tmpfs"}, {0x794C7630, "overlay"}, {0x6969, "NFS"},       {0x0BD00BD0, "Lustre"},
             {0x47504653, "GPFS"},  {0x19830326, "BeeGFS"},  {0x65735546, "FUSE"},  {0xFF534D42, "CIFS"},
             {0xFE534D42, "SMB2"},  {0x00C36400, "Ceph"},    {0x01161970, "GFS2"},  {0x7461636F, "OCFS2"}};

static void check_kind(const char *folder, vj_findings *all) {
  struct statfs about;
  if (statfs(folder, &about) != 0) return;
  const char *name = "another";
  for (size_t i = 0; i < VJ_COUNT(kinds); i++)
    if (kinds[i].magic == (long)(unsigned)about.f_type) name = kinds[i].name;
  if (strcmp(name, "tmpfs") == 0)
    vj_remedy(vj_find(all, "file system", VJ_HEALTH_DOUBTFUL, "tmpfs, which is memory"),
              "choose a folder on a disk: what lies here is gone when the machine ends");
  else
    vj_find(all, "file system", VJ_HEALTH_GOOD, "%s (%lx)", name, (unsigned long)(unsigned)about.f_type);
}

/* --- a sweep file ------------------------------------------------------------------------------------------------- */

static float loss_of(int64_t trial, int64_t step) { return (float)(trial * STEPS + step) / 7; }

static vj_status write_rows(const char *path) {
  static const vj_file_dimension dimensions[] = {{.name = "trial", .size = TRIALS}, {.name = "step", .size = STEPS}};
  static const vj_file_variable loss = {.name = "loss", .type = VJ_FILE_FLOAT, .rank = 2, .dimension = {0, 1}};
  const vj_file_layout layout = {
      .dimension_count = 2, .dimensions = dimensions, .variable_count = 1, .variables = &loss};
  const vj_comm alone = {.mpi = MPI_COMM_SELF, .size = 1};
  vj_sweep_file *file = NULL;
  VJ_TRY(vj_sweep_file_create(path, &layout, NULL, NULL));
  VJ_TRY(vj_sweep_file_open(&alone, path, &file));
  vj_status status = VJ_OK;
  for (int64_t trial = 0; trial < TRIALS && status == VJ_OK; trial++) {
    float row[STEPS];
    for (int64_t step = 0; step < STEPS; step++) row[step] = loss_of(trial, step);
    status = vj_sweep_file_write(file, 0, (int64_t[]){trial, 0}, (int64_t[]){1, STEPS}, row);
  }
  if (status == VJ_OK) status = vj_sweep_file_sync(file);
  vj_sweep_file_close(&file);
  return status;
}

static vj_status read_rows(const char *path) {
  vj_sweep_file *file = NULL;
  float rows[TRIALS * STEPS] = {0};
  VJ_TRY(vj_sweep_file_read_only(path, &file));
  vj_status status = vj_sweep_file_read(file, 0, (int64_t[]){0, 0}, (int64_t[]){TRIALS, STEPS}, rows);
  vj_sweep_file_close(&file);
  VJ_TRY(status);
  for (int64_t i = 0; i < TRIALS * STEPS; i++)
    if (rows[i] != loss_of(i / STEPS, i % STEPS)) return vj_fail(VJ_IO, "%s: other values came back", path);
  return VJ_OK;
}

/* Whether a file of that name can be written without HDF5. */
static bool takes_files(const char *path) {
  static const char block[SYNC_BYTES];
  const int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  const bool takes = descriptor >= 0 && vj_disk_write(descriptor, block, sizeof block, 0) == 0;
  if (descriptor >= 0) close(descriptor);
  return takes;
}

static void check_sweep_file(const char *folder, vj_findings *all) {
  char path[NAME_BYTES];
  snprintf(path, sizeof path, "%s/sweep.h5", folder);
  vj_status status = write_rows(path);
  if (status == VJ_OK) status = read_rows(path);
  if (status == VJ_OK)
    vj_find(all, "parallel HDF5", VJ_HEALTH_GOOD, "a sweep.h5 was laid out, written by MPI-IO and read back");
  else
    vj_remedy(vj_find(all, "parallel HDF5", VJ_HEALTH_BAD, "%s", vj_error_message()),
              takes_files(path) ? "install HDF5 with MPI-IO of the MPI that vjvcr is built with (Debian: "
                                  "libhdf5-openmpi-103), and unset OMPI_MCA_io"
                                : "make room or choose another folder");
  unlink(path);
}

/* --- locks, names, time ------------------------------------------------------------------------------------------- */

static void check_locks(const char *path, vj_findings *all) {
  switch (vj_file_lock_probe(path)) {
    case VJ_LOCK_FLOCK:
      vj_find(all, "locks", VJ_HEALTH_GOOD, "flock keeps others out");
      break;
    case VJ_LOCK_FCNTL:
      vj_find(all, "locks", VJ_HEALTH_GOOD, "fcntl keeps others out; flock does not work here");
      break;
    case VJ_LOCK_NONE:
      vj_remedy(vj_find(all, "locks", VJ_HEALTH_BAD, "neither flock nor fcntl keeps others out"),
                "mount Lustre with -o flock, NFS with its lock daemon; without locks only one group can train: "
                "--ranks-per-trial with all ranks");
      break;
  }
}

static void check_names(const char *path, vj_findings *all) {
  char temporary[NAME_BYTES + 8];
  snprintf(temporary, sizeof temporary, "%s.new", path);
  const int descriptor = open(temporary, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  const int cause = descriptor < 0 ? errno : vj_atomic_publish(temporary, path);
  if (descriptor >= 0) close(descriptor);
  if (cause == 0)
    vj_find(all, "names", VJ_HEALTH_GOOD, "a file takes another's place whole");
  else
    vj_remedy(vj_find(all, "names", VJ_HEALTH_BAD, "a file can't be renamed: %s", strerror(cause)),
              "choose a folder on another file system");
  unlink(temporary);
}

static void check_syncs(const char *path, vj_findings *all) {
  static const char block[SYNC_BYTES];
  double each[SYNCS];
  int cause = 0;
  const int descriptor = open(path, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return;
  for (int i = 0; i < SYNCS && cause == 0; i++) {
    const double start = omp_get_wtime();
    cause = vj_disk_write(descriptor, block, sizeof block, (off_t)i * SYNC_BYTES);
    if (cause == 0) cause = vj_disk_sync(descriptor);
    each[i] = omp_get_wtime() - start;
  }
  close(descriptor);
  if (cause != 0) {
    vj_remedy(vj_find(all, "syncing", VJ_HEALTH_BAD, "%s", vj_disk_reason(cause)),
              "make room or choose another folder");
    return;
  }
  qsort(each, SYNCS, sizeof *each, vj_ascending);
  const double median = each[SYNCS / 2];
  vj_finding *f = vj_find(all, "syncing", median > 0.05 ? VJ_HEALTH_DOUBTFUL : VJ_HEALTH_GOOD,
                          "%.3g ms: the end of a trial waits twice as long", 1e3 * median);
  if (median > 0.05)
    vj_remedy(f, "trials should take much longer than that times the number of groups; else choose a local disk");
}

static void check_room(const char *folder, vj_findings *all) {
  const double bytes = vj_disk_free(folder);
  if (bytes < 0) return;
  const vj_health health = bytes < gibibyte ? VJ_HEALTH_DOUBTFUL : VJ_HEALTH_GOOD;
  vj_finding *f = vj_find(all, "room", health, "%.1f GiB free", bytes / gibibyte);
  if (health != VJ_HEALTH_GOOD) vj_remedy(f, "see with sweep --dry-run what a sweep takes");
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

/* A folder of our own in it, for what is tried. */
static void check_in(const char *own, vj_findings *all) {
  char path[NAME_BYTES];
  snprintf(path, sizeof path, "%s/tried", own);
  const int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor >= 0) close(descriptor);
  check_sweep_file(own, all);
  check_locks(path, all);
  check_names(path, all);
  check_syncs(path, all);
  unlink(path);
}

void vj_doctor_folder(const char *folder, vj_findings *all) {
  char own[PATH_BYTES];
  struct stat about;
  const bool exists = stat(folder, &about) == 0;
  all->section = "results";
  vj_find(all, "folder", VJ_HEALTH_GOOD, "%s%s", folder, exists ? "" : ", which would be made");
  if (!exists && mkdir(folder, 0777) != 0) {
    vj_remedy(vj_find(all, "writing", VJ_HEALTH_BAD, "it can't be made: %s", strerror(errno)),
              "make the folders above it, or choose another");
    return;
  }
  check_kind(folder, all);
  check_room(folder, all);
  if (snprintf(own, sizeof own, "%s/doctor-XXXXXX", folder) < (int)sizeof own && mkdtemp(own)) {
    check_in(own, all);
    rmdir(own);
  } else {
    vj_remedy(vj_find(all, "writing", VJ_HEALTH_BAD, "nothing can be made in it: %s", strerror(errno)),
              "get the right to write there, or choose another folder");
  }
  if (!exists) rmdir(folder);
}
