#include "framework/comm/exchange.h"

#include <limits.h>

#ifdef VJ_DOUBLE
#define VJ_MPI_REAL MPI_DOUBLE
#else
#define VJ_MPI_REAL MPI_FLOAT
#endif

static int levels_of(const vj_comm *comm) {
  int levels = 0;
  while (1 << levels < comm->size) levels++;
  return levels;
}

static vj_status mpi_failed(int code) {
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  return vj_fail(VJ_COMM, "exchange between ranks: %s", text);
}

/* Posts the messages of the current stage. In halving, the lower rank of a pair keeps the lower half. */
static vj_status post(vj_exchange *exchange) {
  const int levels = levels_of(exchange->comm), rank = exchange->comm->rank;
  const bool halving = exchange->stage < levels;
  const int level = halving ? exchange->stage : 2 * levels - 1 - exchange->stage;
  const int partner = rank ^ (1 << level);
  const int64_t low = exchange->low[level], high = exchange->high[level], middle = low + (high - low) / 2;
  const int64_t keep_low = rank < partner ? low : middle, keep_high = rank < partner ? middle : high;
  const int64_t give_low = rank < partner ? middle : low, give_high = rank < partner ? high : middle;
  exchange->low[level + 1] = keep_low;
  exchange->high[level + 1] = keep_high;
  /* In doubling, what was kept goes out and what was given away comes back, summed. */
  const int64_t out_low = halving ? give_low : keep_low, out_high = halving ? give_high : keep_high;
  vj_real *in = halving ? exchange->received : exchange->values + give_low;
  const int64_t in_count = halving ? keep_high - keep_low : give_high - give_low;
  int code =
      MPI_Irecv(in, (int)in_count, VJ_MPI_REAL, partner, exchange->tag, exchange->comm->mpi, &exchange->requests[0]);
  if (code == MPI_SUCCESS)
    code = MPI_Isend(exchange->values + out_low, (int)(out_high - out_low), VJ_MPI_REAL, partner, exchange->tag,
                     exchange->comm->mpi, &exchange->requests[1]);
  vj_comm_count(1, (out_high - out_low) * (int64_t)sizeof(vj_real));
  return code == MPI_SUCCESS ? VJ_OK : mpi_failed(code);
}

/* Ends the current stage, whose messages have arrived. */
static void finish_stage(vj_exchange *exchange) {
  const int levels = levels_of(exchange->comm);
  if (exchange->stage < levels) {
    const int64_t low = exchange->low[exchange->stage + 1];
    const int64_t count = exchange->high[exchange->stage + 1] - low;
    vj_real *mine = exchange->values + low;
    const vj_real *theirs = exchange->received;
    for (int64_t i = 0; i < count; i++) mine[i] += theirs[i]; /* a + b and b + a have the same bits */
  }
  exchange->stage++;
  exchange->active = exchange->stage < 2 * levels;
}

vj_status vj_exchange_start(vj_exchange *exchange, const vj_comm *comm, vj_real *values, vj_real *received,
                            int64_t count, int tag) {
  if (count > INT_MAX) return vj_fail(VJ_COMM, "%lld numbers are too many for one exchange", (long long)count);
  enum { FIRST_TAG = 4096 }; /* those below belong to the sums of comm.c, which run while exchanges are under way */
  *exchange =
      (vj_exchange){.comm = comm, .values = values, .received = received, .count = count, .tag = FIRST_TAG + tag};
  if (comm->size == 1) return VJ_OK;
  exchange->active = true;
  exchange->high[0] = count;
  return post(exchange);
}

vj_status vj_exchange_progress(vj_exchange *exchange) {
  while (exchange->active) {
    int arrived = 0;
    const int code = MPI_Testall(2, exchange->requests, &arrived, MPI_STATUSES_IGNORE);
    if (code != MPI_SUCCESS) return mpi_failed(code);
    if (!arrived) return VJ_OK;
    finish_stage(exchange);
    if (exchange->active) VJ_TRY(post(exchange));
  }
  return VJ_OK;
}

vj_status vj_exchange_wait(vj_exchange *exchange) {
  while (exchange->active) {
    const int code = MPI_Waitall(2, exchange->requests, MPI_STATUSES_IGNORE);
    if (code != MPI_SUCCESS) return mpi_failed(code);
    finish_stage(exchange);
    if (exchange->active) VJ_TRY(post(exchange));
  }
  return VJ_OK;
}

vj_status vj_comm_gather_in_place(const vj_comm *comm, void *all, size_t bytes) {
  if (comm->size == 1) return VJ_OK;
  if (bytes > INT_MAX) return vj_fail(VJ_COMM, "%zu bytes a rank are too many for one gather", bytes);
  const int code = MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all, (int)bytes, MPI_BYTE, comm->mpi);
  /* However MPI does it, each rank's bytes reach all others: by doubling, so many messages of so many bytes. */
  vj_comm_count(levels_of(comm), (int64_t)bytes * (comm->size - 1));
  return code == MPI_SUCCESS ? VJ_OK : mpi_failed(code);
}

vj_status vj_comm_gather(const vj_comm *comm, const void *mine, void *all, size_t bytes, int root) {
  if (bytes > INT_MAX) return vj_fail(VJ_COMM, "%zu bytes a rank are too many for one gather", bytes);
  const int code = MPI_Gather(mine, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, root, comm->mpi);
  return code == MPI_SUCCESS ? VJ_OK : mpi_failed(code);
}
