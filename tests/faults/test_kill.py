"""Killed at random moments, one rank, all ranks, or mpirun, and resumed until it is complete, a sweep loses no committed
row, does no trial twice, and ends with the same sweep.h5 as an undisturbed one, byte for byte but for times and
numbers of attempts.

The default run kills a few times, ./vj test kill 200 times (VJ_KILLS says how often); VJ_FAULTS_SEED repeats a run's
choices."""

import collections
import os
import random
import subprocess
import sys
import time

import faults
from faults import FULL, RICH, SEED, Case, main, needs

needs()

KILLS = int(os.environ.get("VJ_KILLS", "200" if FULL else "10"))
# Each kill finds the sweep at least a checkpoint further, so trials are as long as it takes.
STEPS = 12 if not FULL else 40


class Killed(Case):
    text = RICH.replace("steps: 12", f"steps: {STEPS}")

    def progress(self):
        """Changes with every checkpoint, and every trial that is done."""
        total = 0
        folder = self.sweep.path(self.sweep.name, "checkpoints")
        if os.path.isdir(folder):
            for name in os.listdir(folder):
                try:
                    total += os.stat(os.path.join(folder, name)).st_mtime_ns
                except FileNotFoundError:
                    pass
        return total, sum(event == "done" for event, _, _, _ in self.sweep.ledger())

    def victims(self, process, ranks, dice):
        """(what is killed, the processes): those of vjvcr are the deepest."""
        if ranks == 1:
            return "a process alone", [process.pid]
        below = faults.descendants(process.pid)
        programs = [pid for pid in below if self.is_vjvcr(pid)]
        kind = dice.choice(["one rank", "all ranks", "mpirun"])
        if kind == "one rank":
            return kind, [dice.choice(programs)] if programs else [process.pid]
        return kind, programs if kind == "all ranks" and programs else [process.pid]

    def is_vjvcr(self, pid):
        try:
            return os.path.samefile(f"/proc/{pid}/exe", faults.VJVCR)
        except OSError:
            return False

    def has_begun(self, pid):
        """Whether it has files of the sweep open."""
        folder = self.sweep.path(self.sweep.name)
        try:
            return any(os.readlink(f"/proc/{pid}/fd/{fd}").startswith(folder) for fd in os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            return False

    def wait_to_end(self, process, left):
        """Whoever is left ends by itself: mpirun ends its ranks, and they end without mpirun. Returns whether Open
        MPI's own parts did, too: a rank that is still in MPI_Init waits for ever for an mpirun that was killed, and
        mpirun 4.1.4 sometimes hangs at its own end."""
        limit, whole = time.monotonic() + 60, True
        while any(self.is_vjvcr(pid) for pid in left):
            for pid in left if time.monotonic() > limit else []:
                self.assertFalse(self.is_vjvcr(pid) and self.has_begun(pid), "a rank works on without mpirun")
                if self.is_vjvcr(pid):
                    faults.end(pid)
                    whole = False
            time.sleep(0.05)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            faults.end_all(process)
            whole = False
        return whole

    def test_killed_again_and_again_it_is_the_same(self):
        dice, before, tally, stuck = random.Random(SEED), {}, collections.Counter(), 0
        while sum(tally.values()) < KILLS:
            ranks = dice.choice([1, 2, 2])
            seen = self.progress()
            arguments = self.sweep.arguments("--max-attempts", "1000000", "--ranks-per-trial",
                                             dice.choice("12" if ranks == 2 else "1"))
            process = faults.start(arguments, self.sweep.folder, ranks, with_codes=False)
            # Often while it starts or creates its files; else once it has gone further than the last.
            if dice.random() < 0.75:
                while process.poll() is None and self.progress() == seen:
                    time.sleep(0.002)
                time.sleep(dice.uniform(0, 0.3))
            else:
                time.sleep(dice.uniform(0, 1.5))
            if process.poll() is not None:
                outcome = faults.finish(process, ranks, False)
                self.assertEqual(outcome.code, 0, outcome)
                self.check_the_end()
                before = {}
                self.sweep.clear()
                continue
            what, pids = self.victims(process, ranks, dice)
            left = faults.descendants(process.pid)
            for pid in pids:
                faults.end(pid)
            if not self.wait_to_end(process, left):
                stuck += 1
            tally[what] += 1
            print(f"{sum(tally.values())}: {what}, {self.standing()}", flush=True)
            self.assert_none(self.sweep.problems_underway(before), f"after kill {sum(tally.values())}, of {what}")
        outcome = self.sweep.run("--max-attempts", "1000000", ranks=2)
        self.assertEqual(outcome.code, 0, outcome)
        self.check_the_end()
        print(f"{KILLS} kills: " + ", ".join(f"{n} of {what}" for what, n in sorted(tally.items()) if n),
              f"; {stuck} times Open MPI hung in its own start or end" if stuck else "", file=sys.stderr)

    def standing(self):
        """Steps committed by each trial."""
        if not self.sweep.has("sweep.h5"):
            return "no file yet"
        return " ".join(str(max(n, 0)) for n in faults.values_of(self.sweep.path(self.sweep.name, "sweep.h5"))["committed"])

    def check_the_end(self):
        self.assert_none(self.sweep.problems_of_the_end(), "at the end")
        self.assert_none(self.sweep.leftovers(), "at the end")


if __name__ == "__main__":
    main()
