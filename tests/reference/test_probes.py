"""The probes against NumPy and scikit-learn.

The C test programs of the two probes, called with a folder, write their inputs and results there as .npy files;
everything is computed again here, in float64 and by other means.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np

RIDGE_METRICS = ["mse", "r2", "mse_validation", "baseline_mse", "lambda"]
SPECTRUM_METRICS = ["rankme", "effective_rank", "feature_std", "correlation"]
CORRELATED = 2039

failures = []


def claim(true, sentence):
    if not true:
        failures.append(sentence)


def export(program, folder):
    path = os.path.join(os.path.dirname(os.environ["VJVCR"]), "tests", program)
    if not os.path.exists(path):
        print(f"{program} has not been built")
        sys.exit(77)
    subprocess.run([path, folder], check=True)


def cases(folder, prefix, suffix):
    names = [name[len(prefix):-len(suffix)] for name in os.listdir(folder)
             if name.startswith(prefix) and name.endswith(suffix)]
    claim(names, f"{prefix}: no cases were written")
    return sorted(names)


def ridge_reference(features, targets):
    """Chooses lambda on the validation split and scores on the test split, by scikit-learn."""
    from sklearn.linear_model import Ridge
    from sklearn.metrics import mean_squared_error, r2_score
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(features[0])
    moves = features[0].max(axis=0) > features[0].min(axis=0)
    train, validation, test = (scaler.transform(x)[:, moves] for x in features)
    models = {}
    for exponent in range(-4, 5):
        model = Ridge(alpha=10.0**exponent * len(train), solver="cholesky").fit(train, targets[0])
        error = mean_squared_error(targets[1], model.predict(validation).reshape(targets[1].shape))
        models[error] = (10.0**exponent, model)
    best = min(models)
    chosen, model = models[best]
    predicted = model.predict(test).reshape(targets[2].shape)
    baseline = np.broadcast_to(targets[0].mean(axis=0), targets[2].shape)
    return [mean_squared_error(targets[2], predicted), r2_score(targets[2], predicted), best,
            mean_squared_error(targets[2], baseline), chosen]


def check_ridge(folder):
    chosen = set()
    for case in cases(folder, "ridge_", "_results.npy"):
        arrays = {kind: [np.load(f"{folder}/ridge_{case}_{kind}{split}.npy").astype(np.float64) for split in range(3)]
                  for kind in ("features", "target")}
        results = np.load(f"{folder}/ridge_{case}_results.npy")[0]
        expected = ridge_reference(arrays["features"], arrays["target"])
        for name, got, wanted in zip(RIDGE_METRICS, results, expected):
            claim(abs(got - wanted) <= 1e-9 * abs(wanted),
                  f"ridge {case}: {name} is {got!r}, scikit-learn has {wanted!r}")
        chosen.add(results[4])
    claim(len(chosen) > 1, "ridge: every case chose the same lambda, so that its choice is not tested")


def entropy_rank(values, epsilon):
    p = values / values.sum() + epsilon
    p = p[p > 0]
    return np.exp(-(p * np.log(p)).sum())


def mean_absolute_correlation(features):
    width = features.shape[1]
    if width > CORRELATED:
        features = features[:, np.arange(CORRELATED) * width // CORRELATED]
    matrix = np.corrcoef(features, rowvar=False)
    return np.abs(matrix[np.triu_indices(len(matrix), 1)]).mean()


def check_spectrum(folder):
    for case in cases(folder, "spectrum_", "_scalars.npy"):
        features, (values, explained), (scalars,) = (
            np.load(f"{folder}/spectrum_{case}_{kind}.npy").astype(np.float64)
            for kind in ("features", "curves", "scalars"))
        expected = np.linalg.svd(features, compute_uv=False)
        error = np.abs(values - expected).max() / expected[0]
        claim(error < 1e-13, f"spectrum {case}: singular values differ from NumPy's by {error:.1e} of the largest")
        centred = np.linalg.svd(features - features.mean(axis=0), compute_uv=False)
        share = np.cumsum(centred**2) / np.sum(centred**2)
        error = np.abs(explained - share).max()
        claim(error < 1e-12, f"spectrum {case}: explained variance differs from NumPy's by {error:.1e}")
        wanted = [entropy_rank(expected, 1e-7), entropy_rank(expected, 0), features.std(axis=0, ddof=1).mean(),
                  mean_absolute_correlation(features)]
        for name, got, want in zip(SPECTRUM_METRICS, scalars, wanted):
            claim(abs(got - want) <= 1e-10 * want, f"spectrum {case}: {name} is {got!r}, NumPy has {want!r}")


def main():
    if "VJVCR" not in os.environ:
        print("VJVCR does not name the program, beside whose tests the cases are made")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        export("test_components_ridge", folder)
        export("test_components_spectrum", folder)
        check_ridge(folder)
        check_spectrum(folder)
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


main()
