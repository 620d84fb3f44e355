#define _GNU_SOURCE /* strsep */
#include "app/launch/launch_plan.h"

#include <string.h>

#include "app/experiment.h"
#include "app/verb.h"
#include "framework/config/nodes.h"

/* --- words of a shell -------------------------------------------------------------------------------------------- */

static bool is_plain(const char *word) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./=,:+-@%";
  return word[0] && !word[strspn(word, plain)];
}

const char *vj_shell_word(vj_pool *pool, const char *word) {
  if (is_plain(word)) return vj_pool_text(pool, word);
  char *quoted = vj_pool_take(pool, 4 * strlen(word) + 3), *to = quoted;
  if (!quoted) return NULL;
  *to++ = '\'';
  for (const char *c = word; *c; c++) {
    static const char quote[] = "'\\''";
    if (*c != '\'')
      *to++ = *c;
    else
      to = (char *)memcpy(to, quote, sizeof quote - 1) + sizeof quote - 1;
  }
  *to = '\'';
  return quoted;
}

/* "<text> <word>"; NULL once memory is out. */
static const char *add_word(vj_pool *pool, const char *text, const char *word) {
  const char *quoted = text && word ? vj_shell_word(pool, word) : NULL;
  return quoted ? vj_pool_format(pool, "%s%s%s", text, text[0] ? " " : "", quoted) : NULL;
}

static const char *add_option(const vj_command *command, const char *text, const char *name) {
  if (!vj_command_has(command, name)) return text;
  text = add_word(command->pool, text, name);
  const char *value = vj_command_text(command, name);
  return value ? add_word(command->pool, text, value) : text;
}

static const char *const handed_on[] = {"--quick",        "--ranks-per-trial", "--hang-limit",
                                        "--max-attempts", "--tuning",          "--tuned"};
static const char *const own[] = {"--jobs", "--ranks", "--time-limit"};

static vj_status write_words(const vj_command *command, vj_launch_plan *plan) {
  vj_pool *pool = command->pool;
  const char *file = add_word(pool, "", plan->file), *rest = "";
  for (int64_t i = 0; i < command->settings.count; i++) rest = add_word(pool, rest, command->settings.at[i]);
  for (size_t i = 0; i < VJ_COUNT(handed_on); i++) rest = add_option(command, rest, handed_on[i]);
  const char *folder = vj_shell_word(pool, plan->folder), *asked = "";
  if (!file || !folder || !rest) return vj_fail(VJ_MEMORY, "no memory for a command line");
  const char *gap = rest[0] ? " " : "";
  plan->arguments = vj_pool_format(pool, "%s -o %s --resume%s%s", file, folder, gap, rest);
  for (size_t i = 0; i < VJ_COUNT(own); i++) asked = add_option(command, asked, own[i]);
  if (asked)
    plan->request = vj_pool_format(pool, "%s -o %s%s%s%s%s", file, folder, gap, rest, asked[0] ? " " : "", asked);
  return plan->arguments && plan->request ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for a command line");
}

/* --- jobs and hosts ---------------------------------------------------------------------------------------------- */

static bool is_host(const char *name) { return is_plain(name) && name[0] != '-' && !strpbrk(name, "=/+%,"); }

static vj_status read_hosts(const vj_command *command, vj_launch_plan *plan) {
  const char *given = vj_command_text(command, "--hosts");
  if (!given) return VJ_OK;
  char *text = vj_pool_text(plan->pool, given);
  const char **names = vj_pool_take(plan->pool, (strlen(given) + 1) * sizeof *names);
  if (!text || !names) return vj_fail(VJ_MEMORY, "no memory for names of hosts");
  for (char *at = text; at;) {
    const char *name = strsep(&at, ",");
    if (!is_host(name))
      return vj_fail(VJ_USAGE, "--hosts: expected names of hosts with commas between them, got \"%s\"", given);
    names[plan->hosts.count++] = name;
  }
  plan->hosts.at = names;
  return VJ_OK;
}

static vj_status share_out(const vj_command *command, vj_launch_plan *plan) {
  const long long hosts = plan->hosts.count;
  plan->jobs = vj_command_has(command, "--jobs") ? vj_command_count(command, "--jobs") : hosts ? hosts : 1;
  const long long jobs = plan->jobs, ranks = plan->ranks;
  if (hosts > jobs && hosts % jobs)
    return vj_fail(VJ_USAGE, "--hosts names %lld, which %lld jobs can't have in equal parts; expected a multiple",
                   hosts, jobs);
  plan->hosts_per_job = hosts > jobs ? hosts / jobs : 1;
  if (ranks % plan->hosts_per_job)
    return vj_fail(VJ_USAGE, "--ranks %lld: a job has %lld hosts; expected a multiple of that", ranks,
                   (long long)plan->hosts_per_job);
  return VJ_OK;
}

const char *vj_launch_plan_host(const vj_launch_plan *plan, int64_t job, int64_t i) {
  return plan->hosts.count ? plan->hosts.at[(job * plan->hosts_per_job + i) % plan->hosts.count] : NULL;
}

int64_t vj_launch_plan_ranks_of_host(const vj_launch_plan *plan) {
  const int64_t hosts = plan->hosts.count ? plan->hosts.count : 1;
  return (plan->jobs * plan->ranks + hosts - 1) / hosts;
}

static vj_status find_folder(const vj_command *command, vj_launch_plan *plan) {
  vj_experiment e;
  plan->folder = vj_command_text(command, "-o");
  if (plan->folder) return VJ_OK;
  VJ_TRY(vj_experiment_read(command, vj_command_has(command, "--quick"), &e));
  VJ_TRY(vj_experiment_rename(&e, vj_command_has(command, "--tuning") ? "-tuning" : ""));
  const vj_yaml *name = vj_yaml_get(e.root, "name");
  plan->folder = vj_pool_format(plan->pool, "runs/%s", name && name->text ? name->text : "");
  return plan->folder ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for the name of a folder");
}

vj_status vj_launch_plan_read(const vj_command *command, vj_launch_plan *plan) {
  *plan = (vj_launch_plan){.pool = command->pool,
                           .file = vj_command_text(command, "FILE.yaml"),
                           .ranks = vj_command_count(command, "--ranks"),
                           .restarts = vj_command_count(command, "--restarts"),
                           .agent = vj_command_text(command, "--agent"),
                           .mpirun = vj_command_text(command, "--mpirun"),
                           .time_limit = vj_command_number(command, "--time-limit")};
  VJ_TRY(read_hosts(command, plan));
  VJ_TRY(share_out(command, plan));
  VJ_TRY(find_folder(command, plan));
  return write_words(command, plan);
}
