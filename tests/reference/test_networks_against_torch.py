"""Hidden states, frames, losses and every gradient of the networks for maps against networks.py in float64.

`vjvcr debug step` lays a step open; from its batch, parameters and drop paths all is computed again.
"""
import os
import subprocess
import tempfile
import unittest

from support import requirements

with requirements.modules():
    import h5py
    import numpy
    import torch
    import yaml

import networks

VJVCR = requirements.built("vjvcr")
HIDDEN, GRADIENT = 2e-5, 2e-4
BASE = """
seed: 3
data: {dataset: moving_mnist, size: 32, digit_size: 14, digit_count: 2, train_size: 64}
losses: {prediction: {weight: 1.0}, reconstruction: {weight: 2.0}}
optim: {steps: 1, batch: 8, shards: 4}
model:
"""
SIMVP = "  encoder: {type: simvp, channels: 8}\n  decoder: {type: simvp, skip: e1}\n"
SETUPS = {
    "gsta": SIMVP + "  predictor: {type: gsta, width: 20, blocks: 3, mlp_ratio: 3, drop_path: 0.5}\n",
    "gsta without skip": "  encoder: {type: simvp, channels: 4, layers: 2}\n  decoder: {type: simvp, layers: 2}\n"
                         "  predictor: {type: gsta, width: 12, blocks: 2, mlp_ratio: 2}\n",
    "swin": SIMVP + "  predictor: {type: swin, width: 24, blocks: 4, mlp_ratio: 2, drop_path: 0.5}\n",
    "swin of OpenSTL": SIMVP + "  predictor: {type: swin, width: 16, blocks: 2, mlp_ratio: 2, shift_mask: false}\n",
    "swin of one window": "  encoder: {type: simvp, channels: 8, layers: 6}\n  decoder: {type: simvp, layers: 6}\n"
                          "  predictor: {type: swin, width: 16, heads: 4, blocks: 2, mlp_ratio: 2}\n",
    "vit": "  encoder: {type: vit, patch: 8, width: 20, blocks: 2, heads: 4, drop_path: 0.4}\n"
           "  decoder: {type: simvp, layers: 6}\n  predictor: {type: gsta, width: 12, blocks: 2, mlp_ratio: 2}\n",
    "vit of tubelets": "  encoder: {type: vit, patch: 4, tubelet: 3, width: 12, blocks: 2, heads: 2, channels: 8, "
                       "positions: learnt, attention: frame}\n  decoder: {type: simvp}\n"
                       "  predictor: {type: swin, width: 16, blocks: 2, mlp_ratio: 2}\n",
}


def arrays(group):
    return {name: data[()] for name, data in group.items()}


def text(value):
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def forward(model, p, frames, noise):
    """All views from the frames [B,15,H,W,C]."""
    views = {"x": frames[:, :3], "y": frames[:, 3:]}
    e1 = None
    for call, (view, clip) in enumerate((("hx", views["x"]), ("hy", views["y"]))):
        if model["encoder"]["type"] == "vit":
            views[view] = networks.vit_encode(p, model["encoder"], clip, noise, call)
        else:
            views[view], first = networks.simvp_encode(p, model["encoder"], clip)
            e1 = first if view == "hx" else e1
    views["hy_pred"] = networks.translate(p, model["predictor"], views["hx"], views["hy"].shape, noise)
    views["y_pred"] = networks.simvp_decode(p, model["decoder"], views["hy_pred"], e1)
    return views


class Networks(unittest.TestCase):
    def compare(self, what, ours, theirs, tolerance, floor=1e-12):
        apart = numpy.linalg.norm(ours - theirs) / max(numpy.linalg.norm(theirs), floor)
        self.assertLessEqual(apart, tolerance, what)

    def check(self, setup):
        with tempfile.TemporaryDirectory() as folder:
            config, path = os.path.join(folder, "networks.yaml"), os.path.join(folder, "step.h5")
            with open(config, "w", encoding="utf-8") as file:
                file.write(BASE + SETUPS[setup])
            done = subprocess.run([VJVCR, "debug", "step", config, "-o", path], capture_output=True, text=True,
                                  timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr)
            with h5py.File(path) as file:
                model = yaml.load(text(file.attrs["config"]), Loader=yaml.BaseLoader)["model"]
                p = {name: torch.tensor(value.astype("f8"), requires_grad=True)
                     for name, value in arrays(file["param"]).items()}
                noise = {name: torch.tensor(value.astype("f8")) for name, value in arrays(file["noise"]).items()}
                views = forward(model, p, torch.tensor(file["batch/frames"][()].astype("f8")), noise)
                losses = {"prediction": (views["hy_pred"] - views["hy"]).square().mean(),
                          "reconstruction": (views["y_pred"] - views["y"]).square().mean()}
                for name in ("hx", "hy", "hy_pred", "y_pred"):
                    self.compare(name, file[f"activation/{name}"][()], views[name].detach().numpy(), HIDDEN)
                for name, loss in losses.items():
                    self.compare(name, file[f"loss/{name}"][()], loss.detach().numpy(), HIDDEN)
                (losses["prediction"] + 2 * losses["reconstruction"]).backward()
                whole = numpy.sqrt(sum(float(value.grad.square().sum()) for value in p.values()))
                for name, value in p.items():
                    self.compare(f"gradient of {name}", file[f"grad/{name}"][()], value.grad.numpy(), GRADIENT,
                                 floor=1e-4 * whole)
                return noise

    def test_simvp_and_gsta(self):
        noise = self.check("gsta")
        dropped = [int((value == 0).sum()) for value in noise.values()]
        self.assertTrue(0 < sum(dropped) < 8 * len(noise), f"dropped: {dropped}")
        self.check("gsta without skip")

    def test_simvp_and_swin(self):
        for setup in ("swin", "swin of OpenSTL", "swin of one window"):
            with self.subTest(setup):
                self.check(setup)

    def test_vit(self):
        for setup in ("vit", "vit of tubelets"):
            with self.subTest(setup):
                self.check(setup)


if __name__ == "__main__":
    unittest.main(verbosity=2)
