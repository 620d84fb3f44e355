#include "datasets/video_list/annotated.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "datasets/video_list/annotated_private.h"

bool vj_is_annotated(const video_list_config *c) { return c->intervals[0] || c->frame_values[0]; }

/* --- which files ------------------------------------------------------------------------------------------------- */

/* A pattern below the root with a video's name, without its extension, in place of the *: with its folders, or without;
 * NULL: there is no such file. */
static vj_status find_own(const maker *m, const char *pattern, const vj_clip_entry *entry, const char **path) {
  const char *const star = strchr(pattern, '*'), *const dot = strrchr(entry->name, '.');
  const size_t length =
      dot && !strchr(dot, '/') && dot != entry->name ? (size_t)(dot - entry->name) : strlen(entry->name);
  const char *const stem = vj_video_stem(m->pool, entry->path);
  const char *const names[] = {vj_pool_format(m->pool, "%.*s", (int)length, entry->name), stem};
  for (int i = 0; i < 2; i++) {
    const char *const name =
        names[i] ? vj_pool_format(m->pool, "%.*s%s%s", (int)(star - pattern), pattern, names[i], star + 1) : NULL;
    *path = name ? vj_video_list_below(m->pool, m->config->clips.root, name) : NULL;
    if (!*path) return no_memory();
    if (access(*path, F_OK) == 0) return VJ_OK;
  }
  *path = NULL;
  return VJ_OK;
}

/* A source for each video that is not broken, or one for all. */
static vj_status list_sources(const maker *m, const char *pattern, vj_annotated *a, vj_clip_entry *const *entries,
                              vj_table_source *sources, int64_t *count) {
  *count = 0;
  if (!strchr(pattern, '*')) {
    sources[(*count)++].path = vj_video_list_below(m->pool, m->config->clips.root, pattern);
    return sources[0].path ? VJ_OK : no_memory();
  }
  for (int64_t i = 0; i < a->names.count; i++) {
    const vj_named_video *const video = &a->names.at[i];
    vj_clip_entry *const entry = &entries[video->split][video->number];
    const char *path;
    if (entry->broken) continue;
    VJ_TRY(find_own(m, pattern, entry, &path));
    if (!path)
      entry->broken = vj_pool_format(m->pool, "%s/%s: there is no such file with its name in place of the *",
                                     m->config->clips.root, pattern);
    else
      sources[(*count)++] = (vj_table_source){.path = path, .video = video};
    if (!path && !entry->broken) return no_memory();
  }
  return VJ_OK;
}

/* --- reading them ------------------------------------------------------------------------------------------------ */

/* Those that can be read; a video's own file that can't is its own fault, a table of all is one of the data set. */
static vj_status take_read(const vj_annotation *read, vj_clip_entry *const *entries, vj_table_source *sources,
                           int64_t *count) {
  int64_t kept = 0;
  for (int64_t i = 0; i < *count; i++) {
    const vj_named_video *const video = sources[i].video;
    if (!read[i].kept && !video) return vj_fail(VJ_DATA, "%s", read[i].broken);
    if (!read[i].kept) entries[video->split][video->number].broken = read[i].broken;
    if (!read[i].kept) continue;
    sources[kept] = sources[i];
    sources[kept++].kept = read[i].kept;
  }
  *count = kept;
  return VJ_OK;
}

static vj_status read_tables(const maker *m, const vj_annotation_form *form, int threads, const char *what,
                             vj_clip_entry *const *entries, vj_table_source *sources, int64_t *count) {
  vj_annotations *annotations = NULL;
  vj_annotation *const read = vj_pool_take(m->pool, (size_t)(*count + 1) * sizeof *read);
  if (!read) return no_memory();
  for (int64_t i = 0; i < *count; i++) read[i].path = sources[i].path;
  VJ_TRY(vj_annotations_open(form, &m->config->clips, what, &annotations));
  const vj_status status = vj_annotations_read(annotations, threads, m->pool, *count, read);
  vj_annotations_close(&annotations);
  VJ_TRY(status);
  return take_read(read, entries, sources, count);
}

static vj_status read_intervals(const maker *m, int threads, vj_clip_list *list, vj_clip_entry *const *entries,
                                vj_table_source *sources, vj_annotated *a) {
  const video_list_config *const c = m->config;
  const vj_interval_columns columns = {.video = c->video_column,
                                       .start = c->start_column,
                                       .end = c->end_column,
                                       .labels = c->label_columns,
                                       .unit = c->time_unit,
                                       .is_of_one = strchr(c->intervals, '*') != NULL};
  char name[VJ_FORM_NAME_BYTES];
  const vj_annotation_form form = vj_intervals_form(&columns, name);
  int64_t count;
  VJ_TRY(list_sources(m, c->intervals, a, entries, sources, &count));
  VJ_TRY(read_tables(m, &form, threads, list->what, entries, sources, &count));
  return vj_annotated_take_intervals(a, sources, count, list);
}

static vj_status read_values(const maker *m, int threads, vj_clip_list *list, vj_clip_entry *const *entries,
                             vj_table_source *sources, vj_annotated *a) {
  const video_list_config *const c = m->config;
  const vj_frame_columns columns = {.video = c->video_column,
                                    .frame = c->frame_column,
                                    .values = c->value_columns,
                                    .min_likelihood = c->min_likelihood,
                                    .is_of_one = strchr(c->frame_values, '*') != NULL};
  char name[VJ_FORM_NAME_BYTES];
  const vj_annotation_form form = vj_frame_values_form(&columns, name);
  int64_t count;
  VJ_TRY(list_sources(m, c->frame_values, a, entries, sources, &count));
  VJ_TRY(read_tables(m, &form, threads, list->what, entries, sources, &count));
  return vj_annotated_take_values(a, sources, count, list, entries);
}

vj_status vj_annotated_read(const maker *m, int threads, vj_clip_list *list, vj_clip_entry *const *entries,
                            vj_annotated **annotated) {
  vj_annotated *const a = *annotated = vj_pool_take(m->pool, sizeof *a);
  if (!a) return no_memory();
  *a = (vj_annotated){.config = m->config,
                      .pool = m->pool,
                      .rate = m->config->rate,
                      .first_frame = m->config->first_frame,
                      .least = m->config->min_overlap,
                      .target_frames = list->request->target_frames};
  VJ_TRY(vj_video_names_make(m->pool, list, &a->names));
  vj_table_source *const sources = vj_pool_take(m->pool, (size_t)(a->names.count + 1) * sizeof *sources);
  if (!sources) return no_memory();
  if (m->config->intervals[0]) VJ_TRY(read_intervals(m, threads, list, entries, sources, a));
  memset(sources, 0, (size_t)(a->names.count + 1) * sizeof *sources);
  if (m->config->frame_values[0]) VJ_TRY(read_values(m, threads, list, entries, sources, a));
  return VJ_OK;
}

/* --- what both parts need ---------------------------------------------------------------------------------------- */

vj_status vj_annotated_owners(const vj_annotated *a, const vj_table_source *source, const char *written, int64_t line,
                              vj_strangers *strangers, int64_t *first, int64_t *count) {
  char place[512], shown[VJ_SHOWN_BYTES];
  *first = source->video ? source->video - a->names.at : 0;
  *count = 1;
  if (source->video) return VJ_OK;
  snprintf(place, sizeof place, "%.400s:%" PRId64, source->path, line);
  VJ_TRY(vj_video_names_find(&a->names, a->pool, written, place, first, count));
  if (*count == 0 && strangers->count++ == 0) {
    strangers->first = vj_pool_format(a->pool, "%s: \"%s\"", place, vj_delimited_shown(written, shown));
    if (!strangers->first) return no_memory();
  }
  return VJ_OK;
}

vj_status vj_annotated_note(vj_pool *pool, vj_clip_list *list, const char *sentence) {
  list->note = list->note ? vj_pool_format(pool, "%s\n%s", list->note, sentence) : sentence;
  return list->note ? VJ_OK : no_memory();
}

/* --- labels ------------------------------------------------------------------------------------------------------ */

int64_t vj_annotated_labels(const vj_annotated *a, vj_label *labels) {
  int64_t count = 0;
  if (a->has_actions) {
    labels[count++] = (vj_label){.name = "actions",
                                 .kind = VJ_LABEL_FLAGS,
                                 .width = a->label_count,
                                 .unit = "",
                                 .doc = "1 for each label of intervals that overlaps the target frames",
                                 .names = a->label_names};
    labels[count++] = (vj_label){.name = "main_action",
                                 .kind = VJ_LABEL_CLASS,
                                 .width = 1,
                                 .classes = a->label_count + 1,
                                 .unit = "",
                                 .doc = "the one that does so longest, the first of several; the last class: none does",
                                 .names = a->label_names};
  }
  if (a->tracks[0])
    labels[count++] = (vj_label){.name = "values",
                                 .kind = VJ_LABEL_REAL,
                                 .width = a->target_frames * a->columns,
                                 .unit = a->unit,
                                 .doc = a->columns_doc,
                                 .has_gaps = true,
                                 .steps = a->target_frames};
  return count;
}

void vj_annotated_fill(const vj_annotated *a, vj_split split, int64_t video, const vj_clip_window *window,
                       float *labels) {
  if (a->has_actions) {
    vj_annotated_fill_actions(a, a->spans[split][video], window, labels, labels + a->label_count);
    labels += a->label_count + 1;
  }
  if (a->tracks[0]) vj_annotated_fill_values(a, &a->tracks[split][video], window, labels);
}
