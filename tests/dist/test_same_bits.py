"""The same bytes for 1, 2, 4 and 8 ranks a trial and for 1 and 2 OpenMP threads.

Runs `debug step` and a small sweep (one good trial, one whose numbers go wrong) in every way and compares the files:
step.h5 whole, sweep.h5 in every variable but the timings.
"""
import filecmp
import os
import subprocess
import tempfile
import unittest

from support import requirements

with requirements.modules():
    import h5py
    import numpy

VJVCR = requirements.built("vjvcr")
YAML = os.path.join(os.environ["VJ_SOURCE"], "tests", "dist", "same_bits.yaml")
WAYS = [(1, 1), (1, 2), (2, 1), (4, 1), (8, 1), (2, 2)]


def run(ranks, threads, *arguments):
    command = [VJVCR, *arguments]
    if ranks > 1:
        command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *command]
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def bits(data_set):
    """Bytes, so that NaN equals NaN and -0 does not equal 0."""
    return numpy.asarray(data_set[()]).tobytes()


class SameBits(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def test_one_step_laid_open_is_the_same_file(self):
        for ranks, threads in WAYS:
            file = self.path(f"step-{ranks}-{threads}.h5")
            done = run(ranks, threads, "debug", "step", YAML, "-o", file, "--steps", "3")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(filecmp.cmp(self.path("step-1-1.h5"), file, shallow=False),
                            f"step.h5 of {ranks} ranks with {threads} threads differs from that of one rank")

    def test_wide_layers_are_the_same_in_either_precision(self):
        """Layers wide enough for bf16 and for minimal filtering, which the small ones are not."""
        losses = {}
        for precision in ("fp32", "bf16"):
            files = []
            for ranks, threads in [(1, 1), (1, 2), (2, 1), (4, 1)]:
                files.append(self.path(f"{precision}-{ranks}-{threads}.h5"))
                done = run(ranks, threads, "debug", "step", YAML, "-o", files[-1], "--steps", "3",
                           f"optim.precision={precision}", "model.encoder={type: cnn, channels: [16, 64], "
                           "temporal: [64, 64], pool: 2}", "model.decoder={type: cnn, channels: [32, 16]}",
                           "losses.reconstruction={weight: 1.0}", "model.predictor={type: mlp, hidden: [64, 64]}")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(filecmp.cmp(files[0], files[-1], shallow=False),
                                f"{precision}: {ranks} ranks with {threads} threads differ from one rank")
            with h5py.File(files[0]) as step:
                losses[precision] = float(step["loss/total"][()])
        self.assertNotEqual(losses["fp32"], losses["bf16"])
        self.assertAlmostEqual(losses["fp32"], losses["bf16"], delta=0.01 * abs(losses["fp32"]))

    def test_threads_are_there_at_all(self):
        """Else the comparisons with 2 threads would compare nothing."""
        done = run(1, 2, "bench", YAML, "--steps", "1")
        self.assertIn("1 rank of 2 threads", done.stdout, done.stderr)

    def test_every_latent_gives_the_same_file(self):
        """Each with its defaults, and inference in all its ways with codes that are not zero."""
        listed = run(1, 1, "list", "latents").stdout.splitlines()[2:]
        more = ["sparse, lambda: 1.0e-4, unrolled_steps: 3, target_sparsity: 0.5, noise: 0.1, remove_static: true",
                "sparse, lambda: 1.0e-4, unrolled_steps: 3, scale: variance", "discrete, revive: 1"]
        for number, latent in enumerate([line.split()[1] for line in listed] + more):
            files = []
            for ranks, threads in [(1, 1), (1, 2), (2, 1), (4, 1)]:
                files.append(self.path(f"{number}-{ranks}-{threads}.h5"))
                done = run(ranks, threads, "debug", "step", YAML, "-o", files[-1], "--steps", "3",
                           f"model.latent={{type: {latent}}}", "model.decoder={type: cnn, channels: [8, 4]}",
                           "losses.reconstruction={weight: 1.0}",
                           *([] if latent == "none" else ["losses.dependence={weight: 1.0}"]))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(filecmp.cmp(files[0], files[-1], shallow=False),
                                f"latent {latent}: {ranks} ranks with {threads} threads differ from one rank")

    def test_every_target_gives_the_same_file(self):
        for target in ("stop_gradient", "ema"):
            files = []
            for ranks, threads in [(1, 1), (1, 2), (2, 1), (4, 1)]:
                files.append(self.path(f"{target}-{ranks}-{threads}.h5"))
                done = run(ranks, threads, "debug", "step", YAML, "-o", files[-1], "--steps", "3",
                           f"model.target={{type: {target}, momentum: 0.7}}")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(filecmp.cmp(files[0], files[-1], shallow=False),
                                f"target {target}: {ranks} ranks with {threads} threads differ from one rank")

    def test_networks_of_maps_give_the_same_file(self):
        """Each of them, with drop paths, latents, a skip, and losses on maps of more features than samples."""
        losses = ("losses={prediction: {}, reconstruction: {}, variance: {weight: 10.0}, covariance: {weight: 0.1}, "
                  "wide: {type: variance, weight: 1.0, on: hx.e1}}")
        simvp = ["model.encoder={type: simvp, channels: 8}", "model.decoder={type: simvp, skip: e1}", losses]
        vit = ["model.encoder={type: vit, width: 16, heads: 2, blocks: 2, tubelet: 3, drop_path: 0.2}",
               "model.decoder={type: simvp, layers: 6}", losses.replace("hx.e1", "hx")]
        arms = {
            "gsta": [*simvp, "model.predictor={type: gsta, width: 16, blocks: 2, drop_path: 0.3}",
                     "model.latent={type: sparse, size: 4, lambda: 1.0e-4, unrolled_steps: 3}"],
            "swin": [*simvp, "model.predictor={type: swin, width: 16, blocks: 2, drop_path: 0.3}",
                     "model.latent={type: discrete, choices: 3}"],
            "vit": [*vit, "model.predictor={type: swin, width: 16, blocks: 2, window: 2}"],
        }
        for arm, overrides in arms.items():
            files = []
            for ranks, threads in [(1, 1), (1, 2), (2, 1), (4, 1)]:
                files.append(self.path(f"{arm}-{ranks}-{threads}.h5"))
                done = run(ranks, threads, "debug", "step", YAML, "-o", files[-1], "--steps", "3", *overrides)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(filecmp.cmp(files[0], files[-1], shallow=False),
                                f"{arm}: {ranks} ranks with {threads} threads differ from one rank")

    def test_targets_are_evaluated_with_the_same_bits(self):
        trials = ("sweep={trials: {shared: {}, stop: {model.target.type: stop_gradient}, "
                  "average: {model.target.type: ema}, still: {model.target: {type: ema, momentum: 1}}}}")
        for ranks in (1, 4):
            done = run(ranks, 1, "sweep", YAML, "-o", self.path(f"targets-{ranks}"), "--ranks-per-trial", str(ranks),
                       trials)
            self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(self.path("targets-1/sweep.h5")) as one, h5py.File(self.path("targets-4/sweep.h5")) as other:
            for name in one:
                if not name.startswith("time_"):
                    self.assertEqual(bits(one[name]), bits(other[name]), name)
            first, last = one["val_prediction"][:, 0], one["val_prediction"][:, -1]
            self.assertEqual(first[0], first[1])  # averages begin as the encoder, with statistics of y alone
            self.assertEqual(first[2], first[3])
            self.assertEqual(len(set(last)), 4)   # and each way to make the target is another experiment

    def test_a_sweep_records_the_same_bits(self):
        for ranks, threads in WAYS:
            folder = self.path(f"sweep-{ranks}-{threads}")
            done = run(ranks, threads, "sweep", YAML, "-o", folder, "--ranks-per-trial", str(ranks))
            self.assertEqual(done.returncode, 1, done.stderr)  # the broken trial
            with h5py.File(self.path("sweep-1-1/sweep.h5")) as one, h5py.File(folder + "/sweep.h5") as other:
                self.assertEqual(sorted(one), sorted(other))
                self.assertEqual(list(one["status"][()]), [2, 3])
                for name in ("probe_speed_mse", "probe_walls_map", "hx_lidar", "hy_pred_nmse_by_horizon", "hx_states"):
                    self.assertTrue(numpy.isfinite(one[name][0]).all(), name)
                self.assertEqual(one["hy_pred_states"].shape, (2, 40, 12, one["hx_states"].shape[3]))
                for name in one:
                    if not name.startswith("time_"):
                        self.assertEqual(bits(one[name]), bits(other[name]),
                                         f"{name} differs with {ranks} ranks and {threads} threads")

    def test_what_latents_report_is_recorded_with_the_same_bits(self):
        latents = ("sweep={trials: {discrete: {model.latent: {type: discrete, choices: 3}}, "
                   "sparse: {model.latent: {type: sparse, size: 6, target_sparsity: 0.5}}, "
                   "gaussian: {model.latent: {type: gaussian, size: 4}}}}")
        probe = "eval.probes={which: {type: logistic, target: digit, on: z}}"
        for ranks in (1, 2):
            done = run(ranks, 1, "sweep", YAML, "-o", self.path(f"latents-{ranks}"), "--ranks-per-trial", str(ranks),
                       latents, probe)
            self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(self.path("latents-1/sweep.h5")) as one, h5py.File(self.path("latents-2/sweep.h5")) as other:
            for name in one:
                if not name.startswith("time_"):
                    self.assertEqual(bits(one[name]), bits(other[name]), name)
            usage = [one[f"val_latent_usage_{k}"][0, -1] for k in range(3)]
            self.assertAlmostEqual(sum(usage), 1, places=5)
            for trial, after in [(0, "val_latent_energy_after"), (1, "val_latent_energy_after")]:
                self.assertLessEqual(one[after][trial, -1], one["val_latent_energy_before"][trial, -1])
            self.assertTrue(0 <= one["val_latent_sparsity"][1, -1] <= 1)
            self.assertGreaterEqual(one["val_latent_kl"][2, -1], 0)
            self.assertTrue(numpy.isfinite(one["probe_which_accuracy"][:, -1]).all())

    def test_groups_side_by_side_record_the_same_bits(self):
        self.assertEqual(run(1, 1, "sweep", YAML, "-o", self.path("one")).returncode, 1)
        self.assertEqual(run(4, 1, "sweep", YAML, "-o", self.path("groups"), "--ranks-per-trial", "2").returncode, 1)
        with h5py.File(self.path("one/sweep.h5")) as one, h5py.File(self.path("groups/sweep.h5")) as other:
            for name in one:
                if not name.startswith("time_"):
                    self.assertEqual(bits(one[name]), bits(other[name]), name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
