"""What the tests of the command line share: a tiny experiment, running vjvcr, looking at what it left."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from support import requirements

with requirements.modules():
    import h5py
    import numpy as np

VJVCR = requirements.built("vjvcr")
SOURCE = os.environ.get("VJ_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

# One trial takes a fraction of a second. Errors name lines and columns of this text.
TINY = """\
name: tiny
data: {dataset: moving_mnist, size: 32, digit_size: 14, max_speed: 3, train_size: 64, validation_size: 32}
model:
  encoder: {type: cnn, channels: [4, 8], temporal: [8]}
  predictor: {type: mlp, hidden: [16]}
losses:
  prediction: {weight: 1.0}
  variance: {weight: 10.0}
  covariance: {weight: 0.1}
optim: {steps: 4, batch: 16, shards: 4}
eval:
  every: 2
  samples: 32
  probe_train: 32
  probe_validation: 16
  probe_test: 16
  probes: {speed: {type: ridge, target: speed, on: hy_pred}}
logging: {every: 1}
"""

# All that a trial carries from step to step: running statistics, averages of the target, a latent that adapts, the
# decoder's training afterwards, and a probe on frames that runs once.
RICH = """\
name: %(name)s
data: {dataset: moving_mnist, size: 32, digit_size: 14, max_speed: 3, train_size: 64, validation_size: 32}
model:
  encoder: {type: cnn, channels: [4, 8], temporal: [8]}
  predictor: {type: mlp, hidden: [16]}
  decoder: {type: cnn, channels: [8, 8, 4]}
  latent: {type: gaussian, size: 4}
  target: {type: ema}
losses:
  prediction: {weight: 1.0}
  variance: {weight: 10.0, on: [hx]}
  reconstruction: {weight: 0}
optim: {steps: %(steps)d, batch: 8, shards: 2, lr: 1.0e-3}
eval:
  every: %(every)d
  samples: 16
  probe_train: 16
  probe_validation: 8
  probe_test: 8
  decoder_steps: %(decoder_steps)d
  probe_at: all
  probes:
    speed: {type: ridge, target: speed, on: hy_pred}
    frames: {type: ridge, target: speed, on: x}
logging: {every: 3}
checkpoint: {minutes: 0, steps: %(checkpoint)d}
"""


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


def whole_group(process):
    """Ends a program that hangs, with everything that it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def run(*arguments, folder=None, ranks=1, seconds=100, before=None):
    """Runs vjvcr. With several ranks, `code` is a list of the exit codes of all of them."""
    command = [VJVCR, *arguments]
    environment = dict(os.environ)
    if ranks == 1:  # no daemon of Open MPI's for a program alone, which takes longer to start than a trial to train
        environment["OMPI_MCA_ess_singleton_isolated"] = "1"
        environment["OMPI_MCA_btl"] = "self"  # nor shared memory, which Open MPI 5 would lay out even so
    else:  # a shell around each rank reports its code, and mpirun adds nothing of its own
        shell = '"$0" "$@"; echo "code of a rank: $?"'
        command = ["mpirun", "--oversubscribe", "-n", str(ranks), "sh", "-c", shell, *command]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, start_new_session=True, preexec_fn=before)
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        whole_group(process)
        raise AssertionError(f"vjvcr {' '.join(arguments)} on {ranks} ranks still runs after {seconds} s") from None
    err = "".join(line for line in err.splitlines(True) if not re.match(r"\[#*\.*\] ", line))  # progress
    if ranks == 1:
        return Result(process.returncode, out, err)
    codes = [int(line.split(": ")[1]) for line in out.splitlines() if line.startswith("code of a rank: ")]
    out = "".join(line for line in out.splitlines(True) if not line.startswith("code of a rank: "))
    return Result(codes, out, err)


def everything_in(folder):
    """Path -> bytes of all files, path -> None of all folders."""
    found = {}
    for at, folders, files in os.walk(folder):
        for name in folders:
            found[os.path.relpath(os.path.join(at, name), folder)] = None
        for name in files:
            with open(os.path.join(at, name), "rb") as file:
                found[os.path.relpath(os.path.join(at, name), folder)] = file.read()
    return found


@contextlib.contextmanager
def edited(path):
    """The sweep file, open in h5py, to change what one likes. Afterwards it is one without a seal, as earlier versions
    made them: with it the change would be noticed."""
    with open(path, "r+b") as file:
        size = file.seek(-48, os.SEEK_END) + 48
        foot = file.read(48)
        seal = 2 * (int.from_bytes(foot[8:16], "little") + 48) if foot.startswith(b"vjvcrSL1") else 0
        file.seek(size - seal)
        file.write(bytes(seal))
    with h5py.File(path, "r+") as file:
        if seal:
            del file.attrs["vjvcr_seal"]
        yield file


def values_of(path):
    """Name -> array of all data sets of a sweep file; text as str."""
    with h5py.File(path, "r") as file:
        found = {name: data[()] for name, data in file.items() if isinstance(data, h5py.Dataset)}
    for name, value in found.items():
        if value.dtype.kind == "S":
            found[name] = np.array([b"".join(row).rstrip(b"\0").decode() for row in value.reshape(-1, value.shape[-1])])
    return found


def differing(one, other, apart_from=()):
    """Names of the data sets that are not the same, bit by bit, in two results of values_of()."""
    names = (one.keys() | other.keys()) - set(apart_from)
    return sorted(n for n in names if not n.startswith("time_") and (
        n not in one or n not in other or one[n].dtype != other[n].dtype or one[n].tobytes() != other[n].tobytes()))


class Case(unittest.TestCase):
    """Each test has a folder of its own, in which vjvcr runs and tiny.yaml lies."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="vjvcr-cli-")
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        self.write("tiny.yaml", TINY)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "wb" if isinstance(text, bytes) else "w") as file:
            file.write(text)
        return name

    def run_vjvcr(self, *arguments, **options):
        return run(*arguments, folder=self.folder, **options)

    def succeed(self, *arguments, **options):
        result = self.run_vjvcr(*arguments, **options)
        self.assertEqual(result.err, "")
        self.assertEqual(result.code, [0] * options["ranks"] if "ranks" in options else 0)
        return result

    def assert_refused(self, sentence, *arguments, code=2, ranks=1, **options):
        """This sentence, once, from one rank; this code, on all ranks; and no file made, changed or lost. A sentence
        that starts with "^" is a regular expression."""
        before = everything_in(self.folder)
        result = self.run_vjvcr(*arguments, ranks=ranks, **options)
        if sentence.startswith("^"):
            self.assertRegex(result.err, sentence)
        else:
            self.assertEqual(result.err, f"vjvcr: {sentence}\n")
        self.assertEqual(result.out, "")
        self.assertEqual(result.code, [code] * ranks if ranks > 1 else code)
        after = everything_in(self.folder)
        self.assertEqual(sorted(after), sorted(before))
        self.assertTrue(after == before, "a file was changed")


class SharedCase(Case):
    """Tests of one folder that fill() makes once. No test changes it; where `copied`, each has a copy of its own."""
    copied = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = Case("succeed")
        Case.setUp(cls.shared)
        cls.addClassCleanup(cls.shared.doCleanups)
        cls.fill(cls.shared)

    def setUp(self):
        if not self.copied:
            self.folder = self.shared.folder
            return
        super().setUp()
        shutil.copytree(self.shared.folder, self.folder, dirs_exist_ok=True)


class SweepCase(SharedCase):
    """Tests of one sweep, of `text` with `settings`, in the folder out; 1 is its exit code where trials fail."""
    text, settings, code = TINY, (), 0

    @classmethod
    def fill(cls, shared):
        shared.write("sweep.yaml", cls.text)
        result = shared.run_vjvcr("sweep", "sweep.yaml", "-o", "out", *cls.settings)
        shared.assertEqual(result.code, cls.code, result.err)
        if cls.code == 0:
            shared.assertEqual(result.err, "")
        cls.printed = result.out
        cls.values = values_of(shared.path("out", "sweep.h5"))


class Checkout(Case):
    """`./vj` in a checkout of its own, with these presets, where the program is built already: CMake is a stand-in that
    does nothing."""
    presets = {}

    def setUp(self):
        super().setUp()
        for folder in ("build", "sweeps", "bin"):
            os.mkdir(self.path(folder))
        shutil.copy(os.path.join(SOURCE, "vj"), self.path("vj"))
        os.symlink(VJVCR, self.path("build", "vjvcr"))
        self.write("build/CMakeCache.txt", f"CMAKE_HOME_DIRECTORY:INTERNAL={os.path.realpath(self.folder)}\n")
        self.write("build/Makefile", "")
        self.write("bin/cmake", "#!/bin/sh\n")
        os.chmod(self.path("bin", "cmake"), 0o755)
        for name, text in self.presets.items():
            self.write(f"sweeps/{name}.yaml", text)

    def start_vj(self, *arguments):
        environment = dict(os.environ, VJ_SETUP="no", PATH=self.path("bin") + ":" + os.environ["PATH"])
        return subprocess.Popen([self.path("vj"), "reproduce", *arguments], env=environment, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def vj(self, *arguments, code=0):
        process = self.start_vj(*arguments)
        try:
            out, err = process.communicate(timeout=100)
        except subprocess.TimeoutExpired:
            whole_group(process)
            raise
        self.assertEqual(process.returncode, code, out + err)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def main():
    unittest.main(verbosity=2)
