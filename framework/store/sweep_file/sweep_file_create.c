/* A sweep file comes into the world: checked, with space on the disk, complete, and under its name at once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/atomic_file.h"
#include "framework/base/disk.h"
#include "framework/base/file_lock.h"
#include "framework/store/sweep_file/sweep_file_private.h"

enum { TEXT_BYTES_MAX = 1 << 24, ATTRIBUTE_BYTES_MAX = 65000 };
static const double BYTES_MAX = 1e15; /* beyond any disk, and far from overflow */

/* --- the layout ---------------------------------------------------------------------------------------------- */

static vj_status check_name(const char *path, const char *kind, const char *name) {
  if (!name || !name[0] || strpbrk(name, " /") || name[0] == '.')
    return vj_fail(VJ_INTERNAL, "%s: %s \"%s\": a name may not be empty, begin with a dot or hold blanks or slashes",
                   path, kind, name ? name : "");
  return VJ_OK;
}

static vj_status check_variable(const char *path, const vj_file_layout *layout, const vj_file_variable *variable) {
  VJ_TRY(check_name(path, "variable", variable->name));
  /* The characters of texts take one dimension. */
  const int most = variable->type == VJ_FILE_TEXT ? VJ_FILE_MAX_DIMENSIONS - 1 : VJ_FILE_MAX_DIMENSIONS;
  if (variable->rank < 0 || variable->rank > most)
    return vj_fail(VJ_SHAPE, "%s: variable %s has %d dimensions; 0 to %d are possible", path, variable->name,
                   variable->rank, most);
  double bytes = variable->type == VJ_FILE_TEXT ? (double)variable->text_bytes : sizeof(double);
  for (int i = 0; i < variable->rank; i++) {
    if (variable->dimension[i] < 0 || variable->dimension[i] >= layout->dimension_count)
      return vj_fail(VJ_INTERNAL, "%s: variable %s: there is no dimension number %d", path, variable->name,
                     variable->dimension[i]);
    bytes *= (double)layout->dimensions[variable->dimension[i]].size;
  }
  if (bytes > BYTES_MAX) return vj_fail(VJ_SHAPE, "%s: variable %s would take %.3g bytes", path, variable->name, bytes);
  if (variable->type == VJ_FILE_TEXT && (variable->text_bytes < 2 || variable->text_bytes > TEXT_BYTES_MAX))
    return vj_fail(VJ_SHAPE, "%s: variable %s: room for %" PRId64 " bytes of text; 2 to %d are possible", path,
                   variable->name, variable->text_bytes, TEXT_BYTES_MAX);
  if (variable->flags && variable->type != VJ_FILE_INT64)
    return vj_fail(VJ_INTERNAL, "%s: variable %s: only integers have flags", path, variable->name);
  return VJ_OK;
}

/* Names of dimensions and variables share one space. */
static const char *name_at(const vj_file_layout *layout, int64_t i) {
  return i < layout->dimension_count ? layout->dimensions[i].name : layout->variables[i - layout->dimension_count].name;
}

vj_status vj_sweep_file_check_layout(const char *path, const vj_file_layout *layout) {
  for (int64_t d = 0; d < layout->dimension_count; d++) {
    VJ_TRY(check_name(path, "dimension", layout->dimensions[d].name));
    if (layout->dimensions[d].size < 1)
      return vj_fail(VJ_SHAPE, "%s: dimension %s has size %" PRId64 "; it must be 1 or more", path,
                     layout->dimensions[d].name, layout->dimensions[d].size);
  }
  for (int64_t v = 0; v < layout->variable_count; v++) VJ_TRY(check_variable(path, layout, &layout->variables[v]));
  const int64_t names = layout->dimension_count + layout->variable_count;
  for (int64_t i = 0; i < names; i++) {
    for (int64_t j = 0; j < i; j++) {
      if (strcmp(name_at(layout, i), name_at(layout, j)) == 0)
        return vj_fail(VJ_INTERNAL, "%s: two dimensions or variables are named %s", path, name_at(layout, i));
    }
  }
  for (int64_t a = 0; a < layout->attribute_count; a++) {
    const char *text = layout->attributes[a].text;
    if (text && strlen(text) > ATTRIBUTE_BYTES_MAX)
      return vj_fail(VJ_SHAPE, "%s: attribute %s is %zu bytes long; an attribute holds %d, a text variable more", path,
                     layout->attributes[a].name, strlen(text), ATTRIBUTE_BYTES_MAX);
  }
  return VJ_OK;
}

/* --- space on the disk --------------------------------------------------------------------------------------- */

int64_t vj_sweep_file_value_bytes(vj_file_type type, int64_t text_bytes) {
  switch (type) {
    case VJ_FILE_TEXT:
      return text_bytes;
    case VJ_FILE_UINT8:
      return 1;
    case VJ_FILE_FLOAT:
      return 4;
    case VJ_FILE_DOUBLE:
    case VJ_FILE_INT64:
      break;
  }
  return 8;
}

int64_t vj_sweep_file_estimate(const vj_file_layout *layout) {
  enum { FILE_OVERHEAD = 16384, OBJECT_OVERHEAD = 1536 };
  int64_t structure = FILE_OVERHEAD + (layout->dimension_count + layout->variable_count) * OBJECT_OVERHEAD, values = 0;
  for (int64_t d = 0; d < layout->dimension_count; d++)
    structure += layout->dimensions[d].size * (int64_t)sizeof(int64_t);
  for (int64_t a = 0; a < layout->attribute_count; a++)
    structure += layout->attributes[a].text ? (int64_t)strlen(layout->attributes[a].text) : 0;
  for (int64_t v = 0; v < layout->variable_count; v++) {
    const vj_file_variable *variable = &layout->variables[v];
    int64_t count = vj_sweep_file_value_bytes(variable->type, variable->text_bytes);
    for (int i = 0; i < variable->rank; i++) count *= layout->dimensions[variable->dimension[i]].size;
    *(variable->is_fixed ? &structure : &values) += count;
    structure += variable->type == VJ_FILE_TEXT ? variable->text_bytes : 0; /* its last dimension */
  }
  return structure + structure / 4 + values; /* with its seal, which is compressed */
}

vj_status vj_sweep_file_system_fail(const char *path, const vj_file_layout *layout, const char *what, int cause) {
  const int64_t needed = vj_sweep_file_estimate(layout);
  if (cause == EFBIG)
    return vj_fail(VJ_IO, "%s: %s: it needs %" PRId64 " bytes, more than a file may have here (see ulimit -f)", path,
                   what, needed);
  const double free_bytes = cause == ENOSPC ? vj_disk_free(path) : -1;
  if (cause != ENOSPC && cause != EDQUOT) return vj_fail(VJ_IO, "%s: %s: %s", path, what, strerror(cause));
  if (free_bytes < 0)
    return vj_fail(VJ_IO, "%s: %s: %s: it needs %" PRId64 " bytes; make room or choose another folder", path, what,
                   vj_disk_reason(cause), needed);
  return vj_fail(VJ_IO, "%s: %s: %s: it needs %" PRId64 " bytes and %.0f are free; make room or choose another folder",
                 path, what, vj_disk_reason(cause), needed, free_bytes);
}

/* Reserves the bytes once and gives them back: a full disk so shows before HDF5, which can't even close a file there,
 * is begun with. */
static vj_status check_space(const char *path, int descriptor, const vj_file_layout *layout) {
  int cause = EINTR;
  while (cause == EINTR) cause = posix_fallocate(descriptor, 0, (off_t)vj_sweep_file_estimate(layout));
  const bool full = cause == ENOSPC || cause == EFBIG || cause == EDQUOT;
  /* They are given back first, so that the sentence tells what was free before. */
  if (ftruncate(descriptor, 0) != 0 && !full) cause = errno;
  return full ? vj_sweep_file_system_fail(path, layout, "can't be created", cause) : VJ_OK;
}

/* --- its temporary name -------------------------------------------------------------------------------------- */

static const char temporary_ending[] = ".new-"; /* and the number of the process */

/* A file without bytes, which is locked as long as its descriptor is open: whoever died left it unlocked. */
static int open_temporary(const char *temporary) {
  for (;;) {
    struct stat there, here;
    const int descriptor = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) return -1;
    (void)vj_file_lock(descriptor, LOCK_EX | LOCK_NB);
    if (fstat(descriptor, &here) == 0 && (stat(temporary, &there) != 0 || there.st_ino == here.st_ino))
      return descriptor;
    close(descriptor); /* someone tidied up at this very moment */
  }
}

void vj_sweep_file_tidy(const char *path) {
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  const size_t length = strlen(base), bytes = strlen(path) + NAME_MAX;
  char *copy = strdup(path), *name = malloc(bytes);
  const char *folder = copy ? dirname(copy) : NULL;
  DIR *entries = folder && name ? opendir(folder) : NULL;
  for (struct dirent *entry; entries && (entry = readdir(entries));) {
    if (strncmp(entry->d_name, base, length) != 0 ||
        strncmp(entry->d_name + length, temporary_ending, strlen(temporary_ending)) != 0)
      continue;
    snprintf(name, bytes, "%s/%s", folder, entry->d_name);
    const int descriptor = open(name, O_RDWR | O_CLOEXEC);
    if (descriptor >= 0 && vj_file_lock(descriptor, LOCK_EX | LOCK_NB) == 0) unlink(name);
    if (descriptor >= 0) close(descriptor);
  }
  if (entries) closedir(entries);
  free(copy);
  free(name);
}

/* --- under its name ------------------------------------------------------------------------------------------ */

static vj_status exists_fail(const char *path) {
  return vj_fail(VJ_IO, "%s: exists already, and is not overwritten; resume that sweep or choose another folder", path);
}

/* A link can't replace a file that someone else made meanwhile, a rename would; where there are no links, rename. */
static vj_status take_new_name(const char *path, const char *temporary, const vj_file_layout *layout, int descriptor) {
  int cause = vj_disk_sync(descriptor);
  if (cause == 0 && link(temporary, path) == 0) {
    unlink(temporary);
    cause = vj_disk_sync_folder(path);
  } else if (cause == 0) {
    if (errno == EEXIST || access(path, F_OK) == 0) return exists_fail(path);
    cause = vj_atomic_publish(temporary, path);
  }
  return cause ? vj_sweep_file_system_fail(path, layout, "can't be written", cause) : VJ_OK;
}

static vj_status take_place(const char *path, const char *temporary, const vj_file_layout *layout) {
  const int cause = vj_atomic_publish(temporary, path);
  return cause ? vj_sweep_file_system_fail(path, layout, "can't be replaced", cause) : VJ_OK;
}

/* --- whole ----------------------------------------------------------------------------------------------------- */

typedef struct making {
  const char *path, *temporary;
  const vj_file_layout *layout;
  vj_sweep_file_filler *fill; /* NULL: nothing is to be filled in */
  void *context;
  bool replaces;
} making;

static vj_status fill_in(const making *m) {
  vj_sweep_file *fresh = NULL;
  if (!m->fill) return VJ_OK;
  VJ_TRY(vj_sweep_file_open_fresh(m->temporary, &fresh));
  const vj_status status = m->fill(m->context, fresh);
  vj_sweep_file_close(&fresh);
  return status;
}

static vj_status put_seal(const making *m, int descriptor, const off_t *places) {
  vj_seal *seal = NULL;
  int cause = 0;
  vj_status status = vj_seal_make(m->path, descriptor, m->layout, places, &seal);
  if (status == VJ_OK) cause = vj_seal_write(seal, descriptor);
  if (cause) status = vj_sweep_file_system_fail(m->path, m->layout, "can't be written", cause);
  if (status == VJ_OK) status = vj_seal_put_sums(seal, m->path, descriptor);
  vj_seal_free(&seal);
  return status;
}

static vj_status make(const making *m, int descriptor) {
  off_t *places = NULL;
  VJ_TRY(check_space(m->path, descriptor, m->layout));
  VJ_TRY(vj_allocate((size_t)m->layout->variable_count + 1, sizeof *places, "places of variables", &places));
  vj_status status = vj_sweep_file_build(m->path, descriptor, m->layout, places);
  if (status == VJ_OK) status = fill_in(m);
  if (status == VJ_OK) status = put_seal(m, descriptor, places);
  free(places);
  VJ_TRY(status);
  return m->replaces ? take_place(m->path, m->temporary, m->layout)
                     : take_new_name(m->path, m->temporary, m->layout, descriptor);
}

static vj_status make_as(const making *m) {
  const int descriptor = open_temporary(m->temporary);
  if (descriptor < 0) return vj_sweep_file_system_fail(m->path, m->layout, "can't be created", errno);
  const vj_status status = make(m, descriptor);
  if (status != VJ_OK) {
    vj_error_frame(__FILE__, __LINE__, __func__);
    unlink(m->temporary);
  }
  close(descriptor);
  return status;
}

static vj_status make_beside(making m) {
  const size_t bytes = strlen(m.path) + 32;
  char *temporary = NULL;
  VJ_TRY(vj_allocate(bytes, 1, "the name of a temporary file", &temporary));
  snprintf(temporary, bytes, "%s%s%ld", m.path, temporary_ending, (long)getpid());
  m.temporary = temporary;
  const vj_status status = make_as(&m);
  free(temporary);
  return status;
}

vj_status vj_sweep_file_create(const char *path, const vj_file_layout *layout, vj_sweep_file_filler *fill,
                               void *context) {
  struct stat about;
  VJ_TRY(vj_sweep_file_check_layout(path, layout));
  if (lstat(path, &about) == 0) return exists_fail(path);
  return make_beside((making){.path = path, .layout = layout, .fill = fill, .context = context});
}

vj_status vj_sweep_file_replace(const char *path, const vj_file_layout *layout, vj_sweep_file_filler *fill,
                                void *context) {
  VJ_TRY(vj_sweep_file_check_layout(path, layout));
  vj_sweep_file_tidy(path);
  return make_beside((making){.path = path, .layout = layout, .fill = fill, .context = context, .replaces = true});
}
