/* What the fuzzing targets share. A target is a file with LLVMFuzzerTestOneInput, which gives its bytes to one parser
 * and claims what holds for any bytes. A claim that does not hold ends the process, and libFuzzer keeps the input. */
#ifndef VJ_TESTS_FUZZ_FUZZ_H
#define VJ_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vj/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void fuzz_claim(bool holds, const char *claim);

/* True where the parser succeeded. Else its status must be `refusal`, and its sentence, which begins with `name`, one
 * line that a terminal can show. */
bool fuzz_accepted(vj_status status, vj_status refusal, const char *name);

/* A file with these bytes, in TMPDIR; gone with fuzz_file_close. */
typedef struct fuzz_file {
  int descriptor;
  char path[64];
} fuzz_file;
fuzz_file fuzz_file_open(const uint8_t *data, size_t size);
void fuzz_file_close(fuzz_file *file);

/* What is left of the input, for targets that build something from it. At its end everything is 0. */
typedef struct fuzz_bytes {
  const uint8_t *at, *end;
} fuzz_bytes;
/* An integer of 1 to 8 bytes, little-endian. */
uint64_t fuzz_take(fuzz_bytes *bytes, int count);
/* At most `most` bytes behind a byte that counts them, and a 0; returns how many. */
size_t fuzz_take_text(fuzz_bytes *bytes, size_t most, char *text);

#endif
