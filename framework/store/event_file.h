/* TensorBoard's event files, written and never read here. https://github.com/tensorflow/tensorboard, tensorflow's
 * core/util/event.proto, core/framework/summary.proto and lib/io/record_writer.
 *
 * A file is a list of records: length (uint64), masked CRC-32C of these 8 bytes (uint32), data, masked CRC-32C of the
 * data (uint32), little-endian. The data of each is one Event, of which the few fields that are needed are encoded
 * here:
 *
 *   Event   1 wall_time double, 2 step int64, 3 file_version text, 5 summary Summary, 7 session_log SessionLog
 *   Summary 1 value Value;   Value 1 tag text, 2 simple_value float, 8 tensor TensorProto, 9 metadata
 *
 * Each record is handed to the operating system whole when it is written, so a reader or a kill finds whole records.
 * Not collective: one process, one file.
 */
#ifndef VJ_FRAMEWORK_STORE_EVENT_FILE_H
#define VJ_FRAMEWORK_STORE_EVENT_FILE_H

#include <stdint.h>

#include "vj/status.h"

typedef struct vj_event_file vj_event_file;

typedef struct vj_event_scalar {
  const char *tag;
  double value; /* in the file a float, as TensorBoard shows it */
} vj_event_scalar;

/* Makes the folder and the one above it, and in it a new file that sorts behind those there are. It begins with a
 * SessionLog START at `first_step`, at which TensorBoard drops what it read of that step and later ones; the first
 * START of a folder, which drops nothing, is at 0. VJ_IO with a sentence that names the file, here and below. */
VJ_MUST_USE vj_status vj_event_file_create(const char *folder, int64_t first_step, vj_event_file **file);
/* One record with these numbers. */
VJ_MUST_USE vj_status vj_event_file_scalars(vj_event_file *file, int64_t step, const vj_event_scalar *scalars,
                                            int64_t count);
/* A text that TensorBoard's tab "Text" shows letter by letter, at step 0. */
VJ_MUST_USE vj_status vj_event_file_code(vj_event_file *file, const char *tag, const char *text);
void vj_event_file_close(vj_event_file **file);

#endif
