/* `vjvcr debug step FILE.yaml -o step.h5`: one training step laid open, for checking against other frameworks. */
#include <mpi.h>
#include <stdio.h>
#include <string.h>

#include "sweeps/schedule/trial_schedule.h"
#include "app/experiment.h"
#include "framework/train/step_file.h"
#include "app/verbs.h"

static vj_status write_step(vj_experiment *e, const vj_comm *world) {
  vj_space *space = NULL;
  int group = 1;
  if (!e->file || !e->output)
    return vj_fail(VJ_USAGE, "usage: vjvcr debug step FILE.yaml -o step.h5 [--steps N] [--from WEIGHTS]");
  vj_yaml_remove(e->root, "sweep");
  VJ_TRY(vj_experiment_agree(e, world));
  VJ_TRY(vj_comm_agree(world, vj_space_create(e->pool, e->root, &space)));
  VJ_TRY(vj_sweep_group_size(space, world->size, world->size, &group));
  return vj_step_file_write(space->trials[0].config, world, e->steps ? e->steps : 1, e->from, e->output);
}

int vj_verb_debug(int argc, char **argv) {
  vj_experiment e;
  vj_comm world = {0};
  if (argc < 2 || strcmp(argv[1], "step") != 0) {
    fputs("usage: vjvcr debug step FILE.yaml -o step.h5 [--steps N] [--from WEIGHTS] [key=value ...]\n", stderr);
    return 2;
  }
  vj_status status = vj_mpi_start(&world);
  const vj_status mine = vj_experiment_read(argc - 1, argv + 1, "-o --steps --from --seed", &e);
  if (status == VJ_OK) status = vj_comm_agree(&world, mine);
  if (status == VJ_OK) status = write_step(&e, &world);
  if (status != VJ_OK && world.rank == 0) vj_print_failure(status);
  vj_experiment_free(&e);
  if (world.size) vj_comm_destroy(&world);
  MPI_Finalize();
  return vj_status_exit_code(status);
}
