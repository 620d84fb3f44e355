"""`vjvcr info` tells what this build and this machine are, and OpenBLAS runs on the core it should."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

from support.requirements import impossible
from support.vjvcr import VJVCR

WRONG_PRODUCT = """
#include <stdint.h>
void cblas_dgemm(int order, int ta, int tb, int m, int n, int k, double alpha, const double *a, int lda,
                 const double *b, int ldb, double beta, double *c, int ldc) {
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) c[i * ldc + j] = 12345;
}
"""
WRONG_FACTOR = """
#include <stddef.h>
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t length) {
  *a = 2;
  *info = 0;
}
"""


def run(*arguments, **environment):
    """The verb `info` with OPENBLAS_CORETYPE exactly as given."""
    clean = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
    return subprocess.run([VJVCR, "info", *arguments], env={**clean, **environment}, capture_output=True, text=True)


def facts(**environment):
    result = run("--json", **environment)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


HAS_X86 = "avx512" in facts()
HAS_CHOICE = "DYNAMIC_ARCH" in facts()["openblas"]


class Info(unittest.TestCase):
    def test_table_and_json_say_the_same(self):
        table = run()
        self.assertEqual((table.returncode, table.stderr), (0, ""))
        said = facts()
        lines = table.stdout.splitlines()
        self.assertEqual(len(lines), len(said))
        pairs = [(line, value) for line, (key, value) in zip(lines, said.items()) if key != "products_speed"]
        self.assertEqual([line.split("  ")[-1].strip() for line, _ in pairs], [value for _, value in pairs])
        starts = {line.rindex(value) for line, value in pairs}
        self.assertEqual(len(starts), 1, "the values stand in one column")

    def test_says_what_a_bug_report_needs(self):
        said = facts()
        for key in ("version", "commit", "compiler", "build", "processor", "cores", "omp_threads", "memory", "mpi",
                    "hdf5", "libyaml", "openblas", "openblas_core", "openblas_core_origin", "page_size"):
            self.assertTrue(said[key], key)
        self.assertIn("(parallel)", said["hdf5"])
        self.assertEqual(said["openblas_check"], "passed")

    def test_threads_are_those_of_the_environment(self):
        self.assertEqual(facts(OMP_NUM_THREADS="3")["omp_threads"], "3")

    def test_unknown_argument_is_refused(self):
        result = run("--jsn")
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr, 'vjvcr: info has no option --jsn; did you mean "--json"?\n')
        self.assertEqual(result.stdout, "")


class Core(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not (HAS_X86 and HAS_CHOICE):
            impossible("this OpenBLAS has no cores to choose from")

    def test_it_is_the_same_whatever_the_environment_says(self):
        for environment in ({}, {"OPENBLAS_CORETYPE": "Haswell"}, {"OPENBLAS_CORETYPE": "Nehalem"},
                            {"OPENBLAS_CORETYPE": "SkylakeX"}, {"OPENBLAS_CORETYPE": "Pentium9"}):
            said = facts(**environment)
            self.assertEqual((said["openblas_core"], said["openblas_core_origin"]),
                             ("Haswell", "pinned: the same on every processor"), environment)

    def test_of_ranks_under_mpirun_too(self):
        result = subprocess.run(["mpirun", "--oversubscribe", "-n", "2", VJVCR, "info"],
                                env={**os.environ, "OPENBLAS_CORETYPE": "Sandybridge"}, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.count("pinned: the same on every processor"), 2)


class SelfCheck(unittest.TestCase):
    def check_with(self, wrong):
        """What is said with the same OpenBLAS, and a function that computes nonsense in front of it."""
        with tempfile.TemporaryDirectory() as folder:
            source, library = os.path.join(folder, "wrong.c"), os.path.join(folder, "wrong.so")
            with open(source, "w") as file:
                file.write(wrong)
            subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
            sanitizers = "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")
            said = facts(LD_PRELOAD=library, ASAN_OPTIONS=sanitizers)
        begin, end = ("OpenBLAS computes wrongly on this machine: with its core " + said["openblas_core"] + ", ",
                      "; another version of the library is needed")
        self.assertTrue(said["openblas_check"].startswith(begin) and said["openblas_check"].endswith(end), said)
        return said["openblas_check"][len(begin):-len(end)]

    def test_a_wrong_product_is_noticed(self):
        self.assertEqual(self.check_with(WRONG_PRODUCT), "dgemm NT of 1 x 1 x 1 gives 12345 at [0,0], not -4")

    def test_a_wrong_factor_is_noticed(self):
        self.assertEqual(self.check_with(WRONG_FACTOR), "1 linear equations have 0.25 as unknown 0, not 1")


if __name__ == "__main__":
    if not os.access(VJVCR, os.X_OK):
        print(f"there is no program {VJVCR}; build it, or set VJVCR")
        sys.exit(1)
    unittest.main(verbosity=2)
