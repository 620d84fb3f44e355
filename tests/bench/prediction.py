#!/usr/bin/env python3
"""What the cost model predicts of a step on one and on two ranks, beside what is measured.

    tests/bench/prediction.py [--machine FILE] [EXPERIMENT.yaml[:STEPS] ...]

The machine is described once, by `vjvcr bench sweeps/bench.yaml --comm` on two ranks; --machine names such a file
instead. All experiments are predicted with that description and with one measured on themselves. Leave the machine
alone meanwhile.
"""

import argparse
import json
import os
import re
import subprocess
import tempfile

from growth import EXPERIMENT, ROOT, VJVCR, environment

UNITS = {"ms": 1e-3, "s": 1, "m": 60, "h": 3600}


def run(ranks, *arguments):
    command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
    return subprocess.run([*command, VJVCR, *arguments], env=environment(), stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=True).stdout


def describe(experiment, path, steps):
    with open(path, "w", encoding="utf-8") as file:
        file.write(run(2, "bench", experiment, "--comm", "--steps", str(steps)))
    return path


def measure(experiment, ranks, steps):
    return json.loads(run(ranks, "bench", experiment, "--steps", str(steps), "--format", "json"))


def predict(experiment, machine):
    """Seconds of a step on one and on two ranks, as `--dry-run` prints them, and the ranks it suggests for a trial."""
    text = run(1, "train", experiment, "--dry-run", "--ranks", "2", "--cluster", machine)
    steps = [float(number) * UNITS[unit] for number, unit in re.findall(r"(?m)^ +[12]\*? .*?iB +([\d.]+) (ms|s) ", text)]
    return steps, int(re.search(r"suggestion: --ranks-per-trial (\d+)", text)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    demo = os.path.join(ROOT, "sweeps", "demo.yaml")
    parser.add_argument("experiment", nargs="*", default=[f"{EXPERIMENT}:3", f"{demo}:20"])
    parser.add_argument("--machine")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vjvcr-prediction-") as folder:
        machine = arguments.machine or describe(EXPERIMENT, os.path.join(folder, "machine.yaml"), 3)
        print("| experiment | ranks | measured | predicted | error | predicted, rates of its own | error |")
        print("|---|---|---|---|---|---|---|")
        for named in arguments.experiment:
            experiment, _, steps = named.partition(":")
            own = describe(experiment, os.path.join(folder, "own.yaml"), steps or 3)
            for ranks in 1, 2:
                measured = measure(experiment, ranks, steps or 3)["step_seconds"]
                cells = []
                for file in machine, own:
                    predicted = predict(experiment, file)[0][ranks - 1]
                    cells.append(f"{1e3 * predicted:.1f} ms | {100 * (predicted / measured - 1):+.0f} %")
                name = os.path.basename(experiment)
                print(f"| {name} | {ranks} | {1e3 * measured:.1f} ms | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
