/* For tests that need MPI and no other rank: set-up and end of a group of tests. */
#ifndef VJ_TESTS_SUPPORT_ALONE_H
#define VJ_TESTS_SUPPORT_ALONE_H

#include <mpi.h>

#include "framework/comm/comm.h"
#include "tests/support/testing.h"

static vj_comm alone;

static inline int start_alone(void **state) {
  (void)state;
  MPI_Init(NULL, NULL);
  assert_ok(vj_comm_create(MPI_COMM_SELF, &alone));
  return 0;
}

static inline int end_alone(void **state) {
  (void)state;
  vj_comm_destroy(&alone);
  MPI_Finalize();
  return 0;
}

#endif
