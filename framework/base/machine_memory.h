/* What this machine has. Not collective. */
#ifndef VJ_FRAMEWORK_BASE_MACHINE_MEMORY_H
#define VJ_FRAMEWORK_BASE_MACHINE_MEMORY_H

/* Bytes of memory that processes may use here: the machine's, or what a container or a job is allowed of them. `total`,
 * if not NULL, gets the machine's. */
double vj_machine_memory(double *total);

#endif
