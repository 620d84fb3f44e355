"""VJVCR_CPU: the instructions a run computes with, and what is said of those that are not known or not there."""
import json
import os
import subprocess
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
