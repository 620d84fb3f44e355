#include "app/experiment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/config/nodes.h"
#include "vj/rng.h"

static bool is_allowed(const char *option, const char *allowed) {
  const size_t length = strlen(option);
  for (const char *at = allowed; (at = strstr(at, option)); at += length)
    if ((at == allowed || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) return true;
  return false;
}

static vj_status read_count(const char *option, const char *value, int64_t *count) {
  char *end = NULL;
  const long long number = value ? strtoll(value, &end, 10) : 0;
  if (!value || end == value || *end || number < 1)
    return vj_fail(VJ_USAGE, "%s: expected a whole number >= 1, got \"%s\"", option, value ? value : "");
  *count = number;
  return VJ_OK;
}

/* "3h", "90m", "45s", or several of them, "1h30m"; "0". */
static vj_status read_duration(const char *option, const char *value, double *seconds) {
  static const struct {
    char letter;
    double seconds;
  } units[] = {{'h', 3600}, {'m', 60}, {'s', 1}};
  const char *at = value;
  *seconds = 0;
  while (*at >= '0' && *at <= '9') {
    char *end = NULL;
    const double number = strtod(at, &end);
    size_t unit = 0;
    while (unit < VJ_COUNT(units) && units[unit].letter != *end) unit++;
    if (unit == VJ_COUNT(units)) break;
    *seconds += number * units[unit].seconds;
    at = end + 1;
  }
  if (strcmp(value, "0") == 0 || (value[0] && !*at)) return VJ_OK;
  return vj_fail(VJ_USAGE, "%s: expected a duration such as 3h, 90m or 1h30m, got \"%s\"", option, value);
}

/* Overrides are applied when the file is known, which may come after them. */
typedef struct reader {
  vj_experiment *experiment;
  const char *allowed;
  const char *overrides[256];
  int override_count;
} reader;

static vj_status add_override(reader *r, const char *assignment) {
  if (r->override_count == 256) return vj_fail(VJ_USAGE, "more than 256 overrides; put them into the YAML file");
  r->overrides[r->override_count++] = assignment;
  return VJ_OK;
}

/* Takes one argument, or two with an option's value; *used says how many. */
static vj_status take(reader *r, const char *argument, const char *next, int *used) {
  vj_experiment *e = r->experiment;
  *used = 1;
  if (argument[0] != '-') {
    if (strchr(argument, '=')) return add_override(r, argument);
    if (e->file)
      return vj_fail(VJ_USAGE, "\"%s\": expected an option or key=value; the file is %s already", argument, e->file);
    e->file = argument;
    return VJ_OK;
  }
  if (strcmp(argument, "--help") == 0) return e->help = true, VJ_OK;
  if (!is_allowed(argument, r->allowed))
    return vj_fail(VJ_USAGE, "there is no option %s here; there are: %s", argument, r->allowed);
  if (strcmp(argument, "--resume") == 0) return e->resume = true, VJ_OK;
  if (strcmp(argument, "--dry-run") == 0) return e->dry_run = true, VJ_OK;
  if (strcmp(argument, "--dry-run=timed") == 0) return e->dry_run = e->timed = true, VJ_OK;
  if (strcmp(argument, "--print-config") == 0) return e->print_config = true, VJ_OK;
  if (strcmp(argument, "--quick") == 0) return e->quick = true, VJ_OK;
  if (strcmp(argument, "--replace") == 0) return e->replace = true, VJ_OK;
  if (strcmp(argument, "--ops") == 0) return e->ops = true, VJ_OK;
  if (strcmp(argument, "--comm") == 0) return e->comm = true, VJ_OK;
  *used = 2;
  if (!next) return vj_fail(VJ_USAGE, "%s: expected a value", argument);
  if (strcmp(argument, "-o") == 0) return e->output = next, VJ_OK;
  if (strcmp(argument, "--format") == 0) return e->format = next, VJ_OK;
  if (strcmp(argument, "--from") == 0) return e->from = next, VJ_OK;
  if (strcmp(argument, "--cluster") == 0) return e->cluster = next, VJ_OK;
  if (strcmp(argument, "--ranks") == 0) return read_count(argument, next, &e->ranks);
  if (strcmp(argument, "--ranks-per-trial") == 0) return read_count(argument, next, &e->ranks_per_trial);
  if (strcmp(argument, "--max-attempts") == 0) return read_count(argument, next, &e->max_attempts);
  if (strcmp(argument, "--steps") == 0) return read_count(argument, next, &e->steps);
  if (strcmp(argument, "--time-limit") == 0) return read_duration(argument, next, &e->time_limit);
  if (strcmp(argument, "--hang-limit") == 0) return read_duration(argument, next, &e->hang_limit);
  const char *seed = vj_pool_format(e->pool, "seed=%s", next); /* --seed */
  return seed ? add_override(r, seed) : vj_fail(VJ_MEMORY, "no memory for an option");
}

/* --- quick ----------------------------------------------------------------------------------------------------- */

static vj_status apply_quick(const vj_experiment *e) {
  const vj_yaml *quick = vj_yaml_get(e->root, "quick");
  char got[VJ_GOT_BYTES];
  if (!quick)
    return vj_fail(VJ_CONFIG, "%s: --quick: there is no section \"quick\" that says what is smaller", e->file);
  if (quick->kind != VJ_YAML_MAP)
    return vj_fail_node(quick, "quick", "expected a map of keys and values, got %s", vj_node_got(quick, got));
  for (int64_t i = 0; i < quick->count; i++)
    VJ_TRY(vj_yaml_put(e->pool, e->root, quick->keys[i]->text, quick->items[i]));
  return VJ_OK;
}

static const char *default_name(void) {
  size_t count;
  const vj_param *rows = vj_section_rows("", &count);
  while (strcmp(rows->name, "name") != 0) rows++;
  return rows->fallback;
}

/* Results of a quick run never lie among those of the experiment, nor pass for them. */
static vj_status name_quick(const vj_experiment *e) {
  const vj_yaml *name = vj_yaml_get(e->root, "name");
  if (name && (name->kind != VJ_YAML_SCALAR || vj_yaml_is_null(name) || !name->text[0])) return VJ_OK;
  const char *text = vj_pool_format(e->pool, "%s-quick", name ? name->text : default_name());
  vj_yaml *node = text ? vj_yaml_scalar(e->pool, text, false, name) : NULL;
  return vj_yaml_set(e->pool, e->root, "name", node);
}

static vj_status read_root(reader *r) {
  vj_experiment *e = r->experiment;
  VJ_TRY(vj_yaml_read_file(e->pool, e->file, &e->root));
  if (e->quick) VJ_TRY(apply_quick(e));
  vj_yaml_remove(e->root, "quick");
  for (int i = 0; i < r->override_count; i++) VJ_TRY(vj_yaml_override(e->pool, e->root, r->overrides[i]));
  if (e->quick) VJ_TRY(name_quick(e));
  return VJ_OK;
}

vj_status vj_experiment_read(int argc, char **argv, const char *allowed, vj_experiment *experiment) {
  *experiment = (vj_experiment){.time_limit = -1, .hang_limit = -1};
  VJ_TRY(vj_pool_create(&experiment->pool));
  reader r = {.experiment = experiment, .allowed = allowed};
  for (int i = 1, used; i < argc; i += used) VJ_TRY(take(&r, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used));
  if (experiment->help || !experiment->file) return VJ_OK;
  VJ_TRY(read_root(&r));
  return vj_config_load_plugins(experiment->pool, experiment->root);
}

vj_status vj_experiment_agree(const vj_experiment *experiment, const vj_comm *world) {
  if (!experiment->root) return VJ_OK;
  const char *text = vj_yaml_print(experiment->pool, experiment->root);
  VJ_TRY(vj_comm_agree(world, text ? VJ_OK : vj_fail(VJ_MEMORY, "no memory to compare %s", experiment->file)));
  const uint64_t mine = vj_hash_text(text);
  uint64_t first = mine;
  VJ_TRY(vj_comm_broadcast(world, &first, sizeof first, 0));
  if (first == mine) return vj_comm_agree(world, VJ_OK);
  return vj_comm_agree(world,
                       vj_fail(VJ_USAGE, "%s and its overrides are not the same on all ranks", experiment->file));
}

void vj_experiment_free(vj_experiment *experiment) {
  if (experiment->pool) vj_pool_destroy(&experiment->pool);
}
