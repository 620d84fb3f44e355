/* A request to stop, among ranks that otherwise have nothing to send each other: any of them may send it, all others
 * find it when they next ask. Messages only, so it reaches other machines as fast as anything does. */
#ifndef VJ_FRAMEWORK_COMM_STOP_H
#define VJ_FRAMEWORK_COMM_STOP_H

#include "framework/comm/comm.h"

typedef struct vj_stop {
  vj_comm comm;        /* its own duplicate */
  int cause;           /* why to stop, 0: not yet */
  int sent;            /* the cause that this rank sent to the others, 0: none */
  int received, count; /* the newest message, and how many came */
  MPI_Request incoming, *outgoing;
} vj_stop;

/* Collective. */
VJ_MUST_USE vj_status vj_stop_open(const vj_comm *world, vj_stop *stop);
/* Sends it to all others, once. `cause` is not 0. Not collective. */
void vj_stop_send(vj_stop *stop, int cause);
/* The cause, own or received; 0 if there is none. Not collective. */
int vj_stop_cause(vj_stop *stop);
/* Collective; what is still on its way is received. */
void vj_stop_close(vj_stop *stop);

#endif
