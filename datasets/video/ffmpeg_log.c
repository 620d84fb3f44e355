/* FFmpeg's complaints, kept instead of printed. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <libavutil/log.h>

#include "datasets/video/video_private.h"

static _Thread_local char complaint[160], reason[320];
static _Thread_local int64_t complaints;
static _Thread_local bool ended_early;

/* Said of pictures that are whole, too: of references that were to be dropped, and of messages beside pictures. */
static bool is_harmless(const char *text) {
  static const char *const known[] = {"mmco:", "SEI type", "number of reference frames"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strncmp(text, known[i], strlen(known[i])) == 0) return true;
  return false;
}

static void keep(void *context, int level, const char *format, va_list arguments) {
  (void)context;
  if (level > AV_LOG_ERROR) return;
  char text[sizeof complaint];
  vsnprintf(text, sizeof text, format, arguments);
  size_t length = strcspn(text, "\n");
  while (length > 0 && (text[length - 1] == '.' || text[length - 1] == ' ')) length--;
  if (length == 0) return;
  text[length] = 0;
  memcpy(complaint, text, length + 1);
  if (strstr(text, "prematurely")) ended_early = true;
  complaints += !is_harmless(text);
}

static void listen_once(void) { av_log_set_callback(keep); }

void vj_video_listen(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, listen_once);
}

int64_t vj_video_complaints(void) { return complaints; }

bool vj_video_ended_early(void) { return ended_early; }

void vj_video_forget(void) {
  complaint[0] = 0;
  ended_early = false;
}

const char *vj_video_reason(int error) {
  char words[AV_ERROR_MAX_STRING_SIZE] = "";
  av_strerror(error, words, sizeof words);
  snprintf(reason, sizeof reason, complaint[0] ? "%s (%s)" : "%s", words, complaint);
  return reason;
}

const char *vj_video_ffmpeg_version(void) {
  static _Thread_local char version[96];
  snprintf(version, sizeof version, "%s %x %x", av_version_info(), avformat_version(), avcodec_version());
  for (char *c = version; *c; c++)
    if (*c < ' ' || *c > '~') *c = '?';
  return version;
}
