"""A setting is chosen on validation clips and reported on test clips, with how many settings each arm was given; of all
that is compared, p-values hold together."""

import io
import json

from support import requirements
from support.vjvcr import TINY, SweepCase, h5py, main, np

with requirements.modules():
    import pandas
    from scipy import stats

SWEEP = TINY + """\
sweep:
  trials:
    jepa 1: {losses.variance.weight: 1}
    jepa 10: {losses.variance.weight: 10}
    jepa 30: {losses.variance.weight: 30}
    jepa+l1 1: {losses.prediction.distance: l1}
    jepa+l1 10: {losses.prediction.distance: l1, losses.variance.weight: 100}
    broken: {optim.lr: 1.0e30}
  seeds: 3
"""
VALIDATION, TEST = "probe_speed_mse_validation", "probe_speed_mse"


def holm(p):
    order, adjusted, floor = np.argsort(p), np.empty(len(p)), 0
    for rank, i in enumerate(order):
        floor = adjusted[i] = max(floor, min(1, p[i] * (len(p) - rank)))
    return adjusted


class Selection(SweepCase):
    text, code = SWEEP, 1

    @classmethod
    def fill(cls, shared):
        super().fill(shared)
        with h5py.File(shared.path("out", "sweep.h5")) as file:
            cls.end = {name: file[name][:, -1] for name in (VALIDATION, TEST, "val_loss", "hx_rankme")}
            cls.arm = [b"".join(name).decode() for name in file["arm"][()]]

    def of(self, name, arm):
        return self.end[name][[a == arm for a in self.arm]]

    def csv(self, *arguments):
        text = self.succeed(*arguments, "--format", "csv").out
        return pandas.read_csv(io.StringIO(text), float_precision="round_trip")

    def test_each_arm_gets_its_best_on_validation_and_is_shown_on_test(self):
        found = self.csv("best", "out", "--select", "--arms", "jepa,jepa+l1").set_index("arm")
        self.assertEqual(list(found.index), ["jepa", "jepa+l1"])
        for arm, names in (("jepa", ["jepa 1", "jepa 10", "jepa 30"]), ("jepa+l1", ["jepa+l1 1", "jepa+l1 10"])):
            chosen = min(names, key=lambda name: self.of(VALIDATION, name).mean())
            row = found.loc[arm]
            self.assertEqual((row["settings"], row["measured"], row["n"]), (len(names), len(names), 3))
            self.assertEqual(self.arm[row["trial"]], chosen)
            np.testing.assert_allclose(row[[VALIDATION, TEST, TEST + "_sd"]].astype(float), [
                self.of(VALIDATION, chosen).mean(), self.of(TEST, chosen).mean(), self.of(TEST, chosen).std(ddof=1)],
                rtol=1e-12)

    def test_it_tells_what_each_arm_was_given(self):
        out = self.succeed("best", "out", "--select", "--arms", "jepa,jepa+l1").out
        self.assertRegex(out, r"\njepa +3 +3 ")
        self.assertRegex(out, r"\njepa\+l1 +2 +3 ")
        self.assertIn("arms were given different numbers of settings", out)
        self.assertIn(f"{TEST}: of test clips, which had no part in the choice", out)

    def test_without_names_every_arm_is_one(self):
        found = self.csv("best", "out", "--select")
        self.assertEqual(list(found["arm"]), ["jepa 1", "jepa 10", "jepa 30", "jepa+l1 1", "jepa+l1 10", "broken"])
        self.assertEqual(list(found["settings"]), [1] * 6)
        self.assertEqual(list(found["measured"]), [1] * 5 + [0])

    def test_it_never_chooses_on_test_clips(self):
        self.assert_refused(f"METRIC: --select chooses by figures of validation clips, and {TEST} is of test clips; name "
                            f"{VALIDATION}", "best", "out", TEST, "--select")
        self.assert_refused("METRIC: --select chooses by figures of validation clips, and train_loss is of training "
                            "clips; name one such as val_loss", "best", "out", "train_loss", "--select")

    def test_a_loss_or_a_measure_of_validation_chooses_too(self):
        for name, better, option in (("val_loss", min, []), ("hx_rankme", max, ["--desc"])):
            found = self.csv("best", "out", name, "--select", "--arms", "jepa", *option)
            names = sorted(set(self.arm) - {"broken"})
            chosen = better(names, key=lambda arm, name=name: self.of(name, arm).mean())
            self.assertEqual(self.arm[found["trial"][0]], chosen)
            np.testing.assert_allclose(found[TEST][0], self.of(TEST, chosen).mean(), rtol=1e-12)

    def test_the_best_of_many_says_on_which_clips_it_was_found(self):
        self.assertIn("found on the test clips that it is measured on", self.succeed("best", "out", TEST).out)
        self.assertIn("its figure is too good", self.succeed("best", "out", VALIDATION).out)

    def test_all_comparisons_shown_are_one_family(self):
        for of in (None, f"{TEST},hx_rankme", "val_loss"):
            found = self.csv("compare", "out", "jepa 1", "jepa 30", *(["--of", of] if of else []))
            if of:
                self.assertEqual(set(found["quantity"]), set(of.split(",")))
            for row in found.itertuples():
                if row.quantity in self.end:
                    p = stats.ttest_rel(self.of(row.quantity, "jepa 30"), self.of(row.quantity, "jepa 1")).pvalue
                    np.testing.assert_allclose(row.p, p, rtol=1e-6)
            tested = found["p"].notna()
            np.testing.assert_allclose(found["p_holm"][tested], holm(found["p"][tested].values), rtol=1e-9)
        self.assertIn("p (Holm)", self.succeed("compare", "out", "jepa 1", "jepa 30").out)
        self.assert_refused('--of: no quantity "hx_rankmi"; did you mean "hx_rankme"?', "compare", "out",
                            "jepa 1", "jepa 30", "--of", "hx_rankmi")

    def test_json_has_it_too(self):
        found = json.loads(self.succeed("best", "out", "--select", "--format", "json").out)
        self.assertEqual([row["measured"] for row in found], [1] * 5 + [0])
        self.assertIsNone(found[-1][TEST])


if __name__ == "__main__":
    main()
