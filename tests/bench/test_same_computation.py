"""The PyTorch program that we measure ourselves against does what vjvcr does.

`vjvcr debug step` lays a step open; from its batch and weights torch_model.py has to come to the same losses,
gradients, parameters and running statistics after the step: in float64, and in float32 in both memory layouts, as it is
measured.
A comparison of times is worth nothing without. (PyTorch 1.13 sums the moments of channels-last images in float, one
after the other, so that layout rounds more.)
"""
import collections
import os
import subprocess
import tempfile
import unittest

from support import requirements

with requirements.modules():
    import h5py
    import numpy as np
    import torch
    import yaml  # noqa: F401

from torch_arrays import clips_of, load, names_of, to_engine
from torch_model import Model, Trainer, read_config

from comparison import Comparison  # of tests/reference, where torch_model looks too

Tolerance = collections.namedtuple("Tolerance", "loss gradient after state")
KINDS = {  # of computing in PyTorch
    "float64": (torch.float64, torch.contiguous_format, Tolerance(1e-5, 1e-5, 2e-5, 1e-5)),
    "float32": (torch.float32, torch.contiguous_format, Tolerance(1e-5, 1e-4, 2e-5, 1e-5)),
    "float32, channels last": (torch.float32, torch.channels_last, Tolerance(1e-4, 1e-3, 1e-3, 2e-4)),
}
YAML = """\
seed: 5
data: {dataset: moving_mnist, size: 32, digit_size: 14, target_frames: 5, train_size: 64}
model:
  encoder: {type: cnn, channels: [8, 12], temporal: [16, 12], pool: 2}
  predictor: {type: mlp, hidden: [24, 20]}
losses:
  prediction: {weight: 1.0}
  variance: {weight: 10.0}
  covariance: {weight: 0.5}
optim: {steps: 10, batch: 16, shards: 4, clip: 0.5, warmup: 3}
"""
DECODER = ("model.decoder={type: cnn, channels: [12, 8, 8], activation: silu}", "losses.reconstruction={weight: 3.0}")
SPARSE = "model.latent={type: sparse, size: 6, lambda: 2.0e-3, tolerance: 1.0e-6, unrolled_steps: 40}"
SIMVP = ("model.encoder={type: simvp, channels: 8}",
         "model.predictor={type: gsta, width: 20, blocks: 3, mlp_ratio: 3, first_drop_path: 0}",
         "model.decoder={type: simvp}", "losses.reconstruction={weight: 3.0}", "data.size=16", "data.digit_size=8")
CASES = {
    "without latent": (),
    "whole grids, other activations": ("model.encoder.pool=0", "model.encoder.activation=silu", "data.size=16",
                                       "data.digit_size=8", "model.predictor.activation=gelu"),
    "projection": ("model.encoder.projection=10", "model.encoder.activation=silu", "losses.covariance.norm=vicreg",
                   "losses.variance.norm=vicreg"),
    "with decoder": DECODER,
    "discrete": ("model.latent={type: discrete, choices: 4, revive: 1.0}",),
    "discrete, with decoder": ("model.latent={type: discrete, choices: 4}", *DECODER),
    "sparse": (SPARSE,),
    "sparse, with decoder": (SPARSE, *DECODER),
    "sparse, with decoder, one iteration": (SPARSE, *DECODER, "model.latent.unrolled_steps=1"),
    "sgd": ("optim.type=sgd", "optim.lr=0.3"),
    "simvp": SIMVP,
    "simvp, with skip": (*SIMVP[:2], "model.decoder={type: simvp, skip: e1}", *SIMVP[3:]),
}

# The energy through a decoder is nearly quadratic, and the first step as long as that allows: whether it was too long
# is decided by rounding. Codes then end at the same place on other ways, where they are converged to about 1e-4.
BY_ROUNDING = {"sparse, with decoder": Tolerance(1e-5, 3e-3, 2e-4, 2e-4)}


def text(value):
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def arrays_of(file, group, names=None):
    """Of a group, those with these names: the engine also records reports and states of its own."""
    return {name: data[()] for name, data in file[group].items() if names is None or name in names}


class SameComputation(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name

    def lay_open(self, overrides):
        config, path = (os.path.join(self.folder, name) for name in ("bench.yaml", "step.h5"))
        with open(config, "w", encoding="utf-8") as file:
            file.write(YAML)
        done = subprocess.run([requirements.built("vjvcr"), "debug", "step", config, "-o", path, *overrides],
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return path

    def compare(self, file, case, kind):
        dtype, layout, tolerance = KINDS[kind]
        tolerance = Tolerance(*map(max, tolerance, BY_ROUNDING.get(case, tolerance)))
        config = read_config(text(file.attrs["config"]))
        frames = clips_of(file["batch/frames"][()]).to(dtype)
        model = Model(config, tuple(frames.shape[2:]))
        load(model, {**arrays_of(file, "param"), **arrays_of(file, "state")})
        model = model.to(dtype=dtype, memory_format=layout)
        losses = {name: value.item() for name, value in Trainer(config, model).step(frames).items()}
        compare, names = Comparison(f"{case}, {kind}"), names_of(model)
        trained = {names[name]: parameter for name, parameter in model.named_parameters()}
        norm, clip = float(file["grad_norm"][()]), float(config["optim"]["clip"])
        compare.claim(norm > clip, f"the gradient's norm {norm:.3g} is never clipped")
        # PyTorch's are clipped, ours not yet; a gradient that vanishes is held against the whole of them
        gradients = {name: norm / min(norm, clip) * to_engine(model, name, p.grad) for name, p in trained.items()}
        after = {name: to_engine(model, name, p) for name, p in trained.items()}
        states = {names[name]: buffer.numpy() for name, buffer in model.named_buffers() if name in names}
        compare.arrays("loss", losses, arrays_of(file, "loss", losses), tolerance.loss)
        compare.arrays("gradient", gradients, arrays_of(file, "grad"), tolerance.gradient, floor=1e-5 * norm)
        compare.arrays("parameter after", after, arrays_of(file, "param_after"), tolerance.after)
        compare.arrays("state after", states, arrays_of(file, "state_after", states), tolerance.state)
        for name, value in arrays_of(file, "param").items() if dtype == torch.float64 else ():
            moved = np.linalg.norm(after[name] - value)
            compare.claim(moved > 1e-4 * np.linalg.norm(value), f"{name} moves by {moved:.1e} only")
        compare.print_table()
        return compare.failures

    def check(self, case):
        self.maxDiff = None
        failures = []
        with h5py.File(self.lay_open(CASES[case])) as file:
            for kind in KINDS:
                failures += self.compare(file, case, kind)
        self.assertEqual(failures, [])


for _number, _case in enumerate(CASES):
    setattr(SameComputation, f"test_{_number}_" + "_".join(_case.replace(",", "").split()),
            lambda self, case=_case: self.check(case))


if __name__ == "__main__":
    torch.set_num_threads(1)
    unittest.main(verbosity=2)
