/* Structs that the rows of sections.c fill and config.c copies from. */
#ifndef VJ_FRAMEWORK_CONFIG_SECTIONS_H
#define VJ_FRAMEWORK_CONFIG_SECTIONS_H

#include <stdint.h>

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
} vj_probe_section;

#endif
