/* One command: the words of a command line, read by the rows of a verb (verb.h) into values that the verb
 * asks for by the rows' names. Not collective. */
#ifndef VJ_APP_COMMAND_LINE_H
#define VJ_APP_COMMAND_LINE_H

#include <stdbool.h>

#include "framework/comm/comm.h"
#include "vj/memory.h"
#include "vj/param.h"

typedef struct vj_verb vj_verb;

typedef struct vj_command {
  const vj_verb *verb;
  const vj_comm *world;       /* NULL unless the verb uses MPI */
  vj_pool *pool;              /* for what shall live as long as it */
  int code;                   /* the exit code of success: 0, unless the verb sets another */
  struct vj_row_value *value; /* of each row */
  vj_text_list settings;      /* key=value in their order, with those of options that are short for one */
} vj_command;

/* Reads the words behind the verb's name; they are not copied. VJ_USAGE: a sentence that names the row. To be freed in
 * any case. */
VJ_MUST_USE vj_status vj_command_read(const vj_verb *verb, int count, char *const *words, vj_command *command);
void vj_command_free(vj_command *command);

/* A name that the verb has no row of, or one of another type, is a fault of the program. Without a value and without a
 * default: NULL, 0, -1 of a choice, an empty list. */
bool vj_command_has(const vj_command *command, const char *name); /* whether it was given; of all types */
const char *vj_command_text(const vj_command *command,
                            const char *name); /* as it was written; of all types but flags */
vj_text_list vj_command_texts(const vj_command *command, const char *name); /* of an argument with `several` */
int vj_command_choice(const vj_command *command, const char *name);         /* the index into the row's choices */
int64_t vj_command_count(const vj_command *command, const char *name);
double vj_command_number(const vj_command *command, const char *name); /* also of a duration, in seconds */
vj_integer_list vj_command_counts(const vj_command *command, const char *name);

/* The number of one of so many trials; VJ_USAGE with the sentence for what is none. */
VJ_MUST_USE vj_status vj_command_trial(const vj_command *command, const char *name, int64_t trials, int64_t *trial);

#endif
