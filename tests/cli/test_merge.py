"""`vjvcr merge`: what machines that share no file system measured of one experiment becomes the sweep that one machine
would have written; where several have a trial they have to agree to the bit; nothing is lost in silence, and a folder is
there whole or not at all."""

import fcntl
import os
import shutil
import socket
import subprocess
import time

from support import same_sweep
from support.vjvcr import TINY, VJVCR, Case, SharedCase, edited, everything_in, h5py, main, np, values_of

SMALL = TINY.replace("steps: 4, batch: 16, shards: 4", "steps: 2, batch: 8, shards: 2").replace(
    "train_size: 64, validation_size: 32", "train_size: 16, validation_size: 8").replace("samples: 32", "samples: 8").replace(
    "probe_train: 32", "probe_train: 16").replace("probe_validation: 16", "probe_validation: 8").replace(
    "probe_test: 16", "probe_test: 8") + "checkpoint: {keep: weights}\n"
PLAIN, DECODED = "{losses.variance.weight: 3}", ("{model.decoder: {type: cnn, channels: [8, 8, 4]}, "
                                                "losses.reconstruction.weight: 0.1, optim.steps: 3}")
# The arms record other variables, on other steps.
WHOLE = SMALL + f"sweep:\n  trials:\n    plain: {PLAIN}\n    decoded: {DECODED}\n  seeds: 2\n"
NAMES = ["plain, seed 0", "plain, seed 1", "decoded, seed 0", "decoded, seed 1"]
REFUSED = ('%s/sweep.h5: it has trials that are none of %s, of which the merged sweep is to be ("was": in this file, '
           '"now": there); name an experiment that has the trials of all folders, with --as FILE.yaml or key=value:\n')


class Merge(Case):
    def assert_whole(self, folder="out"):
        """As one machine would have written it, but for times and who did it."""
        one = list(same_sweep.contents(self.path(folder, "sweep.h5")))
        for a, b in zip(one, same_sweep.contents(self.path("whole", "sweep.h5")), strict=True):
            self.assertEqual(a[0], b[0])
            self.assertTrue(a[1] == b[1], a[0])
        found, whole = everything_in(self.path(folder)), everything_in(self.path("whole"))
        self.assertEqual(sorted(found), sorted(whole))
        for name in found:
            if name not in ("ledger", "sweep.h5"):
                self.assertTrue(found[name] == whole[name], name)

    def ledger(self, folder="out"):
        with open(self.path(folder, "ledger")) as file:
            return sorted((int(line.split()[2]), line.split()[1], int(line.split()[3])) for line in list(file)[1:])

    def set(self, folder, name, index, value):
        with edited(self.path(folder, "sweep.h5")) as file:
            values = file[name][()]
            old = values[index]
            values[index] = np.frombuffer(value.ljust(old.size, b"\0"), "S1") if isinstance(value, bytes) else value
            file[name].id.write(h5py.h5s.ALL, h5py.h5s.ALL, values, mtype=file[name].id.get_type())
        return old


class Halves(Merge, SharedCase):
    copied = True

    @classmethod
    def fill(cls, shared):
        shared.write("whole.yaml", WHOLE)
        for folder, settings in {"whole": [], "zero": ["sweep.seeds=[0]"], "one": ["sweep.seeds=[1]"],
                                 "plain": [f"sweep.trials={{plain: {PLAIN}}}"],
                                 "decoded": [f"sweep.trials={{decoded: {DECODED}}}"]}.items():
            shared.succeed("sweep", "whole.yaml", "-o", folder, *settings)

    def test_by_seeds(self):
        kept = everything_in(self.folder)
        r = self.succeed("merge", "zero", "one", "-o", "new/out", "sweep.seeds=2", ranks=2)
        self.assertEqual(r.out, "zero: 2 trials: 2 done; 2 taken\none: 2 trials: 2 done; 2 taken\n"
                                "new/out: 4 trials: 4 done\nvjvcr table new/out\n")
        self.assert_whole("new/out")
        self.assertEqual(self.ledger("new/out"), [(trial, "done", 1) for trial in range(4)])
        for verb in (["ls", "new/out"], ["table", "new/out"], ["status", "new/out"], ["verify", "new/out"], ["report", "new/out", "-o", "p.html"],
                     ["recompute", "new/out", "3"], ["export", "new/out", "1", "--format", "safetensors", "-o", "w.safetensors"]):
            self.succeed(*verb)
        now = everything_in(self.folder)
        self.assertTrue(all(now[name] == kept[name] for name in kept), "a folder was changed")
        self.succeed("sweep", "new/out/sweep.yaml", "-o", "new/out", "--resume")
        self.assert_whole("new/out")

    def test_by_arms(self):
        self.succeed("merge", "decoded", "plain/", "-o", "out/", "--as", "whole.yaml")
        self.assert_whole()

    def test_several_that_agree(self):
        r = self.succeed("merge", "one", "whole", "plain", "-o", "out", "--as", "whole/sweep.yaml")
        self.assertEqual(r.out.splitlines()[:3], [
            "one: 2 trials: 2 done; 2 taken, 2 that others have, too, with the same bits",
            "whole: 4 trials: 4 done; 2 taken, 3 that others have, too, with the same bits",
            "plain: 2 trials: 2 done; 0 taken, 2 that others have, too, with the same bits"])
        self.assert_whole()

    def test_one_value_that_differs_is_named(self):
        was = self.set("whole", "val_loss", (3, 1), 0.5)
        self.set("whole", "train_loss", (3, 2), 0.5)
        before = everything_in(self.folder)
        r = self.run_vjvcr("merge", "one", "whole", "-o", "out", "--as", "whole.yaml")
        self.assertEqual((r.code, r.err), (1, ""))
        lines = r.out.splitlines()
        self.assertRegex(lines[0], r"^trial 3 \(decoded, seed 1\): 2 of \d+ values differ, in 2 of \d+ variables, up to "
                                   "step 3; the first:$")
        self.assertEqual(lines[1], f"val_loss, step 2: in one {was:.17g} ({self.hexadecimal(was)}), in whole 0.5 (0x1p-1)")
        self.assertEqual(lines[2:], [
            "which machine is right? vjvcr recompute one 1; vjvcr recompute whole 3",
            "1 trial is not the same in all folders, and nothing was written: leave out the folder that is wrong"])
        self.assertTrue(everything_in(self.folder) == before)

    @staticmethod
    def hexadecimal(number):
        """As C prints it."""
        mantissa, exponent = float(number).hex()[2:].split("p")
        return f"0x{mantissa.rstrip('0').rstrip('.')}p{exponent}"

    def test_what_is_missing_is_computed_on_several_ranks(self):
        """A job was killed there after a step of one trial; of another there is nothing anywhere."""
        for name, value in (("status", 1), ("committed", 1)):
            self.set("one", name, 1, value)
        r = self.succeed("merge", "one", "plain", "-o", "out", "--as", "whole.yaml")
        self.assertEqual(r.out.splitlines(), [
            "one: 2 trials: 1 done, 1 waiting; 1 taken, 1 that others have, too, with the same bits",
            "plain: 2 trials: 2 done; 1 taken, 1 that others have, too, with the same bits",
            "1 of those that wait had begun, and begin anew: checkpoints are not taken along; to keep their steps, go on "
            "with --resume where they are, and merge then",
            "out: 4 trials: 2 done, 2 waiting", "vjvcr sweep out/sweep.yaml -o out --resume", "vjvcr table out"])
        found = values_of(self.path("out", "sweep.h5"))
        self.assertEqual((list(found["status"]), list(found["committed"])), ([2, 2, 0, 0], [2, 2, 0, 0]))
        self.succeed("sweep", "out/sweep.yaml", "-o", "out", "--resume", ranks=2)
        self.assert_whole()

    def test_what_failed(self):
        """It stays failed with its reason, unless another machine could do it."""
        for trial in (0, 1):
            self.set("zero", "status", trial, 3)
            self.set("zero", "failure", trial, b'no "memory"')
            self.set("zero", "attempt", trial, 2)
        r = self.succeed("merge", "zero", "one", "plain", "-o", "out", "--as", "whole.yaml")
        self.assertIn("\nout: 4 trials: 3 done, 1 failed\n", r.out)
        found = values_of(self.path("out", "sweep.h5"))
        self.assertEqual((list(found["status"]), list(found["attempt"])), ([2, 2, 3, 2], [1, 1, 2, 1]))
        self.assertIn((2, "failed", 2), self.ledger())
        self.assertIn('no "memory"', self.succeed("show", "out", "2").out)
        r = self.run_vjvcr("sweep", "out/sweep.yaml", "-o", "out", "--resume")
        self.assertEqual((r.code, r.err), (1, ""))

    def test_versions_that_differ_are_named(self):
        with edited(self.path("one", "sweep.h5")) as file:
            here = file.attrs["version_openblas"].decode()
            file.attrs.modify("version_openblas", "0.1.0, core 286")
        r = self.succeed("merge", "zero", "one", "-o", "out", "sweep.seeds=2")
        self.assertIn(f"\nversions differ: openblas {here} in zero, 0.1.0, core 286 in one\n", r.out)
        self.assert_whole()
        with h5py.File(self.path("out", "sweep.h5"), "r") as file:
            self.assertEqual(file.attrs["version_openblas"].decode(), f"{here} or 0.1.0, core 286")

    def test_dry_run(self):
        before = everything_in(self.folder)
        r = self.succeed("merge", "zero", "one", "-o", "out", "sweep.seeds=3", "--dry-run")
        self.assertEqual(r.out.splitlines()[-1], "out would have 6 trials: 4 done, 2 waiting")
        self.assertTrue(everything_in(self.folder) == before)

    def test_trials_of_none(self):
        self.assert_refused(REFUSED % ("one", "zero/sweep.h5") + "  trial 0 and 1 other: seed was 1 and is 0 now "
                            "(zero/sweep.h5:53:11)", "merge", "zero", "one", "-o", "out")
        self.assert_refused(REFUSED % ("zero", "zero/sweep.h5") + "  trial 0 and 1 other: optim.lr was 1.0e-3 and is 0.5 "
                            "now (override optim.lr)", "merge", "zero", "one", "-o", "out", "optim.lr=0.5", "sweep.seeds=2")
        self.write("other.yaml", WHOLE.replace("plain:", "bare:"))
        self.assert_refused(REFUSED % ("plain", "other.yaml") + '  trial 0 and 1 other: its arm was "plain" and is "bare" '
                            "now", "merge", "plain", "decoded", "-o", "out", "--as", "other.yaml")

    def test_folders_that_are_none(self):
        self.assert_refused("away/sweep.h5: can't be opened: No such file or directory", "merge", "zero", "away", "-o",
                            "out", code=1)
        with h5py.File(self.path("one", "sweep.h5"), "r") as file:
            place = file["train_loss"].id.get_offset()
        with open(self.path("one", "sweep.h5"), "r+b") as file:
            file.seek(place)
            file.write(b"damage")
        self.assert_refused("^vjvcr: one/sweep.h5 is damaged: of trial 0 other values stand there than were recorded",
                            "merge", "zero", "one", "-o", "out", "sweep.seeds=2", code=1)
        self.write("one/sweep.h5", b"HDF" * 1000)
        self.assert_refused("one/sweep.h5 is no sweep file: it does not begin as HDF5 files do", "merge", "zero", "one",
                            "-o", "out", code=1)
        os.symlink("zero", self.path("again"))
        self.assert_refused("zero and again are the same folder", "merge", "zero", "again", "-o", "out")

    def test_damaged_weights(self):
        path = self.path("one", "weights", "trial-0001.h5")
        with open(path, "r+b") as file:
            file.seek(1000)
            file.write(b"damage")
        self.assert_refused("one/weights/trial-0001.h5: this checkpoint is damaged: its checksum does not fit", "merge",
                            "zero", "one", "-o", "deep/out", "sweep.seeds=2", code=1)

    def test_where_it_goes(self):
        both = ["merge", "zero", "one", "sweep.seeds=2", "-o"]
        self.assert_refused("one holds a sweep already; choose another folder with -o", *both, "one")
        os.mkdir(self.path("full"))
        self.write("full/note", "mine")
        for name in ("full", "whole.yaml"):
            self.assert_refused(f"{name} is there already and is no empty folder; choose another with -o", *both, name)
        os.mkdir(self.path("empty"))
        self.succeed(*both, "empty")
        self.assert_whole("empty")

    def test_early_stopping(self):
        rule = "{type: asha, metric: val_loss, mode: min, grace_steps: 2, reduction_factor: 2}"
        why = (": it has sweep.stopping: which of its trials end early depends on what its groups knew of others, so that "
               "trials of several such sweeps are not those of one; merge sweeps that train all trials to their end")
        self.succeed("sweep", "whole.yaml", "-o", "stopped", f"sweep.stopping={rule}", "sweep.trials={plain: {}}",
                     "optim.steps=4")
        self.assert_refused("stopped" + why, "merge", "zero", "stopped", "-o", "out", "--as", "whole.yaml")
        self.assert_refused("the experiment" + why, "merge", "zero", "one", "-o", "out", f"sweep.stopping={rule}")

    def test_while_a_job_works(self):
        os.mkdir(self.path("one", "jobs"))
        for host, held in ((socket.gethostname(), True), ("elsewhere", False)):
            job = f"{host}:1:1a22c0fc131"
            self.write(f"one/jobs/{job}", "")
            with open(self.path("one", "jobs", job)) as file:
                fcntl.flock(file, fcntl.LOCK_EX if held else fcntl.LOCK_UN)
                self.assert_refused(f"one: a job, {job}, works on it; wait until it ends, or stop it, and try again; one "
                                    "of another machine counts until it has been silent for five minutes", "merge", "zero",
                                    "one", "-o", "out", "sweep.seeds=2")
            os.utime(self.path("one", "jobs", job), (1, 1))
        self.succeed("merge", "zero", "one", "-o", "out", "sweep.seeds=2")  # both are dead now

    def test_a_kill_leaves_no_sweep(self):
        command = [VJVCR, "merge", "zero", "one", "-o", "out", "sweep.seeds=2"]
        environment = dict(os.environ, OMPI_MCA_ess_singleton_isolated="1")
        for reached in ("out.merging", "out.merging/weights", "out.merging/ledger", "out.merging/sweep.h5", "out"):
            process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=subprocess.DEVNULL)
            while process.poll() is None and not os.path.exists(self.path(reached)):
                time.sleep(0.0005)
            process.kill()
            process.wait()
            if os.path.exists(self.path("out")):
                self.assert_whole()
                shutil.rmtree(self.path("out"))
        self.succeed(*command[1:])
        self.assert_whole()
        self.assertFalse(os.path.exists(self.path("out.merging")))


class DataElsewhere(Case):
    def test_videos_in_other_places(self):
        self.succeed("data", "make", "videos", "videos", "--videos", "6,4,4", "--frames", "20", "--size", "48x36")
        self.write("videos.yaml", SMALL.replace("dataset: moving_mnist, size: 32, digit_size: 14, max_speed: 3, "
                                                "train_size: 16, validation_size: 8",
                                                "dataset: video_list, root: videos, size: 32, clips: 1, starts: [0]")
                   .replace("speed: {type: ridge, target: speed, on: hy_pred}",
                            "class: {type: logistic, target: class, on: hy_pred}")
                   .replace("probe_train: 16", "probe_train: 6").replace(": 8\n", ": 4\n")
                   .replace("batch: 8, shards: 2", "batch: 4, shards: 1"))
        for seed in (0, 1):
            os.symlink("videos", self.path(f"data{seed}"))
            self.succeed("sweep", "videos.yaml", "-o", f"{seed}", f"sweep.seeds=[{seed}]", f"data.root=data{seed}")
        self.succeed("sweep", "videos.yaml", "-o", "whole", "sweep.seeds=2")
        os.remove(self.path("data0"))
        both = ["merge", "0", "1", "-o", "out", "sweep.seeds=2"]
        self.assert_refused("^vjvcr: 1/sweep.h5: it has trials that are none of 0/sweep.h5, (.|\n)* or key=value; if data only "
                            "lie elsewhere there, with --elsewhere data.root:\n"
                            r"  trial 0: data.root was data1 and is data0 now \(0/sweep.h5:\d+:\d+\)\n$", *both)
        self.assert_refused("^vjvcr: data.root: data0: can't be opened: (.|\n)*\n  if the data of the trials lie elsewhere "
                            "here, say where: data.root=... --elsewhere data.root\n$", *both, "--elsewhere", "data.root")
        self.assert_refused("^vjvcr: --elsewhere: expected keys that say where data lie, as data.root; got optim.lr\n$",
                            *both, "--elsewhere", "data.root,optim.lr")
        self.assert_refused("--elsewhere: data.root tells trials of this sweep apart, which sets it", *both, "--elsewhere",
                            "data.root", "sweep.parameters={data.root: [data0, videos]}")
        self.succeed(*both, "--elsewhere", "data.root,data.pack", "data.root=videos")
        one, whole = (list(same_sweep.contents(self.path(name, "sweep.h5"))) for name in ("out", "whole"))
        self.assertEqual([a[0] for a, b in zip(one, whole, strict=True) if a != b], [])
        self.succeed("sweep", "out/sweep.yaml", "-o", "out", "--resume")


if __name__ == "__main__":
    main()
