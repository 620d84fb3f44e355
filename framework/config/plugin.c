#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "framework/base/float_environment.h"
#include "framework/config/config.h"
#include "framework/config/nodes.h"

enum { MOST_PLUGINS = 64 };

/* Handles stay open: the tables point into the shared objects. */
static const void *loaded[MOST_PLUGINS];
static int loaded_count;

static bool is_loaded(const void *handle) {
  for (int i = 0; i < loaded_count; i++)
    if (loaded[i] == handle) return true;
  return false;
}

static vj_status register_table(const char *path, const vj_plugin_table *plugin) {
  if (!plugin)
    return vj_fail(VJ_PLUGIN, "plug-in %s: no symbol \"vj_plugin\"; end its source with VJ_PLUGIN(&my_component);",
                   path);
  if (plugin->abi != VJ_ABI)
    return vj_fail(VJ_PLUGIN, "plug-in %s: built for ABI %d, this program has ABI %d; build it again", path,
                   plugin->abi, VJ_ABI);
  for (int i = 0; i < plugin->count; i++) {
    const vj_status status = vj_component_register(plugin->components[i]);
    if (status == VJ_OK) continue;
    vj_error_prefix("plug-in %s: ", path);
    return status;
  }
  return VJ_OK;
}

static vj_status load(vj_pool *pool, const char *path) {
  if (access(path, R_OK) != 0) return vj_fail(VJ_PLUGIN, "plug-in %s: cannot be read: %s", path, strerror(errno));
  if (loaded_count == MOST_PLUGINS) return vj_fail(VJ_PLUGIN, "plug-in %s: more than %d plug-ins", path, MOST_PLUGINS);
  /* A name without a slash would be searched for among the system's libraries. */
  const char *file = strchr(path, '/') ? path : vj_pool_format(pool, "./%s", path);
  if (!file) return vj_fail(VJ_MEMORY, "plug-in %s: no memory for its name", path);
  void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  vj_float_environment();
  if (!handle) return vj_fail(VJ_PLUGIN, "plug-in %s: cannot be loaded: %s", path, dlerror());
  if (is_loaded(handle)) {
    dlclose(handle);
    return VJ_OK;
  }
  loaded[loaded_count] = handle;
  VJ_TRY(register_table(path, dlsym(handle, "vj_plugin")));
  loaded_count++;
  return VJ_OK;
}

vj_status vj_plugin_load(const char *path) {
  vj_pool *pool = NULL;
  VJ_TRY(vj_pool_create(&pool));
  const vj_status status = load(pool, path);
  vj_pool_destroy(&pool);
  return status;
}

vj_status vj_config_load_plugins(vj_pool *pool, const vj_yaml *root) {
  static const vj_param row = {.name = "plugins", .type = VJ_PARAM_TEXT_LIST, .choices = NULL, .unit = "", .doc = ""};
  const vj_yaml *node = vj_yaml_get(root, "plugins");
  vj_text_list paths = {0};
  if (vj_yaml_is_null(node)) return VJ_OK;
  VJ_TRY(vj_value_read(pool, &row, node, "plugins", &paths));
  for (int64_t i = 0; i < paths.count; i++) {
    const vj_status status = vj_plugin_load(paths.at[i]);
    if (status == VJ_OK) continue;
    vj_node_prefix(node->kind == VJ_YAML_LIST ? node->items[i] : node, "plugins");
    return status;
  }
  return VJ_OK;
}
