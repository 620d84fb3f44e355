#include <stdio.h>
#include <string.h>

#include "framework/config/nodes.h"
#include "framework/config/yaml/yaml.h"

enum { LONGEST_WORD = 63, NAMES_SHOWN = 16 };

static int least(int a, int b) { return a < b ? a : b; }

/* Edits that turn one word into the other: insert, delete, replace, swap two neighbours (Damerau 1964, in the
 * restricted form that edits no place twice). */
static int distance(const char *a, const char *b) {
  const int rows = (int)strlen(a), columns = (int)strlen(b);
  int before[LONGEST_WORD + 1] = {0}, above[LONGEST_WORD + 1] = {0}, row[LONGEST_WORD + 1] = {0};
  for (int j = 0; j <= columns; j++) above[j] = j;
  for (int i = 1; i <= rows; i++) {
    row[0] = i;
    for (int j = 1; j <= columns; j++) {
      row[j] = least(above[j - 1] + (a[i - 1] != b[j - 1]), least(above[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = least(row[j], before[j - 2] + 1);
    }
    memcpy(before, above, sizeof before);
    memcpy(above, row, sizeof above);
  }
  return above[columns];
}

const char *vj_closest(const char *word, const char *const *names, int64_t count) {
  const int length = (int)strnlen(word, LONGEST_WORD + 1);
  if (length > LONGEST_WORD) return NULL;
  /* Up to a third of the word may be wrong, but never all of it. */
  int allowed = length < 2 ? 0 : length < 6 ? 1 : least(length / 3, 3);
  const char *closest = NULL;
  for (int64_t i = 0; i < count; i++) {
    if (strnlen(names[i], LONGEST_WORD + 1) > LONGEST_WORD) continue;
    const int edits = distance(word, names[i]);
    if (edits > allowed) continue;
    closest = names[i];
    allowed = edits - 1;
  }
  return closest;
}

const char *vj_suggestion(const char *word, const char *many, const char *const *names, int64_t count,
                          char text[VJ_SUGGESTION_BYTES]) {
  const size_t size = VJ_SUGGESTION_BYTES;
  const char *closest = vj_closest(word, names, count);
  if (closest) {
    snprintf(text, size, "; did you mean \"%s\"?", closest);
  } else if (count == 0) {
    snprintf(text, size, "; there are no %s", many);
  } else {
    size_t used = (size_t)snprintf(text, size, "; %s are ", many);
    for (int64_t i = 0; i < count && i < NAMES_SHOWN && used < size; i++)
      used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", names[i]);
    if (count > NAMES_SHOWN && used < size) snprintf(text + used, size - used, ", ...");
  }
  return text;
}
