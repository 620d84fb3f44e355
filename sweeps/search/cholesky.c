#include "sweeps/search/cholesky.h"

#include <math.h>
#include <string.h>

#include "framework/base/kernel.h"

enum { ROWS = 4, COLUMNS = VJ_CHOLESKY_MULTIPLE };

static VJ_INLINE void subtract_row(int64_t count, double by, const double *restrict row, double *restrict from) {
  for (int64_t i = 0; i < count; i++) from[i] = __builtin_fma(-by, row[i], from[i]);
}

/* What the rows above have in a tile of ROWS x COLUMNS of the upper triangle. */
static VJ_INLINE void subtract_rows_above(int64_t size, int64_t row, int64_t column, double *restrict a) {
  double sum[ROWS][COLUMNS];
  for (int r = 0; r < ROWS; r++)
    for (int c = 0; c < COLUMNS; c++) sum[r][c] = a[(row + r) * size + column + c];
  for (int64_t k = 0; k < row; k++) {
    const double *left = a + k * size + row, *above = a + k * size + column;
    for (int r = 0; r < ROWS; r++)
      for (int c = 0; c < COLUMNS; c++) sum[r][c] = __builtin_fma(-left[r], above[c], sum[r][c]);
  }
  for (int r = 0; r < ROWS; r++)
    for (int c = 0; c < COLUMNS; c++) a[(row + r) * size + column + c] = sum[r][c];
}

VJ_KERNEL(factor_upper, (int64_t size, double least, double *restrict a), (size, least, a)) {
  for (int64_t row = 0; row < size; row += ROWS) {
    for (int64_t column = row / COLUMNS * COLUMNS; column < size; column += COLUMNS)
      subtract_rows_above(size, row, column, a);
    for (int64_t j = row; j < row + ROWS; j++) {
      for (int64_t k = row; k < j; k++) subtract_row(size - j, a[k * size + j], a + k * size + j, a + j * size + j);
      const double pivot = sqrt(fmax(a[j * size + j], least));
      a[j * size + j] = pivot;
      for (int64_t i = j + 1; i < size; i++) a[j * size + i] /= pivot;
    }
  }
}

void vj_search_cholesky_factor(int64_t size, double least, double *a) {
  factor_upper(size, least, a);
  for (int64_t i = 0; i < size; i++)
    for (int64_t j = 0; j < i; j++) a[i * size + j] = a[j * size + i];
}

VJ_KERNEL(forward, (int64_t size, const double *restrict a, double *restrict b), (size, a, b)) {
  for (int64_t j = 0; j < size; j++) {
    b[j] /= a[j * size + j];
    subtract_row(size - j - 1, b[j], a + j * size + j + 1, b + j + 1);
  }
}

VJ_KERNEL(backward, (int64_t size, const double *restrict a, double *restrict b), (size, a, b)) {
  for (int64_t j = size - 1; j >= 0; j--) {
    b[j] /= a[j * size + j];
    subtract_row(j, b[j], a + j * size, b);
  }
}

VJ_KERNEL(forward_many, (int64_t size, const double *restrict a, int64_t columns, double *restrict b),
          (size, a, columns, b)) {
  for (int64_t j = 0; j < size; j++) {
    for (int64_t c = 0; c < columns; c++) b[j * columns + c] /= a[j * size + j];
    for (int64_t i = j + 1; i < size; i++) subtract_row(columns, a[j * size + i], b + j * columns, b + i * columns);
  }
}

/* The inverse of L row by row, whose numbers behind the diagonal are 0, and then its product with itself. */
VJ_KERNEL(invert, (int64_t size, const double *restrict a, double *restrict work, double *restrict inverse),
          (size, a, work, inverse)) {
  for (int64_t j = 0; j < size; j++) {
    for (int64_t c = 0; c <= j; c++) work[j * size + c] /= a[j * size + j];
    for (int64_t i = j + 1; i < size; i++) subtract_row(j + 1, a[j * size + i], work + j * size, work + i * size);
  }
  for (int64_t k = 0; k < size; k++)
    for (int64_t i = 0; i <= k; i++) subtract_row(i + 1, -work[k * size + i], work + k * size, inverse + i * size);
}

void vj_search_cholesky_forward(int64_t size, const double *a, double *b) { forward(size, a, b); }
void vj_search_cholesky_backward(int64_t size, const double *a, double *b) { backward(size, a, b); }

void vj_search_cholesky_forward_many(int64_t size, const double *a, int64_t columns, double *b) {
  forward_many(size, a, columns, b);
}

void vj_search_cholesky_inverse(int64_t size, const double *a, double *work, double *inverse) {
  memset(work, 0, (size_t)(size * size) * sizeof *work);
  memset(inverse, 0, (size_t)(size * size) * sizeof *inverse);
  for (int64_t i = 0; i < size; i++) work[i * size + i] = 1;
  invert(size, a, work, inverse);
}
