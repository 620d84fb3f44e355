"""LiDAR, alignment and the multi-label probe against NumPy and scikit-learn.

The C test programs, called with a folder, write their inputs and results there as .npy files; everything is computed
again here, in float64 and by other means.
"""
import subprocess
import sys
import tempfile
import warnings

from support import requirements

with requirements.modules():
    import numpy as np

CASES = {"lidar": ["tall", "few_clips", "wide", "square"], "multilabel": ["tall", "wide", "noisy"]}
failures = []


def claim(true, sentence):
    if not true:
        failures.append(sentence)


def load(folder, name):
    return np.load(f"{folder}/{name}.npy").astype(np.float64)


def lidar(clips):
    """By the definition: eigenvalues of S_w^-1/2 S_b S_w^-1/2, d x d, the root by an eigendecomposition."""
    n, q, d = clips.shape
    means = clips.mean(axis=1)
    between = np.cov(means, rowvar=False, ddof=0)
    within = (clips - means[:, None]).reshape(n * q, d)
    values, vectors = np.linalg.eigh(within.T @ within / (n * q) + 1e-4 * np.eye(d))
    root = vectors @ np.diag(values**-0.5) @ vectors.T
    eigenvalues = np.clip(np.linalg.eigvalsh(root @ between @ root), 0, None)
    p = eigenvalues / eigenvalues.sum() + 1e-7
    return np.exp(-(p * np.log(p)).sum())


def check_lidar(folder):
    for case in CASES["lidar"]:
        clips, got = load(folder, f"lidar_{case}_results")[0]
        features = load(folder, f"lidar_{case}_features")
        wanted = lidar(features.reshape(int(clips), -1, features.shape[1]))
        claim(abs(got / wanted - 1) < 1e-9, f"lidar {case}: {got!r}, NumPy has {wanted!r}")


def check_alignment(folder):
    scalars, by_step = load(folder, "alignment_made_scalars")[0], load(folder, "alignment_made_horizon")
    steps = by_step.shape[1]
    truth, predicted = (load(folder, f"alignment_made_{name}").reshape(-1, steps, 17) for name in ("truth", "predicted"))

    def cosine(a, b):
        return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)

    mean = truth.mean(axis=0)
    error, spread = ((predicted - truth)**2).sum(axis=(0, 2)), ((truth - mean)**2).sum(axis=(0, 2))
    plain, centred = cosine(predicted, truth), cosine(predicted - mean, truth - mean)
    for name, got, want in (("cosine", scalars[0], plain.mean()), ("centred cosine", scalars[1], centred.mean()),
                            ("nmse", scalars[2], error.sum() / spread.sum()),
                            ("cosine by step", by_step[0], plain.mean(axis=0)),
                            ("centred by step", by_step[1], centred.mean(axis=0)),
                            ("nmse by step", by_step[2], error / spread)):
        claim(np.allclose(got, want, rtol=1e-12, atol=0), f"alignment: {name} is {got!r}, NumPy has {want!r}")


def envelope(truth, scores):
    """CATER's average precision, after the precision-recall curve of scikit-learn."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(truth, scores)
    precision = np.maximum.accumulate(precision[:-1])  # recall falls along the curve
    return (precision * -np.diff(recall)).sum()


def fit(features, target, strength):
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1 / (len(features) * strength), solver="newton-cg", tol=1e-8, max_iter=1000)
    return model.fit(features, target)


def check_multilabel(folder):
    from sklearn.metrics import average_precision_score, log_loss
    from sklearn.preprocessing import StandardScaler

    chosen = set()
    for case in CASES["multilabel"]:
        features, targets = ([load(folder, f"multilabel_{case}_{kind}{split}") for split in range(3)]
                             for kind in ("features", "target"))
        scaler = StandardScaler().fit(features[0])
        train, validation, test = (scaler.transform(x) for x in features)
        best = None
        for strength in 10.0**np.arange(1, -5, -1):
            models = [fit(train, column, strength) for column in targets[0].T]
            found = np.mean([average_precision_score(y, m.decision_function(validation))
                             for y, m in zip(targets[1].T, models)])
            if best is None or found > best[0] + 1e-12:
                best = found, strength, models
        scores = [model.decision_function(test) for model in best[2]]
        each = [average_precision_score(y, s) for y, s in zip(targets[2].T, scores)]
        others = [envelope(y, s) for y, s in zip(targets[2].T, scores)]
        loss = np.mean([log_loss(y, m.predict_proba(test)) for y, m in zip(targets[2].T, best[2])])
        results, columns = load(folder, f"multilabel_{case}_results")[0], load(folder, f"multilabel_{case}_columns")
        prevalence = targets[2].mean(axis=0)
        wanted = [np.mean(each), np.mean(others), best[0], prevalence.mean(), loss, best[1]]
        for name, got, want in zip(("map", "map_envelope", "map_validation", "baseline_map", "cross_entropy", "lambda"),
                                   results, wanted):
            claim(abs(got / want - 1) < (1e-6 if name == "cross_entropy" else 1e-12),
                  f"multilabel {case}: {name} is {got!r}, scikit-learn has {want!r}")
        claim(np.allclose(columns, [each, others, prevalence], rtol=1e-12, atol=0),
              f"multilabel {case}: average precisions are {columns!r}, scikit-learn has {[each, others]!r}")
        chosen.add(results[5])
    claim(len(chosen) > 1, "multilabel: every case chose the same lambda, so that its choice is not tested")


def check_the_test_vector():
    from sklearn.metrics import average_precision_score

    truth, scores = [0, 1, 1, 0, 1, 0], [.9, .8, .5, .5, .5, .1]
    claim(abs(average_precision_score(truth, scores) - 17 / 30) < 1e-15, "scikit-learn's average precision changed")
    claim(abs(envelope(truth, scores) - 0.6) < 1e-15, "the envelope here is not CATER's")


def main():
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        for measure in ("lidar", "alignment", "multilabel"):
            subprocess.run([requirements.built(f"test_components_{measure}"), folder], check=True)
        check_lidar(folder)
        check_alignment(folder)
        check_multilabel(folder)
        check_the_test_vector()
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


main()
