#include "framework/base/canonical_nan.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* By their bits, so that no compiler's options have a say. */
#define OF_TYPE(type, sign, infinity, quiet)                                                                          \
  static bool is_odd_##type(type bits) { return (bits & ~(type)(sign)) > (type)(infinity) && bits != (type)(quiet); } \
  static bool has_odd_##type(const void *values, int64_t count) {                                                     \
    const type *bits = values;                                                                                        \
    type odd = 0;                                                                                                     \
    for (int64_t i = 0; i < count; i++) odd |= is_odd_##type(bits[i]);                                                \
    return odd != 0;                                                                                                  \
  }                                                                                                                   \
  static void mend_##type(void *values, int64_t count) {                                                              \
    type *bits = values;                                                                                              \
    for (int64_t i = 0; i < count; i++)                                                                               \
      if (is_odd_##type(bits[i])) bits[i] = (type)(quiet);                                                            \
  }
OF_TYPE(uint32_t, 0x80000000u, 0x7f800000u, 0x7fc00000u)
OF_TYPE(uint64_t, 0x8000000000000000u, 0x7ff0000000000000u, 0x7ff8000000000000u)
#undef OF_TYPE

vj_status vj_canonical_nan(const void *values, int64_t count, size_t size, const void **written, void **copy) {
  const bool is_float = size == sizeof(uint32_t);
  *written = values;
  *copy = NULL;
  if (!(is_float ? has_odd_uint32_t : has_odd_uint64_t)(values, count)) return VJ_OK;
  *copy = malloc((size_t)count * size);
  if (!*copy) return vj_fail(VJ_MEMORY, "no memory for %lld numbers with NaN among them", (long long)count);
  memcpy(*copy, values, (size_t)count * size);
  (is_float ? mend_uint32_t : mend_uint64_t)(*copy, count);
  *written = *copy;
  return VJ_OK;
}
