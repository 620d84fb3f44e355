/* Fills the component tables with everything in builtin.def. */
#ifndef VJ_APP_BUILTIN_H
#define VJ_APP_BUILTIN_H

#include "vj/status.h"

VJ_MUST_USE vj_status vj_builtin_register(void);

#endif
