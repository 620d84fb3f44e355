/* The sweep file, one process: what can't become one and what is none are refused in one sentence, and left as they
 * are. */

#include "tests/store/sweep_file_testing.h"

static void existing_file_is_never_overwritten(void **state) {
  (void)state;
  char path[PATH_BYTES];
  FILE *stream = fopen(in_folder("precious.h5", path), "w");
  assert_non_null(stream);
  fputs("precious", stream);
  fclose(stream);
  assert_int_equal(vj_sweep_file_create(path, &sample_layout, NULL, NULL), VJ_IO);
  assert_sentence(path, ": exists already, and is not overwritten; resume that sweep or choose another folder");
  size_t bytes = 0;
  unsigned char *all = read_whole(path, &bytes);
  assert_int_equal(bytes, 8);
  free(all);
  assert_int_equal(entries_like(folder, "precious"), 1);
}

static void impossible_layouts_are_refused(void **state) {
  (void)state;
  char path[PATH_BYTES];
  vj_file_dimension dimensions[] = {{.name = "trial", .size = 3}, {.name = "step", .size = 0}};
  vj_file_variable variables[] = {{.name = "a", .type = VJ_FILE_FLOAT, .rank = 1, .dimension = {0}},
                                  {.name = "a", .type = VJ_FILE_FLOAT, .rank = 1, .dimension = {0}}};
  vj_file_layout layout = {.dimension_count = 2, .variable_count = 2, .dimensions = dimensions, .variables = variables};
  in_folder("impossible.h5", path);
  assert_int_equal(vj_sweep_file_create(path, &layout, NULL, NULL), VJ_SHAPE);
  assert_sentence(path, ": dimension step has size 0; it must be 1 or more");
  dimensions[1].size = 1;
  assert_int_equal(vj_sweep_file_create(path, &layout, NULL, NULL), VJ_INTERNAL);
  assert_sentence(path, ": two dimensions or variables are named a");
  variables[1] = (vj_file_variable){.name = "b", .type = VJ_FILE_TEXT, .text_bytes = 1};
  assert_int_equal(vj_sweep_file_create(path, &layout, NULL, NULL), VJ_SHAPE);
  assert_sentence(path, ": variable b: room for 1 bytes of text; 2 to 16777216 are possible");
  variables[1] = (vj_file_variable){.name = "b", .type = VJ_FILE_INT64, .flags = "0 waiting|one running"};
  assert_int_equal(vj_sweep_file_create(path, &layout, NULL, NULL), VJ_INTERNAL);
  assert_sentence(path, ": b: flags \"0 waiting|one running\" are not in the form \"0 waiting|1 running\"");
  variables[1] = (vj_file_variable){.name = "b", .type = VJ_FILE_DOUBLE, .rank = 2, .dimension = {0, 1}};
  dimensions[1].size = INT64_MAX;
  assert_int_equal(vj_sweep_file_create(path, &layout, NULL, NULL), VJ_SHAPE);
  assert_sentence(path, ": variable b would take 2.21e+20 bytes");
  assert_int_equal(entries_like(folder, "impossible"), 0);
}

static void give_up_rights(void) {
  if (geteuid() == 0 && seteuid(65534) != 0) abort();
}

static void folders_that_cannot_be_written_are_named(void **state) {
  (void)state;
  char path[PATH_BYTES], where[PATH_BYTES], sentence[1024], expected[1024];
  in_folder("nowhere/sweep.h5", path);
  assert_int_equal(vj_sweep_file_create(path, &sample_layout, NULL, NULL), VJ_IO);
  assert_sentence(path, ": can't be created: No such file or directory");
  assert_int_equal(mkdir(in_folder("closed", where), 0555), 0);
  in_folder("closed/sweep.h5", path);
  assert_int_equal(sentence_of_child(give_up_rights, create_sample, path, sentence, sizeof sentence), 0);
  snprintf(expected, sizeof expected, "%s: can't be created: Permission denied", path);
  assert_string_equal(sentence, expected);
}

static void write_bytes(const char *path, const void *bytes, size_t count) {
  FILE *stream = fopen(path, "wb");
  assert_non_null(stream);
  assert_int_equal(fwrite(bytes, 1, count, stream), count);
  fclose(stream);
}

static void assert_refused(const char *path, vj_status expected, const char *sentence) {
  vj_sweep_file *serial = NULL, *parallel = NULL;
  char message[2048];
  catch_errors();
  const vj_status status = vj_sweep_file_read_only(path, &serial);
  snprintf(message, sizeof message, "%s", vj_error_message());
  const vj_status again = vj_sweep_file_open(&self, path, &parallel);
  assert_int_equal(uncatch_errors(), 0);
  assert_int_equal(status, expected);
  assert_sentence(path, sentence);
  assert_error(again, expected, message);
  assert_null(serial);
  assert_null(parallel);
}

static void other_files_are_refused_in_one_sentence(void **state) {
  (void)state;
  char path[PATH_BYTES], sentence[256];
  write_bytes(in_folder("plain.h5", path), "just some text\n", 15);
  assert_refused(path, VJ_DATA, " is no sweep file: it does not begin as HDF5 files do");
  write_bytes(in_folder("empty.h5", path), "", 0);
  assert_refused(path, VJ_DATA, " is no sweep file: it does not begin as HDF5 files do");
  assert_refused(in_folder("missing.h5", path), VJ_IO, ": can't be opened: No such file or directory");

  const hid_t foreign = H5Fcreate(in_folder("foreign.h5", path), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(foreign);
  assert_refused(path, VJ_DATA, " is no sweep file: it has no attribute vjvcr_format");

  fresh_sample("whole.h5", path);
  size_t bytes = 0;
  unsigned char *all = read_whole(path, &bytes);
  write_bytes(in_folder("half.h5", path), all, bytes / 2);
  free(all);
  snprintf(sentence, sizeof sentence,
           " is no sweep file: truncated file: eof = %zu, sblock->base_addr = 0, stored_eof = %zu", bytes / 2, bytes);
  assert_refused(path, VJ_DATA, sentence);
  vj_sweep_file *file = NULL;
  assert_int_equal(vj_sweep_file_read_only(folder, &file), VJ_IO);
  assert_sentence(folder, ": can't be read: Is a directory");
}

static int run(int argc, char **argv) {
  (void)argc;
  (void)argv;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(existing_file_is_never_overwritten),
      cmocka_unit_test(impossible_layouts_are_refused),
      cmocka_unit_test(folders_that_cannot_be_written_are_named),
      cmocka_unit_test(other_files_are_refused_in_one_sentence),
  };
  return cmocka_run_group_tests_name("sweep_file_refused", tests, make_folder, remove_folder);
}

int main(int argc, char **argv) { return with_mpi(argc, argv, run); }
