"""A YAML that is edited between two runs: --resume adds its new trials to the sweep, keeps what was measured, and says
exactly what it will not do."""

import os
import random
import shutil
import subprocess
import time

from support.vjvcr import TINY, VJVCR, Case, edited, everything_in, h5py, main, np, values_of

TINY = TINY.replace("optim: {steps: 4,", "optim: {steps: 2,").replace("  samples: 32\n", "  samples: 32\n  states: 3\n")
BEFORE = """\
sweep:
  trials:
    plain: {}
    weak: {losses.variance.weight: 1}
  seeds: 2
"""
# A seed more, and an arm in front with keys of its own and longer trials; the others change places.
AFTER = """\
sweep:
  trials:
    first: {losses.variance.weight: 3, model.predictor.hidden: [8, 8], optim.steps: 4}
    weak: {losses.variance.weight: 1}
    plain: {}
  seeds: 3
"""
OLD, ALL = 4, 9
KILLS = int(os.environ.get("VJ_KILLS", "6"))
REFUSED = ("out/sweep.h5: --resume adds trials and keeps those there are, but some of these are not what they were; undo "
           "that, or choose another folder with -o:\n")


AXES = ("trial", "step", "eval", "component", "horizon", "sample", "input_frame", "row", "column", "channel", "clip",
        "feature", "attempt")


def trials_of(path):
    """(arm, configuration) -> everything measured of that trial, apart from times, with step numbers."""
    found = values_of(path)
    steps, evals, trials = found["step"], found["eval"], {}
    for i, config in enumerate(found["config"]):
        measured = {}
        for name, values in found.items():
            if name in AXES or name.startswith(("time_", "text_")):
                continue
            row = values[i]
            if values.dtype == np.uint8 or name.endswith("_states"):
                row = str(row.tobytes())
            elif np.ndim(row):
                axis = steps if name.startswith("train_") or name in ("gradient_norm", "learning_rate") else evals
                row = {int(at): row[k].tobytes() for k, at in enumerate(axis) if not np.all(np.isnan(row[k]))}
            measured[name] = row if isinstance(row, (dict, str)) else float(row)
            if measured[name] != measured[name]:
                measured[name] = "nan"
        trials[found["arm"][i], config] = measured
    return trials


class Extended(Case):
    def setUp(self):
        super().setUp()
        self.write("before.yaml", TINY + BEFORE)
        self.write("after.yaml", TINY + AFTER)

    made = {}

    def fresh(self, yaml, name="out", ranks=2):
        """A sweep of this YAML, trained once and copied from then on."""
        if yaml not in self.made:
            self.succeed("sweep", yaml, "-o", name, ranks=ranks)
            self.made[yaml] = everything_in(self.path(name))
            return self.path(name)
        os.makedirs(self.path(name))
        for file, text in self.made[yaml].items():
            with open(self.path(name, file), "wb") as to:
                to.write(text)
        return self.path(name)

    def ledger(self):
        with open(self.path("out", "ledger")) as file:
            return [line.split()[1:4] for line in file.read().splitlines()[1:]]

    def assert_whole(self):
        """As a sweep that had all trials from the start, trial by trial."""
        self.fresh("after.yaml", "whole")
        self.assertEqual(trials_of(self.path("out", "sweep.h5")), trials_of(self.path("whole", "sweep.h5")))
        with open(self.path("out", "sweep.yaml")) as one, open(self.path("whole", "sweep.yaml")) as other:
            self.assertEqual(one.read(), other.read())
        self.assertEqual(sorted(everything_in(self.path("out"))), ["ledger", "sweep.h5", "sweep.yaml"])

    def test_added_trials_come_behind_and_the_others_are_kept(self):
        self.fresh("before.yaml")
        before = values_of(self.path("out", "sweep.h5"))
        dry = self.succeed("sweep", "after.yaml", "-o", "out", "--resume", "--dry-run").out
        self.assertIn(f"\n{OLD} of them are in out/sweep.h5 already, {ALL - OLD} would be added\n", dry)
        result = self.run_vjvcr("sweep", "after.yaml", "-o", "out", "--resume", ranks=2)
        self.assertEqual((result.code, result.err), ([0, 0], f"{ALL - OLD} trials are added to the {OLD} in out/sweep.h5\n"))
        after = values_of(self.path("out", "sweep.h5"))
        for name in ("arm", "seed", "config", "status", "attempt", "committed", "time_total"):
            self.assertEqual(list(after[name][:OLD]), list(before[name]), name)
        self.assertEqual(list(after["trial"]), list(range(ALL)))
        self.assertEqual(list(after["status"]), [2] * ALL)
        self.assertEqual(list(after["step"]), [1, 2, 3, 4])
        self.assertEqual([after["arm"][int(trial)] for event, trial, _ in self.ledger() if event == "claim"],
                         ["plain", "plain", "weak", "weak"] + ["first"] * 3 + ["weak", "plain"])  # the longest first
        self.assertIn(["extend", str(ALL), "0"], self.ledger())
        self.assertEqual(sorted(int(trial) for event, trial, _ in self.ledger() if event == "claim"), list(range(ALL)))
        self.assert_whole()
        kept = everything_in(self.path("out"))
        self.succeed("sweep", "after.yaml", "-o", "out", "--resume")  # nothing is left to do
        self.assertEqual(everything_in(self.path("out")), kept)
        for verb in (["ls", "out"], ["table", "out"], ["status", "out"], ["show", "out", str(ALL - 1)], ["best", "out"]):
            self.succeed(*verb)
        self.assertIn(f"finished; {ALL} trials: 0 running, {ALL} done", self.succeed("status", "out").out)

    def test_frames_states_and_long_texts_are_kept(self):
        """What has more dimensions than step and evaluation, beside trials that fill more of them; and a configuration
        that was longer by what measures nothing."""
        self.write("more.yaml", TINY + BEFORE.replace("  seeds: 2\n", "    wide: {model.encoder.temporal: [12]}\n  seeds: 2\n"))
        self.succeed("sweep", "before.yaml", "-o", "out", "checkpoint.minutes=12.0625000000000000000000", "optim.ranks=1")
        before = values_of(self.path("out", "sweep.h5"))
        result = self.run_vjvcr("sweep", "before.yaml", "-o", "out", "--resume", "sweep.seeds=3")
        self.assertEqual((result.code, result.err), (0, "2 trials are added to the 4 in out/sweep.h5\n"))
        result = self.run_vjvcr("sweep", "more.yaml", "-o", "out", "--resume", "sweep.seeds=3")
        self.assertEqual((result.code, result.err), (0, "3 trials are added to the 6 in out/sweep.h5\n"))
        after = values_of(self.path("out", "sweep.h5"))
        for name in ("picture_x", "picture_y", "hx_states", "hy_states", "hy_pred_states"):
            was, now = before[name], after[name][:OLD]
            self.assertTrue(np.all(np.any(was, axis=tuple(range(1, was.ndim)))), name)
            np.testing.assert_array_equal(now[..., :was.shape[-1]], was, name)
            self.assertTrue(np.all(np.isnan(now[..., was.shape[-1]:])), name)
        self.assertGreater(after["hx_states"].shape[-1], before["hx_states"].shape[-1])
        self.assertEqual(list(after["config"][:OLD]), list(before["config"]))

    def test_another_order_of_the_same_trials_is_no_change(self):
        self.fresh("before.yaml")
        kept = everything_in(self.path("out"))
        self.write("turned.yaml", TINY + BEFORE.replace("    plain: {}\n", "").replace(
            "  seeds: 2\n", "    plain: {}\n  seeds: [1, 0]\n"))
        self.succeed("sweep", "turned.yaml", "-o", "out", "--resume", "checkpoint.minutes=1", "optim.ranks=1")
        self.assertEqual(everything_in(self.path("out")), kept)

    def test_changes_are_refused_with_what_changed(self):
        self.fresh("before.yaml")

        def refused(changes, yaml, *overrides):
            self.write("edited.yaml", yaml)
            self.assert_refused(REFUSED + changes, "sweep", "edited.yaml", "-o", "out", "--resume", *overrides)

        refused("  trial 0 and 3 others: optim.lr was 1.0e-3 and is 0.002 now (override optim.lr)", TINY + BEFORE,
                "optim.lr=0.002")
        refused("  trial 2 and 1 other: losses.variance.weight was 1 and is 7 now (edited.yaml:23:36)",
                TINY + BEFORE.replace("weight: 1}", "weight: 7}"))
        refused("  trial 1 is gone (plain, losses.variance.weight=10.0, seed 1)\n"
                "  trial 3 is gone (weak, losses.variance.weight=1, seed 1)", TINY + BEFORE.replace("seeds: 2", "seeds: 1"))
        refused("  trial 0 and 1 other: its arm was \"plain\" and is \"bare\" now", TINY + BEFORE.replace("plain", "bare"))
        refused("  trial 0 and 3 others: eval.probes.end was not there and is {type: ridge, on: hx, labels: [], "
                "target: speed, dimensio... now (edited.yaml:18:50)",
                TINY.replace("probes: {speed:", "probes: {end: {type: ridge, target: speed, on: hx}, speed:") + BEFORE)
        refused("  trial 0 and 3 others: data.validation_size was 32 and is 64 now (edited.yaml:2:104)",
                TINY.replace("validation_size: 32", "validation_size: 64") + BEFORE)

    def test_the_rule_of_early_stopping_stays(self):
        self.fresh("before.yaml")
        rule = "{type: median, metric: val_loss, mode: min, grace_steps: 1}"
        self.assert_refused(f"out/sweep.h5: sweep.stopping was not there and is {rule} now (override sweep.stopping); "
                            "--resume goes on by the same rule: undo that, or choose another folder with -o", "sweep",
                            "before.yaml", "-o", "out", "--resume", f"sweep.stopping={rule}", "eval.every=2")

    def test_a_folder_of_an_earlier_version(self):
        """Without expected_flops, without keys that came later, and with rows that a kill came before."""
        self.fresh("before.yaml")
        with edited(self.path("out", "sweep.h5")) as file:
            file["expected_flops"].dims[0].detach_scale(file["trial"])
            del file["expected_flops"]
            config = file["config"]
            for i in range(OLD):
                text = b"".join(config[i]).rstrip(b"\0")
                for key in (b"  ranks: 0\n", b"    momentum_schedule: constant\n", b"    view_weights: []\n"):
                    self.assertIn(key, text)
                    text = text.replace(key, b"")
                config[i] = np.frombuffer(text.ljust(config.shape[1], b"\0"), "S1")
            for name in ("config", "arm"):
                file[name][3] = np.zeros(file[name].shape[1], "S1")
            file["status"][3] = -1
        with open(self.path("out", "ledger")) as file:
            lines = [line for line in file if not line.split()[2:3] == ["3"]]
        self.write("out/ledger", "".join(lines))
        self.succeed("sweep", "before.yaml", "-o", "out", "--resume")
        self.assertEqual(list(values_of(self.path("out", "sweep.h5"))["status"]), [2] * OLD)
        result = self.run_vjvcr("sweep", "after.yaml", "-o", "out", "--resume")
        self.assertEqual((result.code, result.err), (0, f"{ALL - OLD} trials are added to the {OLD} in out/sweep.h5\n"))
        found = values_of(self.path("out", "sweep.h5"))
        self.assertEqual((list(found["status"]), found["arm"][3], found["seed"][3]), ([2] * ALL, "weak", 1))
        self.assertTrue(np.all(found["expected_flops"] > 0))

    def test_not_while_another_job_works(self):
        self.write("long.yaml", TINY + BEFORE)
        environment = dict(os.environ, OMPI_MCA_ess_singleton_isolated="1")
        process = subprocess.Popen([VJVCR, "sweep", "long.yaml", "-o", "out", "optim.steps=100000"], cwd=self.folder,
                                   env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        end = time.monotonic() + 60
        while time.monotonic() < end and not (os.path.exists(self.path("out", "ledger")) and ["claim", "0", "1"] in self.ledger()):
            time.sleep(0.02)
        result = self.run_vjvcr("sweep", "long.yaml", "-o", "out", "--resume", "optim.steps=100000", "sweep.seeds=3")
        self.assertEqual(result.code, 2)
        self.assertRegex(result.err, r"^vjvcr: out: another job, [^ ]+:\d+:[0-9a-f]+, works on it, so nothing can be added; "
                                     r"wait until it ends, or stop it, and try again\n$")
        self.assertEqual(len(values_of_trials(self.path("out", "sweep.h5"))), OLD)

    def state(self):
        """How far an extension came: trials in sweep.h5 and in the ledger, and whether sweep.yaml was written."""
        with open(self.path("out", "sweep.yaml")) as file:
            yaml = "first" in file.read()
        grown = [int(trial) for event, trial, _ in self.ledger() if event == "extend"]
        return len(values_of_trials(self.path("out", "sweep.h5"))), grown[-1] if grown else OLD, yaml

    def kill_at(self, reached, pause):
        process = subprocess.Popen([VJVCR, "sweep", "after.yaml", "-o", "out", "--resume"], cwd=self.folder,
                                   env=dict(os.environ, OMPI_MCA_ess_singleton_isolated="1"), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        while process.poll() is None and not reached():
            time.sleep(0.0005)
        time.sleep(pause)
        process.kill()
        process.wait()

    def test_killed_while_it_is_extended_it_is_extended(self):
        """SIGKILL at any moment: whichever file it came before, the next run brings that after the others."""
        self.fresh("before.yaml")
        before, dice, states = values_of(self.path("out", "sweep.h5")), random.Random(1), set()

        def is_built():
            return any(name.startswith("sweep.h5.new-") for name in os.listdir(self.path("out")))

        moments = [(is_built, dice.uniform(0, 0.03)) for _ in range(KILLS)] + [
            (lambda: len(values_of_trials(self.path("out", "sweep.h5"))) == ALL, 0),
            (lambda: self.state()[2], 0)]
        for reached, pause in moments:
            shutil.rmtree(self.path("out"))
            self.fresh("before.yaml")
            self.kill_at(reached, pause)
            found = values_of(self.path("out", "sweep.h5"))
            for name in ("train_loss", "val_prediction", "config", "status"):
                one, other = found[name], before[name]
                self.assertTrue(all(np.ravel(one[i])[0] == np.ravel(other[i])[0] for i in range(OLD)), name)
            if self.state() in states:
                continue
            states.add(self.state())
            self.run_vjvcr("sweep", "after.yaml", "-o", "out", "--resume", ranks=2)
            self.assert_whole()
            shutil.rmtree(self.path("whole"))
        print("states after a kill:", sorted(states))
        self.assertGreater(len(states), 1)


def values_of_trials(path):
    with h5py.File(path, "r", locking=False) as file:
        return file["trial"][()]


if __name__ == "__main__":
    main()
