"""Dependence of z on what is constant in hx, by NumPy's formulas: U-centred kernels, distance correlation, kernel ridge
regression with leave-one-out errors found by leaving one out; and the loss with Gaussian kernels."""

import os
import subprocess
import tempfile
import unittest

from support import requirements

with requirements.modules():
    import h5py
    import numpy as np

VJVCR = requirements.built("vjvcr")
YAML = """\
data: {dataset: stochastic_moving_mnist, size: 32, digit_size: 14, target_frames: 6, train_size: 64}
model:
  encoder: {type: cnn, channels: [4, 8], temporal: [8]}
  predictor: {type: mlp, hidden: [16]}
  latent: {type: gaussian, size: 4}
losses: {prediction: {}, dependence: {kernel: rbf}}
optim: {steps: 1, batch: 8, shards: 2}
"""


def squares(x):
    return ((x[:, None] - x[None]) ** 2).sum(-1)


def u_centred(k):
    """Szekely and Rizzo's: the off-diagonal sums of rows and columns are 0."""
    n = len(k)
    k = k - np.diag(np.diag(k))
    rows = k.sum(1)
    centred = k - (rows[:, None] + rows[None]) / (n - 2) + k.sum() / ((n - 1) * (n - 2))
    return centred - np.diag(np.diag(centred))


def correlation(k, l):
    k, l = u_centred(k), u_centred(l)
    return (k * l).sum() / np.sqrt((k * k).sum() * (l * l).sum())


def gaussian(x):
    d = squares(x)
    return np.exp(-d / np.median(d[np.triu_indices(len(d), 1)]))


def static_r2(kernel, s):
    n = len(s) // 2
    mean = s[:n].mean(0)
    y = s - mean
    tried = []
    for exponent in range(-6, 1):
        error = 0
        penalty = 10.0**exponent * n * np.eye(n)
        for i in range(n):
            rest = np.arange(n) != i
            alpha = np.linalg.solve((kernel[:n, :n] + penalty)[np.ix_(rest, rest)], y[:n][rest])
            error += ((y[i] - kernel[i, :n][rest] @ alpha) ** 2).sum()
        tried.append((error, exponent))
    alpha = np.linalg.solve(kernel[:n, :n] + 10.0 ** min(tried)[1] * n * np.eye(n), y[:n])
    return 1 - ((y[n:] - kernel[n:, :n] @ alpha) ** 2).sum() / (y[n:] ** 2).sum()


class Dependence(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name

    def test_measure(self):
        subprocess.run([requirements.built("test_science_dependence"), self.folder], check=True)
        for name in ("none", "square", "line"):
            z, hx, results = (np.load(f"{self.folder}/dependence_{name}_{what}.npy").astype(np.float64)
                              for what in ("z", "hx", "results"))
            s = hx.reshape(len(z), 3, 5).mean(1)
            wanted = [correlation(z @ z.T, s @ s.T), correlation(gaussian(z), gaussian(s)),
                      correlation(-np.sqrt(squares(z)), -np.sqrt(squares(s))), static_r2(gaussian(z), s)]
            np.testing.assert_allclose(results[0], wanted, rtol=1e-6, atol=1e-9)

    def test_loss_with_gaussian_kernels(self):
        config, path = os.path.join(self.folder, "d.yaml"), os.path.join(self.folder, "step.h5")
        with open(config, "w", encoding="utf-8") as file:
            file.write(YAML)
        done = subprocess.run([VJVCR, "debug", "step", config, "-o", path], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(path) as file:
            z, hx = file["activation/z"][:, 0].astype(float), file["activation/hx"][:].astype(float)
            found = float(file["loss/dependence"][()])
            self.assertIn("z_sample", file["activation"])
        kernels = []
        for x in (z, hx.reshape(len(hx), hx.shape[1], -1).mean(1)):
            d = squares(x)
            kernels.append(np.exp(-d / (d.sum() / (len(d) * (len(d) - 1)))))
        h = np.eye(len(z)) - 1 / len(z)
        wanted = np.trace(kernels[0] @ h @ kernels[1] @ h) / (len(z) - 1) ** 2
        self.assertAlmostEqual(found / wanted, 1, 4)


if __name__ == "__main__":
    unittest.main(verbosity=2)
