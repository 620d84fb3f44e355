"""`vjvcr status`, `show` and `best` look at a sweep while it runs, after it was killed and when it is finished."""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import time

from support.vjvcr import TINY, VJVCR, Case, SweepCase, edited, everything_in, main, np, values_of

SWEEP = TINY + """\
sweep:
  trials:
    weak: {losses.variance.weight: 1}
    broken: {optim.lr: 1.0e30}
    strong: {losses.variance.weight: 100, losses.prediction.distance: l1}
  seeds: 2
"""
BROKEN = "losses.variance.weight=10 optim.lr=1e+30 losses.prediction.distance=mse"
NAMES = ["weak", "weak", "broken", "broken", "strong", "strong"]


def in_background(folder, *arguments):
    environment = dict(os.environ, OMPI_MCA_ess_singleton_isolated="1")
    return subprocess.Popen([VJVCR, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


class Looking(Case):
    def status(self, folder="out", *arguments):
        return json.loads(self.succeed("status", folder, "--format", "json", *arguments).out)

    def wait_for(self, condition, folder="out"):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if os.path.exists(self.path(folder, "ledger")) and condition(found := self.status(folder)):
                return found
            time.sleep(0.02)
        self.fail("it did not come so far")


class Finished(Looking, SweepCase):
    text, code = SWEEP, 1

    def test_status(self):
        lines = self.succeed("status", "out").out.splitlines()
        self.assertEqual(lines[0], "tiny: finished; 6 trials: 0 running, 4 done, 2 failed, 0 waiting; 100% of all steps")
        for i in (2, 3):
            reason = self.values["failure"][i]
            self.assertEqual(lines[i - 1], f"trial {i} broken (seed {i - 2}; {BROKEN}) failed: {reason}")
        best = int(np.nanargmin(np.where(self.values["status"] == 2, self.values["probe_speed_mse"][:, -1], np.nan)))
        self.assertTrue(lines[3].startswith(
            f"best by probe_speed_mse, lowest: {self.values['probe_speed_mse'][best, -1]:.4g}, trial {best} "
            f"{NAMES[best]} (seed {best % 2}; losses.variance.weight="), lines[3])
        self.assertRegex(lines[4], r"^last change \d+s ago$")
        self.assertEqual(len(lines), 5)

    def test_json(self):
        found, v = self.status(), self.values
        self.assertEqual((found["folder"], found["name"], found["state"]), ("out", "tiny", "finished"))
        self.assertEqual(found["trials"], {"all": 6, "running": 0, "done": 4, "stopped": 0, "failed": 2, "waiting": 0})
        self.assertEqual((found["steps_done"], found["steps"]), (v["committed"].sum(), v["committed"].sum()))
        self.assertEqual(found["running"], [])
        self.assertEqual([(one["trial"], one["arm"], one["seed"], one["reason"]) for one in found["failed"]],
                         [(i, "broken", i - 2, v["failure"][i]) for i in (2, 3)])
        self.assertEqual(found["failed"][0]["settings"], {"losses.variance.weight": 10, "optim.lr": 1e30,
                                                          "losses.prediction.distance": "mse"})
        self.assertEqual(found["best"]["value"], v["probe_speed_mse"][found["best"]["trial"], -1])
        self.assertEqual((found["trials_an_hour"], found["steps_an_hour"], found["seconds_left"]), (None, None, None))
        changed = os.stat(self.path("out", "sweep.h5")).st_mtime, os.stat(self.path("out", "ledger")).st_mtime
        self.assertEqual(found["last_change"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(changed))))

    def test_looking_changes_nothing_and_waits_for_nobody(self):
        before = everything_in(self.folder)
        times = [os.stat(self.path("out", name)).st_mtime_ns for name in ("sweep.h5", "ledger")]
        with open(self.path("out", "ledger")) as ledger:
            fcntl.flock(ledger, fcntl.LOCK_EX)  # as one who appends to it
            for arguments in (["status", "out"], ["show", "out", "2"], ["best", "out"]):
                self.succeed(*arguments, seconds=20)
        self.assertTrue(everything_in(self.folder) == before)
        self.assertEqual([os.stat(self.path("out", name)).st_mtime_ns for name in ("sweep.h5", "ledger")], times)

    def test_watching_ends_with_the_sweep(self):
        self.assertEqual(self.succeed("status", "out", "--watch", "50", seconds=20).out.splitlines()[0],
                         self.succeed("status", "out").out.splitlines()[0])

    def test_a_report_says_what_is_best(self):
        self.write("report.yaml", SWEEP + "report: {columns: [{quantity: val_loss}, {quantity: hx_rankme, at: 2, "
                   "best: high}]}\n")
        self.run_vjvcr("sweep", "report.yaml", "-o", "reported")
        best = self.status("reported")["best"]
        ranks = np.where(self.values["status"] == 2, self.values["hx_rankme"][:, 1], -1)
        self.assertEqual((best["quantity"], best["is_best"], best["trial"], best["value"]),
                         ("hx_rankme", "highest", int(ranks.argmax()), ranks.max()))
        listed = self.succeed("best", "reported").out.splitlines()
        self.assertEqual(listed[0], "4 of 4 trials, highest first; after 2 steps")
        self.assertEqual([int(line.split()[0]) for line in listed[3:-2]],
                         [i for i in np.argsort(-ranks, kind="stable") if ranks[i] >= 0])

    def test_show(self):
        out, v = self.succeed("show", "out", "5").out, self.values
        head, measured, config = out.split("\n\n")
        lines = dict(line.split(maxsplit=1) for line in head.splitlines())
        self.assertEqual(lines["trial"], "5 of 6 (tiny)")
        self.assertEqual((lines["arm"], lines["seed"]), ("strong", "1"))
        self.assertEqual(lines["settings"], "losses.variance.weight=100 optim.lr=0.001 losses.prediction.distance=l1")
        self.assertRegex(lines["state"], rf"^done, attempt 1, run by {socket.gethostname()}:\d+$")
        self.assertEqual(lines["steps"], "4 of 4")
        self.assertTrue(lines["times"].startswith(f"total {v['time_total'][5]:.4g} s, "), lines["times"])
        self.assertEqual(config, v["config"][5])
        *lines, lists = measured.splitlines()
        rows = {line.split()[0]: line.split()[1:5] for line in lines[2:]}
        self.assertEqual(lists, "more than a number each, in sweep.h5: " + ", ".join(
            f"{view}_{name}" for view in ("hx", "hy", "hy_pred") for name in ("singular_values", "explained_variance"))
            + "".join(f", hy_pred_{name}_by_horizon" for name in ("cosine", "centred_cosine", "nmse"))
            + ", picture_x, picture_y")
        self.assertEqual(sorted(rows), sorted(n for n in v if v[n].ndim == 2 and v[n].dtype.kind == "f"))
        for name, (start, first, end, last) in rows.items():
            at = v["step" if name.startswith(("train_", "gradient", "learning")) else "eval"]
            self.assertEqual((int(first), int(last)), (at[0], 4), name)
            self.assertTrue(np.allclose([float(start), float(end)], [v[name][5, 0], v[name][5, -1]], rtol=1e-4), name)

    def test_show_a_failed_trial(self):
        out = self.succeed("show", "out", "2").out
        self.assertIn("\nstate     failed, attempt 1, ", out)
        self.assertIn(f"\nsteps     1 of 4\nfailure   {self.values['failure'][2]}\n", out)
        self.assertNotIn("\ntimes ", out)
        self.assertRegex(out, r"\ntrain_loss +\S+ +1 +\S+ +1\n")

    def order(self, *arguments):
        lines = self.succeed("best", "out", *arguments).out.splitlines()
        return lines, [line.split() for line in lines[3:] if not line.startswith(("left out", "the best was found"))]

    def test_best(self):
        v = np.where(self.values["status"] == 2, self.values["hx_rankme"][:, -1], np.nan)
        for option, word, sign in (("--asc", "lowest", 1), ("--desc", "highest", -1)):
            expected = [i for i in np.argsort(sign * v, kind="stable") if np.isfinite(v[i])]
            lines, rows = self.order("hx_rankme", option)
            self.assertEqual(lines[0], f"4 of 4 trials, {word} first")
            self.assertEqual([(int(row[0]), row[1], int(row[2])) for row in rows],
                             [(i, NAMES[i], i % 2) for i in expected])
            np.testing.assert_allclose([float(row[3]) for row in rows], v[expected], rtol=1e-5)
            self.assertEqual(lines[-2], "left out: 2 failed")
        self.assertEqual(len(self.order("-n", "3")[1]), 3)
        self.assertEqual(self.order("-n", "3")[0][0], "3 of 4 trials, lowest first")

    def test_best_arms_are_means_over_seeds(self):
        v = self.values["val_loss"][:, -1]
        lines, rows = self.order("val_loss", "--group-seeds")
        self.assertEqual(lines[0], "2 of 2 arms, lowest first")
        for row, (name, pair) in zip(rows, sorted((("weak", v[:2]), ("strong", v[4:])), key=lambda one: one[1].mean())):
            self.assertEqual(row[:2], [name, "2"])
            self.assertTrue(np.isclose(float(row[2]), pair.mean(), rtol=1e-5))
            self.assertTrue(np.isclose(float(row[3]), pair.std(ddof=1), rtol=0.06))

    def test_best_leaves_out_what_has_no_number(self):
        shutil.copytree(self.path("out"), self.path("holes"))
        self.addCleanup(shutil.rmtree, self.path("holes"))
        with edited(self.path("holes", "sweep.h5")) as file:
            file["val_loss"][0, -1] = np.nan
            file["status"][4] = 1
        lines = self.succeed("best", "holes", "val_loss").out.splitlines()
        self.assertEqual(sorted(int(line.split()[0]) for line in lines[3:-2]), [1, 5])
        self.assertEqual(lines[-2], "left out: 1 unfinished, 2 failed, 1 without a finite number")
        arms = self.succeed("best", "holes", "val_loss", "--group-seeds").out
        self.assertRegex(arms, r"\nweak +1 of 2 +\S+ +- ")

    def test_a_ledger_that_is_damaged_torn_or_lost(self):
        shutil.copytree(self.path("out"), self.path("bad"))
        self.addCleanup(shutil.rmtree, self.path("bad"))
        with open(self.path("out", "ledger")) as file:
            lines = file.readlines()
        last = next(i for i, line in enumerate(lines) if line.startswith("1 done 5"))
        self.write("bad/ledger", "".join(lines)[:-10])  # torn: not there yet
        self.assertEqual(self.status("bad")["trials"]["running"], 1)
        self.assertEqual(self.status("bad")["damaged_ledger_lines"], 0)
        lines[last] = lines[last].replace("done", "dome")
        self.write("bad/ledger", "".join(lines))
        self.assertIn("\nbad/ledger: 1 damaged line is passed over\n", self.succeed("status", "bad").out)
        os.remove(self.path("bad", "ledger"))
        self.assertEqual(self.status("bad")["trials"], self.status()["trials"])
        self.write("bad/ledger", "shopping list\n")
        self.assertEqual(self.status("bad")["damaged_ledger_lines"], 1)

    def test_wrong_calls(self):
        missing = "expected DIR, the folder of a sweep; usage: vjvcr "
        watch = "--watch: expected a number from 0.1 to 86400 (seconds), got "
        for sentence, *arguments in (
                (missing + "status DIR [--watch SECONDS] [--format text|json]", "status"),
                ('"other": expected an option; DIR is out already', "status", "out", "other"),
                ("status has no option --jsn; its options are --watch, --format, --help", "status", "out", "--jsn"),
                (watch + '"soon"', "status", "out", "--watch", "soon"), (watch + '"0"', "status", "out", "--watch=0"),
                ("--watch: expected a value", "status", "out", "--watch"),
                ("expected TRIAL, the number of a trial, as ls lists them; usage: vjvcr show DIR TRIAL "
                 "[--format text|json|csv|md]", "show", "out"),
                ('TRIAL: expected a number from 0 to 5, got "6"', "show", "out", "6"),
                ('TRIAL: expected a number from 0 to 5, got "weak"', "show", "out", "weak"),
                ("expected DIR, the folder of a sweep; with --select also several, with commas between them; usage: vjvcr "
                 "best DIR [METRIC] [options]; see `vjvcr best --help`", "best"),
                ('best has no option --acs; did you mean "--asc"?', "best", "out", "--acs"),
                ("--asc and --desc: expected one of them", "best", "out", "--asc", "--desc"),
                ('"hx_rankme": expected an option; METRIC is val_loss already', "best", "out", "val_loss", "hx_rankme"),
                ('-n: expected a whole number >= 1, got "0"', "best", "out", "-n", "0"),
                ('METRIC: no quantity "probe_sped_mse"; did you mean "probe_speed_mse"?', "best", "out",
                 "probe_sped_mse"),
                ("METRIC: hx_singular_values has 8 numbers, one for each component; choose a quantity that is one number",
                 "best", "out", "hx_singular_values"),
                ("hx_rankme: nothing says whether low or high is good; add --asc or --desc", "best", "out", "hx_rankme"),
                ('--format: expected one of text, json, csv, md, got "xml"', "best", "out", "--format", "xml")):
            self.assert_refused(sentence, *arguments)
        for verb in (["status", "nowhere"], ["show", "nowhere", "0"], ["best", "nowhere"]):
            self.assert_refused("nowhere/sweep.h5: can't be opened: No such file or directory", *verb, code=1)


class Without(Looking):
    def test_best_without_anything_to_judge_by(self):
        self.write("plain.yaml", TINY)
        self.succeed("train", "plain.yaml", "-o", "out", "eval.probes=")
        self.assert_refused("out: neither a probe nor a column of a report says what is good; name a METRIC", "best",
                            "out")
        self.assertIsNone(self.status()["best"])
        self.assertNotIn("best ", self.succeed("status", "out").out)

    def test_trials_of_different_lengths(self):
        self.write("sweep.yaml", TINY + "sweep: {parameters: {optim.steps: [2, 6]}}\n")
        self.succeed("sweep", "sweep.yaml", "-o", "out")
        self.assertEqual((self.status()["steps_done"], self.status()["steps"]), (8, 8))
        self.assertIn("\nsteps     2 of 2\n", self.succeed("show", "out", "0").out)


class Running(Looking):
    LONG = ["optim.steps=100000", "eval.every=50000", "logging.every=1"]

    def start(self, *arguments):
        self.write("sweep.yaml", SWEEP)
        process = in_background(self.folder, "sweep", "sweep.yaml", "-o", "out", *arguments)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_while_it_runs_and_after_a_kill(self):
        process = self.start(*self.LONG)
        began = time.time()
        found = self.wait_for(lambda status: status["steps_done"] > 5)
        who = f"{socket.gethostname()}:{process.pid}"
        (one,) = found["running"]
        self.assertEqual(found["state"], "running")
        self.assertEqual(found["trials"], {"all": 6, "running": 1, "done": 0, "stopped": 0, "failed": 0, "waiting": 5})
        self.assertEqual((one["trial"], one["arm"], one["seed"], one["run_by"], one["alive"]), (0, "weak", 0, who, True))
        self.assertEqual((one["steps"], one["percent"]), (100000, one["step"] / 1000))
        self.assertLess(abs(time.mktime(time.strptime(one["since"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone - began), 60)
        self.assertAlmostEqual(found["seconds_left"] * found["steps_an_hour"] / 3600, 600000 - one["step"], delta=100)
        self.assertAlmostEqual(found["trials_an_hour"] * 1e5, found["steps_an_hour"], delta=1)
        last, rows = 0, []
        for _ in range(30):  # in the midst of its writing
            found = self.status()
            self.assertGreaterEqual(found["steps_done"], last)
            last = found["steps_done"]
            shown = self.succeed("show", "out", "0").out
            rows = [line.split() for line in shown.splitlines() if line.startswith(("train_", "gradient_norm"))]
            self.assertEqual(len(rows), 5)
            self.assertEqual({row[4] for row in rows}, {rows[0][4]}, "of the same step")
            self.assertGreaterEqual(int(rows[0][4]), last)
        self.assertRegex(self.succeed("status", "out").out,
                         rf"(?m)^ +0  weak +0 +\d+/100000 +\d+%  {who} +\d\d:\d\d:\d\d  losses.variance.weight=1 ")
        process.kill()
        process.wait()
        found = self.status()
        self.assertEqual((found["state"], found["running"][0]["alive"], found["seconds_left"]), ("interrupted", False, None))
        out = self.succeed("status", "out").out
        self.assertIn(f"  {who} (gone)  ", out)
        self.assertRegex(out, r"\nlast change \d+s ago; who ran it is gone; go on with the same command and --resume\n$")
        self.assertIn(f"run by {who} (gone)\n", self.succeed("show", "out", "0").out)
        measured = values_of(self.path("out", "sweep.h5"))
        self.assertGreaterEqual(measured["committed"][0], last)

    def test_watched_to_its_end(self):
        self.start("optim.steps=100", "eval.every=50")
        self.wait_for(lambda status: True)
        lines = self.succeed("status", "out", "--watch", "0.1", "--format", "json").out.splitlines()
        looks = [json.loads(line) for line in lines]
        self.assertGreater(len(looks), 1)
        done = [look["steps_done"] for look in looks]
        self.assertEqual(done, sorted(done))
        self.assertEqual((looks[-1]["state"], looks[-1]["trials"]["done"]), ("finished", 4))
        self.assertEqual({look["state"] for look in looks[1:-1]} - {"running", "idle"}, set())

    def test_trials_that_wait_for_nobody(self):
        """A ledger whose running trial was given back, and no one took it."""
        process = self.start(*self.LONG)
        self.wait_for(lambda status: status["trials"]["running"] == 1)
        process.kill()
        process.wait()
        with open(self.path("out", "ledger")) as file:
            header = file.readline()
        self.write("out/ledger", header)
        found = self.status()
        self.assertEqual((found["state"], found["trials"]["waiting"]), ("idle", 6))
        self.assertRegex(self.succeed("status", "out").out,
                         r"; nobody runs it; go on with the same command and --resume\n$")


if __name__ == "__main__":
    main()
