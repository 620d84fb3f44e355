#include "datasets/standins/standins.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/standins/standin_private.h"

static const char manifest_name[] = "standin.json";
static const char *const split_names[VJ_SPLITS] = {"training", "validation", "testing"};

static const vj_standin_kind_ops *const kinds[] = {&vj_standin_clevrer, &vj_standin_cater, &vj_standin_videos_kind};

const char *vj_standin_kind(int index) { return index < (int)VJ_COUNT(kinds) ? kinds[index]->name : NULL; }
const char *vj_standin_about(int index) { return index < (int)VJ_COUNT(kinds) ? kinds[index]->about : NULL; }

static vj_status find_kind(const char *name, const vj_standin_kind_ops **kind) {
  for (size_t i = 0; i < VJ_COUNT(kinds); i++)
    if (strcmp(kinds[i]->name, name) == 0) return *kind = kinds[i], VJ_OK;
  return vj_fail(VJ_USAGE, "there are stand-ins for clevrer, cater and videos, none for \"%s\"", name);
}

vj_status vj_standin_share(const char *kind, int64_t total, int64_t videos[VJ_SPLITS]) {
  const vj_standin_kind_ops *ops = NULL;
  int64_t all = 0, left = total;
  VJ_TRY(find_kind(kind, &ops));
  for (int s = 0; s < VJ_SPLITS; s++) all += ops->share[s];
  for (int s = VJ_SPLITS - 1; s > VJ_TRAIN; s--) left -= videos[s] = total * ops->share[s] / all;
  videos[VJ_TRAIN] = left;
  return VJ_OK;
}

/* --- the request ------------------------------------------------------------------------------------------------- */

static vj_status take_variant(vj_standin *set) {
  const char *variant = set->request.variant;
  if (!set->kind->has_variants) {
    if (variant) return vj_fail(VJ_USAGE, "--variant: there are variants of cater only");
    set->request.variant = "";
    return VJ_OK;
  }
  if (!variant) variant = "max2action";
  if (strcmp(variant, "max2action") != 0 && strcmp(variant, "all_actions") != 0)
    return vj_fail(VJ_USAGE, "--variant: expected max2action or all_actions, got \"%s\"", variant);
  set->request.variant = strcmp(variant, "max2action") == 0 ? "max2action" : "all_actions";
  return VJ_OK;
}

static vj_status check_numbers(const vj_standin *set) {
  const vj_standin_request *r = &set->request;
  if (r->frames < set->kind->fewest_frames || r->frames > 5000)
    return vj_fail(VJ_USAGE, "--frames: expected %lld to 5000 for %s, got %lld", (long long)set->kind->fewest_frames,
                   set->kind->name, (long long)r->frames);
  if (r->width < 16 || r->height < 16 || r->width > 4096 || r->height > 4096 || r->width % 2 || r->height % 2)
    return vj_fail(VJ_USAGE, "--size: expected even numbers from 16 to 4096, got %lldx%lld", (long long)r->width,
                   (long long)r->height);
  if (r->videos[VJ_TRAIN] + r->videos[VJ_VALIDATION] + r->videos[VJ_TEST] < 1)
    return vj_fail(VJ_USAGE, "--videos: expected one video at least");
  for (int s = 0; s < VJ_SPLITS; s++) {
    if (set->kind->share[s] == 0 && r->videos[s] > 0)
      return vj_fail(VJ_USAGE, "--videos: %s has no test videos; its list val is for testing", set->kind->name);
    const int64_t most = set->kind->most[s];
    if (r->videos[s] < 0 || r->videos[s] > most)
      return vj_fail(VJ_USAGE, "--videos: expected at most %lld for %s in a stand-in for %s, got %lld", (long long)most,
                     split_names[s], set->kind->name, (long long)r->videos[s]);
  }
  return VJ_OK;
}

static vj_status resolve(const vj_standin_request *request, vj_standin *set) {
  vj_standin_request *r = &set->request;
  VJ_TRY(find_kind(request->kind, &set->kind));
  *r = *request;
  r->kind = set->kind->name;
  r->folder = vj_pool_text(set->pool, request->folder);
  if (!r->folder) return vj_fail(VJ_MEMORY, "no memory for the name of a folder");
  if (!r->has_videos) memcpy(r->videos, set->kind->videos, sizeof r->videos);
  r->has_videos = true;
  if (!r->frames) r->frames = set->kind->frames;
  if (!r->width) r->width = set->kind->width, r->height = set->kind->height;
  VJ_TRY(take_variant(set));
  return check_numbers(set);
}

/* --- the folder -------------------------------------------------------------------------------------------------- */

static json_t *manifest_of(const vj_standin_request *r) {
  return json_pack("{s:s,s:s,s:[I,I,I],s:I,s:I,s:I,s:I}", "stand_in_for", r->kind, "variant", r->variant, "videos",
                   (json_int_t)r->videos[0], (json_int_t)r->videos[1], (json_int_t)r->videos[2], "seed",
                   (json_int_t)r->seed, "frames", (json_int_t)r->frames, "width", (json_int_t)r->width, "height",
                   (json_int_t)r->height);
}

static bool has_entries(const char *folder) {
  DIR *directory = opendir(folder);
  bool any = false;
  struct dirent *entry;
  while (directory && !any && (entry = readdir(directory)))
    any = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  if (directory) closedir(directory);
  return any;
}

/* The first key of two manifests that differs. */
static const char *difference(json_t *one, json_t *other) {
  const char *key;
  json_t *value;
  json_object_foreach(one, key, value) if (!json_equal(value, json_object_get(other, key))) return key;
  return NULL;
}

static vj_status compare_manifest(const vj_standin *set, const char *path) {
  json_t *there = json_load_file(path, 0, NULL), *manifest = manifest_of(&set->request);
  const char *key = there && manifest ? difference(manifest, there) : NULL;
  vj_status status = VJ_OK;
  if (!manifest)
    status = vj_fail(VJ_MEMORY, "no memory for a stand-in's manifest");
  else if (!there)
    status = vj_fail(VJ_DATA, "%s: can't be read; it says what was made in this folder", path);
  else if (key) {
    char *has = json_dumps(json_object_get(there, key), JSON_ENCODE_ANY | JSON_COMPACT);
    char *wants = json_dumps(json_object_get(manifest, key), JSON_ENCODE_ANY | JSON_COMPACT);
    status = vj_fail(VJ_USAGE, "%s: the stand-in there was made with %s %s, not %s; name another folder",
                     set->request.folder, key, has ? has : "none", wants ? wants : "none");
    free(has);
    free(wants);
  }
  json_decref(there);
  json_decref(manifest);
  return status;
}

static vj_status claim(const vj_standin *set) {
  char path[VJ_STANDIN_PATH];
  VJ_TRY(vj_standin_path(set, path, "%s", manifest_name));
  if (vj_standin_is_there(path)) {
    VJ_TRY(compare_manifest(set, path));
  } else {
    if (has_entries(set->request.folder))
      return vj_fail(VJ_USAGE, "%s: there is something else in this folder; a stand-in needs one of its own",
                     set->request.folder);
    VJ_TRY(vj_standin_folder(set, "."));
    VJ_TRY(vj_standin_write_json(path, manifest_of(&set->request), 17));
  }
  return set->kind->make_folders(set);
}

vj_status vj_standin_open(const vj_standin_request *request, bool writes, vj_standin **result) {
  vj_pool *pool = NULL;
  vj_status status;
  *result = NULL;
  VJ_TRY(vj_pool_create(&pool));
  vj_standin *set = vj_pool_take(pool, sizeof *set);
  if (!set) {
    status = vj_fail(VJ_MEMORY, "no memory for a stand-in");
    goto done;
  }
  set->pool = pool;
  VJ_TRY_GOTO(status, resolve(request, set), done);
  if (writes) VJ_TRY_GOTO(status, claim(set), done);
  *result = set;
  pool = NULL;
done:
  vj_pool_destroy(&pool);
  return status;
}

void vj_standin_close(vj_standin **set) {
  if (!*set) return;
  vj_pool *pool = (*set)->pool; /* the structure goes with it */
  vj_pool_destroy(&pool);
  *set = NULL;
}

/* --- making ------------------------------------------------------------------------------------------------------ */

int64_t vj_standin_videos(const vj_standin *set) {
  return set->request.videos[VJ_TRAIN] + set->request.videos[VJ_VALIDATION] + set->request.videos[VJ_TEST];
}

const vj_standin_request *vj_standin_resolved(const vj_standin *set) { return &set->request; }

vj_status vj_standin_make(const vj_standin *set, int64_t number, bool *made) {
  int split = VJ_TRAIN;
  *made = false;
  while (split < VJ_TEST && number >= set->request.videos[split]) number -= set->request.videos[split++];
  return set->kind->make(set, (vj_split)split, number, made);
}

vj_status vj_standin_finish(const vj_standin *set) { return set->kind->finish(set); }
