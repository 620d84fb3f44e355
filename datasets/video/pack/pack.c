#include "datasets/video/pack/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/video/pack/pack_checksum.h"
#include "datasets/video/scan.h"

struct vj_pack {
  char *path;
  int file;
  vj_pack_checksum checksum;
  int64_t offset; /* of the first frame in the file */
  int64_t videos, frames, height, width, channels;
  int64_t *first;                   /* [videos + 1]: of its frames */
  int64_t *split, *bytes, *changed; /* [videos] */
  double *rate;                     /* [videos], frames a second; NULL: the pack does not say */
  uint8_t *whole;                   /* [frames] */
  char *names, *broken;             /* [videos] texts of so many bytes each */
  size_t name_bytes, broken_bytes;
  int64_t *order; /* videos by (split, name) */
  char what[64];
};

/* --- opening ----------------------------------------------------------------------------------------------------- */

static vj_status damaged(const vj_pack *p, const char *what) {
  return vj_fail(VJ_DATA, "%s: a damaged pack: %s", p->path, what);
}

/* Whether all values of a data set lie in the file in one piece; so nothing is ever larger than the file. */
static bool is_there(const vj_pack *p, hid_t set, hid_t type, int axes, const hsize_t *size) {
  const hsize_t file_bytes = (hsize_t)p->checksum.bytes;
  hsize_t bytes = H5Tget_size(type);
  for (int i = 0; i < axes; i++) {
    if (size[i] > file_bytes) return false;
    if (size[i] > 0 && bytes > file_bytes / size[i]) return false;
    bytes *= size[i];
  }
  const haddr_t offset = bytes > 0 ? H5Dget_offset(set) : 0;
  return offset != HADDR_UNDEF && H5Dget_storage_size(set) == bytes && offset <= file_bytes - bytes;
}

/* Opens a data set and checks its kind of type and its shape; axes of size -1 are told. The caller closes both, also
 * where it fails. */
static vj_status open_set(const vj_pack *p, hid_t file, const char *name, H5T_class_t class, int axes, hsize_t *size,
                          hid_t *set, hid_t *type) {
  hsize_t there[H5S_MAX_RANK];
  *set = H5Dopen2(file, name, H5P_DEFAULT);
  *type = *set < 0 ? -1 : H5Dget_type(*set);
  const hid_t space = *set < 0 ? -1 : H5Dget_space(*set);
  bool fits = *type >= 0 && space >= 0 && H5Tget_class(*type) == class && H5Tis_variable_str(*type) <= 0 &&
              H5Sget_simple_extent_ndims(space) == axes && H5Sget_simple_extent_dims(space, there, NULL) == axes;
  if (space >= 0) H5Sclose(space);
  for (int i = 0; i < axes && fits; i++) {
    if (size[i] == (hsize_t)-1) size[i] = there[i];
    fits = size[i] == there[i];
  }
  return fits && is_there(p, *set, *type, axes, size) ? VJ_OK : damaged(p, name);
}

static void close_set(hid_t set, hid_t type) {
  if (type >= 0) H5Tclose(type);
  if (set >= 0) H5Dclose(set);
}

static vj_status read_numbers(const vj_pack *p, hid_t file, const char *name, hid_t wanted, size_t bytes, int64_t count,
                              void *numbers) {
  const H5T_class_t class = H5Tget_class(wanted);
  hsize_t size = (hsize_t)count;
  hid_t set, type;
  void *block = NULL;
  vj_status status = open_set(p, file, name, class, 1, &size, &set, &type);
  if (status == VJ_OK) status = vj_allocate((size_t)count + 1, bytes, "a pack", &block);
  if (status == VJ_OK && H5Dread(set, wanted, H5S_ALL, H5S_ALL, H5P_DEFAULT, block) < 0) status = damaged(p, name);
  close_set(set, type);
  *(void **)numbers = block;
  return status;
}

static vj_status read_texts(const vj_pack *p, hid_t file, const char *name, char **texts, size_t *bytes) {
  hsize_t size = (hsize_t)p->videos;
  hid_t set, type;
  vj_status status = open_set(p, file, name, H5T_STRING, 1, &size, &set, &type);
  *bytes = status == VJ_OK ? H5Tget_size(type) : 0;
  if (status == VJ_OK && (*bytes == 0 || *bytes > 65536)) status = damaged(p, name);
  if (status == VJ_OK) status = vj_allocate((size_t)p->videos + 1, *bytes, "a pack", texts);
  if (status == VJ_OK && H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *texts) < 0) status = damaged(p, name);
  for (int64_t i = 0; i < p->videos && status == VJ_OK; i++) (*texts)[(size_t)(i + 1) * *bytes - 1] = 0;
  close_set(set, type);
  return status;
}

/* One text; an attribute may also be a list of them. */
static vj_status read_word(const vj_pack *p, hid_t file, const char *name, char *word, size_t room) {
  const hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
  const hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute), space = attribute < 0 ? -1 : H5Aget_space(attribute);
  const bool fits = type >= 0 && space >= 0 && H5Sget_simple_extent_npoints(space) == 1 &&
                    H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 && H5Tget_size(type) < room &&
                    H5Aread(attribute, type, word) >= 0;
  if (fits) word[H5Tget_size(type)] = 0;
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  if (attribute >= 0) H5Aclose(attribute);
  return fits ? VJ_OK : damaged(p, name);
}

/* Where the frames are: where the checksum says so, too. */
static vj_status find_frames(vj_pack *p, hid_t file) {
  hsize_t size[4] = {(hsize_t)-1, (hsize_t)-1, (hsize_t)-1, (hsize_t)-1};
  hid_t set, type;
  vj_status status = open_set(p, file, "frames", H5T_INTEGER, 4, size, &set, &type);
  if (status == VJ_OK) {
    p->frames = (int64_t)size[0], p->height = (int64_t)size[1], p->width = (int64_t)size[2];
    p->channels = (int64_t)size[3], p->offset = (int64_t)H5Dget_offset(set);
    if (p->frames == 0 || H5Tequal(type, H5T_NATIVE_UINT8) <= 0)
      status = damaged(p, "frames");
    else if (p->offset != p->checksum.frames || H5Dget_storage_size(set) != (hsize_t)p->checksum.frame_bytes)
      status = damaged(p, "its frames are not where its end says");
  }
  close_set(set, type);
  return status;
}

static vj_status count_videos(vj_pack *p, hid_t file) {
  hsize_t size = (hsize_t)-1;
  hid_t set, type;
  const vj_status status = open_set(p, file, "split", H5T_INTEGER, 1, &size, &set, &type);
  close_set(set, type);
  p->videos = status == VJ_OK ? (int64_t)size : 0;
  return status;
}

static vj_status check_places(const vj_pack *p) {
  for (int64_t i = 0; i < p->videos; i++)
    if (p->first[i] < 0 || p->first[i + 1] < p->first[i] || p->split[i] < 0 || p->split[i] >= VJ_SPLITS)
      return damaged(p, "first");
  return p->first[p->videos] == p->frames ? VJ_OK : damaged(p, "first");
}

/* Packs of earlier versions have none. */
static vj_status read_rates(vj_pack *p, hid_t file) {
  if (H5Lexists(file, "rate", H5P_DEFAULT) <= 0) return VJ_OK;
  VJ_TRY(read_numbers(p, file, "rate", H5T_NATIVE_DOUBLE, sizeof(double), p->videos, &p->rate));
  for (int64_t i = 0; i < p->videos; i++)
    if (!(p->rate[i] >= 0 && p->rate[i] <= 1e9)) return damaged(p, "rate");
  return VJ_OK;
}

static vj_status read_tables(vj_pack *p, hid_t file) {
  VJ_TRY(find_frames(p, file));
  VJ_TRY(count_videos(p, file));
  VJ_TRY(read_word(p, file, "dataset", p->what, sizeof p->what));
  VJ_TRY(read_numbers(p, file, "first", H5T_NATIVE_INT64, sizeof(int64_t), p->videos + 1, &p->first));
  VJ_TRY(read_numbers(p, file, "split", H5T_NATIVE_INT64, sizeof(int64_t), p->videos, &p->split));
  VJ_TRY(read_numbers(p, file, "bytes", H5T_NATIVE_INT64, sizeof(int64_t), p->videos, &p->bytes));
  VJ_TRY(read_numbers(p, file, "changed", H5T_NATIVE_INT64, sizeof(int64_t), p->videos, &p->changed));
  VJ_TRY(read_numbers(p, file, "whole", H5T_NATIVE_UINT8, 1, p->frames, &p->whole));
  VJ_TRY(read_texts(p, file, "name", &p->names, &p->name_bytes));
  VJ_TRY(read_texts(p, file, "broken", &p->broken, &p->broken_bytes));
  VJ_TRY(read_rates(p, file));
  return check_places(p);
}

static vj_status read_file(vj_pack *p) {
  char format[64] = "";
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  const hid_t file = H5Fopen(p->path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) return vj_fail(VJ_DATA, "%s: not a pack: HDF5 can't read it", p->path);
  vj_status status = read_word(p, file, "format", format, sizeof format);
  if (status != VJ_OK || strncmp(format, "vjvcr pack", 10) != 0)
    status = vj_fail(VJ_DATA, "%s: not a pack: `vjvcr data pack` makes one", p->path);
  else if (strcmp(format, VJ_PACK_FORMAT) != 0)
    status = vj_fail(VJ_DATA, "%s: a pack of another version, \"%s\"; make it again with `vjvcr data pack`", p->path,
                     format);
  else
    status = read_tables(p, file);
  H5Fclose(file);
  return status;
}

static const char *name_of(const vj_pack *p, int64_t i) { return p->names + (size_t)i * p->name_bytes; }

/* The position among `order` of the first video that is not before (split, name). */
static int64_t position_of(const vj_pack *p, int64_t split, const char *name) {
  int64_t low = 0, high = p->videos;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2, i = p->order[middle];
    if (p->split[i] < split || (p->split[i] == split && strcmp(name_of(p, i), name) < 0))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Merging runs of doubling length: there are no comparisons with a context in C17's qsort. */
static vj_status sort_videos(vj_pack *p) {
  int64_t *spare = NULL;
  VJ_TRY(vj_allocate((size_t)p->videos + 1, sizeof *p->order, "a pack", &p->order));
  VJ_TRY(vj_allocate((size_t)p->videos + 1, sizeof *spare, "a pack", &spare));
  for (int64_t i = 0; i < p->videos; i++) p->order[i] = i;
  for (int64_t run = 1; run < p->videos; run *= 2) {
    for (int64_t start = 0; start < p->videos; start += 2 * run) {
      const int64_t middle = start + run < p->videos ? start + run : p->videos;
      const int64_t end = start + 2 * run < p->videos ? start + 2 * run : p->videos;
      for (int64_t a = start, b = middle, to = start; to < end; to++) {
        const bool takes_b =
            a == middle || (b < end && (p->split[p->order[b]] < p->split[p->order[a]] ||
                                        (p->split[p->order[b]] == p->split[p->order[a]] &&
                                         strcmp(name_of(p, p->order[b]), name_of(p, p->order[a])) < 0)));
        spare[to] = takes_b ? p->order[b++] : p->order[a++];
      }
    }
    memcpy(p->order, spare, (size_t)p->videos * sizeof *spare);
  }
  free(spare);
  return VJ_OK;
}

vj_status vj_pack_open(const char *path, vj_pack **pack) {
  vj_status status;
  *pack = NULL;
  vj_pack *p = calloc(1, sizeof *p);
  if (!p) return vj_fail(VJ_MEMORY, "%s: no memory for a pack", path);
  p->path = strdup(path);
  p->file = open(path, O_RDONLY | O_CLOEXEC);
  if (p->file < 0)
    status = vj_fail(errno == ENOENT ? VJ_CONFIG : VJ_IO, "%s: can't be opened: %s; `vjvcr data pack` makes it", path,
                     strerror(errno));
  else if (!p->path)
    status = vj_fail(VJ_MEMORY, "%s: no memory for a pack", path);
  else
    status = vj_pack_checksum_check(p->file, p->path, &p->checksum);
  if (status == VJ_OK) status = read_file(p);
  if (status == VJ_OK) status = sort_videos(p);
  if (status == VJ_OK)
    *pack = p;
  else
    vj_pack_close(&p);
  return status;
}

void vj_pack_close(vj_pack **pack) {
  vj_pack *const p = *pack;
  if (!p) return;
  if (p->file >= 0) close(p->file);
  free(p->path), free(p->first), free(p->split), free(p->bytes), free(p->changed);
  free(p->rate), free(p->whole), free(p->names), free(p->broken), free(p->order), free(p);
  *pack = NULL;
}

/* --- checksum ----------------------------------------------------------------------------------------------------- */

/* HDF5 says where the frames are. */
static vj_status ask_for_frames(const char *path, vj_pack_checksum *checksum) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t set = file < 0 ? -1 : H5Dopen2(file, "frames", H5P_DEFAULT);
  const haddr_t offset = set < 0 ? HADDR_UNDEF : H5Dget_offset(set);
  if (offset != HADDR_UNDEF)
    *checksum = (vj_pack_checksum){.frames = (int64_t)offset, .frame_bytes = (int64_t)H5Dget_storage_size(set)};
  if (set >= 0) H5Dclose(set);
  if (file >= 0) H5Fclose(file);
  return offset != HADDR_UNDEF ? VJ_OK : vj_fail(VJ_DATA, "%s: has no frames, so it is no pack", path);
}

vj_status vj_pack_checksum_file(const char *path) {
  vj_pack_checksum checksum;
  VJ_TRY(ask_for_frames(path, &checksum));
  const int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return vj_fail(VJ_IO, "%s: can't be opened: %s", path, strerror(errno));
  const vj_status status = vj_pack_checksum_write(file, path, &checksum);
  close(file);
  return status;
}

/* --- what it is of ----------------------------------------------------------------------------------------------- */

bool vj_pack_has_rates(const vj_pack *p) { return p->rate != NULL; }

vj_status vj_pack_check(const vj_pack *p, const char *what, const vj_video_request *r) {
  const int64_t channels = r->grey ? 1 : 3;
  if (strcmp(p->what, what) != 0)
    return vj_fail(VJ_DATA, "%s: the pack is of the data set %s, the experiment has %s", p->path, p->what, what);
  if (p->height != r->height || p->width != r->width)
    return vj_fail(VJ_DATA,
                   "%s: the pack has frames of %" PRId64 " x %" PRId64
                   " px (height x width), data.size asks for %" PRId64 " x %" PRId64,
                   p->path, p->height, p->width, r->height, r->width);
  if (p->channels != channels)
    return vj_fail(VJ_DATA, "%s: the pack's frames are %s, data.grey asks for %s", p->path,
                   p->channels == 1 ? "grey" : "RGB", channels == 1 ? "grey" : "RGB");
  return VJ_OK;
}

/* Against the file as it is now, if it is still there. */
static vj_status check_source(const vj_pack *p, int64_t place, const vj_clip_video *video) {
  int64_t bytes, changed;
  if (vj_file_stamp(video->entry->path, &bytes, &changed) != VJ_OK) {
    vj_error_clear();
    return VJ_OK;
  }
  if (bytes != p->bytes[place])
    return vj_fail(VJ_DATA,
                   "%s: %s has %" PRId64 " bytes and had %" PRId64
                   " when the pack was made; make it again with `vjvcr data pack`",
                   p->path, video->entry->path, bytes, p->bytes[place]);
  if (changed != p->changed[place])
    return vj_fail(VJ_DATA, "%s: %s has changed since the pack was made; make it again with `vjvcr data pack`", p->path,
                   video->entry->path);
  return VJ_OK;
}

static vj_status match(const vj_pack *p, vj_split split, vj_clip_video *video, int64_t *place) {
  const int64_t position = position_of(p, split, video->entry->name);
  const int64_t i = position < p->videos ? p->order[position] : -1;
  if (i < 0 || p->split[i] != (int64_t)split || strcmp(name_of(p, i), video->entry->name) != 0)
    return vj_fail(VJ_DATA, "%s: the pack does not have %s; make it again with `vjvcr data pack`", p->path,
                   video->entry->path);
  const char *const broken = p->broken + (size_t)i * p->broken_bytes;
  video->info.frames = p->first[i + 1] - p->first[i];
  video->info.bytes = p->bytes[i];
  video->info.rate = p->rate ? p->rate[i] : 0;
  video->changed = p->changed[i];
  video->broken = video->entry->broken ? video->entry->broken : *broken ? broken : NULL;
  if (!video->broken && video->info.frames == 0) video->broken = "the pack has no frames of it";
  *place = i;
  return check_source(p, i, video);
}

vj_status vj_pack_match(const vj_pack *p, vj_split split, vj_clip_video *videos, int64_t count, int64_t *place) {
  int64_t here = 0;
  for (int64_t i = 0; i < count; i++) VJ_TRY(match(p, split, &videos[i], &place[i]));
  for (int64_t i = 0; i < p->videos; i++) here += p->split[i] == (int64_t)split;
  return here == count ? VJ_OK
                       : vj_fail(VJ_DATA,
                                 "%s: the pack has %" PRId64 " videos of a split that now lists %" PRId64
                                 "; make it again with `vjvcr data pack`",
                                 p->path, here, count);
}

/* --- frames ------------------------------------------------------------------------------------------------------ */

static vj_status read_at(const vj_pack *p, int64_t offset, size_t bytes, uint8_t *to) {
  while (bytes > 0) {
    const ssize_t got = pread(p->file, to, bytes, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return vj_fail(VJ_IO, "%s: can't be read: %s", p->path, got ? strerror(errno) : "it has become shorter");
    to += got, offset += got, bytes -= (size_t)got;
  }
  return VJ_OK;
}

vj_status vj_pack_read(const vj_pack *p, int64_t place, const vj_video_request *r, uint8_t *frames) {
  const int64_t first = p->first[place], last = p->first[place + 1] - 1;
  const int64_t bytes = p->height * p->width * p->channels;
  for (int64_t i = 0; i < r->count; i++) {
    const int64_t asked = first + r->start + i * r->stride, frame = asked < last ? asked : last;
    if (!p->whole[frame])
      return vj_fail(VJ_DATA, "%s: frame %" PRId64 " of %s is damaged", p->path, frame - first, name_of(p, place));
    VJ_TRY(read_at(p, p->offset + frame * bytes, (size_t)bytes, frames + i * bytes));
  }
  return VJ_OK;
}
