"""What test_probing.c found, by scikit-learn: k nearest neighbours, shares of the labels, each step alone, principal
components, and the relative floor of standardising."""

import os
import subprocess
import tempfile
import unittest

from support import requirements

with requirements.modules():
    import numpy as np
    from sklearn.decomposition import PCA
    from sklearn.linear_model import Ridge
    from sklearn.metrics import average_precision_score, log_loss, mean_squared_error, r2_score
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

NEIGHBOURS, STEPS, WIDTH = [1, 5, 20, 500], 4, 6


def standardised(features):
    mean, deviation = features[0].mean(0), features[0].std(0)
    floor = 1e-3 * np.sqrt((mean**2 + deviation**2).mean())
    return [(x - mean) / np.maximum(deviation, floor) for x in features]


def ridge(features, targets):
    """mse and r2 on test, mse on validation, baseline, lambda, standardised mse."""
    train, validation, test = standardised(features)
    tried = []
    for exponent in range(-4, 5):
        model = Ridge(alpha=10.0**exponent * len(train), solver="cholesky").fit(train, targets[0])
        tried.append((mean_squared_error(targets[1], model.predict(validation)), exponent, model))
    best, exponent, model = min(tried, key=lambda one: one[0])
    predicted = model.predict(test)
    guess = np.broadcast_to(targets[0].mean(0), targets[2].shape)
    return [mean_squared_error(targets[2], predicted), r2_score(targets[2], predicted), best,
            mean_squared_error(targets[2], guess), 10.0**exponent,
            np.mean(((predicted - targets[2]) / targets[0].std(0)) ** 2)]


class AgainstSklearn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = temporary.name
        subprocess.run([requirements.built("test_science_probing"), cls.folder], check=True)

    def load(self, case, what):
        return np.load(os.path.join(self.folder, f"{case}_{what}.npy")).astype(np.float64)

    def problem(self, case):
        return ([self.load(case, f"{kind}{split}") for split in range(3)] for kind in ("features", "target"))

    def neighbours(self, case, distance, model, score):
        """Of the best k on validation, of equals the largest: (score on test, on validation, k, the model)."""
        features, targets = self.problem(f"knn_{case}_{distance}")
        features = [x - features[0].mean(0) for x in features]
        if targets[0].shape[1] == 1:
            targets = [t[:, 0] for t in targets]
        tried = []
        for k in NEIGHBOURS:
            fitted = model(min(k, len(features[0])), metric=distance, algorithm="brute").fit(features[0], targets[0])
            tried.append((score(targets[1], fitted, features[1]), min(k, len(features[0])), fitted))
        best, k, fitted = max(tried, key=lambda one: one[:2])
        return score(targets[2], fitted, features[2]), best, k, fitted, features, targets

    def test_neighbours_of_numbers(self):
        for distance in ("cosine", "euclidean"):
            test, validation, k, fitted, features, targets = self.neighbours(
                "real", distance, KNeighborsRegressor, lambda y, m, x: -mean_squared_error(y, m.predict(x)))
            guess = np.broadcast_to(targets[0].mean(0), targets[2].shape)
            np.testing.assert_allclose(
                self.load(f"knn_real_{distance}", "results")[:5, 0],
                [-test, r2_score(targets[2], fitted.predict(features[2])), -validation,
                 mean_squared_error(targets[2], guess), k], rtol=1e-9)

    def test_neighbours_of_classes(self):
        def score(y, model, x):
            votes = model.predict_proba(x) * model.n_neighbors
            smoothed = (votes + 1) / (model.n_neighbors + 3)
            return (model.predict(x) == y).mean(), -log_loss(y, smoothed, labels=[0, 1, 2])
        for distance in ("cosine", "euclidean"):
            test, validation, k, _, _, targets = self.neighbours("class", distance, KNeighborsClassifier, score)
            commonest = np.bincount(targets[0].astype(int)).argmax()
            np.testing.assert_allclose(self.load(f"knn_class_{distance}", "results")[:5, 0],
                                       [test[0], validation[0], -test[1], (targets[2] == commonest).mean(), k],
                                       rtol=1e-9)

    def test_neighbours_of_flags(self):
        def score(y, model, x):
            return np.mean([average_precision_score(y[:, c], model.predict(x)[:, c]) for c in range(2)])
        for distance in ("cosine", "euclidean"):
            test, validation, k, _, _, targets = self.neighbours("flags", distance, KNeighborsRegressor, score)
            np.testing.assert_allclose(self.load(f"knn_flags_{distance}", "results")[:4, 0],
                                       [test, validation, targets[2].mean(0).mean(), k], rtol=1e-9)

    def expect_curves(self, results, features, targets, width):
        np.testing.assert_allclose(results[:6, 0], ridge(features, targets), rtol=1e-5)
        for place, share in enumerate((0.05, 0.5, 1)):
            count = int(np.ceil(share * len(features[0])))
            wanted = ridge([features[0][:count], *features[1:]], [targets[0][:count], *targets[1:]])
            np.testing.assert_allclose(results[7:10, place], [wanted[0], wanted[1], count], rtol=1e-5)
        for step in range(STEPS):
            wanted = ridge([x[:, step * width:(step + 1) * width] for x in features],
                           [y[:, 2 * step:2 * step + 2] for y in targets])
            np.testing.assert_allclose(results[10:12, step], wanted[:2], rtol=1e-5)

    def test_shares_and_steps(self):
        self.expect_curves(self.load("asked_ridge", "results"), *self.problem("asked_ridge"), WIDTH)

    def test_principal_components(self):
        features, targets = self.problem("asked_ridge")
        pca = PCA(3, svd_solver="full").fit(features[0].reshape(-1, WIDTH))
        fewer = [pca.transform(x.reshape(-1, WIDTH)).reshape(len(x), -1) for x in features]
        self.expect_curves(self.load("asked_pca", "results"), fewer, targets, 3)

    def expect_draws(self, name, features, drawn, targets):
        train, _, test = standardised(features)
        predicted = {}
        for exponent in range(-4, 5):
            model = Ridge(alpha=10.0**exponent * len(train), solver="cholesky").fit(train, targets[0])
            validation = standardised(features)[1]
            predicted[mean_squared_error(targets[1], model.predict(validation))] = model
        model = predicted[min(predicted)]
        mean, deviation = features[0].mean(0), features[0].std(0)
        floor = 1e-3 * np.sqrt((mean**2 + deviation**2).mean())

        def errors(rows):
            places = model.predict((rows - mean) / np.maximum(deviation, floor))
            return np.linalg.norm((places - targets[2]).reshape(len(rows), -1, 2), axis=-1).mean(1)
        each = np.stack([errors(drawn[:, k]) for k in range(drawn.shape[1])], 1)
        results = self.load(f"draws_{name}", "results")
        np.testing.assert_allclose([results[0, 0], *results[7:9, 0]],
                                   [errors(features[2]).mean(), each.mean(), each.min(1).mean()], rtol=1e-5)

    def test_draws_from_the_prior(self):
        features, targets = self.problem("draws_plain")
        drawn = self.load("draws_plain", "drawn").reshape(len(features[2]), 3, -1)
        self.expect_draws("plain", features, drawn, targets)
        pca = PCA(3, svd_solver="full").fit(features[0].reshape(-1, WIDTH))

        def fewer(x):
            return pca.transform(x.reshape(-1, WIDTH)).reshape(*x.shape[:-1], -1)
        self.expect_draws("pca", [fewer(x) for x in features], fewer(drawn), targets)


if __name__ == "__main__":
    unittest.main(verbosity=2)
