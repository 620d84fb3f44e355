/* Tables of values of frames: a record for each frame, as pose estimators and scripts write them. See delimited.h.
 *
 *   video,frame,x,y                scorer,DLC_resnet50_..,DLC_resnet50_..,DLC_resnet50_..
 *   a.mp4,0,31.5,20.25             bodyparts,nose,nose,nose
 *                                  coords,x,y,likelihood
 *                                  0,31.5,20.25,0.98
 *
 * The right-hand form is DeepLabCut's; its columns are called nose.x, nose.y, nose.likelihood, and with several animals
 * mouse1.nose.x. A column called likelihood, confidence or score, alone or behind such a prefix, says how sure the
 * values are that share the prefix. */
#ifndef VJ_DATASETS_TABLES_FRAME_VALUES_H
#define VJ_DATASETS_TABLES_FRAME_VALUES_H

#include "datasets/tables/delimited.h"
#include "datasets/video/annotations.h"
#include "vj/param.h"

enum { VJ_FRAME_VALUES = 4096 /* columns */ };

typedef struct vj_frame_columns {
  const char *video, *frame; /* ""; the usual names */
  vj_text_list values;       /* names, or prefixes: nose for nose.x and nose.y; none: all that are left */
  double min_likelihood;
  bool is_of_one; /* the file is of one video: no column names it */
} vj_frame_columns;

typedef struct vj_frame_row {
  int64_t frame, line;
  int64_t video; /* number of its text; -1 in a file of one video */
} vj_frame_row;

/* What is kept of a file. */
typedef struct vj_frame_table {
  int64_t count, columns;
  const vj_frame_row *rows; /* by video and frame, each once */
  const float *values;      /* [count, columns]; NaN: missing, or of too low a likelihood */
  int64_t texts;
  const char *text; /* names of the columns, then videos as they are written, one behind the other, each with a 0 */
} vj_frame_table;

/* Its `keep` parses with these columns, which must outlive it. The name depends on them: `name` is room for it. */
vj_annotation_form vj_frame_values_form(const vj_frame_columns *columns, char name[VJ_FORM_NAME_BYTES]);
/* What was kept, where it lies. */
vj_frame_table vj_frame_table_of(const void *kept);

#endif
