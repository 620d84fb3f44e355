/* The parameters that an arm's settings are drawn from, as `sweep:` of an experiment says: those that are sampled in
 * all arms, then the arm's own. A map of keys and what stands at them. Not collective; all lives in the pool. */
#ifndef VJ_SWEEPS_SPACE_ARM_SPACE_H
#define VJ_SWEEPS_SPACE_ARM_SPACE_H

#include "framework/config/yaml/yaml.h"
#include "vj/param.h"

/* `arm`: its name. An empty map where nothing of it varies; VJ_CONFIG for a parameter that is none, with its place. */
VJ_MUST_USE vj_status vj_arm_space_read(vj_pool *pool, const vj_yaml *root, const char *arm, vj_yaml **space);

/* "optim.lr {log: [1.0e-4, 1.0e-2]}, data.size [32, 64]"; "" of an empty one. NULL when memory is out. */
const char *vj_arm_space_text(vj_pool *pool, const vj_yaml *space);

/* Whether a value lies in the outer tenth, on its scale, of the range that a parameter is sampled from. */
typedef enum vj_edge { VJ_EDGE_LOW = -1, VJ_EDGE_NONE, VJ_EDGE_HIGH } vj_edge;
VJ_MUST_USE vj_status vj_arm_space_edge(vj_pool *pool, const vj_yaml *space, int64_t parameter, const vj_yaml *value,
                                        vj_edge *edge);

/* The parameter with as much again of its range on one side, a logarithmic one with as many decades: as far as the row
 * of its key allows (NULL: no row). NULL where that is no further. */
VJ_MUST_USE vj_status vj_arm_space_extend(vj_pool *pool, const vj_yaml *space, int64_t parameter, vj_edge side,
                                          const vj_param *row, vj_yaml **extended);
/* That end of a range that a parameter is sampled from. */
VJ_MUST_USE vj_status vj_arm_space_end(vj_pool *pool, const vj_yaml *space, int64_t parameter, vj_edge side,
                                       vj_yaml **end);

#endif
