"""The same sweep.h5 with every width of vectors that this processor has, and whatever core OpenBLAS would have taken.

Its spectra, ranks and probes go through OpenBLAS and LAPACK."""
import filecmp
import json
import os
import subprocess
import tempfile
import unittest

from support import requirements, same_sweep

VJVCR = requirements.built("vjvcr")
YAML = os.path.join(os.environ["VJ_SOURCE"], "tests", "dist", "same_bits.yaml")
PATHS = ["avx2", "avx512", "avx512bf16"]
# Losses that every network has; layers of all kinds, with numbers of channels that fill no vector.
PLAIN = ["losses={prediction: {weight: 1.0}, variance: {weight: 10.0}, covariance: {weight: 0.1}}", "eval.probes={}"]
NETWORKS = {
    "gated attention": ["model.encoder={type: simvp, channels: 6}",
                        "model.predictor={type: gsta, width: 20, blocks: 2}"],
    "shifted windows": ["model.encoder={type: simvp, channels: 8}",
                        "model.predictor={type: swin, width: 32, blocks: 2}"],
    "transformer": ["model.encoder={type: vit, width: 24, blocks: 2, heads: 2}",
                    "model.predictor={type: mlp, hidden: [20]}"],
    "decoder": ["model.decoder={type: cnn, channels: [12, 8]}", "losses.reconstruction={weight: 1.0}"],
}


def run(*arguments, **environment):
    clean = {k: v for k, v in os.environ.items() if k not in ("VJVCR_CPU", "OPENBLAS_CORETYPE")}
    return subprocess.run([VJVCR, *arguments], env={**clean, "OMP_NUM_THREADS": "1", **environment},
                          capture_output=True, text=True, timeout=300)


MOST = json.loads(run("info", "--json").stdout)["cpu_path"]
if MOST not in PATHS:
    requirements.impossible("the processor is no x86-64")


class Processors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.narrow = cls.sweep("narrow", VJVCR_CPU="avx2")

    @classmethod
    def sweep(cls, name, **environment):
        """Exit code 1: the trial that is meant to break does."""
        folder = os.path.join(cls.folder.name, name)
        done = run("sweep", YAML, "-o", folder, **environment)
        assert done.returncode == 1, done.stderr
        return list(same_sweep.contents(os.path.join(folder, "sweep.h5")))

    def same(self, other):
        self.assertEqual(len(self.narrow), len(other))
        for (what, mine), (_, theirs) in zip(self.narrow, other):
            self.assertTrue(mine == theirs, what)

    def test_wider_vectors_give_the_same_bits(self):
        if MOST == PATHS[0]:
            requirements.impossible("the processor has no wider vectors than AVX2's")
        for path in PATHS[1:PATHS.index(MOST) + 1]:
            self.same(self.sweep(path, VJVCR_CPU=path))

    def test_wider_vectors_give_the_same_step_of_every_network(self):
        for network, overrides in NETWORKS.items():
            for precision in ("fp32", "bf16"):
                steps = []
                for path in PATHS[:PATHS.index(MOST) + 1]:
                    steps.append(os.path.join(self.folder.name, f"{network}-{precision}-{path}.h5"))
                    done = run("debug", "step", YAML, "-o", steps[-1], "--steps", "2", f"optim.precision={precision}",
                               *PLAIN, *overrides, VJVCR_CPU=path)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertTrue(filecmp.cmp(steps[0], steps[-1], shallow=False), f"{network}, {precision}, {path}")

    def test_an_emulated_older_processor_gives_the_same_step(self):
        requirements.programs("qemu-x86_64")
        here, there = (os.path.join(self.folder.name, name) for name in ("here.h5", "there.h5"))
        step = ["debug", "step", YAML, "--steps", "1", "-o"]
        self.assertEqual(run(*step, here).returncode, 0)
        done = subprocess.run(["qemu-x86_64", "-cpu", "Haswell", VJVCR, *step, there], capture_output=True, text=True,
                              env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Haswell"}, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(filecmp.cmp(here, there, shallow=False))

    def test_a_core_of_openblas_that_the_user_names_changes_nothing(self):
        for core in ("Nehalem", "SkylakeX"):
            self.same(self.sweep(core, VJVCR_CPU="avx2", OPENBLAS_CORETYPE=core))


if __name__ == "__main__":
    unittest.main(verbosity=2)
