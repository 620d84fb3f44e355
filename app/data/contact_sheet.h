/* The picture that `vjvcr data inspect --sheet` draws. */
#ifndef VJ_APP_DATA_CONTACT_SHEET_H
#define VJ_APP_DATA_CONTACT_SHEET_H

#include "app/data/data_set.h"

/* A contact sheet: a row for each of some videos, with its name, the labels of the clip that begins with its first
 * frame, and frames from its beginning to its end. */
VJ_MUST_USE vj_status vj_inspect_sheet(const vj_data_set *set, const char *path);

#endif
