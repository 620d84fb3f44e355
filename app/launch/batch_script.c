#include "app/launch/batch_script.h"

#include <string.h>

enum { FALLBACK_LIMIT = 4 * 3600, MARGIN = 300, TIME_BYTES = 32 }; /* seconds */

typedef struct vj_batch_script {
  const vj_launch_plan *plan;
  const char *scheduler;
  const char *name; /* of the job, and of the script's file before the scheduler's ending */
  int64_t limit;    /* seconds of a job */
  FILE *to;
} vj_batch_script;

/* Of the last folder of DIR; what a scheduler may not take in a name becomes a dash. */
static const char *job_name(const vj_launch_plan *plan) {
  char *folder = vj_pool_text(plan->pool, plan->folder);
  if (!folder) return NULL;
  for (size_t end = strlen(folder); end > 1 && folder[end - 1] == '/'; end--) folder[end - 1] = '\0';
  const char *slash = strrchr(folder, '/');
  char *name = slash && slash[1] ? folder + (slash - folder) + 1 : folder;
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  for (char *c = name; *c; c++)
    if (!strchr(allowed, *c)) *c = '-';
  return name;
}

static const char *hours(int64_t seconds, bool with_seconds, char text[TIME_BYTES]) {
  const long long minutes = seconds / 60;
  const int used = snprintf(text, TIME_BYTES, "%02lld:%02lld", minutes / 60, minutes % 60);
  if (with_seconds) snprintf(text + used, TIME_BYTES - (size_t)used, ":%02d", (int)(seconds % 60));
  return text;
}

/* --- beginnings: what the scheduler reads ------------------------------------------------------------------------ */

static void begin(const vj_batch_script *s, const char *kind, const char *ending, const char *submit) {
  fprintf(s->to,
          "#!/bin/bash\n"
          "# A sweep as %s job, printed by\n"
          "#\n"
          "#   vjvcr launch %s --print %s > %s.%s\n"
          "#\n"
          "# It stops before its time is over, saves its trials, and waits in the queue again, until the sweep is "
          "complete. Fit the\n"
          "# lines below to your cluster, and submit it: %s %s.%s",
          kind, s->plan->request, s->scheduler, s->name, ending, submit, s->name, ending);
}

/* Where a job submits itself anew, an array of them would each submit the whole array. */
static void tell_of_jobs(const vj_batch_script *s) {
  if (s->plan->jobs > 1)
    fprintf(s->to, "\n# Submit it %lld times: as many jobs share the sweep, and none waits for another.",
            (long long)s->plan->jobs);
  fputs("\n#\n", s->to);
}

static void begin_slurm(const vj_batch_script *s) {
  char time[TIME_BYTES];
  begin(s, "a Slurm", "sbatch", "sbatch");
  fprintf(s->to,
          "\n#\n"
          "#SBATCH --job-name=%s\n"
          "#SBATCH --ntasks=%lld\n"
          "#SBATCH --cpus-per-task=1\n"
          "#SBATCH --time=%s\n"
          "#SBATCH --signal=B:USR1@%d\n"
          "#SBATCH --requeue\n"
          "#SBATCH --open-mode=append\n"
          "#SBATCH --output=%%x-%%j.out\n",
          s->name, (long long)s->plan->ranks, hours(s->limit, true, time), MARGIN);
  if (s->plan->jobs > 1) fprintf(s->to, "#SBATCH --array=0-%lld\n", (long long)s->plan->jobs - 1);
  fputs(
      "\n"
      "launch=${LAUNCH:-mpirun --bind-to none}              # a rank for each task; or: srun --mpi=pmix\n"
      "export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}\n"
      "runs=${SLURM_RESTART_COUNT:-0}                       # before this one\n"
      "\n"
      "# vjvcr stops two minutes before this, also without a signal. Where Slurm does not set it, it is asked.\n"
      "if [[ -z ${SLURM_JOB_END_TIME:-} ]]; then\n"
      "  end=$(date -d \"$(squeue -h -j \"$SLURM_JOB_ID\" -o %e)\" +%s 2>/dev/null) && export SLURM_JOB_END_TIME=$end\n"
      "fi\n",
      s->to);
}

static void begin_pbs(const vj_batch_script *s) {
  char time[TIME_BYTES];
  begin(s, "a PBS", "pbs", "qsub");
  tell_of_jobs(s);
  fprintf(s->to,
          "#PBS -S /bin/bash\n"
          "#PBS -N %s\n"
          "#PBS -l select=%lld:ncpus=1:mpiprocs=1\n"
          "#PBS -l walltime=%s\n"
          "#PBS -r y\n"
          "#PBS -j oe\n"
          "\n"
          "cd \"$PBS_O_WORKDIR\" || exit 2\n"
          "launch=${LAUNCH:-mpirun --bind-to none}              # a rank for each of mpiprocs\n"
          "export OMP_NUM_THREADS=${NCPUS:-1}\n"
          "runs=${VJVCR_RUNS:-0}                                # before this one\n",
          s->name, (long long)s->plan->ranks, hours(s->limit, true, time));
}

static void begin_lsf(const vj_batch_script *s) {
  char time[TIME_BYTES], array[32] = "";
  begin(s, "an LSF", "lsf", "bsub <");
  if (s->plan->jobs > 1) snprintf(array, sizeof array, "[1-%lld]", (long long)s->plan->jobs);
  fprintf(s->to,
          "\n#\n"
          "#BSUB -J \"%s%s\"\n"
          "#BSUB -n %lld\n"
          "#BSUB -W %s\n"
          "#BSUB -r\n"
          "#BSUB -Q \"75\"\n"
          "#BSUB -o %s-%%J-%%I.out\n"
          "\n"
          "launch=${LAUNCH:-mpirun --bind-to none}              # a rank for each slot\n"
          "export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}\n",
          s->name, array, (long long)s->plan->ranks, hours(s->limit, false, time), s->name);
}

static void begin_flux(const vj_batch_script *s) {
  const long long ranks = s->plan->ranks;
  begin(s, "a Flux", "flux", "flux batch");
  tell_of_jobs(s);
  fprintf(s->to,
          "# flux: --job-name=%s\n"
          "# flux: --nslots=%lld\n"
          "# flux: --cores-per-slot=1\n"
          "# flux: --time-limit=%lldm\n"
          "# flux: --output=%s-{{id}}.out\n"
          "\n"
          "launch=${LAUNCH:-flux run --ntasks=%lld --cores-per-task=1} # Open MPI 5 wants: -o pmi=pmix\n"
          "export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}\n"
          "runs=${VJVCR_RUNS:-0}                                # before this one\n",
          s->name, ranks, (long long)s->limit / 60, s->name, ranks);
}

/* --- the run ----------------------------------------------------------------------------------------------------- */

static const char waiting[] =
    "run=$!\n"
    "\n"
    "# The launcher passes SIGUSR1 on to the ranks, which save and stop; SIGTERM it would answer by killing them. Who "
    "cancels a\n"
    "# job does not want it back.\n"
    "signalled='' cancelled=''\n"
    "trap 'signalled=yes; kill -USR1 \"$run\"' USR1\n"
    "trap 'signalled=yes cancelled=yes; kill -USR1 \"$run\"' TERM\n"
    "wait \"$run\"\n"
    "code=$?\n"
    "while [[ $signalled ]]; do # a signal ends `wait` early\n"
    "  signalled=''\n"
    "  wait \"$run\"\n"
    "  code=$?\n"
    "done\n";

static void run(const vj_batch_script *s, bool is_signalled) {
  char limit[64] = "";
  const long long usable = s->limit > 2 * MARGIN ? s->limit - MARGIN : s->limit / 2;
  if (!is_signalled) snprintf(limit, sizeof limit, " --time-limit %llds", usable);
  fprintf(s->to,
          "vjvcr=${VJVCR:-vjvcr}                                # the program\n"
          "\n"
          "# --resume begins a new sweep, goes on with one, or joins other jobs that work on it.\n"
          "# shellcheck disable=SC2086 # $launch is several words\n"
          "$launch \"$vjvcr\" sweep %s%s \"$@\" &\n"
          "%s",
          s->plan->arguments, limit, waiting);
}

/* --- ends: 75 is a run that was stopped, and has more to do ------------------------------------------------------ */

static void requeue(const vj_batch_script *s, const char *words) {
  fprintf(s->to,
          "\n"
          "if ((code == 75)) && [[ ! $cancelled ]]; then # stopped, and there is more to do\n"
          "  if ((runs >= ${MOST_RESTARTS:-100})); then # a sweep that never gets anywhere must end, too\n"
          "    echo \"%s: not complete after $runs restarts; submit it again to go on\"\n"
          "  elif %s; then\n"
          "    echo \"%s: not complete; it waits in the queue again\"\n"
          "  else\n"
          "    echo \"%s: not complete, and it can't be put into the queue again; submit it again to go on\"\n"
          "  fi\n"
          "fi\n"
          "exit \"$code\"\n",
          s->name, words, s->name, s->name);
}

static vj_status end_pbs(const vj_batch_script *s) {
  const char *words = vj_pool_format(s->plan->pool, "qsub -v VJVCR_RUNS=$((runs + 1)) %s.pbs", s->name);
  if (!words) return vj_fail(VJ_MEMORY, "no memory for a script");
  requeue(s, words);
  return VJ_OK;
}

static vj_status end_flux(const vj_batch_script *s) {
  const char *words =
      vj_pool_format(s->plan->pool, "flux --parent batch --env=VJVCR_RUNS=$((runs + 1)) %s.flux", s->name);
  if (!words) return vj_fail(VJ_MEMORY, "no memory for a script");
  requeue(s, words);
  return VJ_OK;
}

static void end_lsf(const vj_batch_script *s) {
  fputs(
      "\n"
      "# LSF itself requeues what ends with 75 (-Q).\n"
      "[[ ! $cancelled ]] || code=0\n"
      "exit \"$code\"\n",
      s->to);
}

vj_status vj_batch_script_print(const vj_launch_plan *plan, const char *scheduler, FILE *to) {
  const vj_batch_script s = {.plan = plan,
                             .scheduler = scheduler,
                             .name = job_name(plan),
                             .limit = plan->time_limit > 0 ? (int64_t)plan->time_limit : FALLBACK_LIMIT,
                             .to = to};
  if (!s.name) return vj_fail(VJ_MEMORY, "no memory for the name of a job");
  const bool is_slurm = strcmp(scheduler, "slurm") == 0, is_pbs = strcmp(scheduler, "pbs") == 0,
             is_lsf = strcmp(scheduler, "lsf") == 0;
  if (is_slurm) begin_slurm(&s);
  if (is_pbs) begin_pbs(&s);
  if (is_lsf) begin_lsf(&s);
  if (!is_slurm && !is_pbs && !is_lsf) begin_flux(&s);
  run(&s, is_slurm);
  if (is_slurm) requeue(&s, "scontrol requeue \"$SLURM_JOB_ID\"");
  if (is_lsf) end_lsf(&s);
  if (is_pbs) return end_pbs(&s);
  return is_slurm || is_lsf ? VJ_OK : end_flux(&s);
}
