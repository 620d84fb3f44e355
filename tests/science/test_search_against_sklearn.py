"""A search's Gaussian process is scikit-learn's, and its suggestions are the same bits on every path of the processor
and with any number of threads."""
import os
import subprocess
import unittest

from support import requirements

with requirements.modules():
    import numpy as np
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

POINTS = requirements.built("search_points")
PATHS = ["avx2", "avx512", "avx512bf16"]


def search_points(*arguments, text="", **environment):
    clean = {k: v for k, v in os.environ.items() if k != "VJVCR_CPU"}
    return subprocess.run([POINTS, *arguments], env={**clean, **environment}, input=text, capture_output=True,
                          text=True, check=True).stdout


class Posterior(unittest.TestCase):
    def test_agrees_with_sklearn(self):
        draw = np.random.default_rng(0)
        for count, features in [(1, 1), (9, 2), (40, 5)]:
            x, asked = draw.uniform(size=(count, features)), draw.uniform(size=(12, features))
            y = np.sin(5 * x[:, 0]) + x.sum(1) + 0.01 * draw.normal(size=count)
            noise, length = draw.uniform(1e-4, 1e-2, count), draw.uniform(0.2, 2, features)
            kernel = ConstantKernel(1.7, "fixed") * Matern(length, "fixed", nu=2.5)
            theirs = GaussianProcessRegressor(kernel, alpha=noise + 1e-5, optimizer=None).fit(x, y)
            numbers = [[count, features], x.ravel(), y, noise, length**-2.0, [1.7, 1e-5, len(asked)], asked.ravel()]
            lines = search_points("posterior", text=" ".join(repr(float(n)) for part in numbers for n in part))
            *ours, likelihood = lines.splitlines()
            ours = np.array([[float(n) for n in line.split()] for line in ours])
            mean, deviation = theirs.predict(asked, return_std=True)
            np.testing.assert_allclose(ours[:, 0], mean, rtol=1e-9)
            np.testing.assert_allclose(ours[:, 1], deviation, rtol=1e-6)
            self.assertAlmostEqual(float(likelihood), theirs.log_marginal_likelihood_value_, delta=1e-8)


class SameBits(unittest.TestCase):
    def test_on_every_path(self):
        for method in ["tpe", "gp"]:
            expected = search_points("suggest", method, "40", OMP_NUM_THREADS="1")
            self.assertEqual(len(set(expected.splitlines())), 40)
            for path in PATHS: # one that the processor does not have is passed over
                found = search_points("suggest", method, "40", VJVCR_CPU=path, OMP_NUM_THREADS="2")
                self.assertEqual(found, expected, f"{method} on {path}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
