"""Label-free measures against NumPy, SciPy and scikit-learn: spread, alpha-ReQ, NESum, cluster learnability, intrinsic
dimension.

The C test programs, called with a folder, write their inputs and results there; all is computed again, in float64 and
by other means: eigenvalues of the covariance, a weighted fit by numpy.polyfit, KMeans and nearest neighbours of
scikit-learn.
"""
import glob
import os
import subprocess
import sys
import tempfile

from support import requirements

with requirements.modules():
    import numpy as np
    from scipy.spatial.distance import cdist
    from sklearn.cluster import KMeans
    from sklearn.neighbors import NearestNeighbors

MOST_CLIPS = 2048
failures = []


def claim(true, sentence):
    if not true:
        failures.append(sentence)


def cases(folder, probe):
    return sorted(os.path.basename(path)[len(probe) + 1:-len("_features.npy")]
                  for path in glob.glob(f"{folder}/{probe}_*_features.npy"))


def load(folder, name):
    return np.load(f"{folder}/{name}.npy").astype(np.float64)


def alpha(eigenvalues, rounding):
    """Over the first half of the components that are more than rounding."""
    last = int((eigenvalues > rounding**2).sum()) // 2
    if last < 3:
        return np.nan
    k = np.arange(1, last + 1)
    return -np.polyfit(np.log(k), np.log(eigenvalues[:last]), 1, w=k**-0.5)[0]


def check_spectrum(folder):
    for case in cases(folder, "spectrum"):
        features, (scalars,) = load(folder, f"spectrum_{case}_features"), load(folder, f"spectrum_{case}_scalars")
        centred = features - features.mean(0)
        small = centred @ centred.T if len(features) < features.shape[1] else centred.T @ centred
        eigenvalues = np.clip(np.linalg.eigvalsh(small)[::-1], 0, None)
        rounding = np.finfo(np.float32).eps * np.sqrt((features**2).mean() * max(features.shape))
        wanted = {"feature_std_median": np.median(features.std(0, ddof=1)), "alpha_req": alpha(eigenvalues, rounding),
                  "nesum": eigenvalues.sum() / eigenvalues[0]}
        for got, (name, want) in zip(scalars[4:], wanted.items()):
            claim(np.isclose(got, want, rtol=1e-7, equal_nan=True), f"spectrum {case}: {name} is {got!r}, NumPy has {want!r}")


def dimension(clips):
    distances = NearestNeighbors(n_neighbors=3).fit(clips).kneighbors(clips)[0]
    mu = np.sort(distances[:, 2] / distances[:, 1])
    kept = len(mu) * 9 // 10
    x, y = np.log(mu[:kept]), -np.log(1 - np.arange(1, kept + 1) / len(mu))
    return np.linalg.lstsq(x[:, None], y, rcond=None)[0][0]


def learnability(clips):
    count = int(np.ceil(np.sqrt(len(clips))))
    first = clips[np.arange(count) * len(clips) // count]
    labels = KMeans(count, init=first, n_init=1, algorithm="lloyd", tol=0, max_iter=101).fit(clips).labels_
    distances = cdist(clips, clips)
    right = [labels[np.argmin(distances[i, :i])] == labels[i] for i in range(1, len(clips))]
    return np.mean(right)


def check_clid(folder):
    for case in cases(folder, "clid"):
        clips, (got,) = load(folder, f"clid_{case}_features"), load(folder, f"clid_{case}_results")
        if len(clips) > MOST_CLIPS:
            clips = clips[np.arange(MOST_CLIPS) * len(clips) // MOST_CLIPS]
        for name, value, want in (("learnability", got[0], learnability(clips)), ("dimension", got[1], dimension(clips))):
            claim(abs(value / want - 1) < 1e-6, f"clid {case}: {name} is {value!r}, scikit-learn has {want!r}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        for program in ("components_spectrum", "science_clid"):
            subprocess.run([requirements.built(f"test_{program}"), folder], check=True)
        check_spectrum(folder)
        check_clid(folder)
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


main()
