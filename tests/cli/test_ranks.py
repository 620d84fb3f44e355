"""Trials that ask for ranks of their own: they get them, the largest first, and measure the same on any number."""

import os
import re
import signal
import subprocess
import time

from support.vjvcr import TINY, VJVCR, Case, differing, everything_in, main, values_of

MIXED = TINY.replace("optim: {steps: 4,", "optim: {steps: 2,") + """\
sweep:
  trials:
    plain: {}
    longer: {optim.steps: 3}
    middle: {optim.ranks: 2}
    big: {optim.ranks: 4}
"""
ARMS = ["plain", "longer", "middle", "big"]


class Mixed(Case):
    def setUp(self):
        super().setUp()
        self.write("mixed.yaml", MIXED)

    def ledger(self, event, name="out"):
        if not os.path.exists(self.path(name, "ledger")):
            return []
        with open(self.path(name, "ledger")) as file:
            records = [line.split() for line in file]
        return [(ARMS[int(record[2])], record[4]) for record in records if record[1] == event and len(record) > 4]

    def wait_for(self, what, seconds=60):
        end = time.monotonic() + seconds
        while not what() and time.monotonic() < end:
            time.sleep(0.01)

    def test_the_same_on_any_number_of_ranks(self):
        """4 ranks: all of them, then halves, then each by itself. 3: groups of two and one. 1: all alone."""
        sentence = "{0} asks for up to 4 ranks (optim.ranks) and {1} started: {2}, with the same numbers\n"
        notes = {4: "", 3: sentence.format("1 trial", "3 are", "it runs on 2"),
                 1: "2 trials ask for up to 4 ranks (optim.ranks) and 1 is started: they run on 1, with the same numbers\n"}
        found = {}
        for ranks, note in notes.items():
            result = self.run_vjvcr("sweep", "mixed.yaml", "-o", f"out{ranks}", ranks=ranks)
            self.assertEqual((result.code, result.err), (0 if ranks == 1 else [0] * ranks, note))
            found[ranks] = values_of(self.path(f"out{ranks}", "sweep.h5"))
            self.assertEqual(sorted(everything_in(self.path(f"out{ranks}"))), ["ledger", "sweep.h5", "sweep.yaml"])
        self.assertEqual(differing(found[4], found[3]), [])
        self.assertEqual(differing(found[4], found[1]), [])
        self.assertEqual(list(found[1]["status"]), [2] * 4)
        self.assertEqual([arm for arm, _ in self.ledger("claim", "out4")][0], "big")
        self.assertEqual([arm for arm, _ in self.ledger("claim", "out1")], ["longer", "plain", "middle", "big"])
        # the leaders of the groups: the first rank, then also the third, then any
        who = dict(self.ledger("done", "out4"))
        self.assertEqual(len({who["plain"], who["longer"]}), 2)

    def test_resumed_on_other_numbers_of_ranks(self):
        self.assertEqual(self.run_vjvcr("sweep", "mixed.yaml", "-o", "whole").code, 0)
        code = self.run_vjvcr("sweep", "mixed.yaml", "-o", "out", "--time-limit", "1s", ranks=4).code
        self.assertIn(code, ([75] * 4, [0] * 4))
        code = self.run_vjvcr("sweep", "mixed.yaml", "-o", "out", "--resume", "--time-limit", "1s", ranks=2).code
        self.assertIn(code, ([75] * 2, [0] * 2))
        self.run_vjvcr("sweep", "mixed.yaml", "-o", "out", "--resume", "optim.ranks=1")  # no change of any number
        self.assertEqual(differing(values_of(self.path("whole", "sweep.h5")), values_of(self.path("out", "sweep.h5")),
                                   ["attempt"]), [])

    def test_a_trial_that_waits_again_when_groups_have_split(self):
        """Its job dies when the group of two has split already: its ranks come together again for it."""
        self.write("pair.yaml", TINY + """\
sweep:
  trials:
    plain: {}
    longer: {optim.steps: 5}
    middle: {optim.ranks: 2, optim.steps: 20, optim.batch: 512, data.train_size: 512, eval.samples: 512, eval.every: 20}
""")
        dying = subprocess.Popen([VJVCR, "sweep", "pair.yaml", "-o", "out"], cwd=self.folder, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, env=dict(os.environ, OMPI_MCA_ess_singleton_isolated="1"))
        self.addCleanup(dying.wait)
        self.addCleanup(dying.kill)
        self.wait_for(lambda: "middle" in dict(self.ledger("claim")))
        time.sleep(0.1)  # not while it holds a lock
        dying.send_signal(signal.SIGSTOP)
        other = subprocess.Popen(["mpirun", "--oversubscribe", "-n", "2", VJVCR, "sweep", "pair.yaml", "-o", "out",
                                  "--resume"], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.wait_for(lambda: len(self.ledger("claim")) == 3)
        dying.kill()
        err = other.communicate(timeout=300)[1]
        self.assertEqual(other.returncode, 0, err)
        self.assertEqual([arm for arm, _ in self.ledger("release")], ["middle"])
        self.assertEqual(self.ledger("claim")[3][0], "middle")
        self.assertEqual(list(values_of(self.path("out", "sweep.h5"))["status"]), [2] * 3)

    def test_a_dry_run_says_who_runs_on_how_many(self):
        out = self.succeed("sweep", "mixed.yaml", "--dry-run", ranks=4).out
        self.assertIn("\n4 trials on 4 ranks: 1 on 4 ranks, 1 on 2 ranks, 2 on 1 rank; ", out)
        result = self.run_vjvcr("sweep", "mixed.yaml", "--dry-run=timed", ranks=4)
        self.assertEqual(result.code, [0] * 4, result.err)
        timed, advice = result.out.split("\n\n4 ranks of this machine, ")
        table = [re.split(r"  +", line.strip())[:2] for line in timed.splitlines() if " ms  " in line]
        self.assertEqual(table, [["0", "2"], ["2", "1"], ["3", "1"]])  # one of each size, on its ranks
        self.assertRegex(timed, r"\nthe whole sweep: about \d+s on 4 ranks: 1 on 4 ranks, 1 on 2 ranks, 2 on 1 rank$")
        self.assertIn("\nsuggestion: --ranks-per-trial ", advice)


if __name__ == "__main__":
    main()
