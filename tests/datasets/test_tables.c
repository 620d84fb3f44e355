/* Annotations in tables: what BORIS, ELAN, DeepLabCut and scripts write is read, and everything else is told with its
 * place. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/tables/frame_values.h"
#include "datasets/tables/intervals.h"
#include "tests/support/testing.h"

static const vj_interval_columns usual = {.video = "", .start = "", .end = ""};
static const vj_interval_columns of_one = {.video = "", .start = "", .end = "", .is_of_one = true};

static void *keep(const vj_annotation_form *form, const char *text, size_t *count) {
  void *kept = NULL;
  assert_ok(form->keep(form->context, text, strlen(text), "t.csv", &kept, count));
  assert_true(form->fits(kept, *count));
  return kept;
}

static void assert_refused(const vj_annotation_form *form, const char *text, const char *sentence) {
  void *kept = NULL;
  size_t count;
  assert_error(form->keep(form->context, text, strlen(text), "t.csv", &kept, &count), VJ_DATA, sentence);
  assert_null(kept);
}

/* --- intervals --------------------------------------------------------------------------------------------------- */

static const char *text_at(const char *at, int64_t number) {
  while (number-- > 0) at += strlen(at) + 1;
  return at;
}

typedef struct expected {
  const char *video, *label; /* video NULL: the file is of one */
  double start, end;
} expected;

static void assert_intervals(const vj_interval_columns *columns, const char *text, bool in_frames, int64_t count,
                             const expected *wanted) {
  char name[VJ_FORM_NAME_BYTES];
  const vj_annotation_form form = vj_intervals_form(columns, name);
  size_t bytes;
  void *const kept = keep(&form, text, &bytes);
  const vj_intervals all = vj_intervals_of(kept);
  assert_int_equal(all.in_frames, in_frames);
  assert_int_equal(all.count, count);
  for (int64_t i = 0; i < count; i++) {
    assert_string_equal(text_at(all.text, all.at[i].label), wanted[i].label);
    assert_true(fabs(all.at[i].start - wanted[i].start) < 1e-12 && fabs(all.at[i].end - wanted[i].end) < 1e-12);
    assert_int_equal(all.at[i].video < 0, wanted[i].video == NULL);
    if (wanted[i].video) assert_string_equal(text_at(all.text, all.at[i].video), wanted[i].video);
  }
  free(kept);
}

/* Quotes with commas and ends of lines, events at one moment, and columns nobody asked for. */
static void boris_is_read(void **state) {
  (void)state;
  assert_intervals(&usual,
                   "Observation id\tMedia file name\tFPS (frame/s)\tSubject\tBehavior\tBehavior type\tStart (s)\t"
                   "Stop (s)\tComment start\r\n"
                   "d\tC:\\v\\a.mp4\t25\tx\tgroom, long\tSTATE\t1.25\t2.5\t\"two\nlines \"\"said\"\"\"\r\n"
                   "d\tC:\\v\\a.mp4\t25\tx\tbite\tPOINT\t3\tNA\t\r\n\r\n",
                   false, 2, (expected[]){{"C:\\v\\a.mp4", "groom, long", 1.25, 2.5}, {"C:\\v\\a.mp4", "bite", 3, 3}});
}

/* A remark above, a column for each tier, cells that are empty. */
static void elan_is_read(void **state) {
  (void)state;
  const vj_interval_columns tiers = {
      .video = "", .start = "", .end = "", .is_of_one = true, .labels = {2, (const char *const[]){"Gaze", "Hand"}}};
  assert_intervals(
      &tiers,
      "\"#file:///D:/x/a.mp4 -- offset: 0\",,,,\n\"Begin Time - hh:mm:ss.ms\",\"Begin Time - ss.msec\",\"End "
      "Time - ss.msec\",\"Gaze\",\"Hand\"\n00:00:00.500,0.5,1.5,left,\n00:00:02.000,2,3,,up\n",
      false, 2, (expected[]){{NULL, "Gaze: left", 0.5, 1.5}, {NULL, "Hand: up", 2, 3}});
  assert_intervals(&of_one, "Begin Time - msec\tEnd Time - msec\tannotation\n500\t1500\tleft\n", false, 1,
                   (expected[]){{NULL, "left", 0.5, 1.5}});
  assert_intervals(&of_one, "Begin Time - hh:mm:ss.ms,End Time - hh:mm:ss.ms,annotation\n01:02:03.5,01:02:04,a\n",
                   false, 1, (expected[]){{NULL, "a", 3723.5, 3724}});
}

static void scripts_are_read(void **state) {
  (void)state;
  vj_interval_columns said = {
      .video = "clip", .start = "from", .end = "to", .labels = {1, (const char *const[]){"what"}}};
  said.unit = VJ_TIME_MILLISECONDS;
  assert_intervals(&said, "what;from;to;clip\nrun;1500,5;2000;a b.mp4\n", false, 1,
                   (expected[]){{"a b.mp4", "run", 1.5005, 2}});
  assert_intervals(&usual, "\xEF\xBB\xBFvideo,start_frame,end_frame,label\na,0,24,run\n", true, 1,
                   (expected[]){{"a", "run", 0, 24}});
  assert_intervals(&of_one, "frame,label\n3,left\n4,\"the \"\"right\"\"\"", true, 2,
                   (expected[]){{NULL, "left", 3, 3}, {NULL, "the \"right\"", 4, 4}});
}

static void bad_intervals_are_refused(void **state) {
  (void)state;
  char name[VJ_FORM_NAME_BYTES];
  vj_annotation_form form = vj_intervals_form(&usual, name);
  assert_refused(&form, "\n#nothing\n", "t.csv: expected a table with a header, got nothing");
  assert_refused(&form, "video,start,end,label\na,1,2,b\n",
                 "t.csv:2: start is 1: seconds or frames? The column's name does not say; data.time_unit does");
  assert_refused(&form, "video,Start (s),Stop (s),label\na,soon,2,b\n",
                 "t.csv:2: start: expected a time, got \"soon\"");
  assert_refused(&form, "video,Start (s),Stop (s),label\n\na,2,1,b\n", "t.csv:3: it ends at 1, before it starts at 2");
  assert_refused(&form, "video,Start (s),Stop (s),label\na,2,3,\n", "t.csv:2: there is no label");
  assert_refused(&form, "video,Start (s),Stop (s),label\n,2,3,b\n", "t.csv:2: there is no name of a video");
  assert_refused(&form, "video,Start (s),Stop (s),label\na,2,3,\"b\n", "t.csv:2: quotes that do not end");
  assert_refused(&form, "start,end\n1,2\n",
                 "t.csv:1: no column is called as those of labels are; data.label_columns names it; there are start, "
                 "end");
  assert_refused(
      &form, "Start (s),Stop (s),label\n1,2,b\n",
      "t.csv:1: no column is called as those of videos are (of a file for each video, data.intervals has a * "
      "in place of its name); data.video_column names it; there are Start (s), Stop (s), label");
  const vj_interval_columns wrong = {.video = "", .start = "form", .end = ""};
  form = vj_intervals_form(&wrong, name);
  assert_refused(&form, "from,to,label\n1,2,b\n",
                 "t.csv:1: there is no column form; data.start_column names it; there are from, to, label");
}

/* What is remembered of a file depends on how it is read. */
static void settings_are_part_of_the_form(void **state) {
  (void)state;
  char one[VJ_FORM_NAME_BYTES], other[VJ_FORM_NAME_BYTES];
  const vj_interval_columns frames = {.video = "", .start = "", .end = "", .unit = VJ_TIME_FRAMES};
  vj_intervals_form(&usual, one);
  vj_intervals_form(&frames, other);
  assert_string_not_equal(one, other);
}

/* --- values of frames -------------------------------------------------------------------------------------------- */

static void assert_values(const vj_frame_columns *columns, const char *text, int64_t count, int64_t width,
                          const int64_t *frames, const float *values) {
  char name[VJ_FORM_NAME_BYTES];
  const vj_annotation_form form = vj_frame_values_form(columns, name);
  size_t bytes;
  void *const kept = keep(&form, text, &bytes);
  const vj_frame_table all = vj_frame_table_of(kept);
  assert_int_equal(all.count, count);
  assert_int_equal(all.columns, width);
  for (int64_t i = 0; i < count; i++) assert_int_equal(all.rows[i].frame, frames[i]);
  for (int64_t i = 0; i < count * width; i++)
    assert_true(isnan(values[i]) ? isnan(all.values[i]) : all.values[i] == values[i]);
  free(kept);
}

static void deeplabcut_is_read(void **state) {
  (void)state;
  const vj_frame_columns all = {.video = "", .frame = "", .min_likelihood = 0.6, .is_of_one = true};
  assert_values(&all,
                "scorer,DLC,DLC,DLC,DLC,DLC,DLC\nbodyparts,nose,nose,nose,tail,tail,tail\n"
                "coords,x,y,likelihood,x,y,likelihood\n0,1.5,2,0.99,3,4,0.6\n1,5,6,0.4,,,\n",
                2, 4, (int64_t[]){0, 1}, (float[]){1.5F, 2, 3, 4, NAN, NAN, NAN, NAN});
  const vj_frame_columns tail = {
      .video = "", .frame = "", .is_of_one = true, .values = {2, (const char *const[]){"two.tail", "one.tail.x"}}};
  assert_values(&tail,
                "scorer,DLC,DLC,DLC,DLC\nindividuals,one,one,two,two\nbodyparts,tail,tail,tail,tail\n"
                "coords,x,y,x,y\n7,1,2,3,4\n",
                1, 3, (int64_t[]){7}, (float[]){3, 4, 1});
}

/* Rows in any order, of several videos; one likelihood for all. */
static void plain_values_are_read(void **state) {
  (void)state;
  const vj_frame_columns all = {.video = "", .frame = "", .min_likelihood = 0.5};
  assert_values(&all, "frame,video,x,y,confidence\n1,b,1,2,1\n4,a,3,NaN,1\n0,b,5,6,0.4\n", 3, 2, (int64_t[]){0, 1, 4},
                (float[]){NAN, NAN, 1, 2, 3, NAN});
}

static void bad_values_are_refused(void **state) {
  (void)state;
  char name[VJ_FORM_NAME_BYTES];
  const vj_frame_columns columns = {.video = "", .frame = "", .is_of_one = true};
  const vj_annotation_form form = vj_frame_values_form(&columns, name);
  assert_refused(&form, "time,x\n1,2\n",
                 "t.csv:1: there is no column frame; data.frame_column names it; there are time, x");
  assert_refused(&form, "frame,x\n1,fast\n",
                 "t.csv:2: x: expected a number (data.value_columns names the columns to read), got \"fast\"");
  assert_refused(&form, "frame,x\n1.5,2\n", "t.csv:2: frame: expected the number of a frame, got \"1.5\"");
  assert_refused(&form, "frame,x\n3,1\n4,1\n3,2\n", "t.csv:4: frame 3 stands in line 2 already");
  assert_refused(&form, "frame,x,x\n3,1,1\n",
                 "t.csv:1: two columns of values have the same name, or data.value_columns names one twice");
  assert_refused(&form, "scorer,DLC,DLC\nbodyparts,nose,nose\n0,1,2\n",
                 "t.csv:3: expected DeepLabCut's header: scorer, bodyparts and coords (with individuals, of several "
                 "animals), each with 3 columns");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(boris_is_read),
      cmocka_unit_test(elan_is_read),
      cmocka_unit_test(scripts_are_read),
      cmocka_unit_test(bad_intervals_are_refused),
      cmocka_unit_test(settings_are_part_of_the_form),
      cmocka_unit_test(deeplabcut_is_read),
      cmocka_unit_test(plain_values_are_read),
      cmocka_unit_test(bad_values_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
