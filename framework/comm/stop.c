#include "framework/comm/stop.h"

#include <stdlib.h>

enum { TAG = 75 };

static vj_status listen(vj_stop *stop) {
  if (MPI_Irecv(&stop->received, 1, MPI_INT, MPI_ANY_SOURCE, TAG, stop->comm.mpi, &stop->incoming) == MPI_SUCCESS)
    return VJ_OK;
  return vj_fail(VJ_COMM, "listening for a stop failed");
}

vj_status vj_stop_open(const vj_comm *world, vj_stop *stop) {
  *stop = (vj_stop){.incoming = MPI_REQUEST_NULL};
  VJ_TRY(vj_comm_create(world->mpi, &stop->comm));
  stop->outgoing = malloc((size_t)world->size * sizeof *stop->outgoing);
  vj_status status =
      stop->outgoing ? VJ_OK : vj_fail(VJ_MEMORY, "no memory to send %d ranks a request to stop", world->size);
  if (status == VJ_OK) status = listen(stop);
  status = vj_comm_agree(world, status);
  if (status != VJ_OK) vj_stop_close(stop);
  return status;
}

void vj_stop_send(vj_stop *stop, int cause) {
  if (stop->sent || !stop->outgoing) return;
  stop->sent = cause;
  if (!stop->cause) stop->cause = cause;
  for (int rank = 0; rank < stop->comm.size; rank++) {
    stop->outgoing[rank] = MPI_REQUEST_NULL;
    if (rank != stop->comm.rank) MPI_Isend(&stop->sent, 1, MPI_INT, rank, TAG, stop->comm.mpi, &stop->outgoing[rank]);
  }
}

static void note_received(vj_stop *stop) {
  stop->count++;
  if (!stop->cause) stop->cause = stop->received;
}

int vj_stop_cause(vj_stop *stop) {
  int came = 0;
  if (stop->incoming == MPI_REQUEST_NULL) return stop->cause;
  if (MPI_Test(&stop->incoming, &came, MPI_STATUS_IGNORE) != MPI_SUCCESS || !came) return stop->cause;
  note_received(stop);
  if (listen(stop) != VJ_OK) stop->incoming = MPI_REQUEST_NULL;
  return stop->cause;
}

/* Every sender sent one message to each other rank. */
void vj_stop_close(vj_stop *stop) {
  int senders = stop->sent != 0;
  if (stop->comm.size == 0) return;
  MPI_Allreduce(MPI_IN_PLACE, &senders, 1, MPI_INT, MPI_SUM, stop->comm.mpi);
  for (int missing = senders - (stop->sent != 0) - stop->count; missing > 0; missing--) {
    MPI_Wait(&stop->incoming, MPI_STATUS_IGNORE);
    note_received(stop);
    if (listen(stop) != VJ_OK) break;
  }
  if (stop->incoming != MPI_REQUEST_NULL) {
    MPI_Cancel(&stop->incoming);
    MPI_Wait(&stop->incoming, MPI_STATUS_IGNORE);
  }
  if (stop->sent) MPI_Waitall(stop->comm.size, stop->outgoing, MPI_STATUSES_IGNORE);
  free(stop->outgoing);
  vj_comm_destroy(&stop->comm);
  *stop = (vj_stop){.incoming = MPI_REQUEST_NULL, .cause = stop->cause};
}
