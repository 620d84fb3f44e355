"""The words of the table for the arms of the demo, trained for a while: both axes, by the numbers of sweep.h5."""
import os
import re

from support.collapse import verdict
from support.vjvcr import SOURCE, Case, h5py, main, np

DEMO = os.path.join(SOURCE, "sweeps", "demo.yaml")
SMALLER = ("sweep.seeds=1", "optim.steps=150", "optim.warmup=50", "eval.every=150", "eval.samples=256",
           "eval.probe_train=256", "eval.probe_validation=128", "eval.probe_test=128")


class Arms(Case):
    def test_words(self):
        out = self.succeed("sweep", DEMO, "-o", "out", *SMALLER, seconds=1200).out
        rows = [re.split(r"  +", line.strip()) for line in out.splitlines()]
        words = {row[0]: row[-1] for row in rows if len(row) == len(rows[0]) and row[0] != "arm"}
        with h5py.File(self.path("out", "sweep.h5")) as file:
            arms = [b"".join(arm).rstrip(b"\0").decode() for arm in file["arm"]]
            for trial, arm in enumerate(arms):
                tau = None if arm == "no regularisation" else 1
                self.assertEqual(words[arm], verdict(file, "hx", [trial], tau), arm)
            # RankMe alone sees no difference between the first two, which have failed in different ways.
            spread = np.asarray(file["hx_feature_std_median"])[:, -1]
            self.assertLess(spread[arms.index("no regularisation")], 0.1 * spread[arms.index("variance only")])
        self.assertIn(words["no regularisation"], ("both", "complete, partly dimensional", "complete"))
        self.assertEqual(words["variance only"], "dimensional")
        self.assertEqual(words["variance and covariance"], "no")


main()
