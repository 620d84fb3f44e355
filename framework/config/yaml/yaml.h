/* A YAML tree that remembers where every node was written. Not collective. All nodes live in the pool. */
#ifndef VJ_FRAMEWORK_CONFIG_YAML_YAML_H
#define VJ_FRAMEWORK_CONFIG_YAML_YAML_H

#include <stdbool.h>
#include <stdint.h>

#include "vj/memory.h"

typedef enum vj_yaml_kind { VJ_YAML_SCALAR, VJ_YAML_MAP, VJ_YAML_LIST } vj_yaml_kind;

typedef struct vj_yaml vj_yaml;
struct vj_yaml {
  vj_yaml_kind kind;
  const char *source; /* "sweeps/demo.yaml", "override losses.variance.weight", or "default" */
  int line, column;   /* from 1; 0 for an override or a default */
  const char *text;   /* of a scalar; "null", not quoted, for one left empty or written as ~ */
  bool quoted;        /* a scalar written in quotes is text, never a number or null */
  int64_t count;      /* entries of a map or items of a list */
  vj_yaml **keys;     /* of a map: scalars, with their own places */
  vj_yaml **items;    /* values of a map, items of a list */
  /* Of what a parameter row read, in a resolved tree: */
  const char *meaning; /* its value in one spelling, whatever way it is written: 0.001 for 1.0e-3; NULL: no row did */
  bool is_number;      /* the row wants a number, or numbers and got one */
  const struct vj_param *row; /* that read it */
};

/* Reads the one document of a file. Anchors, aliases and merge keys are resolved; duplicate keys, more than 64
 * levels or more than 100,000 nodes after resolving are errors with a place. */
VJ_MUST_USE vj_status vj_yaml_read_file(vj_pool *pool, const char *path, vj_yaml **root);
VJ_MUST_USE vj_status vj_yaml_read_text(vj_pool *pool, const char *text, const char *source, vj_yaml **root);

/* The node at "losses.variance.weight", or NULL. */
vj_yaml *vj_yaml_find(const vj_yaml *root, const char *dotted_path);
/* Puts a node at a dotted path, making the maps on the way. Fails when the path runs through a scalar or list.
 * What follows "sweep.parameters.", "sweep.trials.<arm>.", "sweep.trials.<arm>.parameters." or "tuning." is one key,
 * dots and all: those are the keys there.
 * Maps on the way are replaced by copies of one level, never changed, so that trees may share their branches. */
VJ_MUST_USE vj_status vj_yaml_put(vj_pool *pool, vj_yaml *root, const char *dotted_path, vj_yaml *value);
/* "a.b=[1, 2]": the value is YAML in flow style. */
VJ_MUST_USE vj_status vj_yaml_override(vj_pool *pool, vj_yaml *root, const char *assignment);
vj_yaml *vj_yaml_copy(vj_pool *pool, const vj_yaml *node);
/* Takes a key out of a map; nothing happens if it is not there. */
void vj_yaml_remove(vj_yaml *map, const char *key);
/* Writes block style, lists of scalars in flow style; the text reads back to an equal tree. Pool-owned. */
const char *vj_yaml_print(vj_pool *pool, const vj_yaml *node);
/* The same in flow style on one line, without a newline: {type: sparse, size: 20}. */
const char *vj_yaml_print_line(vj_pool *pool, const vj_yaml *node);

/* The closest of `names` to `word` by edit distance, or NULL when none is near enough to suggest. */
const char *vj_closest(const char *word, const char *const *names, int64_t count);

/* Whether two resolved trees say the same, whatever way their values are written; those of one hash may. */
bool vj_yaml_means_the_same(const vj_yaml *a, const vj_yaml *b);
uint64_t vj_yaml_meaning_hash(const vj_yaml *node);

/* A value as one text: a scalar as it stands, a list or map in flow style. Owned by the pool or the node. */
const char *vj_yaml_value_text(vj_pool *pool, const vj_yaml *value);

#endif
