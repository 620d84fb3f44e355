/* What sweep.h5 holds: its dimensions and its variables, as the rows of records.def say. The maker of the file, every
 * reader, `vjvcr list records`, the tables of docs/file-formats.md and the tests go by these rows; the name of a record
 * stands nowhere else. A component's metrics stay in its descriptor; how their names are formed stands here. */
#ifndef VJ_FRAMEWORK_STORE_RECORDS_RECORDS_H
#define VJ_FRAMEWORK_STORE_RECORDS_RECORDS_H

#include "framework/store/sweep_file/sweep_file.h"
#include "vj/memory.h"
#include "vj/probe.h"

/* Names that have words of their own in them, made of literals: VJ_NAME_OF_VIEW("hx", "rankme"), or a format for
 * vj_pool_format: VJ_NAME_OF_VIEW("%s", "rankme"). */
#define VJ_NAME_OF_SETTING(key) "param." key
#define VJ_NAME_OF_TRAINING(what) "train_" what
#define VJ_NAME_OF_VALIDATION(what) "val_" what
#define VJ_NAME_OF_VIEW(view, metric) view "_" metric
#define VJ_NAME_OF_PROBE(probe, metric) VJ_PROBE_RECORDS probe "_" metric
#define VJ_PROBE_RECORDS "probe_" /* with which all of these begin */

/* Texts that are attributes of the file. */
#define VJ_ATTRIBUTE_TITLE "title"           /* the experiment's name */
#define VJ_ATTRIBUTE_SOURCE "source"         /* the program and its version */
#define VJ_ATTRIBUTE_SWEEP_YAML "sweep_yaml" /* the text of sweep.yaml */
#define VJ_ATTRIBUTE_VERSION "version_"      /* with which those begin that say what decides bits: version_openblas */

/* Bytes of texts, the ending zero included. */
enum { VJ_FAILURE_BYTES = 512, VJ_STOP_REASON_BYTES = 256, VJ_DAMAGED_NAMES_BYTES = 1024 };

/* VJ_DIMENSION_TRIAL, ..., in the order of the file. */
typedef enum vj_dimension {
#define VJ_DIMENSION(id, ...) VJ_DIMENSION_##id,
#include "framework/store/records/records.def"
  VJ_DIMENSIONS
} vj_dimension;

typedef struct vj_dimension_row {
  const char *name, *units, *long_name, *meaning;
} vj_dimension_row;
extern const vj_dimension_row vj_dimension_rows[VJ_DIMENSIONS];

/* VJ_NAME_TRIAL, ...: their names, and those of the variables that hold their coordinates. */
#define VJ_DIMENSION(id, ...) extern const char VJ_NAME_##id[];
#include "framework/store/records/records.def"

typedef struct vj_record {
  const char *name; /* "status", or a pattern: "probe_<probe>_<metric>" */
  vj_file_type type;
  int64_t text_bytes; /* of TEXT; 0: as many as the longest needs */
  int rank;
  vj_dimension dimension[VJ_FILE_MAX_DIMENSIONS];
  bool and_of_metric; /* behind these the metric's own */
  bool or_text;       /* TEXT where a value is no number */
  bool is_coordinate;
  bool known_before;             /* known of a trial before it is trained, and written into its row then */
  bool is_kept;                  /* written then, too, and kept as it is when trials are added */
  bool is_of_run;                /* not the same in two runs of a sweep */
  const char *units, *long_name; /* attributes; NULL: "" */
  const char *flags;             /* as in vj_file_variable */
  const char *when;              /* NULL: in every file */
  const char *meaning;           /* what long_name does not say, or NULL */
} vj_record;

/* VJ_RECORD_STATUS, ...: the names. */
#define VJ_RECORD(id, ...) extern const char VJ_RECORD_##id[];
#include "framework/store/records/records.def"

/* In the order of the file; NULL behind the last. */
const vj_record *vj_record_at(int i);
/* The row of this very name or pattern, VJ_RECORD_...; NULL if there is none. */
const vj_record *vj_record_row(const char *name);
/* Whether a variable's name is of this pattern, or is this name. */
bool vj_record_is(const char *name, const char *pattern);
/* The record with the checksums of what this one holds, its own name if it is such; NULL: it does not change once the
 * file is there. */
const char *vj_record_checksum(const vj_record *record);
/* What follows in a name that begins so: the key behind VJ_NAME_OF_SETTING(""); NULL in any other. */
const char *vj_record_after(const char *name, const char *beginning);
/* Dimensions of a record, with those of its metric; returns how many. */
int vj_record_dimensions(const vj_record *record, vj_metric_axis metric, int dimension[VJ_FILE_MAX_DIMENSIONS]);

/* A name, long name or unit with words in the place of what stands in <>: pairs, {"view", "hx", "metric", "rankme",
 * NULL}. NULL without memory, or where a word is NULL. */
const char *vj_record_fill(vj_pool *pool, const char *text, const char *const *words);

#endif
