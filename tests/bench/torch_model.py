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

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reference"))
import model as reference  # noqa: E402
from model import integers, learning_rate, of_layer, read_config  # noqa: E402,F401
from torch_simvp import SimvpDecoder, SimvpEncoder, Translator  # noqa: E402

ACTIVATIONS = {"none": nn.Identity, "relu": lambda: nn.ReLU(inplace=True), "gelu": nn.GELU,
               "silu": lambda: nn.SiLU(inplace=True), "sigmoid": nn.Sigmoid}
CHANNELS_LAST = torch.channels_last
FUSED = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 4)  # optimizers on a CPU


# --- modules ---------------------------------------------------------------------------------------------------------

def normed(convolution, channels, activation):
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), ACTIVATIONS[activation]())


class Encoder(nn.Module):
    """Frames [B,T,C,H,W] -> hidden states [B,T,d], and nothing for a decoder. Convolutions over time are convolutions of
    kernel (k, 1) over [B, C, T, H W]: of conv1d, conv2d and conv3d the fastest here, and without a copy where channels
    are last."""

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
        return self.projection(h.permute(0, 2, 3, 1).reshape(batch, steps, -1)), None  # (row, column, channel)


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

    def forward(self, h, first=None):
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
        self.accelerated, self.iterations = config["method"] == "fista", 0  # of the newest inference through a decoder
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
            self.iterations = iteration + 1
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
    if h.shape[1] < h.shape[2]:  # fewer samples than features: the products of samples have the same squares
        products, diagonal = h @ h.transpose(1, 2), h.square().sum(1)
    else:
        products = h.transpose(1, 2) @ h
        diagonal = products.diagonal(dim1=1, dim2=2)
    squares = (products.square().sum() - diagonal.square().sum()) / (h.shape[1] - 1) ** 2
    return squares / (h.shape[0] * h.shape[2])


def reconstruction(config, views):
    return F.mse_loss(views["y_pred"], views["y"])


LOSSES = {**reference.LOSSES, "covariance": reference.over_views(covariance_term), "reconstruction": reconstruction}


ENCODERS = {"cnn": Encoder, "simvp": SimvpEncoder}
DECODERS = {"cnn": Decoder, "simvp": SimvpDecoder, "none": lambda *_: None}


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


def states(hidden, last):
    """[B,T,..] -> [B,T,d]: of maps in the order in which most of them lie in memory, channels last or first."""
    return (hidden.permute(0, 1, 3, 4, 2) if hidden.dim() == 5 and last else hidden).flatten(2)


class Model(nn.Module):
    """`frame`: (C, H, W) of the frames."""

    def __init__(self, config, frame):
        super().__init__()
        parts, data = config["model"], config["data"]
        if reference.target_of(config)["type"] != "shared":
            raise ValueError("model.target: only shared")
        self.config, self.cut = config, int(data["input_frames"])
        self.encoder = ENCODERS[parts["encoder"]["type"]](parts["encoder"], frame[0])
        with torch.no_grad(), evaluating(self.encoder):
            hidden = self.encoder(torch.zeros(1, 1, *frame))[0]
        targets, features, kind = int(data["target_frames"]), hidden.shape[2], parts["latent"]["type"]
        out = targets * features
        if hidden.dim() == 5:
            if kind != "none":
                raise ValueError("model.latent: only none beside maps")
            self.predictor = Translator(parts["predictor"], self.cut, features, targets)
        else:
            heads = int(parts["latent"]["choices"]) if kind == "discrete" else 1
            self.predictor = Predictor(parts["predictor"], self.cut * features, heads * out)
        self.latent = {"none": lambda: None, "discrete": lambda: Discrete(parts["latent"]),
                       "sparse": lambda: Sparse(parts["latent"], out)}[kind]()
        self.decoder = DECODERS[parts["decoder"]["type"]](parts["decoder"], features, frame)

    def weight_of(self, kind):
        return sum(float(loss["weight"]) for loss in self.config["losses"].values() if loss["type"] == kind)

    def predict(self, hx, hy, y):
        top = self.predictor(hx)
        if self.latent is None:
            return top.reshape(hy.shape)
        gamma = self.weight_of("reconstruction") if self.decoder is not None else 0
        hy = hy.to(y.dtype)
        return self.latent(top, hy, Energy(self.weight_of("prediction"), gamma, hy, y, self.decoder))

    def forward(self, frames):
        """Views by name, in the precision of the frames."""
        inputs = frames.to(next(self.encoder.parameters()).dtype)
        x, y = inputs[:, :self.cut], inputs[:, self.cut:]
        (hx, first), (hy, _) = self.encoder(x), self.encoder(y)
        y = frames[:, self.cut:]
        hy_pred = self.predict(hx, hy, y)
        last = hx.dim() == 5 and hx.permute(0, 1, 3, 4, 2).is_contiguous()
        views = {"y": y, "hx": states(hx, last), "hy": states(hy, last), "hy_pred": states(hy_pred, last)}
        if self.decoder is not None and self.weight_of("reconstruction"):
            views["y_pred"] = self.decoder(hy_pred, first)
        return {name: view.to(frames.dtype) for name, view in views.items()}

    def losses(self, views):
        """Unweighted, those that teach, and their weighted sum under `total`."""
        chosen = {name: loss for name, loss in self.config["losses"].items() if float(loss["weight"]) > 0}
        losses = {name: LOSSES[loss["type"]](loss, views) for name, loss in chosen.items()}
        losses["total"] = sum(float(loss["weight"]) * losses[name] for name, loss in chosen.items())
        return losses


class Trainer:
    """One step after the other. `precision`: fp32; bf16 by autocast, which rounds each weight once a step; or masters:
    layers in bf16, of whose weights the optimizer has copies in fp32, while norms and losses are fp32.
    `way`: eager, or by torch.compile, with backward: compiled as one, or in parts (encoder, predictor, decoder), as
    always with a latent, whose inference is a loop that ends when it has converged. The optimizer is one fused kernel
    where this PyTorch has it."""

    def __init__(self, config, model, precision="fp32", way="eager"):
        self.model, self.optim, self.number = model, config["optim"], 0
        self.autocast = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
        if precision == "masters":
            if model.latent is not None:
                raise ValueError("no layers in bf16 beside a latent")
            for part in model.modules():
                if isinstance(part, (nn.Conv2d, nn.Linear)):
                    part.to(torch.bfloat16)
        self.forward = self.compiled(way)
        self.low = [p for p in model.parameters() if p.dtype == torch.bfloat16]
        self.masters = [p.detach().float() for p in self.low]
        self.trained = [p for p in model.parameters() if p.dtype != torch.bfloat16] + self.masters
        self.optimizer = self.make_optimizer()

    def compiled(self, way):
        if way == "compiled" and self.model.latent is None:
            return torch.compile(self.views_and_losses)
        if way != "eager":
            for part in filter(None, (self.model.encoder, self.model.predictor, self.model.decoder)):
                part.compile()
        return self.views_and_losses

    def make_optimizer(self):
        weights = [p for p in self.trained if p.dim() > 1]
        others = [p for p in self.trained if p.dim() <= 1]
        groups = [{"params": weights, "weight_decay": float(self.optim["weight_decay"])},
                  {"params": others, "weight_decay": 0.0}]
        kernel = {"fused": True} if FUSED else {"foreach": True}
        if self.optim["type"] == "adamw":
            return torch.optim.AdamW(groups, lr=0.0, betas=tuple(reference.reals(self.optim["betas"])),
                                     eps=float(self.optim["epsilon"]), **kernel)
        return torch.optim.SGD(groups, lr=0.0, momentum=float(self.optim["momentum"]), **kernel)

    def views_and_losses(self, frames):
        with self.autocast:
            views = self.model(frames)
        return self.model.losses(views)

    def step(self, frames):
        for parameter in self.trained + self.low:
            parameter.grad = None
        losses = self.forward(frames)
        losses["total"].backward()
        for parameter, master in zip(self.low, self.masters):
            master.grad = parameter.grad.float()
        if float(self.optim["clip"]) > 0:
            nn.utils.clip_grad_norm_(self.trained, float(self.optim["clip"]))
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.optim, self.number)
        self.optimizer.step()
        if self.low:
            with torch.no_grad():
                torch._foreach_copy_(self.low, self.masters)
        self.number += 1
        return losses
