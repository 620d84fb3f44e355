/* `vjvcr debug step FILE.yaml -o step.h5`: one training step laid open, for checking against other frameworks. */
#include "app/experiment.h"
#include "framework/train/step_file.h"

static vj_status step(vj_command *command) {
  const vj_config *config = NULL;
  VJ_TRY(vj_experiment_read_trial(command, &config));
  return vj_step_file_write(config, command->world, vj_command_count(command, "--steps"),
                            vj_command_text(command, "--from"), vj_command_text(command, "-o"));
}

static const vj_verb_row rows[] = {
    VJ_ROW_EXPERIMENT,
    VJ_ROW_SETTINGS,
    {"-o", VJ_VALUE_FILE, .value = "STEP.h5", .required = true, .doc = "the file to write"},
    {"--steps", VJ_VALUE_COUNT, .value = "N", .minimum = 1, .fallback = "1", .unit = "steps",
     .doc = "train so many; the first one is laid open"},
    {"--from", VJ_VALUE_FILE, .value = "WEIGHTS.h5", .otherwise = "the first parameters of a trial",
     .doc = "begin with the weights in a file of this verb, or a checkpoint"},
    VJ_ROW_SEED,
    VJ_ROW_ALONE,
};

const vj_verb vj_verb_debug_step = {.name = "debug step",
                                    .summary = "lay one training step open in a file, to check against other programs",
                                    .rows = rows,
                                    .row_count = VJ_COUNT(rows),
                                    .reads = "FILE.yaml and the data set it names.\n",
                                    .writes = "STEP.h5: batch, hidden states, losses, gradients, weights.\n",
                                    .examples = "vjvcr debug step sweeps/demo.yaml -o step.h5\n",
                                    .uses_mpi = true,
                                    .run = step};
