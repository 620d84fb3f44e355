/* Counter-based random numbers: Philox4x32-10 (Salmon et al., SC'11), by the Random123 library.
 *
 * A stream is named by (seed, purpose, a, b): the same name gives the same numbers on any rank, thread or
 * machine, and no state needs saving. `a` is usually a step, epoch or split, `b` a global sample number.
 *
 *   vj_rng rng = vj_rng_stream(seed, VJ_RNG_DATA, (uint32_t)split, (uint64_t)number);    a data set's sample
 *   const double x = vj_rng_uniform(&rng);
 *
 * Nothing here fails, allocates, or is collective. A vj_rng is a plain struct: copy it, drop it.
 */
#ifndef VJ_RNG_H
#define VJ_RNG_H

#include <stdint.h>

/* What a stream is drawn for; never renumber: numbers are part of every recorded result. */
typedef enum vj_purpose {
  VJ_RNG_INIT = 1,        /* parameter initialisation: a = hash of the parameter's name */
  VJ_RNG_SHUFFLE = 2,     /* order of samples: a = epoch */
  VJ_RNG_DATA = 3,        /* making a sample: a = split, b = sample number */
  VJ_RNG_DIGIT = 4,       /* drawing a built-in digit: a = split, b = digit number */
  VJ_RNG_NOISE = 5,       /* noise inside the model: a = step, b = sample number */
  VJ_RNG_SWEEP = 6,       /* search spaces: a = sampled parameter, b = sample */
  VJ_RNG_TEST = 7,        /* tests and benchmarks */
  VJ_RNG_ANALYSIS = 8,    /* bootstrap samples and trees of a report: a = which of them, b = its number */
  VJ_RNG_PROBE = 9,       /* probes: a = what for, b = row, weight, step or draw. Seed 0: the same for all trials */
  VJ_RNG_BACKGROUND = 10, /* what is behind a sample's objects: a = split, b = sample number */
  VJ_RNG_SEARCH = 11      /* suggestions of a search: a = what for, b = number of the suggestion and of the draw */
} vj_purpose;

typedef struct vj_rng {
  uint32_t counter[4];
  uint32_t key[2];
  uint32_t word[4]; /* words of the current block not yet given out */
  int used;
} vj_rng;

/* seed and purpose make the key; a (32 bits) and b (64 bits) the upper counter words. */
vj_rng vj_rng_stream(uint64_t seed, vj_purpose purpose, uint32_t a, uint64_t b);

/* 32 random bits. */
uint32_t vj_rng_u32(vj_rng *rng);
/* Uniform on [0, 1), 53 bits. */
double vj_rng_uniform(vj_rng *rng);
/* Uniform integer on [low, high], without bias. */
int64_t vj_rng_integer(vj_rng *rng, int64_t low, int64_t high);
/* Standard normal (Box-Muller; two uniforms a number, so that every call draws alike). */
double vj_rng_normal(vj_rng *rng);
/* Those that `count` calls of vj_rng_normal give, in less time. */
void vj_rng_normals(vj_rng *rng, int64_t count, double *numbers);
/* A permutation of 0..n-1 (Fisher-Yates). */
void vj_rng_permutation(vj_rng *rng, int64_t n, int64_t *order);

/* FNV-1a of a name, for streams and stable identities. */
uint64_t vj_hash_text(const char *text);

#endif
