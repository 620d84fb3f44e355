/* HDF5's failures as our sentences. HDF5 keeps a stack of descriptions and would print it; we silence the printing
 * and put the innermost description, the one nearest to the cause, into the sentence. Not collective. */
#ifndef VJ_FRAMEWORK_STORE_HDF5_ERROR_H
#define VJ_FRAMEWORK_STORE_HDF5_ERROR_H

#include <stddef.h>

#include "vj/status.h"

/* Stops HDF5 from printing its error stack, in this process from now on. */
void vj_hdf5_quiet(void);

/* The innermost description of the last HDF5 failure into `text`, which is empty if there is none. Returns the system's
 * error number when the failure came from the system (the text then is the system's own), else 0. Any other HDF5
 * call clears the stack, so ask first. */
int vj_hdf5_reason(char *text, size_t bytes);

/* Fails with VJ_IO: "<path>: <what>: <innermost description>". `what` is a format, its arguments follow. */
#define vj_hdf5_fail(path, ...) vj_hdf5_fail_at(__FILE__, __LINE__, __func__, (path), __VA_ARGS__)
vj_status vj_hdf5_fail_at(const char *file, int line, const char *function, const char *path, const char *what, ...)
    VJ_PRINTF(5, 6);

#endif
