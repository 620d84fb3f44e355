#include "sweeps/run/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/atomic_file.h"
#include "framework/base/disk.h"

const char *vj_folder_file(const vj_folder *folder, const char *name) {
  return vj_pool_format(folder->pool, "%s/%s", folder->path, name);
}

static bool exists(const char *path) {
  struct stat about;
  return lstat(path, &about) == 0;
}

vj_status vj_folder_look(vj_pool *pool, const char *path, vj_folder *folder) {
  *folder = (vj_folder){.pool = pool, .path = path};
  const char *sweep = vj_folder_file(folder, "sweep.h5"), *ledger = vj_folder_file(folder, "ledger");
  if (!path[0]) return vj_fail(VJ_USAGE, "the folder of the results has an empty name; give another with -o");
  if (!sweep || !ledger) return vj_fail(VJ_MEMORY, "no memory for a path");
  folder->holds_sweep = exists(sweep);
  if (!folder->holds_sweep && exists(ledger))
    return vj_fail(VJ_USAGE,
                   "%s holds the ledger of a sweep, but its sweep.h5 is gone; restore it, or choose another folder "
                   "with -o",
                   path);
  return VJ_OK;
}

/* --- making -------------------------------------------------------------------------------------------------- */

static vj_status make_folders(vj_folder *folder) {
  char *path = vj_pool_text(folder->pool, folder->path);
  bool made = false;
  if (!path) return vj_fail(VJ_MEMORY, "no memory for a path");
  for (char *slash = path + 1;; slash++) {
    const char kept = *slash;
    if (kept != '/' && kept != '\0') continue;
    *slash = '\0';
    const bool fresh = mkdir(path, 0777) == 0;
    if (!fresh && errno != EEXIST) return vj_fail(VJ_IO, "%s: the folder can't be made: %s", path, strerror(errno));
    made = made || fresh;
    folder->made_bytes = (size_t)(slash - path);
    if (!made) folder->known_bytes = folder->made_bytes;
    *slash = kept;
    if (kept == '\0') return VJ_OK;
  }
}

/* How much of a text a file holds: all, a beginning, as a kill leaves it, or something else. */
typedef enum { HOLDS_ALL, HOLDS_BEGINNING, HOLDS_OTHER } holding;

static holding compare(const char *path, const char *text) {
  FILE *file = fopen(path, "r");
  int c = 0;
  if (!file) return HOLDS_OTHER;
  while ((c = fgetc(file)) != EOF && *text && c == (unsigned char)*text) text++;
  const holding result = c != EOF || ferror(file) ? HOLDS_OTHER : *text ? HOLDS_BEGINNING : HOLDS_ALL;
  fclose(file);
  return result;
}

static vj_status write_yaml(vj_folder *folder, const char *yaml) {
  const char *path = vj_folder_file(folder, "sweep.yaml");
  if (!path || !yaml) return vj_fail(VJ_MEMORY, "no memory for sweep.yaml");
  int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0 && errno == EEXIST) {
    const holding there = compare(path, yaml);
    if (there == HOLDS_ALL) return VJ_OK;
    if (there == HOLDS_OTHER)
      return vj_fail(VJ_USAGE, "%s is there already and is not overwritten; choose another folder with -o", path);
    descriptor = open(path, O_WRONLY | O_CLOEXEC);
  }
  if (descriptor < 0) return vj_fail(VJ_IO, "%s: can't be written: %s", path, strerror(errno));
  folder->made_yaml = true;
  int cause = vj_disk_write(descriptor, yaml, strlen(yaml), 0);
  if (cause == 0) cause = vj_disk_sync(descriptor);
  if (close(descriptor) != 0 && cause == 0 && errno != EINTR) cause = errno;
  return cause ? vj_fail(VJ_IO, "%s: can't be written: %s", path, strerror(cause)) : VJ_OK;
}

vj_status vj_folder_make(vj_folder *folder, const char *yaml) {
  vj_status status = make_folders(folder);
  if (status == VJ_OK) status = write_yaml(folder, yaml);
  if (status != VJ_OK) {
    vj_error_frame(__FILE__, __LINE__, __func__);
    vj_folder_take_back(folder);
  }
  return status;
}

vj_status vj_folder_replace_yaml(const vj_folder *folder, const char *yaml) {
  const char *path = vj_folder_file(folder, "sweep.yaml"), *fresh = vj_folder_file(folder, "sweep.yaml.new");
  if (!path || !fresh || !yaml) return vj_fail(VJ_MEMORY, "no memory for sweep.yaml");
  if (compare(path, yaml) == HOLDS_ALL) return VJ_OK;
  const int cause = vj_atomic_write(path, fresh, &(struct iovec){(void *)yaml, strlen(yaml)}, 1);
  return cause ? vj_fail(VJ_IO, "%s: can't be replaced: %s", path, vj_disk_reason(cause)) : VJ_OK;
}

/* --- taking back --------------------------------------------------------------------------------------------- */

void vj_folder_take_back(const vj_folder *folder) {
  const char *yaml = vj_folder_file(folder, "sweep.yaml");
  char *path = vj_pool_text(folder->pool, folder->path);
  if (yaml && folder->made_yaml) unlink(yaml);
  /* From the innermost folder outwards, as long as they are ours and empty. */
  for (size_t length = path ? folder->made_bytes : 0; length > folder->known_bytes; length--) {
    if (path[length] != '/' && path[length] != '\0') continue;
    path[length] = '\0';
    if (rmdir(path) != 0 && errno != ENOENT) return;
  }
}

/* Takes the descriptor over. */
static void remove_contents(int descriptor) {
  DIR *folder = fdopendir(descriptor);
  if (!folder) {
    close(descriptor);
    return;
  }
  for (const struct dirent *entry; (entry = readdir(folder));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (unlinkat(descriptor, entry->d_name, 0) == 0) continue;
    const int inner = openat(descriptor, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner >= 0) remove_contents(inner);
    (void)unlinkat(descriptor, entry->d_name, AT_REMOVEDIR);
  }
  closedir(folder);
}

void vj_folder_remove(const char *path) {
  const int descriptor = path ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
  if (descriptor >= 0) remove_contents(descriptor);
  if (path) rmdir(path);
}
