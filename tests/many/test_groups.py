"""More groups of ranks than a machine has: 1,920 processes share the ledger and the sweep.h5 of one sweep, which
`vjvcr sweep` has laid out, and wait in place of training. How many claims a second that gives, and how much of the time
is left for training, is printed; that each trial was done once is checked.

Not among the tests that run by default: `./vj test many`. VJ_GROUPS, VJ_ROUNDS (trials a group) and VJ_SECONDS (length
of a trial) ask for others."""

import os
import signal
import subprocess
import tempfile
import time
import unittest

from support.many import SWEEP
from support.vjvcr import VJVCR, main, values_of

GROUPS = int(os.environ.get("VJ_GROUPS", "1920"))
ROUNDS = int(os.environ.get("VJ_ROUNDS", "3"))
SECONDS = os.environ.get("VJ_SECONDS", "30")
SIMULATED = os.path.join(os.path.dirname(VJVCR), "tests", "simulated_groups")


def lay_out(folder, trials):
    """A sweep of so many trials and without a ledger: killed when it was to begin with the first of them."""
    out = os.path.join(folder, "out")
    with open(os.path.join(folder, "many.yaml"), "w") as file:
        file.write(SWEEP.format(trials=trials // 2))
    process = subprocess.Popen([VJVCR, "sweep", "many.yaml", "-o", "out"], cwd=folder, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    while process.poll() is None and not os.path.exists(os.path.join(out, "ledger")):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    os.remove(os.path.join(out, "ledger"))
    return out


class Groups(unittest.TestCase):
    def test_each_trial_is_done_once(self):
        with tempfile.TemporaryDirectory(prefix="vjvcr-groups-", dir=os.environ.get("VJ_MANY_FOLDER")) as folder:
            out = lay_out(folder, GROUPS * ROUNDS)
            run = subprocess.run([SIMULATED, out, str(GROUPS * ROUNDS), str(GROUPS), SECONDS], stdout=subprocess.PIPE, text=True, check=False)
            print(run.stdout, flush=True)
            self.assertEqual(run.returncode, 0)
            values = values_of(os.path.join(out, "sweep.h5"))
            self.assertEqual(set(values["status"]), {2})
            self.assertEqual(set(values["attempt"]), {1})


if __name__ == "__main__":
    main()
