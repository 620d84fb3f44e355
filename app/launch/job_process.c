#define _GNU_SOURCE /* pipe2, environ */
#include "app/launch/job_process.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

vj_status vj_job_process_create(const vj_launch_plan *plan, int64_t number, const char *folder, vj_job_process *job) {
  const char *host = vj_launch_plan_host(plan, number, 0);
  *job = (vj_job_process){.plan = plan, .number = number, .lifeline = -1};
  job->name = host ? vj_pool_format(plan->pool, "job %lld on %s", (long long)number, host)
                   : vj_pool_format(plan->pool, "job %lld", (long long)number);
  job->log = vj_pool_format(plan->pool, "%s/job-%lld.txt", folder, (long long)number);
  return job->name && job->log ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for a job");
}

/* --- what it runs ------------------------------------------------------------------------------------------------ */

/* What a job on another host takes from our environment; where we ourselves run in a job, the scheduler's part of it is
 * not for others. */
static const char *exports(const vj_job_process *job) {
  static const char *const prefixes[] = {"PATH=",       "LD_LIBRARY_PATH=", "OMP_",      "OPENBLAS_",
                                         "OMPI_ALLOW_", "OMPI_MCA_",        "PRTE_MCA_", "VJVCR_"};
  vj_pool *pool = job->plan->pool;
  const char *text = "";
  if (!vj_launch_plan_host(job->plan, job->number, 0)) return text;
  for (char **entry = environ; *entry && text; entry++) {
    const size_t name = strcspn(*entry, "=");
    for (size_t i = 0; i < VJ_COUNT(prefixes); i++) {
      if (!(*entry)[name] || strncmp(*entry, prefixes[i], strlen(prefixes[i])) != 0) continue;
      const char *value = vj_shell_word(pool, *entry + name + 1);
      text = value ? vj_pool_format(pool, "%sexport %.*s=%s; ", text, (int)name, *entry, value) : NULL;
    }
  }
  return text;
}

/* Between hosts, mpirun and its ssh hear of one that is silent within a minute; by themselves, they would wait for
 * hours. In the names of Open MPI 4 and of 5; what the user says of it counts. */
static const char *kept_alive(vj_pool *pool) {
  static const char ssh[] = "-o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4";
  static const struct {
    const char *name, *value;
  } settings[] = {{"OMPI_MCA_oob_tcp_keepalive_time", "20"},
                  {"PRTE_MCA_oob_tcp_keepalive_time", "20"},
                  {"OMPI_MCA_oob_tcp_keepalive_intvl", "10"},
                  {"PRTE_MCA_oob_tcp_keepalive_intvl", "10"},
                  {"OMPI_MCA_oob_tcp_keepalive_probes", "4"},
                  {"PRTE_MCA_oob_tcp_keepalive_probes", "4"},
                  {"OMPI_MCA_plm_rsh_args", ssh},
                  {"PRTE_MCA_plm_ssh_args", ssh}};
  const bool uses_ssh = !getenv("OMPI_MCA_plm_rsh_agent") && !getenv("PRTE_MCA_plm_ssh_agent");
  const char *text = "";
  for (size_t i = 0; i < VJ_COUNT(settings) && text; i++) {
    if (settings[i].value == ssh && !uses_ssh) continue;
    const char *name = settings[i].name;
    text = vj_pool_format(pool, "%sexport %s=\"${%s:-%s}\"; ", text, name, name, settings[i].value);
  }
  return text;
}

/* Ranks of one host share its processors. */
static const char *settings(const vj_job_process *job) {
  const long long ranks = vj_launch_plan_ranks_of_host(job->plan);
  const char *between = job->plan->hosts_per_job > 1 ? kept_alive(job->plan->pool) : "";
  if (!between) return NULL;
  return vj_pool_format(job->plan->pool,
                        "n=$(nproc); export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((n > %lld ? n / %lld : 1))}; %s",
                        ranks, ranks, between);
}

static const char *words_before(const vj_job_process *job) {
  const vj_launch_plan *plan = job->plan;
  const long long each = plan->ranks / plan->hosts_per_job;
  const char *hosts = "";
  if (plan->ranks == 1) return "";
  for (int64_t i = 0; i < plan->hosts_per_job && plan->hosts_per_job > 1 && hosts; i++)
    hosts = vj_pool_format(plan->pool, "%s%s%s:%lld", hosts, i ? "," : "--host ",
                           vj_launch_plan_host(plan, job->number, i), each);
  if (!hosts) return NULL;
  return vj_pool_format(plan->pool, "%s -x OMP_NUM_THREADS %s%s-n %lld ", plan->mpirun, hosts, hosts[0] ? " " : "",
                        (long long)plan->ranks);
}

/* One line, since a login shell may be of any kind. SIGUSR1 is what mpirun passes on to its ranks. */
static const char *script_of(const vj_job_process *job, double seconds_left) {
  vj_pool *pool = job->plan->pool;
  char here[PATH_BYTES], program[PATH_BYTES], limit[64] = "";
  const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  if (length < 0 || !getcwd(here, sizeof here)) return NULL;
  program[length] = '\0';
  if (seconds_left > 0) snprintf(limit, sizeof limit, " --time-limit %.0fs", ceil(seconds_left));
  const char *folder = vj_shell_word(pool, here), *vjvcr = vj_shell_word(pool, program), *environment = exports(job),
             *preparation = settings(job), *launcher = words_before(job);
  if (!folder || !vjvcr || !environment || !preparation || !launcher) return NULL;
  return vj_pool_format(pool,
                        "cd %s || exit 2; %s%sexec 3<&0; %s%s sweep %s%s </dev/null & run=$!; "
                        "{ read -r line <&3; kill -USR1 $run; } 2>/dev/null & wait $run; code=$?; "
                        "kill $! 2>/dev/null; exit $code",
                        folder, environment, preparation, launcher, vjvcr, job->plan->arguments, limit);
}

static const char *command_of(const vj_job_process *job, double seconds_left) {
  vj_pool *pool = job->plan->pool;
  const char *script = script_of(job, seconds_left), *host = vj_launch_plan_host(job->plan, job->number, 0);
  if (!script || !host) return script;
  const char *inner = vj_shell_word(pool, script), *whole = inner ? vj_pool_format(pool, "sh -c %s", inner) : NULL,
             *word = whole ? vj_shell_word(pool, whole) : NULL;
  return word ? vj_pool_format(pool, "exec %s %s %s", job->plan->agent, host, word) : NULL;
}

/* --- its process ------------------------------------------------------------------------------------------------- */

/* In a group of its own: what a terminal sends to us is not for mpirun, which would kill its ranks. */
static int spawn(vj_job_process *job, const char *command, int input, int output) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  char *words[] = {"sh", "-c", (char *)command, NULL};
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  const int cause = posix_spawn(&job->pid, "/bin/sh", &files, &attributes, words, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return cause;
}

vj_status vj_job_process_start(vj_job_process *job, double seconds_left) {
  int line[2];
  const char *command = command_of(job, seconds_left);
  if (!command) return vj_fail(VJ_MEMORY, "no memory for the command of %s", job->name);
  const int output = open(job->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (output < 0) return vj_fail(VJ_IO, "%s: can't be written: %s", job->log, strerror(errno));
  if (pipe2(line, O_CLOEXEC) != 0) {
    close(output);
    return vj_fail(VJ_IO, "%s can't be started: %s", job->name, strerror(errno));
  }
  const int cause = spawn(job, command, line[0], output);
  close(line[0]);
  close(output);
  job->lifeline = line[1];
  if (cause == 0) return job->state = VJ_JOB_RUNS, VJ_OK;
  vj_job_process_stop(job);
  return vj_fail(VJ_IO, "%s can't be started: %s", job->name, strerror(cause));
}

bool vj_job_process_has_ended(vj_job_process *job, int *code) {
  int status = 0;
  if (waitpid(job->pid, &status, WNOHANG) != job->pid) return false;
  *code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  vj_job_process_stop(job);
  return true;
}

void vj_job_process_stop(vj_job_process *job) {
  if (job->lifeline >= 0) close(job->lifeline);
  job->lifeline = -1;
}

void vj_job_process_kill(const vj_job_process *job) { (void)kill(-job->pid, SIGKILL); }

/* --- what it said ------------------------------------------------------------------------------------------------ */

const char *vj_job_process_last_words(const vj_job_process *job, char words[VJ_LAST_WORDS_BYTES]) {
  static const char own[] = "vjvcr: ";
  char text[4096];
  bool is_sentence = false;
  words[0] = '\0';
  const int file = open(job->log, O_RDONLY | O_CLOEXEC);
  const off_t size = file < 0 ? 0 : lseek(file, 0, SEEK_END);
  const off_t from = size > (off_t)sizeof text - 1 ? size - (off_t)sizeof text + 1 : 0;
  const ssize_t length = file < 0 ? -1 : pread(file, text, sizeof text - 1, from);
  if (file >= 0) close(file);
  text[length > 0 ? length : 0] = '\0';
  for (char *at = text, *line; (line = strsep(&at, "\n"));) {
    const bool speaks = strncmp(line, own, sizeof own - 1) == 0;
    if (!line[0] || (is_sentence && !speaks)) continue;
    is_sentence = speaks;
    snprintf(words, VJ_LAST_WORDS_BYTES, "%s", speaks ? line + sizeof own - 1 : line);
  }
  for (char *c = words; *c; c++)
    if ((unsigned char)*c < ' ' || *c == 127) *c = ' ';
  return words;
}
