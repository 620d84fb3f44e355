#include "analysis/export/export.h"

#include <string.h>
#include <sys/stat.h>

static bool names_folder(const char *prefix) {
  const size_t length = strlen(prefix);
  return length && prefix[length - 1] == '/';
}

const char *vj_export_path(vj_pool *pool, const vj_export_request *r, const char *folder, const char *name) {
  if (!r->output) return vj_pool_format(pool, "%s/%s%s.%s", r->folder, folder, name, r->format);
  return vj_pool_format(pool, "%s%s%s.%s", r->output, names_folder(r->output) ? "" : "-", name, r->format);
}

vj_status vj_export_wrote(vj_export_outcome *o, const char *path) {
  const char *copy = vj_pool_text(o->pool, path);
  if (!copy || !vj_pool_grow(o->pool, &o->paths, o->files, sizeof *o->paths))
    return vj_fail(VJ_MEMORY, "%s is written; no memory to go on", path);
  o->paths[o->files++] = copy;
  return VJ_OK;
}

void vj_export_make_folder(vj_pool *pool, const vj_export_request *r, const char *folder) {
  const char *path = r->output ? r->output : folder[0] ? vj_pool_format(pool, "%s/%s", r->folder, folder) : NULL;
  if (path && names_folder(path)) (void)mkdir(path, 0777);
}
