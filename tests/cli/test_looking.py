"""What `best`, `ls`, `table`, `show` and `compare` say agrees with what pandas, xarray and NumPy find in sweep.h5; in
every format, within a terminal's width, and whatever state the sweep is in."""

import csv
import io
import json
import os
import shutil
import subprocess

from support import requirements
from support.vjvcr import TINY, VJVCR, Case, SweepCase, edited, main, np

with requirements.modules():
    import pandas
    import xarray
    from scipy import stats

SWEEP = TINY.replace("samples: 32\n", "samples: 32\n  states: 6\n") + """\
sweep:
  trials:
    weak: {losses.variance.weight: 1}
    broken: {optim.lr: 1.0e30}
    'strong, "loud"': {losses.variance.weight: 100, losses.prediction.distance: l1}
  seeds: 2
"""
LOUD = 'strong, "loud"'
NAMES = ["weak", "weak", "broken", "broken", LOUD, LOUD]


def hsic(k, l):
    """Debiased, by U-centring (Szekely and Rizzo 2014): another way to the same number than the three traces."""
    n = len(k)

    def centred(m):
        m = m - np.diag(np.diag(m))
        rows = m.sum(axis=0)
        c = m - rows[None] / (n - 2) - rows[:, None] / (n - 2) + m.sum() / ((n - 1) * (n - 2))
        return c - np.diag(np.diag(c))

    return (centred(k) * centred(l)).sum() / (n * (n - 3))


def cka(x, y):
    """Debiased and biased linear CKA of clips x features."""
    x, y = (a.reshape(len(a), -1).astype(np.float64) for a in (x, y))
    k, l = x @ x.T, y @ y.T
    xc, yc = x - x.mean(axis=0), y - y.mean(axis=0)
    biased = np.linalg.norm(xc.T @ yc)**2 / np.linalg.norm(xc.T @ xc) / np.linalg.norm(yc.T @ yc)
    return hsic(k, l) / np.sqrt(hsic(k, k) * hsic(l, l)), biased


class Finished(SweepCase):
    text, code = SWEEP, 1

    @classmethod
    def fill(cls, shared):
        super().fill(shared)
        with xarray.open_dataset(shared.path("out", "sweep.h5")) as sweep:
            cls.sweep = sweep.load()
        cls.end = cls.sweep.isel(eval=-1)
        cls.done = np.flatnonzero(cls.sweep["status"] == 2)

    def json(self, *arguments):
        return json.loads(self.succeed(*arguments, "--format", "json").out)

    def csv(self, *arguments):
        text = self.succeed(*arguments, "--format", "csv").out
        return pandas.read_csv(io.StringIO(text), float_precision="round_trip")

    def frame(self, *quantities):
        """One row for each trial that is done."""
        return self.end[[*quantities]].isel(trial=self.done).to_dataframe().reset_index()

    def lines(self, columns, *arguments):
        os.environ["COLUMNS"] = str(columns)
        try:
            return self.succeed(*arguments).out.splitlines()
        finally:
            del os.environ["COLUMNS"]

    # --- best ---

    def test_best_in_all_digits(self):
        for option in ("--asc", "--desc"):
            wanted = self.frame("hx_rankme").sort_values("hx_rankme", ascending=option == "--asc", kind="stable")
            for found in (pandas.DataFrame(self.json("best", "out", "hx_rankme", option)),
                          self.csv("best", "out", "hx_rankme", option)):
                self.assertEqual(list(found.columns), [
                    "trial", "arm", "seed", "param.losses.variance.weight", "param.optim.lr",
                    "param.losses.prediction.distance", "hx_rankme"])
                for name in found:
                    self.assertEqual(list(found[name]), list(wanted[name]), name)

    def test_csv_is_quoted(self):
        environment = dict(os.environ, OMPI_MCA_ess_singleton_isolated="1")
        text = subprocess.run([VJVCR, "ls", "out", "--format", "csv"], cwd=self.folder, env=environment, check=True,
                              capture_output=True).stdout
        self.assertEqual((text.count(b"\n"), text.count(b"\r")), (7, 0))
        self.assertIn(b'\n4,"strong, ""loud\""",0,100,0.001,l1,done,4,,', text)

    def test_grouped_by_seeds(self):
        wanted = self.frame("val_loss").groupby("arm")["val_loss"].agg(["mean", "std", "count"]).sort_values("mean")
        found = self.csv("best", "out", "val_loss", "--group-seeds")
        self.assertEqual(list(found["arm"]), list(wanted.index))
        np.testing.assert_allclose(found[["val_loss", "val_loss_sd", "n"]], wanted, rtol=1e-12)
        self.assertEqual(len(self.json("best", "out", "val_loss", "--group-seeds", "-n", "1")), 1)

    # --- ls and table ---

    def test_ls_has_every_trial(self):
        found = self.csv("ls", "out")
        self.assertEqual(list(found["trial"]), list(range(6)))
        self.assertEqual(list(found["arm"]), NAMES)
        self.assertEqual(list(found["state"]), [("", "", "done", "failed")[s] for s in self.sweep["status"].values])
        self.assertEqual(list(found["steps"]), list(self.sweep["committed"].values))
        self.assertEqual([f if isinstance(f, str) else "" for f in found["reason"]], list(self.sweep["failure"].values))
        for name in ("val_prediction", "hx_rankme", "probe_speed_mse"):
            wanted = self.end[name].where(self.sweep["status"] == 2).values
            np.testing.assert_array_equal(found[name], wanted, name)
        np.testing.assert_array_equal(found["hx_explained_variance[9]"][self.done],
                                      self.end["hx_explained_variance"].isel(trial=self.done, component=-1))
        self.assertEqual([row["trial"] for row in self.json("ls", "out")], list(range(6)))
        self.assertIsNone(self.json("ls", "out")[2]["hx_rankme"])

    def test_the_table_is_pandas_group_by(self):
        frame = self.frame("probe_speed_mse", "hx_lidar", "val_variance")
        wanted = frame.groupby("arm")[["val_variance", "probe_speed_mse"]].agg(["mean", "std"])
        found = self.csv("table", "out").set_index("arm")
        self.assertEqual(list(found.index), ["weak", "broken", LOUD])
        self.assertEqual(list(found["n"]), [2, 0, 2])
        for arm in wanted.index:
            for name in ("val_variance", "probe_speed_mse"):
                np.testing.assert_allclose([found.loc[arm, name], found.loc[arm, f"{name}_sd"]],
                                           wanted.loc[arm, name], rtol=1e-9)
        self.assertTrue(np.isnan(found.loc["broken", "probe_speed_mse"]))

    def test_markdown_is_a_table(self):
        lines = self.succeed("table", "out", "--format", "md").out.splitlines()
        self.assertTrue(lines[0].startswith("| arm | seeds | prediction |"), lines[0])
        self.assertEqual(lines[1][:12], "|---|---:|--")
        self.assertEqual({line.count("|") for line in lines[:5]}, {lines[0].count("|")})
        for verb in (["ls", "out"], ["best", "out"], ["show", "out", "0"], ["compare", "out", "weak", LOUD]):
            self.assertIn("|---", self.succeed(*verb, "--format", "md").out)

    # --- show ---

    def test_show_for_programs(self):
        found = self.json("show", "out", "5")
        self.assertEqual((found["trial"], found["arm"], found["seed"], found["state"]), (5, LOUD, 1, "done"))
        self.assertEqual((found["step"], found["steps"], found["reason"]), (4, 4, None))
        self.assertEqual(found["settings"], {"losses.variance.weight": 100, "optim.lr": 0.001,
                                             "losses.prediction.distance": "l1"})
        self.assertEqual(found["config"], str(self.sweep["config"].values[5]))
        self.assertEqual(found["times"]["time_total"], self.sweep["time_total"].values[5])
        table = self.csv("show", "out", "5")
        self.assertEqual(list(table["quantity"]), [row["quantity"] for row in found["measured"]])
        for row in found["measured"]:
            course = self.sweep[row["quantity"]].isel(trial=5)
            self.assertEqual((row["start"], row["end"]), (course.values[0], course.values[-1]))
        failed = self.json("show", "out", "2")
        self.assertEqual((failed["state"], failed["reason"]), ("failed", str(self.sweep["failure"].values[2])))

    # --- compare ---

    def test_paired_differences(self):
        found = self.json("compare", "out", "weak", LOUD)
        self.assertEqual(found["a"], {"name": "weak", "trials": [0, 1], "done": 2})
        self.assertEqual(found["pairs"], [[0, 4], [1, 5]])
        self.assertEqual(found["settings"], [{"key": "losses.prediction.distance", "a": "mse", "b": "l1"},
                                             {"key": "losses.variance.weight", "a": "1", "b": "100"}])
        rows = {row["quantity"]: row for row in found["outcome"]}
        for name in ("probe_speed_mse", "hx_rankme", "val_loss", "hy_pred_nmse", "hx_lidar"):
            v, row = self.end[name].values, rows[name]
            differences = v[4:] - v[:2]
            interval = stats.t.interval(0.95, 1, differences.mean(), stats.sem(differences))
            np.testing.assert_allclose(
                [row["a"], row["b"], row["difference"], row["difference_sd"], row["low"], row["high"]],
                [v[:2].mean(), v[4:].mean(), differences.mean(), differences.std(ddof=1), *interval], rtol=1e-9)
            self.assertEqual((row["pairs"], row["a_trials"], row["b_trials"]), (2, 2, 2))
        self.assertNotIn("probe_speed_baseline_mse", rows, "of the data alone")
        self.assertGreaterEqual(found["same"], 1)
        self.assertEqual(list(self.csv("compare", "out", "weak", LOUD)["quantity"]), list(rows))

    def test_two_trials(self):
        for words in (["0", "5"], ["losses.variance.weight=1,seed=0", "5"]):
            if "seed" in words[0]:
                self.assert_refused('A: the sweep sets no "seed"; settings are losses.variance.weight, optim.lr, '
                                    'losses.prediction.distance, arm', "compare", "out", *words)
                continue
            found = self.json("compare", "out", *words)
            self.assertEqual([(s["key"], s["a"], s["b"]) for s in found["settings"]],
                             [("seed", "0", "1"), ("losses.prediction.distance", "mse", "l1"),
                              ("losses.variance.weight", "1", "100")])
            row = next(row for row in found["outcome"] if row["quantity"] == "val_loss")
            v = self.end["val_loss"].values
            self.assertEqual((row["a"], row["b"], row["difference"], row["low"], row["pairs"]),
                             (v[0], v[5], v[5] - v[0], None, 1))

    def test_trials_by_their_settings(self):
        found = self.json("compare", "out", "losses.variance.weight=1", "losses.prediction.distance=l1,arm=" + LOUD)
        self.assertEqual((found["a"]["trials"], found["b"]["trials"]), ([0, 1], [4, 5]))

    def test_cka_from_recorded_states(self):
        found = self.json("compare", "out", "weak", LOUD)["cka"]
        self.assertEqual(found["trials"], [0, 1, 4, 5])
        for view in ("hx", "hy", "hy_pred"):
            states = self.sweep[f"{view}_states"].isel(trial=[0, 1, 4, 5]).values
            self.assertEqual(states.shape[1:3], (6, 3 if view == "hx" else 12))
            wanted = np.array([[cka(a, b) for b in states] for a in states])
            np.testing.assert_allclose(found["views"][view]["matrix"], wanted[..., 0], atol=1e-9)
            np.testing.assert_allclose(found["views"][view]["matrix_biased"], wanted[..., 1], atol=1e-9)
            means = wanted[[0, 1], [2, 3]].mean(axis=0)
            np.testing.assert_allclose([found["views"][view]["debiased"], found["views"][view]["biased"]], means,
                                       atol=1e-9)
            np.testing.assert_allclose(found["views"][view]["within_a"], wanted[0, 1, 0], atol=1e-9)
        self.assertIn("\nCKA of ", self.succeed("compare", "out", "weak", LOUD).out)

    def test_an_arm_that_failed(self):
        out = self.succeed("compare", "out", "weak", "broken").out
        self.assertIn("B: broken: trials 2, 3; 0 of 2 done\n", out)
        self.assertIn("\nno outcome to compare: no trial of B is done\n", out)
        found = self.json("compare", "out", "weak", "broken")
        self.assertEqual(found["settings"], [{"key": "losses.variance.weight", "a": "1", "b": "10.0"},
                                             {"key": "optim.lr", "a": "1.0e-3", "b": "1.0e30"}])

    # --- terminals ---

    def test_tables_keep_within_the_terminal(self):
        for columns in (80, 100, 120):
            for verb in (["best", "out"], ["ls", "out"], ["table", "out"], ["compare", "out", "weak", LOUD]):
                lines = self.lines(columns, *verb)
                rule = next(i for i, line in enumerate(lines) if line.startswith("-----"))
                table = [lines[rule - 1]]
                for line in lines[rule:]:
                    if line.startswith(("no room for: ", "left out: ", "Losses are ", "±")) or not line:
                        break
                    table.append(line)
                self.assertLessEqual(max(map(len, table)), columns, f"{verb} in {columns} columns")

    def test_what_has_no_room_is_named(self):
        whole = self.succeed("ls", "out").out.splitlines()
        self.assertNotIn("no room for", "".join(whole))
        narrow = self.lines(90, "ls", "out")
        (named,) = [line for line in narrow if line.startswith("no room for: ")]
        self.assertIn("prediction", named)
        self.assertIn("speed MSE", narrow[0])  # what tells most stays
        self.assertIn(" lr ", narrow[0])       # keys become short

    # --- wrong calls ---

    def test_wrong_calls(self):
        for sentence, *arguments in (
                ("expected DIR, the folder of a sweep; usage: vjvcr ls DIR [--format text|json|csv|md]", "ls"),
                ("expected B, what A is compared with, named likewise; usage: vjvcr compare DIR A B "
                 "[--of METRIC,..] [--format text|json|csv|md]", "compare", "out", "weak"),
                ('--format: expected one of text, json, csv, md, got "yaml"', "ls", "out", "--format", "yaml"),
                ('--format: expected a value', "table", "out", "--format"),
                ('B: "week" is no arm, no trial (0 to 5) and no key=value; did you mean "weak"?', "compare", "out",
                 "weak", "week"),
                ('B: "6" is no arm, no trial (0 to 5) and no key=value; arms are weak, broken, ' + LOUD, "compare",
                 "out", "weak", "6"),
                ('A: the sweep sets no "optim.rl"; did you mean "optim.lr"?', "compare", "out", "optim.rl=1", "weak"),
                ("A: no trial has optim.lr=7", "compare", "out", "optim.lr=7", "weak")):
            self.assert_refused(sentence, *arguments)

    def test_no_sweep(self):
        self.write("note.txt", "a note\n")
        os.mkdir(self.path("other"))
        self.addCleanup(shutil.rmtree, self.path("other"))
        self.write("other/sweep.h5", "a note\n")
        for verb in (["best"], ["ls"], ["table"], ["show", "0"], ["compare", "0", "1"]):
            self.assert_refused("other/sweep.h5 is no sweep file: it does not begin as HDF5 files do", verb[0], "other",
                                *verb[1:], code=1)
            self.assert_refused(r"^vjvcr: note.txt/(sweep.h5|ledger): can't be opened: Not a directory\n$", verb[0], "note.txt", *verb[1:], code=1)


class Otherwise(Case):
    """Sweeps that are not as they should be: half done, of one trial, without probes."""

    def test_half_done(self):
        """What a kill leaves, and what stands there while others run: as a file."""
        self.write("sweep.yaml", SWEEP)
        self.run_vjvcr("sweep", "sweep.yaml", "-o", "out")
        with edited(self.path("out", "sweep.h5")) as file:
            file["status"][...] = [2, 1, 3, 0, 2, -1]
            file["committed"][...] = [4, 2, 1, -1, 4, -1]
        rows = json.loads(self.succeed("ls", "out", "--format", "json").out)
        self.assertEqual([row["state"] for row in rows], ["done", "running", "failed", "waiting", "done", "waiting"])
        self.assertEqual([row["hx_rankme"] is None for row in rows], [False, True, True, True, False, True])
        self.assertEqual(len(json.loads(self.succeed("best", "out", "--format", "json").out)), 2)
        found = json.loads(self.succeed("compare", "out", "weak", LOUD, "--format", "json").out)
        self.assertEqual((found["a"]["done"], found["b"]["done"]), (1, 1))
        self.assertEqual({row["pairs"] for row in found["outcome"]}, {1})
        self.assertEqual(found["cka"]["trials"], [0, 4])
        for verb in (["table", "out"], ["show", "out", "1"], ["show", "out", "3"], ["compare", "out", "1", "3"]):
            for style in ("text", "json", "csv", "md"):
                self.succeed(*verb, "--format", style)

    def test_one_trial_without_probes(self):
        self.write("plain.yaml", TINY)
        self.succeed("train", "plain.yaml", "-o", "out", "eval.probes=")
        for style in ("text", "json", "csv", "md"):
            for verb in (["table", "out"], ["ls", "out"], ["show", "out", "0"], ["best", "out", "val_loss"],
                         ["compare", "out", "0", "0"]):
                self.assertTrue(self.succeed(*verb, "--format", style).out)
        found = json.loads(self.succeed("compare", "out", "0", "0", "--format", "json").out)
        self.assertEqual((found["settings"], found["outcome"], found["cka"]), ([], [], None))
        self.assertGreater(found["same"], 20)
        rows = list(csv.DictReader(io.StringIO(self.succeed("ls", "out", "--format", "csv").out)))
        self.assertEqual((len(rows), rows[0]["state"]), (1, "done"))


if __name__ == "__main__":
    main()
