/* What the tests of the sweep file, one process, share: a folder for files, samples in it, and what a child or the
 * library says. */
#ifndef VJ_TESTS_STORE_SWEEP_FILE_TESTING_H
#define VJ_TESTS_STORE_SWEEP_FILE_TESTING_H

#include <fcntl.h>
#include <hdf5.h>
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/store/start.h"
#include "tests/store/sample_sweep.h"
#include "tests/support/testing.h"

enum { PATH_BYTES = 512 };

static char folder[64];
static vj_comm self;

static inline const char *in_folder(const char *name, char *path) {
  snprintf(path, PATH_BYTES, "%s/%s", folder, name);
  return path;
}

static inline vj_status create_sample(const char *path) {
  return vj_sweep_file_create(path, &sample_layout, NULL, NULL);
}

static inline void fresh_sample(const char *name, char *path) {
  unlink(in_folder(name, path));
  assert_ok(create_sample(path));
}

static inline unsigned char *read_whole(const char *path, size_t *bytes) {
  FILE *stream = fopen(path, "rb");
  assert_non_null(stream);
  fseek(stream, 0, SEEK_END);
  *bytes = (size_t)ftell(stream);
  rewind(stream);
  unsigned char *all = malloc(*bytes + 1);
  assert_non_null(all);
  assert_int_equal(fread(all, 1, *bytes, stream), *bytes);
  fclose(stream);
  return all;
}

/* Compares the last sentence with what stands in `folder`. */
static inline void assert_sentence(const char *path, const char *rest) {
  char expected[2048];
  snprintf(expected, sizeof expected, "%s%s", path, rest);
  assert_string_equal(vj_error_message(), expected);
}

/* Standard error goes into a file from here to uncatch_errors(), which says how many bytes came. No assertion may
 * stand between: its message would be caught, too. */
static int kept_errors = -1, caught_errors = -1;

static inline void catch_errors(void) {
  char path[PATH_BYTES];
  fflush(stderr);
  kept_errors = dup(STDERR_FILENO);
  caught_errors = open(in_folder("errors", path), O_RDWR | O_CREAT | O_TRUNC, 0666);
  dup2(caught_errors, STDERR_FILENO);
}

static inline int64_t uncatch_errors(void) {
  struct stat about = {.st_size = -1};
  dup2(kept_errors, STDERR_FILENO);
  fstat(caught_errors, &about);
  close(kept_errors);
  close(caught_errors);
  return (int64_t)about.st_size;
}

/* How many entries of the folder begin with `name`: temporaries that were left behind among them. */
static inline int entries_like(const char *where, const char *name) {
  char command[PATH_BYTES + 128];
  snprintf(command, sizeof command, "ls -A %s | grep -c '^%s' > %s/.count", where, name, folder);
  if (system(command) == -1) fail();
  int count = -1;
  char path[PATH_BYTES];
  FILE *stream = fopen(in_folder(".count", path), "r");
  assert_non_null(stream);
  assert_int_equal(fscanf(stream, "%d", &count), 1);
  fclose(stream);
  return count;
}

/* Runs `create` in a child that may have fewer rights; its sentence comes back. Returns how the child ended: 0 well. */
static inline int sentence_of_child(void (*prepare)(void), vj_status (*create)(const char *path), const char *path,
                                    char *sentence, size_t bytes) {
  int ends[2] = {-1, -1}, result = -1;
  sentence[0] = '\0';
  if (pipe(ends) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGSEGV, SIG_DFL); /* cmocka's handler would go on with the next test, here */
    prepare();
    const vj_status status = create(path);
    const char *text = status == VJ_OK ? "success" : vj_error_message();
    const bool told = write(ends[1], text, strlen(text)) == (ssize_t)strlen(text);
    H5close(); /* HDF5 must come to its end, too */
    _exit(told ? 0 : 1);
  }
  close(ends[1]);
  ssize_t got = 0;
  size_t used = 0;
  while ((got = read(ends[0], sentence + used, bytes - 1 - used)) > 0) used += (size_t)got;
  sentence[used] = '\0';
  close(ends[0]);
  return child > 0 && waitpid(child, &result, 0) == child ? result : -1;
}

static inline int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/vjvcr-sweep-XXXXXX");
  return mkdtemp(folder) && chmod(folder, 0755) == 0 ? 0 : -1;
}

static inline int remove_folder(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

/* Runs `run` with MPI and the communicator of this process alone. */
static inline int with_mpi(int argc, char **argv, int (*run)(int argc, char **argv)) {
  vj_store_start();
  if (MPI_Init(&argc, &argv) != MPI_SUCCESS || vj_comm_create(MPI_COMM_SELF, &self) != VJ_OK) return 1;
  const int result = run(argc, argv);
  vj_comm_destroy(&self);
  MPI_Finalize();
  return result;
}

#endif
