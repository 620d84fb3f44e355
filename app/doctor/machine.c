#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "app/doctor/checks.h"
#include "framework/base/cpu.h"
#include "framework/base/machine_memory.h"
#include "framework/ops/product/product.h"
#include "vj/component.h"

static const double gibibyte = 1073741824, mebibyte = 1048576;

static void check_processor(vj_findings *all) {
  const vj_cpu widest = vj_cpu_widest(), path = vj_cpu_path();
  char library[128];
  if (path < widest)
    vj_remedy(vj_find(all, "processor", VJ_HEALTH_DOUBTFUL, "computes with %s, and has %s", vj_cpu_path_name(path),
                      vj_cpu_path_name(widest)),
              "unset VJVCR_CPU; results are the same, and come sooner");
  else
    vj_find(all, "processor", VJ_HEALTH_GOOD, "computes with %s, the widest it has", vj_cpu_path_name(path));
  /* A kernel has to be made for it to be known that one can. */
  (void)vj_product_find(
      &(vj_product_shape){.rows = 8, .columns = 64, .depth = 16, .a_pitch = 16, .b_pitch = 64, .c_pitch = 64});
  const vj_product_counts counts = vj_product_count();
  const char *text = vj_product_library(library);
  if (counts.plain < counts.all)
    vj_find(all, "products", VJ_HEALTH_GOOD, "%s", text);
  else
    vj_remedy(vj_find(all, "products", VJ_HEALTH_DOUBTFUL, "%s", text),
              "allow programs to make code while they run (SELinux: setsebool -P deny_execmem 0; systemd: "
              "MemoryDenyWriteExecute=no); results are the same, and come sooner");
}

static void check_memory(int ranks_here, vj_findings *all) {
  double total;
  const double allowed = vj_machine_memory(&total), each = allowed / ranks_here;
  const vj_health health = each < 256 * mebibyte ? VJ_HEALTH_DOUBTFUL : VJ_HEALTH_GOOD;
  vj_finding *f =
      vj_find(all, "memory", health, "%.1f GiB%s, %.1f for each of %d rank%s here", allowed / gibibyte,
              allowed < total ? " are allowed here" : "", each / gibibyte, ranks_here, ranks_here == 1 ? "" : "s");
  if (health != VJ_HEALTH_GOOD) vj_remedy(f, "start fewer ranks a host, or allow the job more memory");
}

/* Open MPI's ranks of one host meet in files there. */
static void check_shared_memory(int ranks_here, vj_findings *all) {
  enum { NEEDED_A_RANK = 16 << 20 };
  struct statvfs disk;
  if (ranks_here < 2 || statvfs("/dev/shm", &disk) != 0) return;
  const double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize, needed = (double)ranks_here * NEEDED_A_RANK;
  if (free_bytes >= needed)
    vj_find(all, "shared memory", VJ_HEALTH_GOOD, "%.0f MiB free in /dev/shm", free_bytes / mebibyte);
  else
    vj_remedy(vj_find(all, "shared memory", VJ_HEALTH_BAD, "%.0f MiB free in /dev/shm; %d ranks want %.0f",
                      free_bytes / mebibyte, ranks_here, needed / mebibyte),
              "mount -o remount,size=%.0fM /dev/shm, in a container --shm-size=%.0fm", needed / mebibyte,
              needed / mebibyte);
}

static void check_limits(vj_findings *all) {
  struct rlimit files, size;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || getrlimit(RLIMIT_FSIZE, &size) != 0) return;
  if (files.rlim_cur != RLIM_INFINITY && files.rlim_cur < 256)
    vj_remedy(vj_find(all, "open files", VJ_HEALTH_DOUBTFUL, "at most %llu", (unsigned long long)files.rlim_cur),
              "ulimit -n 1024");
  if (size.rlim_cur != RLIM_INFINITY)
    vj_remedy(vj_find(all, "file size", VJ_HEALTH_DOUBTFUL, "at most %.0f MiB", (double)size.rlim_cur / mebibyte),
              "ulimit -f unlimited, if sweep.h5 is to become larger");
}

void vj_doctor_machine(int ranks_here, vj_findings *all) {
  all->section = "machine";
  check_processor(all);
  check_memory(ranks_here, all);
  check_shared_memory(ranks_here, all);
  check_limits(all);
}

void vj_doctor_plugin(const char *path, vj_findings *all) {
  all->section = "plug-ins";
  if (vj_plugin_load(path) == VJ_OK)
    vj_find(all, "plug-in", VJ_HEALTH_GOOD, "%s", path);
  else
    vj_remedy(vj_find(all, "plug-in", VJ_HEALTH_BAD, "%s", vj_error_message()),
              "compile it anew against the headers of this vjvcr, and give its path with a /");
}
