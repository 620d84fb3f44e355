#include "sweeps/run/jobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "framework/base/file_lock.h"
#include "vj/memory.h"

enum {
  PATH_BYTES = 4096,
  HOST_BYTES = VJ_JOB_NAME_BYTES - 64,
  SILENT_SECONDS = 300,
  TRIES = 100,
  SENTENCE_BYTES = 2048
};

struct vj_job {
  char folder[PATH_BYTES];
  char host[HOST_BYTES], name[VJ_JOB_NAME_BYTES], other[VJ_JOB_NAME_BYTES];
  int descriptor; /* of its own file, locked; -1: it has not joined */
  int lock;       /* of jobs/lock; -1: not held */
};

static const char lock_name[] = "lock";

static bool path_of(const vj_job *job, const char *name, char *path) {
  return snprintf(path, PATH_BYTES, "%s/jobs/%s", job->folder, name) < PATH_BYTES;
}

static vj_status system_fail(const char *path, int cause) {
  return vj_fail(VJ_IO, "%s: can't be made or locked: %s", path, strerror(cause));
}

static bool has_name(int descriptor, const char *path) {
  struct stat there, here;
  return stat(path, &there) == 0 && fstat(descriptor, &here) == 0 && there.st_dev == here.st_dev &&
         there.st_ino == here.st_ino;
}

/* Opens, making it and its folder, and locks: a file that still has its name when the lock is there. */
static vj_status open_locked(const vj_job *job, const char *name, int *descriptor) {
  char path[PATH_BYTES], folder[PATH_BYTES];
  *descriptor = -1;
  if (!path_of(job, name, path) || !path_of(job, "", folder)) return system_fail(job->folder, ENAMETOOLONG);
  for (int i = 0; i < TRIES; i++) {
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) return system_fail(folder, errno);
    const int fresh = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fresh < 0 && errno == ENOENT) continue; /* the last job has just gone, and the folder with it */
    if (fresh < 0) return system_fail(path, errno);
    const int cause = vj_file_lock(fresh, LOCK_EX);
    if (cause == 0 && has_name(fresh, path)) return *descriptor = fresh, VJ_OK;
    close(fresh);
    if (cause != 0) return system_fail(path, cause);
  }
  return system_fail(path, EBUSY);
}

static void find_host(char host[HOST_BYTES]) {
  memset(host, 0, HOST_BYTES);
  if (gethostname(host, HOST_BYTES - 1) != 0 || !host[0]) snprintf(host, HOST_BYTES, "unknown");
}

/* Process numbers come again, in containers even at once; the time does not. */
void vj_job_sign(char name[VJ_JOB_NAME_BYTES]) {
  char host[HOST_BYTES];
  struct timespec now;
  find_host(host);
  clock_gettime(CLOCK_REALTIME, &now);
  snprintf(name, VJ_JOB_NAME_BYTES, "%s:%ld:%llx", host, (long)getpid(),
           (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000);
}

vj_status vj_job_prepare(const char *folder, vj_job **job) {
  vj_job *fresh = NULL;
  VJ_TRY(vj_allocate(1, sizeof *fresh, "a job", &fresh));
  fresh->descriptor = fresh->lock = -1;
  snprintf(fresh->folder, sizeof fresh->folder, "%s", folder);
  find_host(fresh->host);
  vj_job_sign(fresh->name);
  *job = fresh;
  return VJ_OK;
}

vj_status vj_job_join(vj_job *job) { return open_locked(job, job->name, &job->descriptor); }

vj_status vj_job_begin(const char *folder, vj_job **job) {
  VJ_TRY(vj_job_prepare(folder, job));
  const vj_status status = vj_job_join(*job);
  if (status != VJ_OK) free(*job);
  if (status != VJ_OK) *job = NULL;
  return status;
}

const char *vj_job_name(const vj_job *job) { return job->name; }

void vj_job_pulse(const vj_job *job) { (void)futimens(job->descriptor, NULL); }

/* --- others ---------------------------------------------------------------------------------------------------- */

static bool is_of_host(const char *name, const char *host) {
  const size_t length = strlen(host);
  return strncmp(name, host, length) == 0 && name[length] == ':';
}

/* Seconds since the last sign of life, by the clock that gives files their times. */
static double silence(const vj_job *job, int descriptor) {
  struct stat own, other;
  const int mine = job->descriptor >= 0 ? job->descriptor : job->lock;
  (void)futimens(mine, NULL);
  if (fstat(mine, &own) != 0 || fstat(descriptor, &other) != 0) return 0;
  return difftime(own.st_mtim.tv_sec, other.st_mtim.tv_sec);
}

/* *held: the dead one's file, if it is still there, open and locked, so that no one can begin with it. */
static bool is_dead(const vj_job *job, const char *name, int *held) {
  char path[PATH_BYTES];
  *held = -1;
  if (strcmp(name, job->name) == 0) return false;
  if (!path_of(job, name, path)) return true;
  const int descriptor = open(path, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return errno == ENOENT; /* who can't be asked is left alone */
  bool lives = vj_file_lock(descriptor, LOCK_EX | LOCK_NB) != 0;
  const bool lock_tells = vj_file_lock_way() != VJ_LOCK_NONE && is_of_host(name, job->host);
  if (!lives && !lock_tells) lives = silence(job, descriptor) < SILENT_SECONDS;
  if (lives)
    close(descriptor);
  else
    *held = descriptor;
  return !lives;
}

bool vj_job_lives(void *job, const char *name) {
  int held;
  const bool dead = is_dead(job, name, &held);
  if (held >= 0) close(held);
  return !dead;
}

const char *vj_job_other(vj_job *job) {
  char path[PATH_BYTES];
  const char *found = NULL;
  if (!path_of(job, "", path)) return NULL;
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && !found && (entry = readdir(folder));) {
    if (entry->d_name[0] == '.' || strcmp(entry->d_name, lock_name) == 0) continue;
    if (strcmp(entry->d_name, job->name) == 0 || !vj_job_lives(job, entry->d_name)) continue;
    snprintf(job->other, sizeof job->other, "%s", entry->d_name);
    found = job->other;
  }
  if (folder) closedir(folder);
  return found;
}

/* A lock that is shared needs no file that can be written. */
static bool holds_its_file(int descriptor, bool is_of_this_host) {
  struct stat about;
  if (vj_file_lock(descriptor, LOCK_SH | LOCK_NB) != 0) return true;
  if (is_of_this_host || fstat(descriptor, &about) != 0) return false;
  return difftime(time(NULL), about.st_mtim.tv_sec) < SILENT_SECONDS;
}

bool vj_job_is_at_work(const char *folder, char name[VJ_JOB_NAME_BYTES]) {
  char path[PATH_BYTES], host[HOST_BYTES];
  bool found = false;
  find_host(host);
  if (snprintf(path, sizeof path, "%s/jobs", folder) >= PATH_BYTES) return false;
  DIR *jobs = opendir(path);
  for (struct dirent *entry; jobs && !found && (entry = readdir(jobs));) {
    if (entry->d_name[0] == '.' || strcmp(entry->d_name, lock_name) == 0) continue;
    const int descriptor = openat(dirfd(jobs), entry->d_name, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) continue;
    found = holds_its_file(descriptor, is_of_host(entry->d_name, host));
    if (found) snprintf(name, VJ_JOB_NAME_BYTES, "%s", entry->d_name);
    close(descriptor);
  }
  if (jobs) closedir(jobs);
  return found;
}

void vj_job_bury(const vj_job *job) {
  char path[PATH_BYTES];
  int held;
  if (!path_of(job, "", path)) return;
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    if (entry->d_name[0] == '.' || strcmp(entry->d_name, lock_name) == 0) continue;
    if (!is_dead(job, entry->d_name, &held) || held < 0) continue;
    if (path_of(job, entry->d_name, path)) unlink(path);
    close(held);
  }
  if (folder) closedir(folder);
}

vj_status vj_job_lock(vj_job *job) { return open_locked(job, lock_name, &job->lock); }

void vj_job_unlock(vj_job *job) {
  if (job->lock >= 0) close(job->lock);
  job->lock = -1;
}

/* Whoever waits for the lock meanwhile finds its name gone, and makes another. NFS and FUSE keep a file that is open
 * under another name, and its folder with it, until it is closed. */
static void remove_folder(vj_job *job) {
  char path[PATH_BYTES];
  if (vj_job_lock(job) != VJ_OK) return;
  if (path_of(job, lock_name, path)) unlink(path);
  const bool is_gone = path_of(job, "", path) && rmdir(path) == 0;
  vj_job_unlock(job);
  if (!is_gone) rmdir(path);
}

void vj_job_end(vj_job **job) {
  vj_job *old = *job;
  char path[PATH_BYTES], sentence[SENTENCE_BYTES];
  *job = NULL;
  if (!old) return;
  if (old->descriptor >= 0 && path_of(old, old->name, path)) unlink(path);
  if (old->descriptor >= 0) close(old->descriptor);
  vj_job_unlock(old);
  /* What is left behind does no harm; the sentence of a run that failed must not be lost over it. */
  const vj_status status = vj_error_status();
  snprintf(sentence, sizeof sentence, "%s", vj_error_message());
  remove_folder(old);
  vj_error_adopt(status, sentence);
  free(old);
}
