"""Every call that changes a file of a sweep is a point where it may be cut off: killed before or after it, failing once
or for ever, writing less than asked, interrupted. A run then ends with a sentence or succeeds, and the next completes
the sweep as if nothing had been. The default run takes a few points of each kind, by chance, from the first to the
last; ./vj test faults takes all of one process, and many on two ranks."""

import collections
import random
import sys
import time

import faults
from faults import SEED, Case, main, needs, some_of, wanted

needs(interpose=True)

INTERRUPTED = ("open", "write", "fsync", "truncate", "reserve", "lock")
# Kind of fault; from there on for ever; the operations that it can happen to; points in the default run with one
# process and on two ranks; points in the full form on two ranks.
KINDS = [("killed", False, None, 4, 1, 40), ("kill", False, None, 2, 0, 20), ("EIO", False, None, 3, 1, 40),
         ("EIO", True, None, 2, 0, 20), ("ENOSPC", False, None, 1, 0, 10), ("ENOSPC", True, None, 3, 1, 20),
         ("short", False, ("write",), 2, 0, 10), ("EINTR", False, INTERRUPTED, 2, 0, 10)]


class CrashPoints(Case):
    def go_through(self, ranks, *more):
        dice, tally = random.Random(SEED), collections.Counter()
        calls = self.sweep.calls(*more, ranks=ranks)
        for kind, ever, operations, few, few_on_two, many_on_two in KINDS:
            began = time.monotonic()
            points = [(rank, at) for rank in range(ranks) for at, line in enumerate(calls[rank], 1)
                      if operations is None or line.split()[0] in operations]
            number = wanted(few, len(points)) if ranks == 1 else wanted(few_on_two, many_on_two)
            chosen = some_of(points, number, dice) if number else []
            for rank, at in chosen:
                tally[self.one(kind, ever, at, ranks, rank, *more)] += 1
            print(f"{kind}{' for ever' if ever else ''}: {len(chosen)} of {len(points)} points, "
                  f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        print(", ".join(f"{number} {how}" for how, number in sorted(tally.items())), file=sys.stderr)

    def one(self, kind, ever, at, ranks, rank, *more):
        """Returns how it ended."""
        self.sweep.clear()
        fault = {"KIND": kind, "AT": at, "RANK": rank, **({"EVER": 1} if ever else {})}
        with self.subTest(ranks=ranks, arguments=more, **fault):
            outcome = self.sweep.run(*more, ranks=ranks, fault=fault)
            killed = kind in ("kill", "killed") and outcome.code not in (0, 1)
            about = f"with {fault}: {outcome}"
            if not killed:
                self.assert_none(faults.problems_of_the_outcome(outcome, ranks), about)
            self.assert_none(self.sweep.problems_underway(), about)
            if killed or outcome.code != 0 or self.sweep.leftovers():
                again = self.sweep.run(*more, ranks=ranks)
                self.assertEqual((again.code, again.err), (0, ""), about)
            self.assert_none(self.sweep.problems_of_the_end(), about)
            self.assert_none(self.sweep.leftovers(), about)
            return "killed" if killed else "ended with an error" if outcome.code else "succeeded all the same"
        return "WRONG"

    def test_of_one_process(self):
        self.go_through(1)

    def test_of_two_groups_of_one_rank(self):
        self.go_through(2, "--ranks-per-trial", "1")

    def test_of_one_group_of_two_ranks(self):
        self.go_through(2, "--ranks-per-trial", "2")


if __name__ == "__main__":
    main()
