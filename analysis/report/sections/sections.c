#include "analysis/report/sections/sections.h"

#define VJ_SECTION(section) extern const vj_section section;
#include "analysis/report/sections/sections.def"
#undef VJ_SECTION

const vj_section *const vj_sections[] = {
#define VJ_SECTION(section) &section,
#include "analysis/report/sections/sections.def"
#undef VJ_SECTION
    NULL};
