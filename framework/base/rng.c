#include "vj/rng.h"

#include <Random123/philox.h>

#include "vj/elementary.h"

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
  double number;
  vj_rng_normals(rng, 1, &number);
  return number;
}

void vj_rng_normals(vj_rng *rng, int64_t count, double *numbers) {
  enum { BLOCK = 64 };
  double u[BLOCK], v[BLOCK], log_u[BLOCK], sine[BLOCK], cosine[BLOCK];
  for (int64_t begin = 0; begin < count; begin += BLOCK) {
    const int64_t size = begin + BLOCK < count ? BLOCK : count - begin;
    for (int64_t i = 0; i < size; i++) {
      u[i] = 1.0 - vj_rng_uniform(rng); /* (0, 1]: the logarithm stays finite */
      v[i] = 6.283185307179586 * vj_rng_uniform(rng);
    }
    vj_math_log_array(size, u, log_u);
    vj_math_sin_cos_array(size, v, sine, cosine);
    for (int64_t i = 0; i < size; i++) numbers[begin + i] = sqrt(-2.0 * log_u[i]) * cosine[i];
  }
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
