"""Ten training steps of the engine against PyTorch in float64, for every *.yaml of this folder.

`vjvcr debug step` lays the steps open: batches, parameters, activations, losses, gradients, parameters after. From its
batches and first parameters everything else is computed again by model.py.
"""
import glob
import os
import subprocess
import sys
import tempfile

from support import requirements

with requirements.modules():
    import h5py
    import numpy as np
    import torch  # noqa: F401
    import yaml  # noqa: F401

from comparison import Comparison, deviation
from model import VIEWS, Model, read_config

STEPS = 10
HIDDEN, LOSS, GRADIENT, AFTER, STATE = 1e-5, 1e-5, 1e-4, 1e-4, 3e-5
KINK = 2e-6
TIMEOUT_SECONDS = 300
FOLDER = os.path.dirname(os.path.abspath(__file__))


def arrays_of(group):
    return {name: data[()] for name, data in group.items()}


def text(value):
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def run_engine(config, path):
    command = [requirements.built("vjvcr"), "debug", "step", config, "-o", path, "--steps", str(STEPS)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_SECONDS)
    if done.returncode != 0:
        print(done.stdout.decode("utf-8", "replace"))
        print(f"`{' '.join(command)}` ended with {done.returncode}")
    return done.returncode == 0 and os.path.exists(path)


def check_file(compare, file, config, rows):
    """The form of the file, and the batches that everything else is computed from."""
    batch = int(config["optim"]["batch"])
    frames, numbers = file["batch/frames"], file["batch/numbers"]
    steps = int(config["data"]["input_frames"]) + int(config["data"]["target_frames"])
    size = int(config["data"]["size"])
    compare.claim(file.attrs["step"] == 0, f"the attribute step is {file.attrs['step']}; expected 0")
    compare.claim("vjvcr_version" in file.attrs, "the attribute vjvcr_version is missing")
    compare.claim(frames.shape == (batch, steps, size, size, 1),
                  f"batch/frames is {list(frames.shape)}; expected {[batch, steps, size, size, 1]}")
    compare.claim(numbers.dtype == np.int64 and numbers.shape == (batch,) and len(set(numbers[()])) == batch,
                  f"batch/numbers is {numbers[()]}; expected {batch} different numbers of type int64")
    for name, row in rows.items():
        layout = text(file[f"param/{name}"].attrs["layout"])
        compare.claim(layout == row.layout, f"param/{name} has the layout {layout}; expected {row.layout}")
    for name, label in file["labels"].items():
        compare.claim(label.shape[0] == batch, f"labels/{name} is {list(label.shape)}; expected {batch} rows")


def batches_of(compare, file):
    batches = [file["batch/frames"][()]] + [file[f"step{k}/batch/frames"][()] for k in range(1, STEPS)]
    for k, frames in enumerate(batches):
        compare.claim(0 <= frames.min() and frames.max() <= 1 and frames.std() > 0,
                      f"the frames of step {k} are not pictures with numbers in [0, 1]")
        compare.claim(k == 0 or not np.array_equal(frames, batches[k - 1]),
                      f"steps {k - 1} and {k} have the same batch")
    return batches


def noise_of(file, number):
    group = f"step{number}/noise" if number else "noise"
    return arrays_of(file[group]) if group in file else {}


def check_steps(compare, file):
    config = read_config(text(file.attrs["config"]))
    model = Model(config, file["batch/frames"].shape[2:], arrays_of(file["param"]), arrays_of(file["state"]))
    check_file(compare, file, config, model.rows)
    norms = []
    for number, frames in enumerate(batches_of(compare, file)):
        step = model.step(frames, number, noise_of(file, number))
        norms.append(step.gradient_norm)
        check_kink(compare, config, number, step.views)
        if number > 0:
            continue
        activations, losses = arrays_of(file["activation"]), arrays_of(file["loss"])
        inputs = {name: activations.pop(name) for name in ("x", "y") if name in activations}
        compare.arrays("frames", inputs, {name: step.views[name] for name in ("x", "y")}, 0)
        hidden = {name: value for name, value in step.views.items() if name in VIEWS[2:] or name in activations}
        compare.arrays("hidden state", activations, hidden, HIDDEN)
        compare.arrays("loss", losses, step.losses, LOSS)
        # A gradient that vanishes is held against the whole of them.
        compare.arrays("gradient", arrays_of(file["grad"]), step.gradients, GRADIENT, floor=1e-6 * step.gradient_norm)
        compare.arrays("gradient norm", {"all": file["grad_norm"][()]}, {"all": step.gradient_norm}, GRADIENT)
    after = {name: value.detach().numpy() for name, value in model.parameters.items()}
    compare.arrays("parameter after", arrays_of(file["param_after"]), after, AFTER)
    states = {name: value.numpy() for name, value in model.states.items()}
    compare.arrays("state after", arrays_of(file["state_after"]), states, STATE)
    check_reach(compare, config, arrays_of(file["param"]), after, norms)
    check_averages(compare, arrays_of(file["param"]), after, states)


def check_kink(compare, config, number, views):
    """The absolute distance has a kink at 0. A number on its other side in float32 would be no error of the engine."""
    if not any(loss.get("distance") == "l1" and float(loss["weight"]) > 0 for loss in config["losses"].values()):
        return
    nearest = np.abs(views["hy_pred"] - views["hy"]).min()
    compare.claim(nearest > KINK, f"in step {number} a prediction comes within {nearest:.0e} of its target, where the "
                  "absolute distance has no slope; choose another seed in the YAML")


def check_reach(compare, config, before, after, norms):
    """What is not reached is not tested: parameters move far beyond the tolerance, and a clip takes hold."""
    for name, value in after.items():
        moved = np.linalg.norm(value - before[name])
        compare.claim(moved > 10 * AFTER * np.linalg.norm(value),
                      f"{name} moves by {moved:.1e} only, too little for a test of the optimizer")
    clip = float(config["optim"]["clip"])
    compare.claim(clip < max(norms),
                  f"clip {clip} is never in force; gradient norms are {min(norms):.3g} to {max(norms):.3g}")


def check_averages(compare, before, after, states):
    """An average that stayed where it began, or followed its parameter at once, would be found."""
    for name in after:
        average = states.get(f"target.{name}")
        if average is None:
            continue
        for what, other in (("its beginning", before[name]), ("its parameter", after[name])):
            apart = deviation(average, other)
            compare.claim(apart > 10 * STATE, f"target.{name} ends within {apart:.1e} of {what}")


def main():
    failures = []
    for config in sorted(glob.glob(os.path.join(FOLDER, "*.yaml"))):
        compare = Comparison(os.path.basename(config))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "step.h5")
            compare.claim(run_engine(config, path), "the engine did not run, or wrote no file")
            if not compare.failures:
                with h5py.File(path, "r") as file:
                    check_steps(compare, file)
                compare.print_table()
        failures += compare.failures
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
