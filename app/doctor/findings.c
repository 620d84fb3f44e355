#include "app/doctor/findings.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const healths[] = {"good", "doubtful", "bad"};

vj_finding *vj_find(vj_findings *all, const char *name, vj_health health, const char *format, ...) {
  if (all->count == VJ_FINDINGS_MOST) all->count--; /* the last one has to make room */
  vj_finding *fresh = &all->at[all->count++];
  *fresh = (vj_finding){.section = all->section, .name = name, .health = health};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(fresh->text, sizeof fresh->text, format, arguments);
  va_end(arguments);
  return fresh;
}

void vj_remedy(vj_finding *finding, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(finding->remedy, sizeof finding->remedy, format, arguments);
  va_end(arguments);
}

vj_health vj_findings_worst(const vj_findings *all) {
  vj_health worst = VJ_HEALTH_GOOD;
  for (int i = 0; i < all->count; i++)
    if (all->at[i].health > worst) worst = all->at[i].health;
  return worst;
}

static int count_of(const vj_findings *all, vj_health health) {
  int count = 0;
  for (int i = 0; i < all->count; i++) count += all->at[i].health == health;
  return count;
}

void vj_findings_print(const vj_findings *all) {
  static const char *const marks[] = {"  ", "? ", "! "};
  const int bad = count_of(all, VJ_HEALTH_BAD), doubtful = count_of(all, VJ_HEALTH_DOUBTFUL);
  int width = 0;
  for (int i = 0; i < all->count; i++) {
    const int length = (int)strlen(all->at[i].name);
    width = length > width ? length : width;
  }
  for (int i = 0; i < all->count; i++) {
    const vj_finding *f = &all->at[i];
    if (i == 0 || strcmp(f->section, all->at[i - 1].section) != 0) printf("%s%s\n", i ? "\n" : "", f->section);
    printf("%s%-*s  %s\n", marks[f->health], width, f->name, f->text);
    if (f->remedy[0]) printf("  %-*s  -> %s\n", width, "", f->remedy);
  }
  if (bad + doubtful == 0)
    printf("\nEverything is as it should be.\n");
  else
    printf("\n%d wrong (!), %d doubtful (?).\n", bad, doubtful);
}

vj_status vj_findings_print_json(const vj_findings *all) {
  json_t *list = json_array();
  for (int i = 0; i < all->count; i++) {
    const vj_finding *f = &all->at[i];
    json_array_append_new(list,
                          json_pack("{s:s, s:s, s:s, s:s, s:s*}", "section", f->section, "name", f->name, "health",
                                    healths[f->health], "text", f->text, "remedy", f->remedy[0] ? f->remedy : NULL));
  }
  json_t *whole = json_pack("{s:s, s:o}", "health", healths[vj_findings_worst(all)], "findings", list);
  const int failed = whole ? json_dumpf(whole, stdout, JSON_INDENT(1)) : -1;
  putchar('\n');
  json_decref(whole);
  return failed ? vj_fail(VJ_MEMORY, "no memory for the findings as JSON") : VJ_OK;
}
