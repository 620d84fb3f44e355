#include "datasets/video/pack/pack_schedule.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "vj/memory.h"

typedef struct schedule {
  const vj_pack_work *work;
  double *before; /* [videos + 1]: cost of all videos before one */
  bool is_even;   /* all frames cost the same */
} schedule;

static double cost_of(const schedule *s, int64_t video) { return s->is_even ? 1.0 : s->work->cost[video]; }

static vj_status make_schedule(schedule *s) {
  const vj_pack_work *const w = s->work;
  VJ_TRY(vj_allocate((size_t)w->videos + 1, sizeof *s->before, "a schedule of a pack", &s->before));
  for (int64_t v = 0; v < w->videos; v++)
    s->before[v + 1] = s->before[v] + (double)(w->first[v + 1] - w->first[v]) * cost_of(s, v);
  return VJ_OK;
}

/* --- between frames and costs ------------------------------------------------------------------------------------ */

/* The video that a frame is of; the last one with frames for the end of the pack. */
static int64_t video_of(const vj_pack_work *w, int64_t frame) {
  int64_t low = 0, high = w->videos - 1;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (w->first[middle + 1] <= frame)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static double cost_before(const schedule *s, int64_t frame) {
  const int64_t v = video_of(s->work, frame);
  return s->before[v] + (double)(frame - s->work->first[v]) * cost_of(s, v);
}

/* The frame before which so much is to be done. */
static int64_t frame_at(const schedule *s, double cost) {
  const vj_pack_work *const w = s->work;
  int64_t low = 0, high = w->videos - 1;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (s->before[middle + 1] <= cost)
      low = middle + 1;
    else
      high = middle;
  }
  const double frames = round((cost - s->before[low]) / cost_of(s, low));
  const int64_t there = w->first[low + 1] - w->first[low];
  return w->first[low] + (frames <= 0 ? 0 : frames >= (double)there ? there : (int64_t)frames);
}

/* Where a video begins or ends, if that is not further than `slack`. */
static int64_t align(const schedule *s, int64_t frame, double slack) {
  const int64_t v = video_of(s->work, frame), begin = s->work->first[v], end = s->work->first[v + 1];
  const double to_begin = (double)(frame - begin) * cost_of(s, v), to_end = (double)(end - frame) * cost_of(s, v);
  if (to_begin <= to_end) return to_begin <= slack ? begin : frame;
  return to_end <= slack ? end : frame;
}

/* --- dividing ---------------------------------------------------------------------------------------------------- */

static int64_t edge_of_rank(const schedule *s, int rank, int ranks) {
  const int64_t frames = s->work->first[s->work->videos];
  const double share = s->before[s->work->videos] / ranks;
  if (rank == 0 || rank == ranks) return rank == 0 ? 0 : frames;
  return align(s, frame_at(s, share * rank), share / 16);
}

/* At most `most` frames, up to the last end of a video among them unless that leaves less than half. */
static int64_t shorten(const schedule *s, int64_t first, int64_t end, int64_t most) {
  if (end - first <= most) return end;
  const int64_t begin = s->work->first[video_of(s->work, first + most)];
  return begin - first > most / 2 ? begin : first + most;
}

/* Divides a range into so many blocks; false: some would have to be larger. */
static bool divide(const schedule *s, int64_t low, int64_t high, int64_t rounds, int64_t most, int64_t *edges) {
  const double from = cost_before(s, low), block = (cost_before(s, high) - from) / (double)rounds;
  edges[0] = low;
  for (int64_t k = 1; k <= rounds; k++) {
    int64_t end = k == rounds ? high : align(s, frame_at(s, from + block * (double)k), block / 4);
    if (end < edges[k - 1]) end = edges[k - 1];
    if (end > high) end = high;
    edges[k] = shorten(s, edges[k - 1], end, most);
  }
  return edges[rounds] == high;
}

static int64_t fewest_rounds(const schedule *s, int ranks, int64_t most) {
  int64_t rounds = 1;
  for (int r = 0; r < ranks; r++) {
    const int64_t frames = edge_of_rank(s, r + 1, ranks) - edge_of_rank(s, r, ranks);
    if ((frames + most - 1) / most > rounds) rounds = (frames + most - 1) / most;
  }
  return rounds;
}

/* The fewest rounds in which all ranks are done, up to `limit`, and the edges of one of them; NULL where there are
 * none. `s` says what each rank's range is, `inside` how it is divided. */
static vj_status find_rounds(const schedule *s, const schedule *inside, int ranks, int64_t most, int rank,
                             int64_t limit, int64_t **edges, int64_t *rounds) {
  bool fits = false;
  VJ_TRY(vj_allocate((size_t)limit + 1, sizeof **edges, "a schedule of a pack", edges));
  for (*rounds = fewest_rounds(s, ranks, most); *rounds <= limit; ++*rounds) {
    fits = true;
    for (int r = 0; r <= ranks && fits; r++) { /* the wanted one last: its edges stay */
      const int of = r < ranks ? r : rank;
      fits = divide(inside, edge_of_rank(s, of, ranks), edge_of_rank(s, of + 1, ranks), *rounds, most, *edges);
    }
    if (fits) return VJ_OK;
  }
  free(*edges);
  *edges = NULL;
  return VJ_OK;
}

/* Where costs differ so much that blocks of the same cost would be many and small, blocks have as many frames. */
static vj_status divide_ranks(const schedule *s, int ranks, int64_t most, int rank, int64_t **edges, int64_t *rounds) {
  enum { SPARE = 16 };
  schedule even = {.work = s->work, .is_even = true};
  const int64_t limit = 2 * fewest_rounds(s, ranks, most) + SPARE;
  VJ_TRY(find_rounds(s, s, ranks, most, rank, limit, edges, rounds));
  if (*edges) return VJ_OK;
  VJ_TRY(make_schedule(&even));
  vj_status status = find_rounds(s, &even, ranks, most, rank, limit, edges, rounds);
  free(even.before);
  if (status == VJ_OK && !*edges)
    status = vj_fail(VJ_INTERNAL, "a pack of %lld frames can't be divided", (long long)s->work->first[s->work->videos]);
  return status;
}

vj_status vj_pack_schedule(const vj_pack_work *work, int ranks, int64_t most, int rank, int64_t **edges,
                           int64_t *rounds) {
  schedule s = {.work = work};
  *edges = NULL;
  *rounds = 0;
  if (work->videos == 0 || work->first[work->videos] == 0) return VJ_OK;
  VJ_TRY(make_schedule(&s));
  const vj_status status = divide_ranks(&s, ranks, most, rank, edges, rounds);
  free(s.before);
  return status;
}
