#include "vj/rng.h"

#include <Random123/philox.h>
#include <math.h>

vj_rng vj_rng_stream(uint64_t seed, vj_purpose purpose, uint32_t a, uint64_t b) {
  /* The purpose is mixed into the key's upper half; block numbers count in counter[0]. */
  return (vj_rng){.counter = {0, a, (uint32_t)b, (uint32_t)(b >> 32)},
                  .key = {(uint32_t)seed, (uint32_t)(seed >> 32) ^ ((uint32_t)purpose << 24)},
                  .used = 4};
}

uint32_t vj_rng_u32(vj_rng *rng) {
  if (rng->used == 4) {
    const philox4x32_ctr_t counter = {{rng->counter[0], rng->counter[1], rng->counter[2], rng->counter[3]}};
    const philox4x32_key_t key = {{rng->key[0], rng->key[1]}};
    const philox4x32_ctr_t block = philox4x32(counter, key);
    for (int i = 0; i < 4; i++) rng->word[i] = block.v[i];
    rng->counter[0]++;
    rng->used = 0;
  }
  return rng->word[rng->used++];
}

static uint64_t rng_u64(vj_rng *rng) {
  const uint64_t high = vj_rng_u32(rng);
  return high << 32 | vj_rng_u32(rng);
}

double vj_rng_uniform(vj_rng *rng) { return (double)(rng_u64(rng) >> 11) * 0x1.0p-53; }

int64_t vj_rng_integer(vj_rng *rng, int64_t low, int64_t high) {
  const uint64_t range = (uint64_t)high - (uint64_t)low + 1;
  if (range == 0) return (int64_t)rng_u64(rng); /* all 64-bit numbers */
  const uint64_t reject_from = UINT64_MAX - UINT64_MAX % range;
  uint64_t draw = rng_u64(rng);
  while (draw >= reject_from) draw = rng_u64(rng);
  return (int64_t)((uint64_t)low + draw % range);
}

double vj_rng_normal(vj_rng *rng) {
  const double u = 1.0 - vj_rng_uniform(rng); /* (0, 1]: the logarithm stays finite */
  const double v = vj_rng_uniform(rng);
  return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

void vj_rng_permutation(vj_rng *rng, int64_t n, int64_t *order) {
  for (int64_t i = 0; i < n; i++) {
    const int64_t j = vj_rng_integer(rng, 0, i);
    order[i] = order[j];
    order[j] = i;
  }
}

uint64_t vj_hash_text(const char *text) {
  uint64_t hash = 14695981039346656037u;
  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211u;
  return hash;
}
