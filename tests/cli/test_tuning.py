"""Every arm is tuned alike: as many settings, from a space of its own, chosen on validation clips with other seeds."""

import os
import shutil
import signal
import subprocess
import time

from support.vjvcr import TINY, Case, Checkout, differing, main, np, values_of

SWEEP = """\
sweep:
  trials:
    first:
      parameters: {losses.variance.weight: {log: [1, 100]}}
    second:
      losses.variance.weight: 5
      parameters: {losses.covariance.weight: {uniform: [0, 1]}, optim.lr: {log: [1.0e-4, 1.0e-2]}}
  seeds: 2
quick:
  optim.steps: 2
  tuning.sweep.seeds: [7]
tuning:
  select: {metric: val_loss, mode: min}
  sweep.method: sobol
  sweep.samples: 2
  sweep.sampling_seed: 15
  sweep.seeds: [1000, 1001]
  optim.steps: 2
"""
PRESET = "# Two arms that are tuned.\n" + TINY + SWEEP
KEYS = {"first": ["losses.variance.weight"], "second": ["losses.covariance.weight", "optim.lr"]}


def best_of(folders, arm):
    """The values of the best setting of an arm, and how many it was given, by h5py and NumPy alone."""
    figures = {}
    for folder in folders:
        found = values_of(os.path.join(folder, "sweep.h5"))
        for trial in np.flatnonzero(found["arm"] == arm):
            setting = tuple(found["param." + key][trial] for key in KEYS[arm])
            figures.setdefault(setting, []).append(found["val_loss"][trial, -1])
    return min(figures, key=lambda setting: np.mean(figures[setting])), len(figures)


def descendants(process):
    found, new = [], [process.pid]
    while new:
        parents = ",".join(map(str, new))
        listed = subprocess.run(["pgrep", "-P", parents], stdout=subprocess.PIPE, text=True, check=False)
        new = [int(line) for line in listed.stdout.split()]
        found += new
    return found


class Chain(Checkout):
    presets = {"tiny": PRESET}

    def kill_when(self, ledger, lines):
        """`./vj reproduce tiny`, until a ledger has so many lines; SIGKILL to all of it."""
        process = self.start_vj("tiny")
        until = time.monotonic() + 100
        while time.monotonic() < until and process.poll() is None:
            if os.path.exists(self.path(ledger)):
                with open(self.path(ledger)) as file:
                    if len(file.readlines()) >= lines:
                        break
            time.sleep(0.01)
        everyone = [process.pid, *descendants(process)]
        for pid in everyone:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.communicate()
        self.assertTrue(os.path.exists(self.path(ledger)))

    def test_killed_and_gone_on_with_it_is_what_one_rank_does_step_by_step(self):
        self.kill_when("runs/tiny-tuning/ledger", 4)
        self.kill_when("runs/tiny-tuning-2/ledger", 4)
        self.kill_when("runs/tiny/ledger", 2)
        out = self.vj("tiny").stdout
        self.assertIn("going on with runs/tiny\n", out)
        self.assertRegex(out, r"settings: \d settings an arm, sobol; chosen by val_loss, lowest, the mean over seeds "
                              r"1000, 1001\n  first: losses.variance.weight=\S+ of \{log: \[\S+, 100\]\}.*, extended\n")
        folders = ["runs/tiny-tuning", "runs/tiny-tuning-2", "runs/tiny-tuning-3"]
        folders = [folder for folder in folders if os.path.exists(self.path(folder))]
        self.assertGreater(len(folders), 1)

        # the same, by hand, with one rank
        done = []
        for i, folder in enumerate(["tuning", "tuning-2", "tuning-3"]):
            extend = ["--extend", ",".join(done)] if done else []
            printed = self.succeed("sweep", "sweeps/tiny.yaml", "--tuning", *extend, "-o", folder).out
            if not os.path.exists(self.path(folder)):
                self.assertIn("there is nothing to extend", printed)
                break
            done.append(folder)
            self.assertEqual(differing(values_of(self.path(folder, "sweep.h5")),
                                       values_of(self.path(folders[i], "sweep.h5")), ["attempt"]), [], folder)
        self.assertEqual(len(done), len(folders))
        self.succeed("sweep", "sweeps/tiny.yaml", "--tuned", ",".join(reversed(done)), "-o", "by-hand")
        final = values_of(self.path("runs", "tiny", "sweep.h5"))
        self.assertEqual(differing(values_of(self.path("by-hand", "sweep.h5")), final, ["attempt"]), [])

        # every arm has the best of as many settings, chosen with other seeds
        for arm, keys in KEYS.items():
            best, settings = best_of([self.path(folder) for folder in folders], arm)
            self.assertEqual(settings, 2 * len(folders))
            for trial in np.flatnonzero(final["arm"] == arm):
                self.assertEqual(tuple(final["param." + key][trial] for key in keys), best)
        self.assertEqual(sorted(set(final["seed"])), [0, 1])
        for folder in folders:
            self.assertEqual(sorted(set(values_of(self.path(folder, "sweep.h5"))["seed"])), [1000, 1001])

        # what is recorded is enough to go on
        for folder in folders + done:
            shutil.rmtree(self.path(folder))
        grown = self.run_vjvcr("sweep", "sweeps/tiny.yaml", "-o", "by-hand", "--resume", "sweep.seeds=3", ranks=2)
        self.assertEqual((grown.code, grown.err), ([0, 0], "2 trials are added to the 4 in by-hand/sweep.h5\n"))
        more = values_of(self.path("by-hand", "sweep.h5"))
        self.assertEqual(len(more["seed"]), 6)
        self.assertEqual(len({*more["param.losses.variance.weight"][more["arm"] == "first"]}), 1)
        self.succeed("sweep", "by-hand/sweep.yaml", "-o", "again", "--dry-run")
        page = self.succeed("report", "by-hand")
        with open(self.path("by-hand", "report.html")) as file:
            self.assertIn("How settings were chosen", file.read(), page.out)


class Choice(Case):
    def setUp(self):
        super().setUp()
        self.write("tuned.yaml", TINY + SWEEP)

    def test_an_edge_is_told_and_the_dry_run_shows_each_arms_space(self):
        dry = self.succeed("sweep", "tuned.yaml", "--tuning", "--quick", "--dry-run").out
        self.assertRegex(dry, r"\nfirst +2  losses.variance.weight \{log: \[1, 100\]\}\n")
        self.assertRegex(dry, r"\nsecond +2  losses.covariance.weight \{uniform: \[0, 1\]\}, optim.lr \{log: ")
        self.assertIn("runs/tiny-quick-tuning", dry)
        self.succeed("sweep", "tuned.yaml", "--tuning", "--quick")
        folder = "runs/tiny-quick-tuning"
        out = self.succeed("best", folder, "--select").out
        self.assertRegex(out, r"\non an edge: first: losses.variance.weight=\S+ at the lower end of \{log: \[1, ")
        self.assertIn("Chosen by val_loss, lowest", out)
        more = self.succeed("sweep", "tuned.yaml", "--tuning", "--quick", "--extend", folder, "--dry-run").out
        self.assertRegex(more, r"\nfirst +2  losses.variance.weight \{log: \[0.01, 100\]\}\n")
        self.assertIn("runs/tiny-quick-tuning-2", more)
        self.succeed("sweep", "tuned.yaml", "--tuning", "--quick", "--extend", folder)
        pool = self.succeed("best", f"{folder},{folder}-2", "--select", "--format", "csv").out.splitlines()
        self.assertEqual([row.split(",")[:4] for row in pool[1:]],
                         [["first", "4", "4", "1"], ["second", "4", "4", "1"]])

    def test_a_final_sweep_needs_what_was_chosen(self):
        self.assert_refused("tuned.yaml:22:45: sweep.trials.first.parameters.losses.variance.weight: its value is to "
                            "be chosen in the tuning sweep: run that with --tuning, then this with --tuned DIR, the "
                            "folder of that", "sweep", "tuned.yaml", ranks=2)
        self.assert_refused("--extend is for tuning sweeps: add --tuning", "sweep", "tuned.yaml", "--extend", "out")
        self.assert_refused("--tuning and --tuned: expected one of them", "sweep", "tuned.yaml", "--tuning", "--tuned",
                            "out")
        self.assert_refused('tiny.yaml: --tuning: there is no section "tuning" that says how settings are chosen',
                            "sweep", "tiny.yaml", "--tuning")
        self.assert_refused('override tuning.select: sweep.select.metric: no quantity "val_los"; did you mean '
                            '"val_loss"?', "sweep", "tuned.yaml", "--tuning", "--dry-run",
                            "tuning.select={metric: val_los, mode: min}")
        self.assert_refused("override tuning.select: sweep.select.metric: settings are chosen by figures of validation "
                            "clips, and probe_speed_mse is of test clips; name a probe's that ends in _validation, or "
                            "val_loss", "sweep", "tuned.yaml", "--tuning", "--dry-run",
                            "tuning.select={metric: probe_speed_mse, mode: min}")

    def test_settings_are_those_of_the_arm_as_it_is_and_of_trials_that_are_done(self):
        self.succeed("sweep", "tuned.yaml", "--tuning", "--quick", "-o", "out")
        self.assert_refused('out: the arm "second" is not what it was: losses.variance.weight was 5 and is 6 now '
                            "(override sweep.trials.second.losses.variance.weight); tune it anew", "sweep",
                            "tuned.yaml", "--tuned", "out", "sweep.trials.second.losses.variance.weight=6")
        self.assert_refused("out: settings were chosen for another experiment: losses.prediction.weight was 1.0 and "
                            "is 2 now (override losses.prediction.weight); tune it anew", "sweep", "tuned.yaml",
                            "--tuned", "out", "losses.prediction.weight=2", ranks=2)
        self.assert_refused(r"^vjvcr: out/sweep.h5:\d+:\d+: tuning: settings are chosen with seed 7, which the final "
                            "sweep has, too, ", "sweep", "tuned.yaml", "--tuned", "out", "sweep.seeds=[7]")
        self.succeed("sweep", "tuned.yaml", "--tuned", "out", "-o", "final", "--dry-run")
        begun = self.run_vjvcr("sweep", "tuned.yaml", "--tuning", "-o", "begun", "--time-limit", "1s", "optim.batch=32",
                               "tuning.optim.steps=100000")
        self.assertEqual(begun.code, 75, begun.err)
        self.assert_refused("begun: 8 of 8 trials are not done; go on with it (the same command with --resume) before "
                            "settings are chosen", "sweep", "tuned.yaml", "--tuned", "out,begun")


if __name__ == "__main__":
    main()
