/* FFmpeg's complaints, kept instead of printed. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <libavutil/log.h>

#include "datasets/video/video_private.h"

static _Thread_local char complaint[160], reason[320];

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
}

static void listen_once(void) { av_log_set_callback(keep); }

void vj_video_listen(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, listen_once);
}

void vj_video_forget(void) { complaint[0] = 0; }

const char *vj_video_reason(int error) {
  char words[AV_ERROR_MAX_STRING_SIZE] = "";
  av_strerror(error, words, sizeof words);
  snprintf(reason, sizeof reason, complaint[0] ? "%s (%s)" : "%s", words, complaint);
  return reason;
}
