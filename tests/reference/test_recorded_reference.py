"""The reference itself is sound, without the engine.

reference.h5 holds three steps of a tiny model. PyTorch still computes the same ones; plain NumPy loops over
channels-last arrays find the same hidden states and losses; central differences find the same gradients; and an
optimizer written out by hand finds the same parameters after the first step.
"""
import math
import os
import sys

from support import requirements

with requirements.modules():
    import h5py
    import numpy as np
    import torch  # noqa: F401
    import yaml  # noqa: F401

from comparison import Comparison
from model import NORM_EPSILON, VIEWS, WEIGHT_LAYOUTS, Model, learning_rate, read_config

RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.h5")
SAME, AFTER, DIFFERENCES = 1e-10, 1e-8, 1e-6


def read(path):
    """{group: {name: array}}, the configuration, and the batches in their order."""
    with h5py.File(path, "r") as file:
        groups = {group: {name: data[()] for name, data in file[group].items()}
                  for group in ("param", "state", "activation", "loss", "grad", "param_after", "state_after", "batch")}
        batches = [groups["batch"]["frames"]]
        while f"step{len(batches)}" in file:
            batches.append(file[f"step{len(batches)}/batch/frames"][()])
        groups["grad_norm"] = {"grad_norm": file["grad_norm"][()]}
        return groups, read_config(file.attrs["config"]), batches


def recorded_model(groups, config):
    return Model(config, groups["batch"]["frames"].shape[2:], groups["param"], groups["state"])


def recomputed_steps_are_the_recorded_ones(compare, groups, config, batches):
    model = recorded_model(groups, config)
    steps = [model.step(frames, number) for number, frames in enumerate(batches)]
    compare.arrays("activation", {name: steps[0].views[name] for name in VIEWS}, groups["activation"], SAME)
    compare.arrays("loss", steps[0].losses, groups["loss"], SAME)
    compare.arrays("gradient", steps[0].gradients, groups["grad"], SAME)
    compare.arrays("gradient norm", {"grad_norm": steps[0].gradient_norm}, groups["grad_norm"], SAME)
    after = {name: value.detach().numpy() for name, value in model.parameters.items()}
    compare.arrays("parameter after", after, groups["param_after"], AFTER)
    states = {name: value.numpy() for name, value in model.states.items()}
    compare.arrays("state after", states, groups["state_after"], AFTER)


def normalised(groups, norm, h):
    mean, variance = (take(axis=tuple(range(h.ndim - 1))) for take in (h.mean, h.var))
    weight, bias = (groups["param"][f"encoder.{norm}.{kind}"] for kind in ("weight", "bias"))
    return np.maximum(0, (h - mean) / np.sqrt(variance + NORM_EPSILON) * weight + bias)


def convolved(frames, weight, stride):
    """frames [B,T,H,W,C], weight OHWI: place by place, with zero padding of half a kernel."""
    half = weight.shape[1] // 2
    padded = np.pad(frames, ((0, 0), (0, 0), (half, half), (half, half), (0, 0)))
    places = range(0, frames.shape[2], stride)
    out = np.empty((*frames.shape[:2], len(places), len(places), len(weight)))
    for i, row in enumerate(places):
        for j, column in enumerate(places):
            patch = padded[:, :, row:row + weight.shape[1], column:column + weight.shape[2]]
            out[:, :, i, j] = np.einsum("bthwc,ohwc->bto", patch, weight)
    return out


def convolved_in_time(h, weight):
    half = weight.shape[1] // 2
    padded = np.pad(h, ((0, 0), (half, half), (0, 0), (0, 0), (0, 0)))
    frames = [np.einsum("bkhwc,okc->bhwo", padded[:, t:t + weight.shape[1]], weight) for t in range(h.shape[1])]
    return np.stack(frames, axis=1)


def encoded(groups, frames):
    """The recorded model is written out: two spatial layers of strides 1 and 2, one temporal, pooling to 2 x 2."""
    weights, h = groups["param"], frames.astype(np.float64)
    for layer, stride in enumerate((1, 2)):
        h = normalised(groups, f"norm{layer}", convolved(h, weights[f"encoder.conv{layer}.weight"], stride))
    h = normalised(groups, "time_norm0", convolved_in_time(h, weights["encoder.time0.weight"]))
    cell = h.shape[2] // 2
    corners = [(row, column) for row in (0, cell) for column in (0, cell)]
    cells = [h[:, :, row:row + cell, column:column + cell].mean(axis=(2, 3)) for row, column in corners]
    return np.concatenate(cells, axis=-1)


def numpy_finds_the_same_hidden_states(compare, groups):
    weights, cut = groups["param"], groups["activation"]["x"].shape[1]
    frames = groups["batch"]["frames"]
    hx, hy = encoded(groups, frames[:, :cut]), encoded(groups, frames[:, cut:])
    hidden = hx.reshape(len(hx), -1) @ weights["predictor.linear0.weight"].T + weights["predictor.linear0.bias"]
    flat = np.maximum(0, hidden) @ weights["predictor.linear1.weight"].T + weights["predictor.linear1.bias"]
    recorded = {name: groups["activation"][name] for name in ("hx", "hy", "hy_pred")}
    compare.arrays("NumPy's hidden", {"hx": hx, "hy": hy, "hy_pred": flat.reshape(hy.shape)}, recorded, SAME)


def numpy_finds_the_same_losses(compare, groups, config):
    hx, hy, predicted = (groups["activation"][name] for name in ("hx", "hy", "hy_pred"))
    steps = [hidden[:, t] for hidden in (hx, hy) for t in range(hidden.shape[1])]
    hinges, squares = [], []
    for rows in steps:
        covariance = np.cov(rows, rowvar=False)
        deviation = np.sqrt(np.diagonal(covariance) + float(config["losses"]["variance"]["epsilon"]))
        hinges.append(np.maximum(0, float(config["losses"]["variance"]["tau"]) - deviation).mean())
        squares.append((covariance**2)[~np.eye(len(covariance), dtype=bool)].sum() / len(covariance))
    losses = {"prediction": np.mean((predicted - hy) ** 2), "variance": np.mean(hinges), "covariance": np.mean(squares)}
    losses["total"] = sum(float(config["losses"][name]["weight"]) * loss for name, loss in losses.items())
    compare.arrays("NumPy's loss", losses, groups["loss"], SAME)


def differences_find_the_same_gradients(compare, groups, config):
    """For each parameter the slope of the total loss along a random direction, against the gradient's."""
    width, random = 1e-6, np.random.RandomState(7)
    slopes, recorded = {}, {}
    for name, value in groups["param"].items():
        direction = random.standard_normal(value.shape)
        totals = []
        for sign in (1, -1):
            moved = {**groups, "param": {**groups["param"], name: value + sign * width * direction}}
            model = recorded_model(moved, config)
            totals.append(float(model.losses(model.views(groups["batch"]["frames"]))["total"].detach()))
        slopes[name] = (totals[0] - totals[1]) / (2 * width)
        recorded[name] = np.sum(groups["grad"][name] * direction)
    compare.arrays("difference", slopes, recorded, DIFFERENCES)


def a_first_step_by_hand_is_the_same(compare, groups, config, batches):
    """AdamW after one step: both moments are the gradient's own, so that m^ = g and v^ = g^2."""
    optim = config["optim"]
    model = recorded_model(groups, config)
    model.step(batches[0], 0)
    norm = math.sqrt(sum(np.sum(gradient**2) for gradient in groups["grad"].values()))
    scale = min(1.0, float(optim["clip"]) / norm)
    compare.claim(scale < 1, f"clip {optim['clip']} is not in force at a gradient norm of {norm:.3g}")
    wanted = {}
    for name, value in groups["param"].items():
        gradient = scale * groups["grad"][name]
        decay = float(optim["weight_decay"]) if model.rows[name].layout in WEIGHT_LAYOUTS else 0
        update = gradient / (np.abs(gradient) + float(optim["epsilon"])) + decay * value
        wanted[name] = value - learning_rate(optim, 0) * update
    compare.arrays("step by hand", {name: value.detach().numpy() for name, value in model.parameters.items()}, wanted,
                   SAME)


def schedules_have_their_known_points(compare):
    """Of a peak of 2, 4 steps of warm-up and 12 in all; halfway down a cosine is the mean of its ends."""
    optim = {"lr": "2", "final_lr": "0.1", "warmup": "4", "steps": "12"}
    points = {"constant": {0: 0.5, 3: 2, 4: 2, 11: 2}, "cosine": {0: 0.5, 1: 1, 3: 2, 4: 2, 8: 1.1, 12: 0.2},
              "one_cycle": {0: 0.08, 2: 1.04, 4: 2, 8: 1.1, 12: 0.2}}
    for schedule, known in points.items():
        for step, wanted in known.items():
            rate = learning_rate({**optim, "schedule": schedule}, step)
            compare.claim(abs(rate - wanted) < 1e-12, f"{schedule} has the rate {rate!r} at step {step}, not {wanted}")


def main():
    groups, config, batches = read(RECORDED)
    compare = Comparison("reference.h5")
    recomputed_steps_are_the_recorded_ones(compare, groups, config, batches)
    numpy_finds_the_same_hidden_states(compare, groups)
    numpy_finds_the_same_losses(compare, groups, config)
    differences_find_the_same_gradients(compare, groups, config)
    a_first_step_by_hand_is_the_same(compare, groups, config, batches)
    schedules_have_their_known_points(compare)
    compare.print_table()
    for failure in compare.failures:
        print(failure)
    sys.exit(1 if compare.failures else 0)


if __name__ == "__main__":
    main()
