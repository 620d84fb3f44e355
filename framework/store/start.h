/* How HDF5 and MPI-IO begin and end in a process that writes sweep files. */
#ifndef VJ_FRAMEWORK_STORE_START_H
#define VJ_FRAMEWORK_STORE_START_H

/* Before MPI_Init(): HDF5 is not to close by itself what is open when the program ends, since MPI is gone by then, and
 * MPI-IO is ROMIO's where there is a choice, which writes all of what it is given or says that it did not. */
void vj_store_start(void);

#endif
