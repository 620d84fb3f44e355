/* What verbs say of themselves, to people. */
#ifndef VJ_APP_HELP_H
#define VJ_APP_HELP_H

#include <stdio.h>

#include "app/verb.h"

/* "vjvcr ls DIR [--format text|json|csv|md]"; with many options "vjvcr sweep FILE.yaml [key=value ...] [options]; see
 * `vjvcr sweep --help`". NULL when memory is out. */
const char *vj_help_usage(vj_pool *pool, const vj_verb *verb);

/* As wide as the terminal that shows stdout: all verbs, or those of a group ("data"); one verb. */
void vj_help_print_verbs(FILE *to, const char *group);
void vj_help_print_verb(FILE *to, const vj_verb *verb);
/* docs/commands.md: all verbs. */
void vj_help_print_markdown(FILE *to);

/* For these: a row as a synopsis has it, "[-o DIR]"; the value of an option, "DIR" or "text|json" ("" for a flag); the
 * default as help tells it, "" without one; bounds and unit, "0.1 to 86400 seconds", "" without. */
enum { VJ_HELP_BYTES = 256 };
void vj_help_print_synopsis(FILE *to, const char *before, const vj_verb *verb, int width); /* of all rows */
const char *vj_help_synopsis(const vj_verb_row *row, char text[VJ_HELP_BYTES]);
const char *vj_help_value(const vj_verb_row *row, char text[VJ_HELP_BYTES]);
const char *vj_help_default(const vj_verb_row *row);
const char *vj_help_bounds(const vj_verb_row *row, char text[VJ_HELP_BYTES]);

/* The exit codes of a verb, those of all verbs among them, by number; NULL past the end. */
const vj_verb_exit *vj_help_exit(const vj_verb *verb, int index);

#endif
