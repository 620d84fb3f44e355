"""VJVCR_CPU: the instructions a run computes with, and what is said of those that are not known or not there."""
import json
import os
import subprocess
import tempfile
import unittest

from support import requirements

VJVCR = requirements.built("vjvcr")
ORDER = ["avx2", "avx512", "avx512bf16"]


def info(path=None):
    environment = {k: v for k, v in os.environ.items() if k != "VJVCR_CPU"}
    if path:
        environment["VJVCR_CPU"] = path
    return subprocess.run([VJVCR, "info", "--json"], env=environment, capture_output=True, text=True)


MOST = json.loads(info().stdout)["cpu_path"]
if MOST not in ORDER:
    requirements.impossible("the processor is no x86-64")


class Path(unittest.TestCase):
    def test_any_that_the_processor_has_can_be_forced(self):
        for path in ORDER[:ORDER.index(MOST) + 1]:
            self.assertEqual(json.loads(info(path).stdout)["cpu_path"], path)

    def test_an_unknown_one_is_refused(self):
        result = info("AVX-512")
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr, "vjvcr: VJVCR_CPU=AVX-512 is not known; avx2, avx512 and avx512bf16 are, and "
                         f"this processor has up to {MOST}\n")

    def test_one_that_the_processor_does_not_have_is_refused(self):
        if MOST == ORDER[-1]:
            requirements.impossible("the processor has all of them")
        result = info(ORDER[-1])
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr, f"vjvcr: VJVCR_CPU=avx512bf16: this processor has no more than {MOST}; name "
                         "that, or unset VJVCR_CPU\n")


class Bf16WithoutItsInstruction(unittest.TestCase):
    """Emulated, it takes twice the instructions and more."""
    YAML = """
name: precision
data: {dataset: moving_mnist, size: 32, digits: builtin}
model: {encoder: {type: cnn, channels: [16], temporal: []}, predictor: {type: mlp, hidden: [16]}}
losses: {prediction: {weight: 1}}
optim: {steps: 1, batch: 2, shards: 1, precision: %s}
"""

    def dry_run(self, path, precision):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "precision.yaml")
            with open(file, "w") as yaml:
                yaml.write(self.YAML % precision)
            result = subprocess.run([VJVCR, "sweep", file, "--dry-run"], env={**os.environ, "VJVCR_CPU": path},
                                    capture_output=True, text=True, cwd=folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_info_says_that_it_is_slower(self):
        for path in [path for path in ORDER[:-1] if ORDER.index(path) <= ORDER.index(MOST)]:
            self.assertRegex(json.loads(info(path).stdout)["products_speed"],
                             r"^\d+ GFLOP/s a core in fp32, \d+ in bf16: optim.precision=bf16 is slower here$")

    def test_a_dry_run_says_so_to_who_asks_for_it(self):
        self.assertRegex(self.dry_run("avx2", "bf16"),
                         r"\nprecision: bf16 is slower than fp32 on this processor \(products at \d+ and \d+ GFLOP/s a "
                         r"core\); optim.precision=fp32 would take less time here\n")
        self.assertNotIn("precision:", self.dry_run("avx2", "fp32"))


class OlderProcessor(unittest.TestCase):
    """Emulated; what is compiled with newer instructions would end there by a signal."""

    def emulated(self, processor):
        requirements.programs("qemu-x86_64")
        return subprocess.run(["qemu-x86_64", "-cpu", processor, VJVCR, "info", "--json"], capture_output=True,
                              text=True)

    def test_without_avx2_there_is_a_sentence(self):
        result = self.emulated("Nehalem")
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn("vjvcr: this processor has no AVX2, which vjvcr needs; use one of x86-64-v3 (Intel's since "
                      "Haswell, 2013, AMD's since Excavator, 2015)\n", result.stderr)

    def test_the_first_that_has_it_is_enough(self):
        result = self.emulated("Haswell")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(json.loads(result.stdout)["cpu_path"], "avx2")


if __name__ == "__main__":
    unittest.main(verbosity=2)
