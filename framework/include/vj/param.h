/* Parameters of components: one row drives the YAML check, `vjvcr describe`, the documentation and the HDF5 attributes.
 *
 * A component declares a config struct and one row for each of its fields:
 *
 *   typedef struct { double weight, tau; vj_text_list on; } variance_config;
 *   static const vj_param params[] = {
 *     VJ_REAL(variance_config, tau, "1.0", 0, INFINITY, "", "target standard deviation"),
 *     ...
 *   };
 *
 * A field gets the default, or what the YAML has under the field's name if it fits the row; nothing unchecked reaches a
 * component. Bounds are inclusive; INFINITY is none. Text and lists are owned by the configuration they were read into
 * and live as long as it does.
 */
#ifndef VJ_PARAM_H
#define VJ_PARAM_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum vj_param_type {
  VJ_PARAM_INTEGER,      /* int64_t */
  VJ_PARAM_REAL,         /* double */
  VJ_PARAM_BOOL,         /* bool */
  VJ_PARAM_TEXT,         /* const char *; "" when empty */
  VJ_PARAM_CHOICE,       /* int, the index into `choices` */
  VJ_PARAM_INTEGER_LIST, /* vj_integer_list; for all lists, a single scalar is a list of one */
  VJ_PARAM_REAL_LIST,    /* vj_real_list */
  VJ_PARAM_TEXT_LIST     /* vj_text_list */
} vj_param_type;

typedef struct vj_integer_list {
  int64_t count;
  const int64_t *at;
} vj_integer_list;
typedef struct vj_real_list {
  int64_t count;
  const double *at;
} vj_real_list;
typedef struct vj_text_list {
  int64_t count;
  const char *const *at;
} vj_text_list;

typedef struct vj_param {
  const char *name;
  vj_param_type type;
  size_t offset;           /* of the field in the config struct */
  const char *fallback;    /* the default, as one would write it in YAML; NULL: the key is required */
  double minimum, maximum; /* of a number, or of each number of a list; both inclusive */
  const char *choices;     /* of a CHOICE: "mse|l1|cosine" */
  const char *unit;        /* "" when it has none */
  const char *doc;         /* one line */
} vj_param;

/* One row: `s` is the struct, `field` its field and the name in the YAML; the other arguments as in vj_param. */
#define VJ_ROW(type_, struct_, field_, fallback_, low_, high_, choices_, unit_, doc_) \
  { #field_, (type_), offsetof(struct_, field_), (fallback_), (low_), (high_), (choices_), (unit_), (doc_) }
#define VJ_INTEGER(s, field, fallback, low, high, unit, doc) \
  VJ_ROW(VJ_PARAM_INTEGER, s, field, fallback, low, high, NULL, unit, doc)
#define VJ_REAL(s, field, fallback, low, high, unit, doc) \
  VJ_ROW(VJ_PARAM_REAL, s, field, fallback, low, high, NULL, unit, doc)
#define VJ_BOOL(s, field, fallback, doc) VJ_ROW(VJ_PARAM_BOOL, s, field, fallback, 0, 1, NULL, "", doc)
#define VJ_TEXT(s, field, fallback, doc) VJ_ROW(VJ_PARAM_TEXT, s, field, fallback, 0, 0, NULL, "", doc)
#define VJ_CHOICE(s, field, choices, fallback, doc) VJ_ROW(VJ_PARAM_CHOICE, s, field, fallback, 0, 0, choices, "", doc)
#define VJ_INTEGERS(s, field, fallback, low, high, unit, doc) \
  VJ_ROW(VJ_PARAM_INTEGER_LIST, s, field, fallback, low, high, NULL, unit, doc)
#define VJ_REALS(s, field, fallback, low, high, unit, doc) \
  VJ_ROW(VJ_PARAM_REAL_LIST, s, field, fallback, low, high, NULL, unit, doc)
#define VJ_TEXTS(s, field, fallback, doc) VJ_ROW(VJ_PARAM_TEXT_LIST, s, field, fallback, 0, 0, NULL, "", doc)

#define VJ_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
