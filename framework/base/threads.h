/* How many threads a rank uses. */
#ifndef VJ_FRAMEWORK_BASE_THREADS_H
#define VJ_FRAMEWORK_BASE_THREADS_H

/* What OpenMP offered when this was first asked: OMP_NUM_THREADS, or the cores this process may use. Every parallel
 * region of ours names this number, since OpenBLAS, told to use one thread, tells OpenMP the same. To be asked first
 * thing in main(), before any library can change it. */
int vj_threads(void);

/* Starts them, for all parallel regions of the calling thread: each with vj_float_environment(). */
void vj_threads_begin(void);

#endif
