/* A small sweep file for the tests of the store: four trials, with every type and rank a sweep file may hold. */
#ifndef TEST_SAMPLE_SWEEP_H
#define TEST_SAMPLE_SWEEP_H

#include "framework/store/sweep_file/sweep_file.h"

enum { TRIALS = 4, STEPS = 6, COMPONENTS = 3, NAME_ROOM = 16, CONFIG_ROOM = 64 };
enum { TRIAL, STEP, COMPONENT, DIMENSIONS };
/* In the order of the layout, and so the numbers of the variables in the file. */
enum { TRAIN_LOSS, SINGULAR_VALUES, WEIGHT, SEED, STATUS, ENCODER, CONFIG, COMMITTED, STARTED, VARIABLES };

static const int64_t sample_steps[STEPS] = {0, 10, 20, 30, 40, 50};

static const vj_file_dimension sample_dimensions[DIMENSIONS] = {
    {.name = "trial", .size = TRIALS, .long_name = "number of the trial"},
    {.name = "step", .size = STEPS, .values = sample_steps, .units = "step", .long_name = "training step"},
    {.name = "component", .size = COMPONENTS},
};

static const vj_file_variable sample_variables[VARIABLES] = {
    {.name = "train_loss",
     .type = VJ_FILE_FLOAT,
     .rank = 2,
     .dimension = {TRIAL, STEP},
     .units = "1",
     .long_name = "training loss"},
    {.name = "hx_singular_values",
     .type = VJ_FILE_DOUBLE,
     .rank = 3,
     .dimension = {TRIAL, STEP, COMPONENT},
     .units = "1",
     .long_name = "singular values of hx"},
    {.name = "param.losses.variance.weight",
     .type = VJ_FILE_DOUBLE,
     .rank = 1,
     .dimension = {TRIAL},
     .units = "1",
     .is_coordinate = true},
    {.name = "seed", .type = VJ_FILE_INT64, .rank = 1, .dimension = {TRIAL}, .is_coordinate = true},
    {.name = "status",
     .type = VJ_FILE_INT64,
     .rank = 1,
     .dimension = {TRIAL},
     .is_coordinate = true,
     .flags = "0 waiting|1 running|2 done|3 failed"},
    {.name = "param.model.encoder",
     .type = VJ_FILE_TEXT,
     .text_bytes = NAME_ROOM,
     .rank = 1,
     .dimension = {TRIAL},
     .is_coordinate = true},
    {.name = "config",
     .type = VJ_FILE_TEXT,
     .text_bytes = CONFIG_ROOM,
     .rank = 1,
     .dimension = {TRIAL},
     .long_name = "resolved configuration"},
    {.name = "committed", .type = VJ_FILE_INT64, .rank = 1, .dimension = {TRIAL}},
    {.name = "started", .type = VJ_FILE_DOUBLE, .units = "s"},
};

static const vj_file_attribute sample_attributes[] = {
    {"title", "four trials"}, {"vjvcr_version", "0.1.0"}, {"note", ""}};

static const vj_file_layout sample_layout = {
    .dimension_count = DIMENSIONS,
    .variable_count = VARIABLES,
    .attribute_count = 3,
    .dimensions = sample_dimensions,
    .variables = sample_variables,
    .attributes = sample_attributes,
};

#endif
