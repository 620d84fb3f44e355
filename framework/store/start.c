#include "framework/store/start.h"

#include <hdf5.h>
#include <stdlib.h>

#include "framework/store/hdf5_error.h"

void vj_store_start(void) {
  H5dont_atexit(); /* before anything else of HDF5 */
  H5open();
  vj_hdf5_quiet();
  setenv("OMPI_MCA_io", "^ompio", 0); /* Open MPI's own, of 4.1.4, takes half a write for a whole one */
}
