/* Who decodes what of a pack: everything once, evenly, and videos in one piece where that can be. */
#include <stdbool.h>
#include <stdlib.h>

#include "datasets/video/pack/pack_schedule.h"
#include "tests/support/testing.h"
#include "vj/rng.h"

enum { MOST_VIDEOS = 4000 };

typedef struct fixture {
  int64_t first[MOST_VIDEOS + 1];
  double cost[MOST_VIDEOS];
  vj_pack_work work;
} fixture;

static void add(fixture *f, int64_t frames, double cost) {
  const int64_t n = f->work.videos++;
  f->first[n + 1] = f->first[n] + frames;
  f->cost[n] = cost;
  f->work.first = f->first, f->work.cost = f->cost;
}

static double cost_between(const fixture *f, int64_t low, int64_t high) {
  double cost = 0;
  for (int64_t v = 0; v < f->work.videos; v++) {
    const int64_t a = f->first[v] > low ? f->first[v] : low, b = f->first[v + 1] < high ? f->first[v + 1] : high;
    if (a < b) cost += (double)(b - a) * f->cost[v];
  }
  return cost;
}

static bool is_end_of_video(const fixture *f, int64_t frame) {
  for (int64_t v = 0; v <= f->work.videos; v++)
    if (f->first[v] == frame) return true;
  return false;
}

typedef struct plan {
  int64_t rounds, cuts;
  double dearest; /* rank's cost, as a multiple of an even share */
} plan;

/* Checks what holds for all plans. */
static plan plan_for(const fixture *f, int ranks, int64_t most) {
  const int64_t all = f->first[f->work.videos];
  plan p = {.rounds = -1};
  int64_t before = 0;
  for (int r = 0; r < ranks; r++) {
    int64_t *edges = NULL, rounds = 0;
    assert_int_equal(vj_pack_schedule(&f->work, ranks, most, r, &edges, &rounds), 0);
    if (r == 0) p.rounds = rounds;
    assert_int_equal(rounds, p.rounds);
    assert_int_equal(edges[0], before);
    for (int64_t k = 0; k < rounds; k++) {
      assert_true(edges[k + 1] >= edges[k] && edges[k + 1] - edges[k] <= most);
      p.cuts += edges[k + 1] > edges[k] && !is_end_of_video(f, edges[k + 1]);
    }
    before = edges[rounds];
    const double share = cost_between(f, edges[0], before) * ranks / cost_between(f, 0, all);
    if (share > p.dearest) p.dearest = share;
    free(edges);
  }
  assert_int_equal(before, all);
  return p;
}

static void test_equal_videos_stay_whole(void **state) {
  fixture *const f = *state;
  for (int i = 0; i < 80; i++) add(f, 301, 36000);
  for (int ranks = 1; ranks <= 16; ranks *= 2) {
    const plan p = plan_for(f, ranks, 5461);
    assert_int_equal(p.cuts, 0);
    assert_true(p.dearest < 1.2001); /* 80 videos over 16 ranks are five each; a cut would be evener */
    assert_true(p.rounds <= (80 * 301 / ranks + 5460) / 5461 + 1);
  }
}

static void test_ranks_have_about_as_much_to_do(void **state) {
  fixture *const f = *state;
  vj_rng rng = vj_rng_stream(1, VJ_RNG_DATA, 0, 0);
  for (int i = 0; i < 900; i++) {
    const double size = vj_rng_uniform(&rng), length = vj_rng_uniform(&rng);
    add(f, i % 50 == 7 ? 0 : 1 + (int64_t)(length * length * 900), 16384 + size * size * 900000 * (i < 300 ? 1 : 0.1));
  }
  for (int ranks = 1; ranks <= 32; ranks *= 2)
    for (int64_t most = 300; most <= 9000; most *= 5) assert_true(plan_for(f, ranks, most).dearest < 1.13);
}

static void test_one_long_video_is_shared(void **state) {
  fixture *const f = *state;
  add(f, 100000, 1);
  assert_true(plan_for(f, 8, 4096).dearest < 1.01);
  assert_int_equal(plan_for(f, 8, 1).rounds, 12500);
}

static void test_few_dear_frames_do_not_make_many_rounds(void **state) {
  fixture *const f = *state;
  add(f, 100, 67e6);
  for (int i = 0; i < 2000; i++) add(f, 300, 16640);
  const plan p = plan_for(f, 1, 5461);
  assert_true(p.rounds <= 2 * (600100 / 5461 + 1) + 16);
}

static void test_nothing_to_do_is_no_rounds(void **state) {
  fixture *const f = *state;
  int64_t *edges = NULL, rounds = 7;
  f->work.first = f->first, f->work.cost = f->cost;
  assert_int_equal(vj_pack_schedule(&f->work, 2, 10, 1, &edges, &rounds), 0);
  assert_int_equal(rounds, 0);
  assert_null(edges);
  add(f, 0, 1);
  assert_int_equal(vj_pack_schedule(&f->work, 2, 10, 1, &edges, &rounds), 0);
  assert_int_equal(rounds, 0);
  add(f, 3, 1); /* fewer frames than ranks */
  plan_for(f, 8, 10);
}

static int set_up(void **state) {
  *state = calloc(1, sizeof(fixture));
  return *state ? 0 : -1;
}

static int tear_down(void **state) {
  free(*state);
  return 0;
}

#define WITH_VIDEOS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_VIDEOS(test_equal_videos_stay_whole),    WITH_VIDEOS(test_ranks_have_about_as_much_to_do),
      WITH_VIDEOS(test_one_long_video_is_shared),   WITH_VIDEOS(test_few_dear_frames_do_not_make_many_rounds),
      WITH_VIDEOS(test_nothing_to_do_is_no_rounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
