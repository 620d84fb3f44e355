"""The floors of the house: an include never points up, and never sideways between components.

Includes are paths from the project's root. A file may include what is in its own room, the public headers vj/..., and
what the table says that its room sees. The longest prefix of a path names its room; docs/architecture.md has the map.
"""
import os
import re
import sys

from tree import ROOT, sources


BASE = ["framework/base"]
CONFIG = BASE + ["framework/config"]
COMM = BASE + ["framework/comm"]
GRAPH = CONFIG + COMM + ["framework/graph", "framework/ops"]  # one floor: a graph is made of ops, an op builds graph
STORE = CONFIG + COMM + ["framework/store"]
TRAIN = GRAPH + STORE + ["framework/train"]
SPACE = TRAIN + ["sweeps/space"]
SCHEDULE = SPACE + ["sweeps/schedule"]
PRUNING = SPACE + ["sweeps/pruning"]
SEARCH = SPACE + ["sweeps/search"]
RUN = SCHEDULE + PRUNING + ["sweeps/run"]
RESULTS = RUN + ["analysis/metrics", "analysis/statistics", "analysis/output", "analysis/results"]

SEES = {
    "framework/include": [],
    "framework/base": BASE,
    "framework/config": CONFIG,
    "framework/comm": COMM,
    "framework/graph": GRAPH,
    "framework/ops": GRAPH,
    "framework/store": STORE,
    "framework/train": TRAIN,
    # components: vj/... alone, and nothing beside them
    "models": [],
    "losses": [],
    "datasets/digits": [],
    "datasets/moving_mnist": ["datasets/digits"],
    "datasets/video": [],
    "datasets/cater": ["datasets/video"],
    "datasets/clevrer": ["datasets/video"],
    "datasets/tables": ["datasets/video"],
    "datasets/video_list": ["datasets/tables", "datasets/video"],
    "datasets/packing": COMM + ["datasets/video"],  # writes what datasets/video/pack reads, over all ranks
    "datasets/standins": ["datasets/cater", "datasets/clevrer"],  # they write what these read
    "analysis/metrics": [],
    "analysis/probes": ["analysis/metrics"],
    # sweeps: which trials there are, when each is trained, which end early, and running them
    "sweeps/space": SPACE,
    "sweeps/schedule": SCHEDULE,
    "sweeps/pruning": PRUNING,
    "sweeps/search": SEARCH,
    "sweeps/run": RUN,
    "sweeps/verify": RUN,  # whether what a run left is what it wrote
    # offline analysis: reads sweep.h5, never trains
    "analysis/statistics": [],
    "analysis/output": BASE,
    "analysis/results": RESULTS,
    "analysis/report": RESULTS,
    "analysis/export": RESULTS,
    "app": None,  # the doors see everything
}


def room_of(path):
    return max((room for room in SEES if path.startswith(room + "/")), key=len, default=None)


def included_by(file):
    with open(os.path.join(ROOT, file), encoding="utf-8") as source:
        for number, line in enumerate(source, 1):
            found = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if found:
                yield number, found[1]


def problem_with(file, included):
    """What is wrong with an include, or None."""
    room = room_of(file)
    if room is None:
        return "stands in no room of tests/structure/test_floors.py"
    if included.startswith("vj/"):
        there = os.path.exists(os.path.join(ROOT, "framework/include", included))
        return None if there else "there is no such public header"
    if not os.path.exists(os.path.join(ROOT, included)):
        return "is no path from the project's root"
    target = room_of(included)
    if target == room or SEES[room] is None or target in SEES[room]:
        return None
    return f"{room} does not see {target}"


def guard_problem(file):
    path = file.removeprefix("framework/include/")
    name = re.sub(r"\W", "_", path).upper()
    name = name if name.startswith("VJ_") else "VJ_" + name
    with open(os.path.join(ROOT, file), encoding="utf-8") as source:
        if f"#ifndef {name}\n#define {name}\n" in source.read():
            return None
    return f"its guard is not {name}"


def check_itself():
    """A check that finds nothing because it looks at nothing would be worse than none."""
    assert problem_with("losses/variance.c", "framework/ops/product/product.h") == "losses does not see framework/ops"
    assert problem_with("framework/train/trial.c", "sweeps/run/driver.h")
    assert problem_with("datasets/cater/cater.c", "datasets/clevrer/motions.h")
    assert problem_with("analysis/probes/ridge.c", "analysis/report/report.h")
    assert problem_with("framework/store/checkpoint.c", "framework/base/atomic_file.h") is None


def main():
    check_itself()
    files = sources()
    assert len(files) > 300, files
    wrong = [f"{file}:{line}: #include \"{included}\": {problem}" for file in files
             for line, included in included_by(file) if (problem := problem_with(file, included))]
    wrong += [f"{file}: {problem}" for file in files if file.endswith(".h") and (problem := guard_problem(file))]
    print("\n".join(wrong) if wrong else f"{len(files)} files: no include points up or sideways")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
