"""SimVP's encoder and decoder and its translator of gated attention (Tan et al. 2022) as modules, fast on a CPU in
either memory layout. tests/reference/networks.py says the same in plain functions. Submodules have the engine's names,
but for lists of them; see torch_arrays.py.
"""
import torch
import torch.nn.functional as F
from torch import nn

CHANNELS_LAST = torch.channels_last


def last_channels(convolution):
    return convolution.weight.is_contiguous(memory_format=CHANNELS_LAST)


class Pointwise(nn.Conv2d):
    """1 x 1; in the engine a linear map of channels."""

    def __init__(self, channels, out):
        super().__init__(channels, out, 1)


class Depthwise(nn.Conv2d):
    def __init__(self, channels, kernel, dilation=1):
        super().__init__(channels, channels, kernel, padding=dilation * (kernel - 1) // 2, dilation=dilation,
                         groups=channels)


class Layer(nn.Module):
    """3 x 3 convolution, to a grid twice as fine where `up`, group norm of two groups, SiLU."""

    def __init__(self, channels, out, stride=1, up=False):
        super().__init__()
        self.conv = nn.Conv2d(channels, 4 * out if up else out, 3, stride, 1)
        self.norm, self.up = nn.GroupNorm(2, out), up

    def forward(self, x):
        h = self.conv(x)
        return F.silu(self.norm(F.pixel_shuffle(h, 2) if self.up else h), inplace=True)


class SimvpEncoder(nn.Module):
    """Frames [B,T,C,H,W] -> hidden states [B,T,C',H',W'] and the first layer's output [B,T,C',H,W]."""

    def __init__(self, config, channels):
        super().__init__()
        width = int(config["channels"])
        self.layers = nn.ModuleList(Layer(width if i else channels, width, 2 if i % 2 else 1)
                                    for i in range(int(config["layers"])))

    def forward(self, frames):
        h = first = self.layers[0](frames.flatten(0, 1))
        for layer in self.layers[1:]:
            h = layer(h)
        return h.unflatten(0, frames.shape[:2]), first.unflatten(0, frames.shape[:2])


class SimvpDecoder(nn.Module):
    """Hidden states [B,T,C,H,W], the first layer of input frames -> frames."""

    def __init__(self, config, channels, frame):
        super().__init__()
        self.skip = config["skip"] == "e1"
        self.layers = nn.ModuleList(Layer(channels, channels, up=i % 2 == 0) for i in range(int(config["layers"])))
        self.readout = Pointwise(channels, frame[0])

    def forward(self, hidden, first):
        h = hidden.flatten(0, 1)
        h = h.contiguous(memory_format=CHANNELS_LAST) if last_channels(self.layers[0].conv) else h
        for layer in self.layers[:-1]:
            h = layer(h)
        if self.skip:
            h = (h.unflatten(0, hidden.shape[:2]) + first[:, -1:]).flatten(0, 1)
        return self.readout(self.layers[-1](h)).unflatten(0, hidden.shape[:2])


class GatedBlock(nn.Module):
    """x + scale attention(norm(x)), then the same of a perceptron; of each sample, branches are dropped at random."""

    def __init__(self, channels, ratio, drop):
        super().__init__()
        self.drop, hidden = drop, ratio * channels
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.attention = nn.ModuleDict({
            "in": Pointwise(channels, channels), "near": Depthwise(channels, 5), "far": Depthwise(channels, 7, 3),
            "gate": Pointwise(channels, 2 * channels), "out": Pointwise(channels, channels)})
        self.mlp = nn.ModuleDict({"linear0": Pointwise(channels, hidden), "mix": Depthwise(hidden, 3),
                                  "linear1": Pointwise(hidden, channels)})
        self.scale1, self.scale2 = (nn.Parameter(torch.full((channels,), 1e-2)) for _ in range(2))

    def add(self, x, scale, branch):
        scale = scale[:, None, None]
        if self.training and self.drop > 0:
            kept = torch.rand(len(x), 1, 1, 1) >= self.drop
            scale = scale * kept.to(x.dtype) / (1 - self.drop)
        return torch.addcmul(x, scale, branch.to(x.dtype))

    def forward(self, x):
        part, normed = self.attention, self.norm1(x)
        h = part["far"](part["near"](F.gelu(part["in"](normed))))
        value, gate = part["gate"](h).chunk(2, 1)
        x = self.add(x, self.scale1, part["out"](value * torch.sigmoid(gate)) + normed)
        part = self.mlp
        return self.add(x, self.scale2, part["linear1"](F.gelu(part["mix"](part["linear0"](self.norm2(x))))))


class Translator(nn.Module):
    """Hidden states [B,Tx,C,H,W] -> [B,Ty,C,H,W]: steps side by side as channels, blocks, and a 1 x 1 convolution."""

    def __init__(self, config, steps, channels, targets):
        super().__init__()
        width, count, self.targets = int(config["width"]), int(config["blocks"]), targets
        last, first = float(config["drop_path"]), float(config["first_drop_path"])
        self.blocks, self.reductions = nn.ModuleList(), nn.ModuleDict()
        inside = steps * channels
        for i in range(count):
            drop = first + i / (count - 1) * (last - first)
            self.blocks.append(GatedBlock(inside, int(config["mlp_ratio"]), drop))
            if inside != width:
                self.reductions[str(i)] = Pointwise(inside, width)
            inside = width
        self.top = Pointwise(width, targets * channels)

    def forward(self, hx):
        if hx.permute(0, 1, 3, 4, 2).is_contiguous():
            h = hx.permute(0, 3, 4, 1, 2).flatten(3).permute(0, 3, 1, 2)
        else:
            h = hx.flatten(1, 2)
        for i, block in enumerate(self.blocks):
            h = block(h)
            if str(i) in self.reductions:
                h = self.reductions[str(i)](h)
        return self.top(h).unflatten(1, (self.targets, -1))
