#include "datasets/video/file_kind.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vj/param.h"

enum { LOOKED_AT = 4096 };

static const char a_video[] = "";
/* ts is left out: Qt and TypeScript have taken it, too. */
static const struct {
  const char *kind, *extensions;
} kinds[] = {
    {a_video,
     " mp4 m4v mov qt avi mkv webm mpg mpeg mpe m1v m2v m2t mts m2ts vob wmv asf flv f4v 3gp 3g2 ogv ogm gif apng mjpg "
     "mjpeg y4m h264 264 h265 265 hevc ivf rm rmvb dv divx mxf nut "},
    {"a text",
     " txt nfo md rst csv tsv json jsonl xml yaml yml toml ini cfg conf html htm log pdf doc docx tex bib py sh url "
     "diz "},
    {"a picture",
     " jpg jpeg jpe jfif png bmp tif tiff webp ppm pgm pbm pnm heic heif avif svg ico psd xcf exr hdr jp2 jxl tga pcx "
     "dds "},
    {"subtitles", " srt ass ssa vtt sub idx smi sami sbv ttml dfxp lrc "},
    {"a playlist, which names other files", " m3u m3u8 pls mpd ffconcat concat xspf asx wpl cue sdp smil ism "},
    {"sound", " wav mp3 flac aac m4a m4b opus oga wma aif aiff mid midi ac3 "},
    {"a file of data or an archive",
     " npy npz pkl pt h5 hdf5 mat parquet zip tar gz tgz bz2 xz zst 7z rar db md5 sha1 "
     "sha256 part tmp bak torrent "},
};

/* NULL: the extension says nothing. */
static const char *kind_by_name(const char *path) {
  char word[12];
  const char *const slash = strrchr(path, '/'), *const point = strrchr(slash ? slash : path, '.');
  if (!point || strlen(point + 1) > sizeof word - 3 || strchr(point, ' ')) return NULL;
  snprintf(word, sizeof word, " %s ", point + 1);
  for (char *c = word; *c; c++) *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
  for (size_t i = 0; i < VJ_COUNT(kinds); i++)
    if (strstr(kinds[i].extensions, word)) return kinds[i].kind;
  return NULL;
}

/* Videos have bytes that no text has right at their beginning. Behind 0x1A DOS ends a text. */
static bool is_text(const unsigned char *bytes, size_t count) {
  if (count >= 2 && ((bytes[0] == 0xFF && bytes[1] == 0xFE) || (bytes[0] == 0xFE && bytes[1] == 0xFF))) return true;
  for (size_t i = 0; i < count; i++) {
    if (bytes[i] == 0x1A) return i > 0;
    if (bytes[i] < 32 && !strchr("\t\n\v\f\r\033", bytes[i] ? bytes[i] : 1)) return false;
  }
  return count > 0;
}

/* Of pictures alone: JPEG is left out, since a video may be many of them one after the other. */
static bool is_picture(const unsigned char *bytes, size_t count) {
  static const struct {
    const char *bytes;
    size_t count;
  } marks[] = {{"BM", 2}, {"II*\0", 4}, {"MM\0*", 4}, {"8BPS", 4}, {"\0\0\0\x0cjP  ", 8}, {"\xFF\x0A", 2}};
  if (count >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0) return true;
  for (size_t i = 0; i < VJ_COUNT(marks); i++)
    if (count > 16 && memcmp(bytes, marks[i].bytes, marks[i].count) == 0) return true;
  return false;
}

const char *vj_file_no_video(const char *path) {
  unsigned char bytes[LOOKED_AT];
  const char *const kind = kind_by_name(path);
  if (kind) return kind == a_video ? NULL : kind;
  const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const ssize_t got = file < 0 ? -1 : read(file, bytes, sizeof bytes);
  if (file >= 0) close(file);
  if (got <= 0) return NULL;
  return is_text(bytes, (size_t)got) ? "a text" : is_picture(bytes, (size_t)got) ? "a picture" : NULL;
}
