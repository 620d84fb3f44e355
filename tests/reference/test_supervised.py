"""Supervised losses agree with PyTorch in float64, and the labels they learn are the data set's, standardised.

`vjvcr debug step` lays hidden states, heads and labels open: of moving digits every kind of label, and of videos one
with gaps. Numbers are standardised by what NumPy finds in the first 16 training batches, which are those that 16 steps
train on.
"""
import os
import subprocess
import sys
import tempfile

from support import requirements

with requirements.modules():
    import h5py
    import numpy as np
    import torch
    import torch.nn.functional as F

from comparison import Comparison
from model import read_config

BATCHES, TARGET_FRAMES = 16, 4
ALLOWED = 2e-5
MODEL = """\
model:
  encoder: {type: cnn, channels: [6, 8], temporal: [5], pool: 1}
  predictor: {type: mlp, hidden: [16]}
"""
DIGITS = """\
data: {dataset: moving_mnist, size: 24, digit_size: 10, digit_count: 2, target_frames: 4, train_size: 600}
losses:
  number: {type: supervised, weight: 1, target: speed}
  number_by_step: {type: supervised, weight: 1, target: position, on: [hy_pred, hx]}
  class: {type: supervised, weight: 1, target: digit_second, on: [hx, hy]}
  flags: {type: supervised, weight: 1, target: walls, on: hy_pred}
  flags_by_step: {type: supervised, weight: 1, target: bounce, on: [hy, hx]}
optim: {steps: 16, batch: 32, shards: 4}
""" + MODEL
VIDEOS = """\
data: {dataset: clevrer, root: ROOT, size: 16, target_frames: 4, stride: 2, starts: 0}
losses:
  gaps: {type: supervised, weight: 1, target: object_speed}
optim: {steps: 16, batch: 8, shards: 2}
""" + MODEL


def vjvcr(*arguments):
    done = subprocess.run([requirements.built("vjvcr"), *arguments], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"vjvcr {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def statistics_of(batches):
    """Mean, and deviation within batches, of what is known."""
    known = [~np.isnan(batch) for batch in batches]
    count = sum(each.sum(0) for each in known)
    mean = sum(np.nansum(batch, 0) for batch in batches) / np.maximum(count, 1e-9)
    freedom = sum(np.maximum(each.sum(0) - 1, 0) for each in known)
    means = [np.nansum(batch, 0) / np.maximum(each.sum(0), 1e-9) for batch, each in zip(batches, known)]
    squares = sum(np.nansum((batch - of) ** 2, 0) for batch, of in zip(batches, means))
    return mean, np.sqrt(squares / np.maximum(freedom, 1e-9))


def head(file, key, view, step_by_step):
    h = torch.tensor(file[f"activation/{view}"][()], dtype=torch.float64).flatten(2)
    weight, bias = (torch.tensor(file[f"param/losses.{key}.{view}.{kind}"][()], dtype=torch.float64,
                                 requires_grad=True) for kind in ("weight", "bias"))
    return F.linear(h if step_by_step else h.mean(1), weight, bias).flatten(1), {"weight": weight, "bias": bias}


def loss_of(kind, outputs, label, standard):
    if kind == "class":
        return F.cross_entropy(outputs, torch.tensor(label[:, 0].astype(int)))
    target = torch.tensor(standard if kind == "number" else label, dtype=torch.float64)
    if kind == "flags":
        return F.binary_cross_entropy_with_logits(outputs, target)
    known = ~torch.isnan(target)
    return F.mse_loss(outputs[known], target[known])


def check_loss(compare, file, key, config, batches):
    views = config["on"] if isinstance(config["on"], list) else [config["on"]]
    label = file[f"labels/{config['target']}"][()].astype(np.float64)
    kind = "number" if key == "gaps" else key.split("_")[0]
    mean, deviation = statistics_of(batches)
    with np.errstate(divide="ignore", invalid="ignore"):
        standard = np.where(deviation > 0, (label - mean) / deviation, np.where(np.isnan(label), np.nan, 0))
    losses, heads = [], {}
    for view in views:
        by_step = key.endswith("by_step") and file[f"activation/{view}"].shape[1] == TARGET_FRAMES
        outputs, heads[view] = head(file, key, view, by_step)
        losses.append(loss_of(kind, outputs, label, standard))
    loss = sum(losses) / len(losses)
    loss.backward()
    compare.arrays(f"loss {key}", {"": file[f"loss/{key}"][()]}, {"": float(loss)}, ALLOWED)
    for view, parameters in heads.items():
        got = {name: file[f"grad/losses.{key}.{view}.{name}"][()] for name in parameters}
        compare.arrays(f"gradient {key}", got, {name: value.grad.numpy() for name, value in parameters.items()}, ALLOWED)


def batches_of(file, name):
    """Of each step, with NaN where there is no number."""
    groups = [file[f"step{k}/batch" if k else "batch"] for k in range(BATCHES)]
    batches = [group[f"labels/{name}"][()].astype(np.float64) for group in groups]
    if "known" not in groups[0]:
        return batches
    return [np.where(group[f"known/{name}"][()] == 1, batch, np.nan) for group, batch in zip(groups, batches)]


def check(case, text, folder):
    compare = Comparison(case)
    experiment, path = os.path.join(folder, f"{case}.yaml"), os.path.join(folder, f"{case}.h5")
    with open(experiment, "w", encoding="utf-8") as to:
        to.write(text)
    vjvcr("debug", "step", experiment, "-o", path, "--steps", str(BATCHES))
    with h5py.File(path) as file:
        for key, config in read_config(text)["losses"].items():
            config.setdefault("on", "hy_pred")
            check_loss(compare, file, key, config, batches_of(file, config["target"]))
            label, first = file[f"labels/{config['target']}"][()], batches_of(file, config["target"])[0]
            compare.claim(first.shape != label.shape or np.array_equal(first, label, equal_nan=True),
                          f"{config['target']} of the first batch is not what the data set gives")
            compare.claim(key != "gaps" or 0.1 < np.isnan(label).mean() < 0.99, "no number is missing, or all are")
    compare.print_table()
    return compare.failures


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "clevrer")
        failures = check("digits", DIGITS, folder)
        vjvcr("data", "make", "clevrer", root, "--videos", "24,4,4", "--frames", "40", "--size", "48x32")
        failures += check("videos", VIDEOS.replace("ROOT", root), folder)
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
