"""How the verbs that look at a sweep grow with the number of its trials: processor time of laying a sweep out, of a dry
run, of going on with it where all is done, and of what reads its results. The trials are those of a sweep of sixteen,
over and over, so that none of the large ones has to be trained; what is printed goes into docs/scaling.md.

Not among the tests that run by default: `./vj test many`; VJ_SIZES=1000,10000,100000 asks for others."""

import os
import resource
import signal
import subprocess
import tempfile
import time
import unittest
import zlib

from support.many import SWEEP
from support.vjvcr import VJVCR, edited, h5py, main, np

SIZES = [int(size) for size in os.environ.get("VJ_SIZES", "1000,10000").split(",")]
SMALL = 16
VERBS = {"resume": ["sweep", "many.yaml", "-o", "out", "--resume"], "status": ["status", "out"],
         "table": ["table", "out"], "best": ["best", "out"], "report": ["report", "out"]}


def line(record):
    return f"{record} {zlib.crc32(record.encode()):08x}\n"


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Sizes(unittest.TestCase):
    def run_in(self, folder, *arguments):
        before = children_seconds()
        done = subprocess.run([VJVCR, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=dict(os.environ, OMP_NUM_THREADS="1"), text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return children_seconds() - before

    def lay_out(self, folder):
        """Until the first trial is claimed."""
        before = children_seconds()
        process = subprocess.Popen([VJVCR, "sweep", "many.yaml", "-o", "out"], cwd=folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=dict(os.environ, OMP_NUM_THREADS="1"))
        while process.poll() is None and not os.path.exists(os.path.join(folder, "out", "ledger")):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        return children_seconds() - before

    def fill(self, folder, small, trials):
        """All trials are done; their figures are those of the small sweep."""
        known = ("arm", "seed", "config", "attempt", "status", "trial", "checksum", "time_checksum")
        with edited(os.path.join(folder, "out", "sweep.h5")) as file, h5py.File(small, "r") as done:
            for name, values in file.items():
                if name not in known and not name.startswith("param.") and values.shape[:1] == (trials,) \
                        and values.shape[1:] == done[name].shape[1:]:
                    values[...] = np.resize(done[name][...], values.shape)
            file["attempt"][...] = 1
            file["status"][...] = 2
            for name in ("checksum", "time_checksum"):  # none, as in files of earlier versions
                file[name][...] = -1
        with open(os.path.join(folder, "out", "ledger"), "w") as ledger:
            ledger.write(line(f"vjvcr ledger 1 trials {trials}"))
            for trial in range(trials):
                ledger.write(line(f"1 claim {trial} 1 host:1:2"))
                ledger.write(line(f"1 done {trial} 1 host:1:2"))

    def test_verbs_end_and_say_how_long_they_took(self):
        rows = []
        with tempfile.TemporaryDirectory(prefix="vjvcr-sizes-", dir=os.environ.get("VJ_MANY_FOLDER")) as folder:
            for trials in [SMALL, *SIZES]:
                here = os.path.join(folder, str(trials))
                os.mkdir(here)
                with open(os.path.join(here, "many.yaml"), "w") as file:
                    file.write(SWEEP.format(trials=trials // 2))
                if trials == SMALL:
                    self.run_in(here, "sweep", "many.yaml", "-o", "out")
                    small = os.path.join(here, "out", "sweep.h5")
                    continue
                seconds = {"dry run": self.run_in(here, "sweep", "many.yaml", "--dry-run"),
                           "laying out": self.lay_out(here)}
                self.fill(here, small, trials)
                for name, arguments in VERBS.items():
                    seconds[name] = self.run_in(here, *arguments)
                sizes = [os.path.getsize(os.path.join(here, "out", name)) / 2**20 for name in ("sweep.h5", "report.html")]
                rows.append((trials, seconds, sizes))
        names = list(rows[0][1])
        print("| trials | " + " | ".join(names) + " | sweep.h5 | report |\n|" + "---|" * (len(names) + 3))
        for trials, seconds, sizes in rows:
            print(f"| {trials:,} | " + " | ".join(f"{seconds[name]:.2f} s" for name in names)
                  + f" | {sizes[0]:.1f} MiB | {sizes[1]:.1f} MiB |", flush=True)


if __name__ == "__main__":
    main()
