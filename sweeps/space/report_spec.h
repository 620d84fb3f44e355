/* `report:` of an experiment: the columns of its table of results, and what the paper has. Data alone; app/ prints it.
 * Not collective. */
#ifndef VJ_SWEEPS_SPACE_REPORT_SPEC_H
#define VJ_SWEEPS_SPACE_REPORT_SPEC_H

#include "framework/config/yaml/yaml.h"
#include "framework/store/sweep_file/sweep_file.h"
#include "sweeps/space/report_controls.h"
#include "sweeps/space/setting.h"

typedef enum vj_best { VJ_BEST_NONE, VJ_BEST_LOW, VJ_BEST_HIGH } vj_best;

enum { VJ_REPORT_LAST = -1, VJ_REPORT_SCALAR = -1 };

typedef struct vj_report_column {
  const char *quantity; /* name of a variable of the sweep's file */
  const char *title;
  int best;            /* vj_best */
  int64_t at;          /* training steps completed; VJ_REPORT_LAST: at the trial's end */
  int64_t index;       /* along component or horizon; VJ_REPORT_SCALAR where the quantity has neither */
  const vj_yaml *node; /* where it stands; NULL for one that is not from a YAML */
} vj_report_column;

/* What the paper has for an arm, beside a column. */
typedef struct vj_report_value {
  const char *arm;
  int64_t column;
  const char *text; /* as it is written, with the paper's digits */
  double number;
} vj_report_value;

/* An arm's mean in a column divided by that of another. */
typedef struct vj_report_ratio {
  int64_t column;
  const char *of, *to;
} vj_report_ratio;

/* A picture over a swept parameter: a line for each arm or, over two parameters, a cell for each pair of values. */
typedef struct vj_report_figure {
  vj_report_column column; /* its title is the picture's; its node is the figure's */
  const char *by, *across; /* keys of sweep.parameters; across "": lines */
  int64_t where_count;     /* only trials with these settings */
  const vj_setting *where;
} vj_report_figure;

typedef struct vj_report_spec {
  const char *title, *notes, *source; /* "" where there is none */
  int64_t column_count, value_count, ratio_count, figure_count;
  const vj_report_column *columns;
  const vj_report_value *values;
  const vj_report_ratio *ratios;
  const vj_report_figure *figures;
  bool verdict;               /* a last column says whether hx has collapsed */
  bool controls[VJ_CONTROLS]; /* which rows stand below those of the arms, where there is something to show */
} vj_report_spec;

/* Reads `report:` of the tree; *report = NULL without one. Arms must be those of the tree's sweep. Everything is owned
 * by the pool, places by the tree. Errors have a place:
 *   sweeps/vcr.yaml:30:7: report.columns[0]: unknown key "tilte"; did you mean "title"?
 *   sweeps/vcr.yaml:35:7: report.paper.rows: no arm "VJ-VRC"; did you mean "VJ-VCR"? */
VJ_MUST_USE vj_status vj_report_read(vj_pool *pool, const vj_yaml *root, const vj_report_spec **report);

/* Reads `report.figures`, a list of maps; none where there is no such key. */
VJ_MUST_USE vj_status vj_report_figures_read(vj_pool *pool, const vj_yaml *root, const vj_report_figure **figures,
                                             int64_t *count);

/* Fails unless every column is a number that the file has, or will have when it is laid out like this:
 *   sweeps/vcr.yaml:30:18: report.columns[0].quantity: no quantity "probe_sped_mse"; did you mean "probe_speed_mse"?
 * A NULL report is fine. */
VJ_MUST_USE vj_status vj_report_check_layout(const vj_report_spec *report, const vj_file_layout *layout);
VJ_MUST_USE vj_status vj_report_check_file(const vj_report_spec *report, const vj_sweep_file *file);

/* The same of one column that stands elsewhere, at `path`; by the layout or by the file, of which one is given. */
VJ_MUST_USE vj_status vj_report_check_column(const vj_report_column *column, const char *path,
                                             const vj_file_layout *layout, const vj_sweep_file *file);
/* Whether a number of this name is recorded; likewise. */
bool vj_report_is_recorded(const char *quantity, const vj_file_layout *layout, const vj_sweep_file *file);

/* Fails unless the layout or the file, of which one is given, has this quantity, and one number of it for a trial at a
 * time; `node`, if any, and `path` are where it was named:
 *   METRIC: no quantity "probe_sped_mse"; did you mean "probe_speed_mse"? */
VJ_MUST_USE vj_status vj_report_check_quantity(const char *quantity, const vj_yaml *node, const char *path,
                                               const vj_file_layout *layout, const vj_sweep_file *file);

/* Fails unless a quantity is one number at each place of an axis, that of steps or that of evaluations; by the layout
 * or by the file, of which one is given. `node`, if any, and `path` are where it was named. */
VJ_MUST_USE vj_status vj_report_check_course(const char *quantity, const vj_yaml *node, const char *path,
                                             const vj_file_layout *layout, const vj_sweep_file *file,
                                             bool *is_of_steps);

/* Fails unless the tree's sweep has an arm of this name, or it is that of a control; `node` and `path` are where it was
 * named. */
VJ_MUST_USE vj_status vj_report_check_arm(vj_pool *pool, const vj_yaml *root, bool or_control, const char *arm,
                                          const vj_yaml *node, const char *path);

/* "hx_rankme", "hx_rankme@0" after so many steps, "hx_explained_variance[9]". Owned by the pool; NULL without memory.
 */
const char *vj_report_column_name(vj_pool *pool, const vj_report_column *column);

/* The column of a quantity at the end of training, beside which the paper's numbers stand; -1 if there is none. */
int64_t vj_report_find(const vj_report_spec *report, const char *quantity);

#endif
