/* Locks of files: the way that keeps others out is found where flock() fails, where it lies, and where nothing works.
 * This program stands before the C library's own calls. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "framework/base/file_lock.h"
#include "tests/support/testing.h"

typedef enum behaviour { HONEST, FAILS, LIES } behaviour;

static behaviour of_flock, of_fcntl;
static char path[] = "/tmp/vjvcr-lock-XXXXXX";

int flock(int descriptor, int how) {
  if (of_flock == FAILS) return errno = ENOLCK, -1;
  return of_flock == LIES ? 0 : (int)syscall(SYS_flock, descriptor, how);
}

int fcntl(int descriptor, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  const bool locks = command == F_OFD_SETLK || command == F_OFD_SETLKW;
  if (locks && of_fcntl == FAILS) return errno = ENOLCK, -1;
  return locks && of_fcntl == LIES ? 0 : (int)syscall(SYS_fcntl, descriptor, command, argument);
}
int fcntl64(int descriptor, int command, ...) __attribute__((alias("fcntl")));

static vj_lock_way way_with(behaviour flocks, behaviour fcntls) {
  of_flock = flocks;
  of_fcntl = fcntls;
  return vj_file_lock_probe(path);
}

static void the_way_that_works_is_found(void **state) {
  (void)state;
  assert_int_equal(way_with(HONEST, HONEST), VJ_LOCK_FLOCK);
  assert_int_equal(way_with(FAILS, HONEST), VJ_LOCK_FCNTL);
  assert_int_equal(way_with(LIES, HONEST), VJ_LOCK_FCNTL);
  assert_int_equal(way_with(FAILS, FAILS), VJ_LOCK_NONE);
  assert_int_equal(way_with(LIES, LIES), VJ_LOCK_NONE);
}

/* Either way: shared ones go together, an exclusive one goes with none, and who closes the file lets go. */
static void each_way_keeps_others_out(void **state) {
  (void)state;
  of_flock = of_fcntl = HONEST;
  for (int way = VJ_LOCK_FLOCK; way <= VJ_LOCK_FCNTL; way++) {
    const int one = open(path, O_RDWR), other = open(path, O_RDWR);
    vj_file_lock_use((vj_lock_way)way);
    assert_int_equal(vj_file_lock(one, LOCK_SH), 0);
    assert_int_equal(vj_file_lock(other, LOCK_SH), 0);
    assert_int_equal(vj_file_lock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    assert_int_equal(vj_file_lock(one, LOCK_UN), 0);
    assert_int_equal(vj_file_lock(other, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(vj_file_lock(one, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    close(other);
    assert_int_equal(vj_file_lock(one, LOCK_EX | LOCK_NB), 0);
    close(one);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_way_that_works_is_found),
                                     cmocka_unit_test(each_way_keeps_others_out)};
  const int file = mkstemp(path);
  if (file < 0) return 1;
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  close(file);
  unlink(path);
  return failed;
}
