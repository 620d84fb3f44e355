/* What every reader of configuration needs beside yaml.h: making nodes, single keys, errors with a place.
 * Not collective. Nodes and texts live in the pool. */
#ifndef VJ_FRAMEWORK_CONFIG_NODES_H
#define VJ_FRAMEWORK_CONFIG_NODES_H

#include "framework/config/yaml/yaml.h"
#include "vj/param.h"

/* Fails with "<place><path>: <sentence>"; an empty path is left out, a NULL node has no place. */
#define vj_fail_node(node, path, ...) (vj_fail(VJ_CONFIG, __VA_ARGS__), vj_node_prefix((node), (path)))

/* Puts place and path before the sentence of the last error; returns VJ_CONFIG. */
vj_status vj_node_prefix(const vj_yaml *node, const char *path);

/* What a node is, for "..., got %s": "ten" in quotes, "nothing", "a map", "a list". Returns `text`. */
enum { VJ_GOT_BYTES = 128 };
const char *vj_node_got(const vj_yaml *node, char text[VJ_GOT_BYTES]);

/* True for NULL and for a scalar that was left empty or written as null or ~. */
bool vj_yaml_is_null(const vj_yaml *node);

/* New nodes with the place of `like` (NULL: source "default"). The text is not copied. NULL when memory is out. */
vj_yaml *vj_yaml_new(vj_pool *pool, vj_yaml_kind kind, const vj_yaml *like);
vj_yaml *vj_yaml_scalar(vj_pool *pool, const char *text, bool quoted, const vj_yaml *like);
/* Text in the fewest digits, of at most 17, that read back to the same number. */
enum { VJ_REAL_BYTES = 32 };
const char *vj_real_text(double number, char text[VJ_REAL_BYTES]);

/* A copy of one level: the same keys and items in arrays of its own. */
vj_yaml *vj_yaml_shallow(vj_pool *pool, const vj_yaml *node);

/* The value or the key node of one key, which may contain dots; NULL when it is not there or `map` is no map. */
vj_yaml *vj_yaml_get(const vj_yaml *map, const char *key);
vj_yaml *vj_yaml_get_key(const vj_yaml *map, const char *key);
/* Sets one key, at the end if it is new. The key's text is not copied; its node gets the place of the value. */
VJ_MUST_USE vj_status vj_yaml_set(vj_pool *pool, vj_yaml *map, const char *key, vj_yaml *value);

/* Fails for a dotted path with an empty part or with more than 64 parts; `at` is where it was written. */
VJ_MUST_USE vj_status vj_path_check(const char *dotted_path, const vj_yaml *at);

/* Parses `length` bytes. Without `placed` all nodes have line and column 0. */
VJ_MUST_USE vj_status vj_yaml_parse(vj_pool *pool, const char *bytes, size_t length, const char *source, bool placed,
                                    vj_yaml **root);

/* Fails when `map` is neither a map nor null. */
VJ_MUST_USE vj_status vj_map_check(const vj_yaml *map, const char *path);
/* Fails with the first key of a map that is not among `names` and suggests one; fails too when `map` is neither a
 * map nor null. */
VJ_MUST_USE vj_status vj_keys_check(const vj_yaml *map, const char *path, const char *const *names, int64_t count);

/* The end of an error about a wrong word: "; did you mean ...?" or, when no name is near, "; <many> are a, b, c".
 * Returns `text`. */
enum { VJ_SUGGESTION_BYTES = 512 };
const char *vj_suggestion(const char *word, const char *many, const char *const *names, int64_t count,
                          char text[VJ_SUGGESTION_BYTES]);

/* Notes in a resolved node what a row has read from it into its field. */
VJ_MUST_USE vj_status vj_value_note(vj_pool *pool, const vj_param *row, const void *field, vj_yaml *node);
/* Reads one value for a row into its field. */
VJ_MUST_USE vj_status vj_value_read(vj_pool *pool, const vj_param *row, const vj_yaml *node, const char *path,
                                    void *field);

#endif
