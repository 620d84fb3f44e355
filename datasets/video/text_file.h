/* A small file as a whole. Not collective. */
#ifndef VJ_TEXT_FILE_H
#define VJ_TEXT_FILE_H

#include <stddef.h>

#include "vj/status.h"

/* The bytes of a file of at most `most` bytes, with a 0 behind them; the caller frees *text. VJ_IO with the path where
 * it can't be read, VJ_DATA where it is larger. */
VJ_MUST_USE vj_status vj_text_file_read(const char *path, size_t most, char **text, size_t *bytes);

#endif
