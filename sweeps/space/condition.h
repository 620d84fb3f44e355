/* `when:` of a swept parameter: {model.latent.type: sparse} or {model.latent.type: [sparse, discrete]}; with several
 * keys all must match. Not collective. */
#ifndef VJ_SWEEPS_SPACE_CONDITION_H
#define VJ_SWEEPS_SPACE_CONDITION_H

#include "framework/config/yaml/yaml.h"

/* Fails when it is not a map of keys and scalars or lists; `path` names the parameter. */
VJ_MUST_USE vj_status vj_condition_check(const vj_yaml *when, const char *path);

/* Whether a setting (NULL: there is none) is the wanted value, or one of a list of wanted values. Plain numbers are
 * compared as numbers. */
bool vj_condition_matches(const vj_yaml *wanted, const vj_yaml *setting);

/* Whether `key` lies inside `map_key`: "a.b.c" inside "a.b". */
bool vj_key_is_inside(const char *key, const char *map_key);
/* Whether setting one of two keys changes the other: they are the same or one lies inside the other. */
bool vj_keys_touch(const char *one, const char *other);

#endif
