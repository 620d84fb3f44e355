"""`vjvcr compare-metrics`: rank correlations of label-free measures with a probe, against SciPy, by seed."""
import json

from support import requirements
from support.vjvcr import TINY, Case, main, np, values_of

with requirements.modules():
    import scipy.stats

SWEEP = TINY + """\
sweep:
  parameters:
    losses.variance.weight: [0.1, 1, 10]
    optim.lr: [1.0e-3, 2.0e-2]
  seeds: 3
"""
SEEDS, PER_SEED = 3, 6


def standardised(x):
    return (x - x.mean()) / x.std(ddof=1)


def scores_of(v, view):
    """{metric: scores [trial], higher is better}; CLID within each seed."""
    end = {name: v[f"{view}_{name}"][:, -1] for name in ("rankme", "lidar", "alpha_req", "nesum", "cluster_learnability",
                                                         "intrinsic_dimension", "correlation")}
    scores = {f"{view}_{name}": values for name, values in end.items()}
    scores[f"{view}_alpha_req"] = -abs(end["alpha_req"] - 1)
    scores[f"{view}_correlation"] = -end["correlation"]
    scores["val_prediction"] = -v["val_prediction"][:, -1]
    clid = np.zeros(len(v["seed"]))
    for seed in range(SEEDS):
        mine = v["seed"] == seed
        clid[mine] = standardised(end["cluster_learnability"][mine]) + standardised(end["intrinsic_dimension"][mine])
    scores[f"{view}_clid"] = clid
    return scores


class CompareMetrics(Case):
    def check(self, found, v, view):
        mse = v["probe_speed_mse"][:, -1]
        found = {row["metric"]: row for row in found}
        for name, scores in scores_of(v, view).items():
            row, rho, picked, hits = found[name], [], [], 0
            for seed in range(SEEDS):
                mine = v["seed"] == seed
                correlation = scipy.stats.spearmanr(scores[mine], -mse[mine])[0]
                if np.isnan(correlation):
                    continue
                rho.append(correlation)
                picked.append(mse[mine][np.argmax(scores[mine])])
                hits += picked[-1] == mse[mine].min()
            self.assertEqual((row["seeds"], row["hits"]), (len(rho), hits), name)
            np.testing.assert_allclose([row["correlation"], row["picked"]], [np.mean(rho), np.mean(picked)], rtol=1e-12,
                                       atol=1e-15)
            low, high = scipy.stats.t.interval(0.95, len(rho) - 1, np.mean(rho), scipy.stats.sem(rho))
            np.testing.assert_allclose([row["low"], row["high"]], np.clip([low, high], -1, 1), rtol=1e-9)
            best = [mse[v["seed"] == seed].min() for seed in range(SEEDS)]
            np.testing.assert_allclose([row["best"], row["mean"]], [np.mean(best), mse.mean()], rtol=1e-12)

    def test_against_scipy(self):
        self.write("sweep.yaml", SWEEP)
        self.succeed("sweep", "sweep.yaml", "-o", "out", seconds=500)
        v = values_of(self.path("out", "sweep.h5"))
        for view in ("hx", "hy_pred"):
            found = json.loads(self.succeed("compare-metrics", "out", "--view", view, "--format", "json").out)
            order = [row["correlation"] for row in found if row["correlation"] is not None]
            self.assertEqual(order, sorted(order, reverse=True))
            self.check(found, v, view)
        out = self.succeed("compare-metrics", "out").out
        self.assertTrue(out.startswith(f"probe_speed_mse, lowest first: {SEEDS * PER_SEED} trials of {SEEDS} seeds\n"), out)
        self.assertRegex(out, r"(?m)^hx_clid +high +[+-]")
        higher = json.loads(self.succeed("compare-metrics", "out", "probe_speed_r2", "--format", "json").out)
        lower = {row["metric"]: row["correlation"] for row in
                 json.loads(self.succeed("compare-metrics", "out", "--format", "json").out)}
        for row in higher:  # the same order of trials, up to ties
            self.assertAlmostEqual(row["correlation"], lower[row["metric"]], places=12)

        self.assert_refused("METRIC: nothing says whether low or high is good of hx_rankme; name a probe's error or "
                            "accuracy", "compare-metrics", "out", "hx_rankme")

    def test_too_few_trials(self):
        self.write("two.yaml", TINY + "sweep: {parameters: {optim.lr: [1.0e-3, 1.0e-2]}, seeds: 2}\n")
        self.succeed("sweep", "two.yaml", "-o", "two")
        self.assert_refused("two: no seed has three trials that are done and have probe_speed_mse; there is no order to "
                            "compare", "compare-metrics", "two", code=1)


main()
