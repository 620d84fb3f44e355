#include "app/bench/peak.h"

#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "framework/base/cpu.h"
#include "framework/base/kernel.h"
#include "framework/base/threads.h"
#include "vj/memory.h"

enum { CHAINS = 12, ROUNDS = 200000, TRIES = 60 };

/* --- products -------------------------------------------------------------------------------------------------- */

/* A loop does ROUNDS times CHAINS fused multiply-adds of so many numbers each: more chains than an instruction takes
 * cycles times the two that start in one, and all of them in registers, of which AVX2 has 16. What it returns keeps
 * compilers from leaving it out. */
#if defined(__x86_64__)

#include <immintrin.h>

enum { AVX2_NUMBERS = 8, AVX512_NUMBERS = 16, BF16_NUMBERS = 32 };

#define CHAIN_LOOP(vector, start, next, add)        \
  vector c[CHAINS];                                 \
  for (int j = 0; j < CHAINS; j++) c[j] = (start);  \
  for (int i = 0; i < ROUNDS; i++)                  \
    for (int j = 0; j < CHAINS; j++) c[j] = (next); \
  for (int j = 1; j < CHAINS; j++) c[0] = add(c[0], c[j]);

static float run_avx2(const float *start) {
  const __m256 x = _mm256_loadu_ps(start), y = _mm256_loadu_ps(start + 16);
  CHAIN_LOOP(__m256, y, _mm256_fmadd_ps(c[j], x, y), _mm256_add_ps)
  return _mm256_cvtss_f32(c[0]);
}

VJ_WIDE static float run_avx512(const float *start) {
  const __m512 x = _mm512_loadu_ps(start), y = _mm512_loadu_ps(start + 16);
  CHAIN_LOOP(__m512, y, _mm512_fmadd_ps(c[j], x, y), _mm512_add_ps)
  return _mm512_cvtss_f32(c[0]);
}

__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) static float run_bf16(const float *start) {
  const __m512 x = _mm512_loadu_ps(start), y = _mm512_loadu_ps(start + 16);
  const __m512bh pairs = _mm512_cvtne2ps_pbh(x, x);
  CHAIN_LOOP(__m512, y, _mm512_dpbf16_ps(c[j], pairs, pairs), _mm512_add_ps)
  return _mm512_cvtss_f32(c[0]);
}

#else

enum { PLAIN_NUMBERS = 4 };

static float run_plain(const float *start) {
  float chains[CHAINS * PLAIN_NUMBERS], sum = 0;
  for (int j = 0; j < CHAINS * PLAIN_NUMBERS; j++) chains[j] = start[16];
  for (int i = 0; i < ROUNDS; i++)
    for (int j = 0; j < CHAINS * PLAIN_NUMBERS; j++) chains[j] = fmaf(chains[j], start[j % PLAIN_NUMBERS], start[16]);
  for (int j = 0; j < CHAINS * PLAIN_NUMBERS; j++) sum += chains[j];
  return sum;
}

#endif

/* GFLOP/s of all threads, each running `loop`; the best of several. */
static double rate(float (*loop)(const float *), int numbers) {
  const int threads = vj_threads();
  float start[32];
  double best = 0;
  volatile float sink = 0;
  for (int i = 0; i < 32; i++) start[i] = i < 16 ? 0.5F : 1.0F; /* chains stay between 1 and 2 */
  for (int k = 0; k < TRIES; k++) {
    float sum = 0;
    const double began = omp_get_wtime();
#pragma omp parallel num_threads(threads) reduction(+ : sum)
    sum += loop(start);
    const double seconds = omp_get_wtime() - began;
    best = fmax(best, 2.0 * numbers * CHAINS * ROUNDS * threads / seconds / 1e9);
    sink = sink + sum;
  }
  return best;
}

void vj_peak_measure_products(vj_peak *peak) {
#if defined(__x86_64__)
  const vj_cpu path = vj_cpu_path();
  if (path == VJ_CPU_AVX2)
    peak->fma = fmax(peak->fma, rate(run_avx2, AVX2_NUMBERS));
  else
    peak->fma = fmax(peak->fma, rate(run_avx512, AVX512_NUMBERS));
  if (path == VJ_CPU_AVX512_BF16) peak->bf16 = fmax(peak->bf16, rate(run_bf16, BF16_NUMBERS));
#else
  peak->fma = fmax(peak->fma, rate(run_plain, PLAIN_NUMBERS));
#endif
}

/* --- memory ---------------------------------------------------------------------------------------------------- */

enum { ARRAYS = 3 };
static const int64_t least_bytes = (int64_t)96 << 20, most_bytes = (int64_t)1 << 30;

VJ_KERNEL(copy, (float *restrict a, const float *restrict b, int64_t count), (a, b, count)) {
  for (int64_t i = 0; i < count; i++) a[i] = b[i];
}

VJ_KERNEL(triad, (float *restrict a, const float *restrict b, const float *restrict c, int64_t count),
          (a, b, c, count)) {
  for (int64_t i = 0; i < count; i++) a[i] = b[i] + 3 * c[i];
}

/* Numbers in each array of a thread, so that all arrays take four times the last cache. */
static int64_t numbers_of_array(int threads) {
  int64_t bytes = 4 * (int64_t)sysconf(_SC_LEVEL3_CACHE_SIZE);
  bytes = bytes < least_bytes ? least_bytes : bytes > most_bytes ? most_bytes : bytes;
  return bytes / (int64_t)sizeof(float) / ARRAYS / threads / 16 * 16;
}

vj_status vj_peak_measure_memory(vj_peak *peak) {
  const int threads = vj_threads();
  const int64_t count = numbers_of_array(threads);
  float *all = NULL;
  VJ_TRY(vj_allocate((size_t)(ARRAYS * count * threads), sizeof *all, "memory's bandwidth", &all));
  for (int k = -1; k < TRIES; k++) { /* at first, every thread touches its own */
    const bool three = k & 1;
    const double began = omp_get_wtime();
#pragma omp parallel num_threads(threads)
    {
      float *mine = all + ARRAYS * count * omp_get_thread_num();
      if (three)
        triad(mine, mine + count, mine + 2 * count, count);
      else
        copy(mine, mine + count, count);
    }
    const double seconds = omp_get_wtime() - began, bytes = (double)sizeof(float) * (three ? 3 : 2) * (double)count;
    if (k >= 0) peak->memory = fmax(peak->memory, bytes * threads / seconds / 1e9);
  }
  free(all);
  return VJ_OK;
}
