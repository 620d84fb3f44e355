/* `vjvcr merge DIR... -o DIR`: sweeps of one experiment that ran on machines which share no file system become one. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analysis/results/same_bits.h"
#include "analysis/results/sweep_results.h"
#include "app/bits_print.h"
#include "app/experiment.h"
#include "sweeps/run/data_places.h"
#include "sweeps/run/merge/merge.h"
#include "sweeps/run/versions.h"

typedef struct merging {
  const vj_command *command;
  vj_pool *pool; /* the command's */
  vj_text_list folders;
  vj_experiment experiment;
  vj_space *space;
  const vj_report_spec *report;
  const vj_question *question;
  vj_match_terms terms;
  vj_merge merge;
  int64_t different; /* trials of which folders do not say the same */
} merging;

static const char *ending(int64_t count) { return count == 1 ? "" : "s"; }

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory to merge sweeps"); }

/* --- the experiment ---------------------------------------------------------------------------------------------- */

/* Of the first folder. */
static vj_status read_recorded(const merging *m, const char **file, vj_yaml **root) {
  const char *folder = m->folders.at[0];
  vj_results *results = NULL;
  VJ_TRY(vj_results_open(folder, &results));
  const char *text = vj_sweep_file_attribute(results->file, VJ_ATTRIBUTE_SWEEP_YAML);
  *file = vj_pool_format(m->pool, "%s/sweep.h5", folder);
  vj_status status = *file ? VJ_OK : no_memory();
  if (status == VJ_OK && !text) status = vj_fail(VJ_DATA, "%s: it does not say of which experiment it is", *file);
  if (status == VJ_OK) status = vj_yaml_read_text(m->pool, text, *file, root);
  vj_results_close(&results);
  return status;
}

static vj_status read_experiment(merging *m) {
  const char *file = vj_command_text(m->command, "--as");
  vj_yaml *root = NULL;
  if (file)
    VJ_TRY(vj_yaml_read_file(m->pool, file, &root));
  else
    VJ_TRY(read_recorded(m, &file, &root));
  VJ_TRY(vj_experiment_of(m->command, file, root, &m->experiment));
  if (m->experiment.tuning)
    return vj_fail(VJ_USAGE,
                   "%s has a section tuning:, and a sweep that was tuned has what was chosen in its sweep.yaml: say "
                   "--as %s/sweep.yaml",
                   file, m->folders.at[0]);
  VJ_TRY(vj_space_create(m->pool, m->experiment.root, &m->space));
  VJ_TRY(vj_report_read(m->pool, m->experiment.root, &m->report));
  VJ_TRY(vj_question_read(m->pool, m->experiment.root, &m->question));
  return vj_question_check_space(m->question, m->space);
}

/* --- what may differ --------------------------------------------------------------------------------------------- */

static vj_status check_elsewhere(const merging *m, const char *key) {
  const vj_config *config = m->space->trials[0].config;
  const char *used = vj_data_place_used(m->pool, config);
  for (int64_t i = 0; i < m->space->key_count; i++)
    if (strcmp(m->space->keys[i], key) == 0)
      return vj_fail(VJ_USAGE, "--elsewhere: %s tells trials of this sweep apart, which sets it", key);
  if (vj_data_place_is(config->dataset.component, key) && !strchr(key, '=')) return VJ_OK;
  return vj_fail(VJ_USAGE, "--elsewhere: expected keys that say where data lie%s%s; got %s", used ? ", as " : "",
                 used ? used : "", key);
}

/* "data.root,data.pack" */
static vj_status read_elsewhere(merging *m) {
  const char *text = vj_command_text(m->command, "--elsewhere");
  const char **keys = NULL;
  int64_t count = 0;
  for (const char *at = text; at; count++) {
    const size_t length = strcspn(at, ",");
    if (!vj_pool_grow(m->pool, &keys, count, sizeof *keys)) return no_memory();
    keys[count] = vj_pool_format(m->pool, "%.*s", (int)length, at);
    if (!keys[count]) return no_memory();
    VJ_TRY(check_elsewhere(m, keys[count]));
    at = at[length] ? at + length + 1 : NULL;
  }
  const char *used = text ? NULL : vj_data_place_used(m->pool, m->space->trials[0].config);
  m->terms.apart_from = (vj_text_list){.count = count, .at = keys};
  m->terms.refusal = vj_pool_format(
      m->pool,
      "it has trials that are none of %s, of which the merged sweep is to be (\"was\": in this file, \"now\": there); "
      "name an experiment that has the trials of all folders, with --as FILE.yaml or key=value%s%s:",
      m->experiment.file, used ? "; if data only lie elsewhere there, with --elsewhere " : "", used ? used : "");
  return m->terms.refusal ? VJ_OK : no_memory();
}

/* --- whether they agree ------------------------------------------------------------------------------------------ */

static vj_bits_row row_of(const vj_merge *m, int64_t part, int64_t trial) {
  const vj_merge_part *p = &m->parts[part];
  const int64_t row = p->row[trial];
  return (vj_bits_row){p->file, row, p->committed[row], vj_merge_state_in(m, part, trial) == VJ_TRIAL_DONE};
}

static vj_status print_difference(const merging *m, int64_t part, int64_t trial, const vj_bits_comparison *found) {
  const vj_merge *merge = &m->merge;
  const vj_merge_part *one = &merge->parts[merge->source[trial]], *other = &merge->parts[part];
  const vj_trial *t = &m->space->trials[trial];
  const char *in_one = vj_pool_format(m->pool, "in %s", one->folder);
  const char *in_other = vj_pool_format(m->pool, "in %s", other->folder);
  if (!in_one || !in_other) return no_memory();
  printf("trial %" PRId64 " (%s%sseed %" PRIu64 "): ", trial, t->arm, t->arm[0] ? ", " : "", t->seed);
  vj_bits_print(found, in_one, in_other);
  printf("which machine is right? vjvcr recompute %s %" PRId64 "; vjvcr recompute %s %" PRId64 "\n", one->folder,
         one->row[trial], other->folder, other->row[trial]);
  return VJ_OK;
}

/* What is recorded of a trial in a part and where it is taken from, as far as both came. */
static vj_status compare(merging *m, int64_t part, int64_t trial) {
  enum { MOST_SHOWN = 20 };
  const vj_merge *merge = &m->merge;
  const vj_bits_row one = row_of(merge, merge->source[trial], trial), other = row_of(merge, part, trial);
  vj_bits_comparison found = {0};
  if (one.committed <= 0 || other.committed <= 0) return VJ_OK;
  VJ_TRY(vj_same_bits(&one, &other, &found));
  if (!found.other_values) return VJ_OK;
  return m->different++ < MOST_SHOWN ? print_difference(m, part, trial, &found) : VJ_OK;
}

static bool is_in_several(const vj_merge *m, int64_t trial) {
  int64_t count = 0;
  for (int64_t k = 0; k < m->count; k++) count += vj_merge_state_in(m, k, trial) != VJ_TRIAL_WAITING;
  return count > 1;
}

static vj_status compare_all(merging *m) {
  const vj_merge *merge = &m->merge;
  for (int64_t i = 0; i < m->space->trial_count; i++)
    for (int64_t k = 0; k < merge->count && merge->source[i] >= 0; k++)
      if (k != merge->source[i] && vj_merge_state_in(merge, k, i) != VJ_TRIAL_WAITING) VJ_TRY(compare(m, k, i));
  if (m->different)
    printf("%" PRId64
           " trial%s not the same in all folders, and nothing was written: leave out the folder that is "
           "wrong\n",
           m->different, m->different == 1 ? " is" : "s are");
  return VJ_OK;
}

/* --- what there is ----------------------------------------------------------------------------------------------- */

static void print_states(int64_t trials, const int64_t counts[VJ_TRIAL_STATES]) {
  printf("%" PRId64 " trial%s: %" PRId64 " done", trials, ending(trials), counts[VJ_TRIAL_DONE]);
  if (counts[VJ_TRIAL_FAILED]) printf(", %" PRId64 " failed", counts[VJ_TRIAL_FAILED]);
  if (counts[VJ_TRIAL_WAITING]) printf(", %" PRId64 " waiting", counts[VJ_TRIAL_WAITING]);
}

static void print_part(const vj_merge *m, int64_t part) {
  int64_t counts[VJ_TRIAL_STATES] = {0}, taken = 0, shared = 0;
  const vj_merge_part *p = &m->parts[part];
  for (int64_t i = 0; i < m->space->trial_count; i++) {
    if (p->row[i] < 0) continue;
    const vj_trial_state state = vj_merge_state_in(m, part, i);
    counts[state]++;
    taken += m->source[i] == part;
    shared += state != VJ_TRIAL_WAITING && is_in_several(m, i);
  }
  printf("%s: ", p->folder);
  print_states(p->trials, counts);
  printf("; %" PRId64 " taken", taken);
  if (shared) printf(", %" PRId64 " that others have, too, with the same bits", shared);
  putchar('\n');
}

/* Trials that begin anew though a folder has steps of them. */
static int64_t count_begun(const vj_merge *m) {
  int64_t count = 0;
  for (int64_t i = 0; i < m->space->trial_count; i++) {
    bool begun = false;
    for (int64_t k = 0; k < m->count && m->source[i] < 0; k++)
      begun = begun || (m->parts[k].row[i] >= 0 && m->parts[k].committed[m->parts[k].row[i]] > 0);
    count += begun;
  }
  return count;
}

static vj_status print_left_behind(const merging *m) {
  const int64_t begun = count_begun(&m->merge);
  if (begun)
    printf("%" PRId64
           " of those that wait had begun, and begin anew: checkpoints are not taken along; to keep their "
           "steps, go on with --resume where they are, and merge then\n",
           begun);
  for (int64_t k = 0; k < m->merge.count; k++) {
    const char *events = vj_pool_format(m->pool, "%s/tensorboard", m->merge.parts[k].folder);
    if (!events) return no_memory();
    if (access(events, F_OK) == 0) printf("%s stays where it is: event files are not taken along\n", events);
  }
  return VJ_OK;
}

static vj_status print_versions(const merging *m) {
  const vj_merge *merge = &m->merge;
  const vj_sweep_file **files = vj_pool_take(m->pool, (size_t)merge->count * sizeof *files);
  if (!files) return no_memory();
  for (int64_t k = 0; k < merge->count; k++) files[k] = merge->parts[k].file;
  const char *text = vj_versions_differences(m->pool, files, m->folders.at, merge->count);
  if (!text) return no_memory();
  if (text[0]) printf("versions differ: %s\n", text);
  return VJ_OK;
}

static vj_status print_parts(const merging *m) {
  for (int64_t k = 0; k < m->merge.count; k++) print_part(&m->merge, k);
  VJ_TRY(print_versions(m));
  return print_left_behind(m);
}

static void print_whole(const merging *m, const char *output, bool is_dry_run) {
  int64_t counts[VJ_TRIAL_STATES] = {0};
  for (int64_t i = 0; i < m->space->trial_count; i++) counts[vj_merge_state(&m->merge, i)]++;
  printf("%s%s", output, is_dry_run ? " would have " : ": ");
  print_states(m->space->trial_count, counts);
  putchar('\n');
  if (is_dry_run) return;
  if (counts[VJ_TRIAL_WAITING]) printf("vjvcr sweep %s/sweep.yaml -o %s --resume\n", output, output);
  printf("vjvcr table %s\n", output);
}

/* --- the verb ---------------------------------------------------------------------------------------------------- */

static vj_status lay_out(const merging *m, vj_sweep_layout **layout) {
  const char *used = vj_data_place_used(m->pool, m->space->trials[0].config);
  const vj_status status = vj_merge_layout(&m->merge, m->report, m->question, layout);
  if (used && (status == VJ_DATA || status == VJ_IO || status == VJ_CONFIG))
    vj_error_line("if the data of the trials lie elsewhere here, say where: %s=... --elsewhere %s", used, used);
  return status;
}

static vj_status merge_with(merging *m) {
  const char *output = vj_command_text(m->command, "-o");
  const bool is_dry_run = vj_command_has(m->command, "--dry-run");
  vj_sweep_layout *layout = NULL;
  VJ_TRY(vj_merge_check_folder(m->pool, output));
  VJ_TRY(read_experiment(m));
  VJ_TRY(read_elsewhere(m));
  VJ_TRY(vj_merge_open(m->pool, m->experiment.root, m->space, m->folders, &m->terms, &m->merge));
  VJ_TRY(compare_all(m));
  if (m->different) return VJ_OK;
  VJ_TRY(lay_out(m, &layout));
  if (!is_dry_run) VJ_TRY(vj_merge_write(&m->merge, layout, output));
  VJ_TRY(print_parts(m));
  print_whole(m, output, is_dry_run);
  return VJ_OK;
}

/* One process does all of it. */
static vj_status merge(vj_command *command) {
  const vj_comm *world = command->world;
  merging m = {.command = command, .pool = command->pool, .folders = vj_command_texts(command, "DIR")};
  const vj_status status = vj_comm_agree(world, world->rank == 0 ? merge_with(&m) : VJ_OK);
  vj_merge_close(&m.merge);
  VJ_TRY(status);
  VJ_TRY(vj_comm_broadcast(world, &m.different, sizeof m.different, 0));
  command->code = m.different ? 1 : 0;
  return VJ_OK;
}

static const vj_verb_row rows[] = {
    {"DIR", VJ_VALUE_SWEEP, .several = true, .doc = "the folders of sweeps; of what several have, the first is taken"},
    VJ_ROW_SETTINGS,
    {"-o", VJ_VALUE_FOLDER, .value = "DIR", .required = true, .doc = "folder of the merged sweep; it is made"},
    {"--as", VJ_VALUE_FILE, .value = "FILE.yaml", .otherwise = "sweep.yaml of the first DIR",
     .doc = "the experiment of the merged sweep, which has the trials of all DIR: where each ran a part of it"},
    {"--elsewhere", VJ_VALUE_TEXT, .value = "KEY[,KEY]",
     .doc = "keys of the data set that say where files are and may differ: data.root,data.pack"},
    {"--dry-run", VJ_VALUE_FLAG, .doc = "compare, say what would be there, and write nothing"},
    VJ_ROW_ALONE,
};
static const vj_verb_exit exits[] = {{0, "merged"},
                                     {1, "what several have is not the same; or failure of files, data, memory"}};

const vj_verb vj_verb_merge = {
    .name = "merge",
    .summary = "make one sweep of those that ran on several machines",
    .rows = rows,
    .row_count = VJ_COUNT(rows),
    .notes =
        "Trials are found by their arm and configuration, as --resume does, and numbered as in the experiment. What "
        "several folders have of a trial has to be the same bits; else each difference is named, and nothing is "
        "written. "
        "A trial that failed and is done nowhere stays failed; others wait, and --resume computes them. A sweep with "
        "sweep.stopping can't be merged, nor one on which a job works.\n"
        "The data of the trials have to be here, as for a sweep: data.root=/videos --elsewhere data.root.\n",
    .reads = "sweep.h5, weights/ and jobs/ of each DIR; --as; the data set that it names.\n",
    .writes = "DIR/sweep.h5, sweep.yaml, ledger and weights/ of -o: all of it or nothing.\n",
    .examples =
        "vjvcr merge from-a from-b -o runs/demo sweep.seeds=4\n"
        "vjvcr merge from-a from-b -o runs/clevrer --as sweeps/clevrer.yaml --elsewhere data.root data.root=/videos\n",
    .exits = exits,
    .exit_count = VJ_COUNT(exits),
    .uses_mpi = true,
    .run = merge};
