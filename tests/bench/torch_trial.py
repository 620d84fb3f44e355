"""torch_trial.py K FOLDER LAYOUT eager|compiled: one trial of tests/bench/sweep.yaml, the script a PyTorch user starts
for each."""
import json
import math
import os
import sys

import numpy as np
import torch

from torch_data import MovingMNIST
from torch_model import Model, Trainer, read_config
from torch_sweep import TRIALS

WAYS = {"eager": "eager", "compiled": "parts"}  # whose code does not depend on weights of losses
LAYOUTS = {"default": torch.contiguous_format, "channels_last": torch.channels_last}


def train(config, seed, layout, way):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    optim = config["optim"]
    steps, batch = int(optim["steps"]), int(optim["batch"])
    splits = [MovingMNIST(config["data"], split) for split in range(3)]
    clips, _ = splits[0].batch(np.arange(len(splits[0])))
    model = Model(config, tuple(clips.shape[2:])).to(memory_format=LAYOUTS[layout])
    trainer, results = Trainer(config, model, way=WAYS[way]), {"train": [], "evaluations": []}
    results["evaluations"].append(evaluate(config, model, splits))
    order, at = torch.randperm(len(clips)), 0
    for step in range(steps):
        if at + batch > len(order):
            order, at = torch.randperm(len(clips)), 0
        losses = trainer.step(clips[order[at:at + batch]])
        at += batch
        if step % int(config["logging"]["every"]) == 0:
            results["train"].append({name: value.item() for name, value in losses.items()})
    results["evaluations"].append(evaluate(config, model, splits))
    return results


def evaluate(config, model, splits):
    section, batch = config["eval"], int(config["optim"]["batch"])
    model.eval()
    with torch.no_grad():
        samples = int(section["samples"])
        parts = [model(splits[1].batch(np.arange(first, first + batch))[0]) for first in range(0, samples, batch)]
        losses = [model.losses(part) for part in parts]
        result = {f"val_{name}": sum(part[name].item() for part in losses) / len(losses) for name in losses[0]}
        for view in ("hx", "hy", "hy_pred"):
            values = torch.linalg.svdvals(torch.cat([part[view] for part in parts]).flatten(0, 1))
            p = values / values.sum() + 1e-7
            result[f"{view}_singular_values"] = values.tolist()
            result[f"{view}_rankme"] = math.exp(-(p * p.log()).sum().item())
        counts = [int(section[f"probe_{split}"]) for split in ("train", "validation", "test")]
        result.update(ridge(*[features_of(model, data, count, batch) for data, count in zip(splits, counts)]))
    model.train()
    return result


def features_of(model, data, count, batch):
    features, speeds = [], []
    for first in range(0, count, batch):
        clips, speed = data.batch(np.arange(first, min(first + batch, count)))
        features.append(model(clips)["hy_pred"].flatten(1))
        speeds.append(speed)
    return torch.cat(features).double(), torch.cat(speeds).double()


def ridge(train, validation, test):
    """Standardised features, a dual solution for each of nine penalties, one Gram matrix for all."""
    (x, y), penalties = train, [10.0 ** k for k in range(-4, 5)]
    mean, deviation = x.mean(0), x.std(0, unbiased=False).clamp_min(1e-12)
    standard, centre = (lambda h: (h - mean) / deviation), y.mean()
    z = standard(x)
    gram, best = z @ z.T, None
    across, across_test = (standard(h) @ z.T for h in (validation[0], test[0]))
    for penalty in penalties:
        system = gram.clone()
        system.diagonal().add_(penalty * len(x))
        factor, failed = torch.linalg.cholesky_ex(system)
        if failed:
            continue
        dual = torch.cholesky_solve((y - centre).unsqueeze(1), factor)[:, 0]
        error = (across @ dual + centre - validation[1]).square().mean().item()
        if best is None or error < best[0]:
            best = error, penalty, (across_test @ dual + centre - test[1]).square().mean().item()
    return {"probe_speed_mse_validation": best[0], "probe_speed_lambda": best[1], "probe_speed_mse": best[2],
            "probe_speed_baseline_mse": (test[1] - centre).square().mean().item()}


def main():
    number, folder, layout, way = int(sys.argv[1]), *sys.argv[2:]
    with open(os.path.join(folder, "config.yaml"), encoding="utf-8") as file:
        config = read_config(file.read())
    trial = TRIALS[number]
    for loss in ("variance", "covariance"):
        config["losses"][loss]["weight"] = str(trial[loss])
    with open(os.path.join(folder, f"trial-{number}.json"), "w", encoding="utf-8") as file:
        json.dump({**trial, **train(config, trial["seed"], layout, way)}, file)


if __name__ == "__main__":
    main()
