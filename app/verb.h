/* Verbs: the commands of vjvcr. One `const` descriptor says everything about one; checking, help, docs/commands.md and
 * whatever else tells people or shells of the command line read it.
 *
 *   static vj_status head(vj_command *command) {
 *     const char *folder = vj_command_text(command, "DIR");
 *     const int64_t most = vj_command_count(command, "-n");
 *     ...
 *   }
 *
 *   static const vj_verb_row rows[] = {
 *       VJ_ROW_SWEEP,
 *       {"-n", VJ_VALUE_COUNT, .value = "K", .minimum = 1, .fallback = "10", .doc = "print so many trials"},
 *   };
 *   const vj_verb vj_verb_head = {
 *       .name = "head", .summary = "the first trials", .rows = rows, .row_count = VJ_COUNT(rows), .run = head};
 *
 * To add one: its file in app/, which ends like this, and its line in verbs.def.
 */
#ifndef VJ_APP_VERB_H
#define VJ_APP_VERB_H

#include "app/command_line.h"

typedef enum vj_value_type {
  VJ_VALUE_FLAG, /* an option without a value */
  VJ_VALUE_TEXT,
  VJ_VALUE_CHOICE,   /* of `choices`, or of those that `choice_at` lists */
  VJ_VALUE_COUNT,    /* a whole number */
  VJ_VALUE_NUMBER,   /* any number */
  VJ_VALUE_DURATION, /* 3h, 90m, 45s, 1h30m, 0; in seconds */
  VJ_VALUE_COUNTS,   /* `least` to `most` whole numbers, with `separator` between them */
  VJ_VALUE_SETTING,  /* key=value, as often as one likes */
  /* Texts; what they name is for those who complete a command line. */
  VJ_VALUE_FILE,      /* its ending as in the row's value or name: FILE.yaml */
  VJ_VALUE_FOLDER,    /* any */
  VJ_VALUE_SWEEP,     /* the folder of a sweep */
  VJ_VALUE_TRIAL,     /* the number of a trial of that sweep */
  VJ_VALUE_TRIALS,    /* trials of it: a number, an arm, key=value,... */
  VJ_VALUE_METRIC,    /* a variable of its sweep.h5 */
  VJ_VALUE_KIND,      /* of components, or a section of a configuration; without a dot, as files have one */
  VJ_VALUE_COMPONENT, /* without a dot, too */
  VJ_VALUE_VERB       /* a word of the name of a verb */
} vj_value_type;

/* An argument or an option. */
typedef struct vj_verb_row {
  const char *name; /* "DIR" of an argument; "--format" or "-o" of an option */
  vj_value_type type;
  const char *value;     /* what help calls the value of an option: "FILE.yaml"; NULL for a flag, or where choices do */
  const char *fallback;  /* the default, as one would write it, read as if it were given; NULL: none */
  const char *otherwise; /* what a verb takes without it, in words: "runs/<name>"; NULL: nothing worth a word */
  double minimum, maximum;             /* of numbers, both inclusive; maximum 0: no bound */
  const char *choices;                 /* "text|json" */
  const char *(*choice_at)(int index); /* NULL past the end */
  const char *(*choice_doc)(int index);
  const char *bare; /* of a choice: what the option means without a value; others are then given as --name=value */
  const char *sets; /* the option is short for the setting sets=value */
  const char *unit; /* of numbers, "seconds" */
  const char *doc;
  char separator;  /* of several numbers, */
  int least, most; /* and how many they are */
  bool optional;   /* of an argument: one may leave it out */
  bool several;    /* of the last argument, of texts: as often as one likes */
  bool required;   /* of an option: one may not */
} vj_verb_row;

typedef struct vj_verb_exit {
  int code;
  const char *doc;
} vj_verb_exit;

struct vj_verb {
  const char *name;        /* one word, or two: "data make" */
  const char *summary;     /* one line */
  const vj_verb_row *rows; /* arguments in their order, then options */
  size_t row_count;
  const char *notes;         /* paragraphs, each ended by a line end; NULL: none */
  const char *reads;         /* files and environment; NULL: nothing */
  const char *writes;        /* NULL: nothing but what is printed */
  const char *examples;      /* one a line; NULL: none */
  const vj_verb_exit *exits; /* beside those that all verbs have: 0, 1, 2 */
  size_t exit_count;
  bool uses_mpi; /* run() is collective over the command's world, and each rank returns the same status */
  /* Whoever calls it tells of a failure. */
  vj_status (*run)(vj_command *command);
};

/* --- rows that several verbs have -------------------------------------------------------------------------------- */

#define VJ_ROW_EXPERIMENT \
  { "FILE.yaml", VJ_VALUE_FILE, .doc = "the YAML file of an experiment" }
#define VJ_ROW_SETTINGS                                                                                               \
  {                                                                                                                   \
    "key=value", VJ_VALUE_SETTING,                                                                                    \
        .optional = true, .doc = "overrides one key of the file, e.g. optim.steps=500 model.encoder.channels=[16,32]" \
  }
#define VJ_ROW_SEED \
  { "--seed", VJ_VALUE_TEXT, .value = "N", .sets = "seed", .doc = "the same as seed=N" }
#define VJ_ROW_QUICK                                                                               \
  {                                                                                                \
    "--quick", VJ_VALUE_FLAG,                                                                      \
        .doc = "a smaller run: apply what stands under quick: in the file, add -quick to the name" \
  }
/* Of every verb that uses MPI. */
#define VJ_ROW_ALONE                                                                                                 \
  {                                                                                                                  \
    "--alone", VJ_VALUE_FLAG,                                                                                        \
        .doc = "run by itself, though a launcher says that it started several processes and MPI joined none of them" \
  }
#define VJ_ROW_SWEEP \
  { "DIR", VJ_VALUE_SWEEP, .doc = "the folder of a sweep" }
#define VJ_ROW_FORMAT                                                                                          \
  {                                                                                                            \
    "--format", VJ_VALUE_CHOICE, .choices = "text|json|csv|md", .fallback = "text",                            \
                                 .doc = "how to print; json and csv have all digits and the names of sweep.h5" \
  }
#define VJ_ROW_TEXT_OR_JSON \
  { "--format", VJ_VALUE_CHOICE, .choices = "text|json", .fallback = "text", .doc = "how to print" }

/* --- the table --------------------------------------------------------------------------------------------------- */

/* The i-th of verbs.def, NULL past the end. */
const vj_verb *vj_verb_at(int index);
/* The verb that the first words name, and how many they are; VJ_USAGE with a suggestion when there is none. */
VJ_MUST_USE vj_status vj_verb_find(int count, char *const *words, const vj_verb **verb, int *used);

/* Whether the verb is "<group> something"; whether any verb is. */
bool vj_verb_is_in(const vj_verb *verb, const char *group);
bool vj_verb_is_group(const char *word);

bool vj_row_is_option(const vj_verb_row *row);
/* The i-th choice of a row, in a buffer of that size or the table's own; NULL past the end. */
enum { VJ_CHOICE_BYTES = 64 };
const char *vj_row_choice(const vj_verb_row *row, int index, char text[VJ_CHOICE_BYTES]);

#endif
