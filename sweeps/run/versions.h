/* Versions of what decides the bits of a trial: attributes of its sweep file, compared with those here. The program
 * says what they are, since it alone sees all libraries. Not collective. */
#ifndef VJ_SWEEPS_RUN_VERSIONS_H
#define VJ_SWEEPS_RUN_VERSIONS_H

#include "framework/store/records/records.h"

typedef struct vj_version {
  const char *key;  /* "openblas", of the attribute version_openblas */
  const char *name; /* "OpenBLAS" */
  const char *text; /* "0.3.21, core Haswell" */
} vj_version;

typedef struct vj_versions {
  int64_t count;
  const vj_version *at;
} vj_versions;

/* Adds them to the attributes of a file that is to be made. */
VJ_MUST_USE vj_status vj_versions_record(vj_pool *pool, const vj_versions *versions, vj_file_layout *layout);
/* Of a file that is to take the place of another: what that one says of its trials stays, and nothing is added. */
VJ_MUST_USE vj_status vj_versions_keep(vj_pool *pool, const vj_sweep_file *before, vj_file_layout *layout);

/* Adds what all of these files say, each text once: "0.3.21 or 0.3.29". */
VJ_MUST_USE vj_status vj_versions_unite(vj_pool *pool, const vj_sweep_file *const *files, int64_t count,
                                        vj_file_layout *layout);
/* Of what they do not say alike: "openblas 0.3.21 in runs/a, 0.3.29 in runs/b; ..."; "" if there is nothing. `names`:
 * of the files. NULL when memory is out. */
const char *vj_versions_differences(vj_pool *pool, const vj_sweep_file *const *files, const char *const *names,
                                    int64_t count);

/* All that a file says, "commit 1a2b3c4; compiler gcc 12.2.0; ..."; "" of a file of an earlier version. NULL when
 * memory is out. */
const char *vj_versions_text(vj_pool *pool, const vj_sweep_file *file);
/* Those that are not what they were: "OpenBLAS was 0.3.21 and is 0.3.29 here; ..."; "" if there are none. What the file
 * does not say, it is not said of. NULL when memory is out. */
const char *vj_versions_changes(vj_pool *pool, const vj_sweep_file *file, const vj_versions *versions);

#endif
