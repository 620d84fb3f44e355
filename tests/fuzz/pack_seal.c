/* The seal of a pack: any bytes as a file. */
#include <string.h>

#include "datasets/video/pack/pack_checksum.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  vj_pack_checksum seal, again;
  fuzz_file file = fuzz_file_open(data, size);
  if (fuzz_accepted(vj_pack_checksum_check(file.descriptor, "pack", &seal), VJ_DATA, "pack")) {
    fuzz_claim(seal.frames >= 0 && seal.frame_bytes >= 0 && seal.frames + seal.frame_bytes <= (int64_t)size,
               "frames lie in the file");
    fuzz_claim(seal.bytes + VJ_PACK_CHECKSUM_BYTES == (int64_t)size, "the seal is the file's end");
  }
  /* Sealed anew, with frames somewhere, it fits; with any byte outside of them changed, it does not. */
  fuzz_bytes bytes = {data, data + size};
  seal.frames = size ? (int64_t)(fuzz_take(&bytes, 2) % size) : 0;
  seal.frame_bytes = size ? (int64_t)(fuzz_take(&bytes, 2) % (size - (size_t)seal.frames)) : 0;
  fuzz_claim(vj_pack_checksum_write(file.descriptor, "pack", &seal) == VJ_OK, "any file can be sealed");
  fuzz_claim(vj_pack_checksum_check(file.descriptor, "pack", &again) == VJ_OK, "what was sealed fits");
  fuzz_claim(memcmp(&seal, &again, sizeof seal) == 0, "the seal says what was sealed");
  fuzz_file_close(&file);
  return 0;
}
