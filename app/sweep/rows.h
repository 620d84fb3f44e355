/* Rows of `vjvcr sweep` that `vjvcr launch` hands on. */
#ifndef VJ_APP_SWEEP_ROWS_H
#define VJ_APP_SWEEP_ROWS_H

#include "app/verb.h"

#define VJ_ROW_OUTPUT \
  { "-o", VJ_VALUE_FOLDER, .value = "DIR", .otherwise = "runs/<name>", .doc = "folder of the results" }
#define VJ_ROW_RANKS_PER_TRIAL                                                                                        \
  {                                                                                                                   \
    "--ranks-per-trial", VJ_VALUE_COUNT, .value = "N", .minimum = 1, .otherwise = "as few as keep all ranks busy",    \
                                         .unit = "ranks",                                                             \
                                         .doc =                                                                       \
                                             "ranks that train one trial together: 1, 2, 4, ...; optim.ranks in the " \
                                             "file, which arms and parameters can "                                   \
                                             "set, comes first"                                                       \
  }
#define VJ_ROW_TIME_LIMIT                                                                                        \
  {                                                                                                              \
    "--time-limit", VJ_VALUE_DURATION, .value = "DURATION", .otherwise = "two minutes before a Slurm job's end", \
                                       .doc = "stop by then: 3h, 90m, 45s, 1h30m"                                \
  }
#define VJ_ROW_HANG_LIMIT                                                                   \
  {                                                                                         \
    "--hang-limit", VJ_VALUE_DURATION,                                                      \
        .value = "DURATION", .fallback = "30m",                                             \
        .doc = "end when no step is finished for so long, as when a rank is lost; 0: never" \
  }
#define VJ_ROW_MAX_ATTEMPTS                                                                            \
  {                                                                                                    \
    "--max-attempts", VJ_VALUE_COUNT,                                                                  \
        .value = "N", .fallback = "3",                                                                 \
        .doc = "give a trial up when so many runs in a row died in it and had saved nothing; 0: never" \
  }
#define VJ_ROW_TUNING                                                                                                  \
  {                                                                                                                    \
    "--tuning", VJ_VALUE_FLAG,                                                                                         \
        .doc =                                                                                                         \
            "run the sweep in which settings are chosen: apply what stands under tuning: in the file, add -tuning to " \
            "the name"                                                                                                 \
  }
#define VJ_ROW_TUNED                                                                                  \
  {                                                                                                   \
    "--tuned", VJ_VALUE_TEXT,                                                                         \
        .value = "DIR[,DIR..]",                                                                       \
        .doc = "put the best settings of these tuning sweeps into the places of the arms' parameters" \
  }

#endif
