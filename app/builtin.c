#include "app/builtin.h"

#include "vj/component.h"

#define VJ_BUILTIN(component) extern const vj_component component;
#include "app/builtin.def"
#undef VJ_BUILTIN

static const vj_component *const builtin[] = {
#define VJ_BUILTIN(component) &component,
#include "app/builtin.def"
#undef VJ_BUILTIN
};

vj_status vj_builtin_register(void) {
  for (size_t i = 0; i < VJ_COUNT(builtin); i++) VJ_TRY(vj_component_register(builtin[i]));
  return VJ_OK;
}
