#include "datasets/tables/words.h"

#include <string.h>

#include "vj/rng.h"

/* Where a text is, or would be. */
static int64_t *slot_of(const vj_words *w, const char *text) {
  uint64_t place = vj_hash_text(text);
  for (place ^= place >> 32;; place++) {
    int64_t *const slot = &w->slots[place % (uint64_t)w->slot_count];
    if (*slot == 0 || strcmp(w->at[*slot - 1], text) == 0) return slot;
  }
}

/* At most half of the slots are taken. */
static bool make_room(vj_words *w) {
  if (2 * (w->count + 1) <= w->slot_count) return true;
  w->slot_count = w->slot_count ? 2 * w->slot_count : 64;
  w->slots = vj_pool_take(w->pool, (size_t)w->slot_count * sizeof *w->slots);
  for (int64_t i = 0; w->slots && i < w->count; i++) *slot_of(w, w->at[i]) = i + 1;
  return w->slots != NULL;
}

int64_t vj_words_number(vj_words *w, const char *text) {
  if (!make_room(w)) return -1;
  int64_t *const slot = slot_of(w, text);
  if (*slot) return *slot - 1;
  const char *const own = vj_pool_text(w->pool, text);
  if (!own || !vj_pool_grow(w->pool, &w->at, w->count, sizeof *w->at)) return -1;
  w->at[w->count++] = own;
  w->bytes += strlen(own) + 1;
  *slot = w->count;
  return w->count - 1;
}

void vj_words_copy(const vj_words *w, char *to) {
  for (int64_t i = 0; i < w->count; i++) {
    const size_t bytes = strlen(w->at[i]) + 1;
    memcpy(to, w->at[i], bytes);
    to += bytes;
  }
}

bool vj_words_fit(const char *text, int64_t bytes, int64_t count) {
  int64_t ends = 0;
  for (int64_t i = 0; i < bytes; i++) ends += text[i] == 0;
  return ends == count && (bytes == 0 || text[bytes - 1] == 0);
}

uint64_t vj_words_hash(uint64_t hash, const char *text) {
  return (hash ^ vj_hash_text(text)) * UINT64_C(0x9e3779b97f4a7c15);
}
