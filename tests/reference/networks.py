"""SimVP's encoder and decoder, its translators gSTA and Swin, and the vision transformer in PyTorch: what the networks
of models/ are compared with. Plain functions of torch.nn.functional, channels second; `p` is {name: tensor} in the
engine's layouts. They say what the papers say, with rolls, masks and windows cut out, where the engine has lists.
"""
import math

import torch
import torch.nn.functional as F


def linear(p, name, x):
    """Over the last dimension."""
    return F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])


def pointwise(p, name, x):
    """A 1 x 1 convolution of [B,C,H,W]."""
    return F.conv2d(x, p[f"{name}.weight"][:, :, None, None], p[f"{name}.bias"])


def depthwise(p, name, x, dilation=1):
    weight = p[f"{name}.weight"].permute(2, 0, 1)[:, None]
    return F.conv2d(x, weight, p[f"{name}.bias"], padding=dilation * (weight.shape[-1] - 1) // 2, dilation=dilation,
                    groups=len(weight))


def layer_norm(p, name, x, epsilon):
    return F.layer_norm(x, x.shape[-1:], p[f"{name}.weight"], p[f"{name}.bias"], epsilon)


def batch_norm(p, name, x):
    return F.batch_norm(x, None, None, p[f"{name}.weight"], p[f"{name}.bias"], training=True, eps=1e-5)


def kept(noise, name, branch):
    """`branch` of each sample with its factor: 0 for those that were dropped."""
    return branch if name not in noise else branch * noise[name].reshape(-1, *[1] * (branch.dim() - 1))


# --- SimVP -----------------------------------------------------------------------------------------------------------

def simvp_layer(p, name, x, stride=1, up=False):
    weight = p[f"{name}.conv.weight"].permute(0, 3, 1, 2)
    bias = p[f"{name}.conv.bias"]
    if up:  # the engine's rows are (i,j,c), those of PyTorch's shuffle (c,i,j)
        out = len(bias) // 4
        order = torch.arange(4 * out).reshape(4, out).T.flatten()
        weight, bias = weight[order], bias[order]
    h = F.conv2d(x, weight, bias, stride=stride, padding=1)
    h = F.pixel_shuffle(h, 2) if up else h
    return F.silu(F.group_norm(h, 2, p[f"{name}.norm.weight"], p[f"{name}.norm.bias"], 1e-5))


def simvp_encode(p, config, frames):
    """[B,T,H,W,C] -> hidden state and first layer, in the same order."""
    h = frames.flatten(0, 1).permute(0, 3, 1, 2)
    first = None
    for i in range(int(config["layers"])):
        h = simvp_layer(p, f"encoder.layer{i}", h, stride=2 if i % 2 else 1)
        first = h if first is None else first
    return tuple(x.permute(0, 2, 3, 1).unflatten(0, frames.shape[:2]) for x in (h, first))


def simvp_decode(p, config, hidden, e1):
    batch, steps = hidden.shape[:2]
    layers = int(config["layers"])
    h = hidden.flatten(0, 1).permute(0, 3, 1, 2)
    for i in range(layers):
        if i == layers - 1 and config["skip"] == "e1":
            h = h + e1[:, -1].permute(0, 3, 1, 2).repeat_interleave(steps, 0)
        h = simvp_layer(p, f"decoder.layer{i}", h, up=i % 2 == 0)
    return pointwise(p, "decoder.readout", h).permute(0, 2, 3, 1).unflatten(0, (batch, steps))


def gsta_block(p, name, h, config, layer, noise):
    x = batch_norm(p, f"{name}.norm1", h)
    a = F.gelu(pointwise(p, f"{name}.attention.in", x))
    a = depthwise(p, f"{name}.attention.far", depthwise(p, f"{name}.attention.near", a), dilation=3)
    value, gate = pointwise(p, f"{name}.attention.gate", a).chunk(2, dim=1)
    a = pointwise(p, f"{name}.attention.out", torch.sigmoid(gate) * value) + x
    h = h + kept(noise, f"{name}.0", p[f"{name}.scale1"][:, None, None] * a)
    m = pointwise(p, f"{name}.mlp.linear0", batch_norm(p, f"{name}.norm2", h))
    m = pointwise(p, f"{name}.mlp.linear1", F.gelu(depthwise(p, f"{name}.mlp.mix", m)))
    return h + kept(noise, f"{name}.1", p[f"{name}.scale2"][:, None, None] * m)


def cut(x, side):
    """[B,H,W,C] -> [B,windows,side side,C]"""
    b, height, width, c = x.shape
    x = x.reshape(b, height // side, side, width // side, side, c)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(b, -1, side * side, c)


def join(x, side, height, width):
    b, c = len(x), x.shape[-1]
    x = x.reshape(b, height // side, width // side, side, side, c)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(b, height, width, c)


def attend(qkv, heads, bias=None, mask=None):
    """[..,N,3C] -> [..,N,C]; bias [heads,N,N], mask [..,1,N,N]"""
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(-2, -3) for x in qkv.chunk(3, dim=-1))
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    scores = scores if bias is None else scores + bias
    scores = scores if mask is None else scores.masked_fill(mask, -math.inf)
    return (scores.softmax(-1) @ v).transpose(-2, -3).flatten(-2)


def swin_block(p, name, h, config, layer, noise):
    heads, (height, width) = int(config["heads"]), h.shape[2:]
    side = int(config["window"]) or (7 if height % 7 == 0 else min(8, max(4, height // 16)))
    shift = side // 2 if layer % 2 else 0
    if min(height, width) <= side:
        side, shift = min(height, width), 0
    h = h.permute(0, 2, 3, 1)
    x = cut(torch.roll(layer_norm(p, f"{name}.norm1", h, 1e-5), (-shift, -shift), (1, 2)), side)
    mask = None
    if shift and config["shift_mask"] == "true":
        zone = torch.zeros(1, height, width, 1)
        for i, rows in enumerate((slice(0, -side), slice(-side, -shift), slice(-shift, None))):
            for j, columns in enumerate((slice(0, -side), slice(-side, -shift), slice(-shift, None))):
                zone[:, rows, columns] = 3 * i + j
        zone = cut(zone, side)[..., 0]
        mask = (zone[:, :, None, :, None] != zone[:, :, None, None, :])
    place = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")).flatten(1)
    apart = place[:, :, None] - place[:, None, :] + side - 1
    table = p[f"{name}.attention.relative_position_bias"]
    bias = table[apart[0] * (2 * side - 1) + apart[1]].permute(2, 0, 1)
    a = attend(linear(p, f"{name}.attention.qkv", x), heads, bias, mask)
    a = join(linear(p, f"{name}.attention.out", a), side, height, width)
    h = h + kept(noise, f"{name}.0", torch.roll(a, (shift, shift), (1, 2)))
    m = F.gelu(linear(p, f"{name}.mlp.linear0", layer_norm(p, f"{name}.norm2", h, 1e-5)))
    return (h + kept(noise, f"{name}.1", linear(p, f"{name}.mlp.linear1", m))).permute(0, 3, 1, 2)


def translate(p, config, hx, shape, noise):
    """[B,Tx,H,W,C] -> `shape` [B,Ty,H,W,C']"""
    block = {"gsta": gsta_block, "swin": swin_block}[config["type"]]
    h = hx.permute(0, 1, 4, 2, 3).flatten(1, 2)
    for layer in range(int(config["blocks"])):
        name = f"predictor.block{layer}"
        h = block(p, name, h, config, layer, noise)
        if h.shape[1] != int(config["width"]):
            h = pointwise(p, f"{name}.reduction", h)
    return pointwise(p, "predictor.top", h).unflatten(1, (shape[1], shape[4])).permute(0, 1, 3, 4, 2)


# --- ViT -------------------------------------------------------------------------------------------------------------

def waves(at, count):
    phase = at[:, None] / 10000 ** (2 * torch.arange(count // 2) / count)
    return torch.cat([torch.sin(phase), torch.cos(phase)], 1)


def positions(p, config, steps, rows, columns):
    """[steps, rows columns, width]"""
    width = int(config["width"])
    learnt = config["positions"] == "learnt"
    part = width // 2 * 2 if learnt else width // 6 * 2
    at = torch.stack(torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in (steps, rows, columns)),
                                    indexing="ij")).flatten(1)
    parts = [waves(axis, part) for axis in (at[:1] if learnt else at)]
    table = F.pad(torch.cat(parts, 1), (0, width - part * len(parts))).unflatten(0, (steps, -1))
    return table + p["encoder.positions"] if learnt else table


def vit_encode(p, config, frames, noise, call):
    """`call`: 0 for x, 1 for y, whose noise is numbered on."""
    b, steps, height, width, channels = frames.shape
    side, t, heads = (int(config[key]) for key in ("patch", "tubelet", "heads"))
    rows, columns = height // side, width // side
    h = frames.reshape(b, steps // t, t, rows, side, columns, side, channels).permute(0, 1, 3, 5, 2, 4, 6, 7)
    h = linear(p, "encoder.tokens", h.reshape(b, steps // t, rows * columns, -1))
    h = h + positions(p, config, steps // t, rows, columns)
    if config["attention"] == "clip":
        h = h.flatten(1, 2)
    for layer in range(int(config["blocks"])):
        name = f"encoder.block{layer}"
        a = attend(linear(p, f"{name}.attention.qkv", layer_norm(p, f"{name}.norm1", h, 1e-6)), heads)
        h = h + kept(noise, f"{name}.{2 * call}", linear(p, f"{name}.attention.out", a))
        m = F.gelu(linear(p, f"{name}.mlp.linear0", layer_norm(p, f"{name}.norm2", h, 1e-6)))
        h = h + kept(noise, f"{name}.{2 * call + 1}", linear(p, f"{name}.mlp.linear1", m))
    h = layer_norm(p, "encoder.norm", h, 1e-6).reshape(b, steps // t, rows, columns, -1)
    if "encoder.states.weight" in p:
        h = linear(p, "encoder.states", h).unflatten(-1, (t, -1)).permute(0, 1, 4, 2, 3, 5).flatten(1, 2)
    return h
