"""Regularisers agree with the formulas that their papers and implementations publish, for the same hidden states.

`vjvcr debug step` computes the losses in float32 and lays the hidden states open; the formulas are written out here in
NumPy, in float64, from their sources and not from ours. Where a source sums what we average, the factor is stated.
"""
import os
import subprocess
import sys
import tempfile

from support import requirements

with requirements.modules():
    import h5py
    import numpy as np
    from scipy.stats import norm

from comparison import Comparison

ALLOWED = 5e-5  # 3456 rows in place of one less, as in the pooled covariance, would be 6e-4
DIRECTIONS, KNOTS = 64, 17
EXPERIMENT = """\
data: {dataset: moving_mnist, size: 24, digit_size: 10, target_frames: 4, train_size: 64}
model:
  encoder: {type: cnn, channels: [6, 8], temporal: [5], pool: 0}
  predictor: {type: mlp, hidden: [16]}
losses:
  variance_paper: {type: variance, weight: 1, norm: paper}
  covariance_paper: {type: covariance, weight: 1, norm: paper}
  variance_vicreg: {type: variance, weight: 1, norm: vicreg, on: [hy_pred, hy]}
  covariance_vicreg: {type: covariance, weight: 1, norm: vicreg, on: [hy_pred, hy]}
  variance_eb_jepa: {type: variance, weight: 1, norm: eb_jepa, on: hx}
  covariance_eb_jepa: {type: covariance, weight: 1, norm: eb_jepa, on: hx}
  sigreg_paper: {type: sigreg, weight: 1, directions: 64, on: hy}
  sigreg_code: {type: sigreg, weight: 1, directions: 64, knots: 33, t_max: 3, on: hy}
  sigreg_eb_jepa: {type: sigreg, weight: 1, directions: 64, knots: 10, t_max: 3, on: hy}
  visreg: {weight: 1, directions: 64, scale: 0.7, shape: 1.3, center: 0.9, on: hy_pred}
  straightening: {weight: 1, on: hy}
  correlation: {type: covariance, weight: 1, form: correlation, epsilon: 0, on: hy_pred}
  barlow_twins: {weight: 1, lambda: 0.0051}
optim: {steps: 1, batch: 32, shards: 4}
"""


def offdiagonal(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)]


def hinge(rows):
    """Of each column, against a standard deviation of 1."""
    return np.maximum(0, 1 - np.sqrt(rows.var(axis=0, ddof=1) + 1e-4))


def steps_of(view):
    """[B,T,..] -> T matrices [B,d]."""
    return [view[:, t].reshape(len(view), -1) for t in range(view.shape[1])]


def vj_vcr(hx, hy):
    """arXiv 2412.10925: 1/(T d) of the sums over time steps of [h_x, h_y] and features."""
    steps = steps_of(hx) + steps_of(hy)
    count = len(steps) * steps[0].shape[1]
    return {"variance_paper": sum(hinge(h).sum() for h in steps) / count,
            "covariance_paper": sum((offdiagonal(np.cov(h.T))**2).sum() for h in steps) / count}


def vicreg(predicted, target):
    """Bardes et al. 2022, equations 1 to 4, as implemented by its authors (facebookresearch/vicreg): hinges halved,
    both terms summed over the two branches, which are here the prediction and the target of one time step. We average
    over views instead of summing, whence 1/2."""
    variance, covariance = [], []
    for a, b in zip(steps_of(predicted), steps_of(target)):
        variance.append(hinge(a).mean() / 2 + hinge(b).mean() / 2)
        covariance.append(sum((offdiagonal(np.cov(h.T))**2).sum() / h.shape[1] for h in (a, b)))
    return {"variance_vicreg": np.mean(variance) / 2, "covariance_vicreg": np.mean(covariance) / 2}


def eb_jepa(hx):
    """facebookresearch/eb_jepa: rows are samples, steps and positions; the mean over off-diagonal pairs."""
    rows = hx.reshape(-1, hx.shape[-1])
    return {"variance_eb_jepa": hinge(rows).mean(), "covariance_eb_jepa": (offdiagonal(np.cov(rows.T))**2).mean()}


def integral(values, t):
    return ((values[..., 1:] + values[..., :-1]) / 2 * np.diff(t)).sum(axis=-1)


def distances(x, t):
    """exp(-t^2/2) |empirical characteristic function - exp(-t^2/2)|^2 of the columns of x, at every t."""
    normal = np.exp(-t**2 / 2)
    return normal * np.abs(np.exp(1j * x[..., None] * t).mean(axis=0) - normal)**2


def sigreg(hy, noise):
    """Balestriero and LeCun 2025, by the listing of the paper (N times the integral over [-5, 5]), by the authors' code
    (N times twice the integral over [0, 3]), and by EB-JEPA's, which lacks the factor N."""
    def projections(loss):
        drawn = noise[f"losses.{loss}.0"].astype(np.float64)
        directions = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        return [h @ directions.T for h in steps_of(hy)]

    def mean_integral(loss, t):
        return np.mean([integral(distances(x, t), t).mean() for x in projections(loss)])

    samples = len(hy)
    return {"sigreg_paper": samples * mean_integral("sigreg_paper", np.linspace(-5, 5, KNOTS)),
            "sigreg_code": samples * 2 * mean_integral("sigreg_code", np.linspace(0, 3, KNOTS)),
            "sigreg_eb_jepa": samples * mean_integral("sigreg_eb_jepa", np.linspace(-3, 3, 10))}


def visreg(predicted, noise):
    """Wu, Balestriero and Levine 2026, by the authors' page and code (HaiyuWu/visreg): the deviation is biased, the
    projected states are divided by it, and the quantiles are those of n / (N + 1)."""
    drawn = noise["losses.visreg.0"].astype(np.float64)
    directions = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    quantiles = norm.ppf(np.arange(1, len(predicted) + 1) / (len(predicted) + 1))
    terms = []
    for h in steps_of(predicted):
        mean, deviation = h.mean(axis=0), h.std(axis=0)
        projected = np.sort((h - mean) / deviation @ directions.T, axis=0)
        terms.append([((1 - deviation)**2).mean(), ((projected - quantiles[:, None])**2).mean(), (mean**2).mean()])
    return {"visreg": np.mean(terms, axis=0) @ [0.7, 1.3, 0.9]}


def straightening(hy):
    """Wang et al. 2026: 1 - cos(z_{t+1} - z_t, z_{t+2} - z_{t+1})."""
    v = np.diff(hy.reshape(*hy.shape[:2], -1), axis=1)
    v /= np.linalg.norm(v, axis=2, keepdims=True)
    return {"straightening": 1 - (v[:, 1:] * v[:, :-1]).sum(axis=2).mean()}


def correlation(predicted):
    """The mean square of Pearson's correlation over pairs of different features. Features without spread have none."""
    return {"correlation": np.mean([(offdiagonal(np.nan_to_num(np.corrcoef(h.T)))**2).mean()
                                    for h in steps_of(predicted)])}


def barlow_twins(predicted, target):
    """Zbontar et al. 2021, equations 1 and 2, lambda as in the authors' code; we divide by the number of features."""
    a, b = (h.reshape(len(h) * h.shape[1], -1) for h in (predicted, target))
    a, b = ((h - h.mean(axis=0)) / np.sqrt(h.var(axis=0) + 1e-5) for h in (a, b))
    correlation = np.einsum("ni,nj->ij", a, b) / len(a)
    loss = ((1 - np.diagonal(correlation))**2).sum() + 0.0051 * (offdiagonal(correlation)**2).sum()
    return {"barlow_twins": loss / len(correlation)}


def run_engine(folder):
    config, path = os.path.join(folder, "published.yaml"), os.path.join(folder, "step.h5")
    with open(config, "w") as file:
        file.write(EXPERIMENT)
    subprocess.run([requirements.built("vjvcr"), "debug", "step", config, "-o", path], check=True, timeout=300)
    with h5py.File(path, "r") as file:
        return [{name: data[()] for name, data in file[group].items()} for group in ("activation", "loss", "noise")]


def main():
    with tempfile.TemporaryDirectory() as folder:
        views, losses, noise = run_engine(folder)
    hx, hy, predicted = (views[name].astype(np.float64) for name in ("hx", "hy", "hy_pred"))
    published = {**vj_vcr(hx, hy), **vicreg(predicted, hy), **eb_jepa(hx), **sigreg(hy, noise),
                 **visreg(predicted, noise), **straightening(hy), **correlation(predicted), **barlow_twins(predicted, hy)}
    compare = Comparison("published formulas")
    compare.claim(len(noise["losses.sigreg_paper.0"]) == DIRECTIONS, f"expected {DIRECTIONS} directions")
    for name in published:
        compare.arrays(name, {name: losses.pop(name)}, {name: published[name]}, ALLOWED)
    compare.claim(list(losses) == ["total"], f"no formula was compared with {sorted(losses)}")
    compare.print_table()
    for failure in compare.failures:
        print(failure)
    sys.exit(1 if compare.failures else 0)


if __name__ == "__main__":
    main()
