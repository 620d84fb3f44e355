/* What goes into a file as text is UTF-8, whatever names of files were in it. */
#include "framework/base/valid_utf8.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/testing.h"

static void assert_becomes(const char *text, const char *valid) {
  enum { SIZE = 16 };
  char texts[2 * SIZE] = "first";
  const void *written = NULL;
  void *copy = NULL;
  strcpy(texts + SIZE, text);
  assert_ok(vj_valid_utf8(texts, 2, SIZE, &written, &copy));
  assert_string_equal((const char *)written, "first");
  assert_string_equal((const char *)written + SIZE, valid);
  if (strcmp(text, valid) == 0) assert_ptr_equal(written, texts);
  free(copy);
}

static void test_bytes_that_are_no_characters_become_question_marks(void **state) {
  (void)state;
  assert_becomes("", "");
  assert_becomes("plain", "plain");
  assert_becomes("caf\303\251 \342\202\254 \360\237\216\254", "caf\303\251 \342\202\254 \360\237\216\254");
  assert_becomes("caf\351.mp4", "caf?.mp4");
  assert_becomes("\303", "?");
  assert_becomes("\342\202", "??");
  assert_becomes("\300\257", "??");           /* a longer form of / */
  assert_becomes("\355\240\200", "???");      /* half a pair */
  assert_becomes("\364\220\200\200", "????"); /* beyond Unicode */
  assert_becomes("\377\376", "??");
  assert_becomes("\251\303\251", "?\303\251");
  assert_becomes("0123456789abcd\342", "0123456789abcd?"); /* cut where the room ended */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes_that_are_no_characters_become_question_marks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
