#!/usr/bin/env python3
"""How time and memory of a training step grow: with the batch, the clip's length, the frame's size, the hidden size d,
the number of ranks and the number of trials. Runs `vjvcr bench` and short sweeps, and draws with gnuplot. The axis
`cluster` measures nothing: it is what the cost model predicts for docs/examples/cluster.yaml.

    tests/bench/growth.py [-o FOLDER] [--steps N] [--draw] [axis ...]

Without axes all of them. Each axis leaves <axis>.csv and <axis>.svg in FOLDER (growth); --draw only draws anew what is
there. Ranks beyond the processors are run for what they send, not for time. It measures what the machine does while it
runs: leave it alone meanwhile.
"""

import argparse
import csv
import json
import math
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VJVCR = os.path.abspath(os.environ.get("VJVCR", os.path.join(ROOT, "build", "vjvcr")))
EXPERIMENT = os.path.join(ROOT, "sweeps", "bench.yaml")
MIB = 2**20

# Axis: label, its values, and the overrides that a value means. Everything else stays as in sweeps/bench.yaml.
AXES = {
    "batch": ("clips of a batch", [8, 16, 32, 64, 128], lambda n: [f"optim.batch={n}"]),
    "clip": ("frames of a clip (batch 16)", [6, 9, 15, 27, 51], lambda n: ["optim.batch=16", f"data.target_frames={n - 3}"]),
    "frame": ("width and height in pixels (batch 16)", [32, 48, 64, 96, 128],
              lambda n: ["optim.batch=16", f"data.size={n}"]),
    "hidden": ("hidden size d of a frame (batch 16)", [1024, 2048, 4096, 8192, 16384],
               lambda n: ["optim.batch=16", "model.encoder.pool=8", f"model.encoder.temporal=[256,{n // 64}]",
                          "model.predictor.hidden=[256]"]),
    "ranks": ("ranks", [1, 2, 4, 8], lambda n: []),
    "trials": ("trials of a sweep", [16, 64, 256, 1024], None),
    "cluster": ("ranks of a trial", None, lambda _: [f"{key}=1024" for key in ("optim.batch", "optim.shards", "eval.samples")]),
}
CLUSTER = os.path.join(ROOT, "docs", "examples", "cluster.yaml")
TITLES = {
    "batch": "A step by the size of its batch",
    "clip": "A step by the length of a clip",
    "frame": "A step by the size of a frame",
    "hidden": "A step by the hidden size",
    "ranks": "A step by the number of ranks",
    "trials": "A sweep by the number of its trials",
    "cluster": "Predicted: a step of 1,024 clips on docs/examples/cluster.yaml",
}


def environment():
    return dict(os.environ, OMP_NUM_THREADS="1")


def measure_step(overrides, steps, ranks):
    command = [VJVCR, "bench", EXPERIMENT, "--steps", str(steps), "--format", "json", *overrides]
    if ranks > 1:
        command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *command]
    done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    return {"step_seconds": found["step_seconds"], "memory_mib": found["peak_memory_bytes"] / MIB,
            "planned_mib": found["planned_memory_bytes"] / MIB, "gflop": found["gflop"], "of_fma": found["of_fma"],
            "sent_mb": found["sent_bytes"] / 1e6, "sent_messages": found["sent_messages"],
            "exchange_seconds": found["exchange_seconds"], "idle_seconds": found["idle_seconds"]}


# Trials of 20 tiny steps, so that what is measured is the engine.
MANY = """\
name: many
data: {{dataset: moving_mnist, size: 16, digit_size: 8, max_speed: 2, input_frames: 2, target_frames: 3, train_size: 64,
       validation_size: 16}}
model: {{encoder: {{type: cnn, channels: [4, 8], temporal: [8]}}, predictor: {{type: mlp, hidden: [16]}}}}
losses: {{prediction: {{weight: 1.0}}, variance: {{weight: 10.0}}, covariance: {{weight: 0.1}}}}
optim: {{steps: 20, batch: 8, shards: 2}}
eval: {{every: 20, samples: 8}}
sweep: {{seeds: {trials}}}
"""
# A process of its own, since the most memory that children had is counted over all of them.
RESOURCES = """\
import resource, subprocess, sys, time
start = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(code, time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def measure_sweep(trials):
    with tempfile.TemporaryDirectory(prefix="vjvcr-growth-") as folder:
        with open(os.path.join(folder, "many.yaml"), "w", encoding="utf-8") as file:
            file.write(MANY.format(trials=trials))
        command = [sys.executable, "-c", RESOURCES, VJVCR, "sweep", "many.yaml", "-o", "out"]
        done = subprocess.run(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
        code, seconds, kib = done.stdout.split()
        if code != "0":
            raise SystemExit(f"a sweep of {trials} trials ended with {code}")
        file_mib = os.path.getsize(os.path.join(folder, "out", "sweep.h5")) / MIB
        return {"sweep_seconds": float(seconds), "memory_mib": int(kib) / 1024, "file_mib": file_mib}


UNITS = {"ms": 1e-3, "s": 1, "m": 60, "h": 3600}


def predict_cluster():
    """The table of `--dry-run` for one trial on all ranks of the described cluster."""
    command = [VJVCR, "train", EXPERIMENT, "--dry-run", "--cluster", CLUSTER, *AXES["cluster"][2](None)]
    text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = []
    for ranks, step in re.findall(r"(?m)^ +(\d+)\*? .*?iB(?:: DOES NOT FIT)? +([\d.]+(?: ms| s|s|m\d+s))  ", text):
        seconds = sum(float(number) * UNITS[unit] for number, unit in re.findall(r"([\d.]+) ?(ms|s|m)", step))
        rows.append({"cluster": int(ranks), "step_seconds": seconds})
        rows[-1]["efficiency"] = rows[0]["step_seconds"] / seconds / int(ranks)
    return rows


def measure(axis, steps):
    if axis == "cluster":
        return predict_cluster()
    rows = []
    for value in AXES[axis][1]:
        if axis == "trials":
            row = measure_sweep(value)
        else:
            row = measure_step(AXES[axis][2](value), steps, value if axis == "ranks" else 1)
        rows.append({axis: value, **row})
        print("  ".join(f"{name} {number:.5g}" for name, number in rows[-1].items()), flush=True)
    return rows


# --- pictures ---------------------------------------------------------------------------------------------------------

def series_of(axis, rows):
    """Panels: what they show, its name in the rows, and the rows that count."""
    if axis == "ranks":
        timed = [row for row in rows if row[axis] <= (os.cpu_count() or 1)]
        return [("seconds of a step", "step_seconds", timed), ("MB that a rank sends", "sent_mb", rows[1:]),
                ("MiB of a rank, planned", "planned_mib", rows)]
    if axis == "cluster":
        return [("seconds of a step", "step_seconds", rows), ("efficiency", "efficiency", rows)]
    if axis == "trials":
        return [("seconds of the sweep", "sweep_seconds", rows), ("MiB of the process", "memory_mib", rows),
                ("MiB of sweep.h5", "file_mib", rows)]
    return [("seconds of a step", "step_seconds", rows), ("MiB of the process", "memory_mib", rows)]


def slope(axis, name, rows):
    """Of the line of least squares through the logarithms."""
    points = [(math.log(row[axis]), math.log(row[name])) for row in rows]
    x = sum(point[0] for point in points) / len(points)
    y = sum(point[1] for point in points) / len(points)
    return sum((p[0] - x) * (p[1] - y) for p in points) / sum((p[0] - x) ** 2 for p in points)


def ticks_between(low, high):
    """1, 2, 5, 10, ... within a range; more of them within a small one."""
    digits = (1, 2, 5) if high > 8 * low else (1, 1.5, 2, 3, 4, 5, 7)
    found = [digit * 10.0**power for power in range(-6, 7) for digit in digits]
    return [tick for tick in found if low <= tick <= high]


def panel(axis, number, title, name, rows, color):
    low, high = min(row[name] for row in rows), max(row[name] for row in rows)
    middle, half = math.sqrt(low * high), max(1.3 * math.sqrt(high / low), 2.2)
    low, high = middle / half, middle * half
    places = ", ".join(f"'{row[axis]}' {row[axis]}" for row in rows[::2 if len(rows) > 6 else 1])
    levels = ", ".join(f"'{tick:g}' {tick:g}" for tick in ticks_between(low, high))
    data = "\n".join(f"{row[axis]} {row[name]}" for row in rows)
    fitted = "" if axis == "cluster" else f" (slope {slope(axis, name, rows):.2f})"
    return f"""
$data{number} << EOD
{data}
EOD
set title '{title}{fitted}'
set xtics ({places})
set ytics ({levels})
set xrange [{rows[0][axis] / 1.25}:{rows[-1][axis] * 1.25}]
set yrange [{low}:{high}]
plot $data{number} with linespoints lc rgb '{color}' lw 1.5 pt 7 ps 0.6
"""


def draw(axis, rows, path):
    panels = series_of(axis, rows)
    colors = ["#0072b2", "#d55e00", "#009e73"]
    script = f"""
set encoding utf8
set terminal svg size {290 * len(panels)},280 noenhanced font 'sans-serif,11' background rgb 'white'
set output '{path}'
set multiplot layout 1,{len(panels)} title '{TITLES[axis]}' font 'sans-serif,13'
set key off
set border 3 lw 0.8
set tics nomirror out scale 0.5
set grid lc rgb '#808182' lt 1 lw 0.3
set logscale xy
set lmargin 7
set rmargin 2
set xlabel '{AXES[axis][0]}'
"""
    for number, (title, name, counted) in enumerate(panels):
        script += panel(axis, number, title, name, counted, colors[number])
    subprocess.run(["gnuplot"], input=script + "unset multiplot\n", text=True, check=True)


# --- whole ------------------------------------------------------------------------------------------------------------

def write(rows, path):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: v if isinstance(v, int) else float(f"{v:.6g}") for k, v in row.items()} for row in rows)


def read(path):
    with open(path, encoding="utf-8") as file:
        return [{k: int(v) if k in AXES else float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("axis", nargs="*", help=", ".join(AXES))
    parser.add_argument("-o", dest="folder", default="growth")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--draw", action="store_true")
    arguments = parser.parse_args()
    for axis in arguments.axis:
        if axis not in AXES:
            parser.error(f'there is no axis "{axis}"; there are {", ".join(AXES)}')
    os.makedirs(arguments.folder, exist_ok=True)
    for axis in arguments.axis or AXES:
        table = os.path.join(arguments.folder, f"{axis}.csv")
        if arguments.draw:
            rows = read(table)
        else:
            print(f"{axis}:", flush=True)
            rows = measure(axis, arguments.steps)
            write(rows, table)
        draw(axis, rows, os.path.join(arguments.folder, f"{axis}.svg"))


if __name__ == "__main__":
    main()
