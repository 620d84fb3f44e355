"""The trials of tests/bench/sweep.yaml as a PyTorch user runs them: one process a trial, two at a time, a thread each.

    torch_sweep.py [-o FOLDER] [--trials N] [--at-once 2] [--compile]

runs all trials, or the first N, and prints one line of JSON.

Each process (torch_trial.py) imports PyTorch, draws its data set once (vectorised, all 10,000 clips in memory), trains
as many steps on as many samples in shuffled epochs as vjvcr does, evaluates before and after training: losses on 512
validation clips, singular values and RankMe of hx, hy and hy_pred, and a ridge probe of speed from hy_pred on 2048
clips, its penalty chosen on 512, its error from 1000; and writes a JSON file. In favour of PyTorch: vjvcr draws each
clip anew when it is needed, takes further measures at each evaluation (LiDAR, alignment, correlations), records losses
in a file that is committed to disk, and could go on after a kill. Its configuration is read from a file that vjvcr
prints beforehand, which is not timed; nor is compiling, a trial of few steps whose code all others find. Peak memory
is that of the largest process, times two.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
SWEEP, SCRIPT = (os.path.join(FOLDER, name) for name in ("sweep.yaml", "torch_trial.py"))
VARIANCE, COVARIANCE, SEEDS = (1, 10, 100), (0.01, 0.1, 1, 10), 2
TRIALS = [{"variance": v, "covariance": c, "seed": s} for v in VARIANCE for c in COVARIANCE for s in range(SEEDS)]


def print_config(folder, overrides):
    """The configuration with every default, for all processes."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "config.yaml")
    done = subprocess.run([os.environ.get("VJVCR", "build/vjvcr"), "train", SWEEP, "--print-config", *overrides],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    with open(path, "w", encoding="utf-8") as file:
        file.write(done.stdout)


def run_all(folder, numbers, at_once, how):
    waiting, running, peaks, environment = list(numbers), {}, [], {**os.environ, "OMP_NUM_THREADS": "1"}
    while waiting or running:
        while waiting and len(running) < at_once:
            trial = waiting.pop(0)
            process = subprocess.Popen([sys.executable, SCRIPT, str(trial), folder, *how], env=environment)
            running[process.pid] = trial
        pid, status, usage = os.wait4(-1, 0)
        peaks.append(usage.ru_maxrss / 1024)
        trial = running.pop(pid)
        if status:
            sys.exit(f"trial {trial} ended with {os.waitstatus_to_exitcode(status)}")
    results = []
    for trial in numbers:
        with open(os.path.join(folder, f"trial-{trial}.json"), encoding="utf-8") as file:
            results.append(json.load(file))
    return results, max(peaks)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    parser.add_argument("-o", metavar="FOLDER", help="where results go; a temporary folder if not given")
    parser.add_argument("--trials", type=int, default=len(TRIALS))
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--layout", choices=("default", "channels_last"), default="channels_last")
    parser.add_argument("--compile", action="store_true", help="torch.compile")
    chosen = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.o or temporary
        how = chosen.layout, "compiled" if chosen.compile else "eager"
        print_config(folder, chosen.overrides)
        if chosen.compile:
            first = os.path.join(folder, "compiling")
            print_config(first, [*chosen.overrides, "optim.steps=3", "optim.warmup=0"])
            run_all(first, [0], 1, how)
        start = time.perf_counter()
        results, peak = run_all(folder, range(chosen.trials), chosen.at_once, how)
        seconds = time.perf_counter() - start
    errors = [result["evaluations"][-1]["probe_speed_mse"] for result in results]
    print(json.dumps({"seconds": seconds, "trials": len(results), "peak_mib": peak * chosen.at_once,
                      "probe_speed_mse": errors}))


if __name__ == "__main__":
    main()
