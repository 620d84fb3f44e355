"""Latents of the engine, in float32, against the same inference done by others in float64.

From what `vjvcr debug step` lays open (views and parameters) PyTorch computes the predictor, the decoder as in
evaluation, and the energies alpha mean (h - hy)^2 + gamma mean (Dec(h) - y)^2: of every choice for the discrete latent;
for the sparse one they are minimised by coordinate descent where they are quadratic, and by L-BFGS-B on z = p - q with
p, q >= 0 where they are not.
"""
import os
import subprocess
import tempfile
import unittest

from support import requirements

with requirements.modules():
    import h5py
    import numpy as np
    import torch
    import torch.nn.functional as F
    from scipy.optimize import minimize

VJVCR = requirements.built("vjvcr")
YAML = """\
seed: 3
data: {dataset: stochastic_moving_mnist, size: 32, digit_size: 14, target_frames: 6, train_size: 64}
model:
  encoder: {type: cnn, channels: [4, 8], temporal: [8], pool: 2}
  predictor: {type: mlp, hidden: [16]}
  decoder: {type: cnn, channels: [6, 4, 4], activation: silu}
losses: {prediction: {weight: 2.0}, reconstruction: {weight: 3.0}}
optim: {steps: 1, batch: 8, shards: 2}
"""


class Step:
    """One step laid open; arrays are float64 tensors."""

    def __init__(self, folder, *overrides):
        config, path = os.path.join(folder, "latent.yaml"), os.path.join(folder, "step.h5")
        with open(config, "w", encoding="utf-8") as file:
            file.write(YAML)
        done = subprocess.run([VJVCR, "debug", "step", config, "-o", path, *overrides], capture_output=True, text=True,
                              timeout=300)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        with h5py.File(path) as file:
            self.views, self.parameters, self.states, self.losses = (
                {name: torch.tensor(data[()], dtype=torch.float64) for name, data in file[group].items()}
                for group in ("activation", "param", "state", "loss"))

    def linear(self, x, name):
        return F.linear(x, self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"])

    def top(self):
        """What the top layer gives, without z: [b,D], or all choices one after the other."""
        hidden = F.relu(self.linear(self.views["hx"].flatten(1), "predictor.linear0"))
        return self.linear(hidden, "predictor.linear1")

    def decode(self, h):
        """Hidden states [b,T,d] -> frames [b,T,H,W,1], batch norm with its running statistics."""
        batch, steps = h.shape[:2]
        grid = self.linear(h, "decoder.linear").reshape(batch * steps, 8, 8, 6).permute(0, 3, 1, 2)
        for stage in range(2):
            weight = self.parameters[f"decoder.conv{stage}.weight"].permute(0, 3, 1, 2)
            grid = F.conv2d(grid, weight, padding=1)
            images, channels, height, width = grid.shape  # channels in the order (i, j, c)
            grid = grid.reshape(images, 2, 2, channels // 4, height, width).permute(0, 3, 4, 1, 5, 2)
            grid = grid.reshape(images, channels // 4, 2 * height, 2 * width)
            name = f"decoder.norm{stage}"
            running = (self.states[f"{name}.running_{kind}"] for kind in ("mean", "variance"))
            trained = (self.parameters[f"{name}.{kind}"] for kind in ("weight", "bias"))
            grid = F.silu(F.batch_norm(grid, *running, *trained))
        weight = self.parameters["decoder.readout.weight"].permute(0, 3, 1, 2)
        grid = F.conv2d(grid, weight, self.parameters["decoder.readout.bias"], padding=1)
        return grid.permute(0, 2, 3, 1).reshape(batch, steps, 32, 32, 1)

    def energies(self, h, alpha, gamma):
        """Of candidates [b,D]: [b]."""
        h = h.reshape(self.views["hy"].shape)
        energy = alpha * (h - self.views["hy"]).square().flatten(1).mean(1)
        if gamma:
            energy = energy + gamma * (self.decode(h) - self.views["y"]).square().flatten(1).mean(1)
        return energy

    def columns(self, remove_static=False):
        weight = self.parameters["predictor.latent.weight"]
        if remove_static:
            by_step = weight.reshape(6, -1, weight.shape[1])
            weight = (by_step - by_step.mean(0)).reshape(weight.shape)
        return weight / weight.norm(dim=0)


def coordinate_descent(weight, residual, scaled_lambda):
    """argmin |residual - W z|^2 + scaled_lambda |z|_1 for one sample, number by number."""
    z, gram, correlation = np.zeros(weight.shape[1]), weight.T @ weight, weight.T @ residual
    for _ in range(5000):
        for k in range(len(z)):
            c = correlation[k] - gram[k] @ z + gram[k, k] * z[k]
            z[k] = np.sign(c) * max(abs(c) - scaled_lambda / 2, 0) / gram[k, k]
    return z


class Latents(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name

    def choices(self, alpha, gamma):
        step = Step(self.folder, "model.latent={type: discrete, choices: 7}", f"losses.prediction.weight={alpha}",
                    f"losses.reconstruction.weight={gamma}")
        candidates = step.top().reshape(8, 7, -1)
        energies = torch.stack([step.energies(candidates[:, k], alpha, gamma) for k in range(7)], 1)
        chosen = energies.argmin(1)
        np.testing.assert_array_equal(step.views["z"][:, 0].argmax(1), chosen)
        self.assertEqual(step.views["z"].sum(), 8)
        predicted = candidates[torch.arange(8), chosen]
        np.testing.assert_allclose(step.views["hy_pred"].flatten(1), predicted, atol=1e-5)
        return chosen

    def test_the_discrete_choice_is_the_least_energy_of_all(self):
        by_prediction = self.choices(1, 0)
        self.choices(1, 30)
        by_frames = self.choices(0, 1)
        self.assertGreater(len(set(by_prediction.tolist())), 1)
        self.assertTrue((by_prediction != by_frames).any(), "prediction and frames never disagree: nothing is compared")

    def cost(self, step, base, weight, z, alpha, gamma, penalty):
        z = torch.as_tensor(z, dtype=torch.float64)
        return step.energies(base + z @ weight.T, alpha, gamma) + penalty * z.abs().sum(1)

    def test_sparse_codes_of_the_quadratic_energy_are_those_of_coordinate_descent(self):
        for remove_static in (False, True):
            latent = ("model.latent={type: sparse, size: 6, lambda: 5.0e-3, steps: 2000, tolerance: 1.0e-7, "
                      f"remove_static: {str(remove_static).lower()}}}")
            step = Step(self.folder, latent, "losses.reconstruction.weight=0")
            base, weight = step.top(), step.columns(remove_static)
            residual = (step.views["hy"].flatten(1) - base).numpy()
            scaled = 5e-3 / 2 * residual.shape[1]  # alpha is 2
            theirs = np.stack([coordinate_descent(weight.numpy(), r, scaled) for r in residual])
            ours = step.views["z"][:, 0]
            got, wanted = (self.cost(step, base, weight, z, 2, 0, 5e-3) for z in (ours, theirs))
            np.testing.assert_allclose(got, wanted, rtol=1e-5)
            self.assertTrue(0 < (theirs == 0).mean() < 1, "all or none are zero: nothing is compared")
            np.testing.assert_array_equal(ours == 0, theirs == 0)
            np.testing.assert_allclose(step.views["hy_pred"].flatten(1), base + ours @ weight.T, atol=1e-5)

    def test_sparse_codes_through_the_decoder_are_those_of_another_minimiser(self):
        for alpha, gamma, penalty in ((2, 3, 1e-3), (0, 300, 1e-4)):
            latent = (f"model.latent={{type: sparse, size: 6, lambda: {penalty}, unrolled_steps: 60, "
                      "tolerance: 1.0e-5}")
            step = Step(self.folder, latent, f"losses.prediction.weight={alpha}",
                        f"losses.reconstruction.weight={gamma}")
            base, weight = step.top(), step.columns()
            ours = step.views["z"][:, 0]
            before = self.cost(step, base, weight, torch.zeros(8, 6), alpha, gamma, penalty)
            got = self.cost(step, base, weight, ours, alpha, gamma, penalty)
            self.assertTrue((got <= before).all(), "a sample has more energy after the inference than before")
            wanted = torch.stack([torch.tensor(self.descend(step, base, weight, s, alpha, gamma, penalty))
                                  for s in range(8)])
            gain, gained = before - wanted, before - got
            self.assertTrue((gained >= 0.999 * gain).all(), f"gains {gained}, another minimiser gains {gain}")
            # The frames of a fresh decoder hardly depend on h, so that little can be gained there.
            self.assertTrue((gain > (5e-3 if alpha else 1e-4) * before).all(), f"nothing to gain: {gain / before}")

    def descend(self, step, base, weight, sample, alpha, gamma, penalty):
        views = {name: step.views[name][sample:sample + 1] for name in ("y", "hy")}
        one = Step.__new__(Step)
        one.views, one.parameters, one.states = views, step.parameters, step.states

        def value(halves):
            halves = torch.tensor(halves, requires_grad=True)
            z = halves[:6] - halves[6:]
            energy = one.energies(base[sample] + weight @ z, alpha, gamma)[0] + penalty * halves.sum()
            energy.backward()
            return energy.item(), halves.grad.numpy()

        return minimize(value, np.zeros(12), jac=True, bounds=[(0, None)] * 12, method="L-BFGS-B",
                        options={"maxiter": 500, "ftol": 1e-14, "gtol": 1e-10}).fun

    def test_a_code_without_its_static_part_changes_nothing_that_is_constant_in_time(self):
        step = Step(self.folder, "model.latent={type: sparse, size: 6, lambda: 1.0e-3, remove_static: true}",
                    "losses.reconstruction.weight=0")
        change = (step.views["hy_pred"].flatten(1) - step.top()).reshape(step.views["hy"].shape)
        self.assertGreater(change.abs().max(), 0.1)
        self.assertLess(change.mean(1).abs().max(), 1e-5)

    def test_the_gaussian_mean_and_divergence_are_those_of_pytorch(self):
        step = Step(self.folder, "model.latent={type: gaussian, size: 5}", "losses.reconstruction.weight=0")
        features = torch.cat([step.views["hx"].flatten(1), step.views["hy"].flatten(1)], 1)
        mean, log_variance = (step.linear(features, f"predictor.latent.{name}") for name in ("mean", "log_variance"))
        np.testing.assert_allclose(step.views["z"][:, 0], mean, atol=1e-5)
        normal = torch.distributions.Normal(mean, torch.exp(log_variance / 2))
        divergence = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()
        total = 2 * step.losses["prediction"] + 1e-3 * divergence
        np.testing.assert_allclose(step.losses["total"], total, rtol=1e-6)

    def test_dependence_is_the_mean_squared_cross_covariance(self):
        step = Step(self.folder, "model.latent={type: gaussian, size: 5}", "losses.dependence={weight: 1.0}")
        z, static = step.views["z"][:, 0], step.views["hx"].mean(1)
        covariance = (z - z.mean(0)).T @ (static - static.mean(0)) / 7
        np.testing.assert_allclose(step.losses["dependence"], covariance.square().mean(), rtol=1e-5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
