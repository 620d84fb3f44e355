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


if __name__ == "__main__":
    unittest.main(verbosity=2)
