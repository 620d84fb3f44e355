/* `vjvcr launch`: a sweep by several jobs side by side, here, on other hosts, or as a script for a scheduler. */
#include <stdio.h>

#include "analysis/results/result_table.h"
#include "app/launch/batch_script.h"
#include "app/launch/supervisor.h"
#include "app/sweep/rows.h"

static vj_status launch(vj_command *command) {
  vj_launch_plan plan;
  int64_t failed = 0;
  VJ_TRY(vj_launch_plan_read(command, &plan));
  if (vj_command_has(command, "--print")) {
    if (plan.hosts.count) return vj_fail(VJ_USAGE, "--hosts and --print: a scheduler chooses the hosts itself");
    return vj_batch_script_print(&plan, vj_command_text(command, "--print"), stdout);
  }
  VJ_TRY(vj_supervise(&plan, &failed));
  VJ_TRY(vj_result_table_print(plan.folder, NULL, NULL, VJ_FORMAT_TEXT, stdout));
  printf("everything measured is in %s/sweep.h5\n", plan.folder);
  command->code = failed ? 1 : 0;
  return VJ_OK;
}

static const vj_verb_row rows[] = {
    VJ_ROW_EXPERIMENT,
    VJ_ROW_SETTINGS,
    VJ_ROW_OUTPUT,
    {"--jobs", VJ_VALUE_COUNT, .value = "N", .minimum = 1, .maximum = 10000, .otherwise = "one for each host",
     .doc = "jobs side by side, each an MPI world of its own; where one dies, the others go on"},
    {"--ranks", VJ_VALUE_COUNT, .value = "N", .minimum = 1, .maximum = 1000000, .fallback = "1", .unit = "ranks",
     .doc = "of each job"},
    {"--hosts", VJ_VALUE_TEXT, .value = "A,B,..", .otherwise = "this one",
     .doc = "run the jobs on these, in turn; where there are more hosts than jobs, each job has several. All of them "
            "see this folder and DIR"},
    {"--restarts", VJ_VALUE_COUNT, .value = "N", .minimum = 0, .fallback = "10",
     .doc = "start a job that died again, at most so many times"},
    {"--print", VJ_VALUE_CHOICE, .choices = "slurm|pbs|lsf|flux",
     .doc = "print a script for this scheduler instead, with a job for each of --jobs, of --time-limit (4h)"},
    {"--agent", VJ_VALUE_TEXT, .value = "COMMAND",
     .fallback = "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4",
     .doc = "what runs a command on a host: COMMAND HOST command; it has to end when the host does not answer"},
    {"--mpirun", VJ_VALUE_TEXT, .value = "COMMAND", .fallback = "mpirun --bind-to none",
     .doc = "what starts the ranks of a job, where it has several"},
    VJ_ROW_QUICK,
    VJ_ROW_RANKS_PER_TRIAL,
    VJ_ROW_TIME_LIMIT,
    VJ_ROW_HANG_LIMIT,
    VJ_ROW_MAX_ATTEMPTS,
    VJ_ROW_TUNING,
    VJ_ROW_TUNED,
    VJ_ROW_SEED,
};

static const char notes[] =
    "Each job is `vjvcr sweep FILE.yaml -o DIR --resume`, so it takes a trial when it has none, and those of a job "
    "that "
    "died go on from their checkpoints in another one: on the same host at once, on others after five minutes of "
    "silence. launch ends when every trial has, also those that other jobs took.\n"
    "SIGINT, SIGTERM, SIGUSR1 and the time limit save every running trial; so does the end of launch itself, however "
    "it "
    "ends. The same command goes on.\n";
static const vj_verb_exit exits[] = {
    {0, "all trials succeeded or were stopped early by the sweep's own rule"},
    {1, "some trials failed; or no job was left that could go on; or failure of files, memory"},
    {75, "stopped by a signal or the time limit; the same command goes on"}};

const vj_verb vj_verb_launch = {.name = "launch",
                                .summary = "run a sweep by several jobs, and start those that die again",
                                .rows = rows,
                                .row_count = VJ_COUNT(rows),
                                .notes = notes,
                                .reads = "FILE.yaml, for its name; DIR/ledger.\n",
                                .writes = "DIR/launch/job-N.txt, what each job says; else what vjvcr sweep writes.\n",
                                .examples =
                                    "vjvcr launch tau.yaml --jobs 4\n"
                                    "vjvcr launch tau.yaml --hosts node1,node2,node3,node4 --ranks 16\n"
                                    "vjvcr launch tau.yaml -o runs/tau --jobs 4 --ranks 8 --print slurm > tau.sbatch\n",
                                .exits = exits,
                                .exit_count = VJ_COUNT(exits),
                                .run = launch};
