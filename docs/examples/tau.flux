#!/bin/bash
# A sweep as a Flux job, printed by
#
#   vjvcr launch tau.yaml -o runs/tau --jobs 4 --ranks 8 --print flux > tau.flux
#
# It stops before its time is over, saves its trials, and waits in the queue again, until the sweep is complete. Fit the
# lines below to your cluster, and submit it: flux batch tau.flux
# Submit it 4 times: as many jobs share the sweep, and none waits for another.
#
# flux: --job-name=tau
# flux: --nslots=8
# flux: --cores-per-slot=1
# flux: --time-limit=240m
# flux: --output=tau-{{id}}.out

launch=${LAUNCH:-flux run --ntasks=8 --cores-per-task=1} # Open MPI 5 wants: -o pmi=pmix
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
runs=${VJVCR_RUNS:-0}                                # before this one
vjvcr=${VJVCR:-vjvcr}                                # the program

# --resume begins a new sweep, goes on with one, or joins other jobs that work on it.
# shellcheck disable=SC2086 # $launch is several words
$launch "$vjvcr" sweep tau.yaml -o runs/tau --resume --time-limit 14100s "$@" &
run=$!

# The launcher passes SIGUSR1 on to the ranks, which save and stop; SIGTERM it would answer by killing them. Who cancels a
# job does not want it back.
signalled='' cancelled=''
trap 'signalled=yes; kill -USR1 "$run"' USR1
trap 'signalled=yes cancelled=yes; kill -USR1 "$run"' TERM
wait "$run"
code=$?
while [[ $signalled ]]; do # a signal ends `wait` early
  signalled=''
  wait "$run"
  code=$?
done

if ((code == 75)) && [[ ! $cancelled ]]; then # stopped, and there is more to do
  if ((runs >= ${MOST_RESTARTS:-100})); then # a sweep that never gets anywhere must end, too
    echo "tau: not complete after $runs restarts; submit it again to go on"
  elif flux --parent batch --env=VJVCR_RUNS=$((runs + 1)) tau.flux; then
    echo "tau: not complete; it waits in the queue again"
  else
    echo "tau: not complete, and it can't be put into the queue again; submit it again to go on"
  fi
fi
exit "$code"
