/* Keys of a data set that say where its files lie: the rows that are texts, data.root, data.pack, data.digits. Machines
 * may have the same data in other places. Not collective. */
#ifndef VJ_SWEEPS_RUN_DATA_PLACES_H
#define VJ_SWEEPS_RUN_DATA_PLACES_H

#include "framework/config/config.h"

/* Whether "data.root" or "data.root=/videos" is one of them. */
bool vj_data_place_is(const vj_component *dataset, const char *setting);
/* All of them, "data.root=... or data.pack=..."; "" where the data are made, or memory is out. In the pool. */
const char *vj_data_places_text(vj_pool *pool, const vj_component *dataset);
/* The first that a trial says otherwise than by default, "data.root"; NULL where it says none, or memory is out. */
const char *vj_data_place_used(vj_pool *pool, const vj_config *config);

#endif
