/* Whole numbers in files, the lowest byte first, whatever the processor's own order. */
#ifndef VJ_BYTES_H
#define VJ_BYTES_H

#include <stdint.h>

/* The low `count` bytes of a number, 1 to 8. */
static inline void vj_put_little(unsigned char *to, uint64_t number, int count) {
  for (int i = 0; i < count; i++) to[i] = (unsigned char)(number >> 8 * i);
}

static inline uint64_t vj_get_little(const unsigned char *from, int count) {
  uint64_t number = 0;
  for (int i = 0; i < count; i++) number |= (uint64_t)from[i] << 8 * i;
  return number;
}

#endif
