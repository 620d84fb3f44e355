#include "framework/config/yaml/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "framework/config/nodes.h"
#include "framework/config/yaml/yaml_map.h"

enum { MAX_LEVELS = 64, MAX_NODES = 100000, MAX_ANCHORS = 1000, MAX_KEY_BYTES = 200, MAX_FILE_BYTES = 16 << 20 };

/* An anchored node that is complete; nodes under construction are not listed, so an alias cannot contain itself. */
typedef struct yaml_anchor {
  struct yaml_anchor *older;
  const char *name;
  const vj_yaml *node;
  int64_t nodes;
  int levels;
} yaml_anchor;

typedef struct yaml_reader {
  vj_pool *pool;
  yaml_parser_t parser;
  yaml_event_t event; /* the current one; deleted by the next advance() */
  const char *bytes, *source;
  size_t length;
  bool placed;
  int64_t nodes;
  yaml_anchor *anchors;
  int anchor_count;
} yaml_reader;

static vj_yaml at_mark(const yaml_reader *reader, yaml_mark_t mark) {
  return (vj_yaml){.source = reader->source,
                   .line = reader->placed ? (int)mark.line + 1 : 0,
                   .column = reader->placed ? (int)mark.column + 1 : 0};
}

static vj_yaml at_event(const yaml_reader *reader) { return at_mark(reader, reader->event.start_mark); }

/* The byte reader of libyaml gives an offset where everything else gives line and column. */
static yaml_mark_t mark_of_offset(const yaml_reader *reader, size_t offset) {
  yaml_mark_t mark = {0};
  for (size_t i = 0; i < offset && i < reader->length; i++) {
    const bool is_continuation = ((unsigned char)reader->bytes[i] & 0xC0) == 0x80;
    if (!is_continuation) mark.column++;
    if (reader->bytes[i] != '\n') continue;
    mark.line++;
    mark.column = 0;
  }
  return mark;
}

static vj_status syntax_error(const yaml_reader *reader) {
  const yaml_parser_t *parser = &reader->parser;
  if (parser->error == YAML_MEMORY_ERROR) return vj_fail(VJ_MEMORY, "%s: no memory to read it", reader->source);
  const bool in_bytes = parser->error == YAML_READER_ERROR;
  const vj_yaml at = at_mark(reader, in_bytes ? mark_of_offset(reader, parser->problem_offset) : parser->problem_mark);
  const char *context = !in_bytes && parser->context ? parser->context : "";
  return vj_fail_node(&at, "", "YAML syntax: %s%s%s", parser->problem ? parser->problem : "cannot be parsed",
                      context[0] ? " " : "", context);
}

static vj_status advance(yaml_reader *reader) {
  yaml_event_delete(&reader->event);
  return yaml_parser_parse(&reader->parser, &reader->event) ? VJ_OK : syntax_error(reader);
}

static vj_status count_nodes(yaml_reader *reader, int64_t nodes) {
  const vj_yaml at = at_event(reader);
  reader->nodes += nodes;
  if (reader->nodes > MAX_NODES)
    return vj_fail_node(&at, "", "more than %d values, aliases counted in full; this is no configuration", MAX_NODES);
  return VJ_OK;
}

static vj_status check_levels(const yaml_reader *reader, int levels) {
  const vj_yaml at = at_event(reader);
  if (levels > MAX_LEVELS) return vj_fail_node(&at, "", "nested more than %d levels deep", MAX_LEVELS);
  return VJ_OK;
}

static int levels_of(const vj_yaml *node) {
  int deepest = 0;
  for (int64_t i = 0; i < node->count; i++) {
    const int levels = levels_of(node->items[i]);
    if (levels > deepest) deepest = levels;
  }
  return deepest + 1;
}

/* The anchor's name, kept beyond the event; NULL without an anchor. */
static vj_status anchor_name(yaml_reader *reader, const yaml_char_t *anchor, const char **name) {
  *name = NULL;
  if (!anchor) return VJ_OK;
  *name = vj_pool_text(reader->pool, (const char *)anchor);
  return *name ? VJ_OK : vj_fail(VJ_MEMORY, "%s: no memory to read it", reader->source);
}

static vj_status remember(yaml_reader *reader, const char *name, const vj_yaml *node, int64_t nodes) {
  if (!name) return VJ_OK;
  if (++reader->anchor_count > MAX_ANCHORS) return vj_fail_node(node, "", "more than %d anchors", MAX_ANCHORS);
  yaml_anchor *fresh = vj_pool_take(reader->pool, sizeof *fresh);
  if (!fresh) return vj_fail(VJ_MEMORY, "%s: no memory to read it", reader->source);
  *fresh = (yaml_anchor){reader->anchors, name, node, nodes, levels_of(node)};
  reader->anchors = fresh;
  return VJ_OK;
}

static vj_status read_alias(yaml_reader *reader, int level, vj_yaml **node) {
  const char *name = (const char *)reader->event.data.alias.anchor;
  const vj_yaml at = at_event(reader);
  const yaml_anchor *found = reader->anchors;
  while (found && strcmp(found->name, name) != 0) found = found->older;
  if (!found) return vj_fail_node(&at, "", "alias *%s: no anchor &%s ends before it", name, name);
  VJ_TRY(check_levels(reader, level + found->levels - 1));
  VJ_TRY(count_nodes(reader, found->nodes));
  *node = vj_yaml_copy(reader->pool, found->node);
  return *node ? VJ_OK : vj_fail(VJ_MEMORY, "%s: no memory to read it", reader->source);
}

static vj_status new_node(yaml_reader *reader, vj_yaml_kind kind, vj_yaml **node) {
  const vj_yaml at = at_event(reader);
  VJ_TRY(count_nodes(reader, 1));
  *node = vj_yaml_new(reader->pool, kind, &at);
  return *node ? VJ_OK : vj_fail(VJ_MEMORY, "%s: no memory to read it", reader->source);
}

static vj_status refuse_tag(const yaml_reader *reader, const yaml_char_t *tag) {
  const vj_yaml at = at_event(reader);
  if (tag) return vj_fail_node(&at, "", "the tag %s is not supported; write the value without it", (const char *)tag);
  return VJ_OK;
}

static bool is_null_text(const char *text) {
  static const char *const spellings[] = {"", "~", "null", "Null", "NULL"};
  for (size_t i = 0; i < VJ_COUNT(spellings); i++)
    if (strcmp(text, spellings[i]) == 0) return true;
  return false;
}

static vj_status read_scalar(yaml_reader *reader, vj_yaml **node) {
  const char *value = (const char *)reader->event.data.scalar.value;
  const char *tag = (const char *)reader->event.data.scalar.tag, *name = NULL;
  const bool is_text = tag && (strcmp(tag, "!") == 0 || strcmp(tag, YAML_STR_TAG) == 0);
  if (!is_text) VJ_TRY(refuse_tag(reader, reader->event.data.scalar.tag));
  VJ_TRY(new_node(reader, VJ_YAML_SCALAR, node));
  if (strlen(value) != reader->event.data.scalar.length)
    return vj_fail_node(*node, "", "text with a zero character in it is not supported");
  (*node)->quoted = is_text || reader->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
  (*node)->text = !(*node)->quoted && is_null_text(value) ? "null" : vj_pool_text(reader->pool, value);
  if (!(*node)->text) return vj_fail(VJ_MEMORY, "%s: no memory to read it", reader->source);
  VJ_TRY(anchor_name(reader, reader->event.data.scalar.anchor, &name));
  return remember(reader, name, *node, 1);
}

static vj_status read_node(yaml_reader *reader, int level, vj_yaml **node);

static vj_status read_list(yaml_reader *reader, int level, vj_yaml **node) {
  const char *name = NULL;
  const int64_t nodes_before = reader->nodes;
  vj_entries items = {.pool = reader->pool};
  VJ_TRY(refuse_tag(reader, reader->event.data.sequence_start.tag));
  VJ_TRY(anchor_name(reader, reader->event.data.sequence_start.anchor, &name));
  VJ_TRY(new_node(reader, VJ_YAML_LIST, node));
  for (;;) {
    vj_yaml *item = NULL;
    VJ_TRY(advance(reader));
    if (reader->event.type == YAML_SEQUENCE_END_EVENT) break;
    VJ_TRY(read_node(reader, level + 1, &item));
    VJ_TRY(vj_entries_add(&items, NULL, item));
  }
  VJ_TRY(vj_entries_to_list(&items, *node));
  return remember(reader, name, *node, reader->nodes - nodes_before);
}

static vj_status read_key(yaml_reader *reader, int level, vj_yaml **key) {
  const vj_yaml at = at_event(reader);
  VJ_TRY(read_node(reader, level + 1, key));
  if ((*key)->kind != VJ_YAML_SCALAR) return vj_fail_node(&at, "", "a key must be a single word, not a map or list");
  if (vj_yaml_is_null(*key) || !(*key)->text[0]) return vj_fail_node(&at, "", "a key must not be empty");
  if (strlen((*key)->text) > MAX_KEY_BYTES) return vj_fail_node(&at, "", "a key of more than %d bytes", MAX_KEY_BYTES);
  return VJ_OK;
}

static vj_status read_map(yaml_reader *reader, int level, vj_yaml **node) {
  const char *name = NULL;
  const int64_t nodes_before = reader->nodes;
  vj_entries own = {.pool = reader->pool}, merged = {.pool = reader->pool};
  VJ_TRY(refuse_tag(reader, reader->event.data.mapping_start.tag));
  VJ_TRY(anchor_name(reader, reader->event.data.mapping_start.anchor, &name));
  VJ_TRY(new_node(reader, VJ_YAML_MAP, node));
  for (;;) {
    vj_yaml *key = NULL, *value = NULL;
    VJ_TRY(advance(reader));
    if (reader->event.type == YAML_MAPPING_END_EVENT) break;
    VJ_TRY(read_key(reader, level, &key));
    VJ_TRY(advance(reader));
    VJ_TRY(read_node(reader, level + 1, &value));
    if (!key->quoted && strcmp(key->text, "<<") == 0)
      VJ_TRY(vj_entries_merge(&merged, value));
    else
      VJ_TRY(vj_entries_add(&own, key, value));
  }
  VJ_TRY(vj_entries_to_map(&own, &merged, *node));
  return remember(reader, name, *node, reader->nodes - nodes_before);
}

/* The current event starts the node; afterwards it is the node's last. */
static vj_status read_node(yaml_reader *reader, int level, vj_yaml **node) {
  VJ_TRY(check_levels(reader, level));
  switch (reader->event.type) {
    case YAML_ALIAS_EVENT:
      return read_alias(reader, level, node);
    case YAML_SCALAR_EVENT:
      return read_scalar(reader, node);
    case YAML_SEQUENCE_START_EVENT:
      return read_list(reader, level, node);
    case YAML_MAPPING_START_EVENT:
      return read_map(reader, level, node);
    default:
      return vj_fail(VJ_INTERNAL, "%s: libyaml gave event %d where a value starts", reader->source,
                     (int)reader->event.type);
  }
}

static vj_status read_stream(yaml_reader *reader, vj_yaml **root) {
  VJ_TRY(advance(reader)); /* start of the stream */
  VJ_TRY(advance(reader));
  if (reader->event.type == YAML_STREAM_END_EVENT)
    return vj_fail(VJ_CONFIG, "%s: there is nothing in it; expected a YAML document", reader->source);
  VJ_TRY(advance(reader)); /* start of the document */
  VJ_TRY(read_node(reader, 1, root));
  VJ_TRY(advance(reader)); /* end of the document */
  VJ_TRY(advance(reader));
  const vj_yaml at = at_event(reader);
  if (reader->event.type != YAML_STREAM_END_EVENT)
    return vj_fail_node(&at, "", "a second document starts here; one text holds one configuration");
  return VJ_OK;
}

vj_status vj_yaml_parse(vj_pool *pool, const char *bytes, size_t length, const char *source, bool placed,
                        vj_yaml **root) {
  yaml_reader reader = {.pool = pool, .bytes = bytes, .length = length, .placed = placed};
  *root = NULL;
  reader.source = vj_pool_text(pool, source);
  if (!reader.source || !yaml_parser_initialize(&reader.parser))
    return vj_fail(VJ_MEMORY, "%s: no memory to read it", source);
  yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, length);
  const vj_status status = read_stream(&reader, root);
  yaml_event_delete(&reader.event);
  yaml_parser_delete(&reader.parser);
  return status;
}

vj_status vj_yaml_read_text(vj_pool *pool, const char *text, const char *source, vj_yaml **root) {
  VJ_TRY(vj_yaml_parse(pool, text, strlen(text), source, true, root));
  return VJ_OK;
}

static vj_status read_bytes(FILE *file, const char *path, char **bytes, size_t *length) {
  size_t capacity = 0;
  for (;;) {
    if (*length == capacity) {
      capacity = capacity ? 2 * capacity : 16384;
      char *grown = capacity > 2 * (size_t)MAX_FILE_BYTES ? NULL : realloc(*bytes, capacity);
      if (!grown) return vj_fail(VJ_MEMORY, "%s: no memory to read it", path);
      *bytes = grown;
    }
    const size_t got = fread(*bytes + *length, 1, capacity - *length, file);
    *length += got;
    if (ferror(file)) return vj_fail(VJ_CONFIG, "%s: cannot be read: %s", path, strerror(errno));
    if (*length > MAX_FILE_BYTES)
      return vj_fail(VJ_CONFIG, "%s: more than %d MiB; this is no configuration", path, MAX_FILE_BYTES >> 20);
    if (got == 0) return VJ_OK;
  }
}

vj_status vj_yaml_read_file(vj_pool *pool, const char *path, vj_yaml **root) {
  char *bytes = NULL;
  size_t length = 0;
  *root = NULL;
  FILE *file = fopen(path, "rb");
  if (!file) return vj_fail(VJ_CONFIG, "%s: cannot be read: %s", path, strerror(errno));
  vj_status status = VJ_OK;
  VJ_TRY_GOTO(status, read_bytes(file, path, &bytes, &length), done);
  VJ_TRY_GOTO(status, vj_yaml_parse(pool, bytes, length, path, true, root), done);
done:
  fclose(file);
  free(bytes);
  return status;
}
