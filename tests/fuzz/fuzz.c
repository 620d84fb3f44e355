#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fuzz_claim(bool holds, const char *claim) {
  if (holds) return;
  fprintf(stderr, "this does not hold: %s\n", claim);
  abort();
}

bool fuzz_accepted(vj_status status, vj_status refusal, const char *name) {
  const bool says = getenv("VJ_FUZZ_SAY") != NULL;
  const char *const sentence = vj_error_message();
  if (says) fprintf(stderr, "%s\n", status == VJ_OK ? "accepted" : sentence);
  if (status == VJ_OK) return true;
  if (status != refusal) fprintf(stderr, "%s: %s\n", vj_status_text(status), sentence);
  fuzz_claim(status == refusal, "a refusal says that the data are bad, nothing else");
  fuzz_claim(strncmp(sentence, name, strlen(name)) == 0 && sentence[strlen(name)] == ':', "it begins with the file");
  fuzz_claim(strlen(sentence) > strlen(name) + 10, "it is a sentence");
  for (const char *c = sentence; *c; c++)
    fuzz_claim((unsigned char)*c >= ' ' && *c != 127, "it is one line that a terminal can show");
  return false;
}

/* HDF5 wants a file with a name. */
fuzz_file fuzz_file_open(const uint8_t *data, size_t size) {
  const char *const folder = getenv("TMPDIR");
  fuzz_file file;
  snprintf(file.path, sizeof file.path, "%s/vj-fuzz-XXXXXX", folder && strlen(folder) < 40 ? folder : "/tmp");
  file.descriptor = mkstemp(file.path);
  fuzz_claim(file.descriptor >= 0, "there is room for a file");
  while (size > 0) {
    const ssize_t written = write(file.descriptor, data, size);
    fuzz_claim(written > 0, "there is room for a file");
    data += written, size -= (size_t)written;
  }
  return file;
}

void fuzz_file_close(fuzz_file *file) {
  close(file->descriptor);
  unlink(file->path);
}

uint64_t fuzz_take(fuzz_bytes *bytes, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count && bytes->at < bytes->end; i++) value |= (uint64_t)*bytes->at++ << 8 * i;
  return value;
}

size_t fuzz_take_text(fuzz_bytes *bytes, size_t most, char *text) {
  const size_t wanted = (size_t)fuzz_take(bytes, 1);
  size_t count = wanted < most ? wanted : most;
  if (count > (size_t)(bytes->end - bytes->at)) count = (size_t)(bytes->end - bytes->at);
  if (count) memcpy(text, bytes->at, count);
  text[count] = 0;
  bytes->at += count;
  return count;
}
