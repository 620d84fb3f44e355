"""The probes against NumPy and scikit-learn.

The C test programs of the probes, called with a folder, write their inputs and results there as .npy files;
everything is computed again here, in float64 and by other means.
"""
import os
import subprocess
import sys
import tempfile

from support import requirements

with requirements.modules():
    import numpy as np
    import sklearn  # noqa: F401

RIDGE_METRICS = ["mse", "r2", "mse_validation", "baseline_mse", "lambda", "mse_standardised", "mse_se"]
LOGISTIC_METRICS = ["accuracy", "accuracy_validation", "cross_entropy", "majority_accuracy", "chance", "lambda",
                    "accuracy_se"]
TRAJECTORY_METRICS = ["error", None, "within_2px", "baseline_error", "lambda"]
SPECTRUM_METRICS = ["rankme", "effective_rank", "feature_std", "correlation"]
CORRELATED = 2039

failures = []


def claim(true, sentence):
    if not true:
        failures.append(sentence)


def cases(folder, prefix, suffix):
    names = [name[len(prefix):-len(suffix)] for name in os.listdir(folder)
             if name.startswith(prefix) and name.endswith(suffix)]
    claim(names, f"{prefix}: no cases were written")
    return sorted(names)


def load_splits(folder, case):
    return ([np.load(f"{folder}/{case}_{kind}{split}.npy").astype(np.float64) for split in range(3)]
            for kind in ("features", "target"))


def standardised(features):
    """The three splits by the moments of train, without what is constant there."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(features[0])
    moves = features[0].max(axis=0) > features[0].min(axis=0)
    return [scaler.transform(x)[:, moves] for x in features], moves


def best_ridge(features, targets):
    """Chooses lambda on the validation split: its predictions on the test split, its error and lambda."""
    from sklearn.linear_model import Ridge
    from sklearn.metrics import mean_squared_error

    (train, validation, test), _ = standardised(features)
    models = {}
    for exponent in range(-4, 5):
        model = Ridge(alpha=10.0**exponent * len(train), solver="cholesky").fit(train, targets[0])
        error = mean_squared_error(targets[1], model.predict(validation).reshape(targets[1].shape))
        models[error] = (10.0**exponent, model)
    best = min(models)
    chosen, model = models[best]
    return model.predict(test).reshape(targets[2].shape), best, chosen


def standard_error(of_samples):
    return of_samples.std(ddof=1) / np.sqrt(len(of_samples))


def ridge_reference(features, targets):
    from sklearn.metrics import mean_squared_error, r2_score

    predicted, best, chosen = best_ridge(features, targets)
    baseline = np.broadcast_to(targets[0].mean(axis=0), targets[2].shape)
    return [mean_squared_error(targets[2], predicted), r2_score(targets[2], predicted), best,
            mean_squared_error(targets[2], baseline), chosen,
            np.mean(((predicted - targets[2]) / targets[0].astype(float).std(axis=0)) ** 2),
            standard_error(((predicted - targets[2]) ** 2).mean(axis=1))]


def check_ridge(folder):
    chosen = set()
    for case in cases(folder, "ridge_", "_results.npy"):
        results = np.load(f"{folder}/ridge_{case}_results.npy")[0]
        expected = ridge_reference(*load_splits(folder, f"ridge_{case}"))
        for name, got, wanted in zip(RIDGE_METRICS, results, expected):
            claim(abs(got - wanted) <= 1e-9 * abs(wanted),
                  f"ridge {case}: {name} is {got!r}, scikit-learn has {wanted!r}")
        chosen.add(results[4])
    claim(len(chosen) > 1, "ridge: every case chose the same lambda, so that its choice is not tested")


def trajectory_reference(features, targets, steps):
    predicted, _, chosen = best_ridge(features, targets)

    def distances(places):
        return np.linalg.norm((places - targets[2]).reshape(len(targets[2]), steps, -1, 2), axis=-1)

    errors, baseline = distances(predicted), distances(targets[0].mean(axis=0))
    return [errors.mean(), 0, (errors <= 2).mean(), baseline.mean(), chosen], errors.mean(axis=(0, 2))


def check_trajectory(folder):
    for case in cases(folder, "trajectory_", "_results.npy"):
        results, horizon = (np.load(f"{folder}/trajectory_{case}_{kind}.npy")[0] for kind in ("results", "horizon"))
        expected, by_step = trajectory_reference(*load_splits(folder, f"trajectory_{case}"), len(horizon))
        for name, got, wanted in zip(TRAJECTORY_METRICS, results, expected):
            claim(name is None or abs(got - wanted) <= 1e-9 * abs(wanted),
                  f"trajectory {case}: {name} is {got!r}, scikit-learn has {wanted!r}")
        error = np.abs(horizon / by_step - 1).max()
        claim(error <= 1e-9, f"trajectory {case}: error_by_horizon is {error:.1e} of itself off scikit-learn's")


def logistic_reference(features, labels):
    """As best_ridge, by scikit-learn's LogisticRegression; also the probabilities on the test split."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    (train, validation, test), _ = standardised(features)
    models = []
    for exponent in range(-4, 2):
        model = LogisticRegression(C=1 / (len(train) * 10.0**exponent), solver="newton-cg", tol=1e-9, max_iter=1000)
        model.fit(train, labels[0])
        loss = log_loss(labels[1], model.predict_proba(validation), labels=model.classes_)
        models.append(((model.score(validation, labels[1]), -loss), 10.0**exponent, model))
    (accuracy, _), chosen, model = max(models, key=lambda entry: entry[0])
    probabilities = model.predict_proba(test)
    commonest = np.bincount(labels[0]).argmax()
    return [model.score(test, labels[2]), accuracy, log_loss(labels[2], probabilities, labels=model.classes_),
            (labels[2] == commonest).mean(), 1 / len(model.classes_), chosen,
            standard_error(model.predict(test) == labels[2])], probabilities


def check_logistic(folder):
    from scipy.special import softmax

    chosen = set()
    for case in cases(folder, "logistic_", "_results.npy"):
        results = np.load(f"{folder}/logistic_{case}_results.npy")[0]
        features, targets = load_splits(folder, f"logistic_{case}")
        expected, wanted = logistic_reference(features, [labels[:, 0].astype(int) for labels in targets])
        for name, got, want in zip(LOGISTIC_METRICS, results, expected):
            tolerance = 1e-5 if name == "cross_entropy" else 1e-12
            claim(abs(got - want) <= tolerance * abs(want),
                  f"logistic {case}: {name} is {got!r}, scikit-learn has {want!r}")
        weights = np.load(f"{folder}/logistic_{case}_weights.npy")
        (_, _, test), moves = standardised(features)
        error = np.abs(softmax(test @ weights[:, :-1][:, moves].T + weights[:, -1], axis=1) - wanted).max()
        claim(error < 1e-5, f"logistic {case}: probabilities differ from scikit-learn's by {error:.1e}")
        chosen.add(results[5])
    claim(len(chosen) > 1, "logistic: every case chose the same lambda, so that its choice is not tested")


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
    with tempfile.TemporaryDirectory() as folder:
        for probe in ("ridge", "trajectory", "logistic", "spectrum"):
            subprocess.run([requirements.built(f"test_components_{probe}"), folder], check=True)
        check_ridge(folder)
        check_trajectory(folder)
        check_logistic(folder)
        check_spectrum(folder)
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


main()
