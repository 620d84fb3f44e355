"""The same bits whatever state a library, a launcher or a plug-in leaves the processor's floating-point unit in.

A library that stands before all others sets rounding upwards and flushing of small numbers to zero in the process and
in every thread that begins; a plug-in does so when it is loaded, as those do that are linked with -ffast-math."""
import os
import platform
import subprocess
import tempfile
import unittest

from support import requirements

with requirements.modules():
    import h5py

VJVCR = requirements.built("vjvcr")
SOURCE = os.environ["VJ_SOURCE"]
YAML = os.path.join(SOURCE, "tests", "dist", "same_bits.yaml")
CC = os.environ.get("CC", "cc").split()

if platform.machine() != "x86_64":
    requirements.impossible("the library is written for x86-64")

MEDDLER = r"""
#include <xmmintrin.h>

static void meddle(void) { _mm_setcsr(0x1f80 | 0x8040 | 0x4000); }  /* flush both ways, round upwards */

__attribute__((constructor)) static void begin(void) { meddle(); }
"""

MEDDLER_WITH_THREADS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
""" + MEDDLER + r"""
typedef struct job { void *(*run)(void *); void *context; } job;

static void *run_job(void *context) {
  const job j = *(job *)context;
  free(context);
  meddle();
  return j.run(j.context);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context) {
  int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
  job *j = malloc(sizeof *j);
  j->run = run;
  j->context = context;
  return next(thread, attributes, run_job, j);
}
"""


class FloatEnvironment(unittest.TestCase):
    def setUp(self):
        requirements.programs(CC[0])
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.step("clean.h5")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def step(self, name, *overrides, **environment):
        file = self.path(name)
        done = subprocess.run([VJVCR, "debug", "step", YAML, "-o", file, "--steps", "3", *overrides],
                              env={**os.environ, "OMP_NUM_THREADS": "2", **environment}, capture_output=True, text=True,
                              timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return file

    def same(self, file):
        """In all arrays; the text of the configuration, an attribute, names a plug-in."""
        arrays = []
        for path in (self.path("clean.h5"), file):
            with h5py.File(path) as step:
                found = {}
                step.visititems(lambda name, item: found.update({name: item[()].tobytes()})
                                if isinstance(item, h5py.Dataset) else None)
                arrays.append(found)
        self.assertTrue(arrays[0])
        return arrays[0] == arrays[1]

    def library(self, name, source, *options):
        with open(self.path(f"{name}.c"), "w") as file:
            file.write(source)
        subprocess.run([*CC, "-shared", "-fPIC", *options, "-o", self.path(f"{name}.so"), self.path(f"{name}.c"),
                        "-ldl"], check=True)
        return self.path(f"{name}.so")

    def test_of_a_library_and_of_threads_that_begin(self):
        library = self.library("meddler", MEDDLER_WITH_THREADS)
        sanitizers = "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")
        self.assertTrue(self.same(self.step("meddled.h5", LD_PRELOAD=library, ASAN_OPTIONS=sanitizers)))

    def test_of_a_plug_in(self):
        with open(os.path.join(SOURCE, "docs", "examples", "slowness_loss.c")) as file:
            plugin = self.library("plugin", file.read() + MEDDLER, f"-I{SOURCE}/framework/include")
        self.assertTrue(self.same(self.step("plugged.h5", f"plugins=[{plugin}]")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
