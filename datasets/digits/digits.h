/* Digit images for the moving-digit data sets: drawn here, or read from the IDX files of MNIST. The room sees vj/...
 * alone; begin here, then builtin_digits.c (drawn) and idx.c (read).
 *
 * Everything a vj_digits points to is owned by the pool it was made in. Nothing here is collective. */
#ifndef VJ_DATASETS_DIGITS_DIGITS_H
#define VJ_DATASETS_DIGITS_DIGITS_H

#include <stdint.h>

#include "vj/dataset.h"
#include "vj/memory.h"

enum { VJ_DIGIT_SIDE = 28, VJ_DIGIT_PIXELS = VJ_DIGIT_SIDE * VJ_DIGIT_SIDE, VJ_DIGIT_CLASSES = 10 };

/* The digits of one split. */
typedef struct vj_digit_set {
  int64_t count;
  int64_t first;            /* number of the first one in its file: validation starts at 55,000 of MNIST's train file */
  const uint8_t *images;    /* [count,28,28], 0 paper to 255 ink; read them by vj_digit_image */
  const uint8_t *labels;    /* [count], 0..9 */
  struct vj_digit_pen *pen; /* draws the built-in ones, each when it is first asked for; NULL where all are there */
} vj_digit_set;

typedef struct vj_digits {
  vj_digit_set split[VJ_SPLITS];
} vj_digits;

/* One of them, [28,28]. Threads may ask at the same time. */
const uint8_t *vj_digit_image(const vj_digit_set *set, int64_t number);

/* --- built-in digits ----------------------------------------------------------------------------------------- */

/* The class of a built-in digit: number % 10, so every split is balanced. */
int vj_digit_class(int64_t number);

/* Draws one built-in digit with a pen: strokes of its class, warped, slanted and thickened at random; anti-aliased,
 * centred by its ink. A pure function of (split, number); compilers may differ by one grey level. */
void vj_digit_draw(vj_split split, int64_t number, uint8_t image[VJ_DIGIT_PIXELS]);

/* All built-in digits: 6,000 for training, 1,000 for validation, 1,000 for testing, drawn as they are needed. */
VJ_MUST_USE vj_status vj_digits_draw(vj_pool *pool, vj_digits *digits);

/* --- IDX files ----------------------------------------------------------------------------------------------- */

/* Reads MNIST, or a set of the same form, from a folder with the files train-images-idx3-ubyte,
 * train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, plain or with .gz. Training digits are
 * 0..54999 of the train files, validation digits 55000..59999, test digits 0..9999 of the t10k files.
 * VJ_DATA, naming the file and what was expected of it; VJ_IO where it can't be read. */
VJ_MUST_USE vj_status vj_digits_read(vj_pool *pool, const char *folder, vj_digits *digits);

/* Reads one IDX file to its end, checks it, and keeps its first images (28 x 28 bytes each) or labels, `most` of them
 * or all. `count` is how many the file has. Takes no more memory than what is kept. */
VJ_MUST_USE vj_status vj_idx_images(vj_pool *pool, const char *path, int64_t most, const uint8_t **images,
                                    int64_t *count);
VJ_MUST_USE vj_status vj_idx_labels(vj_pool *pool, const char *path, int64_t most, const uint8_t **labels,
                                    int64_t *count);

#endif
