/* Sums over many numbers in an order that no width of vectors changes: term i goes to lane i % 16, in order, and the
 * lanes are added as a binary tree. Compilers make vectors of the lanes; without them the sum is the same.
 *
 *   VJ_LANE_SUM(double, square, i, count, (double)x[i] * (double)x[i]);
 *
 * declares `const double square`. Where sums are hot it stands inside VJ_KERNEL (framework/base/kernel.h). */
#ifndef VJ_FRAMEWORK_BASE_LANES_H
#define VJ_FRAMEWORK_BASE_LANES_H

#include <stdint.h>

enum { VJ_SUM_LANES = 16 };

/* Of term(i) for i from 0 to count - 1: `operation` makes a lane of the lane and the term. */
#define VJ_IN_LANES(name, i, count, operation)                                 \
  int64_t name##_begin = 0;                                                    \
  for (; name##_begin + VJ_SUM_LANES <= (count); name##_begin += VJ_SUM_LANES) \
    for (int name##_at = 0; name##_at < VJ_SUM_LANES; name##_at++) {           \
      const int64_t i = name##_begin + name##_at;                              \
      operation;                                                               \
    }                                                                          \
  for (int name##_at = 0; name##_begin + name##_at < (count); name##_at++) {   \
    const int64_t i = name##_begin + name##_at;                                \
    operation;                                                                 \
  }

#define VJ_LANE_SUM(type, name, i, count, term)                               \
  type name##_lane[VJ_SUM_LANES] = {0};                                       \
  VJ_IN_LANES(name, i, count, name##_lane[name##_at] += (term))               \
  for (int name##_half = VJ_SUM_LANES / 2; name##_half > 0; name##_half /= 2) \
    for (int name##_at = 0; name##_at < name##_half; name##_at++)             \
      name##_lane[name##_at] += name##_lane[name##_at + name##_half];         \
  const type name = name##_lane[0]

#endif
