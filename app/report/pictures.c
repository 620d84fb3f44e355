#include "report/page.h"
vj_status vj_section_pictures(vj_page *page) {
  (void)page;
  return VJ_OK;
}
