/* Tables of intervals: what happens from when to when, a record each, as BORIS (aggregated events), ELAN (tab-delimited
 * text with a column for each tier) and many scripts write them. See delimited.h.
 *
 *   video,start,end,label          Media file name,..,Behavior,..,Start (s),Stop (s)
 *   a.mp4,1.2,3.4,jump             C:\videos\a.mp4,..,jump,..,1.2,3.4
 *
 * Where the ends are missing (no column, an empty field, NA) something happens at one moment. */
#ifndef VJ_DATASETS_TABLES_INTERVALS_H
#define VJ_DATASETS_TABLES_INTERVALS_H

#include "datasets/tables/delimited.h"
#include "datasets/video/annotations.h"
#include "vj/param.h"

typedef enum vj_time_unit { VJ_TIME_AUTO, VJ_TIME_SECONDS, VJ_TIME_MILLISECONDS, VJ_TIME_FRAMES } vj_time_unit;

/* Which columns are read; "" and no labels: those with the usual names. */
typedef struct vj_interval_columns {
  const char *video, *start, *end;
  vj_text_list labels; /* of several, the label is "column: field" */
  int unit;            /* vj_time_unit; AUTO: as the columns' names say */
  bool is_of_one;      /* the file is of one video: no column names it */
} vj_interval_columns;

typedef struct vj_interval {
  double start, end; /* in frames, the last one included; in seconds */
  int64_t line;      /* of its record */
  int32_t label;     /* number of its text */
  int32_t video;     /* number of its text; -1 in a file of one video */
} vj_interval;

/* What is kept of a file. */
typedef struct vj_intervals {
  bool in_frames; /* else in seconds */
  int64_t count;
  const vj_interval *at; /* in the order of records */
  int64_t texts;         /* labels and videos as they are written, each once */
  const char *text;      /* one behind the other, each with a 0 behind it */
} vj_intervals;

/* Its `keep` parses with these columns, which must outlive it. The name depends on them: `name` is room for it. */
vj_annotation_form vj_intervals_form(const vj_interval_columns *columns, char name[VJ_FORM_NAME_BYTES]);
/* What was kept, where it lies. */
vj_intervals vj_intervals_of(const void *kept);

#endif
