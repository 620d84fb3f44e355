"""What the tests of kills and faults share: a tiny sweep, running it with something going wrong, and what must hold
afterwards. VJ_FAULTS=full, as ./vj test kill and ./vj test faults set it, asks for the full form of each test; the
default run samples. VJ_FAULTS_POINTS asks for so many points, of each kind of fault, in between. VJ_FAULTS_SEED chooses
what is left to chance, and is printed."""

import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
import zlib

from support import requirements, vjvcr
from support.vjvcr import VJVCR, differing, everything_in, h5py, values_of

INTERPOSE = requirements.built("libvj_interpose.so")
SMALL_POOLS = requirements.built("vjvcr_small_pools")
FULL = os.environ.get("VJ_FAULTS") == "full"
POINTS = int(os.environ.get("VJ_FAULTS_POINTS", "0"))
# The default run takes the same samples each time, so that it fails for what was changed and not by chance.
SEED = int(os.environ.get("VJ_FAULTS_SEED") or (random.SystemRandom().randrange(1 << 31) if FULL or POINTS else 1))

# Everything that a sweep writes, as little of it as possible: two trials with two checkpoints' time each.
SMALL = """\
name: small
data: {dataset: moving_mnist, size: 32, digit_size: 14, max_speed: 3, train_size: 16, validation_size: 8}
model:
  encoder: {type: cnn, channels: [4], temporal: [4]}
  predictor: {type: mlp, hidden: [4]}
losses:
  prediction: {weight: 1.0}
  variance: {weight: 1.0, on: [hx]}
optim: {steps: 4, batch: 8, shards: 2, lr: 1.0e-3}
eval: {every: 4, samples: 8}
logging: {every: 2}
checkpoint: {minutes: 0, steps: 2}
sweep: {seeds: 2}
"""

RICH = vjvcr.RICH % {"name": "rich", "steps": 12, "every": 6, "decoder_steps": 6, "checkpoint": 2} + "sweep: {seeds: 4}\n"


class Outcome:
    """Of a run: the exit code of each rank (one, if a kill left no more), and what it wrote to stderr."""

    def __init__(self, codes, err):
        self.codes, self.err = codes, err

    @property
    def code(self):
        return max(self.codes)

    def __str__(self):
        return f"exit codes {self.codes}\n{self.err}"


def own_words(err):
    """Without progress, and what Open MPI prints of failing writes."""
    err = re.sub(r"\[#*\.*\] [^\n]*\n", "", err)
    return "".join(line for line in err.splitlines(True) if not re.match(r"mca_|\[[^]]*\] |\s*$", line))


def environment(folder, fault=None):
    """With Open MPI's own files in the test's folder: those of the killed go with it."""
    session = os.path.join(folder, "mpi")
    os.makedirs(session, exist_ok=True)
    settings = dict(os.environ, OMPI_MCA_orte_tmpdir_base=session, OMPI_MCA_btl_vader_backing_directory=session,
                    PRTE_MCA_prte_tmpdir_base=session, OMPI_MCA_btl_sm_backing_directory=session,
                    OMP_NUM_THREADS="1", OPENBLAS_CORETYPE="Haswell")
    for name, value in (fault or {}).items():
        settings[f"VJ_FAULT_{name}" if name != "KIND" else "VJ_FAULT"] = str(value)
    return settings


def command_of(arguments, ranks, fault=None, with_codes=True, program=VJVCR):
    command = [program, *arguments]
    if fault:
        command = ["env", f"LD_PRELOAD={INTERPOSE}", *command]
    if ranks > 1 and with_codes:
        command = ["sh", "-c", '"$0" "$@"; echo "code of a rank: $?"', *command]
    return ["mpirun", "--oversubscribe", "-n", str(ranks), *command] if ranks > 1 else command


def descendants(pid):
    """All processes below this one, those that are the deepest last."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], stdout=subprocess.PIPE, text=True, check=False)
    children = {}
    for line in listed.stdout.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found[1:]


def end(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def end_all(process):
    for pid in [process.pid, *descendants(process.pid)]:
        end(pid)
    process.communicate()


def start(arguments, folder, ranks=1, fault=None, with_codes=True, program=VJVCR):
    settings = environment(folder, fault)
    if ranks == 1:
        settings["OMPI_MCA_ess_singleton_isolated"] = "1"
    return subprocess.Popen(command_of(arguments, ranks, fault, with_codes, program), cwd=folder, env=settings,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process, ranks=1, with_codes=True, seconds=60):
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        end_all(process)
        raise AssertionError(f"it still runs after {seconds} s") from None
    codes = [int(line.split(": ")[1]) for line in out.splitlines() if line.startswith("code of a rank: ")]
    if ranks == 1 or not with_codes:
        codes = [process.returncode if process.returncode >= 0 else 128 - process.returncode]
    return Outcome(codes or [process.returncode], own_words(err))


class Sweep:
    """One experiment, what an undisturbed run of it measures, and runs that are disturbed."""

    def __init__(self, text):
        self.folder = tempfile.mkdtemp(prefix="vjf-")  # short: sockets have short names
        self.name, self.program = "s", VJVCR
        with open(os.path.join(self.folder, "e.yaml"), "w") as file:
            file.write(text)
        self.whole_values = self.whole_bytes = self.rows = None

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def has(self, *names):
        return os.path.exists(self.path(self.name, *names))

    def clear(self):
        shutil.rmtree(self.path(self.name), ignore_errors=True)

    def arguments(self, *more):
        return ["sweep", "e.yaml", "-o", self.name, *(["--resume"] if self.has("sweep.h5") else []), *more]

    def run(self, *more, ranks=1, fault=None, seconds=60, with_codes=None):
        if with_codes is None:
            with_codes = not fault or not fault.get("KIND", "").startswith("kill")
        if fault and "FOLDER" not in fault and fault["KIND"] != "memory":
            fault = dict(fault, FOLDER=self.path(self.name))
        process = start(self.arguments(*more), self.folder, ranks, fault, with_codes, self.program)
        return finish(process, ranks, with_codes, seconds)

    def calls(self, *more, ranks=1, of="count"):
        """What a fault could reach in an undisturbed run: for each rank a list of lines, see fault.h. `of`: "memory"
        for allocations."""
        logs = [self.path("log")] if ranks == 1 else [self.path(f"log.{rank}") for rank in range(ranks)]
        for log in logs:
            if os.path.exists(log):
                os.remove(log)
        self.clear()
        outcome = self.run(*more, ranks=ranks, fault={"KIND": of, "LOG": self.path("log")})
        assert outcome.code == 0, outcome
        found = []
        for log in logs:
            with open(log) as file:
                found.append(file.read().splitlines())
        return found

    # --- what is compared ---------------------------------------------------------------------------------------

    def measure(self):
        """The undisturbed run."""
        self.clear()
        outcome = self.run(seconds=200)
        assert outcome.code == 0 and outcome.err == "", outcome
        self.whole_values = values_of(self.path(self.name, "sweep.h5"))
        self.whole_bytes = self.reproducible_bytes()
        self.rows = self.find_rows()
        self.clear()

    def find_rows(self):
        """Name -> "step" or "eval", of each variable that gets a row at a time."""
        with h5py.File(self.path(self.name, "sweep.h5"), "r", locking=False) as file:
            axes = {name: next(iter(data.dims[1].keys()), None) for name, data in file.items() if data.ndim > 1}
        return {name: axis for name, axis in axes.items() if axis in ("step", "eval")}

    def reproducible_bytes(self):
        """Of sweep.h5, with zeros where times and numbers of attempts stand."""
        path = self.path(self.name, "sweep.h5")
        with open(path, "rb") as file:
            found = bytearray(file.read())
        with h5py.File(path, "r", locking=False) as file:
            for name, data in file.items():
                if name.startswith("time_") or name == "attempt":
                    at, size = data.id.get_offset(), data.id.get_storage_size()
                    found[at:at + size] = bytes(size)
        return bytes(found)

    def ledger(self):
        """(event, trial, attempt, who or why) of each whole line."""
        if not self.has("ledger"):
            return []
        with open(self.path(self.name, "ledger"), "rb") as file:
            lines = file.read().split(b"\n")[1:-1]
        records = []
        for line in lines:
            text, crc = line.rsplit(b" ", 1)
            assert int(crc, 16) == zlib.crc32(text), line
            _, event, trial, attempt, rest = text.decode().split(" ", 4)
            records.append((event, int(trial), int(attempt), rest))
        return records

    def problems_underway(self, before=None):
        """What is lost or wrong in a sweep that was cut off; `before` is what was committed earlier, if given, and is
        brought up to date."""
        if not self.has("sweep.h5"):
            return []
        found, whole = values_of(self.path(self.name, "sweep.h5")), self.whole_values
        problems = []
        for trial, committed in enumerate(found["committed"]):
            for name, axis in self.rows.items():
                if axis == "eval" and committed <= 0:  # that of step 0 once `committed` is above 0
                    continue
                rows = found[axis] <= committed
                if found[name][trial][rows].tobytes() != whole[name][trial][rows].tobytes():
                    problems.append(f"trial {trial}: {name} up to {committed} is not what it should be")
            if before is not None:
                if committed < before.get(trial, -1):
                    problems.append(f"trial {trial}: committed went down from {before[trial]} to {committed}")
                before[trial] = committed
        return problems + self.problems_of_the_ledger()

    def problems_of_the_ledger(self):
        problems, done = [], set()
        for event, trial, attempt, _ in self.ledger():
            if trial in done:
                problems.append(f"trial {trial}: {event} of attempt {attempt} after it was done")
            if event == "done":
                done.add(trial)
        return problems

    def problems_of_the_end(self):
        """Whether everything is there, once, and as in an undisturbed run."""
        problems = self.problems_of_the_ledger()
        done = sorted(trial for event, trial, _, _ in self.ledger() if event == "done")
        trials = list(range(len(self.whole_values["status"])))
        if done != trials:
            problems.append(f"done are the trials {done}")
        names = differing(values_of(self.path(self.name, "sweep.h5")), self.whole_values, ["attempt"])
        if names:
            problems.append(f"not as in an undisturbed run: {' '.join(names)}")
        elif self.reproducible_bytes() != self.whole_bytes:
            problems.append("sweep.h5 has other bytes than that of an undisturbed run")
        return problems

    def leftovers(self):
        """What lies in the folder beside what should."""
        return sorted(set(everything_in(self.path(self.name))) - {"ledger", "sweep.h5", "sweep.yaml"})


def problems_of_the_outcome(outcome, ranks):
    """A run that met a fault ends with a code and, unless it succeeded, with one sentence of its own."""
    problems = []
    if outcome.code not in (0, 1, 75):
        problems.append(f"ended with {outcome.codes}")
    sentences = [line for line in outcome.err.splitlines() if line.startswith("vjvcr: ")]
    others = [line for line in outcome.err.splitlines() if not re.match(r"vjvcr: |trial \d+( \S+)?: ", line)]
    if outcome.code not in (0, 75) and len(sentences) != 1 and not re.search(r"trial \d+ .*failed: ", outcome.err):
        problems.append(f"said {len(sentences)} sentences")
    if len(set(outcome.codes)) > 1:
        problems.append("the ranks ended differently")
    if len(outcome.codes) != ranks:
        problems.append(f"{len(outcome.codes)} of {ranks} ranks ended")
    if others and outcome.code != 1:
        problems.append(f"said also: {others[0]}")
    return problems


def flip(path, at, mask):
    """The bits of a mask, of one byte."""
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ mask]))


def wanted(few, many):
    """So many points."""
    return POINTS or (many if FULL else few)


def some_of(numbers, number, dice):
    """So many of them, or all: one by chance from each of as many even parts."""
    numbers = list(numbers)
    if len(numbers) <= number:
        return numbers
    ends = [i * len(numbers) // number for i in range(number + 1)]
    return [numbers[dice.randrange(low, high)] for low, high in zip(ends, ends[1:])]


def needs(interpose=False):
    requirements.programs("ps")
    if interpose and "ASAN_OPTIONS" in os.environ:
        requirements.impossible("sanitizers stand where the library that lets calls fail would")


class Case(unittest.TestCase):
    text = SMALL

    @classmethod
    def setUpClass(cls):
        cls.sweep = Sweep(cls.text)
        cls.addClassCleanup(cls.sweep.close)
        cls.sweep.measure()

    def setUp(self):
        self.sweep.clear()

    def assert_none(self, problems, about):
        self.assertEqual(problems, [], about)


def main():
    print(f"VJ_FAULTS_SEED={SEED}", flush=True)
    unittest.main(verbosity=2)
