/* Texts of files are UTF-8, as the files say; names of files, which texts may hold, are whatever bytes somebody chose.
 */
#ifndef VJ_FRAMEWORK_BASE_VALID_UTF8_H
#define VJ_FRAMEWORK_BASE_VALID_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "vj/status.h"

/* `count` texts of `size` bytes each, filled up with zeros, as they go into a file: *written is `texts`, or, if there
 * are bytes in them that are no UTF-8, a copy with a question mark for each of these, which is *copy, too; the caller
 * frees it. */
VJ_MUST_USE vj_status vj_valid_utf8(const void *texts, int64_t count, size_t size, const void **written, void **copy);

#endif
