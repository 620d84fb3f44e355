/* Memory that will be read soon is asked for while other work goes on, a piece at a time. Changes no result. */
#ifndef VJ_FRAMEWORK_BASE_PREFETCH_H
#define VJ_FRAMEWORK_BASE_PREFETCH_H

#include <stddef.h>

/* What is left of a range, and how much of it to ask for at once. */
typedef struct vj_prefetch {
  const char *at;
  size_t left, piece;
} vj_prefetch;

/* `bytes` from `from` on, in `pieces` calls of vj_prefetch_piece(). */
static inline vj_prefetch vj_prefetch_of(const void *from, size_t bytes, size_t pieces) {
  return (vj_prefetch){from, bytes, bytes / (pieces ? pieces : 1) + 64};
}

static inline void vj_prefetch_piece(vj_prefetch *p) {
  const size_t piece = p->left < p->piece ? p->left : p->piece;
  for (size_t i = 0; i < piece; i += 64) __builtin_prefetch(p->at + i, 0, 2); /* into the second cache */
  p->at += piece;
  p->left -= piece;
}

#endif
