"""`vjvcr recompute` trains a recorded trial again and compares bits: on any number of ranks, of trials in any state, with
nothing changed in the sweep's folder; it names values and versions that differ."""

import os
import shutil
import tempfile
import signal
import subprocess
import time

from support.vjvcr import TINY, VJVCR, Case, SweepCase, edited, everything_in, h5py, main, values_of

SWEEP = TINY + """\
sweep:
  trials:
    weak: {losses.variance.weight: 1}
    broken: {optim.lr: 1.0e30}
    rich: {losses.reconstruction.weight: 0.1}
"""
RICH = ("model.decoder={type: cnn, channels: [8, 8, 4]}", "losses.reconstruction.weight=0", "eval.states=3",
        "eval.pictures=2", "optim.ranks=2")
SAME_VERSIONS = "versions: those it was trained with\n"


class Recompute(Case):
    def setUp(self):
        super().setUp()
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name
        before = os.environ.get("TMPDIR")
        os.environ["TMPDIR"] = self.scratch
        self.addCleanup(lambda: os.environ.pop("TMPDIR") if before is None else os.environ.update(TMPDIR=before))

    def left(self):
        """Open MPI 5 leaves folders of its own."""
        return [name for name in os.listdir(self.scratch) if not name.startswith(("ompi.", "prterun."))]

    def compare(self, folder, *words, code=0, **options):
        """What is printed; the folder is as it was, and nothing is left behind."""
        before = everything_in(self.path(folder))
        r = self.run_vjvcr("recompute", folder, *words, **options)
        self.assertEqual((r.err, r.code), ("", [code] * options["ranks"] if "ranks" in options else code))
        self.assertTrue(everything_in(self.path(folder)) == before)
        self.assertEqual(self.left(), [])
        return r.out


class Finished(Recompute, SweepCase):
    text, settings, code, copied = SWEEP, RICH, 1, True

    def change(self, name, index, value):
        with edited(self.path("out", "sweep.h5")) as file:
            old = file[name][index]
            file[name][index] = value
        return old

    def test_the_same_on_any_ranks_and_threads(self):
        first = self.compare("out", "0")
        self.assertRegex(first, r"^trial 0: same bits: \d\d\d+ values of \d\d variables, up to step 4 \(all that is "
                                "recorded\\)\n" + SAME_VERSIONS + "$")
        for ranks in (2, 4):
            self.assertEqual(self.compare("out", "0", ranks=ranks), first)
        self.assertRegex(self.compare("out", "2"), "^trial 2: same bits: ")

    def test_the_first_steps(self):
        self.assertRegex(self.compare("out", "0", "--steps", "2"), r"^trial 0: same bits: .* up to step 2 \(of those ")
        self.change("train_loss", (0, 3), 1.5)
        self.assertRegex(self.compare("out", "0", "--steps", "3"), "^trial 0: same bits: ")

    def test_what_failed_is_compared_as_far_as_it_came(self):
        self.assertRegex(self.compare("out", "1"), r"^trial 1: same bits: .* up to step 1 \(all that is recorded\)")

    def test_the_first_difference_is_told_exactly(self):
        now = self.change("train_loss", (0, 2), 0.5)
        self.change("val_loss", (0, 2), 0.5)
        out = self.compare("out", "0", code=1)
        self.assertRegex(out, r"^trial 0: 2 of \d+ values differ, in 2 of \d+ variables, up to step 4; the first:\n")
        self.assertEqual(out.splitlines()[1], f"train_loss, step 3: recorded 0.5 (0x1p-1), here {now:.17g} (0x" +
                         self.hexadecimal(now) + ")")

    @staticmethod
    def hexadecimal(number):
        """As C prints it."""
        mantissa, exponent = float(number).hex()[2:].split("p")
        return f"{mantissa.rstrip('0').rstrip('.')}p{exponent}"

    def test_of_several_numbers_the_place_is_told(self):
        for name, index in (("hx_singular_values", (0, 1, 2)), ("hx_states", (0, 1, 0, 3)), ):
            self.change(name, index, 7)
            place = ",".join(map(str, index[2 if name == "hx_singular_values" else 1:]))
            step = 2 if name == "hx_singular_values" else 4
            self.assertIn(f"\n{name}[{place}], step {step}: recorded 7 (0x1.cp+2), here ",
                          self.compare("out", "0", code=1))
            self.change(name, index, self.values[name][index])

    def test_a_value_that_is_not_measured_here(self):
        self.change("train_reconstruction", (2, 0), float("nan"))
        self.assertIn("\ntrain_reconstruction, step 1: recorded nothing, here ", self.compare("out", "2", code=1))

    def test_versions_that_differ_are_named(self):
        with edited(self.path("out", "sweep.h5")) as file:
            names = [name for name in file.attrs if name.startswith("version_")]
            self.assertIn("version_openblas", names)
            here = file.attrs["version_openblas"].decode()
            file.attrs.modify("version_openblas", "0.1.0, core 286")
        out = self.compare("out", "0")
        self.assertTrue(out.endswith(f"\nversions: OpenBLAS was 0.1.0, core 286 and is {here} here\n"), out)
        self.succeed("report", "out", "-o", "page.html")
        with open(self.path("page.html"), encoding="utf-8") as file:
            self.assertIn("; openblas 0.1.0, core 286", file.read())
        resumed = self.run_vjvcr("sweep", "sweep.yaml", "-o", "out", "--resume", *RICH)
        self.assertEqual(resumed.err.splitlines()[0], "out/sweep.h5: trials from here on may have other bits: OpenBLAS "
                         f"was 0.1.0, core 286 and is {here} here")
        with edited(self.path("out", "sweep.h5")) as file:
            for name in names:
                del file.attrs[name]
        self.assertIn("\nversions: not recorded, as the sweep is of an earlier version", self.compare("out", "0"))
        self.run_vjvcr("sweep", "sweep.yaml", "-o", "out", "--resume", *RICH, "sweep.trials.more={}")
        self.assertIn("\nversions: not recorded, as the sweep is of an earlier version", self.compare("out", "3"))

    def test_what_is_refused(self):
        self.assert_refused('TRIAL: expected a number from 0 to 2, got "3"', "recompute", "out", "3", ranks=2)
        self.assert_refused("optim.lr=3: a trial is trained again as it is recorded; only where its data lie may be "
                            "said, data.digits=...", "recompute", "out", "0", "optim.lr=3")
        self.assert_refused("3 ranks for a trial: expected a power of two, so that sums keep their order", "recompute",
                            "out", "0", ranks=3)
        self.assert_refused("^vjvcr: /nowhere: found neither .*\n *if the data of the trial lie elsewhere here, say "
                            "where: data.digits=", "recompute", "out", "0", "data.digits=/nowhere")


class Others(Recompute):
    def test_one_trial_alone(self):
        self.succeed("train", "tiny.yaml", "-o", "one")
        self.assertRegex(self.compare("one", "0"), "^trial 0: same bits: ")

    def test_one_that_was_stopped_early(self):
        self.write("sweep.yaml", TINY + """\
sweep:
  parameters: {losses.variance.weight: {values: [1, 10, 100]}}
  stopping: {type: asha, metric: val_loss, mode: min, grace_steps: 2, reduction_factor: 2}
""")
        self.succeed("sweep", "sweep.yaml", "-o", "out")
        self.assertIn(4, values_of(self.path("out", "sweep.h5"))["status"])
        for trial in range(3):
            self.assertRegex(self.compare("out", str(trial)), f"^trial {trial}: same bits: ")

    def test_while_the_sweep_runs_and_after_it_was_interrupted(self):
        self.write("sweep.yaml", TINY + "sweep: {seeds: 2}\n")
        command = [VJVCR, "sweep", "sweep.yaml", "-o", "out", "optim.steps=100000"]
        sweep = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 env=dict(os.environ, OMPI_MCA_ess_singleton_isolated="1"))
        try:
            end = time.monotonic() + 60
            while self.committed() < 20 and time.monotonic() < end:
                time.sleep(0.05)
            r = self.succeed("recompute", "out", "0", "--steps", "10")
            self.assertRegex(r.out, r"^trial 0: same bits: .*, up to step 10 \(of those recorded, as was asked\)")
            self.assert_is_waiting()
        finally:
            sweep.send_signal(signal.SIGINT)
            self.assertEqual(sweep.wait(60), 75)
        self.assertRegex(self.compare("out", "0", "--steps", "10"), "^trial 0: same bits: ")

    def committed(self):
        try:
            return h5py.File(self.path("out", "sweep.h5"), "r", locking=False)["committed"][0]
        except OSError:
            return 0

    def assert_is_waiting(self):
        r = self.run_vjvcr("recompute", "out", "1")
        self.assertEqual((r.code, r.err), (2, "vjvcr: trial 1 has not been trained yet: nothing of it is recorded\n"))

    def test_a_signal_leaves_nothing_behind(self):
        self.succeed("train", "tiny.yaml", "-o", "one", "optim.steps=100", "logging.every=100", "eval.every=100")
        before = everything_in(self.path("one"))
        process = subprocess.Popen([VJVCR, "recompute", "one", "0"], cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True,
                                   env=dict(os.environ, OMPI_MCA_ess_singleton_isolated="1"))
        end = time.monotonic() + 60
        while not self.is_training() and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (75, ""), err)
        self.assertIn("vjvcr: stopped by a signal before trial 0 was trained as far as it is recorded", err)
        self.assertEqual(self.left(), [])
        self.assertTrue(everything_in(self.path("one")) == before)

    def is_training(self):
        folders = self.left()
        return folders and os.path.exists(os.path.join(self.scratch, folders[0], "ledger"))

    def test_videos_that_lie_elsewhere(self):
        self.succeed("data", "make", "videos", "videos", "--videos", "6,4,4", "--frames", "20", "--size", "48x36")
        self.write("videos.yaml", TINY.replace("dataset: moving_mnist, size: 32, digit_size: 14, max_speed: 3, "
                                               "train_size: 64, validation_size: 32",
                                               "dataset: video_list, root: videos, size: 32, clips: 1, starts: [0]")
                   .replace("speed: {type: ridge, target: speed, on: hy_pred}",
                            "class: {type: logistic, target: class, on: hy_pred}"))
        self.succeed("train", "videos.yaml", "-o", "one", "optim.batch=4", "optim.shards=1", "eval.samples=4",
                     "eval.probe_train=6", "eval.probe_validation=4", "eval.probe_test=4")
        shutil.move(self.path("videos"), self.path("moved"))
        r = self.run_vjvcr("recompute", "one", "0")
        self.assertEqual(r.code, 2)
        self.assertRegex(r.err, r"data.root: videos: (.|\n)*if the data of the trial lie elsewhere here, say where: "
                                "data.root=... or ")
        self.assertRegex(self.compare("one", "0", "data.root=moved"), "^trial 0: same bits: ")


if __name__ == "__main__":
    main()
