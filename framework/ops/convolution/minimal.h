/* Minimal filtering F(m,3) (Winograd 1980; Lavin and Gray 2015, arXiv 1509.09308): m sums of three taps from m + 2
 * products, y = A'[(G g)(B'd)], where d are m + 2 inputs, g the taps, and the product in the middle is number by
 * number. The same three matrices give dg = G'[(A dy)(B'd)]. Points 0, 1, -1, infinity for m = 2; 2 and -2 are added
 * for 3 and 4. Sums are of fused multiply-adds, in the order of the terms. */
#ifndef VJ_FRAMEWORK_OPS_CONVOLUTION_MINIMAL_H
#define VJ_FRAMEWORK_OPS_CONVOLUTION_MINIMAL_H

#include "vj/graph.h"

enum { VJ_TAPS = 3, VJ_MOST_POINTS = 6, VJ_MOST_TAPS = VJ_TAPS * VJ_TAPS };

typedef struct vj_minimal {
  int64_t tile, points;                       /* m, m + 2 */
  vj_real b[VJ_MOST_POINTS * VJ_MOST_POINTS]; /* B', [points,points] */
  vj_real a[VJ_MOST_POINTS * VJ_MOST_POINTS]; /* A', [tile,points] */
  vj_real g[VJ_MOST_POINTS * VJ_TAPS];        /* G, [points,3] */
} vj_minimal;

/* tile 2, 3 or 4 */
const vj_minimal *vj_minimal_of(int64_t tile);

/* What inputs go through before: activation(x scale[c] + shift[c]), c < channels. Rows outside the image have a scale
 * and a shift of zeros. */
typedef struct vj_minimal_map {
  const vj_real *scale[VJ_MOST_POINTS], *shift[VJ_MOST_POINTS];
  int64_t channels;
  bool relu;
} vj_minimal_map;

/* out[j][i] = (B' in)[j][i] for i < count, j < points; outs and ins do not overlap. With a map (else NULL) count is a
 * multiple of its channels. */
void vj_minimal_inputs(int64_t tile, const vj_minimal_map *map, const vj_real *const *in, vj_real *const *out,
                       int64_t count);
/* out[j][i] = (A' in)[j][i] for j < tile, of `rows` rows of `count` numbers, in rows in_pitch, out rows out_pitch
 * apart; bias [count] is added, if there is one. */
void vj_minimal_outputs(int64_t tile, const vj_real *const *in, int64_t in_pitch, vj_real *const *out,
                        int64_t out_pitch, const vj_real *bias, int64_t rows, int64_t count);
/* out[j][i] = (A in)[j][i] for i < count, j < points. */
void vj_minimal_gradients(int64_t tile, const vj_real *const *in, vj_real *const *out, int64_t count);
/* out = sum of factor[k] in[k], of the terms whose factor is not 0 and whose `in` is not NULL; 0 without any. */
void vj_minimal_sum(const vj_real *factor, int64_t stride, int64_t terms, const vj_real *const *in, vj_real *out,
                    int64_t count);

#endif
