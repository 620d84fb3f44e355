"""Several jobs on one sweep, of which one dies or is stopped at the worst of moments: every trial is committed exactly
once, and ends as in an undisturbed sweep. The default run takes some of the moments, by chance, ./vj test faults all of
them."""

import os
import random
import signal
import time

from faults import FULL, SEED, SMALL, Case, end, finish, main, needs, some_of, start

needs(interpose=True)


def chosen(number, moments):
    """So many of them (the operation, which of such calls), or in full all."""
    return moments if FULL else some_of(moments, number, random.Random(SEED))


class Jobs(Case):
    text = SMALL.replace("seeds: 2", "seeds: 3")

    def begin(self, **fault):
        """A job; with a fault it stops or dies at its place."""
        fault = dict(fault, FOLDER=self.sweep.path(self.sweep.name)) if fault else None
        arguments = ["sweep", "e.yaml", "-o", self.sweep.name, "--resume"]
        if not self.sweep.has("sweep.h5"):
            arguments.pop()
        return start(arguments, self.sweep.folder, fault=fault)

    def wait_until_stopped(self, process):
        """By SIGSTOP, of its own."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with open(f"/proc/{process.pid}/stat") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "T":
                    return
            time.sleep(0.01)
        self.fail("it was not stopped")

    def assert_complete(self, *outcomes):
        for outcome in outcomes:
            self.assertEqual(outcome.code, 0, outcome)
        self.assert_none(self.sweep.problems_of_the_end(), [str(o) for o in outcomes])
        self.assert_none(self.sweep.leftovers(), [str(o) for o in outcomes])

    def killed_in(self, place, at):
        """One job is stopped at this place, another one starts and waits or works on, then the first is killed."""
        self.sweep.clear()
        first = self.begin(KIND="stopped", AT=at, ON=place)
        self.wait_until_stopped(first)
        second = self.begin()
        time.sleep(0.5)
        end(first.pid)
        first.communicate()
        outcome = finish(second)
        self.assertEqual(outcome.code, 0, outcome)
        # What the second could not see to, as it had already looked when the first died, a third does.
        self.assert_complete(self.sweep.run())

    def go_through(self, number, moments):
        for place, at in chosen(number, moments):
            with self.subTest(place=place, at=at):
                self.killed_in(place, at)

    def test_killed_with_the_ledger_locked(self):
        self.go_through(1, [("lock ledger", at) for at in (2, 5, 8)])  # stopped behind taking the lock

    def test_killed_in_the_middle_of_a_record(self):
        self.go_through(2, [(f"{operation} ledger", at) for operation in ("write", "fsync") for at in (2, 3, 4)])

    def test_killed_with_the_jobs_lock(self):
        self.go_through(1, [("lock jobs/lock", at) for at in (1, 2)])

    def test_killed_between_file_and_ledger(self):
        self.go_through(1, [("write sweep.h5 ", 80), ("fsync sweep.h5 ", 2), ("rename checkpoints/", 1)])

    def woken(self, place, at):
        """A job is stopped, and its file in jobs/ is gone, as if it had been silent for long on another machine: its
        trial is given to a second job. Then it wakes up, and goes on."""
        self.sweep.clear()
        first = self.begin(KIND="stopped", AT=at, ON=place)
        self.wait_until_stopped(first)
        folder = self.sweep.path(self.sweep.name, "jobs")
        for name in os.listdir(folder):
            os.remove(os.path.join(folder, name))
        second = self.begin()
        return first, second

    def wake(self, first):
        os.kill(first.pid, signal.SIGCONT)

    def test_taken_for_dead_it_wakes_up_when_all_is_done(self):
        for place, at in chosen(1, [("write sweep.h5 ", 70), ("rename checkpoints/", 1), ("fsync sweep.h5 ", 1),
                                    ("fsync checkpoints", 1)]):
            with self.subTest(place=place):
                first, second = self.woken(place, at)
                outcomes = [finish(second)]
                self.wake(first)
                outcomes.append(finish(first))
                self.assertIn("trial 0: another job has taken it over meanwhile, and records it\n", outcomes[1].err)
                self.assert_complete(*outcomes)

    def test_taken_for_dead_it_wakes_up_while_the_other_works(self):
        for place, at in chosen(1, [("write sweep.h5 ", 70), ("rename checkpoints/", 1), ("fsync sweep.h5 ", 1)]):
            with self.subTest(place=place):
                first, second = self.woken(place, at)
                deadline = time.monotonic() + 60
                while sum(event == "claim" for event, _, _, _ in self.sweep.ledger()) < 2 and time.monotonic() < deadline:
                    time.sleep(0.005)
                self.wake(first)
                self.assert_complete(finish(first), finish(second), self.sweep.run())


class Locks(Case):
    """File systems that lack some locks, or all of them."""
    text = SMALL

    def run_without(self, locks, **more):
        self.sweep.clear()
        return self.sweep.run(*more.pop("arguments", ()), fault={"KIND": "ENOLCK", "AT": 1, "EVER": 1, "ON": locks}, **more)

    def test_one_kind_of_locks_is_enough(self):
        for lacking in ("lock_range", "lock_file", "try "):  # the last is flock's
            with self.subTest(lacking=lacking):
                outcome = self.run_without(lacking, ranks=2, arguments=("--ranks-per-trial", "1"))
                self.assertEqual((outcome.code, outcome.err), (0, ""))
                self.assert_none(self.sweep.problems_of_the_end(), outcome)

    def test_without_any_one_group_goes_on(self):
        outcome = self.run_without("")
        self.assertEqual((outcome.code, outcome.err), (0, ""))
        self.assert_none(self.sweep.problems_of_the_end(), outcome)

    def test_without_any_several_groups_are_refused(self):
        outcome = self.run_without("", ranks=2, arguments=("--ranks-per-trial", "1"))
        self.assertEqual(outcome.code, 1, outcome)
        self.assertIn("has no locks that keep processes out", outcome.err)
        self.assertIn("--ranks-per-trial 2", outcome.err)


if __name__ == "__main__":
    main()
