/* What `vjvcr doctor` found: a line each, and for what is wrong a remedy. Not collective. */
#ifndef VJ_APP_DOCTOR_FINDINGS_H
#define VJ_APP_DOCTOR_FINDINGS_H

#include <stdbool.h>

#include "vj/status.h"

/* Doubtful: works, and slower or less safely than it could. */
typedef enum vj_health { VJ_HEALTH_GOOD, VJ_HEALTH_DOUBTFUL, VJ_HEALTH_BAD } vj_health;

enum { VJ_FINDINGS_MOST = 48, VJ_FINDING_BYTES = 640 };

typedef struct vj_finding {
  const char *section, *name;
  vj_health health;
  char text[VJ_FINDING_BYTES], remedy[VJ_FINDING_BYTES]; /* no remedy of what is good */
} vj_finding;

typedef struct vj_findings {
  const char *section; /* of those that are added now */
  int count;
  vj_finding at[VJ_FINDINGS_MOST];
} vj_findings;

/* Returns it, for vj_remedy(). */
vj_finding *vj_find(vj_findings *all, const char *name, vj_health health, const char *format, ...) VJ_PRINTF(4, 5);
void vj_remedy(vj_finding *finding, const char *format, ...) VJ_PRINTF(2, 3);

vj_health vj_findings_worst(const vj_findings *all);
/* On standard output. */
void vj_findings_print(const vj_findings *all);
VJ_MUST_USE vj_status vj_findings_print_json(const vj_findings *all);

#endif
