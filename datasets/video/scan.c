#include "datasets/video/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavcodec/version.h>
#include <libavformat/version.h>
#include <libavutil/macros.h>

#include "vj/rng.h"

/* --- the index file: a line for each video that was looked at ---------------------------------------------------- */

/* Another FFmpeg may find something else. */
#define HEADING "vjvcr videos 1 " AV_STRINGIFY(LIBAVFORMAT_VERSION_INT) " " AV_STRINGIFY(LIBAVCODEC_VERSION_INT) "\n"

typedef struct memory {
  int file; /* -1: none */
  vj_clip_video *known;
  vj_clip_entry *entries; /* theirs */
  int64_t count;
} memory;

/* bytes changed frames width height rate seconds turned mirrored steady codec container TAB path TAB broken */
static bool parse_line(vj_pool *pool, char *line, vj_clip_video *video, vj_clip_entry *entry) {
  vj_video_info *const info = &video->info;
  char *const path = strchr(line, '\t'), *broken = path ? strchr(path + 1, '\t') : NULL;
  int mirrored, steady;
  if (!broken) return false;
  *path = *broken++ = 0;
  if (sscanf(line, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %lf %lf %d %d %d %23s %23s",
             &info->bytes, &video->changed, &info->frames, &info->width, &info->height, &info->rate, &info->seconds,
             &info->turned, &mirrored, &steady, info->codec, info->container) != 12)
    return false;
  info->mirrored = mirrored, info->steady = steady;
  if (!*broken && info->frames < 1) return false;
  entry->path = vj_pool_text(pool, path + 1);
  video->broken = *broken ? vj_pool_text(pool, broken) : NULL;
  return entry->path != NULL;
}

static int by_path(const void *a, const void *b) {
  return strcmp(((const vj_clip_video *)a)->entry->path, ((const vj_clip_video *)b)->entry->path);
}

/* Of several lines about a file the last one counts: entries lie in the order of lines. */
static int by_path_and_line(const void *a, const void *b) {
  const vj_clip_video *const x = a, *const y = b;
  const int order = by_path(x, y);
  return order ? order : (x->entry > y->entry) - (x->entry < y->entry);
}

static void keep_last_lines(memory *m) {
  int64_t kept = 0;
  qsort(m->known, (size_t)m->count, sizeof *m->known, by_path_and_line);
  for (int64_t i = 0; i < m->count; i++)
    if (i + 1 == m->count || by_path(&m->known[i], &m->known[i + 1]) != 0) m->known[kept++] = m->known[i];
  m->count = kept;
}

/* Sorted by path. A line without its end was being written when its process died. */
static void parse_index(vj_pool *pool, char *text, memory *m) {
  int64_t lines = 0;
  for (const char *c = text; *c; c++) lines += *c == '\n';
  m->known = vj_pool_take(pool, (size_t)lines * sizeof *m->known);
  m->entries = vj_pool_take(pool, (size_t)lines * sizeof *m->entries);
  if (!m->known || !m->entries) return;
  for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
    *end = 0;
    vj_clip_video *const video = &m->known[m->count];
    *video = (vj_clip_video){.entry = &m->entries[m->count]};
    m->count += parse_line(pool, line, video, &m->entries[m->count]);
  }
  keep_last_lines(m);
}

static char *read_whole(int file, size_t *length) {
  struct stat about;
  if (fstat(file, &about) != 0 || about.st_size < 0) return NULL;
  char *const text = malloc((size_t)about.st_size + 1);
  for (*length = 0; text && *length < (size_t)about.st_size;) {
    const ssize_t got = pread(file, text + *length, (size_t)about.st_size - *length, (off_t)*length);
    if (got <= 0) break;
    *length += (size_t)got;
  }
  if (text) text[*length] = 0;
  return text;
}

/* With a lock until it is closed: who opens the same data set meanwhile waits, and finds everything done. */
static void open_index(vj_pool *pool, const char *path, memory *m) {
  size_t length = 0;
  m->file = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;
  if (m->file < 0) return;
  while (flock(m->file, LOCK_EX) != 0 && errno == EINTR) {
  }
  char *const text = read_whole(m->file, &length);
  if (text && strncmp(text, HEADING, strlen(HEADING)) == 0)
    parse_index(pool, text + strlen(HEADING), m);
  else if (ftruncate(m->file, 0) != 0) {
    close(m->file);
    m->file = -1;
  }
  free(text);
}

static void write_line(FILE *to, const vj_clip_video *v) {
  const vj_video_info *const i = &v->info;
  if (strpbrk(v->entry->path, "\t\n") || (v->broken && strpbrk(v->broken, "\n"))) return;
  fprintf(to, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %.17g %.17g %d %d %d %s %s\t%s\t%s\n",
          i->bytes, v->changed, i->frames, i->width, i->height, i->rate, i->seconds, i->turned, i->mirrored, i->steady,
          i->codec[0] ? i->codec : "-", i->container[0] ? i->container : "-", v->entry->path,
          v->broken ? v->broken : "");
}

/* Appends what is new. Nothing depends on it, so failing to is no failure. */
static void write_index(const memory *m, const vj_clip_video *videos, const bool *is_new, int64_t count) {
  const off_t end = m->file < 0 ? -1 : lseek(m->file, 0, SEEK_END);
  const int copy = end < 0 ? -1 : dup(m->file);
  FILE *const to = copy < 0 ? NULL : fdopen(copy, "a");
  if (!to) {
    if (copy >= 0) close(copy);
    return;
  }
  char last = '\n';
  if (end == 0)
    fputs(HEADING, to);
  else if (pread(m->file, &last, 1, end - 1) == 1 && last != '\n')
    fputc('\n', to);
  for (int64_t i = 0; i < count; i++)
    if (is_new[i]) write_line(to, &videos[i]);
  fclose(to);
}

const char *vj_scan_cache_path(vj_pool *pool, const char *what, const char *root) {
  const char *const cache = getenv("XDG_CACHE_HOME"), *const home = getenv("HOME");
  char here[4096] = "";
  if (root[0] != '/' && !getcwd(here, sizeof here)) return NULL;
  const char *const whole = vj_pool_format(pool, "%s/%s", here, root);
  if (!whole) return NULL;
  const unsigned long long hash = vj_hash_text(whole);
  const char *folder = NULL;
  if (cache && cache[0] == '/')
    folder = cache;
  else if (home && home[0] == '/')
    folder = vj_pool_format(pool, "%s/.cache", home);
  if (!folder) return NULL;
  const char *const ours = vj_pool_format(pool, "%s/vjvcr", folder);
  if (!ours) return NULL;
  (void)mkdir(folder, 0700);
  (void)mkdir(ours, 0777);
  return vj_pool_format(pool, "%s/videos-%s-%016llx", ours, what, hash);
}

/* --- looking ----------------------------------------------------------------------------------------------------- */

vj_status vj_file_stamp(const char *path, int64_t *bytes, int64_t *changed) {
  struct stat about;
  if (stat(path, &about) != 0) return vj_fail(VJ_IO, "%s: can't be opened: %s", path, strerror(errno));
  if (!S_ISREG(about.st_mode)) return vj_fail(VJ_IO, "%s: is no file", path);
  *bytes = (int64_t)about.st_size;
  *changed = (int64_t)about.st_mtim.tv_sec * 1000000000 + about.st_mtim.tv_nsec;
  return VJ_OK;
}

static bool remember(const memory *m, vj_clip_video *video) {
  const vj_clip_video *const found =
      m->count ? bsearch(video, m->known, (size_t)m->count, sizeof *m->known, by_path) : NULL;
  if (!found || found->info.bytes != video->info.bytes || found->changed != video->changed) return false;
  video->info = found->info;
  video->broken = found->broken;
  return true;
}

/* The sentence goes to memory of its own, since many threads look. */
static vj_status look(const memory *m, vj_clip_video *video, char **sentence, bool *is_new) {
  const char *const path = video->entry->path;
  vj_status status = vj_file_stamp(path, &video->info.bytes, &video->changed);
  if (status == VJ_OK && remember(m, video)) return VJ_OK;
  if (status == VJ_OK) {
    const int64_t bytes = video->info.bytes;
    status = vj_video_probe(path, &video->info);
    video->info.bytes = bytes;
    *is_new = status == VJ_OK || status == VJ_DATA;
  }
  if (status == VJ_OK) return VJ_OK;
  if (status != VJ_DATA && status != VJ_IO) return status;
  *sentence = strdup(vj_error_message());
  vj_error_clear();
  return *sentence ? VJ_OK : vj_fail(VJ_MEMORY, "%s: no memory for what is wrong with it", path);
}

static vj_status look_at_all(const memory *m, int threads, vj_clip_video *videos, int64_t count, char **sentences,
                             bool *is_new) {
  vj_status failure = VJ_OK;
  char message[512] = "";
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int64_t i = 0; i < count; i++) {
    if (videos[i].entry->broken) continue;
    const vj_status status = look(m, &videos[i], &sentences[i], &is_new[i]);
    if (status == VJ_OK) continue;
#pragma omp critical
    {
      failure = status;
      snprintf(message, sizeof message, "%s", vj_error_message());
    }
  }
  return failure == VJ_OK ? VJ_OK : vj_error_adopt(failure, message);
}

static vj_status keep_sentences(vj_pool *pool, vj_clip_video *videos, int64_t count, char **sentences) {
  for (int64_t i = 0; i < count; i++) {
    if (videos[i].entry->broken) videos[i].broken = videos[i].entry->broken;
    if (!sentences[i]) continue;
    videos[i].broken = vj_pool_text(pool, sentences[i]);
    if (!videos[i].broken) return vj_fail(VJ_MEMORY, "no memory for what is wrong with videos");
  }
  return VJ_OK;
}

vj_status vj_scan_videos(vj_pool *pool, const char *index, int threads, vj_clip_video *videos, int64_t count) {
  memory m = {.file = -1};
  char **sentences = NULL;
  bool *is_new = NULL;
  vj_status status;
  open_index(pool, index, &m);
  VJ_TRY_GOTO(status, vj_allocate((size_t)count + 1, sizeof *sentences, "what is wrong with videos", &sentences), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)count + 1, sizeof *is_new, "what is new of videos", &is_new), done);
  VJ_TRY_GOTO(status, look_at_all(&m, threads < 1 ? 1 : threads, videos, count, sentences, is_new), done);
  VJ_TRY_GOTO(status, keep_sentences(pool, videos, count, sentences), done);
  write_index(&m, videos, is_new, count);
done:
  for (int64_t i = 0; i < count && sentences; i++) free(sentences[i]);
  free(sentences);
  free(is_new);
  if (m.file >= 0) close(m.file); /* and the lock with it */
  return status;
}
