"""Trials that ask for ranks of their own: they get them, the largest first, and measure the same on any number."""

import os
import re
import sys

from common import TINY, Case, differing, everything_in, h5py, main, values_of

if h5py is None:
    print("skipped: h5py is not there")
    sys.exit(77)

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
            return [(ARMS[int(line.split()[2])], line.split()[4]) for line in file if line.split()[1] == event]

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
        self.succeed("sweep", "mixed.yaml", "-o", "whole")
        code = self.run_vjvcr("sweep", "mixed.yaml", "-o", "out", "--time-limit", "1s", ranks=4).code
        self.assertIn(code, ([75] * 4, [0] * 4))
        code = self.run_vjvcr("sweep", "mixed.yaml", "-o", "out", "--resume", "--time-limit", "1s", ranks=2).code
        self.assertIn(code, ([75] * 2, [0] * 2))
        self.run_vjvcr("sweep", "mixed.yaml", "-o", "out", "--resume", "optim.ranks=1")  # no change of any number
        self.assertEqual(differing(values_of(self.path("whole", "sweep.h5")), values_of(self.path("out", "sweep.h5")),
                                   ["attempt"]), [])

    def test_a_dry_run_says_who_runs_on_how_many(self):
        out = self.succeed("sweep", "mixed.yaml", "--dry-run", ranks=4).out
        self.assertIn("\n4 trials on 4 ranks: 1 on 4 ranks, 1 on 2 ranks, 2 on 1 rank; ", out)
        result = self.run_vjvcr("sweep", "mixed.yaml", "--dry-run=timed", ranks=4)
        self.assertEqual(result.code, [0] * 4, result.err)
        table = [re.split(r"  +", line.strip())[:2] for line in result.out.splitlines() if " ms  " in line]
        self.assertEqual(table, [["0", "2"], ["2", "1"], ["3", "1"]])  # one of each size, on its ranks
        self.assertRegex(result.out, r"\nthe whole sweep: about \d+s on 4 ranks: 1 on 4 ranks, 1 on 2 ranks, 2 on 1 rank\n$")


if __name__ == "__main__":
    main()
