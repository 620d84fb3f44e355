/* Versions of this program and of the libraries that decide the bits of what it computes. Not collective. */
#ifndef VJ_APP_VERSIONS_H
#define VJ_APP_VERSIONS_H

#include "sweeps/run/versions.h"

/* All of them, in the pool. To add one: its row in versions.c. */
VJ_MUST_USE vj_status vj_versions_here(vj_pool *pool, vj_versions *versions);

#endif
