"""The same bits with every width of vectors that this processor has, in plain C where the system lets no program make
code, on any ranks and threads; and whatever core OpenBLAS would have taken for spectra, ranks and probes.

What differs is not the same twice: each way has another path, another number of ranks and of threads than the first."""
import filecmp
import json
import os
import subprocess
import tempfile
import unittest

from support import requirements, same_sweep

VJVCR = requirements.built("vjvcr")
FORBID_CODE = requirements.built("libvj_forbid_code.so")
YAML = os.path.join(os.environ["VJ_SOURCE"], "tests", "dist", "same_bits.yaml")
PATHS = ["avx2", "avx512", "avx512bf16"]

# Small, but with layers wide enough for every kind of kernel, and for minimal filtering; and some that fill no vector.
NETWORKS = """\
name: networks
data: {dataset: moving_mnist, size: 16, digit_size: 10, train_size: 64, validation_size: 16}
model: {encoder: {type: cnn, channels: [16, 32], temporal: [64, 64], pool: 1}, predictor: {type: mlp, hidden: [32]}}
losses: {prediction: {}, reconstruction: {}, variance: {weight: 10.0}, covariance: {weight: 0.1}, sigreg: {weight: 0.1}}
optim: {lr: 1.0e-3, steps: 10, batch: 8, shards: 4}
eval: {every: 10, samples: 16, probes: {}}
logging: {every: 1}
"""
SIMVP = ["model.encoder={type: simvp, channels: 16}", "model.decoder={type: simvp, skip: e1}"]
MODELS = {
    "cnn": ["model.decoder={type: cnn, channels: [16, 16]}", "model.latent={type: gaussian, size: 4}"],
    "gsta": ["model.encoder={type: simvp, channels: 6}", SIMVP[1],
             "model.predictor={type: gsta, width: 20, blocks: 2, drop_path: 0.3}",
             "model.latent={type: sparse, size: 4, lambda: 1.0e-4, unrolled_steps: 2}"],
    "swin": [*SIMVP, "model.predictor={type: swin, width: 32, blocks: 2, drop_path: 0.3}",
             "model.latent={type: discrete, choices: 3}"],
    "vit": ["model.encoder={type: vit, width: 32, heads: 2, blocks: 2, tubelet: 3, drop_path: 0.2}",
            "model.decoder={type: simvp, layers: 6}", "model.predictor={type: swin, width: 32, blocks: 2, window: 2}"],
}
PRECISIONS = ["fp32", "bf16"]


def run(*arguments, program=(VJVCR,), ranks=1, threads=1, **environment):
    clean = {k: v for k, v in os.environ.items() if k not in ("VJVCR_CPU", "OPENBLAS_CORETYPE")}
    command = [*program, *arguments]
    if ranks > 1:
        command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *command]
    else:
        clean["OMPI_MCA_ess_singleton_isolated"] = "1"
    return subprocess.run(command, env={**clean, "OMP_NUM_THREADS": str(threads), **environment}, capture_output=True,
                          text=True, timeout=300)


INFO = json.loads(run("info", "--json").stdout)
MOST = INFO["cpu_path"]
if MOST not in PATHS:
    requirements.impossible("the processor is no x86-64")


def path(name):
    """The environment in which this path is taken, for a test that is skipped where there is none."""
    if name != "plain C":
        if PATHS.index(name) > PATHS.index(MOST):
            requirements.impossible(f"the processor has no {name}")
        return {"VJVCR_CPU": name}
    if "sanitizers" in INFO["build"]:
        requirements.impossible("libraries of sanitizers stand before all others")
    return {"VJVCR_CPU": "avx2", "LD_PRELOAD": FORBID_CODE}


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        with open(self.at("networks.yaml"), "w") as file:
            file.write(NETWORKS)

    def at(self, name):
        return os.path.join(self.folder, name)

    def sweep(self, name, yaml, *arguments, code=0, **options):
        done = run("sweep", yaml, "-o", self.at(name), *arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        return list(same_sweep.contents(os.path.join(self.at(name), "sweep.h5")))

    def same(self, one, other):
        self.assertEqual(len(one), len(other))
        for (what, mine), (_, theirs) in zip(one, other):
            self.assertTrue(mine == theirs, what)


class Steps(Case):
    """Ten steps laid open, in all that a step computes."""
    narrow = {}  # of one rank with AVX2, by settings

    def step(self, name, *overrides, **options):
        done = run("debug", "step", self.at("networks.yaml"), "-o", self.at(name), "--steps", "10", *overrides,
                   **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.at(name), "rb") as file:
            return file.read()

    def compare(self, ways, models=tuple(MODELS)):
        for precision in PRECISIONS:
            for model in models:
                settings = [f"optim.precision={precision}", *MODELS[model]]
                if (model, precision) not in self.narrow:
                    self.narrow[model, precision] = self.step("first.h5", *settings, **path("avx2"))
                first = self.narrow[model, precision]
                for way, options in ways.items():
                    self.assertTrue(first == self.step("other.h5", *settings, **options),
                                    f"{model}, {precision}, {way}")

    def test_of_every_network_with_avx512_and_two_threads(self):
        self.compare({"avx512": {**path("avx512"), "threads": 2}})

    def test_of_every_network_with_bf16_instructions_and_two_ranks(self):
        self.compare({"avx512bf16": {**path("avx512bf16"), "ranks": 2}})

    def test_of_some_networks_in_plain_c(self):
        self.compare({"plain C": path("plain C")}, models=["cnn", "swin"])

    def test_on_an_emulated_older_processor(self):
        if "sanitizers" in INFO["build"]:
            requirements.impossible("QEMU has no room for the shadow memory of sanitizers")
        requirements.programs("qemu-x86_64")
        here, there = self.at("here.h5"), self.at("there.h5")
        step = ["debug", "step", self.at("networks.yaml"), "--steps", "2", "optim.precision=bf16", *MODELS["cnn"], "-o"]
        self.assertEqual(run(*step, here).returncode, 0)
        done = run(*step, there, program=["qemu-x86_64", "-cpu", "Haswell", VJVCR], OPENBLAS_CORETYPE="Haswell")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(filecmp.cmp(here, there, shallow=False))

    def test_of_every_latent(self):
        listed = run("list", "latents").stdout.splitlines()[2:]
        for latent in [line.split()[1] for line in listed]:
            for precision in PRECISIONS:
                settings = [*MODELS["cnn"], f"model.latent={{type: {latent}}}", f"optim.precision={precision}"]
                self.assertTrue(self.step("first.h5", *settings, **path("avx2")) ==
                                self.step("other.h5", *settings, **path(MOST), threads=2), f"{latent}, {precision}")


class Sweeps(Case):
    def test_of_all_networks(self):
        """Each with its latent, in both precisions."""
        trials = [", ".join([f"optim.precision: {precision}", *(": ".join(setting.split("=", 1)) for setting in settings)])
                  for settings in MODELS.values() for precision in PRECISIONS]
        text = "sweep={trials: {" + ", ".join(f"t{number}: {{{what}}}" for number, what in enumerate(trials)) + "}}"
        first = self.sweep("first", self.at("networks.yaml"), text, **path("avx2"))
        below = PATHS[max(PATHS.index(MOST) - 1, 0)]
        for ranks, threads, name in (1, 2, below), (2, 1, MOST), (4, 1, MOST):
            self.same(first, self.sweep(f"{ranks}", self.at("networks.yaml"), text, "--ranks-per-trial", str(ranks),
                                        ranks=ranks, threads=threads, **path(name)))

    def test_of_everything_that_is_recorded(self):
        """Exit code 1: the trial that is meant to break does."""
        first = self.sweep("first", YAML, code=1, **path("avx2"))
        for name in PATHS[1:PATHS.index(MOST) + 1]:
            self.same(first, self.sweep(name, YAML, code=1, **path(name)))
        for core in ("Nehalem", "SkylakeX"):
            self.same(first, self.sweep(core, YAML, code=1, OPENBLAS_CORETYPE=core, **path("avx2")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
