/* Structs that the rows of sections.c fill and config.c copies from. */
#ifndef VJ_FRAMEWORK_CONFIG_SECTIONS_H
#define VJ_FRAMEWORK_CONFIG_SECTIONS_H

#include "framework/config/yaml/yaml.h"
#include "vj/param.h"

typedef struct vj_top_section {
  const char *name;
  int64_t seed;
} vj_top_section;

typedef struct vj_data_section {
  const char *dataset;
  int64_t input_frames, target_frames, seed;
} vj_data_section;

/* Common to all losses. */
typedef struct vj_loss_section {
  double weight;
} vj_loss_section;

/* Common to all probes. */
typedef struct vj_probe_section {
  const char *on, *target;
  vj_text_list labels;
  int64_t dimension;
  int reduction;
  vj_real_list label_share;
  bool by_horizon;
} vj_probe_section;

/* The stand-in that an experiment's videos may be; see datasets/standins/standins.h. 0 and "" stand for its kind's own.
 */
typedef struct vj_standin_section {
  const char *kind, *folder, *variant;
  vj_integer_list videos, size;
  int64_t frames, seed;
} vj_standin_section;

/* Checks the section `standin:` of an experiment and takes it out of the tree: it belongs to no trial and changes no
 * number. NULL where there is none. VJ_CONFIG, with a place. */
VJ_MUST_USE vj_status vj_standin_take(vj_pool *pool, vj_yaml *root, const vj_standin_section **section);

#endif
