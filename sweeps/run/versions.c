#include "sweeps/run/versions.h"

#include <string.h>

static const char *attribute_of(vj_pool *pool, const vj_version *version) {
  return vj_pool_format(pool, VJ_ATTRIBUTE_VERSION "%s", version->key);
}

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for versions of libraries"); }

vj_status vj_versions_record(vj_pool *pool, const vj_versions *versions, vj_file_layout *layout) {
  const int64_t before = layout->attribute_count;
  vj_file_attribute *all = vj_pool_take(pool, (size_t)(before + versions->count) * sizeof *all);
  if (!all) return no_memory();
  memcpy(all, layout->attributes, (size_t)before * sizeof *all);
  for (int64_t i = 0; i < versions->count; i++) {
    all[before + i] = (vj_file_attribute){attribute_of(pool, &versions->at[i]), versions->at[i].text};
    if (!all[before + i].name || !all[before + i].text) return no_memory();
  }
  layout->attributes = all;
  layout->attribute_count = before + versions->count;
  return VJ_OK;
}

vj_status vj_versions_keep(vj_pool *pool, const vj_sweep_file *before, vj_file_layout *layout) {
  vj_file_attribute *kept = vj_pool_take(pool, (size_t)layout->attribute_count * sizeof *kept);
  int64_t count = 0;
  if (!kept) return no_memory();
  for (int64_t i = 0; i < layout->attribute_count; i++) {
    vj_file_attribute attribute = layout->attributes[i];
    const bool is_version = vj_record_after(attribute.name, VJ_ATTRIBUTE_VERSION) != NULL;
    if (is_version) attribute.text = vj_sweep_file_attribute(before, attribute.name);
    if (attribute.text) kept[count++] = attribute;
  }
  layout->attributes = kept;
  layout->attribute_count = count;
  return VJ_OK;
}

const char *vj_versions_text(vj_pool *pool, const vj_sweep_file *file) {
  const vj_file_attribute *attribute;
  const char *text = "";
  for (int i = 0; text && (attribute = vj_sweep_file_attribute_at(file, i)); i++) {
    const char *key = vj_record_after(attribute->name, VJ_ATTRIBUTE_VERSION);
    if (key) text = vj_pool_format(pool, "%s%s%s %s", text, text[0] ? "; " : "", key, attribute->text);
  }
  return text;
}

/* --- several files ----------------------------------------------------------------------------------------------- */

/* The i-th attribute of the k-th file, if it is a version that no file before says something of. */
static const char *key_at(const vj_sweep_file *const *files, int64_t k, int i) {
  const char *name = vj_sweep_file_attribute_at(files[k], i)->name;
  for (int64_t before = 0; before < k; before++)
    if (vj_sweep_file_attribute(files[before], name)) return NULL;
  return vj_record_after(name, VJ_ATTRIBUTE_VERSION) ? name : NULL;
}

/* Whether the k-th file says what no file before does. */
static bool is_new_text(const vj_sweep_file *const *files, int64_t k, const char *name) {
  const char *text = vj_sweep_file_attribute(files[k], name);
  for (int64_t before = 0; text && before < k; before++) {
    const char *other = vj_sweep_file_attribute(files[before], name);
    if (other && strcmp(other, text) == 0) return false;
  }
  return text != NULL;
}

/* All texts of one version; with `names` in which file each stands first. *count: how many they are. */
static const char *texts_of(vj_pool *pool, const vj_sweep_file *const *files, const char *const *names,
                            int64_t file_count, const char *name, int64_t *count) {
  const char *text = "";
  *count = 0;
  for (int64_t k = 0; k < file_count && text; k++) {
    if (!is_new_text(files, k, name)) continue;
    const char *between = !(*count)++ ? "" : names ? ", " : " or ";
    text = vj_pool_format(pool, "%s%s%s%s%s", text, between, vj_sweep_file_attribute(files[k], name),
                          names ? " in " : "", names ? names[k] : "");
  }
  return text;
}

vj_status vj_versions_unite(vj_pool *pool, const vj_sweep_file *const *files, int64_t count, vj_file_layout *layout) {
  vj_file_attribute *all = NULL;
  int64_t used = 0, texts;
  for (; used < layout->attribute_count; used++) {
    if (!vj_pool_grow(pool, &all, used, sizeof *all)) return no_memory();
    all[used] = layout->attributes[used];
  }
  for (int64_t k = 0; k < count; k++)
    for (int i = 0; vj_sweep_file_attribute_at(files[k], i); i++) {
      const char *name = key_at(files, k, i);
      if (!name) continue;
      if (!vj_pool_grow(pool, &all, used, sizeof *all)) return no_memory();
      all[used] = (vj_file_attribute){name, texts_of(pool, files, NULL, count, name, &texts)};
      if (!all[used++].text) return no_memory();
    }
  layout->attributes = all;
  layout->attribute_count = used;
  return VJ_OK;
}

const char *vj_versions_differences(vj_pool *pool, const vj_sweep_file *const *files, const char *const *names,
                                    int64_t count) {
  const char *all = "";
  int64_t texts;
  for (int64_t k = 0; k < count; k++)
    for (int i = 0; all && vj_sweep_file_attribute_at(files[k], i); i++) {
      const char *name = key_at(files, k, i);
      const char *text = name ? texts_of(pool, files, names, count, name, &texts) : "";
      if (!text) return NULL;
      if (name && texts > 1)
        all = vj_pool_format(pool, "%s%s%s %s", all, all[0] ? "; " : "", vj_record_after(name, VJ_ATTRIBUTE_VERSION),
                             text);
    }
  return all;
}

/* --- and this program -------------------------------------------------------------------------------------------- */

/* What the file says of one; NULL: nothing. */
static const char *recorded(vj_pool *pool, const vj_sweep_file *file, const vj_version *version) {
  const char *name = attribute_of(pool, version);
  return name ? vj_sweep_file_attribute(file, name) : NULL;
}

const char *vj_versions_changes(vj_pool *pool, const vj_sweep_file *file, const vj_versions *versions) {
  const char *text = "";
  for (int64_t i = 0; i < versions->count && text; i++) {
    const vj_version *version = &versions->at[i];
    const char *before = recorded(pool, file, version);
    if (before && strcmp(before, version->text) != 0)
      text = vj_pool_format(pool, "%s%s%s was %s and is %s here", text, text[0] ? "; " : "", version->name, before,
                            version->text);
  }
  return text;
}
