"""The PyTorch program that we measure ourselves against does what vjvcr does.

`vjvcr debug step` lays a step open; from its batch and weights torch_model.py, in float32 and in both of its memory
layouts, has to come to the same losses, gradients, parameters and running statistics after the step. A comparison of
times is worth nothing without.
"""
import os
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
    import numpy as np
    import torch
    import yaml  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}; the comparison needs PyTorch, PyYAML, h5py and NumPy")
    sys.exit(77)

from torch_model import Model, Trainer, clips_of, load, names_of, read_config, to_engine

from comparison import Comparison  # of tests/reference, where torch_model looks too

LOSS, GRADIENT, AFTER = 1e-5, 1e-4, 1e-4
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
DECODER = ("model.decoder={type: cnn, channels: [12, 8, 8]}", "losses.reconstruction={weight: 3.0}")
SPARSE = "model.latent={type: sparse, size: 6, lambda: 2.0e-3, tolerance: 1.0e-6, unrolled_steps: 12}"
CASES = {
    "without latent": (),
    "whole grids, other activations": ("model.encoder.pool=0", "model.encoder.activation=silu", "data.size=16",
                                       "data.digit_size=8", "model.predictor.activation=gelu"),
    "projection": ("model.encoder.projection=10", "losses.covariance.norm=vicreg", "losses.variance.norm=vicreg"),
    "with decoder": DECODER,
    "discrete": ("model.latent={type: discrete, choices: 4, revive: 1.0}",),
    "discrete, with decoder": ("model.latent={type: discrete, choices: 4}", *DECODER),
    "sparse": (SPARSE,),
    "sparse, with decoder": (SPARSE, *DECODER),
    "sgd": ("optim.type=sgd",),
}


def arrays_of(file, group):
    return {name: data[()] for name, data in file[group].items()} if group in file else {}


class SameComputation(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name

    def lay_open(self, overrides):
        config, path = (os.path.join(self.folder, name) for name in ("bench.yaml", "step.h5"))
        with open(config, "w", encoding="utf-8") as file:
            file.write(YAML)
        done = subprocess.run([os.environ["VJVCR"], "debug", "step", config, "-o", path, *overrides],
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return path

    def compare(self, file, case, layout):
        text = file.attrs["config"]
        config = read_config(text.decode() if isinstance(text, bytes) else str(text))
        frames = clips_of(file["batch/frames"][()])
        model = Model(config, tuple(frames.shape[2:]))
        load(model, {**arrays_of(file, "param"), **arrays_of(file, "state")})
        model = model.to(memory_format=layout)
        trainer = Trainer(config, model)
        losses = {name: value.item() for name, value in trainer.step(frames).items()}
        names, compare = names_of(model), Comparison(f"{case}, {layout}")
        wanted = {name: value for name, value in arrays_of(file, "loss").items() if name in losses}
        compare.arrays("loss", losses, wanted, LOSS)
        # Of names that PyTorch trains; log_lambda and other states of the engine are its own.
        trained = {names[name]: parameter for name, parameter in model.named_parameters()}
        norm = float(file["grad_norm"][()])
        scale = norm / min(norm, float(config["optim"]["clip"]))  # PyTorch's are clipped, ours not yet
        gradients = {name: scale * to_engine(model, name, value.grad) for name, value in trained.items()}
        compare.arrays("gradient", gradients, arrays_of(file, "grad"), GRADIENT, floor=1e-5 * norm)
        after = {name: to_engine(model, name, value) for name, value in trained.items()}
        compare.arrays("parameter after", after, arrays_of(file, "param_after"), AFTER)
        states = {names[name]: buffer.numpy() for name, buffer in model.named_buffers() if name in names}
        wanted = {name: value for name, value in arrays_of(file, "state_after").items() if name in states}
        compare.arrays("state after", states, wanted, LOSS)
        compare.claim(norm > float(config["optim"]["clip"]), f"the gradient's norm {norm:.3g} is never clipped")
        for name, value in arrays_of(file, "param").items():
            moved = np.linalg.norm(after[name] - value)
            compare.claim(moved > 3 * AFTER * np.linalg.norm(value), f"{name} hardly moves: nothing is compared")
        compare.print_table()
        return compare.failures

    def check(self, case):
        failures = []
        with h5py.File(self.lay_open(CASES[case])) as file:
            for layout in (torch.contiguous_format, torch.channels_last):
                failures += self.compare(file, case, layout)
        self.assertEqual(failures, [])


for _number, _case in enumerate(CASES):
    setattr(SameComputation, f"test_{_number}_" + "_".join(_case.replace(",", "").split()),
            lambda self, case=_case: self.check(case))


if __name__ == "__main__":
    torch.set_num_threads(1)
    unittest.main(verbosity=2)
