"""What a test needs, and what a machine can't do.

`./vj test` installs the programs and modules that its tests need. Where one is missing nevertheless, a test fails; only
with VJ_SKIPS=allow is it skipped. What no package would mend (a processor without AVX-512, no right to mount) a test
declares by `impossible`. Each skip is added to the file that VJ_SKIPPED names; ./vj test lists and counts them."""

import contextlib
import os
import shutil
import sys
import unittest

SKIPPED = 77  # the exit code that CTest knows


def declare(test, reason):
    name = os.environ.get("VJ_TEST") or os.path.basename(sys.argv[0])
    line = f"{name}{', ' if test else ''}{test}: {reason}\n"
    print(f"skipped: {line}", end="", flush=True)
    if os.environ.get("VJ_SKIPPED"):
        with open(os.environ["VJ_SKIPPED"], "a") as file:
            file.write(line)


def running():
    """The test, or the preparation of tests, that is being run; "" while a program is only beginning."""
    frame = sys._getframe()
    while frame:
        if frame.f_code.co_name.startswith(("test_", "setUp")):
            return frame.f_code.co_name
        frame = frame.f_back
    return ""


def impossible(reason):
    """Skips the running test or, called before any runs, the whole program."""
    declare(running(), reason)
    if running():
        raise unittest.SkipTest(reason)
    sys.exit(SKIPPED)


def missing(what):
    if os.environ.get("VJ_SKIPS") == "allow":
        impossible(f"{what} is missing")
    sentence = f"{what} is missing, and this test needs it: ./vj test installs it, VJ_SKIPS=allow skips the test"
    if running():
        raise AssertionError(sentence)
    sys.exit(sentence)


@contextlib.contextmanager
def modules():
    """Around the imports of what is not Python's own."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing(f"Python's module {error.name}")


def programs(*names):
    for name in names:
        if not shutil.which(name):
            missing(f"the program {name}")


def built(name):
    """The path of a program of this build."""
    vjvcr = os.environ.get("VJVCR") or "build/vjvcr"
    path = os.path.abspath(vjvcr if name == "vjvcr" else os.path.join(os.path.dirname(vjvcr), "tests", name))
    if not os.access(path, os.X_OK):
        sys.exit(f"there is no program {path}: build it (./vj build), or let VJVCR name another build's vjvcr")
    return path
