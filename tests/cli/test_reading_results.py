"""Every Python example of docs/reading-results.md runs, in the order of the page, on a small run of the demo; and what
it prints of the first is what sweep.h5 says."""

import importlib
import os
import re
import sys
import traceback

os.environ["MPLBACKEND"] = "Agg"

from support import requirements  # noqa: E402
from support.vjvcr import SOURCE, Case, main, np, values_of  # noqa: E402

PAGE = os.path.join(SOURCE, "docs", "reading-results.md")
SMALL = ["optim.steps=4", "optim.warmup=1", "optim.batch=16", "optim.shards=4", "eval.every=2", "eval.samples=32",
         "eval.probe_train=32", "eval.probe_validation=16", "eval.probe_test=16", "model.encoder.channels=[4,8]",
         "model.encoder.temporal=[8]", "model.predictor.hidden=[16]", "logging.every=1", "checkpoint.keep=weights"]


def examples():
    """[(line of the page, code)]"""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    return [(page[:match.start()].count("\n") + 2, match.group(1))
            for match in re.finditer(r"^```python\n(.*?)^```$", page, re.M | re.S)]


class ReadingResults(Case):
    def setUp(self):
        super().setUp()
        self.succeed("sweep", os.path.join(SOURCE, "sweeps", "demo.yaml"), *SMALL)
        self.succeed("export", "runs/demo", "--format", "csv")
        self.succeed("export", "runs/demo", "4", "--format", "safetensors", "--layout", "pytorch", "-o",
                     "encoder.safetensors")
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)

    def run_example(self, line, code):
        """What it prints, in a process of its own, as a reader would run it."""
        program = compile("\n" * (line - 1) + code, PAGE, "exec")
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writing, 1)
            os._exit(self.ending_of(program))
        os.close(writing)
        with open(reading, encoding="utf-8") as pipe:
            printed = pipe.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        self.assertEqual(code, 0, "its traceback stands above")
        return printed

    @staticmethod
    def ending_of(program):
        try:
            exec(program, {"__name__": "__main__"})
            sys.stdout.flush()
            return 0
        except BaseException:
            traceback.print_exc()
            return 1

    def test_all_examples_run(self):
        found = examples()
        self.assertGreaterEqual(len(found), 9)
        with requirements.modules():  # once, not in every process
            for module in ("xarray", "h5netcdf", "pandas", "matplotlib.pyplot", "torch"):
                importlib.import_module(module)
        printed = {}
        for line, code in found:
            with self.subTest(line=line):
                printed[line] = self.run_example(line, code)
        pictures = [name for name in ("curves.png", "spectra.png") if os.path.exists(name)]
        if printed.get(found[1][0]) is not None:
            self.assertEqual(pictures, ["curves.png", "spectra.png"])
        self.check_means(printed.get(found[0][0]))

    def check_means(self, printed):
        if printed is None:
            return
        values = values_of(self.path("runs", "demo", "sweep.h5"))
        for arm in sorted(set(values["arm"])):
            mean = values["hx_rankme"][values["arm"] == arm, -1].mean()
            shown = float(re.search(rf"^{arm} +(\S+)", printed, re.M).group(1))
            np.testing.assert_allclose(shown, mean, rtol=1e-5)


if __name__ == "__main__":
    main()
