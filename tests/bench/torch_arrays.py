"""The engine's arrays in PyTorch's layouts and back, for the models of torch_model.py."""
import math
import re

import numpy as np
import torch

from torch_simvp import Depthwise, Pointwise, Translator

UP = re.compile(r"decoder\.layer\d*[02468]\.conv")  # SIMVP's layers that end in a pixel shuffle


def names_of(model):
    """{PyTorch's name: the engine's} of parameters and buffers."""
    if isinstance(model.predictor, Translator):
        return names_of_maps(model)
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


def names_of_maps(model):
    """SimVP's modules bear the engine's names, but for those in lists."""
    names = {}
    for name in model.state_dict():
        ours = re.sub(r"\b(layer|block)s\.(\d+)", r"\1\2", name).replace("running_var", "running_variance")
        names[name] = re.sub(r"reductions\.(\d+)", r"block\1.reduction", ours)
    return {theirs: ours for theirs, ours in names.items() if not theirs.endswith("num_batches_tracked")}


def module_of(model, name):
    """By the engine's name."""
    theirs = next(theirs for theirs, ours in names_of(model).items() if ours == name)
    return model.get_submodule(theirs.rpartition(".")[0])


def rows_reordered(model, name, array, back=False):
    """The engine counts the rows of the decoder's maps as (row, column, channel) and (i, j, channel), PyTorch's
    unflatten and PixelShuffle with the channel first."""
    if name.startswith("decoder.linear"):
        shape, order = (model.decoder.grid[1:] + model.decoder.grid[:1]), (2, 0, 1)
    elif name.startswith("decoder.conv") or UP.match(name):
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
    array, module = rows_reordered(model, name, np.asarray(array)), module_of(model, name)
    if isinstance(module, Pointwise) and array.ndim == 2:  # OI
        array = array[:, :, None, None]
    elif isinstance(module, Depthwise) and array.ndim == 3:  # HWC
        array = array.transpose(2, 0, 1)[:, None]
    elif array.ndim == 4:  # OHWI
        array = array.transpose(0, 3, 1, 2)
    elif array.ndim == 3:  # OTI
        array = array.transpose(0, 2, 1)[..., None]
    return torch.from_numpy(np.ascontiguousarray(array))


def to_engine(model, name, tensor):
    """The reverse."""
    array, module = tensor.detach().numpy(), module_of(model, name)
    if array.ndim == 4:
        if isinstance(module, Pointwise):
            array = array[:, :, 0, 0]
        elif isinstance(module, Depthwise):
            array = array[:, 0].transpose(1, 2, 0)
        else:
            array = array[..., 0].transpose(0, 2, 1) if ".time" in name else array.transpose(0, 2, 3, 1)
    return rows_reordered(model, name, np.ascontiguousarray(array), back=True)


def load(model, arrays):
    """Takes over parameters and states: {the engine's name: array}."""
    own, names = model.state_dict(), names_of(model)
    wanted = {name for name in arrays if name != "predictor.latent.log_lambda" and ".latent.prior_" not in name}
    if set(names.values()) != wanted:
        raise ValueError(f"the file has {sorted(wanted)}; the configuration asks for {sorted(names.values())}")
    with torch.no_grad():
        for theirs, ours in names.items():
            own[theirs].copy_(to_torch(model, ours, arrays[ours]))


def clips_of(frames):
    """[B,T,H,W,C] of the engine -> [B,T,C,H,W]."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(frames, 4, 2)))
