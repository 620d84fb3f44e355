#include "framework/store/protobuf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vj/bytes.h"

enum { VARINT = 0, EIGHT_BYTES = 1, WITH_LENGTH = 2, FOUR_BYTES = 5 }; /* wire types */

void vj_message_clear(vj_message *message) { message->count = 0; }

void vj_message_free(vj_message *message) {
  free(message->bytes);
  *message = (vj_message){0};
}

void vj_message_raw(vj_message *message, const void *bytes, size_t count) {
  if (message->failed || count == 0) return;
  if (message->capacity - message->count < count) {
    const size_t capacity = 2 * (message->count + count);
    unsigned char *more = realloc(message->bytes, capacity);
    message->failed = !more;
    if (!more) return;
    message->bytes = more;
    message->capacity = capacity;
  }
  memcpy(message->bytes + message->count, bytes, count);
  message->count += count;
}

/* Seven bits a byte, the lowest first; the highest bit says that more follow. */
static void put_varint(vj_message *message, uint64_t value) {
  unsigned char bytes[10];
  size_t count = 0;
  do {
    bytes[count] = (unsigned char)(value & 0x7f);
    value >>= 7;
    if (value) bytes[count] |= 0x80;
    count++;
  } while (value);
  vj_message_raw(message, bytes, count);
}

static void put_key(vj_message *message, int field, int wire_type) {
  put_varint(message, (uint64_t)field << 3 | (uint64_t)wire_type);
}

/* A number of fixed size, the lowest byte first. */
static void put_fixed(vj_message *message, uint64_t bits, size_t count) {
  unsigned char bytes[8];
  vj_put_little(bytes, bits, (int)count);
  vj_message_raw(message, bytes, count);
}

static void put_bytes(vj_message *message, int field, const void *bytes, size_t count) {
  put_key(message, field, WITH_LENGTH);
  put_varint(message, count);
  vj_message_raw(message, bytes, count);
}

void vj_message_integer(vj_message *message, int field, uint64_t value) {
  put_key(message, field, VARINT);
  put_varint(message, value);
}

void vj_message_double(vj_message *message, int field, double value) {
  uint64_t bits;
  if (isnan(value)) value = NAN; /* without a sign */
  memcpy(&bits, &value, sizeof bits);
  put_key(message, field, EIGHT_BYTES);
  put_fixed(message, bits, sizeof bits);
}

void vj_message_float(vj_message *message, int field, float value) {
  uint32_t bits;
  if (isnan(value)) value = NAN;
  memcpy(&bits, &value, sizeof bits);
  put_key(message, field, FOUR_BYTES);
  put_fixed(message, bits, sizeof bits);
}

void vj_message_text(vj_message *message, int field, const char *text) {
  put_bytes(message, field, text, strlen(text));
}

void vj_message_put(vj_message *message, int field, const vj_message *inner) {
  message->failed = message->failed || inner->failed;
  put_bytes(message, field, inner->bytes, inner->count);
}

/* Bit by bit: a file of events is a few hundred bytes a second. */
uint32_t vj_crc32c(const unsigned char *bytes, size_t count) {
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < count; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
  }
  return ~crc;
}
