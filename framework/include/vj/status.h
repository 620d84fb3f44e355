/* Errors: every fallible call returns a vj_status; the sentence and the trace live beside it.
 *
 *   if (!file) return vj_fail(VJ_DATA, "%s: can't be opened: %s", path, strerror(errno));     where it fails
 *   VJ_TRY(read_header(file, &header));                                                       where it is passed on
 *
 * A sentence names the place and, where there is one, a remedy. VJ_OK is 0; every other status is a failure. The record
 * of the last one belongs to the calling thread and lasts until the next failure or vj_error_clear(). Nothing here is
 * collective: what fails on one rank alone, the trainer makes known to the others.
 */
#ifndef VJ_STATUS_H
#define VJ_STATUS_H

/* name, text, process exit code (0 ok, 1 failed work, 2 usage or configuration, 75 resumable) */
#define VJ_STATUS_LIST(X)                                \
  X(VJ_OK, "success", 0)                                 \
  X(VJ_USAGE, "usage", 2)                                \
  X(VJ_CONFIG, "configuration", 2)                       \
  X(VJ_SHAPE, "shapes do not fit", 2)                    \
  X(VJ_DATA, "bad data", 1)                              \
  X(VJ_IO, "input or output failed", 1)                  \
  X(VJ_MEMORY, "out of memory", 1)                       \
  X(VJ_NUMERIC, "numbers went wrong", 1)                 \
  X(VJ_COMM, "communication failed", 1)                  \
  X(VJ_PLUGIN, "plug-in refused", 2)                     \
  X(VJ_INTERRUPTED, "stopped early, can be resumed", 75) \
  X(VJ_INTERNAL, "internal error", 1)

#define VJ_STATUS_ENUM(name, text, exit_code) name,
typedef enum vj_status { VJ_STATUS_LIST(VJ_STATUS_ENUM) VJ_STATUS_COUNT } vj_status;
#undef VJ_STATUS_ENUM

#if defined(__GNUC__)
#define VJ_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#define VJ_MUST_USE __attribute__((warn_unused_result))
#else
#define VJ_PRINTF(format_at, first_at)
#define VJ_MUST_USE
#endif

/* Records a failure with its sentence and place, and returns `status`. */
#define vj_fail(status, ...) vj_fail_at((status), __FILE__, __LINE__, __func__, __VA_ARGS__)

/* Runs `call`; on failure adds this place to the trace and returns the status. */
#define VJ_TRY(call)                                \
  do {                                              \
    const vj_status vj_try_status_ = (call);        \
    if (vj_try_status_ != VJ_OK) {                  \
      vj_error_frame(__FILE__, __LINE__, __func__); \
      return vj_try_status_;                        \
    }                                               \
  } while (0)

/* The same for functions with one exit: stores the status in `variable` and jumps to `label`. */
#define VJ_TRY_GOTO(variable, call, label)          \
  do {                                              \
    (variable) = (call);                            \
    if ((variable) != VJ_OK) {                      \
      vj_error_frame(__FILE__, __LINE__, __func__); \
      goto label;                                   \
    }                                               \
  } while (0)

/* What the macros above call. */
vj_status vj_fail_at(vj_status status, const char *file, int line, const char *function, const char *format, ...)
    VJ_PRINTF(5, 6);
void vj_error_frame(const char *file, int line, const char *function);

/* The sentence of the last failure on this thread ("" if none). Valid until the next failure. */
const char *vj_error_message(void);
/* Its status; VJ_OK if none. */
vj_status vj_error_status(void);
/* Puts words before the sentence: "trial 3: " + sentence. */
void vj_error_prefix(const char *format, ...) VJ_PRINTF(1, 2);
/* Adds a line of a list below the sentence, indented. A sentence itself is one line: what else is in it of line ends
 * and control characters, from a file, say, is made blank. */
void vj_error_line(const char *format, ...) VJ_PRINTF(1, 2);
/* Replaces the record, for a failure that happened on another rank or thread; keeps no frames. */
vj_status vj_error_adopt(vj_status status, const char *message);
void vj_error_clear(void);

/* The trace, innermost first: "#0 vj_idx_open (datasets/digits/idx.c:41)"; returns the number of frames. */
int vj_error_trace(const char **lines, int capacity);

/* "bad data", and the program's exit code. */
const char *vj_status_text(vj_status status);
int vj_status_exit_code(vj_status status);

#endif
