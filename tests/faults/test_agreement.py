"""A rank that fails alone never leaves others hanging: each allocation of the program may fail on one rank of two. All
ranks then end within seconds, with the same code and one sentence.

Places that allocate are told apart by the four innermost calls, in a program whose pools take every piece by itself.
The default run fails a few of them, by chance; ./vj test faults each once with one process, and many on two ranks."""

import collections
import os
import random
import re
import sys

import faults
from faults import SEED, Case, main, needs, some_of, wanted

needs(interpose=True)

SECONDS = 100  # of a machine that does much else, too


def first_of_each(lines):
    """Numbers, from 1, of the first occurrence of each line."""
    first = {}
    for number, line in enumerate(lines, 1):
        first.setdefault(line, number)
    return list(first.values())


class Agreement(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sweep.program = faults.SMALL_POOLS

    def check(self, outcome, ranks, about):
        sentences = [line for line in outcome.err.splitlines() if re.match(r"vjvcr: .", line)]
        failures = [line for line in outcome.err.splitlines() if re.match(r"trial \d+ failed: .", line)]
        self.assertEqual(len(outcome.codes), ranks, about)
        self.assertEqual(len(set(outcome.codes)), 1, about)
        self.assertIn(outcome.code, (0, 1), about)
        if outcome.code == 1:
            self.assertEqual(len(sentences) + (len(failures) > 0), 1, about)
        else:  # what could do without
            self.assert_none(self.sweep.problems_of_the_end(), about)
            self.assert_none(self.sweep.leftovers(), about)
        self.assert_none(self.sweep.problems_underway(), about)

    def fail_memory(self, ranks, few, many, *more):
        dice, tally = random.Random(SEED), collections.Counter()
        points = [(rank, at) for rank, lines in enumerate(self.sweep.calls(*more, ranks=ranks, of="memory"))
                  for at in first_of_each(lines)]
        for rank, at in some_of(points, wanted(few, many), dice):
            self.sweep.clear()
            with self.subTest(ranks=ranks, arguments=more, rank=rank, at=at):
                outcome = self.sweep.run(*more, ranks=ranks, seconds=SECONDS,
                                         fault={"KIND": "memory", "AT": at, "RANK": rank})
                if os.environ.get("VJ_FAULTS_TELL"):
                    print(rank, at, outcome.codes, outcome.err, file=sys.stderr, flush=True)
                self.check(outcome, ranks, f"rank {rank}, allocation {at}: {outcome}")
                tally[outcome.code] += 1
        print(f"{sum(tally.values())} of {len(points)} allocations failed: {tally[1]} runs ended with an error, "
              f"{tally[0]} went on without", file=sys.stderr, flush=True)

    def test_memory_of_one_process(self):
        self.fail_memory(1, 6, 10000)

    def test_memory_of_one_group(self):
        self.fail_memory(2, 2, 150, "--ranks-per-trial", "2")

    def test_memory_of_two_groups(self):
        self.fail_memory(2, 1, 50, "--ranks-per-trial", "1")


if __name__ == "__main__":
    main()
