/* Jobs on one folder: the living are told from the dead, on this machine and on others. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sweeps/run/jobs.h"
#include "tests/support/testing.h"

enum { PATH_BYTES = 512 };
static char folder[64];

static vj_job *begin(void) {
  vj_job *job = NULL;
  if (vj_job_begin(folder, &job) != VJ_OK) print_error("%s\n", vj_error_message());
  assert_non_null(job);
  return job;
}

/* A file of a job that no one holds, last renewed so many seconds ago. */
static void leave_file(const char *name, long seconds) {
  char path[PATH_BYTES];
  struct timespec now;
  snprintf(path, sizeof path, "%s/jobs/%s", folder, name);
  const int descriptor = open(path, O_WRONLY | O_CREAT, 0666);
  assert_true(descriptor >= 0);
  clock_gettime(CLOCK_REALTIME, &now);
  const struct timespec times[2] = {{now.tv_sec - seconds, 0}, {now.tv_sec - seconds, 0}};
  assert_int_equal(futimens(descriptor, times), 0);
  close(descriptor);
}

/* Whether `jobs/` holds a file of that name; NULL: whether there is `jobs/`. */
static bool is_there(const char *name) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/jobs/%s", folder, name ? name : "");
  return access(path, F_OK) == 0;
}

static pid_t start_other(char *name) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    vj_job *job = NULL;
    if (vj_job_begin(folder, &job) != VJ_OK || write(ends[1], vj_job_name(job), 128) != 128) _exit(1);
    for (;;) pause();
  }
  assert_int_equal(read(ends[0], name, 128), 128);
  close(ends[0]);
  close(ends[1]);
  return child;
}

static void a_process_lives_until_it_is_killed(void **state) {
  (void)state;
  char name[128];
  int result;
  vj_job *job = begin();
  const pid_t other = start_other(name);
  assert_true(vj_job_lives(job, vj_job_name(job)));
  assert_true(vj_job_lives(job, name));
  vj_job_bury(job);
  assert_true(is_there(name));
  assert_int_equal(kill(other, SIGSTOP), 0); /* slow is not dead */
  assert_true(vj_job_lives(job, name));
  assert_int_equal(kill(other, SIGKILL), 0);
  assert_int_equal(waitpid(other, &result, 0), other);
  assert_false(vj_job_lives(job, name));
  assert_true(is_there(name));
  vj_job_bury(job);
  assert_false(is_there(name));
  assert_true(is_there(vj_job_name(job)));
  assert_false(vj_job_lives(job, "localhost:1")); /* never seen */
  vj_job_end(&job);
  assert_null(job);
  assert_false(is_there(NULL));
}

static void elsewhere_time_tells(void **state) {
  (void)state;
  vj_job *job = begin();
  leave_file("elsewhere:12:34", 100);
  leave_file("elsewhere:56:78", 1000);
  assert_true(vj_job_lives(job, "elsewhere:12:34"));
  assert_false(vj_job_lives(job, "elsewhere:56:78"));
  vj_job_bury(job);
  assert_true(is_there("elsewhere:12:34"));
  assert_false(is_there("elsewhere:56:78"));
  /* Its own time is renewed. */
  struct stat about;
  char path[PATH_BYTES];
  leave_file(vj_job_name(job), 1000);
  vj_job_pulse(job);
  snprintf(path, sizeof path, "%s/jobs/%s", folder, vj_job_name(job));
  assert_int_equal(stat(path, &about), 0);
  assert_true(difftime(time(NULL), about.st_mtime) < 100);
  vj_job_end(&job);
  assert_true(is_there(NULL)); /* for the one elsewhere */
  leave_file("elsewhere:12:34", 1000);
  job = begin();
  vj_job_bury(job);
  vj_job_end(&job);
  assert_false(is_there(NULL));
}

/* Folders and locks that are removed while others come: no one fails, and no two hold the lock. */
static void many_come_and_go(void **state) {
  (void)state;
  enum { JOBS = 6, ROUNDS = 60 };
  pid_t children[JOBS];
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/alone", folder);
  for (int i = 0; i < JOBS; i++) {
    children[i] = fork();
    assert_true(children[i] >= 0);
    for (int k = 0; children[i] == 0 && k < ROUNDS; k++) {
      vj_job *job = NULL;
      if (vj_job_begin(folder, &job) != VJ_OK || vj_job_lock(job) != VJ_OK) _exit(1);
      const int alone = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
      if (alone < 0 || close(alone) != 0 || unlink(path) != 0) _exit(2);
      vj_job_bury(job);
      vj_job_unlock(job);
      if (!is_there(vj_job_name(job))) _exit(3);
      vj_job_end(&job);
    }
    if (children[i] == 0) _exit(0);
  }
  for (int i = 0; i < JOBS; i++) {
    int result;
    assert_int_equal(waitpid(children[i], &result, 0), children[i]);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
  }
  assert_false(is_there(NULL));
}

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/vjvcr-jobs-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_process_lives_until_it_is_killed),
      cmocka_unit_test(elsewhere_time_tells),
      cmocka_unit_test(many_come_and_go),
  };
  return cmocka_run_group_tests_name("jobs", tests, make_folder, remove_folder);
}
