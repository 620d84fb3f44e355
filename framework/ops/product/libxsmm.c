/* Kernels that LIBXSMM makes at run time. It counts columns first, so our rows are its columns, our b its A. */
#include <libxsmm.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "framework/base/cpu.h"
#include "framework/ops/product/kernels.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool forbidden; /* the system does not let a process make code */

/* Where a block of columns is one vector of AVX-512 and has few rows, LIBXSMM (1.17) splits sums over several
 * registers, which gives other bits. Blocks have 64 columns, and the last what is left: if that is one vector, 32 of
 * the block before it go along. Its code for AVX2 never splits a sum. */
enum { BLOCK = 64, VECTOR = 16, FEW_ROWS = 12 };

int64_t vj_product_columns_at_once(const vj_product_shape *s) {
  const int64_t last = (s->columns - 1) % BLOCK + 1;
  const bool one_vector = last <= VECTOR && s->columns > BLOCK;
  return vj_cpu_path() >= VJ_CPU_AVX512 && one_vector ? s->columns - last - BLOCK / 2 : s->columns;
}

/* Security modules may forbid it. */
static bool may_make_code(void) {
  enum { PAGE = 4096 };
  void *page = NULL;
  if (posix_memalign(&page, PAGE, PAGE) != 0) return false;
  const bool may = mprotect(page, PAGE, PROT_READ | PROT_EXEC) == 0;
  const bool back = mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0;
  if (back) free(page);
  return may;
}

static void set_up(void) {
  libxsmm_init();
  forbidden = !may_make_code();
}

const char *vj_product_version(void) { return LIBXSMM_VERSION; }

const char *vj_product_library(char text[128]) {
  pthread_once(&once, set_up);
  if (forbidden)
    snprintf(text, 128, "plain C: this system forbids making code at run time");
  else
    snprintf(text, 128, "LIBXSMM %s (%s)", LIBXSMM_VERSION, vj_cpu_path_name(vj_cpu_path()));
  return text;
}

#ifdef VJ_DOUBLE
vj_generated vj_product_generate(const vj_product_shape *shape) {
  (void)shape;
  return NULL;
}
#else
static int target_of(vj_cpu path) {
  switch (path) {
    case VJ_CPU_AVX512_BF16:
      return LIBXSMM_X86_AVX512_CPX;
    case VJ_CPU_AVX512:
      return LIBXSMM_X86_AVX512_CORE;
    default:
      return LIBXSMM_X86_AVX2;
  }
}

static bool splits_sums(const vj_product_shape *s) { return s->columns <= VECTOR && s->rows < FEW_ROWS; }

vj_generated vj_product_generate(const vj_product_shape *s) {
  pthread_once(&once, set_up);
  if (forbidden || s->depth == 0) return NULL;
  /* A pitch means nothing for a single row, but LIBXSMM looks at it. */
  const int64_t a_rows = s->a_transposed ? s->depth : s->rows, a_width = s->a_transposed ? s->rows : s->depth;
  const int64_t a_pitch = a_rows == 1 ? a_width : s->a_pitch, b_pitch = s->depth == 1 ? s->columns : s->b_pitch;
  const int64_t c_pitch = s->rows == 1 ? s->columns : s->c_pitch, most = 1 << 30;
  if (a_pitch < a_width || a_pitch > most || b_pitch > most || c_pitch > most || s->rows > most) return NULL;
  const libxsmm_blasint lda = (libxsmm_blasint)b_pitch, ldb = (libxsmm_blasint)a_pitch, ldc = (libxsmm_blasint)c_pitch;
  const float alpha = 1, beta = s->add ? 1 : 0;
  const libxsmm_blasint m = (libxsmm_blasint)s->columns, n = (libxsmm_blasint)s->rows, k = (libxsmm_blasint)s->depth;
  libxsmm_set_target_archid(target_of(vj_cpu_path()));
  vj_generated kernel = NULL; /* the same function without its open list of arguments */
  if (s->bf16) {
    const int flags = LIBXSMM_GEMM_FLAG_VNNI_A;
    if (vj_cpu_path() < VJ_CPU_AVX512_BF16) return NULL; /* what LIBXSMM does instead has other bits */
    libxsmm_bsmmfunction_reducebatch_offs made =
        libxsmm_bsmmdispatch_reducebatch_offs(m, n, k, &lda, &ldb, &ldc, &alpha, &beta, &flags, NULL);
    memcpy(&kernel, &made, sizeof made);
  } else {
    if (splits_sums(s)) libxsmm_set_target_archid(target_of(VJ_CPU_AVX2));
    const int flags = s->a_transposed ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
    libxsmm_smmfunction_reducebatch_offs made =
        libxsmm_smmdispatch_reducebatch_offs(m, n, k, &lda, &ldb, &ldc, &alpha, &beta, &flags, NULL);
    memcpy(&kernel, &made, sizeof made);
  }
  return kernel;
}
#endif
