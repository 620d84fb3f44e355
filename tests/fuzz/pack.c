/* What stands in a pack. HDF5 crashes on damage to its own structure, which the seal keeps from it; so the input says
 * here what a whole HDF5 file, rightly sealed, holds: words, tables of any shape, type and value, or none of them. */
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/video/pack/pack.h"
#include "datasets/video/pack/pack_checksum.h"
#include "datasets/video/scan.h"
#include "tests/fuzz/fuzz.h"

/* No source of a pack is there. */
vj_status vj_file_stamp(const char *path, int64_t *bytes, int64_t *changed) {
  *bytes = *changed = 0;
  return vj_fail(VJ_IO, "%s: is not there", path);
}

enum { FIRST, SPLIT, BYTES, CHANGED, WHOLE, NAME, BROKEN, FRAMES, RATE, TABLES, MOST_CELLS = 256, TEXT_BYTES = 4 };
static const char *const names[TABLES] = {"first", "split",  "bytes",  "changed", "whole",
                                          "name",  "broken", "frames", "rate"};

typedef struct table {
  int type; /* see type_of */
  bool is_there, is_chunked, is_late;
  int axes;
  hsize_t size[5];
  union {
    unsigned char bytes[8 * MOST_CELLS];
    int64_t numbers[MOST_CELLS];
  } as;
} table;

typedef struct word {
  char text[256];
  size_t length;
  hsize_t count; /* 0: a scalar */
  bool is_there, is_number;
} word;

typedef struct recipe {
  table tables[TABLES];
  word format, dataset;
  size_t cut; /* bytes less of the file, before it is sealed */
} recipe;

/* Two videos of 2 and 1 frames of 2 x 2 grey pixels. */
static void begin(recipe *r) {
  static const int64_t first[] = {0, 2, 3}, split[] = {0, 1};
  memset(r, 0, sizeof *r);
  r->format = (word){.text = VJ_PACK_FORMAT, .length = strlen(VJ_PACK_FORMAT), .is_there = true};
  r->dataset = (word){.text = "clevrer", .length = 7, .is_there = true};
  for (int i = 0; i < TABLES; i++)
    r->tables[i] = (table){.type = i <= CHANGED               ? 0
                                   : i == NAME || i == BROKEN ? 1
                                   : i == RATE                ? 5
                                                              : 2,
                           .is_there = true,
                           .axes = 1,
                           .size = {i == FIRST || i == WHOLE ? 3 : 2}};
  r->tables[FRAMES].axes = 4;
  memcpy(r->tables[FRAMES].size, (hsize_t[]){3, 2, 2, 1}, 4 * sizeof(hsize_t));
  memcpy(r->tables[FIRST].as.numbers, first, sizeof first);
  memcpy(r->tables[SPLIT].as.numbers, split, sizeof split);
  memcpy(r->tables[WHOLE].as.bytes, "\1\1\1", 3);
  memcpy(r->tables[NAME].as.bytes, "a\0\0\0b\0\0", 8);
}

static void change_word(word *w, fuzz_bytes *in) {
  const uint64_t what = fuzz_take(in, 1);
  w->is_there = what != 1;
  w->is_number = what == 2;
  w->count = fuzz_take(in, 1);
  w->length = fuzz_take_text(in, sizeof w->text - 1, w->text);
}

/* One change of the recipe: what, of which table, at which place, and a value. */
static void change(recipe *r, fuzz_bytes *in) {
  const uint64_t what = fuzz_take(in, 1) % 10;
  table *const t = &r->tables[fuzz_take(in, 1) % TABLES];
  if (what == 0) change_word(&r->format, in);
  if (what == 1) change_word(&r->dataset, in);
  if (what < 2) return;
  const uint64_t place = fuzz_take(in, 1), value = fuzz_take(in, what < 6 ? 1 : 8);
  if (what == 2) t->is_there = false;
  if (what == 3) t->type = (int)value;
  if (what == 4) t->axes = (int)(value % 6);
  if (what == 5 || what == 6) t->size[place % 5] = value;
  if (what == 7) t->as.numbers[place % MOST_CELLS] = (int64_t)value;
  if (what == 8) t->is_chunked = value % 2 != 0, t->is_late = value / 2 % 2 != 0;
  if (what == 9) r->cut = (size_t)(value % 65536);
}

/* The caller closes it. */
static hid_t type_of(int number) {
  static const size_t lengths[] = {TEXT_BYTES, 1, 65536, 70000};
  hid_t type;
  switch (number % 12) {
    case 0:
      return H5Tcopy(H5T_STD_I64LE);
    case 2:
      return H5Tcopy(H5T_STD_U8LE);
    case 3:
      return H5Tcopy(H5T_STD_I8LE);
    case 4:
      return H5Tcopy(H5T_STD_U64BE);
    case 5:
      return H5Tcopy(H5T_IEEE_F64LE);
    case 6:
      type = H5Tcreate(H5T_COMPOUND, 8);
      H5Tinsert(type, "a", 0, H5T_STD_I64LE);
      return type;
    case 7:
      return H5Tcreate(H5T_OPAQUE, 8);
    case 8:
      type = H5Tcopy(H5T_C_S1);
      H5Tset_size(type, H5T_VARIABLE);
      return type;
    default:
      type = H5Tcopy(H5T_C_S1);
      H5Tset_size(type, lengths[number % 12 == 1 ? 0 : number % 12 - 8]);
      return type;
  }
}

/* Whether values of this table are written. */
static bool is_small(const table *t, hid_t type) {
  hsize_t cells = 1;
  for (int i = 0; i < t->axes; i++) cells = t->size[i] > MOST_CELLS ? MOST_CELLS + 1 : cells * t->size[i];
  return cells <= MOST_CELLS && cells * H5Tget_size(type) <= sizeof t->as && H5Tis_variable_str(type) <= 0;
}

static void write_table(hid_t file, const char *name, const table *t) {
  const hid_t type = type_of(t->type), create = H5Pcreate(H5P_DATASET_CREATE);
  const hid_t space = t->axes ? H5Screate_simple(t->axes, t->size, NULL) : H5Screate(H5S_SCALAR);
  const bool small = is_small(t, type);
  hsize_t chunk[5] = {1, 1, 1, 1, 1};
  if (t->is_chunked && t->axes) H5Pset_chunk(create, t->axes, chunk);
  H5Pset_alloc_time(create, small && !t->is_late ? H5D_ALLOC_TIME_EARLY : H5D_ALLOC_TIME_LATE);
  const hid_t set = space < 0 ? -1 : H5Dcreate2(file, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
  if (set >= 0 && small && !t->is_late) H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, t->as.bytes);
  if (set >= 0) H5Dclose(set);
  if (space >= 0) H5Sclose(space);
  H5Pclose(create);
  H5Tclose(type);
}

static void write_word(hid_t file, const char *name, const word *w) {
  char values[256 * 256];
  const size_t length = w->length ? w->length : 1;
  const hid_t type = w->is_number ? H5Tcopy(H5T_STD_I8LE) : H5Tcopy(H5T_C_S1);
  if (!w->is_number) H5Tset_size(type, length);
  const hid_t space = w->count ? H5Screate_simple(1, &w->count, NULL) : H5Screate(H5S_SCALAR);
  for (size_t i = 0; i < (w->count ? w->count : 1); i++) memcpy(values + i * length, w->text, length);
  const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute >= 0) H5Awrite(attribute, type, values);
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
}

/* The bytes of the file that the recipe asks for, made in memory; the caller frees them. Also where its frames are. */
static unsigned char *make(const recipe *r, size_t *bytes, vj_pack_checksum *seal) {
  unsigned char *image = NULL;
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_core(access, 65536, 0);
  const hid_t file = H5Fcreate("made", H5F_ACC_TRUNC, H5P_DEFAULT, access);
  if (r->format.is_there) write_word(file, "format", &r->format);
  if (r->dataset.is_there) write_word(file, "dataset", &r->dataset);
  for (int i = 0; i < TABLES; i++)
    if (r->tables[i].is_there) write_table(file, names[i], &r->tables[i]);
  H5Fflush(file, H5F_SCOPE_GLOBAL);
  const hid_t frames = H5Dopen2(file, "frames", H5P_DEFAULT);
  const haddr_t offset = frames < 0 ? HADDR_UNDEF : H5Dget_offset(frames);
  *seal = (vj_pack_checksum){0};
  if (offset != HADDR_UNDEF)
    *seal = (vj_pack_checksum){.frames = (int64_t)offset, .frame_bytes = (int64_t)H5Dget_storage_size(frames)};
  if (frames >= 0) H5Dclose(frames);
  const ssize_t size = H5Fget_file_image(file, NULL, 0);
  if (size > 0) image = malloc((size_t)size);
  if (image && H5Fget_file_image(file, image, (size_t)size) != size) fuzz_claim(false, "the file was made");
  *bytes = image ? (size_t)size : 0;
  H5Fclose(file);
  H5Pclose(access);
  return image;
}

/* What a data set does with a pack that could be opened. */
static void use(const vj_pack *pack, const char *path) {
  static const vj_clip_entry entries[] = {{.name = "a", .path = "/nowhere/a"}, {.name = "b", .path = "/nowhere/b"}};
  const vj_video_request request = {.start = 1, .stride = 3, .count = 4, .height = 2, .width = 2, .grey = true};
  uint8_t frames[4 * 2 * 2];
  if (!fuzz_accepted(vj_pack_check(pack, "clevrer", &request), VJ_DATA, path)) return;
  for (int s = 0; s < VJ_SPLITS; s++) {
    vj_clip_video video = {.entry = &entries[s % 2]};
    int64_t place = 0;
    if (!fuzz_accepted(vj_pack_match(pack, (vj_split)s, &video, 1, &place), VJ_DATA, path)) continue;
    if (video.broken) continue;
    fuzz_claim(video.info.frames > 0, "a video that is not broken has frames");
    (void)fuzz_accepted(vj_pack_read(pack, place, &request, frames), VJ_DATA, path);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_bytes in = {data, data + size};
  vj_pack *pack = NULL;
  vj_pack_checksum seal;
  size_t bytes;
  recipe *const r = malloc(sizeof *r);
  fuzz_claim(r != NULL, "there is memory");
  begin(r);
  while (in.at < in.end) change(r, &in);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  unsigned char *const image = make(r, &bytes, &seal);
  fuzz_file file = fuzz_file_open(image, bytes > r->cut ? bytes - r->cut : bytes);
  const vj_status sealed = vj_pack_checksum_write(file.descriptor, "made", &seal);
  /* Frames that were cut off can't be sealed. */
  if (sealed == VJ_OK && fuzz_accepted(vj_pack_open(file.path, &pack), VJ_DATA, file.path)) use(pack, file.path);
  vj_pack_close(&pack);
  fuzz_file_close(&file);
  free(image);
  free(r);
  return 0;
}
