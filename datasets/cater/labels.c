#include "datasets/cater/labels.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const vj_cater_shapes[VJ_CATER_SHAPES] = {"cube", "sphere", "cylinder", "cone", "spl"};
const char *const vj_cater_actions[VJ_CATER_ACTIONS] = {"_slide", "_pick_place", "_rotate", "_contain", "_no_op"};

/* The number of task 1's class; -1: none. */
static int class_of(const vj_cater_movement *m) {
  static const int classes[VJ_CATER_SHAPES][VJ_CATER_ACTIONS] = {
      [VJ_CATER_CUBE] = {8, 9, 10, -1, -1},    [VJ_CATER_SPHERE] = {0, 1, -1, -1, -1},
      [VJ_CATER_CYLINDER] = {6, 5, 7, -1, -1}, [VJ_CATER_CONE] = {13, 12, -1, 11, -1},
      [VJ_CATER_SPL] = {2, 3, 4, -1, -1},
  };
  return classes[m->shape][m->action];
}

bool vj_cater_overlaps(const vj_cater_movement *m, const vj_cater_span *span) {
  const int64_t first = m->start > span->first ? m->start : span->first;
  const int64_t last = m->end < span->last ? m->end : span->last;
  return last - first + 1 >= span->least;
}

void vj_cater_label_present(const vj_cater_movement *movements, int64_t count, const vj_cater_span *span,
                            float present[VJ_CATER_PRESENT]) {
  memset(present, 0, VJ_CATER_PRESENT * sizeof *present);
  for (int64_t i = 0; i < count; i++) {
    const int class = class_of(&movements[i]);
    if (class >= 0 && vj_cater_overlaps(&movements[i], span)) present[class] = 1;
  }
}

/* Classes of a pair of different actions: three each, the pairs in the order of their first, then of their second. An
 * action with itself has two, since before and after are the same there. */
static int64_t order_class(int64_t one, int64_t other, int order) {
  if (one > other) return order_class(other, one, 2 - order);
  const int64_t before_row = 2 * one + 3 * (one * VJ_CATER_PRESENT - one * (one + 1) / 2);
  if (one == other) return before_row + (order == 1 ? 1 : 0);
  return before_row + 2 + 3 * (other - one - 1) + order;
}

const char *vj_cater_present_name(int64_t class, char name[VJ_CATER_NAME_BYTES]) {
  name[0] = 0;
  for (int s = 0; s < VJ_CATER_SHAPES; s++)
    for (int a = 0; a < VJ_CATER_ACTIONS; a++)
      if (class_of(&(vj_cater_movement){.shape = (vj_cater_shape)s, .action = (vj_cater_action)a}) == class)
        snprintf(name, VJ_CATER_NAME_BYTES, "%s%s", vj_cater_shapes[s], vj_cater_actions[a]);
  return name;
}

const char *vj_cater_order_name(int64_t class, char name[VJ_CATER_NAME_BYTES]) {
  static const char *const orders[] = {"before", "during", "after"};
  char first[VJ_CATER_NAME_BYTES], second[VJ_CATER_NAME_BYTES];
  name[0] = 0;
  for (int64_t one = 0; one < VJ_CATER_PRESENT; one++)
    for (int64_t other = one; other < VJ_CATER_PRESENT; other++)
      for (int order = 0; order < (one == other ? 2 : 3) && !name[0]; order++)
        if (order_class(one, other, order) == class)
          snprintf(name, VJ_CATER_NAME_BYTES, "%.24s %s %.24s", vj_cater_present_name(one, first), orders[order],
                   vj_cater_present_name(other, second));
  return name;
}

/* 0 before, 1 during, 2 after. */
static int order_of(const vj_cater_movement *one, const vj_cater_movement *other) {
  return one->end <= other->start ? 0 : other->end <= one->start ? 2 : 1;
}

void vj_cater_label_orders(const vj_cater_movement *movements, int64_t count, const vj_cater_span *span,
                           float orders[VJ_CATER_ORDERS]) {
  memset(orders, 0, VJ_CATER_ORDERS * sizeof *orders);
  for (int64_t i = 0; i < count; i++) {
    const int one = class_of(&movements[i]);
    if (one < 0 || !vj_cater_overlaps(&movements[i], span)) continue;
    for (int64_t j = 0; j < i; j++) {
      const int other = class_of(&movements[j]);
      if (other < 0 || !vj_cater_overlaps(&movements[j], span)) continue;
      orders[order_class(one, other, order_of(&movements[i], &movements[j]))] = 1;
    }
  }
}

int64_t vj_cater_label_place(double x, double y, int64_t cells) {
  const double half = (double)cells / 2, column = floor(x * half / 3) + half, row = floor(y * half / 3) + half;
  if (!(column >= 0 && row >= 0 && column < (double)cells && row < (double)cells)) return -1;
  return (int64_t)row * cells + (int64_t)column;
}
