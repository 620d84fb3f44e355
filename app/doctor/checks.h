/* What `vjvcr doctor` looks at, a function each part of a set-up. */
#ifndef VJ_APP_DOCTOR_CHECKS_H
#define VJ_APP_DOCTOR_CHECKS_H

#include "app/doctor/findings.h"
#include "framework/comm/comm.h"

/* MPI, the ranks, what they send each other, their cores. Collective; all ranks get the findings, and `here`, how many
 * ranks are on the host of this one. */
VJ_MUST_USE vj_status vj_doctor_ranks(const vj_comm *world, vj_findings *all, int *here);
/* The processor's path, memory, shared memory, limits, of the machine of this rank. Not collective. */
void vj_doctor_machine(int ranks_here, vj_findings *all);
/* The folder for results: its file system, a sweep file written and read back, locks, names, time to sync, room. Made
 * for it and removed: files in the folder, or the folder. Not collective. */
void vj_doctor_folder(const char *folder, vj_findings *all);
/* A plug-in's file. Not collective. */
void vj_doctor_plugin(const char *path, vj_findings *all);

#endif
