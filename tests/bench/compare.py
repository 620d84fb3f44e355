"""./vj bench compare [row ...]: vjvcr and PyTorch side by side on this machine, as ratios within one run.

For each row the programs run one after the other, each in a process of its own, in an order that turns round from
cycle to cycle (ABBA), so that a machine that gets faster or slower favours none. A cycle gives one ratio of medians;
the table has the median of these ratios, and the smallest and largest. Results gather in --file, to which a later run
of the same programs adds its cycles.

PyTorch runs twice: as it is installed, and with an allocator that keeps freed pages (what its tuning guide gets from
jemalloc; here glibc's own settings), in the faster of its two memory layouts, tried at the start. It trains on one
fixed batch that lies ready, while vjvcr makes a new batch for every step. Both count from the second or third step on.

Where other programs run meanwhile, nothing is measured: the last column says how many cores they kept busy at most.
"""
import argparse
import datetime
import hashlib
import json
import os
import platform
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(FOLDER))
PYTHON = "/usr/bin/python3"  # Debian's own has Debian's packages, whatever else is first on the PATH
VJVCR = os.environ.get("VJVCR", os.path.join(ROOT, "build", "vjvcr"))
BENCH = os.path.join("sweeps", "bench.yaml")
KEEP_PAGES = {"MALLOC_MMAP_THRESHOLD_": str(1 << 32), "MALLOC_TRIM_THRESHOLD_": str(1 << 33)}
DECODER = ("model.decoder={type: cnn}", "losses.reconstruction={weight: 1.0}")
SPARSE = ("model.latent={type: sparse}",)
FEWER = ("optim.batch=16",)  # where a step takes a minute
BF16 = ("optim.precision=bf16",)
MPI = {"OMPI_MCA_mpi_yield_when_idle": "0"}


# --- programs: each returns {"seconds": .., "peak_mib": .., "command": .., ...} --------------------------------------

def busy_seconds():
    """Of all processors since the machine started, and of our own processes that have ended."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, interrupts, soft = (int(word) for word in file.readline().split()[1:8])
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK"), own.ru_utime + own.ru_stime


def watched(measure, steps):
    """A measurement, with `others`: how many cores the processes of others kept busy meanwhile."""
    (before, own_before), start = busy_seconds(), time.perf_counter()
    result = measure(steps)
    after, own_after = busy_seconds()
    others = ((after - before) - (own_after - own_before)) / (time.perf_counter() - start)
    return {**result, "others": max(others, 0.0)}


def run(command, extra):
    """What it prints."""
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **extra}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stderr.strip()}")
    return done.stdout


def typed(command, extra):
    """As one would type it in the root of the repository."""
    shown = [os.path.relpath(word, ROOT) if word.startswith(ROOT) else word for word in command]
    return " ".join([f"{key}={value}" for key, value in extra.items()] + [shlex.join(shown)])


def ours(overrides=(), ranks=1, threads=1):
    extra = {"OMP_NUM_THREADS": str(threads), **(MPI if ranks > 1 else {})}
    bench = [VJVCR, "bench", BENCH, "--format", "json", *overrides]
    launch = ["mpirun", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []

    def measure(steps):
        with tempfile.NamedTemporaryFile("r") as peaks:
            watched = [*launch, PYTHON, os.path.join(FOLDER, "peak.py"), peaks.name, *bench, "--steps", str(steps)]
            result = json.loads(run(watched, extra))
            result["peak_mib"] = sum(int(line) for line in peaks) / 1024
        return {**result, "seconds": result["step_seconds"], "command": typed([*launch, *bench], extra)}
    return measure


def torch(overrides=(), threads=1, layout="channels_last", precision="fp32", keep_pages=False):
    extra = dict(KEEP_PAGES) if keep_pages else {}
    command = [PYTHON, os.path.join(FOLDER, "torch_step.py"), BENCH, *overrides, "--layout", layout, "--threads",
               str(threads), "--precision", precision]

    def measure(steps):
        result = json.loads(run([*command, "--steps", str(steps), "--warm-up", "1"], extra))
        return {**result, "command": typed(command, extra)}
    return measure


def torch_layouts(**arguments):
    return [torch(layout=layout, **arguments) for layout in ("channels_last", "default")]


def our_sweep(trials):
    def measure(_):
        with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("r") as peaks:
            launch = ["mpirun", "--bind-to", "none", "-n", "2"]
            sweep = [VJVCR, "sweep", os.path.join(FOLDER, "sweep.yaml"), *first_trials(trials), "-o"]
            extra = {"OMP_NUM_THREADS": "1", **MPI}
            start = time.perf_counter()
            run([*launch, PYTHON, os.path.join(FOLDER, "peak.py"), peaks.name, *sweep, folder + "/sweep"], extra)
            seconds = time.perf_counter() - start
            peak = sum(int(line) for line in peaks) / 1024
        return {"seconds": seconds, "peak_mib": peak, "command": typed([*launch, *sweep, "FOLDER"], extra)}
    return measure


def first_trials(trials):
    """The overrides that leave the first 2 or 8 of the 24."""
    variance, covariance = (f"sweep.parameters.losses.{name}.weight" for name in ("variance", "covariance"))
    return {2: [f"{variance}=[1]", f"{covariance}=[0.01]"], 8: [f"{variance}=[1]"], 24: []}[trials]


def torch_sweep(trials, layout, keep_pages=False):
    extra = dict(KEEP_PAGES) if keep_pages else {}
    command = [PYTHON, os.path.join(FOLDER, "torch_sweep.py"), "--trials", str(trials), "--layout", layout]

    def measure(_):
        return {**json.loads(run(command, extra)), "command": typed(command, extra)}
    return measure


# --- rows ------------------------------------------------------------------------------------------------------------

class Row:
    """`sides`: {name: its alternatives, of which the fastest is taken}; the first is what the others are divided by.
    `targets`: {side: at least this ratio}."""

    def __init__(self, what, sides, targets=None, needs=()):
        self.what, self.sides, self.targets, self.needs = what, sides, targets or {}, needs


def against_torch(what, target, overrides=(), cores=1):
    arguments = {"overrides": overrides, "threads": cores}
    mine = [ours(overrides)] if cores == 1 else [ours(overrides, 2, 1), ours(overrides, 1, 2)]
    return Row(f"{what}, {cores} core{'s' if cores > 1 else ''}",
               {"vjvcr": mine, "PyTorch as installed": torch_layouts(**arguments),
                "PyTorch, pages kept": torch_layouts(keep_pages=True, **arguments)},
               {"PyTorch as installed": target, "PyTorch, pages kept": target})


def sweep_row(trials):
    """24 are the sweep; fewer, its beginning, say the same sooner: trials are alike, and two run at a time."""
    return Row(f"{trials} trials on 2 ranks against as many processes, two at a time",
               {"vjvcr": [our_sweep(trials)], "PyTorch as installed": [torch_sweep(trials, "channels_last")],
                "PyTorch, pages kept": [torch_sweep(trials, "channels_last", True)]},
               {"PyTorch as installed": 4, "PyTorch, pages kept": 4})


ROWS = {
    "step1": against_torch("training step", 2.3),
    "step2": against_torch("training step", 2.6, cores=2),
    "decoder1": against_torch("with decoder", 2.3, DECODER),
    "decoder2": against_torch("with decoder", 2.3, DECODER, cores=2),
    "sparse1": against_torch("FISTA latents, quadratic", 5, SPARSE),
    "sparse_decoder1": against_torch("FISTA latents through the decoder, batch 16", 5,
                                     SPARSE + DECODER + FEWER),
    "sparse_decoder2": against_torch("FISTA latents through the decoder, batch 16", 5,
                                     SPARSE + DECODER + FEWER, cores=2),
    "ranks": Row("2 ranks against 1, same global batch", {"2 ranks": [ours(ranks=2)], "1 rank": [ours()]},
                 {"1 rank": 1.92}),
    "sweep": sweep_row(24),
    "sweep8": sweep_row(8),
    "sweep2": sweep_row(2),
    "bf16": Row("bf16, 1 core", {"vjvcr bf16": [ours(BF16)], "vjvcr fp32": [ours()],
                                 "PyTorch bf16, as installed": torch_layouts(precision="bf16"),
                                 "PyTorch bf16, pages kept": torch_layouts(precision="bf16", keep_pages=True)},
                {"vjvcr fp32": 1.6, "PyTorch bf16, as installed": 2, "PyTorch bf16, pages kept": 2}, needs=BF16),
}


SHORT = ("sweep8", "sweep2")  # only if asked for


def accepts(overrides):
    command = [VJVCR, "train", BENCH, *overrides, "--print-config"]
    return subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0


# --- measuring -------------------------------------------------------------------------------------------------------

def try_layouts(row, record, save):
    """{side: index of its fastest alternative}, by one step each."""
    tried = record.setdefault("tried", {})
    for side, alternatives in row.sides.items():
        seconds = tried.setdefault(side, [])
        while len(alternatives) > 1 and len(seconds) < len(alternatives):
            seconds.append(alternatives[len(seconds)](1)["seconds"])
            save()
    return {side: seconds.index(min(seconds)) if seconds else 0 for side, seconds in tried.items()}


def measure_row(row, record, cycles, steps, save):
    """`save` is called after every run; a cycle that was broken off is gone on with."""
    chosen, done = try_layouts(row, record, save), record.setdefault("cycles", [])
    for number in range(len(whole_cycles(row, record)), len(whole_cycles(row, record)) + cycles):
        if number == len(done):
            done.append({})
        for side in list(row.sides)[::-1 if number % 2 else 1]:
            if side not in done[number]:
                done[number][side] = watched(row.sides[side][chosen[side]], steps)
                save()


def whole_cycles(row, record):
    return [cycle for cycle in record.get("cycles", []) if len(cycle) == len(row.sides)]


def spread(values, form="{:.2f}"):
    values = sorted(values)
    median = form.format(statistics.median(values))
    return median if len(values) == 1 else f"{median} ({form.format(values[0])} to {form.format(values[-1])})"


def verdict(value, target):
    return "" if target is None else "yes" if value >= target else "no"


def lines_of(name, row, record):
    """Lines of the table: what, against, reach, measured, reached, and what they come from."""
    cycles, first = whole_cycles(row, record), next(iter(row.sides))
    for side in list(row.sides)[1:]:
        ratios = [cycle[side]["seconds"] / cycle[first]["seconds"] for cycle in cycles]
        target = row.targets.get(side)
        seconds = [statistics.median(cycle[s]["seconds"] for cycle in cycles) for s in (first, side)]
        memory = [statistics.median(cycle[s]["peak_mib"] for cycle in cycles) for s in (first, side)]
        yield (f"{row.what} ({name})", side, f"{target:g}x" if target else "", spread(ratios),
               verdict(statistics.median(ratios), target), "{:.3f} s, {:.3f} s".format(*seconds),
               "{:.0f} MiB, {:.0f} MiB ({:.2f})".format(*memory, memory[0] / memory[1]), str(len(cycles)),
               "{:.2f}".format(max(cycle[s]["others"] for cycle in cycles for s in (first, side))))


def own_lines(name, row, record):
    """What vjvcr says of itself: share of sgemm's rate, making data."""
    for side in row.sides:
        runs = [cycle[side] for cycle in whole_cycles(row, record) if "of_sgemm" in cycle[side]]
        if not runs or side == "1 rank":
            continue
        of_sgemm = [100 * run["of_sgemm"] for run in runs]
        data = [100 * run["data_seconds"] / run["step_seconds"] for run in runs]
        for what, values, reach, reached in (("of sgemm in the same run", of_sgemm, "at least 80 %", lambda v: v >= 80),
                                             ("making data, of the step", data, "at most 2 %", lambda v: v <= 2)):
            median = statistics.median(values)
            yield f"{what} ({name}, {side})", reach, spread(values, "{:.2f} %"), "yes" if reached(median) else "no"


# --- the file and the table ------------------------------------------------------------------------------------------

def first_line(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else "unknown"


def hash_of_programs():
    """Of everything that is measured."""
    both = hashlib.sha256()
    for path in (VJVCR, *(os.path.join(FOLDER, name) for name in ("torch_model.py", "torch_step.py"))):
        with open(path, "rb") as file:
            both.update(file.read())
    return both.hexdigest()[:16]


def circumstances():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown")
    torch_version = first_line(PYTHON, "-c", "import torch; print(torch.__version__)")
    return {"programs": hash_of_programs(), "commit": first_line("git", "describe", "--always", "--dirty"),
            "vjvcr": first_line(VJVCR, "--version"), "torch": torch_version, "processor": model,
            "cores": os.cpu_count(), "system": f"{platform.system()} {platform.release()}",
            "date": datetime.date.today().isoformat()}


def print_table(titles, lines):
    lines = list(lines)
    if lines:
        print("\n| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
        for line in lines:
            print("| " + " | ".join(line) + " |")


def print_all(store):
    about = store["about"]
    print("{date}, commit {commit}, {vjvcr}, PyTorch {torch}, {processor}, {cores} cores, {system}".format(**about))
    done = {name: ROWS[name] for name in ROWS if whole_cycles(ROWS[name], store["rows"].get(name, {}))}
    print_table(("what", "against", "reach", "ratio", "reached", "times", "peak memory", "cycles",
                 "cores that others used"),
                (line for name, row in done.items() for line in lines_of(name, row, store["rows"][name])))
    print_table(("vjvcr itself", "reach", "measured", "reached"),
                (line for name, row in done.items() for line in own_lines(name, row, store["rows"][name])))
    commands = {cycle[side]["command"]: None for name, row in done.items()
                for cycle in whole_cycles(row, store["rows"][name]) for side in cycle}
    print("\nCommands, each with --steps N:\n")
    for command in commands:
        print(f"    {command}")


def read_store(path, about):
    """What earlier runs of the same programs left, else an empty one."""
    try:
        with open(path, encoding="utf-8") as file:
            store = json.load(file)
    except FileNotFoundError:
        return {"about": about, "rows": {}}
    same = all(store["about"][key] == about[key] for key in ("programs", "torch", "processor"))
    return store if same else {"about": about, "rows": {}}


def write_store(path, store):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(store, file, indent=1)
    os.replace(path + ".new", path)


def main():
    parser = argparse.ArgumentParser(prog="./vj bench compare", description=__doc__.splitlines()[0].split(": ")[1],
                                     epilog="rows: " + ", ".join(f"{name} ({row.what})" for name, row in ROWS.items()))
    parser.add_argument("rows", nargs="*", metavar="row", help="which of the rows below; none: all")
    parser.add_argument("--cycles", type=int, default=5, help="so many times each program (5)")
    parser.add_argument("--steps", type=int, default=4, help="timed steps of each run (4)")
    parser.add_argument("--file", default=os.path.join(ROOT, "runs", "compare.json"),
                        help="results (runs/compare.json)")
    parser.add_argument("--show", action="store_true", help="only print what is in the file")
    chosen = parser.parse_intermixed_args()
    unknown = [name for name in chosen.rows if name not in ROWS]
    if unknown:
        parser.error(f"there is no row {unknown[0]!r}; there are: {', '.join(ROWS)}")
    store = read_store(chosen.file, circumstances())
    for name in [] if chosen.show else chosen.rows or [name for name in ROWS if name not in SHORT]:
        row = ROWS[name]
        if row.needs and not accepts(row.needs):
            print(f"{name}: left out, this vjvcr has no {' '.join(row.needs)}", file=sys.stderr)
            continue
        print(f"{name}: {row.what}", file=sys.stderr)
        measure_row(row, store["rows"].setdefault(name, {}), chosen.cycles, chosen.steps,
                    lambda: write_store(chosen.file, store))
    print_all(store)


if __name__ == "__main__":
    main()
