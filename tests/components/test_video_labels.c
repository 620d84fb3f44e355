/* CLEVRER and CATER on stand-ins, some of them with faults: labels of clips are what annotations, scenes and lists say
 * of just these frames, and what is wrong with a file is said with its place. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datasets/cater/scene.h"
#include "datasets/clevrer/annotation.h"
#include "datasets/standins/standins.h"
#include "datasets/video/lists.h"
#include "tests/components/dataset_testing.h"

extern const vj_component vj_dataset_clevrer, vj_dataset_cater;

enum { INPUT = 3, TARGET = 4, STRIDE = 4, NAME = 512 };

static char folder[64];

/* --- opening ----------------------------------------------------------------------------------------------------- */

static void make_standin(const char *kind, const char *name, int64_t train, int64_t validation) {
  char path[NAME];
  vj_standin *set = NULL;
  bool made;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  const vj_standin_request wanted = {.kind = kind,
                                     .folder = path,
                                     .has_videos = true,
                                     .videos = {train, validation},
                                     .frames = 64,
                                     .width = 48,
                                     .height = 32};
  assert_ok(vj_standin_open(&wanted, true, &set));
  for (int64_t i = 0; i < train + validation; i++) assert_ok(vj_standin_make(set, i, &made));
  assert_ok(vj_standin_finish(set));
  vj_standin_close(&set);
}

static const vj_clip_request request = {.input_frames = INPUT, .target_frames = TARGET, .seed = 5, .threads = 2};

/* "row=value" texts over the defaults, ended by NULL; values of lists are single numbers. */
static vj_status open_with(const vj_component *c, const char *const *settings, void **dataset) {
  static const char *texts[32];
  static int64_t numbers[32];
  void *config = calloc(1, c->config_bytes);
  assert_non_null(config);
  for (size_t i = 0; i < c->param_count; i++) {
    const vj_param *row = &c->params[i];
    void *field = (char *)config + row->offset;
    texts[i] = row->fallback;
    for (const char *const *s = settings; *s; s++)
      if (strncmp(*s, row->name, strlen(row->name)) == 0 && (*s)[strlen(row->name)] == '=')
        texts[i] = *s + strlen(row->name) + 1;
    numbers[i] = strtoll(texts[i] + strspn(texts[i], "["), NULL, 10);
    if (row->type == VJ_PARAM_TEXT) *(const char **)field = texts[i];
    if (row->type == VJ_PARAM_INTEGER) *(int64_t *)field = numbers[i];
    if (row->type == VJ_PARAM_BOOL) *(bool *)field = strcmp(texts[i], "true") == 0;
    if (row->type == VJ_PARAM_INTEGER_LIST) *(vj_integer_list *)field = (vj_integer_list){1, &numbers[i]};
    if (row->type == VJ_PARAM_CHOICE) { /* an option's place among the choices */
      int place = 0;
      const size_t length = strlen(texts[i]);
      for (const char *at = row->choices; strncmp(at, texts[i], length) != 0; at = strchr(at, '|') + 1) place++;
      *(int *)field = place;
    }
  }
  const vj_status status = c->as.dataset.open(config, &request, dataset);
  free(config);
  return status;
}

static const char *setting(const char *row, const char *name) {
  static char texts[4][NAME];
  static int next;
  char *text = texts[next++ % 4];
  snprintf(text, NAME, "%s=%s/%s", row, folder, name);
  return text;
}

static fixture open_fixture(const vj_component *c, const char *const *settings) {
  void *dataset;
  assert_ok(open_with(c, settings, &dataset));
  return fixture_of(c, &request, dataset);
}

/* --- CLEVRER ----------------------------------------------------------------------------------------------------- */

static vj_clevrer_annotation annotation_at(const char *name) {
  char path[NAME], *text;
  size_t bytes;
  vj_clevrer_annotation a;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  assert_ok(vj_list_read_file(path, &text, &bytes));
  assert_ok(vj_clevrer_annotation_parse(text, bytes, path, &a));
  free(text);
  return a;
}

/* So many speeds, the fastest first, and nothing behind them. */
static void check_order(const float *speeds, int64_t width, int64_t count) {
  for (int64_t i = 0; i < width; i++) {
    assert_true(isnan(speeds[i]) == (i >= count));
    if (i > 0 && i < count) assert_true(speeds[i] <= speeds[i - 1]);
  }
}

/* At frame 28, the last input frame. */
static void check_current_labels(const fixture *f, const vj_clevrer_annotation *a) {
  int64_t at, seen = 0;
  float sum = 0;
  const float *speeds = label(f, "current_speeds");
  const int64_t width = find_label(&f->info, "current_speeds", &at)->width;
  for (int k = 0; k < a->count; k++) {
    const vj_clevrer_moment *now = &a->moments[28 * a->count + k];
    int64_t like = 0;
    for (int64_t i = 0; i < width; i++) like += speeds[i] == now->speed;
    if (now->in_view) sum += now->speed, seen++, assert_true(like > 0);
  }
  check_order(speeds, width, seen);
  assert_true(seen > 0 && fabsf(*label(f, "current_speed") - sum / (float)seen) < 1e-5f);
  assert_true(*label(f, "current_objects") == (float)seen);
}

/* Validation clips start at 20: targets are frames 32, 36, 40, 44. */
static void clevrer_labels_are_those_of_the_target_frames(void **state) {
  (void)state;
  fixture f = open_fixture(
      &vj_dataset_clevrer,
      (const char *[]){setting("root", "clevrer"), setting("index", "index-c"), "starts=20", "size=16", NULL});
  assert_int_equal(f.info.samples[VJ_TRAIN], 4 * 3);
  assert_int_equal(f.info.samples[VJ_VALIDATION], 2);
  assert_int_equal(f.info.samples[VJ_TEST], 1);
  const vj_clevrer_annotation a =
      annotation_at("clevrer/annotations/validation/annotation_10000-11000/annotation_10001.json");
  take(&f, VJ_VALIDATION, 1);
  double all = 0, fastest = 0;
  int64_t seen = 0, in_view = 0;
  for (int k = 0; k < a.count; k++) {
    double own = 0;
    int64_t own_seen = 0;
    for (int64_t t = 32; t <= 44; t += STRIDE) {
      const vj_clevrer_moment *m = &a.moments[t * a.count + k];
      if (m->in_view) own += (double)m->speed, own_seen++;
    }
    const float got = label(&f, "object_speed")[a.slots[k]], there = label(&f, "objects")[a.slots[k]];
    assert_true(there == (own_seen > 0 ? 1.0f : 0.0f));
    if (own_seen == 0)
      assert_true(isnan(got));
    else
      assert_true(fabs((double)got - own / (double)own_seen) < 1e-6);
    all += own;
    seen += own_seen;
    in_view += own_seen > 0;
    if (own_seen > 0) fastest = fmax(fastest, own / (double)own_seen);
  }
  check_order(label(&f, "speeds"), 8, in_view);
  assert_true(fabs((double)label(&f, "speeds")[0] - fastest) < 1e-6);
  assert_true(seen > 0 && fabs((double)f.labels[0] - all / (double)seen) < 1e-6);
  int64_t others = 0;
  for (int slot = 0; slot < VJ_CLEVRER_SLOTS; slot++) others += !isnan(label(&f, "object_speed")[slot]);
  assert_true(others <= a.count);
  check_current_labels(&f, &a);
  assert_true(fabs(a.rate - 25) < 0.01); /* a unit of speed is a unit of length a second at 25 frames/s */
  free(a.moments);
  close_fixture(&f);
}

/* Of 64 frames a clip has 25, so that all begin at 39 where none may before; else each where it likes. */
static void training_clips_begin_at_the_earliest(void **state) {
  (void)state;
  static const struct {
    const char *earliest;
    bool alike;
  } cases[] = {{"earliest=0", false}, {"earliest=39", true}, {"earliest=1000", true}};
  for (size_t i = 0; i < 3; i++) {
    fixture f = open_fixture(
        &vj_dataset_clevrer,
        (const char *[]){setting("root", "clevrer"), setting("index", "index-c"), cases[i].earliest, "size=16", NULL});
    const size_t bytes = (size_t)(f.info.frames * 16 * 16 * 3) * sizeof(float);
    float *first = malloc(bytes);
    assert_non_null(first);
    take(&f, VJ_TRAIN, 0);
    memcpy(first, f.frames, bytes);
    take(&f, VJ_TRAIN, 3); /* of the same of three videos */
    assert_int_equal(memcmp(first, f.frames, bytes) == 0, cases[i].alike);
    free(first);
    close_fixture(&f);
  }
}

static void replace(const char *name, const char *text) {
  char path[NAME];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void a_broken_or_missing_annotation_is_counted(void **state) {
  (void)state;
  char path[NAME];
  make_standin("clevrer", "faulty", 4, 2);
  replace("faulty/annotations/train/annotation_00000-01000/annotation_00001.json", "{\"object_property\": [");
  snprintf(path, sizeof path, "%s/faulty/annotations/train/annotation_00000-01000/annotation_00003.json", folder);
  assert_int_equal(unlink(path), 0);
  fixture f = open_fixture(&vj_dataset_clevrer,
                           (const char *[]){setting("root", "faulty"), setting("index", "index-f"), "size=16", NULL});
  assert_int_equal(f.info.videos[VJ_TRAIN], 2);
  assert_int_equal(f.info.skipped[VJ_TRAIN], 2);
  close_fixture(&f);
}

/* The second opening takes from memory what the first one has parsed: an annotation whose text has changed behind its
 * back, with its size and time kept, shows it.
 * With another time it is read again. */
static void parsed_once(const vj_component *dataset, const char *const *settings, const char *changed,
                        const char *broken) {
  enum { WIDTH = VJ_CATER_ORDERS + VJ_CATER_PRESENT + VJ_CATER_SHAPES };
  char path[NAME], keep[8 * NAME];
  float first[3][WIDTH];
  replace(broken, "{\"object_property\": [");
  snprintf(path, sizeof path, "%s/%s", folder, changed);
  fixture f = open_fixture(dataset, settings);
  assert_in_range(f.info.label_width, 1, WIDTH);
  for (int i = 0; i < 3; i++) {
    take(&f, i < 2 ? VJ_TRAIN : VJ_VALIDATION, i % 2 * 4);
    memcpy(first[i], f.labels, (size_t)f.info.label_width * sizeof(float));
  }
  close_fixture(&f);
  snprintf(keep, sizeof keep, "cp -p %s %s.old && tr '{' ' ' < %s.old > %s && touch -r %s.old %s", path, path, path,
           path, path, path);
  assert_int_equal(system(keep), 0);
  f = open_fixture(dataset, settings);
  assert_int_equal(f.info.skipped[VJ_TRAIN], 1);
  for (int i = 0; i < 3; i++) {
    take(&f, i < 2 ? VJ_TRAIN : VJ_VALIDATION, i % 2 * 4);
    assert_memory_equal(first[i], f.labels, (size_t)f.info.label_width * sizeof(float));
  }
  close_fixture(&f);
  snprintf(keep, sizeof keep, "touch -d @1 %s", path);
  assert_int_equal(system(keep), 0);
  f = open_fixture(dataset, settings);
  assert_int_equal(f.info.skipped[VJ_TRAIN], 2); /* read again, and found to be none */
  close_fixture(&f);
}

static void clevrers_annotations_are_parsed_once(void **state) {
  (void)state;
  make_standin("clevrer", "twice", 3, 2);
  parsed_once(&vj_dataset_clevrer,
              (const char *[]){setting("root", "twice"), setting("index", "index-t"), "size=16", "starts=20", NULL},
              "twice/annotations/train/annotation_00000-01000/annotation_00001.json",
              "twice/annotations/train/annotation_00000-01000/annotation_00002.json");
}

static void caters_scenes_are_parsed_once(void **state) {
  (void)state;
  make_standin("cater", "twice-cater", 5, 2);
  parsed_once(&vj_dataset_cater,
              (const char *[]){setting("root", "twice-cater/max2action"), setting("index", "index-c"), "size=16",
                               "starts=20", "labels=clip", "task=orders", NULL},
              "twice-cater/max2action/scenes/CATER_new_000001.json",
              "twice-cater/max2action/scenes/CATER_new_000002.json");
}

/* video_train, annotation_train, val, and no folders of a thousand. */
static void other_ways_of_unpacking_are_found(void **state) {
  (void)state;
  char command[4 * NAME];
  snprintf(command, sizeof command,
           "cd %s && mkdir flat && cp -r clevrer/videos/train flat/video_train && cp -r clevrer/videos/validation "
           "flat/video_val && cp -r clevrer/annotations flat/annotations && mv flat/annotations/validation "
           "flat/annotations/val && mv flat/annotations/train flat/annotation_train && mv flat/video_val/*/* "
           "flat/video_val && "
           "mv flat/annotations/val/*/* flat/annotations/val && rmdir flat/video_val/video_*-* "
           "flat/annotations/val/annotation_*-*",
           folder);
  assert_int_equal(system(command), 0);
  fixture f = open_fixture(&vj_dataset_clevrer,
                           (const char *[]){setting("root", "flat"), setting("index", "index-g"), "size=16", NULL});
  for (int s = 0; s < VJ_SPLITS; s++) assert_int_equal(f.info.skipped[s], 0);
  assert_int_equal(f.info.videos[VJ_TRAIN], 3);
  assert_int_equal(f.info.videos[VJ_VALIDATION] + f.info.videos[VJ_TEST], 3);
  close_fixture(&f);
}

static void assert_open_refused(const vj_component *c, const char *const *settings, const char *format, ...) {
  char sentence[4 * NAME];
  void *dataset;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(sentence, sizeof sentence, format, arguments);
  va_end(arguments);
  assert_int_not_equal(open_with(c, settings, &dataset), VJ_OK);
  assert_string_equal(vj_error_message(), sentence);
}

static void a_folder_that_is_not_there_is_said(void **state) {
  (void)state;
  assert_open_refused(
      &vj_dataset_clevrer, (const char *[]){NULL},
      "data.root: expected the folder of CLEVRER; `vjvcr data make clevrer DIR` makes a small stand-in");
  assert_open_refused(
      &vj_dataset_clevrer, (const char *[]){setting("root", "none"), NULL},
      "data.root: %s/none: there is no such folder; `vjvcr data make clevrer DIR` makes a small stand-in", folder);
  assert_open_refused(&vj_dataset_clevrer, (const char *[]){setting("root", "cater"), NULL},
                      "%s/cater: no folder with CLEVRER's train videos; looked for videos/train and video_train",
                      folder);
  assert_open_refused(&vj_dataset_cater, (const char *[]){setting("root", "cater"), NULL},
                      "%s/cater/lists/actions_present/train_subsetT.txt: there is no such list; cater reads "
                      "train_subsetT, train_subsetV and val in the folder lists/actions_present of data.root",
                      folder);
  assert_open_refused(&vj_dataset_cater, (const char *[]){setting("root", "cater/max2action"), "grid=5", NULL},
                      "data.grid: expected 4, 6 or 8, got 5");
}

/* --- CATER ------------------------------------------------------------------------------------------------------- */

static vj_cater_scene scene_at(int number) {
  char path[NAME], *text;
  size_t bytes;
  vj_cater_scene s;
  snprintf(path, sizeof path, "%s/cater/max2action/scenes/CATER_new_%06d.json", folder, number);
  assert_ok(vj_list_read_file(path, &text, &bytes));
  assert_ok(vj_cater_scene_parse(text, bytes, path, &s));
  free(text);
  return s;
}

static void check_what_is_known(const fixture *f, const vj_cater_scene *s) {
  float before[VJ_CATER_PRESENT];
  vj_cater_label_present(s->movements, s->movement_count, &(vj_cater_span){10, 18, 1}, before);
  assert_memory_equal(label(f, "input_actions"), before, sizeof before);
  int64_t objects = 0;
  for (int shape = 0; shape < VJ_CATER_SHAPES; shape++) {
    assert_true(label(f, "shapes")[shape] == (float)s->shapes[shape]);
    objects += s->shapes[shape];
  }
  assert_true(s->shapes[VJ_CATER_SPL] == 1 && s->shapes[VJ_CATER_CONE] >= 2 && objects >= 5);
}

/* The test split is val, whose first video is the 6th; its clip goes from frame 10 to 34. */
static void cater_labels_are_of_the_video_the_clip_or_the_target(void **state) {
  (void)state;
  static const struct {
    const char *labels, *min_overlap;
    vj_cater_span span; /* of a clip of 3 and 4 frames from 10 on, 4 apart */
  } sources[] = {{"labels=video", "min_overlap=1", {0, 63, 1}},
                 {"labels=clip", "min_overlap=1", {10, 34, 1}},
                 {"labels=target", "min_overlap=5", {22, 34, 5}}};
  const vj_cater_scene s = scene_at(5);
  for (size_t i = 0; i < 3; i++) {
    float present[VJ_CATER_PRESENT], orders[VJ_CATER_ORDERS];
    vj_cater_label_present(s.movements, s.movement_count, &sources[i].span, present);
    vj_cater_label_orders(s.movements, s.movement_count, &sources[i].span, orders);
    const float *at = s.snitch + 2 * sources[i].span.last;
    const char *settings[] = {setting("root", "cater/max2action"),
                              setting("index", "index-t"),
                              "starts=10",
                              "stride=4",
                              "size=16",
                              sources[i].labels,
                              "task=actions",
                              sources[i].min_overlap,
                              NULL};
    fixture f = open_fixture(&vj_dataset_cater, settings);
    assert_int_equal(f.info.label_count, i == 0 ? 1 : 3); /* a video's own labels need no scenes */
    take(&f, VJ_TEST, 0);
    assert_memory_equal(f.labels, present, sizeof present);
    if (i > 0) check_what_is_known(&f, &s);
    close_fixture(&f);
    settings[6] = "task=orders";
    f = open_fixture(&vj_dataset_cater, settings);
    take(&f, VJ_TEST, 0);
    assert_memory_equal(f.labels, orders, sizeof orders);
    close_fixture(&f);
    settings[6] = "task=place";
    f = open_fixture(&vj_dataset_cater, settings);
    take(&f, VJ_TEST, 0);
    assert_true(f.labels[0] == floorf(at[1] + 3) * 6 + floorf(at[0] + 3));
    assert_int_equal(f.info.labels[0].classes, 36);
    close_fixture(&f);
  }
  vj_cater_scene_free((vj_cater_scene *)&s);
}

/* Lists name CATER_new_..., the files are CLEVR_new_... */
static void the_generators_own_prefix_is_found(void **state) {
  (void)state;
  char command[4 * NAME];
  snprintf(
      command, sizeof command,
      "cd %s && cp -r cater/max2action clevr && cd clevr && mv videos images && for f in images/* scenes/*; do mv $f "
      "$(echo $f | sed s/CATER_/CLEVR_/); done",
      folder);
  assert_int_equal(system(command), 0);
  fixture f = open_fixture(&vj_dataset_cater, (const char *[]){setting("root", "clevr"), setting("index", "index-p"),
                                                               "labels=clip", "size=16", NULL});
  for (int s = 0; s < VJ_SPLITS; s++) assert_int_equal(f.info.skipped[s], 0);
  close_fixture(&f);
}

static int make_all(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/vjvcr-labels-XXXXXX");
  if (!mkdtemp(folder)) return 1;
  make_standin("clevrer", "clevrer", 3, 3);
  make_standin("cater", "cater", 5, 2);
  return 0;
}

static int remove_all(void **state) {
  (void)state;
  char command[NAME];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(clevrer_labels_are_those_of_the_target_frames),
      cmocka_unit_test(training_clips_begin_at_the_earliest),
      cmocka_unit_test(a_broken_or_missing_annotation_is_counted),
      cmocka_unit_test(clevrers_annotations_are_parsed_once),
      cmocka_unit_test(caters_scenes_are_parsed_once),
      cmocka_unit_test(other_ways_of_unpacking_are_found),
      cmocka_unit_test(a_folder_that_is_not_there_is_said),
      cmocka_unit_test(cater_labels_are_of_the_video_the_clip_or_the_target),
      cmocka_unit_test(the_generators_own_prefix_is_found),
  };
  return cmocka_run_group_tests(tests, make_all, remove_all);
}
