/* `vjvcr list records` and `vjvcr describe record NAME`: what sweep.h5 holds, from framework/store/records and from the
 * descriptors of probes. */
#ifndef VJ_APP_RECORDS_H
#define VJ_APP_RECORDS_H

#include "analysis/output/row_writer.h"

VJ_MUST_USE vj_status vj_records_print(vj_format format);
/* `name`: of a variable, or a pattern. VJ_USAGE if there is no such record. */
VJ_MUST_USE vj_status vj_record_describe(const char *name);

#endif
