/* Transposes, eight by eight in registers: packed weights and what is laid in pairs are made by them at every step. */
#include <string.h>

#include "framework/base/kernel.h"
#include "framework/ops/product/bf16.h"
#include "framework/ops/product/product.h"

#ifndef VJ_DOUBLE

enum { SIDE = 8 };
typedef uint32_t row __attribute__((vector_size(SIDE * sizeof(uint32_t))));

#define VJ_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

/* Words of four bytes, whatever they hold. */
static VJ_INLINE void transpose_square(const uint32_t *from, int64_t from_pitch, uint32_t *to, int64_t to_pitch) {
  row r[SIDE], s[SIDE];
  for (int i = 0; i < SIDE; i++) memcpy(&r[i], from + i * from_pitch, sizeof r[i]);
  for (int i = 0; i < SIDE; i += 2) { /* pairs of rows, word by word */
    s[i] = VJ_SHUFFLE(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    s[i + 1] = VJ_SHUFFLE(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < SIDE; i += 4) /* four rows, by two words */
    for (int k = 0; k < 2; k++) {
      r[i + 2 * k] = VJ_SHUFFLE(s[i + k], s[i + k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      r[i + 2 * k + 1] = VJ_SHUFFLE(s[i + k], s[i + k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int i = 0; i < 4; i++) { /* eight rows, by four words */
    s[i] = VJ_SHUFFLE(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    s[i + 4] = VJ_SHUFFLE(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
  for (int i = 0; i < SIDE; i++) memcpy(to + i * to_pitch, &s[i], sizeof s[i]);
}

static void transpose_words(const uint32_t *from, int64_t rows, int64_t columns, int64_t from_pitch, uint32_t *to,
                            int64_t to_pitch) {
  const int64_t whole_rows = rows / SIDE * SIDE, whole_columns = columns / SIDE * SIDE;
  for (int64_t j = 0; j < whole_columns; j += SIDE) /* writes go on where they ended */
    for (int64_t i = 0; i < whole_rows; i += SIDE)
      transpose_square(from + i * from_pitch + j, from_pitch, to + j * to_pitch + i, to_pitch);
  for (int64_t j = 0; j < columns; j++)
    for (int64_t i = j < whole_columns ? whole_rows : 0; i < rows; i++) to[j * to_pitch + i] = from[i * from_pitch + j];
}

void vj_transpose(const vj_real *from, int64_t rows, int64_t columns, int64_t from_pitch, vj_real *to,
                  int64_t to_pitch) {
  transpose_words((const uint32_t *)(const void *)from, rows, columns, from_pitch, (uint32_t *)(void *)to, to_pitch);
}

#else

void vj_transpose(const vj_real *from, int64_t rows, int64_t columns, int64_t from_pitch, vj_real *to,
                  int64_t to_pitch) {
  for (int64_t j = 0; j < columns; j++)
    for (int64_t i = 0; i < rows; i++) to[j * to_pitch + i] = from[i * from_pitch + j];
}

static void transpose_words(const uint32_t *from, int64_t rows, int64_t columns, int64_t from_pitch, uint32_t *to,
                            int64_t to_pitch) {
  for (int64_t j = 0; j < columns; j++)
    for (int64_t i = 0; i < rows; i++) to[j * to_pitch + i] = from[i * from_pitch + j];
}

#endif

void vj_bf16_transpose_pairs(const uint32_t *from, int64_t rows, int64_t columns, uint32_t *to, int64_t to_pitch) {
  transpose_words(from, rows, columns, columns, to, to_pitch);
}
