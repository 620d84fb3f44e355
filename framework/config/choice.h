/* Choosing a component by its name in a map and reading its parameters. Not collective. */
#ifndef VJ_FRAMEWORK_CONFIG_CHOICE_H
#define VJ_FRAMEWORK_CONFIG_CHOICE_H

#include "framework/config/config.h"

/* Where a choice stands and what is read there. */
typedef struct vj_slot {
  vj_kind kind;
  const char *key;          /* "encoder", or the name of a loss or probe */
  const char *path;         /* "model.encoder" */
  const vj_yaml *key_node;  /* where the key stands; NULL when it is not written */
  const vj_yaml *map;       /* NULL or null: nothing written */
  const char *type_key;     /* "type", or "dataset" */
  const char *default_type; /* NULL: must be written */
  const vj_param *rows;     /* common to the kind; may be none */
  size_t row_count, struct_bytes;
} vj_slot;

/* `common`: the struct of the common rows. `resolved` gets the type, the common rows, then the component's own. */
VJ_MUST_USE vj_status vj_choose(vj_pool *pool, const vj_slot *slot, vj_choice *choice, const void **common,
                                vj_yaml *resolved);

/* Fails unless a name of a loss or probe is made of letters, digits, "_" and "-": it becomes part of variable names. */
VJ_MUST_USE vj_status vj_name_check(const vj_yaml *key, const char *path);

#endif
