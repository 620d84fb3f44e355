/* Stands before the C library (LD_PRELOAD) and lets calls that change files go wrong, or allocations of the program
 * itself; fault.h says when and how. What the C library does inside, as in fwrite(), is not seen: the program writes no
 * file of a sweep that way. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/faults/fault.h"

/* The real function of the same name. Pointers to data and to functions have one size here, as dlsym() wants it. */
#define REAL(result, name, ...)       \
  static result (*real)(__VA_ARGS__); \
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)

/* --- opening ------------------------------------------------------------------------------------------------- */

static int open_may(const char *path, int flags) {
  const int changes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
  const int fault = flags & changes ? fault_before("open", path, -1, MAY_FAIL | MAY_BE_INTERRUPTED) : FAULT_NONE;
  if (fault > 0) errno = fault;
  return fault > 0;
}

static mode_t mode_of(int flags, va_list arguments) {
  return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

#define OPENS(name)                                \
  int name(const char *path, int flags, ...) {     \
    REAL(int, name, const char *, int, ...);       \
    va_list arguments;                             \
    va_start(arguments, flags);                    \
    const mode_t mode = mode_of(flags, arguments); \
    va_end(arguments);                             \
    if (open_may(path, flags)) return -1;          \
    const int result = real(path, flags, mode);    \
    fault_after();                                 \
    return result;                                 \
  }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name)                                     \
  int name(int folder, const char *path, int flags, ...) { \
    REAL(int, name, int, const char *, int, ...);          \
    va_list arguments;                                     \
    va_start(arguments, flags);                            \
    const mode_t mode = mode_of(flags, arguments);         \
    va_end(arguments);                                     \
    if (open_may(path, flags)) return -1;                  \
    const int result = real(folder, path, flags, mode);    \
    fault_after();                                         \
    return result;                                         \
  }
OPENS_AT(openat)
OPENS_AT(openat64)

#define OPENS_STREAM(name)                                                 \
  FILE *name(const char *path, const char *mode) {                         \
    REAL(FILE *, name, const char *, const char *);                        \
    if (open_may(path, mode[0] == 'r' ? O_RDONLY : O_WRONLY)) return NULL; \
    FILE *result = real(path, mode);                                       \
    fault_after();                                                         \
    return result;                                                         \
  }
OPENS_STREAM(fopen)
OPENS_STREAM(fopen64)

/* --- writing ------------------------------------------------------------------------------------------------- */

enum { WRITING = MAY_FAIL | MAY_BE_SHORT | MAY_BE_INTERRUPTED };

/* A call that fails or is made: `may` says what can happen to it, `call` makes it. */
#define FAIL_OR(operation, path, descriptor, may, call)             \
  const int fault = fault_before(operation, path, descriptor, may); \
  if (fault > 0) {                                                  \
    errno = fault;                                                  \
    return -1;                                                      \
  }                                                                 \
  const int result = (call);                                        \
  fault_after();                                                    \
  return result

#define WRITES(name, offset_type)                                                                       \
  ssize_t name(int descriptor, const void *bytes, size_t count, offset_type at) {                       \
    REAL(ssize_t, name, int, const void *, size_t, offset_type);                                        \
    const int fault = fault_before("write", NULL, descriptor, WRITING);                                 \
    if (fault > 0) return errno = fault, -1;                                                            \
    const ssize_t result = real(descriptor, bytes, fault == FAULT_SHORT ? (count + 1) / 2 : count, at); \
    fault_after();                                                                                      \
    return result;                                                                                      \
  }
WRITES(pwrite, off_t)
WRITES(pwrite64, off64_t)

ssize_t write(int descriptor, const void *bytes, size_t count) {
  REAL(ssize_t, write, int, const void *, size_t);
  const int fault = fault_before("write", NULL, descriptor, WRITING);
  if (fault > 0) return errno = fault, -1;
  const ssize_t result = real(descriptor, bytes, fault == FAULT_SHORT ? (count + 1) / 2 : count);
  fault_after();
  return result;
}

/* Half of the first piece, at most. */
static struct iovec cut(const struct iovec *pieces, int *count) {
  struct iovec first = count && *count > 0 ? pieces[0] : (struct iovec){0};
  first.iov_len = (first.iov_len + 1) / 2;
  *count = *count > 0;
  return first;
}

#define WRITES_PIECES(name, offset_type)                                                        \
  ssize_t name(int descriptor, const struct iovec *pieces, int count, offset_type at) {         \
    REAL(ssize_t, name, int, const struct iovec *, int, offset_type);                           \
    const int fault = fault_before("write", NULL, descriptor, WRITING);                         \
    if (fault > 0) return errno = fault, -1;                                                    \
    const struct iovec first = fault == FAULT_SHORT ? cut(pieces, &count) : (struct iovec){0};  \
    const ssize_t result = real(descriptor, fault == FAULT_SHORT ? &first : pieces, count, at); \
    fault_after();                                                                              \
    return result;                                                                              \
  }
WRITES_PIECES(pwritev, off_t)
WRITES_PIECES(pwritev64, off64_t)

ssize_t writev(int descriptor, const struct iovec *pieces, int count) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  const int fault = fault_before("write", NULL, descriptor, WRITING);
  if (fault > 0) return errno = fault, -1;
  const struct iovec first = fault == FAULT_SHORT ? cut(pieces, &count) : (struct iovec){0};
  const ssize_t result = real(descriptor, fault == FAULT_SHORT ? &first : pieces, count);
  fault_after();
  return result;
}

int fsync(int descriptor) {
  REAL(int, fsync, int);
  FAIL_OR("fsync", NULL, descriptor, MAY_FAIL | MAY_BE_INTERRUPTED, real(descriptor));
}

int fdatasync(int descriptor) {
  REAL(int, fdatasync, int);
  FAIL_OR("fsync", NULL, descriptor, MAY_FAIL | MAY_BE_INTERRUPTED, real(descriptor));
}

/* --- sizes --------------------------------------------------------------------------------------------------- */

#define CUTS(name, offset_type)                                                                   \
  int name(int descriptor, offset_type size) {                                                    \
    REAL(int, name, int, offset_type);                                                            \
    FAIL_OR("truncate", NULL, descriptor, MAY_FAIL | MAY_BE_INTERRUPTED, real(descriptor, size)); \
  }
CUTS(ftruncate, off_t)
CUTS(ftruncate64, off64_t)

#define CUTS_PATH(name, offset_type)                                                \
  int name(const char *path, offset_type size) {                                    \
    REAL(int, name, const char *, offset_type);                                     \
    FAIL_OR("truncate", path, -1, MAY_FAIL | MAY_BE_INTERRUPTED, real(path, size)); \
  }
CUTS_PATH(truncate, off_t)
CUTS_PATH(truncate64, off64_t)

/* It returns the number of its error. */
#define RESERVES(name, offset_type)                                                             \
  int name(int descriptor, offset_type from, offset_type count) {                               \
    REAL(int, name, int, offset_type, offset_type);                                             \
    const int fault = fault_before("reserve", NULL, descriptor, MAY_FAIL | MAY_BE_INTERRUPTED); \
    if (fault > 0) return fault;                                                                \
    const int result = real(descriptor, from, count);                                           \
    fault_after();                                                                              \
    return result;                                                                              \
  }
RESERVES(posix_fallocate, off_t)
RESERVES(posix_fallocate64, off64_t)

/* --- names and locks ----------------------------------------------------------------------------------------- */

int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  FAIL_OR("rename", to, -1, MAY_FAIL, real(from, to));
}

int link(const char *from, const char *to) {
  REAL(int, link, const char *, const char *);
  FAIL_OR("link", to, -1, MAY_FAIL, real(from, to));
}

int unlink(const char *path) {
  REAL(int, unlink, const char *);
  FAIL_OR("unlink", path, -1, MAY_FAIL, real(path));
}

int mkdir(const char *path, mode_t mode) {
  REAL(int, mkdir, const char *, mode_t);
  FAIL_OR("mkdir", path, -1, MAY_FAIL, real(path, mode));
}

int rmdir(const char *path) {
  REAL(int, rmdir, const char *);
  FAIL_OR("rmdir", path, -1, MAY_FAIL, real(path));
}

int flock(int descriptor, int how) {
  REAL(int, flock, int, int);
  const char *operation = how & LOCK_UN ? "unlock" : how & LOCK_NB ? "try" : "lock";
  FAIL_OR(operation, NULL, descriptor, how & (LOCK_NB | LOCK_UN) ? MAY_LACK : MAY_FAIL | MAY_BE_INTERRUPTED | MAY_LACK,
          real(descriptor, how));
}

/* Locks alone; what else it does changes no file. "lock_range" of the process, "lock_file" of an open description. */
#define CONTROLS(name)                                                                                              \
  int name(int descriptor, int command, ...) {                                                                      \
    REAL(int, name, int, int, ...);                                                                                 \
    va_list arguments;                                                                                              \
    va_start(arguments, command);                                                                                   \
    void *argument = va_arg(arguments, void *);                                                                     \
    va_end(arguments);                                                                                              \
    const bool of_file = command == F_OFD_SETLK || command == F_OFD_SETLKW;                                         \
    if (!of_file && command != F_SETLK && command != F_SETLKW) return real(descriptor, command, argument);          \
    FAIL_OR(of_file ? "lock_file" : "lock_range", NULL, descriptor, MAY_LACK, real(descriptor, command, argument)); \
  }
CONTROLS(fcntl)
CONTROLS(fcntl64)

/* --- memory -------------------------------------------------------------------------------------------------- */

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static void *fail(void) { return errno = ENOMEM, NULL; }

void *malloc(size_t bytes) { return fault_of_memory(__builtin_return_address(0)) ? fail() : __libc_malloc(bytes); }

void *calloc(size_t count, size_t bytes) {
  return fault_of_memory(__builtin_return_address(0)) ? fail() : __libc_calloc(count, bytes);
}

void *realloc(void *block, size_t bytes) {
  return fault_of_memory(__builtin_return_address(0)) ? fail() : __libc_realloc(block, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
  return fault_of_memory(__builtin_return_address(0)) ? fail() : __libc_memalign(alignment, bytes);
}
