"""One small trial in either precision has the bits that it has had on other machines: checksums (CRC-32) of what was
learned, of the losses and of what evaluations recorded of frames and features stand in trial_checksums.json. So every
machine on which the tests run, with any compiler, distribution and processor, is compared with the first. Figures that
OpenBLAS has a part in are test_lapack_checksum.c's, since their last digits are those of its version.

Who changes these numbers on purpose, as by another order of a sum, writes the new ones, and says why in the commit:

    PYTHONPATH=tests /usr/bin/python3 tests/reference/test_trial_checksum.py --update
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import zlib

from support import requirements

with requirements.modules():
    import h5py

VJVCR = requirements.built("vjvcr")
RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "trial_checksums.json")
PRECISIONS = ["fp32", "bf16"]
YAML = """\
name: checksum
data: {dataset: moving_mnist, size: 16, digit_size: 10, digits: builtin, train_size: 64, validation_size: 16}
model:
  encoder: {type: cnn, channels: [16, 32], temporal: [64, 64], pool: 1}
  predictor: {type: mlp, hidden: [32]}
  decoder: {type: cnn, channels: [16, 16]}
  latent: {type: gaussian, size: 4}
losses: {prediction: {}, reconstruction: {}, variance: {weight: 10.0}, covariance: {weight: 0.1}}
optim: {lr: 1.0e-3, steps: 20, batch: 8, shards: 4}
eval: {every: 10, samples: 16, states: 8, probes: {}}
checkpoint: {keep: weights}
logging: {every: 1}
sweep: {trials: {fp32: {optim.precision: fp32}, bf16: {optim.precision: bf16}}}
"""


def checksum(arrays):
    value = 0
    for name, array in sorted(arrays.items()):
        value = zlib.crc32(array.tobytes(), zlib.crc32(name.encode(), value))
    return f"{value:08x}"


OF_OPENBLAS = re.compile(r".*_(singular_values|explained_variance|effective_rank|rankme|lidar|correlation|"
                         r"alpha_req|nesum|cluster_learnability|intrinsic_dimension)")


def checksums():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "trial.yaml"), "w") as file:
            file.write(YAML)
        done = subprocess.run([VJVCR, "sweep", "trial.yaml", "-o", "out"], cwd=folder, capture_output=True, text=True,
                              env={**os.environ, "OMPI_MCA_ess_singleton_isolated": "1"}, timeout=300)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        found = {}
        with h5py.File(os.path.join(folder, "out", "sweep.h5")) as sweep:
            for trial, precision in enumerate(PRECISIONS):
                losses = {name: sweep[name][trial] for name in sweep if name.startswith(("train_", "val_"))}
                evaluated = {name: sweep[name][trial] for name in sweep
                             if name.startswith(("hx_", "hy_", "picture_")) and not OF_OPENBLAS.fullmatch(name)}
                with h5py.File(os.path.join(folder, "out", "weights", f"trial-{trial:04}.h5")) as weights:
                    learned = {f"{group}/{name}": array[()] for group in ("param", "state")
                               for name, array in weights[group].items()}
                found[precision] = {"losses": checksum(losses), "evaluations": checksum(evaluated),
                                    "weights": checksum(learned)}
        return found


class Checksums(unittest.TestCase):
    def test_are_those_of_other_machines(self):
        with open(RECORDED) as file:
            self.assertEqual(checksums(), json.load(file), __doc__)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        with open(RECORDED, "w") as recorded:
            json.dump(checksums(), recorded, indent=2)
            recorded.write("\n")
    else:
        unittest.main(verbosity=2)
