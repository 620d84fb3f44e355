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

#include "datasets/video/annotation_cache.h"
#include "vj/rng.h"

/* --- the index file: a line for each video that was looked at ---------------------------------------------------- */

enum { FORMAT = 3 };

typedef struct memory {
  int file;          /* -1: none */
  char heading[160]; /* its first line; another FFmpeg may find something else */
  const char *tables_path;
  vj_annotation_cache *tables; /* where frames are in videos that were decoded; NULL: of none */
  vj_clip_video *known;
  vj_clip_entry *entries; /* theirs */
  int64_t count;
} memory;

/* bytes changed frames width height rate seconds turned mirrored steady decoded damaged first_damaged lost codec
 * container TAB path TAB broken */
static bool parse_line(vj_pool *pool, char *line, vj_clip_video *video, vj_clip_entry *entry) {
  vj_video_info *const info = &video->info;
  char *const path = strchr(line, '\t'), *broken = path ? strchr(path + 1, '\t') : NULL;
  int mirrored, steady, decoded;
  if (!broken) return false;
  *path = *broken++ = 0;
  if (sscanf(line,
             "%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %lf %lf %d %d %d %d %" SCNd64 " %" SCNd64
             " %" SCNd64 " %23s %23s",
             &info->bytes, &video->changed, &info->frames, &info->width, &info->height, &info->rate, &info->seconds,
             &info->turned, &mirrored, &steady, &decoded, &info->damaged, &info->first_damaged, &info->lost,
             info->codec, info->container) != 16)
    return false;
  info->mirrored = mirrored, info->steady = steady, info->decoded = decoded;
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

/* Where frames are is remembered beside the index, under its lock. The file is made when there is something for it. */
static vj_status open_tables(memory *m, bool make) {
  char form[24];
  if (m->tables || !m->tables_path || (!make && access(m->tables_path, R_OK) != 0)) return VJ_OK;
  snprintf(form, sizeof form, "frames %d %012llx", FORMAT,
           (unsigned long long)vj_hash_text(vj_video_ffmpeg_version()) & 0xffffffffffffULL);
  return vj_annotation_cache_open(m->tables_path, form, &m->tables);
}

/* With a lock until it is closed: who opens the same data set meanwhile waits, and finds everything done. */
static void open_index(vj_pool *pool, const char *path, memory *m) {
  size_t length = 0;
  snprintf(m->heading, sizeof m->heading, "vjvcr videos %d %s\n", FORMAT, vj_video_ffmpeg_version());
  m->tables_path = path ? vj_pool_format(pool, "%s.frames", path) : NULL;
  m->file = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;
  if (m->file < 0) return;
  while (flock(m->file, LOCK_EX) != 0 && errno == EINTR) {
  }
  char *const text = read_whole(m->file, &length);
  if (text && strncmp(text, m->heading, strlen(m->heading)) == 0)
    parse_index(pool, text + strlen(m->heading), m);
  else if (ftruncate(m->file, 0) != 0) {
    close(m->file);
    m->file = -1;
  }
  free(text);
}

static void write_line(FILE *to, const vj_clip_video *v) {
  const vj_video_info *const i = &v->info;
  if (strpbrk(v->entry->path, "\t\n") || (v->broken && strpbrk(v->broken, "\n"))) return;
  fprintf(to,
          "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %.17g %.17g %d %d %d %d %" PRId64 " %" PRId64
          " %" PRId64 " %s %s\t%s\t%s\n",
          i->bytes, v->changed, i->frames, i->width, i->height, i->rate, i->seconds, i->turned, i->mirrored, i->steady,
          i->decoded, i->damaged, i->first_damaged, i->lost, i->codec[0] ? i->codec : "-",
          i->container[0] ? i->container : "-", v->entry->path, v->broken ? v->broken : "");
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
    fputs(m->heading, to);
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

/* Where frames are in a video that was decoded; NULL: it is not known. */
static vj_status recall_table(const memory *m, const char *path, vj_video_index **table) {
  size_t count = 0;
  const void *const bytes = m->tables ? vj_annotation_cache_find(m->tables, path, &count) : NULL;
  return bytes ? vj_video_index_unpack(bytes, count, table) : VJ_OK;
}

static vj_status remember(const memory *m, vj_clip_video *video, vj_video_index **table, bool *known) {
  const vj_clip_video *const found =
      m->count ? bsearch(video, m->known, (size_t)m->count, sizeof *m->known, by_path) : NULL;
  *known = found && found->info.bytes == video->info.bytes && found->changed == video->changed;
  if (*known && found->info.decoded && !found->broken) {
    VJ_TRY(recall_table(m, video->entry->path, table));
    *known = *table != NULL;
  }
  if (!*known) return VJ_OK;
  video->info = found->info;
  video->broken = found->broken;
  return VJ_OK;
}

/* The sentence goes to memory of its own, since many threads look. */
static vj_status look(const memory *m, vj_clip_video *video, vj_video_index **table, char **sentence, bool *is_new) {
  const char *const path = video->entry->path;
  bool known = false;
  vj_status status = vj_file_stamp(path, &video->info.bytes, &video->changed);
  if (status == VJ_OK) status = remember(m, video, table, &known);
  if (status == VJ_OK && !known) {
    const int64_t bytes = video->info.bytes;
    status = vj_video_probe(path, &video->info, table);
    video->info.bytes = bytes;
    *is_new = status == VJ_OK || status == VJ_DATA;
  }
  if (status == VJ_OK) return VJ_OK;
  if (status != VJ_DATA && status != VJ_IO) return status;
  *sentence = strdup(vj_error_message());
  vj_error_clear();
  return *sentence ? VJ_OK : vj_fail(VJ_MEMORY, "%s: no memory for what is wrong with it", path);
}

static vj_status look_at_all(const memory *m, int threads, vj_clip_video *videos, int64_t count,
                             vj_video_index **tables, char **sentences, bool *is_new) {
  vj_status failure = VJ_OK;
  char message[512] = "";
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int64_t i = 0; i < count; i++) {
    if (videos[i].entry->broken) continue;
    const vj_status status = look(m, &videos[i], &tables[i], &sentences[i], &is_new[i]);
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

static vj_status remember_tables(memory *m, const vj_clip_video *videos, vj_video_index *const *tables,
                                 const bool *is_new, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    void *bytes = NULL;
    size_t length = 0;
    if (!tables[i] || !is_new[i]) continue;
    VJ_TRY(open_tables(m, true));
    if (!m->tables) return VJ_OK;
    vj_status status = vj_video_index_pack(tables[i], &bytes, &length);
    if (status == VJ_OK) status = vj_annotation_cache_add(m->tables, videos[i].entry->path, bytes, length);
    free(bytes);
    VJ_TRY(status);
  }
  return VJ_OK;
}

vj_status vj_scan_videos(vj_pool *pool, const char *index, int threads, vj_clip_video *videos, int64_t count,
                         vj_video_index **tables) {
  memory m = {.file = -1};
  char **sentences = NULL;
  bool *is_new = NULL;
  vj_status status;
  open_index(pool, index, &m);
  VJ_TRY_GOTO(status, open_tables(&m, false), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)count + 1, sizeof *sentences, "what is wrong with videos", &sentences), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)count + 1, sizeof *is_new, "what is new of videos", &is_new), done);
  VJ_TRY_GOTO(status, look_at_all(&m, threads < 1 ? 1 : threads, videos, count, tables, sentences, is_new), done);
  VJ_TRY_GOTO(status, keep_sentences(pool, videos, count, sentences), done);
  VJ_TRY_GOTO(status, remember_tables(&m, videos, tables, is_new, count), done);
  write_index(&m, videos, is_new, count);
done:
  for (int64_t i = 0; i < count && sentences; i++) free(sentences[i]);
  free(sentences);
  free(is_new);
  vj_annotation_cache_close(&m.tables);
  if (m.file >= 0) close(m.file); /* and the lock with it */
  return status;
}
