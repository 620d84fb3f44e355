"""The reference: encoder cnn, predictor mlp, the losses, the optimizers and their schedules in PyTorch, in float64.

Plain functions of torch.nn.functional; every gradient is autograd's, and the optimizers are PyTorch's own. Parameters
keep the layouts of the engine (OHWI, OTI, OI) and are permuted on the way in, so that gradients come back in them.

    python3 tests/reference/model.py --write

makes reference.h5 again: three steps of a tiny model in the form of `vjvcr debug step`, in float64.
"""
import collections
import math
import os
import sys

import h5py
import numpy as np
import torch
import torch.nn.functional as F
import yaml

NORM_EPSILON = 1e-5
NORM_MOMENTUM = 0.1
COSINE_EPSILON = 1e-12
ACTIVATIONS = {"none": lambda x: x, "relu": F.relu, "gelu": F.gelu, "silu": F.silu, "sigmoid": torch.sigmoid}
WEIGHT_LAYOUTS = ("OHWI", "OTI", "OI")

Row = collections.namedtuple("Row", "layout shape")
VIEWS = ("x", "y", "hx", "hy", "hy_pred")  # those laid open; inner layers may be

Step = collections.namedtuple("Step", "views losses gradients gradient_norm")


# --- configuration ---------------------------------------------------------------------------------------------------

def read_config(text):
    """The resolved YAML as maps, lists and strings: YAML 1.1 would take the key `on` for true and 1e-3 for text."""
    return yaml.load(text, Loader=yaml.BaseLoader)


def items(value):
    """A single scalar is a list of one."""
    return value if isinstance(value, list) else [value]


def integers(value):
    return [int(item) for item in items(value)]


def reals(value):
    return [float(item) for item in items(value)]


def of_layer(values, layer):
    """One number stands for all layers."""
    return values[0 if len(values) == 1 else layer]


def target_of(config):
    """How hy is made; files older than the choice have none."""
    return config["model"].get("target", {"type": "shared"})


def rows_of(config, frame):
    """{name: Row} of parameters and of states, for frames of shape (H, W, C)."""
    encoder, predictor, data = config["model"]["encoder"], config["model"]["predictor"], config["data"]
    height, width, channels = frame
    parameters, states = {}, {}

    def add_norm(name, channels):
        for kind in ("weight", "bias"):
            parameters[f"encoder.{name}.{kind}"] = Row("C", (channels,))
        for kind in ("running_mean", "running_variance"):
            states[f"encoder.{name}.{kind}"] = Row("C", (channels,))

    for layer, out in enumerate(integers(encoder["channels"])):
        kernel, stride = (of_layer(integers(encoder[key]), layer) for key in ("kernels", "strides"))
        parameters[f"encoder.conv{layer}.weight"] = Row("OHWI", (out, kernel, kernel, channels))
        add_norm(f"norm{layer}", out)
        height, width = ((size + 2 * (kernel // 2) - kernel) // stride + 1 for size in (height, width))
        channels = out
    for layer, out in enumerate(integers(encoder["temporal"])):
        parameters[f"encoder.time{layer}.weight"] = Row("OTI", (out, int(encoder["temporal_kernel"]), channels))
        add_norm(f"time_norm{layer}", out)
        channels = out
    if target_of(config)["type"] == "ema":
        states.update({f"target.{name}": row for name, row in {**parameters, **states}.items()})
    pool = int(encoder["pool"])
    features = channels * (pool * pool if pool else height * width)
    first, last = (int(data[key]) * features for key in ("input_frames", "target_frames"))
    sizes = [first, *integers(predictor["hidden"]), last]
    for layer, (fan_in, out) in enumerate(zip(sizes, sizes[1:])):
        parameters[f"predictor.linear{layer}.weight"] = Row("OI", (out, fan_in))
        parameters[f"predictor.linear{layer}.bias"] = Row("O", (out,))
    return parameters, states


# --- losses ----------------------------------------------------------------------------------------------------------

def prediction(config, views):
    predicted, target = views["hy_pred"], views["hy"]
    if config["distance"] == "mse":
        return F.mse_loss(predicted, target)
    if config["distance"] == "l1":
        return F.l1_loss(predicted, target)
    a, b = predicted.flatten(2), target.flatten(2)
    norms = a.square().sum(-1) * b.square().sum(-1)
    return (1 - (a * b).sum(-1) / torch.sqrt(norms + COSINE_EPSILON)).mean()


def variance_term(config, view):
    if config["norm"] == "eb_jepa":
        variance = view.flatten(0, -2).var(dim=0, unbiased=True)
    else:
        variance = view.flatten(2).var(dim=0, unbiased=True)
    hinge = F.relu(float(config["tau"]) - torch.sqrt(variance + float(config["epsilon"])))
    return hinge.mean() * (0.5 if config["norm"] == "vicreg" else 1)


def offdiagonal(rows):
    """Sum of the squared covariances of different columns."""
    covariance = torch.cov(rows.T, correction=1)
    return covariance.square().sum() - covariance.diagonal().square().sum()


def covariance_term(config, view):
    if config["norm"] == "eb_jepa":
        width = view.shape[-1]
        return offdiagonal(view.flatten(0, -2)) / (width * (width - 1))
    h = view.flatten(2)
    return sum(offdiagonal(h[:, t]) for t in range(h.shape[1])) / (h.shape[1] * h.shape[2])


def correlation_term(config, view):
    epsilon = float(config["epsilon"])

    def mean_square(rows):
        covariance = torch.cov(rows.T, correction=1)
        scale = (covariance.diagonal() + epsilon).rsqrt()
        correlation = covariance * scale * scale[:, None]
        width = len(scale)
        return (correlation.square().sum() - correlation.diagonal().square().sum()) / (width * (width - 1))
    if config["norm"] == "eb_jepa":
        return mean_square(view.flatten(0, -2))
    h = view.flatten(2)
    return sum(mean_square(h[:, t]) for t in range(h.shape[1])) / h.shape[1]


def covariance_or_correlation(config, view):
    return (correlation_term if config.get("form") == "correlation" else covariance_term)(config, view)


def over_views(term):
    """The mean over views, each weighing as many time steps as it has, times its own weight."""
    def loss(config, views):
        chosen = [views[name] for name in items(config["on"])]
        weights = reals(config.get("view_weights", [])) or [1.0] * len(chosen)
        steps = sum(view.shape[1] for view in chosen)
        return sum(weight * view.shape[1] / steps * term(config, view)
                   for weight, view in zip(weights, chosen) if weight)
    return loss


def epps_pulley(x, knots, t_max):
    """Of each column of x [N, ..]: N integral exp(-t^2/2) |mean exp(i t x) - exp(-t^2/2)|^2 dt."""
    t = torch.linspace(-t_max, t_max, knots, dtype=x.dtype)
    normal = torch.exp(-t.square() / 2)
    characteristic = torch.exp(1j * x[..., None] * t).mean(0)
    return len(x) * torch.trapezoid((characteristic - normal).abs().square() * normal, t)


def drawn_directions(noise):
    """Unit vectors for hidden states [B,T,d]: new ones where d is not that of the view before."""
    remaining, directions = list(noise), [None]

    def directions_for(h):
        if directions[0] is None or directions[0].shape[1] != h.shape[2]:
            directions[0] = F.normalize(torch.as_tensor(remaining.pop(0)).to(h.dtype))
        return directions[0]
    return directions_for


def sigreg(config, views, *noise):
    """`noise`: standard normal numbers [directions, width], one array for each change of width among the views."""
    directions_for = drawn_directions(noise)

    def term(config, view):
        h = view.flatten(2)
        return epps_pulley(h @ directions_for(h).T, int(config["knots"]), float(config["t_max"])).mean()
    return over_views(term)(config, views)


def visreg(config, views, *noise):
    directions_for = drawn_directions(noise)

    def term(config, view):
        h = view.flatten(2)
        mean = h.mean(0)
        deviation = torch.sqrt(h.var(dim=0, unbiased=False) + float(config["epsilon"]))
        fixed = deviation.detach() if config["detach"] == "true" else deviation
        order = ((h - mean) / fixed @ directions_for(h).T).sort(dim=0).values
        n = torch.arange(1, len(h) + 1, dtype=h.dtype)
        quantiles = math.sqrt(2) * torch.erfinv(2 * n / (len(h) + 1) - 1)
        parts = {"shape": (order - quantiles[:, None, None]).square(), "scale": (1 - deviation).square(),
                 "center": mean.square()}
        return sum(float(config[name]) * part.mean() for name, part in parts.items())
    return over_views(term)(config, views)


def straightening_term(config, view):
    velocity = view.flatten(2).diff(dim=1)
    before, after = velocity[:, :-1], velocity[:, 1:]
    norms = before.square().sum(-1) * after.square().sum(-1)
    return (1 - (before * after).sum(-1) / torch.sqrt(norms + float(config["epsilon"]))).mean()


def barlow_twins(config, views):
    a, b = (views[name].flatten(2).flatten(0, 1) for name in config["on"])
    a, b = (F.batch_norm(h, None, None, training=True, eps=float(config["epsilon"])) for h in (a, b))
    correlation = a.T @ b / len(a)
    diagonal = correlation.diagonal()
    different = correlation - torch.diag(diagonal)
    return ((1 - diagonal).square().sum() + float(config["lambda"]) * different.square().sum()) / len(diagonal)


LOSSES = {"prediction": prediction, "variance": over_views(variance_term),
          "covariance": over_views(covariance_or_correlation), "sigreg": sigreg, "visreg": visreg,
          "straightening": over_views(straightening_term), "barlow_twins": barlow_twins}


# --- optimizers ------------------------------------------------------------------------------------------------------

def learning_rate(optim, step):
    """Of step 0..steps-1."""
    peak, final, steps, warmup = (float(optim[key]) for key in ("lr", "final_lr", "steps", "warmup"))
    if step < warmup and optim["schedule"] == "one_cycle":
        low = peak / 25
        return low + (peak - low) * 0.5 * (1 - math.cos(math.pi * step / warmup))
    if step < warmup:
        return peak * (step + 1) / warmup
    if optim["schedule"] == "constant":
        return peak
    final *= peak
    return final + (peak - final) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def on_course(section, name, step, steps):
    """Of the weight decay and of a target's momentum, at step 0..steps-1."""
    first, last = float(section[name]), float(section.get(f"final_{name}", 0))
    course = section.get(f"{name}_schedule", "constant")
    done = {"constant": 0, "linear": step / steps, "cosine": (1 - math.cos(math.pi * step / steps)) / 2}[course]
    return first + (last - first) * done


def optimizer_of(optim, rows, parameters):
    """Weights decay; norms and biases do not."""
    def group(decays, decay):
        chosen = [parameters[name] for name, row in rows.items() if (row.layout in WEIGHT_LAYOUTS) == decays]
        return {"params": chosen, "weight_decay": decay}
    groups = [group(True, float(optim["weight_decay"])), group(False, 0.0)]
    if optim["type"] == "adamw":
        return torch.optim.AdamW(groups, lr=0.0, betas=tuple(reals(optim["betas"])), eps=float(optim["epsilon"]))
    return torch.optim.SGD(groups, lr=0.0, momentum=float(optim["momentum"]))


# --- the model -------------------------------------------------------------------------------------------------------

class Model:
    """`parameters` and `states`: {name: array} in the engine's layouts; `frame`: the (H, W, C) of its frames."""

    def __init__(self, config, frame, parameters, states, dtype=torch.float64):
        self.config, self.dtype = config, dtype
        self.rows, self.state_rows = rows_of(config, frame)
        for kind, rows, arrays in (("parameter", self.rows, parameters), ("state", self.state_rows, states)):
            if sorted(rows) != sorted(arrays):
                raise ValueError(f"{kind}s are {sorted(arrays)}; the configuration asks for {sorted(rows)}")
            for name, row in rows.items():
                if tuple(arrays[name].shape) != row.shape:
                    raise ValueError(f"{name} is {list(arrays[name].shape)}; expected {row.layout} {list(row.shape)}")
        self.parameters = {name: torch.tensor(np.asarray(value), dtype=dtype, requires_grad=True)
                           for name, value in parameters.items()}
        self.states = {name: torch.tensor(np.asarray(value), dtype=dtype) for name, value in states.items()}
        self.optimizer = optimizer_of(config["optim"], self.rows, self.parameters)

    def normalise(self, h, name):
        """Batch norm with the statistics of this call's batch, which also enter the running ones, then the activation;
        channels are dimension 1."""
        values = {**self.parameters, **self.states}
        mean, variance, weight, bias = (values[f"{name}.{kind}"]
                                        for kind in ("running_mean", "running_variance", "weight", "bias"))
        h = F.batch_norm(h, mean, variance, weight, bias, training=True, momentum=NORM_MOMENTUM, eps=NORM_EPSILON)
        return ACTIVATIONS[self.config["model"]["encoder"]["activation"]](h)

    def encode(self, frames, view, name="encoder"):
        """Frames [B,T,H,W,C] -> {view: hidden state [B,T,d], or [B,T,H',W',C'] without pooling}, and beside it the
        inner layers, as "hx.conv0"; by the encoder, or by its average, "target.encoder"."""
        encoder, values = self.config["model"]["encoder"], {**self.parameters, **self.states}
        batch, steps = frames.shape[:2]
        views = {}
        h = frames.flatten(0, 1).permute(0, 3, 1, 2)
        for layer in range(len(integers(encoder["channels"]))):
            weight = values[f"{name}.conv{layer}.weight"].permute(0, 3, 1, 2)
            stride = of_layer(integers(encoder["strides"]), layer)
            h = F.conv2d(h, weight, stride=stride, padding=weight.shape[-1] // 2)
            h = self.normalise(h, f"{name}.norm{layer}")
            views[f"{view}.conv{layer}"] = h.unflatten(0, (batch, steps)).permute(0, 1, 3, 4, 2)
        height, width = h.shape[2:]
        h = h.unflatten(0, (batch, steps)).permute(0, 3, 4, 2, 1).flatten(0, 2)  # [B H W, C, T]
        for layer in range(len(integers(encoder["temporal"]))):
            weight = values[f"{name}.time{layer}.weight"].permute(0, 2, 1)
            h = self.normalise(F.conv1d(h, weight, padding=weight.shape[-1] // 2), f"{name}.time_norm{layer}")
            views[f"{view}.time{layer}"] = h.unflatten(0, (batch, height, width)).permute(0, 4, 1, 2, 3)
        h = h.unflatten(0, (batch, height, width)).permute(0, 4, 3, 1, 2)  # [B, T, C, H, W]
        pool = int(encoder["pool"])
        if pool:
            h = F.adaptive_avg_pool2d(h.flatten(0, 1), pool).unflatten(0, (batch, steps))
        h = h.permute(0, 1, 3, 4, 2)
        views[view] = h.flatten(2) if pool else h
        return views

    def predict(self, hx, shape):
        predictor = self.config["model"]["predictor"]
        layers = len(integers(predictor["hidden"])) + 1
        h = hx.flatten(1)
        for layer in range(layers):
            name = f"predictor.linear{layer}"
            h = F.linear(h, self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"])
            if layer + 1 < layers:
                h = ACTIVATIONS[predictor["activation"]](h)
        return h.reshape(shape)

    def encode_target(self, y):
        """hy and its inner layers; a gradient flows through them only where the encoder is shared."""
        target = target_of(self.config)["type"]
        views = self.encode(y, "hy", "target.encoder" if target == "ema" else "encoder")
        return views if target == "shared" else {name: value.detach() for name, value in views.items()}

    def average(self, number):
        """Before the optimizer's step: the averages take in the parameters that this step was made with."""
        for name, value in self.parameters.items():
            if f"target.{name}" in self.states:
                momentum = on_course(target_of(self.config), "momentum", number, int(self.config["optim"]["steps"]))
                self.states[f"target.{name}"].mul_(momentum).add_(value.detach(), alpha=1 - momentum)

    def views(self, frames):
        """x before y: both calls update the running statistics, in this order."""
        frames = torch.as_tensor(np.asarray(frames)).to(self.dtype)
        cut = int(self.config["data"]["input_frames"])
        x, y = frames[:, :cut], frames[:, cut:]
        views = {"x": x, "y": y, **self.encode(x, "hx")}
        views.update(self.encode_target(y))
        views["hy_pred"] = self.predict(views["hx"], views["hy"].shape)
        return views

    def losses(self, views, noise={}):
        """Unweighted, by name, and their weighted sum under `total`. `noise`: {"losses.<name>.<i>": what it drew}."""
        losses = {}
        for name, loss in self.config["losses"].items():
            drawn = [noise[key] for key in sorted(noise) if key.rpartition(".")[0] == f"losses.{name}"]
            losses[name] = LOSSES[loss["type"]](loss, views, *drawn)
        losses["total"] = sum(float(self.config["losses"][name]["weight"]) * loss for name, loss in losses.items())
        return losses

    def step(self, frames, number, noise={}):
        """One training step. Its gradients and their norm are those before clipping."""
        self.optimizer.zero_grad()
        views = self.views(frames)
        losses = self.losses(views, noise)
        losses["total"].backward()
        gradients = {name: parameter.grad.clone() for name, parameter in self.parameters.items()}
        norm = math.sqrt(sum(float(gradient.double().square().sum()) for gradient in gradients.values()))
        clip = float(self.config["optim"]["clip"])
        for parameter in self.parameters.values():
            if 0 < clip < norm:
                parameter.grad.mul_(clip / norm)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config["optim"], number)
            if group["weight_decay"]:
                group["weight_decay"] = on_course(self.config["optim"], "weight_decay", number,
                                                  int(self.config["optim"]["steps"]))
        self.average(number)
        self.optimizer.step()
        return Step(*({name: value.detach().numpy() for name, value in values.items()}
                      for values in (views, losses, gradients)), norm)


def initial_values(config, frame, random):
    """Parameters and states as training begins: weights and the predictor's biases uniform on +-1/sqrt(fan in)."""
    rows, state_rows = rows_of(config, frame)
    parameters = {}
    for name, row in rows.items():
        if row.layout == "C":
            parameters[name] = np.full(row.shape, float(name.endswith("weight")))
            continue
        weight = rows[name.replace("bias", "weight")].shape
        bound = 1 / math.sqrt(np.prod(weight[1:]))
        parameters[name] = random.uniform(-bound, bound, row.shape)
    states = {name: np.full(row.shape, float(name.endswith("variance"))) for name, row in state_rows.items()}
    return parameters, states


# --- the file --------------------------------------------------------------------------------------------------------

def write_step(path, text, batches, random, dtype=torch.float64):
    """Trains on the batches from fresh parameters and writes everything in the form of `vjvcr debug step`."""
    config = read_config(text)
    frame = batches[0].shape[2:]
    parameters, states = initial_values(config, frame, random)
    model = Model(config, frame, parameters, states, dtype)
    before = {name: value.detach().numpy().copy() for name, value in model.parameters.items()}
    states = {name: value.numpy().copy() for name, value in model.states.items()}
    steps = [model.step(frames, number) for number, frames in enumerate(batches)]
    with h5py.File(path, "w") as file:
        file.attrs["config"] = text
        file.attrs["vjvcr_version"] = "reference"
        file.attrs["step"] = 0
        activations = {name: steps[0].views[name] for name in VIEWS}
        groups = {"param": before, "state": states, "activation": activations, "loss": steps[0].losses,
                  "grad": steps[0].gradients, "": {"grad_norm": steps[0].gradient_norm},
                  "param_after": {name: value.detach().numpy() for name, value in model.parameters.items()},
                  "state_after": {name: value.numpy() for name, value in model.states.items()},
                  "batch": {"frames": batches[0], "numbers": np.arange(len(batches[0]), dtype=np.int64)}}
        for k, frames in enumerate(batches[1:], 1):
            groups[f"step{k}/batch"] = {"frames": frames}
        for group, arrays in groups.items():
            for name, value in arrays.items():
                value = np.asarray(value)
                file.create_dataset(f"{group}/{name}", data=value, compression="gzip" if value.ndim > 3 else None)
        for name, row in model.rows.items():
            file[f"param/{name}"].attrs["layout"] = row.layout


RECORDED = """\
data: {dataset: moving_mnist, input_frames: 2, target_frames: 3, seed: 0, size: 8, digit_size: 4}
model:
  encoder:
    {type: cnn, channels: [4, 6], kernels: [3], strides: [1, 2], temporal: [6], temporal_kernel: 3, pool: 2,
     activation: relu}
  predictor: {type: mlp, hidden: [12], activation: relu}
  decoder: {type: none}
  latent: {type: none}
losses:
  prediction: {type: prediction, weight: 1.0, distance: mse}
  variance: {type: variance, weight: 10.0, tau: 1.0, epsilon: 1.0e-4, norm: paper, on: [hx, hy]}
  covariance: {type: covariance, weight: 0.5, norm: paper, on: [hx, hy]}
optim:
  {type: adamw, schedule: cosine, lr: 1.0e-3, warmup: 1, final_lr: 0.1, betas: [0.9, 0.999], epsilon: 1.0e-8,
   momentum: 0.9, weight_decay: 0.01, clip: 1.0, steps: 4, batch: 8, shards: 2}
"""


def wandering_squares(random, batch, frames, size):
    """[B,T,H,W,1] in place of the engine's own data: a square of 3 x 3 grey pixels that moves by at most one a frame,
    on a torus."""
    clips = np.zeros((batch, frames, size, size, 1), np.float32)
    for clip in clips:
        place, velocity, grey = random.randint(size, size=2), random.randint(-1, 2, size=2), random.randint(64, 256)
        for t, frame in enumerate(clip):
            rows, columns = ((place[axis] + t * velocity[axis] + np.arange(3)) % size for axis in (0, 1))
            frame[np.ix_(rows, columns)] = grey / 255
    return clips


def main():
    if sys.argv[1:] != ["--write"]:
        print("usage: python3 tests/reference/model.py --write")
        sys.exit(2)
    random = np.random.RandomState(20241213)  # a generator whose numbers are fixed for good
    batches = [wandering_squares(random, 8, 5, 8) for _ in range(3)]
    write_step(os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.h5"), RECORDED, batches, random)


if __name__ == "__main__":
    main()
