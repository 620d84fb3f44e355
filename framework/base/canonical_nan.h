/* One NaN for all files. Which of the many a processor makes is its own affair: 0/0 has a sign on x86 and none on arm,
 * and of two that meet in a sum the compiler chooses. */
#ifndef VJ_FRAMEWORK_BASE_CANONICAL_NAN_H
#define VJ_FRAMEWORK_BASE_CANONICAL_NAN_H

#include <stddef.h>
#include <stdint.h>

#include "vj/status.h"

/* `count` numbers of `size` bytes (4: float, 8: double) as they go into a file: *written is `values`, or, if there is
 * a NaN in them that is not the quiet one without sign and payload, a copy with that in its place, which is *copy, too;
 * the caller frees it. */
VJ_MUST_USE vj_status vj_canonical_nan(const void *values, int64_t count, size_t size, const void **written,
                                       void **copy);

#endif
