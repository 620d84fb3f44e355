"""Trials stopped early: every decision is what its rule says of the numbers in sweep.h5, whatever was killed meanwhile.

VJ_KILLS says how often the sweep is killed at random moments (default 3)."""

import math
import os
import random
import re
import shutil
import subprocess
import time

from support.vjvcr import VJVCR, Case, differing, edited, everything_in, h5py, main, np, values_of

KILLS = int(os.environ.get("VJ_KILLS", "3"))
STOPPED = 4

# Nine trials in about a second.
SWEEP = """\
name: early
data: {dataset: moving_mnist, size: 32, digit_size: 14, max_speed: 3, train_size: 64, validation_size: 32}
model:
  encoder: {type: cnn, channels: [4, 8], temporal: [8]}
  predictor: {type: mlp, hidden: [16]}
losses:
  prediction: {weight: 1.0}
  variance: {weight: 1.0}
optim: {steps: 12, batch: 8, shards: 2, schedule: constant}
eval:
  every: 1
  samples: 16
  probe_train: 16
  probe_validation: 8
  probe_test: 8
  probes: {speed: {type: ridge, target: speed, on: hy_pred}}
logging: {every: 2}
checkpoint: {minutes: 0, steps: 1}
sweep:
  stopping: {type: asha, metric: val_loss, mode: min, grace_steps: 2, reduction_factor: 2}
  parameters:
    optim.lr: {log: [1.0e-5, 1.0e-2], n: 9}
"""
LINE = 20  # of sweep.stopping


# --- oracles: the rules as one would write them in Python --------------------------------------------------------------

def key(value, mode):
    """Sorts the best first, NaN last."""
    return (1, 0) if math.isnan(value) else (0, value if mode == "min" else -value)


def asha(reports, trial, place, value, mode, factor):
    """(ends, threshold)"""
    there = sorted((key(v, mode) for t, p, v in reports if p == place and t != trial))
    room = max(1, (len(there) + 1) // factor)
    return len(there) >= room and not key(value, mode) < there[room - 1]


def median(reports, trial, place, value, mode, least):
    means = [np.mean([v for t, p, v in reports if t == other and p <= place])
             for other in {t for t, p, _ in reports if p == place and t != trial}]
    best = min([value, *(v for t, p, v in reports if t == trial and p <= place)], key=lambda v: key(v, mode))
    return len(means) >= least and key(float(np.median(means)), mode) < key(best, mode)


class Early(Case):
    def setUp(self):
        super().setUp()
        self.write("early.yaml", SWEEP)

    def sweep(self, *arguments, folder="out", **options):
        return self.succeed("sweep", "early.yaml", "-o", folder, *arguments, **options)

    def values(self, folder="out"):
        return values_of(self.path(folder, "sweep.h5"))

    def records(self, folder="out"):
        """Each a list of words, the reason last."""
        found = []
        with open(self.path(folder, "ledger")) as file:
            for line in file.read().splitlines()[1:]:
                words, _, reason = line.rsplit(" ", 1)[0].partition(' "')
                found.append(words.split()[1:] + ([reason[:-1]] if reason else []))
        return found

    def decisions(self, folder="out"):
        """(trial, place, value, whether it ended), in their order."""
        return [(int(r[1]), int(r[3]), float(r[4]), r[0] == "ended") for r in self.records(folder)
                if r[0] in ("passed", "ended")]

    def assert_decided(self, rule, folder="out", metric="val_loss", axis="eval"):
        """Every decision is the rule's, of those before it, and is what became of the trial. Returns all decisions."""
        found, decisions = self.values(folder), self.decisions(folder)
        at = list(found[axis])
        stopped = {}
        for i, (trial, place, value, ended) in enumerate(decisions):
            done = next(step for step in at if step >= place)
            np.testing.assert_equal(found[metric][trial, at.index(done)], value)
            self.assertEqual(ended, rule([d[:3] for d in decisions[:i]], trial, place, value), decisions[i])
            if ended:
                stopped[trial] = done
        for trial, status in enumerate(found["status"]):
            self.assertEqual(status, STOPPED if trial in stopped else 2)
            self.assertEqual(found["committed"][trial], stopped.get(trial, 12))
            self.assertEqual(found["stop_reason"][trial] != "", trial in stopped)
        self.assertTrue(0 < len(stopped) < len(found["status"]))
        self.assertEqual(sorted(everything_in(self.path(folder))), ["ledger", "sweep.h5", "sweep.yaml"])
        return decisions


class Rules(Early):
    def test_asha(self):
        result = self.sweep()
        decisions = self.assert_decided(lambda *report: asha(*report, "min", 2))
        self.assertEqual({place for _, place, _, _ in decisions}, {2, 4, 8})
        ended = sum(ended for *_, ended in decisions)
        self.assertIn(f"\n{ended} of 9 trials were stopped early; rows of no others are left out, `vjvcr ls` lists all.\n",
                      result.out)

    def test_asha_of_the_highest_by_training_rows(self):
        self.sweep("sweep.stopping={type: asha, metric: gradient_norm, mode: max, grace_steps: 1, reduction_factor: 3}")
        decisions = self.assert_decided(lambda *report: asha(*report, "max", 3), metric="gradient_norm", axis="step")
        self.assertEqual({place for _, place, _, _ in decisions}, {1, 3, 9})

    def test_median(self):
        self.sweep("sweep.stopping={type: median, metric: val_variance, mode: min, grace_steps: 2, interval_steps: 3, "
                   "min_trials: 2}", "sweep.seeds=2")
        decisions = self.assert_decided(lambda *report: median(*report, "min", 2), metric="val_variance")
        self.assertEqual({place for _, place, _, _ in decisions}, {2, 5, 8, 11})

    def test_two_groups_wait_for_nobody(self):
        self.sweep("sweep.seeds=2", ranks=2)
        self.assert_decided(lambda *report: asha(*report, "min", 2))
        claims = [int(r[1]) for r in self.records() if r[0] == "claim"]
        self.assertEqual(sorted(claims), list(range(18)))
        self.assertEqual(len({r[3] for r in self.records() if r[0] == "claim"}), 2)

    def test_the_ranks_of_a_group_agree(self):
        self.sweep()
        self.sweep("--ranks-per-trial", "2", folder="two", ranks=2)
        self.assertEqual(differing(self.values("two"), self.values()), [])
        self.assertEqual(self.decisions("two"), self.decisions())

    def test_what_is_measured_is_that_of_a_whole_training(self):
        self.sweep()
        self.sweep("sweep.stopping=null", folder="whole")
        found, whole = self.values(), self.values("whole")
        self.assertNotIn("stop_reason", whole)
        self.assertEqual(list(whole["status"]), [2] * 9)
        for trial, committed in enumerate(found["committed"]):
            rows, evals = found["step"] <= committed, found["eval"] <= committed
            self.assertEqual(found["train_loss"][trial, rows].tobytes(), whole["train_loss"][trial, rows].tobytes())
            self.assertEqual(found["val_loss"][trial, evals].tobytes(), whole["val_loss"][trial, evals].tobytes())
            self.assertTrue(np.isnan(found["train_loss"][trial, ~rows]).all())
        self.assertTrue(np.isfinite(found["time_total"]).all())

    def test_a_grid_is_begun_in_shuffled_order_and_samples_are_not(self):
        self.sweep()
        claims = [int(r[1]) for r in self.records() if r[0] == "claim"]
        self.assertEqual(sorted(claims), list(range(9)))
        self.assertNotIn(claims, (list(range(9)), list(range(8, -1, -1))))
        self.sweep("sweep.method=random", "sweep.samples=6", "sweep.parameters.optim.lr={log: [1.0e-5, 1.0e-2]}",
                   folder="samples")
        self.assertEqual([int(r[1]) for r in self.records("samples") if r[0] == "claim"], list(range(6)))

    def test_a_trial_that_does_not_measure_it_is_the_worst(self):
        self.sweep("sweep.trials={with: {losses.covariance: {weight: 0.1}}, without: {}}",
                   "sweep.stopping.metric=val_covariance")
        found, nan = self.values(), 0
        self.assert_decided(lambda *report: asha(*report, "min", 2), metric="val_covariance")
        for i, (trial, place, value, ended) in enumerate(self.decisions()):
            if math.isnan(value):  # only who comes first goes on with it
                nan += ended
                self.assertEqual(found["arm"][trial], "without")
                self.assertEqual(ended, any(p == place for _, p, _, _ in self.decisions()[:i]))
        self.assertGreaterEqual(nan, 8)

    def test_a_failed_trial_is_neither_stopped_nor_in_the_way(self):
        result = self.run_vjvcr("sweep", "early.yaml", "-o", "out", "optim.lr=1.0e-3",
                                "sweep.parameters={optim.momentum: [0.9, 0.5], optim.type: [adamw, sgd], "
                                "optim.lr: [1.0e-3, 1.0e+30]}")
        found = self.values()
        self.assertEqual(result.code, 1)
        self.assertEqual({s for s in found["status"]}, {2, 3, 4})
        self.assertEqual([bool(text) for text in found["failure"]], [s == 3 for s in found["status"]])
        self.assertEqual([bool(text) for text in found["stop_reason"]], [s == 4 for s in found["status"]])


class Killed(Early):
    references = {}

    def whole(self):
        if not self.references:
            self.sweep(folder="whole")
            self.references.update(values=self.values("whole"), decisions=self.decisions("whole"),
                                   files=everything_in(self.path("whole")))
        return self.references

    def assert_same(self, folder="out"):
        """As if nothing had happened: sweep.h5 but for attempts and times, and each decision once."""
        self.assertEqual(differing(self.values(folder), self.whole()["values"], ["attempt"]), [])
        self.assertEqual(self.decisions(folder), self.whole()["decisions"])
        self.assertEqual(sorted(everything_in(self.path(folder))), ["ledger", "sweep.h5", "sweep.yaml"])

    def test_at_random_moments(self):
        dice = random.Random(7)
        self.whole()
        environment = dict(os.environ, OMPI_MCA_ess_singleton_isolated="1")
        for kill in range(KILLS):
            before = len(self.records()) if kill else 0
            process = subprocess.Popen([VJVCR, "sweep", "early.yaml", "-o", "out", *(["--resume"] if kill else [])],
                                       cwd=self.folder, env=environment, stderr=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL)
            while process.poll() is None and not (os.path.exists(self.path("out", "ledger")) and
                                                  len(self.records()) >= before + 4):
                time.sleep(0.002)
            time.sleep(dice.uniform(0, 0.03))
            process.kill()
            process.wait()
        self.sweep("--resume")
        self.assert_same()

    def test_after_every_record(self):
        """The process died right after it had appended a record; the file has all it can have by then, or more."""
        files = self.whole()["files"]
        lines = files["ledger"].splitlines(True)
        for count in range(2, len(lines), 6):
            shutil.rmtree(self.path("out"), ignore_errors=True)
            os.mkdir(self.path("out"))
            for name in ("sweep.h5", "sweep.yaml"):
                self.write(os.path.join("out", name), files[name])
            self.write(os.path.join("out", "ledger"), b"".join(lines[:count]))
            self.sweep("--resume")
            self.assert_same()

    def test_between_the_decision_and_its_effect(self):
        """The ledger says that a trial has ended, and sweep.h5 and the checkpoints don't know it yet."""
        self.whole()
        self.sweep()
        trial = int(np.flatnonzero(self.values()["status"] == STOPPED)[0])
        with edited(self.path("out", "sweep.h5")) as file:
            file["status"][trial] = 1
            file["stop_reason"][trial] = np.zeros(file["stop_reason"].shape[1], "S1")
        os.mkdir(self.path("out", "checkpoints"))
        self.write(os.path.join("out", "checkpoints", f"trial-{trial:04d}.0"), "left over")
        self.sweep("--resume")
        self.assert_same()

    def test_another_rule_is_refused(self):
        self.sweep()
        end = "; --resume goes on by the same rule: undo that, or choose another folder with -o"
        for setting, change in (("=null", " was {type: asha, metric: val_loss, mode: min, grace_steps: 2,... and is not "
                                 "there now"),
                                (".reduction_factor=3", ".reduction_factor was 2 and is 3 now (override "
                                 "sweep.stopping.reduction_factor)")):
            self.assert_refused(f"out/sweep.h5: sweep.stopping{change}{end}", "sweep", "early.yaml", "-o", "out",
                                "--resume", f"sweep.stopping{setting}")

    def test_added_trials_go_by_what_was_decided(self):
        self.sweep()
        before = self.decisions()
        result = self.run_vjvcr("sweep", "early.yaml", "-o", "out", "--resume", "sweep.seeds=2")
        self.assertEqual((result.code, result.err), (0, "9 trials are added to the 9 in out/sweep.h5\n"))
        self.assertEqual(self.decisions()[:len(before)], before)
        self.assert_decided(lambda *report: asha(*report, "min", 2))
        self.assertEqual(len(self.values()["status"]), 18)
        self.assertEqual(list(self.values()["status"][:9]), list(self.whole()["values"]["status"]))


class Looking(Early):
    def test_what_the_verbs_say(self):
        self.sweep()
        found = self.values()
        done, stopped = np.flatnonzero(found["status"] == 2), np.flatnonzero(found["status"] == STOPPED)
        lines = self.succeed("status", "out").out.splitlines()
        self.assertEqual(lines[0], f"early: finished; 9 trials: 0 running, {len(done)} done, {len(stopped)} stopped "
                                   "early, 0 failed, 0 waiting; 100% of all steps")
        table = self.succeed("table", "out").out.splitlines()
        trials = [line for line in table if re.match(r" *[0-9][0-9.e+-]*  ", line)]
        self.assertEqual(len(trials), len(done))
        listed = self.succeed("ls", "out").out.splitlines()
        self.assertEqual([line.endswith("stopped") for line in listed[2:11]],
                         [status == STOPPED for status in found["status"]])
        best = self.succeed("best", "out", "val_loss").out.splitlines()
        self.assertEqual(best[0], f"{len(done)} of {len(done)} trials, lowest first")
        self.assertIn(f"left out: {len(stopped)} stopped early", best)
        shown = self.succeed("show", "out", str(stopped[0])).out
        self.assertRegex(shown, r"\nstate     stopped early, attempt 1, run by [^\n]*\n"
                                rf"steps     {found['committed'][stopped[0]]} of 12\nreason    val_loss [\d.]+ after step ")
        with h5py.File(self.path("out", "sweep.h5"), "r") as file:
            self.assertEqual(file["status"].attrs["flag_meanings"].decode(), "waiting running done failed stopped")

    def test_the_dry_run_names_rungs_and_the_share_of_steps(self):
        out = self.succeed("sweep", "early.yaml", "--dry-run").out
        # 2 steps of all trials, 2 of a half, 4 of a quarter, 4 of an eighth: 4.5 of 12
        self.assertIn("\nearly stopping: asha by val_loss, lowest first; rungs after 2, 4, 8 steps; about 38% of all "
                      "steps, if trials come in no order of quality\n", out)
        out = self.succeed("sweep", "early.yaml", "--dry-run", "sweep.stopping={type: median, metric: train_loss, mode: "
                           "max, grace_steps: 5}").out
        self.assertIn("\nearly stopping: median by train_loss, highest first; decisions after 6, 8, 10 steps; about 75% "
                      "of all steps, if half of the trials end at the first\n", out)


    def test_describe(self):
        described = self.succeed("describe", "stopping", "asha").out
        self.assertRegex(described, r"\nreduction_factor +integer +3 +2\.\.1000 +eta: one in so many goes on")
        self.assertIn("interval_steps", self.succeed("describe", "stopping", "median").out)
        self.assert_refused('there is no rule "hyperband" of early stopping; rules are asha, median', "describe",
                            "stopping", "hyperband")


class Refused(Early):
    def refuse(self, sentence, stopping, *settings):
        section = self.write("wrong.yaml", SWEEP.replace(
            "{type: asha, metric: val_loss, mode: min, grace_steps: 2, reduction_factor: 2}", stopping))
        self.assert_refused(sentence, "sweep", section, *settings)

    def test_what_is_missing_or_misspelt(self):
        at = f"wrong.yaml:{LINE}:"
        self.refuse(at + '13: sweep.stopping: expected a map of keys and values, got "asha"', "asha")
        self.refuse(at + '13: sweep.stopping: missing key "type" (the rule: asha or median)', "{metric: val_loss}")
        self.refuse(at + '20: sweep.stopping.type: expected one of asha, median, got "ahsa"; did you mean "asha"?',
                    "{type: ahsa}")
        self.refuse(at + '13: sweep.stopping: missing key "metric" (the quantity of sweep.h5 by which trials are '
                    "compared)", "{type: asha}")
        self.refuse(at + '13: sweep.stopping: missing key "mode" (what is good of the metric: min or max)',
                    "{type: asha, metric: val_loss}")
        self.refuse(at + '13: sweep.stopping: missing key "grace_steps" (no trial ends before so many; asha: the first '
                    "rung)", "{type: asha, metric: val_loss, mode: min}")
        self.refuse(at + '62: sweep.stopping: unknown key "grace_step"; did you mean "grace_steps"?',
                    "{type: median, metric: val_loss, mode: min, " + " " * 5 + "grace_step: 3}")
        self.refuse(at + '28: sweep.stopping: unknown key "reduction_factor"; known keys are type, metric, mode, '
                    "grace_steps, interval_steps, min_trials", "{type: median, reduction_factor: 3}")
        self.refuse(at + "80: sweep.stopping.grace_steps: expected an integer >= 1, got \"0\"",
                    "{type: asha, metric: val_loss, mode: min,             grace_steps: 0}")
        self.refuse(at + "89: sweep.stopping.reduction_factor: expected an integer between 2 and 1000, got \"1\"",
                    "{type: asha, grace_steps: 1, metric: val_loss, mode: min, reduction_factor: 1}")

    def test_a_metric_that_is_not_recorded(self):
        at = f"wrong.yaml:{LINE}:34: sweep.stopping.metric: "
        rest = ", mode: min, grace_steps: 2}"
        for settings in ([], ["--dry-run"]):
            self.refuse(at + 'no quantity "val_los" of steps or evaluations; did you mean "val_loss"?',
                        "{type: asha, metric: val_los" + rest, *settings)
        self.refuse("^" + re.escape(f'vjvcr: {at}no quantity "accuracy" of steps or evaluations; quantities are '
                                    "train_loss, train_prediction, train_variance, gradient_norm, learning_rate, "
                                    "val_loss, val_prediction, val_variance, hx_rankme, ") + r".*, \.\.\.\n$",
                    "{type: asha, metric: accuracy" + rest)
        self.refuse(at + "hx_singular_values has 8 numbers, one for each component; choose a quantity that is one "
                    "number", "{type: asha, metric: hx_singular_values" + rest)
        self.refuse(at + "time_total is one number of a whole trial; choose a quantity of steps or evaluations",
                    "{type: asha, metric: time_total" + rest)

    def test_a_metric_that_is_measured_too_late(self):
        at, end = f"wrong.yaml:{LINE}:13: sweep.stopping: no trial measures ", ", or lower grace_steps"
        middle = " (grace_steps) or later but before its last step, so none could end early; "
        self.refuse(at + "val_loss at step 12" + middle + "evaluate more often (eval.every)" + end,
                    "{type: asha, metric: val_loss, mode: min, grace_steps: 12}")
        self.refuse(at + "train_loss at step 5" + middle + "record more often (logging.every)" + end,
                    "{type: asha, metric: train_loss, mode: min, grace_steps: 5}", "logging.every=12")
        self.refuse(at + "probe_speed_mse at step 2" + middle + "let probes run at all evaluations (eval.probe_at: all), "
                    "evaluate more often (eval.every)" + end,
                    "{type: asha, metric: probe_speed_mse, mode: min, grace_steps: 2}")
        self.sweep("eval.probe_at=all", "sweep.stopping.metric=probe_speed_mse")
        self.assert_decided(lambda *report: asha(*report, "min", 2), metric="probe_speed_mse")


if __name__ == "__main__":
    main()
