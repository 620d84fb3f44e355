"""Weights leave vjvcr whole: a reader written from the description of safetensors finds the bytes of the checkpoint, and
PyTorch computes the same hidden states with them.

https://github.com/huggingface/safetensors: 8 bytes of length (little-endian), a header in JSON, then the arrays.
"""
import json
import os
import re
import signal
import struct
import subprocess
import tempfile
import time
import unittest

from support import requirements

with requirements.modules():
    import h5py
    import numpy as np
    import torch
    import yaml  # noqa: F401

from comparison import deviation
from model import Model, integers, of_layer, read_config

PROGRAM = requirements.built("vjvcr")
HIDDEN = 1e-5

EXPERIMENT = """\
name: weights
seed: 3
data: {dataset: moving_mnist, size: 32, digit_size: 14, max_speed: 3, train_size: 256, validation_size: 32}
model:
  encoder: {type: cnn, channels: [8, 12], kernels: [5, 3], temporal: [16, 10], pool: 2}
  predictor: {type: mlp, hidden: [24]}
losses:
  prediction: {weight: 1.0}
  variance: {weight: 10.0}
  covariance: {weight: 0.1}
optim: {steps: 12, batch: 16, shards: 4, lr: 2.0e-3}
eval: {every: 1000, samples: 16}
checkpoint: {keep: weights}
"""


def read_safetensors(path):
    """{name: array}, {key: text}; every rule of the format that a reader may rely on is checked."""
    with open(path, "rb") as file:
        data = file.read()
    length, = struct.unpack("<Q", data[:8])
    assert data[8:9] == b"{" and length % 8 == 0, "the header begins with a brace, and arrays are aligned"
    header = json.loads(data[8:8 + length].decode("utf-8"))
    assert data[8:8 + length].rstrip(b" ").endswith(b"}"), "nothing but blanks follows the header"
    metadata = header.pop("__metadata__")
    assert all(isinstance(value, str) for value in metadata.values())
    arrays, buffer = {}, data[8 + length:]
    spans = sorted(entry["data_offsets"] for entry in header.values())
    assert spans[0][0] == 0 and spans[-1][1] == len(buffer), "the arrays are all that follows"
    assert all(one[1] == other[0] for one, other in zip(spans, spans[1:])), "without holes or overlaps"
    for name, entry in header.items():
        assert entry["dtype"] == "F32"
        begin, end = entry["data_offsets"]
        arrays[name] = np.frombuffer(buffer[begin:end], "<f4").reshape(entry["shape"])
    return arrays, metadata


def arrays_in(path):
    """{name: array} of parameters and states in a checkpoint."""
    with h5py.File(path, "r") as file:
        return {name: data[()] for group in ("param", "state") if group in file for name, data in file[group].items()}


def serial_of(path):
    with open(path, "rb") as file:
        return struct.unpack("<8sQQI", file.read()[-28:])[1]


def of_states(arrays):
    return {name for name in arrays if ".running_" in name}


class Network(torch.nn.Module):
    """The encoder as somebody would write it who never saw vjvcr: ordinary layers, and their own names and layouts."""

    def __init__(self, config):
        super().__init__()
        encoder, channels = config["model"]["encoder"], 1
        self.encoder = torch.nn.Module()
        self.pool, self.layers = int(encoder["pool"]), [[], []]
        for i, out in enumerate(integers(encoder["channels"])):
            kernel, stride = (of_layer(integers(encoder[key]), i) for key in ("kernels", "strides"))
            self.add(0, f"conv{i}", torch.nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False))
            self.add(0, f"norm{i}", torch.nn.BatchNorm2d(out))
            channels = out
        for i, out in enumerate(integers(encoder["temporal"])):
            kernel = int(encoder["temporal_kernel"])
            self.add(1, f"time{i}", torch.nn.Conv1d(channels, out, kernel, padding=kernel // 2, bias=False))
            self.add(1, f"time_norm{i}", torch.nn.BatchNorm1d(out))
            channels = out

    def add(self, kind, name, layer):
        setattr(self.encoder, name, layer)
        self.layers[kind].append(layer)

    @staticmethod
    def run(layers, h):
        for convolution, norm in zip(layers[::2], layers[1::2]):
            h = torch.relu(norm(convolution(h)))
        return h

    def forward(self, x):
        """[B, T, C, H, W] -> [B, T, d], features of a place beside each other."""
        batch, steps = x.shape[:2]
        h = self.run(self.layers[0], x.flatten(0, 1)).unflatten(0, (batch, steps))
        places = h.permute(0, 3, 4, 2, 1)
        h = self.run(self.layers[1], places.flatten(0, 2)).unflatten(0, places.shape[:3]).permute(0, 4, 3, 1, 2)
        h = torch.nn.functional.adaptive_avg_pool2d(h.flatten(0, 1), self.pool)
        return h.permute(0, 2, 3, 1).flatten(1).unflatten(0, (batch, steps))


class Weights(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="vjvcr-weights-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = temporary.name
        with open(cls.path("weights.yaml"), "w") as file:
            file.write(EXPERIMENT)
        cls.run_vjvcr("train", "weights.yaml", "-o", "out")
        cls.kept = cls.path("out", "weights", "trial-0000.h5")
        cls.run_vjvcr("debug", "step", "weights.yaml", "-o", "step.h5", "--from", cls.kept)

    @classmethod
    def path(cls, *names):
        return os.path.join(cls.folder, *names)

    @classmethod
    def run_vjvcr(cls, *arguments, code=0):
        environment = dict(os.environ, OMPI_MCA_ess_singleton_isolated="1")
        done = subprocess.run([PROGRAM, *arguments], cwd=cls.folder, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=300)
        assert done.returncode == code, f"`{' '.join(arguments)}` ended with {done.returncode}: {done.stderr}"
        return done

    def export(self, folder, *options):
        self.run_vjvcr("export", folder, "0", "--format", "safetensors", "-o", "exported", *options)
        return read_safetensors(self.path("exported"))

    def same_arrays(self, got, wanted):
        self.assertEqual(sorted(got), sorted(wanted))
        for name, value in wanted.items():
            self.assertEqual((got[name].shape, got[name].tobytes()), (value.shape, value.tobytes()), name)

    def test_bytes_are_those_of_the_checkpoint(self):
        arrays, metadata = self.export("out")
        self.same_arrays(arrays, arrays_in(self.kept))
        with h5py.File(self.kept) as file:
            self.assertEqual(metadata["config_hash"], f"{int(file.attrs['config_hash']) % 2 ** 64:016x}")
            self.assertEqual(metadata["config"], file.attrs["config"].decode())
            self.assertEqual(json.loads(metadata["layouts"]),
                             {name: data.attrs["layout"].decode() for group in ("param", "state")
                              for name, data in file[group].items()})
        version = self.run_vjvcr("--version").stdout.split()[1]
        self.assertEqual([metadata[key] for key in ("vjvcr_version", "layout", "trial", "seed", "steps_done")],
                         [version, "vjvcr", "0", "3", "12"])

    def test_pytorch_layout_is_a_permutation(self):
        arrays, metadata = self.export("out", "--layout", "pytorch")
        self.assertEqual((metadata["layout"], metadata["format"]), ("pytorch", "pt"))
        wanted = {}
        for name, value in arrays_in(self.kept).items():
            order = {4: (0, 3, 1, 2), 3: (0, 2, 1)}.get(value.ndim)
            name = re.sub(r"running_variance$", "running_var", name)
            wanted[name] = np.ascontiguousarray(value.transpose(order)) if order else value
        self.same_arrays(arrays, wanted)

    def test_the_reference_computes_the_same_hidden_states(self):
        arrays, metadata = self.export("out")
        with h5py.File(self.path("step.h5")) as step:
            frames = step["batch/frames"][()]
            ours = {name: step[f"activation/{name}"][()] for name in ("hx", "hy", "hy_pred")}
            self.same_arrays({name: data[()] for name, data in step["param"].items()},
                             {name: value for name, value in arrays.items() if name not in of_states(arrays)})
        states = of_states(arrays)
        model = Model(read_config(metadata["config"]), frames.shape[2:],
                      {name: value for name, value in arrays.items() if name not in states},
                      {name: arrays[name] for name in states})
        views = model.views(frames)
        for name, value in ours.items():
            self.assertLess(deviation(value, views[name].detach().numpy()), HIDDEN, name)

    def test_ordinary_layers_take_the_pytorch_layout(self):
        arrays, metadata = self.export("out", "--layout", "pytorch")
        config = read_config(metadata["config"])
        network = Network(config)
        found = network.load_state_dict({name: torch.tensor(value) for name, value in arrays.items()
                                         if name.startswith("encoder.")}, strict=False)
        self.assertEqual(found.unexpected_keys, [])
        self.assertEqual([name for name in found.missing_keys if not name.endswith("num_batches_tracked")], [])
        with h5py.File(self.path("step.h5")) as step:
            frames, hx = step["batch/frames"][()], step["activation/hx"][()]
        x = torch.tensor(frames[:, :int(config["data"]["input_frames"])]).double().permute(0, 1, 4, 2, 3)
        with torch.no_grad():
            got = network.double().train()(x)  # `debug step` lays open a training step, with the batch's statistics
        self.assertLess(deviation(hx, got.numpy()), HIDDEN)

    def test_a_trial_that_still_runs_has_its_newest_checkpoint(self):
        process = subprocess.Popen([PROGRAM, "train", "weights.yaml", "-o", "running", "optim.steps=100000",
                                    "checkpoint.steps=1"], cwd=self.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=dict(os.environ, OMPI_MCA_ess_singleton_isolated="1"))
        checkpoints = [self.path("running", "checkpoints", f"trial-0000.{slot}") for slot in (0, 1)]
        end = time.monotonic() + 100
        while time.monotonic() < end and not all(os.path.exists(path) for path in checkpoints):
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        self.export("running")  # while it runs; then once more, when what it is compared with stands still
        process.send_signal(signal.SIGKILL)
        process.wait()
        arrays, metadata = self.export("running")
        newest = max(checkpoints, key=serial_of)
        self.same_arrays(arrays, arrays_in(newest))
        with h5py.File(newest) as file:
            self.assertEqual(metadata["steps_done"], str(file.attrs["steps_done"]))
        with open(newest, "r+b") as file:  # a damaged one is passed over, as on --resume
            file.seek(5000)
            file.write(b"damage")
        other = checkpoints[newest == checkpoints[0]]
        self.same_arrays(self.export("running")[0], arrays_in(other))

    def test_weights_of_another_model_are_refused(self):
        done = self.run_vjvcr("debug", "step", "weights.yaml", "-o", "no.h5", "--from", self.kept,
                              "model.predictor.hidden=[25]", code=1)
        self.assertEqual(done.stderr, f"vjvcr: {self.kept}: it has no param/predictor.linear0.weight of the model's shape; "
                         "it is of another model\n")
        done = self.run_vjvcr("debug", "step", "weights.yaml", "-o", "no.h5", "--from", "nothing.h5", code=1)
        self.assertEqual(done.stderr, "vjvcr: nothing.h5: there is no such file\n")
        self.assertFalse(os.path.exists(self.path("no.h5")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
