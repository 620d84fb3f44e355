/* As much of Protocol Buffers' encoding as TensorBoard's files need, and the checksum that they use. A message grows in
 * memory; what finds no memory sets `failed`, which the one who writes it looks at once. Zeroed is empty. */
#ifndef VJ_FRAMEWORK_STORE_PROTOBUF_H
#define VJ_FRAMEWORK_STORE_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct vj_message {
  unsigned char *bytes; /* owned */
  size_t count, capacity;
  bool failed;
} vj_message;

void vj_message_clear(vj_message *message); /* keeps its memory */
void vj_message_free(vj_message *message);

/* Each adds one field, `field` being its number in the .proto file. */
void vj_message_integer(vj_message *message, int field, uint64_t value); /* int64, enum; not negative */
void vj_message_double(vj_message *message, int field, double value);
void vj_message_float(vj_message *message, int field, float value);
void vj_message_text(vj_message *message, int field, const char *text);
void vj_message_put(vj_message *message, int field, const vj_message *inner); /* a message, or bytes */
/* Bytes without a field around them. */
void vj_message_raw(vj_message *message, const void *bytes, size_t count);

/* CRC-32C (Castagnoli): polynomial 0x1EDC6F41, reflected, all ones before and after. */
uint32_t vj_crc32c(const unsigned char *bytes, size_t count);

#endif
