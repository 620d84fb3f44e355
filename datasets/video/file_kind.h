/* What lies beside videos and is none: texts, pictures, subtitles, playlists. */
#ifndef VJ_DATASETS_VIDEO_FILE_KIND_H
#define VJ_DATASETS_VIDEO_FILE_KIND_H

/* "a text", "a picture", ..; NULL: it may be a video. The name's extension says it, in small letters or capitals; only
 * where that says nothing is the file looked into. What can't be read may be a video. */
const char *vj_file_no_video(const char *path);

#endif
