/* What the sources of the ledger share. No one else includes this. */
#ifndef VJ_FRAMEWORK_STORE_LEDGER_LEDGER_PRIVATE_H
#define VJ_FRAMEWORK_STORE_LEDGER_LEDGER_PRIVATE_H

#include <stddef.h>
#include <sys/types.h>

#include "framework/store/ledger/ledger.h"

/* The first line begins with it, then come the version and the number of trials. */
#define VJ_LEDGER_HEADER "vjvcr ledger "
enum { VJ_LEDGER_VERSION = 1, VJ_LEDGER_CRC_CHARACTERS = 8 };

typedef struct vj_ledger_record {
  vj_trial_state state;
  int64_t attempts;
  int64_t own_attempt; /* the attempt claimed through this handle, 0 if none */
  int64_t deaths;      /* attempts in a row that were cut off and had saved nothing */
  bool saved;          /* this attempt did */
  char *text;          /* who claimed it, or the reason of its failure; owned; or NULL */
} vj_ledger_record;

struct vj_ledger {
  char *path, *who;
  int descriptor;
  bool read_only;
  int64_t trials, stated; /* of this sweep; that the file has told of so far */
  vj_ledger_record *records;
  bool opened;
  vj_ledger_measurement *measurements;
  int64_t measurement_count, measurement_capacity;
  off_t parsed; /* bytes of the file that `records` stand for: always whole lines */
  int64_t lines;
  bool appended; /* and not brought to the disk yet */
};

/* What a record may tell of, and the state of its trial from then on. */
enum { CLAIM, DONE, FAILED, RELEASE, SAVED, STOP, PASSED, ENDED, EXTEND, VJ_LEDGER_EVENTS };
typedef struct vj_ledger_event {
  const char *name;
  vj_trial_state state;
} vj_ledger_event;
extern const vj_ledger_event vj_ledger_events[VJ_LEDGER_EVENTS];

/* Text that grows; `failed` once memory was out. */
typedef struct vj_lines {
  char *bytes;
  size_t used, size;
  bool failed;
} vj_lines;
void vj_lines_put(vj_lines *text, const char *bytes, size_t count);
/* In quotes, and so that it stays on one line. */
void vj_lines_put_quoted(vj_lines *text, const char *reason);
/* Undoes that; `quoted` starts behind the first quote. The caller frees it; NULL when memory is out. */
char *vj_lines_unquote(const char *quoted);
/* Ends the line that began at `start`. */
void vj_lines_put_checksum(vj_lines *text, size_t start);
void vj_ledger_put_header(vj_lines *text, int64_t trials);
/* `reason` NULL: signed by who has the ledger open. */
void vj_ledger_put_record(vj_lines *text, const vj_ledger *ledger, int event, int64_t trial, int64_t attempt,
                          const char *reason);
/* PASSED or ENDED. */
void vj_ledger_put_decision(vj_lines *text, int event, int64_t attempt, const vj_ledger_measurement *mine,
                            double threshold, const char *reason);

/* What a line says, without what it means for the trials. `text`: who signed it, or what stands behind the first quote
 * of a reason; a decision's numbers are before it. */
typedef struct vj_ledger_line {
  int version, event;
  int64_t trial, attempt; /* of EXTEND: how many trials the sweep has */
  const char *text;
} vj_ledger_line;

/* Takes the checksum off the end of a line without its line end; false, and the line as it was, where it does not fit.
 */
bool vj_ledger_take_checksum(char *line, size_t length);
/* Both of lines without their checksum; false where they are in no form that this program knows. */
bool vj_ledger_read_header(const char *line, int *version, int64_t *trials);
bool vj_ledger_read_record(const char *line, vj_ledger_line *record);

/* The next line of `length` characters, its end replaced by a zero: checked, and taken into the records. */
VJ_MUST_USE vj_status vj_ledger_parse_line(vj_ledger *ledger, char *line, size_t length);
/* The first line, without its end and its checksum. */
VJ_MUST_USE vj_status vj_ledger_parse_header(vj_ledger *ledger, const char *line);

/* The sentence for a system call on the file that failed with errno. */
vj_status vj_ledger_system_fail(const vj_ledger *ledger, const char *what);

VJ_MUST_USE vj_status vj_ledger_lock(const vj_ledger *ledger, int how);
void vj_ledger_unlock(const vj_ledger *ledger);
/* Lets the lock go and then waits until the disk has what was appended under it. Others may have read that and appended
 * theirs meanwhile: to bring a file to the disk brings all of it, so that no record is there without those before it,
 * and those who wait at the same time share one write of the disk. `status`: of what was done under the lock. */
VJ_MUST_USE vj_status vj_ledger_unlock_and_sync(vj_ledger *ledger, vj_status status);
VJ_MUST_USE vj_status vj_ledger_check_trial(const vj_ledger *ledger, int64_t trial);
/* Under the lock: parses the whole lines that were appended since the last call; *torn is how many bytes of a line
 * without its end follow them. */
VJ_MUST_USE vj_status vj_ledger_refresh(vj_ledger *ledger, off_t *torn);
/* Under the lock, when everything whole was parsed: cuts off a torn line, appends, parses. Frees the text. */
VJ_MUST_USE vj_status vj_ledger_append(vj_ledger *ledger, vj_lines *text, off_t torn);
/* The same for one record. */
VJ_MUST_USE vj_status vj_ledger_append_record(vj_ledger *ledger, int event, int64_t trial, int64_t attempt,
                                              const char *reason, off_t torn);

#endif
