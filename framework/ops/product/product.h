/* The product of matrices: the only one that training computes, defined to the bit.
 *
 * Over pairs of matrices a_e [rows,depth] and b_e [depth,columns], e = 0, 1, .., all row-major with a pitch of their
 * own,
 *
 *   c[i,j] = fma(a_e[i,k], b_e[k,j], c[i,j])   for e in order, for k in order
 *
 * where c [rows,columns] begins as it is (`add`) or with zeros; vj_product_reference() is that sentence in C. Vectors
 * lie along the columns, never along a sum, so the bits are the same on every processor. A convolution's taps are
 * pairs; its strides are pitches. Sums over many thousand terms are taken in blocks and added in double by those who
 * ask for them.
 *
 * In bf16 both factors are rounded, a_e [rows,depth] as it lies, b_e in pairs of rows, [depth/2,columns,2]; sums and c
 * are float. Of each pair of terms the second comes first: c = fma(a[k+1], b[k+1], c), then fma(a[k], b[k], c).
 * Denormal factors and sums are zero. That is what processors with AVX512-BF16 do.
 *
 * Kernels come from LIBXSMM (Heinecke et al., SC16; Georganas et al., IPDPS 2020), which makes code for one shape and
 * for the path of vj_cpu_path(). It promises no order: each kernel is compared with the reference before it is used.
 * Where there is none, or it fails that, or the system forbids making code at run time, plain.c computes the same bits,
 * or dot_bf16.c where the processor has the instruction.
 *
 * Begin here, then product.c. Not collective; any thread.
 */
#ifndef VJ_FRAMEWORK_OPS_PRODUCT_PRODUCT_H
#define VJ_FRAMEWORK_OPS_PRODUCT_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vj/graph.h"

typedef struct vj_product_shape {
  int64_t rows, columns, depth;
  int64_t a_pitch, b_pitch, c_pitch; /* numbers from row to row as they lie in memory; of b in bf16, pairs */
  bool a_transposed;                 /* a_e lies as [depth,rows]; not in bf16 */
  bool add;                          /* to what stands in c */
  bool bf16;                         /* depth and a_pitch are even then */
} vj_product_shape;

/* A kernel for one shape; lives as long as the process, whoever asked for it first. */
typedef struct vj_product vj_product;

/* NULL without memory, in which case vj_error_message() has a sentence. Costs milliseconds the first time a shape is
 * asked for: plans keep what they got. */
const vj_product *vj_product_find(const vj_product_shape *shape);

/* Pair e is at a + a_at[e] and b + b_at[e], in bytes from the first number; c may not overlap them. With no pairs c is
 * zeros, or stays. */
void vj_product_run(const vj_product *product, int64_t pairs, const void *a, const uint64_t *a_at, const void *b,
                    const uint64_t *b_at, vj_real *c);

/* One pair: of the matrices themselves. */
void vj_product_once(const vj_product *product, const void *a, const void *b, vj_real *c);

/* The definition. */
void vj_product_reference(const vj_product_shape *shape, int64_t pairs, const void *a, const uint64_t *a_at,
                          const void *b, const uint64_t *b_at, vj_real *c);

/* c[i,j] += row[j], for a bias. */
void vj_add_row(const vj_real *row, int64_t rows, int64_t columns, vj_real *c, int64_t c_pitch);

/* to [columns,rows] = from [rows,columns]'. */
void vj_transpose(const vj_real *from, int64_t rows, int64_t columns, int64_t from_pitch, vj_real *to,
                  int64_t to_pitch);

/* How many kernels this process has, and how many of them are plain C. */
typedef struct vj_product_counts {
  int all, plain;
} vj_product_counts;
vj_product_counts vj_product_count(void);
/* Their shapes, the newest first; at most `capacity` are written. Returns how many there are. */
int vj_product_shapes(vj_product_shape *shapes, int capacity);
const char *vj_product_version(void);
/* "LIBXSMM 1.17 (AVX-512)", or why products are plain C. `text` may hold it. */
const char *vj_product_library(char text[128]);

#endif
