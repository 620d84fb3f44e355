#include "sweeps/space/run_name.h"

#include <ctype.h>
#include <string.h>

enum { MOST_BYTES = 120 };

/* "losses.variance.tau" -> "tau": the folder is for people, who see the whole key in the configuration. */
static const char *last_part(const char *key) {
  const char *dot = strrchr(key, '.');
  return dot ? dot + 1 : key;
}

static const char *settings_text(vj_pool *pool, const vj_space *space, const vj_trial *trial) {
  const char *all = "";
  for (int64_t k = 0; k < space->key_count && all; k++) {
    const vj_yaml *value = vj_yaml_find(trial->config->resolved, space->keys[k]);
    if (value) all = vj_pool_format(pool, "%s-%s=%s", all, last_part(space->keys[k]), vj_yaml_value_text(pool, value));
  }
  return all;
}

/* Letters of other alphabets stay; a cut falls between characters. */
static void make_file_name(char *text) {
  size_t length = strlen(text);
  for (char *c = text; *c; c++)
    if ((unsigned char)*c < 0x80 && !isalnum((unsigned char)*c) && !strchr("._=+-", *c)) *c = '-';
  if (length <= MOST_BYTES) return;
  length = MOST_BYTES;
  while (((unsigned char)text[length] & 0xc0) == 0x80) length--;
  text[length] = '\0';
}

const char *vj_run_name(vj_pool *pool, const vj_space *space, int64_t trial) {
  const vj_trial *t = &space->trials[trial];
  const char *settings = t->arm[0] ? vj_pool_format(pool, "-%s", t->arm) : settings_text(pool, space, t);
  char *name = settings ? vj_pool_format(pool, "trial-%04lld%s", (long long)trial, settings) : NULL;
  if (name) make_file_name(name);
  return name;
}
