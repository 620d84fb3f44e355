#define _GNU_SOURCE
#include "tests/faults/fault.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KILL_BEFORE = 1, KILL_AFTER, STOP_AFTER, OF_MEMORY, LINE_BYTES = PATH_MAX + 64 };

static struct {
  bool ready, on, ever;
  int error, special;
  bool is_short;
  long at;
  const char *folder, *only;
  uintptr_t text_begin, text_end; /* of the program itself */
  int log;
} fault = {.log = -1};
static atomic_long counted;
static _Thread_local bool due_after, busy;

/* --- starting ------------------------------------------------------------------------------------------------ */

static const struct {
  const char *name;
  int error, special;
} kinds[] = {{"count", 0, 0},
             {"ENOSPC", ENOSPC, 0},
             {"EDQUOT", EDQUOT, 0},
             {"EIO", EIO, 0},
             {"ENOLCK", ENOLCK, 0},
             {"EINTR", EINTR, 0},
             {"short", 0, 0},
             {"kill", 0, KILL_BEFORE},
             {"killed", 0, KILL_AFTER},
             {"stopped", 0, STOP_AFTER},
             {"memory", ENOMEM, OF_MEMORY}};

/* The program comes first in the list of what is loaded. */
static int find_text(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size, (void)data;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X)) continue;
    fault.text_begin = info->dlpi_addr + segment->p_vaddr;
    fault.text_end = fault.text_begin + segment->p_memsz;
  }
  return 1;
}

static void open_log(const char *rank) {
  const char *name = getenv("VJ_FAULT_LOG");
  char full[PATH_MAX];
  if (!name) return;
  snprintf(full, sizeof full, "%s%s%s", name, rank ? "." : "", rank ? rank : "");
  fault.log = (int)syscall(SYS_openat, AT_FDCWD, full, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

__attribute__((constructor)) static void start(void) {
  const char *kind = getenv("VJ_FAULT"), *at = getenv("VJ_FAULT_AT"), *rank = getenv("OMPI_COMM_WORLD_RANK");
  const char *wanted_rank = getenv("VJ_FAULT_RANK");
  void *frames[2];
  if (!kind || (wanted_rank && rank && strcmp(rank, wanted_rank) != 0)) return;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(kind, kinds[i].name) != 0) continue;
    fault.error = kinds[i].error;
    fault.special = kinds[i].special;
    fault.on = true;
  }
  fault.is_short = strcmp(kind, "short") == 0;
  fault.at = at ? atol(at) : 0;
  fault.ever = getenv("VJ_FAULT_EVER") != NULL;
  fault.folder = getenv("VJ_FAULT_FOLDER");
  fault.only = getenv("VJ_FAULT_ON");
  dl_iterate_phdr(find_text, NULL);
  if (fault.special == OF_MEMORY) (void)backtrace(frames, 2); /* it loads a library, which allocates */
  open_log(rank);
  fault.ready = true;
}

/* --- counting ------------------------------------------------------------------------------------------------ */

static void write_log(const char *line) {
  char full[LINE_BYTES + 1];
  if (fault.log < 0) return;
  const int length = snprintf(full, sizeof full, "%s\n", line);
  (void)!syscall(SYS_write, fault.log, full, (size_t)length);
}

/* Counts a call; whether it is the one. */
static bool is_due(const char *line) {
  if (fault.only && !strstr(line, fault.only)) return false;
  const long number = atomic_fetch_add(&counted, 1) + 1;
  write_log(line);
  return fault.at > 0 && (number == fault.at || (fault.ever && number > fault.at));
}

/* The path within the folder, "." for the folder itself; NULL when it lies elsewhere. */
static const char *within_folder(const char *path, int descriptor, char *full, size_t bytes) {
  char link[48];
  if (!fault.folder) return NULL;
  if (!path) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    const ssize_t length = readlink(link, full, bytes - 1);
    if (length < 0) return NULL;
    full[length] = '\0';
  } else if (path[0] == '/') {
    snprintf(full, bytes, "%s", path);
  } else {
    if (!getcwd(full, bytes)) return NULL;
    const size_t used = strlen(full);
    snprintf(full + used, bytes - used, "/%s", strncmp(path, "./", 2) == 0 ? path + 2 : path);
  }
  const size_t length = strlen(fault.folder);
  if (strncmp(full, fault.folder, length) != 0) return NULL;
  return full[length] == '/' ? full + length + 1 : full[length] == '\0' ? "." : NULL;
}

int fault_before(const char *operation, const char *path, int descriptor, int may) {
  char full[PATH_MAX], line[LINE_BYTES];
  if (!fault.ready || !fault.on || busy || fault.special == OF_MEMORY) return FAULT_NONE;
  const int kept = errno;
  const char *name = within_folder(path, descriptor, full, sizeof full);
  errno = kept;
  if (!name) return FAULT_NONE;
  snprintf(line, sizeof line, "%s %s ", operation, name); /* the blank ends the name for VJ_FAULT_ON */
  if (!is_due(line)) return FAULT_NONE;
  if (fault.special == KILL_BEFORE) kill(getpid(), SIGKILL);
  due_after = fault.special == KILL_AFTER || fault.special == STOP_AFTER;
  const int needed = fault.is_short          ? MAY_BE_SHORT
                     : fault.error == EINTR  ? MAY_BE_INTERRUPTED
                     : fault.error == ENOLCK ? MAY_LACK
                                             : MAY_FAIL;
  if (!(may & needed)) return FAULT_NONE;
  return fault.is_short ? FAULT_SHORT : fault.error;
}

void fault_after(void) {
  if (!due_after) return;
  due_after = false;
  kill(getpid(), fault.special == STOP_AFTER ? SIGSTOP : SIGKILL);
}

/* --- memory -------------------------------------------------------------------------------------------------- */

/* The places that asked, innermost first, as far as they lie in the program. */
static void describe_callers(char *line, size_t bytes) {
  enum { FRAMES = 12, NAMED = 4 };
  void *frames[FRAMES];
  const int count = backtrace(frames, FRAMES);
  size_t used = (size_t)snprintf(line, bytes, "memory");
  for (int i = 0, named = 0; i < count && named < NAMED; i++) {
    const uintptr_t place = (uintptr_t)frames[i];
    if (place < fault.text_begin || place >= fault.text_end) continue;
    used += (size_t)snprintf(line + used, bytes - used, " %lx", (unsigned long)(place - fault.text_begin));
    named++;
  }
}

bool fault_of_memory(const void *caller) {
  char line[LINE_BYTES] = "memory";
  if (!fault.ready || fault.special != OF_MEMORY || busy) return false;
  if ((uintptr_t)caller < fault.text_begin || (uintptr_t)caller >= fault.text_end) return false;
  busy = true;
  if (fault.log >= 0) describe_callers(line, sizeof line);
  const bool due = is_due(line);
  busy = false;
  return due;
}
