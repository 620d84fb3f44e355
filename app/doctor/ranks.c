#define _GNU_SOURCE /* sched_getaffinity() */
#include <math.h>
#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "app/doctor/checks.h"
#include "framework/base/threads.h"
#include "vj/memory.h"

enum { HOST_BYTES = 64, BLOCK_BYTES = 1 << 16 };

/* What a rank says of itself. */
typedef struct rank_facts {
  char host[HOST_BYTES];
  unsigned long program; /* CRC-32 of the file that runs */
  int threads;
  cpu_set_t cores;
} rank_facts;

static unsigned long checksum_of_program(void) {
  unsigned char block[BLOCK_BYTES];
  unsigned long sum = crc32(0, NULL, 0);
  FILE *program = fopen("/proc/self/exe", "rb");
  for (size_t got; program && (got = fread(block, 1, sizeof block, program)) > 0;)
    sum = crc32(sum, block, (unsigned)got);
  if (program) fclose(program);
  return sum;
}

static rank_facts facts_of_this_rank(void) {
  rank_facts f;
  memset(&f, 0, sizeof f);
  if (gethostname(f.host, sizeof f.host - 1) != 0) strcpy(f.host, "unknown");
  f.program = checksum_of_program();
  f.threads = vj_threads();
  CPU_ZERO(&f.cores);
  (void)sched_getaffinity(0, sizeof f.cores, &f.cores);
  return f;
}

static bool same_host(const rank_facts *a, const rank_facts *b) { return strcmp(a->host, b->host) == 0; }

/* Whether it is the first of its host. */
static bool is_first(const rank_facts *ranks, int rank) {
  for (int i = 0; i < rank; i++)
    if (same_host(&ranks[i], &ranks[rank])) return false;
  return true;
}

static int count_hosts(const rank_facts *ranks, int size) {
  int hosts = 0;
  for (int i = 0; i < size; i++) hosts += is_first(ranks, i);
  return hosts;
}

static void check_mpi(vj_findings *all) {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0, major = 0, minor = 0;
  MPI_Get_library_version(text, &length);
  MPI_Get_version(&major, &minor);
  vj_find(all, "library", VJ_HEALTH_GOOD, "%.*s (standard %d.%d)", (int)strcspn(text, ",\n"), text, major, minor);
}

static void check_programs(const rank_facts *ranks, int size, vj_findings *all) {
  for (int i = 1; i < size; i++) {
    if (ranks[i].program == ranks[0].program) continue;
    vj_remedy(vj_find(all, "program", VJ_HEALTH_BAD, "rank %d on %s runs another vjvcr than rank 0 on %s", i,
                      ranks[i].host, ranks[0].host),
              "install one build on all hosts, or put it into a folder that all of them see");
    return;
  }
  if (size > 1) vj_find(all, "program", VJ_HEALTH_GOOD, "the same on all ranks (%08lx)", ranks[0].program);
}

/* Threads of a host's ranks against the cores that they may use together. */
static void check_host(const rank_facts *ranks, int size, int first, vj_findings *all) {
  cpu_set_t together;
  int threads = 0, here = 0, squeezed = -1;
  CPU_ZERO(&together);
  for (int i = first; i < size; i++) {
    if (!same_host(&ranks[i], &ranks[first])) continue;
    here++;
    threads += ranks[i].threads;
    CPU_OR(&together, &together, &ranks[i].cores);
    if (squeezed < 0 && CPU_COUNT(&ranks[i].cores) < ranks[i].threads) squeezed = i;
  }
  const int cores = CPU_COUNT(&together);
  const char *host = ranks[first].host;
  if (here > cores)
    vj_remedy(
        vj_find(all, "cores", VJ_HEALTH_BAD, "%s: %d ranks on %d core%s", host, here, cores, cores == 1 ? "" : "s"),
        "start at most %d there", cores);
  else if (threads > cores)
    vj_remedy(vj_find(all, "cores", VJ_HEALTH_BAD, "%s: %d rank%s of %d thread%s on %d core%s", host, here,
                      here == 1 ? "" : "s", ranks[first].threads, ranks[first].threads == 1 ? "" : "s", cores,
                      cores == 1 ? "" : "s"),
              "set OMP_NUM_THREADS=%d", cores / here);
  else if (squeezed >= 0)
    vj_remedy(vj_find(all, "cores", VJ_HEALTH_BAD, "%s: rank %d has %d threads and is bound to %d core%s", host,
                      squeezed, ranks[squeezed].threads, CPU_COUNT(&ranks[squeezed].cores),
                      CPU_COUNT(&ranks[squeezed].cores) == 1 ? "" : "s"),
              "mpirun --map-by slot:PE=%d --bind-to core, or srun --cpus-per-task %d", ranks[squeezed].threads,
              ranks[squeezed].threads);
  else
    vj_find(all, "cores", VJ_HEALTH_GOOD, "%s: %d rank%s, %d thread%s in all, %d core%s", host, here,
            here == 1 ? "" : "s", threads, threads == 1 ? "" : "s", cores, cores == 1 ? "" : "s");
}

/* Collective: seconds of a barrier, the mean of some, and in which all ranks send all others `count` bytes, the fastest
 * of some. */
static vj_status time_messages(const vj_comm *world, unsigned char *bytes, size_t count, double *barrier,
                               double *gather) {
  enum { BARRIERS = 50, GATHERS = 5 };
  double start = MPI_Wtime();
  for (int i = 0; i < BARRIERS; i++) VJ_TRY(vj_comm_barrier(world));
  *barrier = (MPI_Wtime() - start) / BARRIERS;
  *gather = INFINITY;
  for (int i = 0; i < GATHERS; i++) {
    start = MPI_Wtime();
    VJ_TRY(vj_comm_gather_all(world, bytes, bytes + count, count));
    const double seconds = MPI_Wtime() - start;
    *gather = seconds < *gather ? seconds : *gather;
  }
  return VJ_OK;
}

static void judge_messages(int ranks, int hosts, double latency_us, double gb_s, vj_findings *all) {
  const bool slow = latency_us > (hosts > 1 ? 200 : 20) || gb_s < (hosts > 1 ? 0.1 : 0.5);
  vj_finding *f =
      vj_find(all, "messages", slow ? VJ_HEALTH_DOUBTFUL : VJ_HEALTH_GOOD,
              "all %d ranks meet in %.3g %s; each gets %.3g GB/s from the others", ranks,
              latency_us < 1000 ? latency_us : latency_us / 1000, latency_us < 1000 ? "microseconds" : "ms", gb_s);
  if (!slow) return;
  vj_remedy(f, hosts > 1 ? "name the fast network to MPI (mpirun --mca btl_tcp_if_include, UCX_NET_DEVICES), and train "
                           "each trial on one host"
                         : "see whether ranks share cores (mpirun --bind-to core), and what else runs on this machine");
}

/* Collective. */
static vj_status check_messages(const vj_comm *world, int hosts, vj_findings *all) {
  enum { MOST = 1 << 24 };
  const size_t count = MOST / (size_t)world->size + 1;
  unsigned char *bytes = NULL;
  double barrier, gather;
  if (world->size == 1) return VJ_OK;
  VJ_TRY(vj_comm_agree(world, vj_allocate((size_t)world->size + 1, count, "messages between ranks", &bytes)));
  const vj_status status = time_messages(world, bytes, count, &barrier, &gather);
  free(bytes);
  VJ_TRY(status);
  judge_messages(world->size, hosts, 1e6 * barrier, 1e-9 * (double)((size_t)(world->size - 1) * count) / gather, all);
  return VJ_OK;
}

vj_status vj_doctor_ranks(const vj_comm *world, vj_findings *all, int *here) {
  const rank_facts mine = facts_of_this_rank();
  rank_facts *ranks = calloc((size_t)world->size, sizeof *ranks);
  all->section = "MPI";
  VJ_TRY(vj_comm_agree(world, ranks ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for what ranks say of themselves")));
  vj_status status = vj_comm_gather_all(world, &mine, ranks, sizeof mine);
  if (status == VJ_OK) {
    const int hosts = count_hosts(ranks, world->size);
    *here = 0;
    for (int i = 0; i < world->size; i++) *here += same_host(&ranks[i], &mine);
    check_mpi(all);
    vj_find(all, "ranks", VJ_HEALTH_GOOD, "%d on %d host%s", world->size, hosts, hosts == 1 ? "" : "s");
    check_programs(ranks, world->size, all);
    for (int i = 0; i < world->size; i++)
      if (is_first(ranks, i)) check_host(ranks, world->size, i, all);
    status = check_messages(world, hosts, all);
  }
  free(ranks);
  return vj_comm_agree(world, status);
}
