"""./vj bench compare [row ...]: vjvcr and PyTorch side by side on this machine, as ratios within one run.

For each row the programs run one after the other, each in a process of its own, in an order that turns round from
cycle to cycle (ABBA), so that a machine that gets faster or slower favours none. A cycle gives one ratio of medians;
the table has the median of these ratios, and the smallest and largest. Results gather in --file, to which a later run
of the same programs adds its cycles.

PyTorch is the newest one, of `./vj bench setup`, in the fastest of its variants: eager or compiled, in either memory
layout, with memory of freed tensors given back, kept, or in huge pages. Which is the fastest is tried at the start of a
row; what each took is a table, too. Time to compile does not count. PyTorch trains on one fixed batch that lies ready,
while vjvcr makes a new batch for every step. Both count from the third step on.

Where other programs run meanwhile, nothing is measured: the last column says how many cores they kept busy at most.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

from programs import (FOLDER, ROOT, TORCH, VJVCR, bf16_variants, circumstances, our_sweep, ours, torch_step,
                      torch_sweep, variants, watched)

BENCH = os.path.join("sweeps", "bench.yaml")
SIMVP = os.path.join(os.path.relpath(FOLDER, ROOT), "simvp.yaml")
DECODER = ("model.decoder={type: cnn}", "losses.reconstruction={weight: 1.0}")
SPARSE = ("model.latent={type: sparse}",)
UNROLLED = ("model.latent={type: sparse, lambda: 1.0e-6, tolerance: 0}",)  # all 20 iterations in both programs
FEWER = ("optim.batch=8",)  # where a step of 64 clips takes minutes
BF16 = ("optim.precision=bf16",)
TRIED_STEPS, TRIED_STEPS_OF_FEWER, TRIED_TRIALS = 3, 1, 2


# --- rows ------------------------------------------------------------------------------------------------------------

class Side:
    """A program and its variants, of which the fastest counts. `make(label)` is the measurement of one; `labels(best)`
    are those to try, at first of None, then of the best so far, by `tried_steps` each."""

    def __init__(self, make, labels=lambda best: [""], short=None, tried_steps=TRIED_STEPS):
        self.make, self.labels, self.short, self.tried_steps = make, labels, short or make, tried_steps

    def search(self, tried, save):
        """The label of the fastest; `tried` {label: {"seconds", "peak_mib"}} is added to."""
        if len(self.labels(None)) == 1:
            return self.labels(None)[0]
        for best in (lambda: None, lambda: fastest(tried)):
            for label in self.labels(best()):
                if label not in tried:
                    result = self.short(label)(self.tried_steps)
                    tried[label] = {"seconds": result["seconds"], "peak_mib": result["peak_mib"]}
                    print(f"    {label}: {result['seconds']:.3f} s", file=sys.stderr)
                    save()
        return fastest(tried)


def fastest(tried):
    return min(tried, key=lambda label: tried[label]["seconds"])


class Row:
    """`sides`: {name: Side}; the first is what the others are divided by. `targets`: {side: at least this ratio};
    `memory`: the first's peak against that of PyTorch, at most. `needs`: settings without which there is no row."""

    def __init__(self, what, sides, targets=None, needs=(), memory=None):
        self.what, self.sides, self.targets, self.needs, self.memory = what, sides, targets or {}, needs, memory


def alone(measurement):
    return Side(lambda label: measurement)


def two_cores(file, overrides):
    """Two ranks, or one of two threads."""
    ways = {"2 ranks": (2, 1), "2 threads": (1, 2)}
    return Side(lambda label: ours(file, overrides, *ways[label]), lambda best: list(ways))


def pytorch(file, labels=variants, **arguments):
    fewer = set(FEWER) <= set(arguments.get("overrides", ()))
    return Side(lambda label: torch_step(file, label, **arguments), labels,
                tried_steps=TRIED_STEPS_OF_FEWER if fewer else TRIED_STEPS)


def against_torch(what, target, overrides=(), cores=1, file=BENCH):
    mine = alone(ours(file, overrides)) if cores == 1 else two_cores(file, overrides)
    return Row(f"{what}, {cores} core{'s' if cores > 1 else ''}",
               {"vjvcr": mine, "PyTorch": pytorch(file, overrides=overrides, threads=cores)}, {"PyTorch": target},
               memory=1 / 3)


def bf16_row(target, cores=1):
    mine, plain = ((alone(ours(BENCH, BF16)), alone(ours(BENCH))) if cores == 1
                   else (two_cores(BENCH, BF16), two_cores(BENCH, ())))
    return Row(f"bf16, {cores} core{'s' if cores > 1 else ''}",
               {"vjvcr bf16": mine, "vjvcr fp32": plain,
                "PyTorch bf16": pytorch(BENCH, bf16_variants, threads=cores, precision="bf16")},
               {"PyTorch bf16": target}, needs=BF16)


def sweep_row(trials):
    """24 are the sweep; fewer, its beginning, say the same sooner: trials are alike, and two run at a time."""
    variance, covariance = (f"sweep.parameters.losses.{name}.weight" for name in ("variance", "covariance"))
    first = {2: [f"{variance}=[1]", f"{covariance}=[0.01]"], 8: [f"{variance}=[1]"], 24: []}[trials]
    return Row(f"{trials} trials on 2 ranks against as many processes, two at a time",
               {"vjvcr": alone(our_sweep(first)),
                "PyTorch": Side(lambda label: torch_sweep(label, trials), variants,
                                lambda label: torch_sweep(label, TRIED_TRIALS))}, {"PyTorch": 3})


ROWS = {
    "step1": against_torch("training step", 1.9),
    "step2": against_torch("training step", 1.9, cores=2),
    "bf16": bf16_row(1.3),
    "decoder1": against_torch("with decoder", 1.7, DECODER),
    "sparse_decoder1": against_torch("FISTA latents through the decoder, batch 8", 2, UNROLLED + DECODER + FEWER),
    "ranks": Row("2 ranks against 1, same global batch",
                 {"2 ranks": alone(ours(BENCH, ranks=2)), "1 rank": alone(ours(BENCH))}, {"1 rank": 1.92}),
    "sweep": sweep_row(24),
    "simvp1": against_torch("SimVP with gSTA (64/512/8), batch 4", 1.3, file=SIMVP),
    "bf16_2": bf16_row(1.3, cores=2),
    "decoder2": against_torch("with decoder", 1.7, DECODER, cores=2),
    "sparse1": against_torch("FISTA latents, quadratic", 1.9, SPARSE),
    "sparse_decoder2": against_torch("FISTA latents through the decoder, batch 8", 2, UNROLLED + DECODER + FEWER,
                                     cores=2),
    "simvp2": against_torch("SimVP with gSTA (64/512/8), batch 4", 1.3, cores=2, file=SIMVP),
    "sweep8": sweep_row(8),
    "sweep2": sweep_row(2),
}
BY_NAME_ONLY = ("bf16_2", "decoder2", "sparse1", "sparse_decoder2", "simvp2", "sweep8", "sweep2")


def accepts(overrides):
    command = [VJVCR, "train", BENCH, *overrides, "--print-config"]
    return subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0


# --- measuring -------------------------------------------------------------------------------------------------------

def measure_row(row, record, cycles, steps, save):
    """`save` is called after every run; a cycle that was broken off is gone on with."""
    tried, done = record.setdefault("tried", {}), record.setdefault("cycles", [])
    chosen = {name: side.search(tried.setdefault(name, {}), save) for name, side in row.sides.items()}
    first = len(whole_cycles(row, record))
    for number in range(first, first + cycles):
        if number == len(done):
            done.append({})
        for name in list(row.sides)[::-1 if number % 2 else 1]:
            if name not in done[number]:
                done[number][name] = watched(row.sides[name].make(chosen[name]), steps)
                save()


def whole_cycles(row, record):
    return [cycle for cycle in record.get("cycles", []) if len(cycle) == len(row.sides)]


def spread(values, form="{:.2f}"):
    values = sorted(values)
    median = form.format(statistics.median(values))
    return median if len(values) == 1 else f"{median} ({form.format(values[0])} to {form.format(values[-1])})"


def median(cycles, side, key):
    return statistics.median(cycle[side].get(key, 0) for cycle in cycles)


# --- tables ----------------------------------------------------------------------------------------------------------

def ratio_lines(name, row, record):
    cycles, first = whole_cycles(row, record), next(iter(row.sides))
    for side in list(row.sides)[1:]:
        ratios = [cycle[side]["seconds"] / cycle[first]["seconds"] for cycle in cycles]
        target = row.targets.get(side)
        yield (f"{row.what} (`{name}`)", side, f"{target:g}x" if target else "", spread(ratios, "{:.2f}x"),
               "" if target is None else "yes" if statistics.median(ratios) >= target else "no",
               ", ".join(f"{median(cycles, each, 'seconds'):.3f} s" for each in (first, side)), str(len(cycles)),
               "{:.2f}".format(max(cycle[each]["others"] for cycle in cycles for each in (first, side))))


def memory_lines(name, row, record):
    """Libraries that PyTorch loads (those of CUDA, too, in the wheel of PyPI) are taken off its peak, none off ours."""
    cycles = whole_cycles(row, record)
    if row.memory is None:
        return
    mine, theirs, loaded = (median(cycles, side, key) for side, key in
                            (("vjvcr", "peak_mib"), ("PyTorch", "peak_mib"), ("PyTorch", "import_mib")))
    ratio = mine / (theirs - loaded)
    yield (f"{row.what} (`{name}`)", f"{mine:.0f} MiB", f"{theirs - loaded:.0f} MiB", f"{loaded:.0f} MiB",
           f"at most {row.memory:.2f}", f"{ratio:.2f}", "yes" if ratio <= row.memory else "no")


OWN = (("step against its floor", lambda run: run["of_floor"], "{:.2f}", "at most 1.2", lambda v: v <= 1.2),
       ("FMA peak, GFLOP/s", lambda run: run["fma_gflops"], "{:.0f}", "", None),
       ("memory, GB/s", lambda run: run["memory_gb_s"], "{:.1f}", "", None),
       ("making data, of the step", lambda run: 100 * run["data_seconds"] / run["step_seconds"], "{:.2f} %",
        "at most 2 %", lambda v: v <= 2))


def own_lines(name, row, record):
    """What vjvcr says of itself."""
    for side in row.sides:
        runs = [cycle[side] for cycle in whole_cycles(row, record) if "of_floor" in cycle[side]]
        if not runs or side == "1 rank":
            continue
        for what, value, form, reach, reached in OWN:
            values = [value(run) for run in runs]
            yield (f"{what} (`{name}`, {side})", reach, spread(values, form),
                   "" if reached is None else "yes" if reached(statistics.median(values)) else "no")


def variant_lines(name, row, record):
    for side, tried in record.get("tried", {}).items():
        for label, result in sorted(tried.items(), key=lambda item: item[1]["seconds"]):
            yield f"{row.what} (`{name}`)", side, label, f"{result['seconds']:.3f} s", f"{result['peak_mib']:.0f} MiB"


def print_table(titles, lines):
    lines = list(lines)
    if lines:
        print("\n| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
        for line in lines:
            print("| " + " | ".join(line) + " |")


def print_all(store):
    print("{date}, commit {commit}, {vjvcr}, PyTorch {torch}, {compiler}, {processor}, {cores} cores, {system}".format(
        **store["about"]))
    done = {name: ROWS[name] for name in ROWS if whole_cycles(ROWS[name], store["rows"].get(name, {}))}

    def table(titles, lines_of):
        print_table(titles, (line for name, row in done.items() for line in lines_of(name, row, store["rows"][name])))

    table(("what", "against", "reach", "ratio", "reached", "times", "cycles", "cores that others used"), ratio_lines)
    table(("peak memory", "vjvcr", "PyTorch's best", "beside it its libraries", "reach", "ratio", "reached"),
          memory_lines)
    table(("vjvcr itself", "reach", "measured", "reached"), own_lines)
    table(("variants tried", "program", "variant", "time", "peak memory"), variant_lines)
    commands = {cycle[side]["command"]: None for name, row in done.items()
                for cycle in whole_cycles(row, store["rows"][name]) for side in cycle}
    print("\nCommands, each with --steps N:\n")
    for command in commands:
        print(f"    {command}")


# --- the file --------------------------------------------------------------------------------------------------------

def read_store(path, about):
    """What earlier runs of the same programs left, else an empty one. To show it, `about` is None."""
    try:
        with open(path, encoding="utf-8") as file:
            store = json.load(file)
    except FileNotFoundError:
        if about is None:
            sys.exit(f"{path} does not exist: nothing was measured yet")
        return {"about": about, "rows": {}}
    same = about is None or all(store["about"].get(key) == about[key] for key in ("programs", "torch", "processor"))
    return store if same else {"about": about, "rows": {}}


def write_store(path, store):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(store, file, indent=1)
    os.replace(path + ".new", path)


def options():
    parser = argparse.ArgumentParser(prog="./vj bench compare", description=__doc__.splitlines()[0].split(": ")[1],
                                     epilog="rows: " + ", ".join(f"{name} ({row.what})" for name, row in ROWS.items()))
    parser.add_argument("rows", nargs="*", metavar="row",
                        help="which of the rows below; none: all but " + ", ".join(BY_NAME_ONLY))
    parser.add_argument("--cycles", type=int, default=5, help="so many times each program (5)")
    parser.add_argument("--steps", type=int, default=4, help="timed steps of each run (4)")
    parser.add_argument("--file", default=os.path.join(ROOT, "runs", "compare.json"),
                        help="results (runs/compare.json)")
    parser.add_argument("--show", action="store_true", help="only print what is in the file")
    chosen = parser.parse_intermixed_args()
    unknown = [name for name in chosen.rows if name not in ROWS]
    if unknown:
        parser.error(f"there is no row {unknown[0]!r}; there are: {', '.join(ROWS)}")
    return chosen


def main():
    chosen = options()
    if chosen.show:
        print_all(read_store(chosen.file, None))
        return
    if not os.path.exists(TORCH):
        sys.exit("bench compare: PyTorch to compare with is not there; ./vj bench setup installs it")
    store = read_store(chosen.file, circumstances())
    for name in chosen.rows or [name for name in ROWS if name not in BY_NAME_ONLY]:
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
