/* `vjvcr data pack FILE.yaml [-o PACK.h5]`: all frames of a data set's videos, decoded once. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "framework/base/threads.h"
#include "app/data/data_set.h"
#include "app/verb.h"
#include "datasets/packing/pack_writer.h"

static void tell(double share) {
  if (isatty(2)) fprintf(stderr, "\r\033[K%3.0f%% packed", 100.0 * share);
}

/* Whether a file may once have been a pack: what is no HDF5 is somebody's other file. */
static bool is_hdf5(const char *path) {
  static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  unsigned char start[sizeof signature];
  FILE *const file = fopen(path, "rb");
  const bool is = file && fread(start, sizeof start, 1, file) == 1 && memcmp(start, signature, sizeof start) == 0;
  if (file) fclose(file);
  return is;
}

/* A pack that is there is one of these videos at this size; or it is refused, or, with `replace`, made anew. */
static vj_status look_at(const char *path, const vj_clips *clips, bool replace, bool *is_there) {
  *is_there = access(path, F_OK) == 0;
  if (!*is_there) return VJ_OK;
  const vj_status status = vj_clips_check_pack(clips, path);
  if (status == VJ_OK) return VJ_OK;
  if (status == VJ_DATA && replace && is_hdf5(path)) {
    printf("the pack is made anew; of the one that is there: %s\n", vj_error_message());
    fflush(stdout);
    vj_error_clear();
    *is_there = false;
    return VJ_OK;
  }
  char message[1024];
  snprintf(message, sizeof message, "%s; remove it, or name another file with -o", vj_error_message());
  return vj_error_adopt(VJ_USAGE, message);
}

static void report(const char *path, const vj_pack_outcome *o) {
  if (isatty(2)) fputs("\r\033[K", stderr);
  printf("%s: %lld frames of %lld videos, %.3g MB\n", path, (long long)o->frames, (long long)(o->videos - o->broken),
         o->bytes / 1e6);
  if (o->broken)
    printf("%lld videos can't be read and are left out; `vjvcr data inspect` names them\n", (long long)o->broken);
  if (o->damaged_frames)
    printf("%lld frames are damaged; clips with them are replaced, as without a pack\n", (long long)o->damaged_frames);
}

static vj_status write_pack(const vj_experiment *e, const vj_comm *world, const vj_data_set *set) {
  vj_pack_outcome results;
  int is_there = 0;
  bool found = false;
  const char *const output = vj_command_text(e->command, "-o"), *const path = output ? output : set->pack;
  if (!path[0]) return vj_fail(VJ_USAGE, "where to? Name the file with -o, or as data.pack in %s", e->file);
  const bool replace = vj_command_has(e->command, "--replace");
  VJ_TRY(vj_comm_agree(world, world->rank == 0 ? look_at(path, set->clips, replace, &found) : VJ_OK));
  is_there = found;
  VJ_TRY(vj_comm_broadcast(world, &is_there, sizeof is_there, 0));
  if (is_there) {
    if (world->rank == 0) printf("%s is there already, and of these videos\n", path);
    return VJ_OK;
  }
  VJ_TRY(vj_pack_file_write(world, set->clips, path, vj_threads(), tell, &results));
  if (world->rank == 0) report(path, &results);
  return VJ_OK;
}

static vj_status pack(vj_command *command) {
  vj_experiment e;
  vj_data_set set = {0};
  VJ_TRY(vj_comm_agree(command->world, vj_experiment_read(command, vj_command_has(command, "--quick"), &e)));
  VJ_TRY(vj_experiment_agree(&e, command->world));
  vj_status status = vj_comm_agree(command->world, vj_data_set_open(&e, false, &set));
  if (status == VJ_OK) status = write_pack(&e, command->world, &set);
  vj_data_set_close(&set);
  return status;
}

static const vj_verb_row rows[] = {
    VJ_ROW_EXPERIMENT,
    VJ_ROW_SETTINGS,
    {"-o", VJ_VALUE_FILE, .value = "PACK.h5", .otherwise = "data.pack of the experiment", .doc = "the file to write"},
    {"--replace", VJ_VALUE_FLAG, .doc = "make a pack anew that is of other videos, of another size, or damaged"},
    VJ_ROW_QUICK,
    VJ_ROW_ALONE,
};

const vj_verb vj_verb_data_pack = {.name = "data pack",
                                   .summary = "all frames of a data set's videos, decoded once, in one file",
                                   .rows = rows,
                                   .row_count = VJ_COUNT(rows),
                                   .notes =
                                       "Under mpirun ranks share the work. A pack that is there already, and of "
                                       "these videos, is left as it is.\n",
                                   .reads = "FILE.yaml and the videos of the data set it names.\n",
                                   .writes = "PACK.h5; PACK.h5.part until it is whole.\n",
                                   .examples = "vjvcr data pack sweeps/clevrer.yaml -o clevrer.h5\n",
                                   .uses_mpi = true,
                                   .run = pack};
