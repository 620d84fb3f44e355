/* What lies beside sweep.h5: sweep.yaml, the ledger, checkpoints and kept weights. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "framework/base/atomic_file.h"
#include "framework/base/disk.h"
#include "framework/store/checkpoint.h"
#include "sweeps/run/folder.h"
#include "sweeps/run/trial_row.h"
#include "sweeps/space/stopping.h"
#include "sweeps/verify/verify_private.h"

static vj_status no_memory(const vj_verifier *v) { return vj_fail(VJ_MEMORY, "%s: no memory to verify it", v->folder); }

/* --- sweep.yaml -------------------------------------------------------------------------------------------------- */

/* Whether a file holds this text and nothing else. */
static bool holds(FILE *file, const char *text) {
  int c;
  while ((c = fgetc(file)) != EOF && *text && c == (unsigned char)*text) text++;
  return c == EOF && !*text && !ferror(file);
}

vj_status vj_verify_yaml(vj_verifier *v) {
  const char *path = vj_verifier_path(v, "sweep.yaml");
  const char *text = vj_sweep_file_attribute(v->file, VJ_ATTRIBUTE_SWEEP_YAML);
  if (!path) return no_memory(v);
  if (!text) return VJ_OK;
  FILE *file = fopen(path, "rb");
  const int cause = errno;
  const bool same = file && holds(file, text);
  if (file) fclose(file);
  if (same) return VJ_OK;
  if (!file && cause != ENOENT) return vj_fail(VJ_IO, "%s: can't be opened: %s", path, strerror(cause));
  const vj_folder folder = {.pool = v->pool, .path = v->folder};
  if (v->repairs) VJ_TRY(vj_folder_replace_yaml(&folder, text));
  return vj_verifier_damage(v, path, file ? "is not the experiment that sweep.h5 has" : "there is no such file",
                            "--repair writes it anew", "written anew from sweep.h5");
}

/* --- the ledger -------------------------------------------------------------------------------------------------- */

static bool has_ended(int64_t state) {
  return state == VJ_TRIAL_DONE || state == VJ_TRIAL_FAILED || state == VJ_TRIAL_PRUNED;
}

static vj_status read_numbers(const vj_verifier *v, const char *name, int64_t **values) {
  const int variable = vj_sweep_file_find(v->file, name);
  *values = vj_pool_take(v->pool, (size_t)v->trials * sizeof **values);
  if (!*values) return no_memory(v);
  if (variable < 0) return vj_fail(VJ_DATA, "%s: it has no variable %s", v->path, name);
  return vj_sweep_file_read(v->file, variable, (int64_t[]){0}, &v->trials, *values);
}

/* What the file says of a trial, whose row fits. */
static vj_status fact_of(const vj_verifier *v, int64_t trial, int64_t state, int64_t attempts, vj_ledger_fact *fact) {
  *fact = (vj_ledger_fact){.state = has_ended(state) ? (vj_trial_state)state : VJ_TRIAL_WAITING,
                           .attempts = attempts,
                           .reason = "",
                           .measured = {.trial = trial}};
  if (state == VJ_TRIAL_FAILED) return vj_trial_row_get_text(v->pool, v->file, VJ_RECORD_FAILURE, trial, &fact->reason);
  if (state != VJ_TRIAL_PRUNED) return VJ_OK;
  VJ_TRY(vj_trial_row_get_text(v->pool, v->file, VJ_RECORD_STOP_REASON, trial, &fact->reason));
  fact->is_open = !vj_stopping_measured(fact->reason, &fact->measured) && !has_ended(v->ledger.state[trial]);
  return VJ_OK;
}

/* Done in the ledger, and not in the file: the file is an older one, or was emptied. */
static bool is_ahead(const vj_verifier *v, int64_t trial, int64_t state) {
  return (v->is_lost && v->is_lost[trial]) || (v->ledger.state[trial] == VJ_TRIAL_DONE && state != VJ_TRIAL_DONE);
}

static vj_status gather_facts(const vj_verifier *v, const int64_t *state, vj_ledger_fact **facts) {
  int64_t *attempts;
  *facts = vj_pool_take(v->pool, (size_t)v->trials * sizeof **facts);
  if (!*facts) return no_memory(v);
  VJ_TRY(read_numbers(v, VJ_RECORD_ATTEMPT, &attempts));
  for (int64_t i = 0; i < v->trials; i++) {
    VJ_TRY(fact_of(v, i, state[i], attempts[i], &(*facts)[i]));
    (*facts)[i].is_open = (*facts)[i].is_open || is_ahead(v, i, state[i]);
  }
  return VJ_OK;
}

static vj_status rewrite(const vj_verifier *v, const int64_t *state) {
  const char *path = v->ledger.path, *fresh = vj_pool_format(v->pool, "%s.new", path);
  vj_ledger_fact *facts;
  char *text = NULL;
  size_t bytes = 0;
  if (!fresh) return no_memory(v);
  VJ_TRY(gather_facts(v, state, &facts));
  VJ_TRY(vj_ledger_account_rewrite(&v->ledger, facts, vj_job_name(v->job), &text, &bytes));
  FILE *file = fopen(fresh, "wb");
  const bool written = file && fwrite(text, 1, bytes, file) == bytes;
  const bool closed = !file || fclose(file) == 0;
  free(text);
  if (!written || !closed) return vj_fail(VJ_IO, "%s: can't be written: %s", fresh, strerror(errno));
  return vj_repair_replace(v->pool, path, fresh, v->ledger.damaged > 0);
}

/* Trials that have ended by the file, and by the ledger or not. */
static vj_status compare_trials(vj_verifier *v, const int64_t *state, bool *is_behind, bool *needs_rewrite) {
  int64_t unknown = 0, ahead = 0, first_unknown = 0, first_ahead = 0;
  for (int64_t i = 0; i < v->trials; i++) {
    const bool lost = v->is_lost && v->is_lost[i];
    if (lost && (has_ended(v->ledger.state[i]) || v->ledger.state[i] == VJ_TRIAL_RUNNING)) *needs_rewrite = true;
    if (!lost && has_ended(state[i]) && !has_ended(v->ledger.state[i]) && unknown++ == 0) first_unknown = i;
    if (!lost && is_ahead(v, i, state[i]) && ahead++ == 0) first_ahead = i;
  }
  *is_behind = unknown > 0;
  if (ahead)
    VJ_TRY(vj_verifier_damage(
        v, v->ledger.path,
        vj_pool_format(v->pool, "calls %lld trial%s done, trial %lld first, of which sweep.h5 has no end",
                       (long long)ahead, ahead == 1 ? "" : "s", (long long)first_ahead),
        "if sweep.h5 is an older one, restore the newer; else --repair has them trained again",
        "they wait, to be trained again"));
  if (ahead) *needs_rewrite = true;
  if (!unknown || (v->ledger.damaged && v->ledger.text)) return VJ_OK;
  return vj_verifier_note(
      v, v->ledger.path,
      vj_pool_format(v->pool,
                     "knows of no end of %lld trial%s that sweep.h5 has the end of, trial %lld first: it is an "
                     "older one, or a kill came between",
                     (long long)unknown, unknown == 1 ? "" : "s", (long long)first_unknown),
      v->repairs ? "they are in it now" : "`vjvcr sweep --resume` trains them again, --repair records their ends");
}

static vj_status check_lines(vj_verifier *v, const int64_t *state, bool *needs_rewrite) {
  const vj_ledger_account *a = &v->ledger;
  int64_t begun = 0;
  for (int64_t i = 0; i < v->trials; i++) begun += state[i] != VJ_TRIAL_WAITING;
  if (!a->text && begun == 0) return VJ_OK; /* a kill came before it was made */
  *needs_rewrite = *needs_rewrite || !a->text || a->damaged > 0;
  if (!a->text)
    return vj_verifier_damage(v, a->path, "there is no such file", "--repair makes it from sweep.h5",
                              "made anew from sweep.h5");
  if (!a->damaged) return VJ_OK;
  return vj_verifier_damage(
      v, vj_pool_format(v->pool, "%s:%lld", a->path, (long long)a->first_damaged),
      a->damaged == 1 ? "this line is damaged"
                      : vj_pool_format(v->pool, "this line and %lld others are damaged", (long long)a->damaged - 1),
      "--repair makes it anew from its other lines and sweep.h5", "made anew from its other lines and sweep.h5");
}

/* Whether it is of this sweep at all. */
static vj_status check_number(vj_verifier *v) {
  const vj_ledger_account *a = &v->ledger;
  if (!a->text || a->damaged || a->stated == 0 || a->stated == v->trials) return VJ_OK;
  return vj_verifier_note(v, a->path,
                          vj_pool_format(v->pool,
                                         "is of %lld trials, and sweep.h5 of %lld: a kill came between, or it is "
                                         "an older one",
                                         (long long)a->stated, (long long)v->trials),
                          "`vjvcr sweep --resume` brings it up");
}

vj_status vj_verify_ledger(vj_verifier *v) {
  vj_file_variable_info info;
  int64_t *state;
  bool is_behind = false, needs_rewrite = false;
  const int variable = vj_sweep_file_find(v->file, VJ_RECORD_STATUS);
  if (variable < 0) return vj_fail(VJ_DATA, "%s: it has no variable %s", v->path, VJ_RECORD_STATUS);
  vj_sweep_file_variable(v->file, variable, &info);
  v->trials = v->found->trials = info.size[0];
  VJ_TRY(read_numbers(v, VJ_RECORD_STATUS, &state));
  VJ_TRY(vj_ledger_account_take_apart(&v->ledger, v->trials));
  VJ_TRY(check_number(v));
  VJ_TRY(check_lines(v, state, &needs_rewrite));
  if (v->ledger.text) VJ_TRY(compare_trials(v, state, &is_behind, &needs_rewrite));
  return v->repairs && (needs_rewrite || is_behind) ? rewrite(v, state) : VJ_OK;
}

/* --- checkpoints and weights ------------------------------------------------------------------------------------- */

static vj_status check_whole(vj_verifier *v, const char *path, bool is_checkpoint) {
  vj_generation generation;
  const vj_status status = vj_checkpoint_open(path, &generation);
  vj_generation_free(&generation);
  if (status == VJ_OK || status == VJ_MEMORY) return status;
  vj_error_clear();
  if (access(path, F_OK) != 0) return VJ_OK; /* its trial has ended meanwhile */
  if (!is_checkpoint)
    return vj_verify_add(v->found, VJ_VERDICT_DAMAGED, path, "the weights are not those that were written",
                         "restore it from elsewhere, or train the trial again in another folder");
  if (v->repairs) unlink(path);
  return vj_verifier_damage(
      v, path, "this checkpoint is damaged",
      "`vjvcr sweep --resume` goes on from the other one, or begins the trial anew; --repair removes it",
      "removed: the trial goes on from the other one, or begins anew");
}

static vj_status check_folder(vj_verifier *v, const char *name, bool are_checkpoints) {
  const char *path = vj_verifier_path(v, name);
  vj_status status = path ? VJ_OK : no_memory(v);
  DIR *folder = path ? opendir(path) : NULL;
  for (const struct dirent *entry; status == VJ_OK && folder && (entry = readdir(folder));) {
    const char *end = strrchr(entry->d_name, '.'), *file = vj_pool_format(v->pool, "%s/%s", path, entry->d_name);
    if (!file) status = no_memory(v);
    if (!file || !end || strncmp(entry->d_name, "trial-", 6) != 0 || strcmp(end, ".new") == 0) continue;
    status = check_whole(v, file, are_checkpoints);
  }
  if (folder) closedir(folder);
  return status;
}

vj_status vj_verify_checkpoints(vj_verifier *v) {
  VJ_TRY(check_folder(v, "checkpoints", true));
  return check_folder(v, "weights", false);
}
