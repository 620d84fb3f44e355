/* `vjvcr verify DIR...`: whether the files of sweeps are what was written, and making good what is not. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analysis/output/row_writer.h"
#include "app/standard_files.h"
#include "app/verb.h"
#include "datasets/video/pack/pack_checksum.h"
#include "framework/config/yaml/yaml.h"
#include "sweeps/run/trial_row.h"
#include "sweeps/verify/verify.h"

/* --- packs ------------------------------------------------------------------------------------------------------- */

static vj_status check_pack(vj_verification *found, const char *path) {
  vj_pack_checksum footer;
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return vj_verify_add(found, VJ_VERDICT_NOTE, path,
                         vj_pool_format(found->pool, "the pack can't be opened from here: %s", strerror(errno)), "");
  const vj_status status = vj_pack_checksum_check(descriptor, path, &footer);
  close(descriptor);
  if (status == VJ_OK || status == VJ_MEMORY) return status;
  vj_error_clear();
  return vj_verify_add(found, VJ_VERDICT_DAMAGED, path, "the pack is damaged, around its frames",
                       "make it again with `vjvcr data pack`");
}

/* Mostly all trials have the same. */
static vj_status check_packs_of(vj_verification *found, const vj_sweep_file *file, const char *path) {
  const char *last = "";
  for (int64_t i = 0; i < found->trials; i++) {
    const char *text = NULL;
    vj_yaml *config = NULL;
    VJ_TRY(vj_trial_row_get_text(found->pool, file, VJ_RECORD_CONFIG, i, &text));
    if (!text[0] || vj_yaml_read_text(found->pool, text, path, &config) != VJ_OK) continue;
    const vj_yaml *pack = vj_yaml_find(config, "data.pack");
    if (!pack || !pack->text || !pack->text[0] || strcmp(pack->text, last) == 0) continue;
    last = pack->text;
    VJ_TRY(check_pack(found, last));
  }
  return VJ_OK;
}

static vj_status check_packs(vj_verification *found) {
  const char *path = vj_pool_format(found->pool, "%s/sweep.h5", found->folder);
  vj_sweep_file *file = NULL;
  if (!path) return vj_fail(VJ_MEMORY, "no memory for a path");
  if (found->trials == 0 || vj_sweep_file_read_only(path, &file) != VJ_OK) { /* that was told */
    vj_error_clear();
    return VJ_OK;
  }
  const vj_status status = check_packs_of(found, file, path);
  vj_sweep_file_close(&file);
  return status;
}

/* --- printing ---------------------------------------------------------------------------------------------------- */

static const char *const verdicts[] = {
    [VJ_VERDICT_NOTE] = "note", [VJ_VERDICT_DAMAGED] = "damaged", [VJ_VERDICT_REPAIRED] = "repaired"};

static void print_text(const vj_verification *found) {
  for (int64_t i = 0; i < found->count; i++) {
    const vj_discovery *d = &found->at[i];
    printf("%s: %s%s%s\n", d->place, d->what, d->remedy[0] ? "; " : "", d->remedy);
  }
  int64_t repaired = 0;
  for (int64_t i = 0; i < found->count; i++) repaired += found->at[i].verdict == VJ_VERDICT_REPAIRED;
  printf("%s: %s; ", found->folder, found->damages ? "damaged" : repaired ? "repaired" : "sound");
  printf("%lld trial%s, checksums fit of %lld\n", (long long)found->trials, found->trials == 1 ? "" : "s",
         (long long)found->sealed);
}

static json_t *folder_object(const vj_verification *found) {
  json_t *list = json_array(), *object = json_object();
  for (int64_t i = 0; i < found->count; i++) {
    const vj_discovery *d = &found->at[i];
    json_t *one = json_object();
    json_object_set_new(one, "verdict", json_string(verdicts[d->verdict]));
    json_object_set_new(one, "place", vj_json_text(d->place));
    json_object_set_new(one, "what", vj_json_text(d->what));
    json_object_set_new(one, "remedy", d->remedy[0] ? vj_json_text(d->remedy) : json_null());
    json_array_append_new(list, one);
  }
  json_object_set_new(object, "folder", vj_json_text(found->folder));
  json_object_set_new(object, "is_sound", json_boolean(found->damages == 0));
  json_object_set_new(object, "trials", json_integer(found->trials));
  json_object_set_new(object, "trials_with_checksums", json_integer(found->sealed));
  json_object_set_new(object, "found", list);
  return object;
}

/* --- the verb ---------------------------------------------------------------------------------------------------- */

static vj_status verify(vj_command *command) {
  const vj_text_list folders = vj_command_texts(command, "DIR");
  const bool repairs = vj_command_has(command, "--repair");
  const bool as_json = strcmp(vj_command_text(command, "--format"), "json") == 0;
  json_t *all = json_array();
  vj_status status = VJ_OK;
  for (int64_t i = 0; i < folders.count && status == VJ_OK; i++) {
    vj_verification found;
    status = vj_verify(command->pool, folders.at[i], vj_command_text(command, "--like"), repairs, &found);
    if (status == VJ_OK) status = check_packs(&found);
    if (status != VJ_OK) break;
    if (found.damages) command->code = 1;
    if (as_json)
      json_array_append_new(all, folder_object(&found));
    else
      print_text(&found);
  }
  if (status == VJ_OK && as_json) return vj_json_print(all, stdout);
  json_decref(all);
  return status == VJ_OK ? vj_standard_output_check() : status;
}

static const vj_verb_row rows[] = {
    {"DIR", VJ_VALUE_SWEEP, .several = true, .doc = "the folder of a sweep"},
    {"--repair", VJ_VALUE_FLAG, .doc = "make good what can be made good; damaged files are kept as <name>.damaged"},
    {"--like", VJ_VALUE_SWEEP, .value = "NEW",
     .doc = "where no copy of its structure is left, take that of another sweep of the same experiment"},
    VJ_ROW_TEXT_OR_JSON,
};

const vj_verb vj_verb_verify = {
    .name = "verify",
    .summary = "whether the files of sweeps are what was written, and their repair",
    .rows = rows,
    .row_count = VJ_COUNT(rows),
    .notes =
        "Reads all of sweep.h5, and compares its structure with the copy in it, the values of each trial with their "
        "checksums, the ledger and sweep.yaml with it, and checkpoints, weights and packs with checksums of their own. "
        "Each finding is a line with a place, what it means and what can be done; the exit code is 1 where damage is "
        "left.\n"
        "Nothing is written without --repair, which is refused while a job works on the sweep. Values that have "
        "changed "
        "are computed again by `vjvcr sweep DIR/sweep.yaml -o DIR --resume`, with the same bits.\n",
    .reads = "DIR/sweep.h5, DIR/sweep.yaml, DIR/ledger, DIR/checkpoints, DIR/weights, packs.\n",
    .writes = "the first three of these, with --repair; damaged checkpoints are removed then.\n",
    .examples =
        "vjvcr verify runs/*\nvjvcr verify runs/demo --repair\nvjvcr verify runs/demo --repair --like backup/demo\n",
    .run = verify};
