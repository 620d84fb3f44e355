"""A step in bf16 beside the same step in fp32, which other tests hold to float64: losses within 1 %, gradients within a
bound that eight digits of factors, activations and their gradients leave (0.06 of the norm here), and of nothing wrong
in size or direction. All layers are wide enough for bf16, but for the first and the last.
"""
import os
import subprocess
import tempfile
import unittest

from support import requirements

with requirements.modules():
    import h5py
    import numpy as np

VJVCR = requirements.built("vjvcr")
YAML = """\
name: bf16
data: {dataset: moving_mnist, size: 32, digits: builtin}
model:
  encoder: {type: cnn, channels: [16, 32, 64], temporal: [64, 64], pool: 1}
  predictor: {type: mlp, hidden: [128]}
  decoder: {type: cnn, channels: [64, 32, 16, 16]}
losses: {prediction: {weight: 1}, variance: {weight: 10}, covariance: {weight: 0.1}, reconstruction: {weight: 1}}
optim: {steps: 1, batch: 8, shards: 4, warmup: 0}
"""


def arrays(group):
    found = {}
    group.visititems(lambda name, item: found.update({name: item[()].astype(float)})
                     if isinstance(item, h5py.Dataset) else None)
    return found


def step(folder, precision):
    file = os.path.join(folder, precision + ".h5")
    done = subprocess.run([VJVCR, "debug", "step", "bf16.yaml", "-o", file, "optim.precision=" + precision], cwd=folder,
                          env={**os.environ, "OMPI_MCA_ess_singleton_isolated": "1"}, capture_output=True, text=True,
                          timeout=300)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    with h5py.File(file) as opened:
        return {group: arrays(opened[group]) for group in ("loss", "grad", "state_after")}


class Step(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "bf16.yaml"), "w") as file:
                file.write(YAML)
            cls.whole, cls.half = step(folder, "fp32"), step(folder, "bf16")

    def off(self, group, names):
        wrong = sum(np.sum((self.half[group][name] - self.whole[group][name]) ** 2) for name in names)
        return np.sqrt(wrong / sum(np.sum(self.whole[group][name] ** 2) for name in names))

    def test_losses(self):
        for name, loss in self.whole["loss"].items():
            np.testing.assert_allclose(self.half["loss"][name], loss, rtol=0.01, err_msg=name)

    def test_gradients(self):
        names = sorted(self.whole["grad"])
        self.assertGreater(len(names), 20)
        self.assertLess(self.off("grad", names), 0.12)
        self.assertGreater(self.off("grad", names), 1e-4, "bf16 was not computed in bf16")
        for name in names:
            if np.linalg.norm(self.whole["grad"][name]) > 1e-6:
                self.assertLess(self.off("grad", [name]), 0.25, name)

    def test_statistics_of_batch_norm(self):
        for name in self.whole["state_after"]:
            self.assertLess(self.off("state_after", [name]), 0.01, name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
