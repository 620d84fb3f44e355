#include "vj/rng.h"

#include <Random123/philox.h>

#include "framework/base/kernel.h"
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

/* [0, 1), of 53 bits. Two sums of exact numbers: AVX2 can't convert integers of 64 bits. */
static VJ_INLINE double unit_interval(uint32_t high, uint32_t low) {
  return (double)high * 0x1p-32 + (double)(low >> 11) * 0x1p-53;
}

double vj_rng_uniform(vj_rng *rng) {
  const uint32_t high = vj_rng_u32(rng);
  return unit_interval(high, vj_rng_u32(rng));
}

int64_t vj_rng_integer(vj_rng *rng, int64_t low, int64_t high) {
  const uint64_t range = (uint64_t)high - (uint64_t)low + 1;
  if (range == 0) return (int64_t)rng_u64(rng); /* all 64-bit numbers */
  const uint64_t reject_from = UINT64_MAX - UINT64_MAX % range;
  uint64_t draw = rng_u64(rng);
  while (draw >= reject_from) draw = rng_u64(rng);
  return (int64_t)((uint64_t)low + draw % range);
}

/* Box and Muller 1958. u is from (0, 1], so that the logarithm stays finite. */
static const double full_turn = 6.283185307179586;

double vj_rng_normal(vj_rng *rng) {
  const double u = 1.0 - vj_rng_uniform(rng);
  const double v = vj_rng_uniform(rng);
  return sqrt(-2.0 * vj_math_log(u)) * vj_math_cos(full_turn * v);
}

/* The uniforms of `count` blocks, from that of counter[0] on: the first two words make one, the others the other. */
VJ_KERNEL(uniform_pairs, (const vj_rng *rng, int64_t count, double *restrict first, double *restrict second),
          (rng, count, first, second)) {
  const philox4x32_key_t key = {{rng->key[0], rng->key[1]}};
  for (int64_t i = 0; i < count; i++) {
    const philox4x32_ctr_t counter = {
        {rng->counter[0] + (uint32_t)i, rng->counter[1], rng->counter[2], rng->counter[3]}};
    const philox4x32_ctr_t block = philox4x32(counter, key);
    first[i] = unit_interval(block.v[0], block.v[1]);
    second[i] = unit_interval(block.v[2], block.v[3]);
  }
}

void vj_rng_normals(vj_rng *rng, int64_t count, double *numbers) {
  enum { BLOCK = 128 };
  double u[BLOCK], v[BLOCK], log_u[BLOCK], sine[BLOCK], cosine[BLOCK];
  int64_t done = 0;
  while (done < count && rng->used != 4) numbers[done++] = vj_rng_normal(rng);
  for (int64_t begin = done; begin < count; begin += BLOCK) {
    const int64_t size = begin + BLOCK < count ? BLOCK : count - begin;
    uniform_pairs(rng, size, u, v);
    rng->counter[0] += (uint32_t)size;
    for (int64_t i = 0; i < size; i++) {
      u[i] = 1.0 - u[i];
      v[i] *= full_turn;
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
