#include "app/verb.h"

#include <stdio.h>
#include <string.h>

#include "framework/config/nodes.h"

#define VJ_VERB(verb) extern const vj_verb verb;
#include "app/verbs.def"
#undef VJ_VERB

static const vj_verb *const verbs[] = {
#define VJ_VERB(verb) &verb,
#include "app/verbs.def"
#undef VJ_VERB
};

const vj_verb *vj_verb_at(int index) { return index < (int)VJ_COUNT(verbs) ? verbs[index] : NULL; }

bool vj_verb_is_in(const vj_verb *verb, const char *group) {
  const size_t length = strlen(group);
  return strncmp(verb->name, group, length) == 0 && verb->name[length] == ' ';
}

bool vj_verb_is_group(const char *word) {
  for (size_t i = 0; i < VJ_COUNT(verbs); i++)
    if (vj_verb_is_in(verbs[i], word)) return true;
  return false;
}

static vj_status there_is_none(int count, char *const *words) {
  const char *names[VJ_COUNT(verbs)];
  char hint[VJ_SUGGESTION_BYTES], both[128];
  int found = 0;
  for (size_t i = 0; i < VJ_COUNT(verbs); i++)
    if (vj_verb_is_in(verbs[i], words[0])) names[found++] = verbs[i]->name;
  if (found && (count < 2 || words[1][0] == '-'))
    return vj_fail(VJ_USAGE, "expected a second word behind \"%s\"%s", words[0],
                   vj_suggestion("", "verbs", names, found, hint));
  snprintf(both, sizeof both, "%s %s", words[0], found ? words[1] : "");
  if (found)
    return vj_fail(VJ_USAGE, "there is no verb \"%s\"%s", both, vj_suggestion(both, "verbs", names, found, hint));
  for (size_t i = 0; i < VJ_COUNT(verbs); i++) names[i] = verbs[i]->name;
  return vj_fail(VJ_USAGE, "there is no verb \"%s\"%s", words[0],
                 vj_suggestion(words[0], "verbs", names, VJ_COUNT(verbs), hint));
}

vj_status vj_verb_find(int count, char *const *words, const vj_verb **verb, int *used) {
  for (size_t i = 0; i < VJ_COUNT(verbs); i++) {
    *verb = verbs[i];
    const bool is_of_two = count > 1 && vj_verb_is_in(verbs[i], words[0]);
    *used = is_of_two ? 2 : 1;
    if (strcmp(is_of_two ? strchr(verbs[i]->name, ' ') + 1 : verbs[i]->name, words[*used - 1]) == 0) return VJ_OK;
  }
  *verb = NULL;
  return there_is_none(count, words);
}

bool vj_row_is_option(const vj_verb_row *row) { return row->name[0] == '-'; }

const char *vj_row_choice(const vj_verb_row *row, int index, char text[VJ_CHOICE_BYTES]) {
  if (row->choice_at) return row->choice_at(index);
  const char *at = row->choices;
  for (int i = 0; at && i < index; i++) {
    at = strchr(at, '|');
    if (at) at++;
  }
  if (at) snprintf(text, VJ_CHOICE_BYTES, "%.*s", (int)strcspn(at, "|"), at);
  return at ? text : NULL;
}
