#include "framework/config/sections.h"

#include <string.h>

#include "framework/config/config.h"
#include "framework/config/nodes.h"

static const vj_param top_rows[] = {
    VJ_TEXT(vj_top_section, name, "sweep", "name of the experiment and of its folder under runs/"),
    VJ_INTEGER(vj_top_section, seed, "0", 0, INFINITY, "", "seed of a trial: initialisation, order of samples, noise"),
};

static const vj_param data_rows[] = {
    VJ_TEXT(vj_data_section, dataset, NULL, "name of a data set"),
    VJ_INTEGER(vj_data_section, input_frames, "3", 1, INFINITY, "frames", "length of x, what the model sees"),
    VJ_INTEGER(vj_data_section, target_frames, "12", 1, INFINITY, "frames", "length of y, what it predicts"),
    VJ_INTEGER(vj_data_section, seed, "0", 0, INFINITY, "", "seed of the data, the same for all trials"),
};

#define COURSES "constant|linear|cosine" /* vj_course */

static const vj_param target_rows[] = {
    VJ_CHOICE(vj_target_config, type, "shared|stop_gradient|ema", "shared",
              "what makes hy: the encoder, the encoder as a constant, or the moving average of the encoder"),
    VJ_REAL(vj_target_config, momentum, "0.996", 0, 1, "", "of ema: what an average keeps of itself at every step"),
    VJ_CHOICE(vj_target_config, momentum_schedule, COURSES, "constant",
              "course of the momentum over the steps of a trial, to final_momentum"),
    VJ_REAL(vj_target_config, final_momentum, "1.0", 0, 1, "", "where a linear or cosine course of the momentum ends"),
};

static const vj_param loss_rows[] = {
    VJ_REAL(vj_loss_section, weight, "1.0", 0, INFINITY, "", "factor in the total; 0: recorded only"),
};

static const vj_param probe_rows[] = {
    VJ_TEXT(vj_probe_section, on, "hy_pred", "the view whose features are probed; labels: those that `labels` names"),
    VJ_TEXTS(vj_probe_section, labels, "[]",
             "with `on: labels`, labels of the data set that are probed in the place of a view: what is known without "
             "a model"),
    VJ_TEXT(vj_probe_section, target, "", "the label to find in them; empty for an unsupervised probe"),
    VJ_INTEGER(vj_probe_section, dimension, "0", 0, 65536, "",
               "features of each step that the probe gets, whatever the view has, so that arms of unequal width "
               "compare; 0: all"),
    VJ_CHOICE(vj_probe_section, reduction, "projection|pca", "projection",
              "how they become so few: orthogonal random directions, the same for all trials, or the first principal "
              "components of the train samples' steps"),
    VJ_REALS(vj_probe_section, label_share, "[]", 1.0e-6, 1, "",
             "shares of the train samples, of the first ones, on which the probe is fitted, too; rounded up, 2 at "
             "least"),
    VJ_BOOL(vj_probe_section, by_horizon, "false", "fitted on each step of the view alone, too"),
};

static const vj_param optim_rows[] = {
    VJ_CHOICE(vj_optim_config, type, "adamw|sgd", "adamw", "optimizer"),
    VJ_CHOICE(vj_optim_config, precision, "fp32|bf16", "fp32",
              "factors of matrix products, and activations; sums, statistics and weights are fp32 always"),
    VJ_CHOICE(vj_optim_config, schedule, "constant|cosine|one_cycle", "cosine", "course of the learning rate"),
    VJ_REAL(vj_optim_config, lr, "1.0e-3", 0, INFINITY, "", "peak learning rate"),
    VJ_INTEGER(vj_optim_config, warmup, "0", 0, INFINITY, "steps", "linear warm-up; of one_cycle, its rise"),
    VJ_REAL(vj_optim_config, final_lr, "0.0", 0, 1, "", "fraction of the peak that the last step reaches"),
    VJ_REALS(vj_optim_config, betas, "[0.9, 0.999]", -INFINITY, INFINITY, "", "decay of AdamW's moments, in [0, 1)"),
    VJ_REAL(vj_optim_config, epsilon, "1.0e-8", 0, INFINITY, "", "added to AdamW's denominator"),
    VJ_REAL(vj_optim_config, momentum, "0.9", 0, 1, "", "momentum of SGD"),
    VJ_REAL(vj_optim_config, weight_decay, "0.01", 0, INFINITY, "",
            "decoupled for AdamW, L2 for SGD; not on norms and biases"),
    VJ_CHOICE(vj_optim_config, weight_decay_schedule, COURSES, "constant",
              "course of the weight decay over the steps of a trial, to final_weight_decay"),
    VJ_REAL(vj_optim_config, final_weight_decay, "0.0", 0, INFINITY, "",
            "where a linear or cosine course of the weight decay ends"),
    VJ_REAL(vj_optim_config, clip, "0", 0, INFINITY, "", "bound of the global gradient norm; 0: none"),
    VJ_INTEGER(vj_optim_config, steps, NULL, 1, INFINITY, "steps", "training steps of a trial"),
    VJ_INTEGER(vj_optim_config, batch, "64", 1, INFINITY, "samples", "samples of a step, over all ranks"),
    VJ_INTEGER(vj_optim_config, shards, "8", 1, INFINITY, "shards", "slices of the batch, the unit of parallel work"),
    VJ_INTEGER(vj_optim_config, ranks, "0", 0, INFINITY, "ranks",
               "that train the trial together, a power of two; changes no number of it. 0: as --ranks-per-trial says"),
};

static const vj_param eval_rows[] = {
    VJ_INTEGER(vj_eval_config, every, "500", 1, INFINITY, "steps", "from one evaluation to the next"),
    VJ_INTEGER(vj_eval_config, samples, "512", 1, INFINITY, "samples",
               "validation samples for losses (in whole batches) and singular values"),
    VJ_INTEGER(vj_eval_config, probe_train, "1024", 1, INFINITY, "samples", "to fit a probe on"),
    VJ_INTEGER(vj_eval_config, probe_validation, "256", 1, INFINITY, "samples",
               "to choose a probe's regularisation on"),
    VJ_INTEGER(vj_eval_config, probe_test, "256", 1, INFINITY, "samples", "to measure a probe on"),
    VJ_CHOICE(vj_eval_config, probe_at, "ends|all|last", "ends", "the evaluations at which probes run"),
    VJ_INTEGER(vj_eval_config, states, "0", 0, INFINITY, "clips",
               "of the test split, whose hidden states are recorded at the newest evaluation; 0: none"),
    VJ_INTEGER(vj_eval_config, decoder_steps, "0", 0, INFINITY, "steps",
               "training of the decoder alone at the end, on frozen hidden states, where no loss trains it"),
    VJ_INTEGER(vj_eval_config, prior_draws, "8", 0, 1024, "",
               "z drawn from a latent's prior for each sample: what is forecast without the target, in the mean and at "
               "best; 0: none"),
    VJ_INTEGER(vj_eval_config, pictures, "2", 0, 64, "samples",
               "test clips kept to look at: frames, decoded predictions and probed trajectories at the end; 0: none"),
};

static const vj_param logging_rows[] = {
    VJ_INTEGER(vj_logging_config, every, "10", 1, INFINITY, "steps", "from one recorded training row to the next"),
    VJ_BOOL(vj_logging_config, tensorboard, "false", "write TensorBoard's event files, too, as training goes"),
};

static const vj_param checkpoint_rows[] = {
    VJ_REAL(vj_checkpoint_config, minutes, "10", 0, INFINITY, "min",
            "from one checkpoint of a trial to the next; 0: none by the clock"),
    VJ_INTEGER(vj_checkpoint_config, steps, "0", 0, INFINITY, "steps",
               "the same in training steps; 0: none by steps. A run that is stopped writes one in any case"),
    VJ_CHOICE(vj_checkpoint_config, keep, "none|weights", "none",
              "what stays of a trial that ended well: nothing, or its parameters and states"),
};

static const vj_param standin_rows[] = {
    VJ_TEXT(vj_standin_section, kind, NULL, "what it stands for: clevrer, cater or videos (labelled ones)"),
    VJ_TEXT(vj_standin_section, folder, NULL, "where it is made"),
    VJ_INTEGERS(vj_standin_section, videos, "[]", 0, 10000, "",
                "of train, validation and test; empty: as its kind has"),
    VJ_INTEGERS(vj_standin_section, size, "[]", 16, 4096, "px", "height and width; empty: those of its kind"),
    VJ_INTEGER(vj_standin_section, frames, "0", 0, 5000, "", "of a video; 0: as many as its kind has"),
    VJ_INTEGER(vj_standin_section, seed, "0", 0, INFINITY, "", "another seed is another set"),
    VJ_TEXT(vj_standin_section, variant, "", "of cater: max2action or all_actions; empty: max2action"),
};

static const struct {
  const char *name;
  const vj_param *rows;
  size_t count;
} sections[] = {
    {"", top_rows, VJ_COUNT(top_rows)},
    {"data", data_rows, VJ_COUNT(data_rows)},
    {"target", target_rows, VJ_COUNT(target_rows)},
    {"losses", loss_rows, VJ_COUNT(loss_rows)},
    {"probes", probe_rows, VJ_COUNT(probe_rows)},
    {"optim", optim_rows, VJ_COUNT(optim_rows)},
    {"eval", eval_rows, VJ_COUNT(eval_rows)},
    {"logging", logging_rows, VJ_COUNT(logging_rows)},
    {"checkpoint", checkpoint_rows, VJ_COUNT(checkpoint_rows)},
    {"standin", standin_rows, VJ_COUNT(standin_rows)},
};

const vj_param *vj_section_rows(const char *section, size_t *count) {
  for (size_t i = 0; i < VJ_COUNT(sections); i++) {
    if (strcmp(sections[i].name, section) != 0) continue;
    *count = sections[i].count;
    return sections[i].rows;
  }
  *count = 0;
  return NULL;
}

vj_status vj_standin_take(vj_pool *pool, vj_yaml *root, const vj_standin_section **section) {
  const vj_yaml *const map = vj_yaml_get(root, "standin");
  void *read = NULL;
  *section = NULL;
  if (!map) return VJ_OK;
  VJ_TRY(
      vj_params_read(pool, standin_rows, VJ_COUNT(standin_rows), sizeof **section, map, "standin", NULL, &read, NULL));
  const vj_standin_section *const s = read;
  if (s->size.count != 0 && s->size.count != 2)
    return vj_fail_node(vj_yaml_get(map, "size"), "standin.size", "expected two numbers, height and width, got %lld",
                        (long long)s->size.count);
  if (s->videos.count > VJ_SPLITS)
    return vj_fail_node(vj_yaml_get(map, "videos"), "standin.videos",
                        "expected one number for each of train, validation and test, got %lld",
                        (long long)s->videos.count);
  vj_yaml_remove(root, "standin");
  *section = s;
  return VJ_OK;
}
