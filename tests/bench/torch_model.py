"""The model that vjvcr trains, as one would write it in PyTorch to be fast on a CPU.

Modules of torch.nn in either memory layout, batched operations throughout, the optimizer over lists of tensors
(foreach). tests/reference/model.py says the same in float64 and in the engine's own layouts, to be read beside a
formula; what needs no speed is taken from there. Built from the resolved configuration, the one that
`vjvcr train FILE.yaml --print-config` prints and step.h5 holds.
"""
import contextlib
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reference"))
import model as reference  # noqa: E402
from model import integers, learning_rate, of_layer, read_config  # noqa: E402,F401

ACTIVATIONS = {"none": nn.Identity, "relu": lambda: nn.ReLU(inplace=True), "gelu": nn.GELU,
               "silu": lambda: nn.SiLU(inplace=True), "sigmoid": nn.Sigmoid}
CHANNELS_LAST = torch.channels_last


# --- modules ---------------------------------------------------------------------------------------------------------

def normed(convolution, channels, activation):
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), ACTIVATIONS[activation]())


class Encoder(nn.Module):
    """Frames [B,T,C,H,W] -> hidden states [B,T,d]. Convolutions over time are convolutions of kernel (k, 1) over
    [B, C, T, H W]: of conv1d, conv2d and conv3d the fastest here, and without a copy where channels are last."""

    def __init__(self, config, channels):
        super().__init__()
        self.pool, activation = int(config["pool"]), config["activation"]
        self.spatial, self.temporal = nn.Sequential(), nn.Sequential()
        for layer, out in enumerate(integers(config["channels"])):
            kernel, stride = (of_layer(integers(config[key]), layer) for key in ("kernels", "strides"))
            convolution = nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False)
            self.spatial.append(normed(convolution, out, activation))
            channels = out
        kernel = int(config["temporal_kernel"])
        for out in integers(config["temporal"]):
            convolution = nn.Conv2d(channels, out, (kernel, 1), padding=(kernel // 2, 0), bias=False)
            self.temporal.append(normed(convolution, out, activation))
            channels = out
        self.projection = nn.Linear(channels * self.pool ** 2, int(config["projection"])) \
            if int(config["projection"]) else nn.Identity()

    def forward(self, frames):
        batch, steps = frames.shape[:2]
        h = self.spatial(frames.flatten(0, 1))
        height, width = h.shape[2:]
        if len(self.temporal):
            h = h.unflatten(0, (batch, steps)).flatten(3).transpose(1, 2)  # [B, C, T, H W]
            h = self.temporal(h).unflatten(3, (height, width)).transpose(1, 2).flatten(0, 1)
        if self.pool:
            h = F.adaptive_avg_pool2d(h, self.pool)
        return self.projection(h.permute(0, 2, 3, 1).reshape(batch, steps, -1))  # (row, column, channel)


class Predictor(nn.Module):
    """[B,Tx,d] -> [B, `out`]: all target steps at once."""

    def __init__(self, config, features, out):
        super().__init__()
        self.layers = nn.Sequential()
        for width in integers(config["hidden"]):
            self.layers.append(nn.Linear(features, width))
            self.layers.append(ACTIVATIONS[config["activation"]]())
            features = width
        self.layers.append(nn.Linear(features, out))

    def forward(self, hx):
        return self.layers(hx.flatten(1))


class Decoder(nn.Module):
    """Hidden states [B,T,d] -> frames [B,T,C,H,W]."""

    def __init__(self, config, features, frame):
        super().__init__()
        channels, self.frame = integers(config["channels"]), frame
        scale = 2 ** (len(channels) - 1)
        self.grid = (channels[0], frame[1] // scale, frame[2] // scale)
        self.linear, self.stages = nn.Linear(features, math.prod(self.grid)), nn.Sequential()
        for before, out in zip(channels, channels[1:]):
            self.stages.append(nn.Sequential(nn.Conv2d(before, 4 * out, 3, padding=1, bias=False), nn.PixelShuffle(2),
                                             nn.BatchNorm2d(out), ACTIVATIONS[config["activation"]]()))
        self.readout = nn.Conv2d(channels[-1], frame[0], 3, padding=1)

    def forward(self, h):
        grid = self.linear(h.flatten(0, 1)).unflatten(1, self.grid)
        if self.readout.weight.is_contiguous(memory_format=CHANNELS_LAST) and self.grid[0] > 1:
            grid = grid.contiguous(memory_format=CHANNELS_LAST)
        return self.readout(self.stages(grid)).unflatten(0, h.shape[:2])


# --- latents ---------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def evaluating(module):
    """Running statistics, as in the energy that latents minimise."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)


def mean_square(a, b):
    """[B]"""
    return (a - b).square().flatten(1).mean(1)


class Discrete(nn.Module):
    """z is one of K: the head of least energy; only it learns."""

    def __init__(self, config):
        super().__init__()
        self.choices, self.revive = int(config["choices"]), float(config["revive"])
        self.register_buffer("usage", torch.ones(self.choices))

    def forward(self, top, hy, energy):
        candidates = top.unflatten(1, (self.choices, -1))
        with torch.no_grad():
            each = energy(candidates.unflatten(2, hy.shape[1:]))
            if self.training and self.revive > 0:
                each = each - (2 - 2 / self.revive * self.usage).clamp(0, 1) * each.mean(0)
            chosen = each.argmin(1)
            if self.training:
                share = torch.bincount(chosen, minlength=self.choices) * (self.choices / len(chosen))
                self.usage.lerp_(share.to(self.usage.dtype), 0.01)
        return candidates[torch.arange(len(chosen)), chosen].unflatten(1, hy.shape[1:])


class Sparse(nn.Module):
    """z is sparse and enters the top layer linearly. FISTA for all samples of the batch at once; a sample that has
    converged stays where it is, and the loop ends when all have."""

    def __init__(self, config, out):
        super().__init__()
        if config["scale"] != "unit_norm" or config["remove_static"] != "false" or float(config["noise"]) > 0 \
                or float(config["target_sparsity"]) > 0:
            raise ValueError("model.latent: only scale: unit_norm, without remove_static, noise and target_sparsity")
        self.size, self.penalty = int(config["size"]), float(config["lambda"])
        self.steps, self.unrolled_steps = int(config["steps"]), int(config["unrolled_steps"])
        self.tolerance, self.positive = float(config["tolerance"]), config["positive"] == "true"
        self.accelerated = config["method"] == "fista"
        self.weight = nn.Parameter(torch.empty(out, self.size).uniform_(-1, 1) / math.sqrt(self.size))

    def shrink(self, u, threshold):
        return F.relu(u - threshold) if self.positive else u.sign() * F.relu(u.abs() - threshold)

    def forward(self, base, hy, energy):
        columns = F.normalize(self.weight, dim=0)
        with torch.no_grad():
            infer = self.unrolled if energy.gamma > 0 else self.quadratic
            z = infer(base.detach().to(hy.dtype), columns.detach(), hy.detach(), energy)
        return (base + z @ columns.T).unflatten(1, hy.shape[1:])

    def quadratic(self, base, columns, hy, energy):
        """The energy is alpha |base + W z - hy|^2 / D: an iteration needs W'W and W'(hy - base) only."""
        residual, numbers = hy.flatten(1) - base, base.shape[1]
        gram, correlation = columns.T @ columns, residual @ columns
        rate = 1 / (1.0001 * torch.linalg.eigvalsh(gram)[-1])
        threshold = rate * (self.penalty / energy.alpha * numbers / 2)
        z = torch.zeros_like(correlation)
        ahead, momentum, done = z, 1.0, torch.zeros(len(z), 1, dtype=torch.bool)
        for _ in range(self.steps):
            u = self.shrink(torch.addmm(ahead, ahead, gram, alpha=-float(rate)) + rate * correlation, threshold)
            u = torch.where(done, z, u)
            faster = (1 + math.sqrt(1 + 4 * momentum * momentum)) / 2 if self.accelerated else 1.0
            change = u - z
            ahead = u + (momentum - 1) / faster * change
            done = change.norm(dim=1, keepdim=True) <= self.tolerance * z.norm(dim=1, keepdim=True)
            z, momentum = u, faster
            if done.all():
                break
        return z

    def unrolled(self, base, columns, hy, energy):
        """Each iteration is a back-propagation through the energy; step sizes by backtracking, one for each sample."""
        def value(z):
            return energy((base + z @ columns.T).unflatten(1, hy.shape[1:])).unsqueeze(1)

        def slope(z):
            with torch.enable_grad():
                z = z.detach().requires_grad_()
                energies = value(z)
                gradient, = torch.autograd.grad(energies.sum(), z)
            return energies.detach(), gradient

        rounding = 4 * torch.finfo(base.dtype).eps
        z = base.new_zeros(len(base), self.size)
        ahead = z
        energy_ahead, gradient = slope(z)
        best = energy_ahead
        distance = 0.5 * math.sqrt(self.size)
        _, there = slope(-distance * F.normalize(gradient, dim=1))
        rate = distance / (there - gradient).norm(dim=1, keepdim=True)
        momentum, done = torch.ones_like(rate), torch.zeros_like(rate, dtype=torch.bool)
        for iteration in range(self.unrolled_steps):
            if iteration:
                energy_ahead, gradient = slope(ahead)
            u = self.shrink(ahead - rate * gradient, rate * self.penalty)
            at_u, d = value(u), u - ahead
            bound = energy_ahead + (gradient * d).sum(1, True) + d.square().sum(1, True) / (2 * rate)
            short = at_u <= bound + rounding * energy_ahead.abs()
            better = at_u + self.penalty * u.abs().sum(1, True) <= best + self.penalty * z.abs().sum(1, True)
            moves, returns = short & better & ~done, short & ~better & ~done
            rate = torch.where(short | done, rate, rate / 2)
            faster = (1 + torch.sqrt(1 + 4 * momentum * momentum)) / 2 if self.accelerated else momentum
            change = u - z
            small = change.norm(dim=1, keepdim=True) <= self.tolerance * z.norm(dim=1, keepdim=True)
            ahead = torch.where(moves, u + (momentum - 1) / faster * change, torch.where(returns, z, ahead))
            done = done | (moves & small) | (returns & (momentum == 1))
            momentum = torch.where(moves, faster, torch.where(returns, torch.ones_like(momentum), momentum))
            best, z = torch.where(moves, at_u, best), torch.where(moves, u, z)
            if done.all():
                break
        return z


# --- losses ----------------------------------------------------------------------------------------------------------

def covariance_term(config, view):
    """All time steps in one batched product."""
    if config["norm"] == "eb_jepa":
        return reference.covariance_term(config, view)
    h = view.flatten(2).transpose(0, 1)  # [T, B, d]
    h = h - h.mean(1, keepdim=True)
    covariance = h.transpose(1, 2) @ h / (h.shape[1] - 1)
    squares = covariance.square().sum() - covariance.diagonal(dim1=1, dim2=2).square().sum()
    return squares / (h.shape[0] * h.shape[2])


def reconstruction(config, views):
    return F.mse_loss(views["y_pred"], views["y"])


LOSSES = {**reference.LOSSES, "covariance": reference.over_views(covariance_term), "reconstruction": reconstruction}


# --- the whole -------------------------------------------------------------------------------------------------------

class Energy:
    """Of candidates [B,..,T,d]: [B,..], the mean over T and d of alpha (h - hy)^2 + gamma (Dec(h) - y)^2."""

    def __init__(self, alpha, gamma, hy, y, decoder):
        self.alpha, self.gamma = (1.0 if alpha == 0 and gamma == 0 else alpha), gamma
        self.hy, self.y, self.decoder = hy.detach(), y, decoder

    def __call__(self, h):
        extra = h.dim() - self.hy.dim()
        if extra:  # K candidates of each sample
            flat = Energy(self.alpha, self.gamma, self.hy.repeat_interleave(h.shape[1], 0),
                          self.y.repeat_interleave(h.shape[1], 0) if self.gamma else self.y, self.decoder)
            return flat(h.flatten(0, 1)).unflatten(0, h.shape[:2])
        energy = self.alpha * mean_square(h.to(self.hy.dtype), self.hy) if self.alpha else 0
        if self.gamma:
            with evaluating(self.decoder):
                energy = energy + self.gamma * mean_square(self.decoder(h).to(self.y.dtype), self.y)
        return energy


class Model(nn.Module):
    """`frame`: (C, H, W) of the frames."""

    def __init__(self, config, frame):
        super().__init__()
        parts, data = config["model"], config["data"]
        if reference.target_of(config)["type"] != "shared":
            raise ValueError("model.target: only shared")
        self.config, self.cut = config, int(data["input_frames"])
        self.encoder = Encoder(parts["encoder"], frame[0])
        with torch.no_grad(), evaluating(self.encoder):
            features = self.encoder(torch.zeros(1, 1, *frame)).shape[2]
        out, kind = int(data["target_frames"]) * features, parts["latent"]["type"]
        heads = int(parts["latent"]["choices"]) if kind == "discrete" else 1
        self.predictor = Predictor(parts["predictor"], self.cut * features, heads * out)
        self.latent = {"none": lambda: None, "discrete": lambda: Discrete(parts["latent"]),
                       "sparse": lambda: Sparse(parts["latent"], out)}[kind]()
        self.decoder = Decoder(parts["decoder"], features, frame) if parts["decoder"]["type"] != "none" else None

    def weight_of(self, kind):
        return sum(float(loss["weight"]) for loss in self.config["losses"].values() if loss["type"] == kind)

    def predict(self, hx, hy, y):
        top = self.predictor(hx)
        if self.latent is None:
            return top.unflatten(1, hy.shape[1:])
        gamma = self.weight_of("reconstruction") if self.decoder is not None else 0
        hy = hy.to(y.dtype)
        return self.latent(top, hy, Energy(self.weight_of("prediction"), gamma, hy, y, self.decoder))

    def forward(self, frames):
        """Views by name, in the precision of the frames."""
        x, y = frames[:, :self.cut], frames[:, self.cut:]
        hx, hy = self.encoder(x), self.encoder(y)
        hy_pred = self.predict(hx, hy, y)
        views = {"y": y, "hx": hx, "hy": hy, "hy_pred": hy_pred}
        if self.decoder is not None and self.weight_of("reconstruction"):
            views["y_pred"] = self.decoder(hy_pred)
        return {name: view.to(frames.dtype) for name, view in views.items()}

    def losses(self, views):
        """Unweighted, those that teach, and their weighted sum under `total`."""
        chosen = {name: loss for name, loss in self.config["losses"].items() if float(loss["weight"]) > 0}
        losses = {name: LOSSES[loss["type"]](loss, views) for name, loss in chosen.items()}
        losses["total"] = sum(float(loss["weight"]) * losses[name] for name, loss in chosen.items())
        return losses


class Trainer:
    """One step after the other. `precision`: fp32, or bf16 by autocast."""

    def __init__(self, config, model, precision="fp32"):
        self.model, self.optim, self.number = model, config["optim"], 0
        self.autocast = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
        weights = [p for p in model.parameters() if p.dim() > 1]
        others = [p for p in model.parameters() if p.dim() <= 1]
        groups = [{"params": weights, "weight_decay": float(self.optim["weight_decay"])},
                  {"params": others, "weight_decay": 0.0}]
        if self.optim["type"] == "adamw":
            self.optimizer = torch.optim.AdamW(groups, lr=0.0, betas=tuple(reference.reals(self.optim["betas"])),
                                               eps=float(self.optim["epsilon"]), foreach=True)
        else:
            self.optimizer = torch.optim.SGD(groups, lr=0.0, momentum=float(self.optim["momentum"]), foreach=True)

    def step(self, frames):
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast:
            views = self.model(frames)
        losses = self.model.losses(views)
        losses["total"].backward()
        if float(self.optim["clip"]) > 0:
            nn.utils.clip_grad_norm_(self.model.parameters(), float(self.optim["clip"]))
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.optim, self.number)
        self.optimizer.step()
        self.number += 1
        return losses


# --- the engine's arrays ---------------------------------------------------------------------------------------------

def names_of(model):
    """{PyTorch's name: the engine's} of parameters and buffers."""
    names = {}

    def pair(module, convolution, norm):
        names[f"{module}.0.weight"] = f"{convolution}.weight"
        norm_at = f"{module}.{2 if module.startswith('decoder') else 1}"
        for theirs, ours in (("weight", "weight"), ("bias", "bias"), ("running_mean", "running_mean"),
                             ("running_var", "running_variance")):
            names[f"{norm_at}.{theirs}"] = f"{norm}.{ours}"

    for layer in range(len(model.encoder.spatial)):
        pair(f"encoder.spatial.{layer}", f"encoder.conv{layer}", f"encoder.norm{layer}")
    for layer in range(len(model.encoder.temporal)):
        pair(f"encoder.temporal.{layer}", f"encoder.time{layer}", f"encoder.time_norm{layer}")
    for layer in range(0, len(model.predictor.layers), 2):
        for kind in ("weight", "bias"):
            names[f"predictor.layers.{layer}.{kind}"] = f"predictor.linear{layer // 2}.{kind}"
    for kind in ("weight", "bias"):
        names[f"encoder.projection.{kind}"] = f"encoder.projection.{kind}"
        names[f"decoder.linear.{kind}"] = f"decoder.linear.{kind}"
        names[f"decoder.readout.{kind}"] = f"decoder.readout.{kind}"
    for stage in range(len(model.decoder.stages) if model.decoder is not None else 0):
        pair(f"decoder.stages.{stage}", f"decoder.conv{stage}", f"decoder.norm{stage}")
    names["latent.weight"], names["latent.usage"] = "predictor.latent.weight", "predictor.latent.usage"
    return {theirs: ours for theirs, ours in names.items() if theirs in model.state_dict()}


def rows_reordered(model, name, array, back=False):
    """The engine counts the rows of the decoder's maps as (row, column, channel) and (i, j, channel), PyTorch's
    unflatten and PixelShuffle with the channel first."""
    if name.startswith("decoder.linear"):
        shape, order = (model.decoder.grid[1:] + model.decoder.grid[:1]), (2, 0, 1)
    elif name.startswith("decoder.conv"):
        shape, order = (2, 2, array.shape[0] // 4), (2, 0, 1)
    else:
        return array
    if back:
        shape, order = tuple(shape[i] for i in order), tuple(np.argsort(order))
    rest = array.shape[1:]
    array = array.reshape(*shape, *rest)
    return array.transpose(*order, *range(3, array.ndim)).reshape(-1, *rest)


def to_torch(model, name, array):
    """An array of the engine, by the engine's name, in PyTorch's layout."""
    array = rows_reordered(model, name, np.asarray(array))
    if array.ndim == 4:  # OHWI
        array = array.transpose(0, 3, 1, 2)
    elif array.ndim == 3:  # OTI
        array = array.transpose(0, 2, 1)[..., None]
    return torch.from_numpy(np.ascontiguousarray(array))


def to_engine(model, name, tensor):
    """The reverse."""
    array = tensor.detach().numpy()
    if array.ndim == 4:
        array = array[..., 0].transpose(0, 2, 1) if ".time" in name else array.transpose(0, 2, 3, 1)
    return rows_reordered(model, name, np.ascontiguousarray(array), back=True)


def load(model, arrays):
    """Takes over parameters and states: {the engine's name: array}."""
    own, names = model.state_dict(), names_of(model)
    wanted = set(arrays) - {"predictor.latent.log_lambda"}
    if set(names.values()) != wanted:
        raise ValueError(f"the file has {sorted(wanted)}; the configuration asks for {sorted(names.values())}")
    with torch.no_grad():
        for theirs, ours in names.items():
            own[theirs].copy_(to_torch(model, ours, arrays[ours]))


def clips_of(frames):
    """[B,T,H,W,C] of the engine -> [B,T,C,H,W]."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(frames, 4, 2)))
