/* Texts that occur many times, each kept once with a number. Not collective. */
#ifndef VJ_DATASETS_TABLES_WORDS_H
#define VJ_DATASETS_TABLES_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vj/memory.h"

typedef struct vj_words {
  vj_pool *pool;
  const char **at; /* in the order in which they came */
  int64_t count;
  size_t bytes; /* of all, with a 0 behind each */
  /* private */
  int64_t *slots; /* number of the word + 1; 0: free */
  int64_t slot_count;
} vj_words;

/* The number of a text, which is copied where it is new; -1 only when memory is out. `words` starts zeroed but for its
 * pool. */
int64_t vj_words_number(vj_words *words, const char *text);
/* All of them, one behind the other, into words->bytes bytes. */
void vj_words_copy(const vj_words *words, char *to);
/* Whether bytes read back, which may be damaged, are so many texts with a 0 behind each. */
bool vj_words_fit(const char *text, int64_t bytes, int64_t count);
/* A hash that goes on with a text. */
uint64_t vj_words_hash(uint64_t hash, const char *text);

#endif
