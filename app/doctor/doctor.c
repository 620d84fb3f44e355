/* `vjvcr doctor`: whether this set-up can train and keep results, and what to do where it can't. */
#include <string.h>

#include "app/doctor/checks.h"
#include "app/verb.h"

/* The first rank looks at its machine and at the folder; all look at each other. */
static vj_status doctor(vj_command *command) {
  static vj_findings all;
  const char *folder = vj_command_text(command, "DIR"), *plugin = vj_command_text(command, "--plugin");
  int here = 1;
  VJ_TRY(vj_doctor_ranks(command->world, &all, &here));
  if (command->world->rank == 0) {
    vj_doctor_machine(here, &all);
    vj_doctor_folder(folder, &all);
    if (plugin) vj_doctor_plugin(plugin, &all);
  }
  int bad = vj_findings_worst(&all) == VJ_HEALTH_BAD;
  VJ_TRY(vj_comm_broadcast(command->world, &bad, sizeof bad, 0));
  command->code = bad;
  if (command->world->rank != 0) return VJ_OK;
  if (strcmp(vj_command_text(command, "--format"), "json") == 0) return vj_findings_print_json(&all);
  vj_findings_print(&all);
  return VJ_OK;
}

static const vj_verb_row rows[] = {
    {"DIR", VJ_VALUE_FOLDER, .optional = true, .fallback = ".",
     .doc = "where results are to lie; files are made in it and removed"},
    {"--plugin", VJ_VALUE_FILE, .value = "FILE.so", .doc = "try to load this plug-in, too"},
    VJ_ROW_ALONE,
    VJ_ROW_TEXT_OR_JSON,
};

const vj_verb vj_verb_doctor = {
    .name = "doctor",
    .summary = "whether MPI, HDF5, the file system and the machine are fit for a sweep",
    .rows = rows,
    .row_count = VJ_COUNT(rows),
    .uses_mpi = true,
    .notes =
        "Start it as a sweep would be started: with the same launcher, on as many ranks and hosts. What is wrong\n"
        "is marked !, what works less well than it could ?; the line below says what to do.\n"
        "The exit code is 1 if anything is wrong.\n",
    .writes = "files in DIR, removed again.\n",
    .examples =
        "vjvcr doctor\n"
        "mpirun -n 8 vjvcr doctor /scratch/runs\n"
        "srun -N 2 --ntasks-per-node 32 vjvcr doctor /scratch/runs --format json\n",
    .run = doctor};
