#include "framework/comm/comm.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Counts of MPI calls are ints, so everything goes in pieces well below INT_MAX. The pieces of a sum lie on the
 * stack: nothing in a collective may fail on one rank alone, and memory could. */
enum { PIECE_BYTES = 1 << 24, SUM_PIECE = 8192, SENTENCE_BYTES = 2048 };

static vj_traffic traffic;

vj_traffic vj_comm_traffic(void) { return traffic; }

void vj_comm_count(int64_t messages, int64_t bytes) {
  traffic.messages += messages;
  traffic.bytes += bytes;
}

static vj_status mpi_fail(const char *what, int code) {
  char reason[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  if (MPI_Error_string(code, reason, &length) != MPI_SUCCESS) snprintf(reason, sizeof reason, "MPI error %d", code);
  return vj_fail(VJ_COMM, "%s failed: %s", what, reason);
}

#define MPI_TRY(call, what)                                                 \
  do {                                                                      \
    const int mpi_try_code_ = (call);                                       \
    if (mpi_try_code_ != MPI_SUCCESS) return mpi_fail(what, mpi_try_code_); \
  } while (0)

/* Takes over a fresh communicator, which inherited its parent's error handler. */
static vj_status adopt(MPI_Comm mpi, vj_comm *comm) {
  *comm = (vj_comm){.mpi = mpi};
  int code = MPI_Comm_set_errhandler(mpi, MPI_ERRORS_RETURN);
  if (code == MPI_SUCCESS) code = MPI_Comm_rank(mpi, &comm->rank);
  if (code == MPI_SUCCESS) code = MPI_Comm_size(mpi, &comm->size);
  if (code == MPI_SUCCESS) return VJ_OK;
  vj_comm_destroy(comm);
  return mpi_fail("setting up a group of ranks", code);
}

vj_status vj_comm_create(MPI_Comm parent, vj_comm *comm) {
  *comm = (vj_comm){.mpi = MPI_COMM_NULL};
  MPI_Comm mpi = MPI_COMM_NULL;
  MPI_TRY(MPI_Comm_dup(parent, &mpi), "duplicating a communicator");
  return adopt(mpi, comm);
}

vj_status vj_comm_split(const vj_comm *parent, int color, vj_comm *comm) {
  *comm = (vj_comm){.mpi = MPI_COMM_NULL};
  MPI_Comm mpi = MPI_COMM_NULL;
  MPI_TRY(MPI_Comm_split(parent->mpi, color, parent->rank, &mpi), "splitting a communicator");
  return adopt(mpi, comm);
}

void vj_comm_destroy(vj_comm *comm) {
  if (comm->mpi != MPI_COMM_NULL) MPI_Comm_free(&comm->mpi);
  *comm = (vj_comm){.mpi = MPI_COMM_NULL};
}

/* What all ranks met alike needs no rank in its sentence, and what was agreed on before has one. */
static void name_rank(int rank, bool all_failed) {
  if (!all_failed && strncmp(vj_error_message(), "rank ", 5) != 0) vj_error_prefix("rank %d: ", rank);
}

vj_status vj_comm_agree(const vj_comm *comm, vj_status mine) {
  if (comm->size == 1) return mine;
  int lowest[2] = {mine == VJ_OK ? comm->size : comm->rank, mine == VJ_OK ? 0 : 1}; /* failing rank; all failed? */
  MPI_TRY(MPI_Allreduce(MPI_IN_PLACE, lowest, 2, MPI_INT, MPI_MIN, comm->mpi), "agreeing on a status");
  const int first = lowest[0];
  const bool all_failed = lowest[1] == 1;
  if (first == comm->size) return VJ_OK;

  struct {
    int status;
    char sentence[SENTENCE_BYTES];
  } notice = {.status = (int)mine};
  if (comm->rank == first) {
    /* A status without a record of its own must not go out with an older failure's sentence. */
    const char *sentence = vj_error_status() == mine ? vj_error_message() : vj_status_text(mine);
    snprintf(notice.sentence, sizeof notice.sentence, "%s", sentence);
  }
  MPI_TRY(MPI_Bcast(&notice, (int)sizeof notice, MPI_BYTE, first, comm->mpi), "passing on a failure");
  if (comm->rank == first && vj_error_status() == mine) {
    name_rank(first, all_failed); /* this rank alone keeps the trace */
    return mine;
  }
  vj_error_adopt((vj_status)notice.status, notice.sentence);
  name_rank(first, all_failed);
  return (vj_status)notice.status;
}

vj_status vj_comm_any(const vj_comm *comm, unsigned mine, unsigned *any) {
  *any = mine;
  if (comm->size == 1) return VJ_OK;
  MPI_TRY(MPI_Allreduce(MPI_IN_PLACE, any, 1, MPI_UNSIGNED, MPI_BOR, comm->mpi), "asking all ranks");
  return VJ_OK;
}

vj_status vj_comm_any_bytes(const vj_comm *comm, unsigned char *bytes, size_t count) {
  for (size_t done = 0; done < count && comm->size > 1; done += PIECE_BYTES) {
    const size_t piece = count - done < PIECE_BYTES ? count - done : PIECE_BYTES;
    MPI_TRY(MPI_Allreduce(MPI_IN_PLACE, bytes + done, (int)piece, MPI_BYTE, MPI_BOR, comm->mpi), "asking all ranks");
  }
  return VJ_OK;
}

/* One piece of a sum by recursive doubling: after round k a rank holds the sum of its block of 2^k ranks. */
static vj_status sum_piece(const vj_comm *comm, double *values, int count) {
  double other[SUM_PIECE];
  for (int distance = 1; distance < comm->size; distance *= 2) {
    const int partner = comm->rank ^ distance;
    MPI_TRY(MPI_Sendrecv(values, count, MPI_DOUBLE, partner, distance, other, count, MPI_DOUBLE, partner, distance,
                         comm->mpi, MPI_STATUS_IGNORE),
            "summing over ranks");
    vj_comm_count(1, (int64_t)count * (int64_t)sizeof *values);
    const bool lower = comm->rank < partner;
    const double *left = lower ? values : other, *right = lower ? other : values;
    for (int i = 0; i < count; i++) values[i] = left[i] + right[i];
  }
  return VJ_OK;
}

vj_status vj_comm_sum_double(const vj_comm *comm, double *values, size_t count) {
  if ((comm->size & (comm->size - 1)) != 0)
    return vj_fail(VJ_USAGE, "a sum over %d ranks: the number of ranks must be a power of two", comm->size);
  if (comm->size == 1) return VJ_OK;
  for (size_t at = 0; at < count; at += SUM_PIECE)
    VJ_TRY(sum_piece(comm, values + at, (int)(count - at < SUM_PIECE ? count - at : SUM_PIECE)));
  return VJ_OK;
}

vj_status vj_comm_gather_all(const vj_comm *comm, const void *mine, void *all, size_t bytes) {
  unsigned char *const rows = all;
  unsigned char *const own = rows + (size_t)comm->rank * bytes;
  if (bytes == 0) return VJ_OK;
  if (mine != own) memmove(own, mine, bytes);
  if (comm->size == 1) return VJ_OK;
  if (bytes <= PIECE_BYTES) {
    MPI_TRY(MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all, (int)bytes, MPI_BYTE, comm->mpi),
            "gathering from all ranks");
    return VJ_OK;
  }
  for (int root = 0; root < comm->size; root++)
    VJ_TRY(vj_comm_broadcast(comm, rows + (size_t)root * bytes, bytes, root));
  return VJ_OK;
}

vj_status vj_comm_broadcast(const vj_comm *comm, void *bytes, size_t count, int root) {
  unsigned char *const all = bytes;
  for (size_t at = 0; at < count; at += PIECE_BYTES) {
    const size_t piece = count - at < PIECE_BYTES ? count - at : PIECE_BYTES;
    MPI_TRY(MPI_Bcast(all + at, (int)piece, MPI_BYTE, root, comm->mpi), "broadcasting");
  }
  return VJ_OK;
}

vj_status vj_comm_barrier(const vj_comm *comm) {
  MPI_TRY(MPI_Barrier(comm->mpi), "waiting for all ranks");
  return VJ_OK;
}

vj_status vj_comm_wait(const vj_comm *comm, void (*meanwhile)(void *context), void *context) {
  enum { SHORTEST_NAP = 100000, LONGEST_NAP = 50000000 }; /* ns */
  MPI_Request request = MPI_REQUEST_NULL;
  int done = 0;
  MPI_TRY(MPI_Ibarrier(comm->mpi, &request), "waiting for all ranks");
  for (long nap = SHORTEST_NAP;; nap = 2 * nap < LONGEST_NAP ? 2 * nap : LONGEST_NAP) {
    MPI_TRY(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "waiting for all ranks");
    if (done) return VJ_OK;
    meanwhile(context);
    nanosleep(&(struct timespec){.tv_nsec = nap}, NULL);
  }
}
