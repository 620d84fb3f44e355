/* Built-in digits: the strokes people write, warped, slanted and inked at random. */
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/digits/digits.h"
#include "vj/elementary.h"
#include "vj/rng.h"

enum {
  VARIANTS = 4,     /* ways of writing a digit, at most */
  MAX_POINTS = 16,  /* that a stroke is given by */
  MAX_PIECES = 160, /* straight pieces of a whole digit */
  WARP_TERMS = 6,
  STREAM_SEED = 28 /* a constant: the digits belong to the data set, not to a seed of it */
};

/* Ways of writing each digit. Points are "x y" in percent of the height, x to the right, y down; a smooth curve runs
 * through them, two points make a straight stroke. A comma ends a stroke, so a corner is a point given twice. */
static const char *const glyphs[VJ_DIGIT_CLASSES][VARIANTS] = {
    {"38 1 18 10 5 45 12 84 33 99 56 88 66 50 57 13 36 1", "50 8 28 3 9 26 6 64 24 97 46 93 61 64 58 26 42 5 30 12",
     "33 0 8 22 2 55 14 90 38 99 64 80 70 45 58 12 31 1"},
    {"30 0 30 100", "13 22 32 0, 32 0 31 100", "32 0 33 45 29 100"},
    {"7 23 15 6 34 0 54 9 57 30 42 57 20 82 4 98, 4 98 34 96 66 97",
     "9 19 28 1 50 7 56 30 42 62 22 91 7 93 8 79 24 79 44 93 66 94", "5 12 28 0 52 6 60 26 48 48 6 96, 6 96 62 99"},
    {"8 11 30 0 54 10 52 32 26 46, 26 46 54 53 62 75 43 97 19 99 4 88",
     "8 4 58 3, 58 3 30 40, 30 40 56 52 60 78 38 98 6 91", "10 14 34 1 55 14 46 38 29 44 46 50 60 70 46 95 20 99 6 90"},
    {"14 2 6 52, 6 52 66 50, 52 6 46 100", "46 2 4 64, 4 64 68 62, 46 2 45 100",
     "10 0 5 34 10 50 32 52 56 42, 58 0 54 45 51 100"},
    {"60 2 17 4, 17 4 10 44, 10 44 37 38 60 55 59 81 36 98 5 90",
     "60 3 22 5, 22 5 13 42, 13 42 42 37 61 58 51 88 26 99 4 85"},
    {"48 0 24 18 8 50 9 80 29 99 51 90 57 70 44 54 23 58 9 77", "36 0 14 34 5 70 20 97 47 95 56 74 39 57 15 68",
     "52 4 28 10 9 42 6 76 24 99 50 92 58 72 46 56 24 58 8 72"},
    {"4 4 60 3, 60 3 40 45 27 100", "4 5 58 3, 58 3 38 48 25 100, 18 51 56 48",
     "6 19 8 4, 8 4 62 3, 62 3 40 46 33 100"},
    {"53 13 31 0 10 14 18 36 42 54 58 76 40 98 15 94 7 75 24 52 46 34 54 15 42 3",
     "32 0 12 8 10 32 32 46 54 34 53 9 32 0, 32 46 8 58 6 86 32 100 59 86 57 59 32 46"},
    {"55 14 34 0 11 10 6 34 24 48 47 36 55 14, 55 14 52 52 46 100",
     "56 16 36 0 10 11 7 36 26 48 48 36 56 16, 56 16 57 56 44 90 14 98",
     "50 8 26 2 7 22 14 43 36 44 53 24 54 8, 54 8 50 50 34 100"},
};

typedef struct point {
  float x, y;
} point;

/* A straight piece of a stroke and the pen's radius at both ends, in pixels. */
typedef struct piece {
  point from, to;
  float radius_from, radius_to;
} piece;

typedef struct drawing {
  piece pieces[MAX_PIECES];
  int count;
} drawing;

/* How one writer writes one digit. */
typedef struct hand {
  float warp[2][WARP_TERMS]; /* smooth displacement: coefficients of u^2, uv, v^2, u^2 v, u v^2, v^3 for x and y */
  float map[2][2];           /* width, slant and turn in one */
  float extent;              /* height or width of the pen's path, whichever is larger, px */
  float radius, taper;       /* of the pen, px; relative change along a stroke */
} hand;

static float between(vj_rng *rng, double low, double high) { return (float)(low + (high - low) * vj_rng_uniform(rng)); }

static hand draw_hand(vj_rng *rng) {
  hand h;
  for (int i = 0; i < 2; i++)
    for (int k = 0; k < WARP_TERMS; k++) h.warp[i][k] = between(rng, -0.1, 0.1);
  const float width = between(rng, 0.75, 1.35), slant = between(rng, -0.12, 0.42), turn = between(rng, -0.2, 0.2);
  const float c = (float)vj_math_cos((double)turn), s = (float)vj_math_sin((double)turn);
  h.map[0][0] = c * width;
  h.map[0][1] = -c * slant - s;
  h.map[1][0] = s * width;
  h.map[1][1] = c - s * slant;
  h.radius = between(rng, 0.75, 1.6);
  h.taper = between(rng, -0.2, 0.2);
  h.extent = between(rng, 18.0, 20.0) - 2.0f * h.radius;
  return h;
}

/* From percent of the height to the hand's own plane, without scale and place. */
static point write_point(const hand *h, point p) {
  const float x = (p.x - 33.0f) / 100.0f, y = (p.y - 50.0f) / 100.0f;
  const float u = 2.0f * x, v = 2.0f * y;
  const float term[WARP_TERMS] = {u * u, u * v, v * v, u * u * v, u * v * v, v * v * v};
  float warped[2] = {x, y};
  for (int i = 0; i < 2; i++)
    for (int k = 0; k < WARP_TERMS; k++) warped[i] += h->warp[i][k] * term[k];
  return (point){h->map[0][0] * warped[0] + h->map[0][1] * warped[1],
                 h->map[1][0] * warped[0] + h->map[1][1] * warped[1]};
}

/* Catmull-Rom: the curve through b and c, with tangents from their neighbours a and d, at t in [0, 1]. */
static point curve(point a, point b, point c, point d, float t) {
  const float t2 = t * t, t3 = t2 * t;
  const float wa = 0.5f * (-t3 + 2.0f * t2 - t), wb = 0.5f * (3.0f * t3 - 5.0f * t2 + 2.0f);
  const float wc = 0.5f * (-3.0f * t3 + 4.0f * t2 + t), wd = 0.5f * (t3 - t2);
  return (point){wa * a.x + wb * b.x + wc * c.x + wd * d.x, wa * a.y + wb * b.y + wc * c.y + wd * d.y};
}

static void add_stroke(drawing *out, const hand *h, const point *points, int count) {
  const int spans = count - 1, steps = 2 + 12 / spans; /* long spans bend too: the warp acts on every piece */
  const float total = (float)(spans * steps);
  point last = write_point(h, points[0]);
  for (int i = 0; i < spans; i++) {
    const point before = points[i > 0 ? i - 1 : 0], after = points[i + 2 < count ? i + 2 : count - 1];
    for (int k = 1; k <= steps && out->count < MAX_PIECES; k++) {
      const float done = (float)(i * steps + k) / total, step = 1.0f / total;
      const point p = write_point(h, curve(before, points[i], points[i + 1], after, (float)k / (float)steps));
      out->pieces[out->count++] = (piece){.from = last,
                                          .to = p,
                                          .radius_from = h->radius * (1.0f + h->taper * (1.0f - 2.0f * (done - step))),
                                          .radius_to = h->radius * (1.0f + h->taper * (1.0f - 2.0f * done))};
      last = p;
    }
  }
}

static void write_glyph(const char *glyph, const hand *h, drawing *out) {
  point points[MAX_POINTS];
  int count = 0;
  out->count = 0;
  for (const char *at = glyph; *at;) {
    char *end;
    points[count].x = (float)strtol(at, &end, 10);
    points[count].y = (float)strtol(end, &end, 10);
    count++;
    at = end;
    if (*at == ',' || !*at || count == MAX_POINTS) {
      add_stroke(out, h, points, count);
      count = 0;
      if (*at == ',') at++;
    }
  }
}

/* Scales the drawing to the hand's extent and moves its centre of ink to the middle of the image, as MNIST was made;
 * a lopsided digit is kept whole. */
static void place(drawing *out, const hand *h) {
  point low = {FLT_MAX, FLT_MAX}, high = {-FLT_MAX, -FLT_MAX}, sum = {0, 0};
  float length = 0.0f;
  for (int i = 0; i < out->count; i++) {
    const point a = out->pieces[i].from, b = out->pieces[i].to;
    const float weight = (float)vj_math_hypot((double)(b.x - a.x), (double)(b.y - a.y));
    low = (point){fminf(low.x, fminf(a.x, b.x)), fminf(low.y, fminf(a.y, b.y))};
    high = (point){fmaxf(high.x, fmaxf(a.x, b.x)), fmaxf(high.y, fmaxf(a.y, b.y))};
    sum.x += weight * 0.5f * (a.x + b.x);
    sum.y += weight * 0.5f * (a.y + b.y);
    length += weight;
  }
  const float scale = h->extent / fmaxf(high.x - low.x, high.y - low.y);
  const float margin = 1.0f + h->radius * 1.25f, side = (float)VJ_DIGIT_SIDE;
  point shift = {0.5f * side - scale * sum.x / length, 0.5f * side - scale * sum.y / length};
  shift.x = fminf(fmaxf(shift.x, margin - scale * low.x), side - margin - scale * high.x);
  shift.y = fminf(fmaxf(shift.y, margin - scale * low.y), side - margin - scale * high.y);
  for (int i = 0; i < out->count; i++) {
    piece *p = &out->pieces[i];
    p->from = (point){scale * p->from.x + shift.x, scale * p->from.y + shift.y};
    p->to = (point){scale * p->to.x + shift.x, scale * p->to.y + shift.y};
  }
}

/* Covers each pixel by how far its centre lies inside the pen's outline, one pixel wide; strokes don't add up. */
static void ink_piece(float ink[VJ_DIGIT_PIXELS], const piece *p) {
  const float reach = fmaxf(p->radius_from, p->radius_to) + 0.5f;
  const float dx = p->to.x - p->from.x, dy = p->to.y - p->from.y, square = dx * dx + dy * dy;
  const int left = (int)fmaxf(fminf(p->from.x, p->to.x) - reach, 0.0f);
  const int top = (int)fmaxf(fminf(p->from.y, p->to.y) - reach, 0.0f);
  const int right = (int)fminf(fmaxf(p->from.x, p->to.x) + reach, VJ_DIGIT_SIDE - 1.0f);
  const int bottom = (int)fminf(fmaxf(p->from.y, p->to.y) + reach, VJ_DIGIT_SIDE - 1.0f);
  for (int row = top; row <= bottom; row++)
    for (int column = left; column <= right; column++) {
      const float x = (float)column + 0.5f - p->from.x, y = (float)row + 0.5f - p->from.y;
      const float along = square > 0.0f ? fminf(fmaxf((x * dx + y * dy) / square, 0.0f), 1.0f) : 0.0f;
      const float ex = x - along * dx, ey = y - along * dy;
      const float radius = p->radius_from + along * (p->radius_to - p->radius_from);
      const float cover = fminf(radius + 0.5f - sqrtf(ex * ex + ey * ey), 1.0f);
      if (cover > ink[row * VJ_DIGIT_SIDE + column]) ink[row * VJ_DIGIT_SIDE + column] = cover;
    }
}

int vj_digit_class(int64_t number) { return (int)(number % VJ_DIGIT_CLASSES); }

void vj_digit_draw(vj_split split, int64_t number, uint8_t image[VJ_DIGIT_PIXELS]) {
  const char *const *variants = glyphs[vj_digit_class(number)];
  int variant_count = 0;
  while (variant_count < VARIANTS && variants[variant_count]) variant_count++;
  vj_rng rng = vj_rng_stream(STREAM_SEED, VJ_RNG_DIGIT, (uint32_t)split, (uint64_t)number);
  const int64_t variant = vj_rng_integer(&rng, 0, variant_count - 1);
  const hand h = draw_hand(&rng);
  drawing out;
  float ink[VJ_DIGIT_PIXELS] = {0};
  write_glyph(variants[variant], &h, &out);
  place(&out, &h);
  for (int i = 0; i < out.count; i++) ink_piece(ink, &out.pieces[i]);
  for (int i = 0; i < VJ_DIGIT_PIXELS; i++) image[i] = (uint8_t)(255.0f * ink[i] + 0.5f);
}

enum { BLANK, DRAWING, DRAWN };

struct vj_digit_pen {
  vj_split split;
  uint8_t *images;
  atomic_uchar *states;
};

const uint8_t *vj_digit_image(const vj_digit_set *set, int64_t number) {
  struct vj_digit_pen *const pen = set->pen;
  while (pen && atomic_load_explicit(&pen->states[number], memory_order_acquire) != DRAWN) {
    unsigned char blank = BLANK;
    if (!atomic_compare_exchange_strong(&pen->states[number], &blank, DRAWING)) continue; /* microseconds */
    vj_digit_draw(pen->split, number, pen->images + number * VJ_DIGIT_PIXELS);
    atomic_store_explicit(&pen->states[number], DRAWN, memory_order_release);
  }
  return set->images + number * VJ_DIGIT_PIXELS;
}

vj_status vj_digits_draw(vj_pool *pool, vj_digits *digits) {
  static const int64_t counts[VJ_SPLITS] = {[VJ_TRAIN] = 6000, [VJ_VALIDATION] = 1000, [VJ_TEST] = 1000};
  for (int split = 0; split < VJ_SPLITS; split++) {
    const int64_t count = counts[split];
    uint8_t *images = vj_pool_take(pool, (size_t)count * VJ_DIGIT_PIXELS);
    uint8_t *labels = vj_pool_take(pool, (size_t)count);
    struct vj_digit_pen *pen = vj_pool_take(pool, sizeof *pen);
    atomic_uchar *states = vj_pool_take(pool, (size_t)count * sizeof *states);
    if (!images || !labels || !pen || !states) return vj_fail(VJ_MEMORY, "no memory for the built-in digits");
    memset(images, 0, (size_t)count * VJ_DIGIT_PIXELS); /* touched now: a sweep's memory does not grow later */
    for (int64_t i = 0; i < count; i++) {
      labels[i] = (uint8_t)vj_digit_class(i);
      atomic_init(&states[i], BLANK);
    }
    *pen = (struct vj_digit_pen){.split = (vj_split)split, .images = images, .states = states};
    digits->split[split] = (vj_digit_set){.count = count, .images = images, .labels = labels, .pen = pen};
  }
  return VJ_OK;
}
