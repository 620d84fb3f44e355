"""Before the first step a model is measured with running statistics of training clips, not with 0 and 1.

They are compared with PyTorch's: means over the first 16 batches in the trial's order, of its first weights. And the
hidden states of an untrained encoder then vary as they do in training, on any number of ranks.
"""
import os
import subprocess
import sys
import tempfile

from support import requirements

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "reference"))
with requirements.modules():
    import h5py
    import numpy as np
    import torch

    import model as reference

BATCHES = 16  # VJ_CALIBRATION_BATCHES
CONFIG = """\
name: zero
data: {dataset: moving_mnist, size: 32, digit_size: 14, max_speed: 3, train_size: 200, validation_size: 64}
model:
  encoder: {type: cnn, channels: [4, 8], temporal: [16], pool: 2}
  predictor: {type: mlp, hidden: [16]}
%s
losses: {prediction: {weight: 1.0}, variance: {weight: 1.0, on: [hx]}}
optim: {steps: %d, batch: 16, shards: 4}
eval: {every: 1000, samples: 64, states: 8}
checkpoint: {keep: weights}
"""
failures = []


def claim(true, sentence):
    if not true:
        failures.append(sentence)


def run(*command, ranks=1):
    mpirun = ["mpirun", "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []
    done = subprocess.run([*mpirun, requirements.built("vjvcr"), *command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300)
    if done.returncode:
        sys.exit(done.stdout.decode("utf-8", "replace"))


def arrays_of(group):
    return {name: data[()] for name, data in group.items()}


def means_of_batches(step_file):
    """{state: mean over batches and, where one encoder sees both, over x and y}, their variances unbiased, and the mean
    standard deviation of a feature of hx as training sees it. A momentum of 1 leaves those of the newest batch."""
    reference.NORM_MOMENTUM = 1
    with h5py.File(step_file) as file:
        config = reference.read_config(file.attrs["config"])
        batches = [file[f"step{k}/batch/frames" if k else "batch/frames"][()] for k in range(BATCHES)]
        net = reference.Model(config, batches[0].shape[2:], arrays_of(file["param"]), arrays_of(file["state"]))
    seen, spreads, inputs = {}, [], int(config["data"]["input_frames"])
    averaged = config["model"]["target"]["type"] == "ema"
    with torch.no_grad():
        for frames in batches:
            clips = torch.tensor(frames, dtype=torch.float64)
            for part, view, name in ((clips[:, :inputs], "hx", "encoder"),
                                     (clips[:, inputs:], "hy", "target.encoder" if averaged else "encoder")):
                hidden = net.encode(part, view, name)[view]
                for state, value in net.states.items():
                    if state.startswith(name) and "running" in state:
                        seen.setdefault(state, []).append(value.numpy().copy())
                if view == "hx":
                    spreads.append(float(hidden.flatten(0, 1).std(0).mean()))
    return {name: np.array(values) for name, values in seen.items()}, np.mean(spreads)


def check_statistics(folder, name, target):
    """Training's first step then moves each towards those of its own batch, the first: by a tenth, x before y."""
    path, steps = f"{folder}/{name}.yaml", f"{folder}/{name}-steps.yaml"
    open(path, "w").write(CONFIG % (target, 1))
    open(steps, "w").write(CONFIG % (target, BATCHES))
    run("sweep", path, "-o", f"{folder}/{name}")
    run("debug", "step", steps, "-o", f"{folder}/{name}.step", "--steps", str(BATCHES))
    seen, spread = means_of_batches(f"{folder}/{name}.step")
    with h5py.File(f"{folder}/{name}/weights/trial-0000.h5") as file:
        for state, values in seen.items():
            wanted, each = values.mean(0), len(values) // BATCHES
            for value in values[:each]:
                wanted = 0.9 * wanted + 0.1 * value
            got = file[f"state/{state}"][()]
            error = np.abs(got - wanted).max() / np.abs(wanted).max()
            claim(error < 2e-5, f"{name}: {state} is {error:.1e} of itself off PyTorch's")
        claim(len(seen) == (12 if target else 6), f"{name}: {len(seen)} statistics were compared")
    with h5py.File(f"{folder}/{name}/sweep.h5") as file:
        found = float(file["hx_feature_std"][0, 0])
    claim(abs(found / spread - 1) < 0.3,
          f"{name}: features of hx vary by {found:.4f} before training, in training's first batches by {spread:.4f}")
    return path


def check_ranks(folder, path):
    run("sweep", path, "-o", f"{folder}/two", ranks=2)
    with h5py.File(f"{folder}/shared/sweep.h5") as one, h5py.File(f"{folder}/two/sweep.h5") as two:
        for name in one:
            if name.startswith("time_") or one[name].ndim < 2 or one[name].dtype.kind != "f":
                continue
            claim(one[name][()].tobytes() == two[name][()].tobytes(), f"{name} has other bits on two ranks")


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = check_statistics(folder, "shared", "")
        check_ranks(folder, path)
        check_statistics(folder, "average", "  target: {type: ema}")
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


main()
