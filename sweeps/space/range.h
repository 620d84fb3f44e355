/* Numbers between two ends: evenly spaced points, or values drawn from them. Not collective. */
#ifndef VJ_SWEEPS_SPACE_RANGE_H
#define VJ_SWEEPS_SPACE_RANGE_H

#include "framework/config/nodes.h"

typedef struct vj_range {
  double low, high;
  bool is_log;     /* even steps are equal factors */
  bool is_integer; /* drawn values are whole numbers, both ends among them */
} vj_range;

/* Reads the list of two ends at `key` of a parameter's map into a range whose scale is already chosen. The ends of a
 * log range are above 0, those of a log integer at least 1. */
VJ_MUST_USE vj_status vj_range_read(vj_pool *pool, const vj_yaml *map, const char *path, const char *key,
                                    vj_range *range);

/* The i-th of n evenly spaced points, n >= 2, as text. The ends are exact; the points between are rounded to 12
 * digits, so that no library's last bit gets into a result. */
const char *vj_range_point(const vj_range *range, int64_t i, int64_t n, char text[VJ_REAL_BYTES]);

/* The value at u of [0, 1), as text of 12 digits: u is uniform, the value is uniform, log-uniform, or a whole number k
 * of low..high with equal probability or, on a log range, with one proportional to log((k + 1) / k). */
const char *vj_range_draw(const vj_range *range, double u, char text[VJ_REAL_BYTES]);

/* Where a number lies, on the range's scale: 0 at the low end, 1 at the high one. */
double vj_range_place(const vj_range *range, double number);

/* Moves one end outwards by as much as there is between both, on the range's scale, but not past the least or most that
 * is allowed; false if the end is there already. */
bool vj_range_extend(vj_range *range, bool upwards, double least, double most);

#endif
