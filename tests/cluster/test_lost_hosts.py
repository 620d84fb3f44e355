"""A host that is lost while a sweep runs on several, in any phase and in any way, takes nothing with it: the others end
by themselves, what was committed stays, and the same command on those that are left, or on all when it is back,
completes the sweep with the same bytes.

VJ_HOSTS_LOST says how many hosts are lost at random moments; VJ_FAULTS_SEED repeats a run's choices."""

import collections
import os
import random
import signal
import sys
import time

from across import BOUND, EVERY, LONG, Case, finish
from faults import faults
from support.hosts import wait_until

LOST = int(os.environ.get("VJ_HOSTS_LOST", "6"))
SEED = faults.SEED
HANG_LIMIT = 8

# (phase; what rank 2, which leads the second group, is stopped behind; from then on, seconds within which the host is lost)
PLACES = {"claim": ("write ledger ", 1), "checkpoint": ("write checkpoints/", 2), "write": ("write sweep.h5 ", 100)}
# How a host is lost. One whose power fails leaves without a word; one that dies in a reboot closes its connections.
MANNERS = ("cut", "power", "reboot", "freeze")


class LostHosts(Case):
    text = LONG

    def start(self, fault=None):
        return self.sweep.begin("--ranks-per-trial", "2", "--hang-limit", f"{HANG_LIMIT}s", "--max-attempts", "1000000",
                                on=self.hosts, fault=fault)

    # --- losing -------------------------------------------------------------------------------------------------

    def lose(self, host, manner):
        if manner in ("cut", "power"):
            host.cut()
        if manner == "cut":
            host.signal(signal.SIGCONT, "vjvcr")  # what it was stopped at goes on
        if manner in ("power", "reboot"):
            host.kill()
        if manner == "freeze":
            host.freeze()

    def bring_back(self, host, manner):
        """Whoever comes back has no part in what goes on: its ranks end."""
        if manner == "cut":
            host.join()
        if manner in ("power", "reboot") and host.holder.poll() is not None:
            host.boot()
        if manner == "freeze":
            host.thaw()
        wait_until(lambda: not host.processes("vjvcr"), BOUND, f"ranks of {host.name}, lost by {manner}, do not end")

    def wait_for_the_others(self, process, lost, manner):
        """Returns whether mpirun ended by itself. It does not hear of a host whose system answers while its processes
        stand still; and where it stands still itself, ranks that have lost no partner go on."""
        if lost is self.hosts[0] and manner == "freeze":
            time.sleep(1.5 * HANG_LIMIT)
            return False
        left = [host for host in self.hosts if host is not lost]
        wait_until(lambda: not any(host.processes("vjvcr") for host in left), BOUND,
                   lambda: f"ranks do not end after {lost.name} was lost by {manner}: {self.standing()}")
        return manner != "freeze" and self.ends(process)

    def ends(self, process, seconds=60):
        try:
            wait_until(lambda: process.poll() is not None, seconds, "")
        except AssertionError:
            return False
        return True

    def standing(self):
        return {host.name: len(host.processes("vjvcr")) for host in self.hosts}

    def survive(self, process, lost, manner, before=None):
        print(f"{lost.name} lost by {manner}, {self.standing()}", end=" ", flush=True)
        self.lose(lost, manner)
        began = time.monotonic()
        by_itself = self.wait_for_the_others(process, lost, manner)
        took = time.monotonic() - began
        print(f"the others ended in {took:.0f} s", flush=True)
        if manner == "freeze":
            self.bring_back(lost, manner)
            by_itself = self.ends(process)
        self.assertEqual(self.sweep.problems_underway(before), [])
        faults.end_all(process)
        return by_itself, took

    # --- each phase ---------------------------------------------------------------------------------------------

    def begin_until(self, phase, dice):
        """A run that has come to this phase."""
        place = PLACES.get(phase)
        process = self.start(dict(zip(("ON", "AT"), place), KIND="stopped", RANK=2) if place else None)
        if place:
            wait_until(lambda: self.is_stopped(self.hosts[2]), BOUND, f"it does not come to {phase}")
        elif phase == "step":
            wait_until(lambda: 0 < self.committed() < EVERY - 6, BOUND, "no step is committed")
        else:
            wait_until(lambda: self.committed() >= EVERY - 3, BOUND, "it does not come to an evaluation")
            time.sleep(dice.uniform(0, 0.2))
        return process

    def is_stopped(self, host):
        for pid in host.processes("vjvcr"):
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "T":
                    return True
        return False

    def committed(self):
        try:
            with faults.h5py.File(self.sweep.path(self.sweep.name, "sweep.h5"), "r", locking=False) as file:
                return int(file["committed"][:2].max())
        except (OSError, KeyError):
            return -1

    def lose_in(self, phase, manner):
        dice = random.Random(f"{SEED} {phase} {manner}")
        process = self.begin_until(phase, dice)
        lost = self.hosts[2 if phase in PLACES else dice.choice([2, 3])]
        try:
            by_itself, _ = self.survive(process, lost, manner)
            self.sweep.complete("--ranks-per-trial", "1", on=self.hosts[:2])
        finally:
            self.bring_back(lost, manner)
        # A host that was cut off could not know that it is alone, so its trial may have run on for a while.
        if self.sweep.problems_of_the_end() or self.sweep.leftovers():
            self.sweep.complete("--ranks-per-trial", "2", on=self.hosts)
        self.assert_complete()
        self.assertTrue(by_itself, "mpirun hangs")

    # --- at random ------------------------------------------------------------------------------------------------

    def progress(self):
        """Changes with every checkpoint, and every trial that is done."""
        total, folder = 0, self.sweep.path(self.sweep.name, "checkpoints")
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            try:
                total += os.stat(os.path.join(folder, name)).st_mtime_ns
            except FileNotFoundError:
                pass
        return total, sum(event == "done" for event, *_ in self.sweep.ledger())

    def wait_a_while(self, process, manner, dice):
        """One in four is lost while it starts or begins, the others once it has gone further than the last. A host that
        stands still is noticed by the hang limit, which watches over trials."""
        if manner != "freeze" and dice.random() < 0.25:
            return time.sleep(dice.uniform(0, 5))
        seen = self.progress()
        wait_until(lambda: process.poll() is not None or self.progress() != seen, BOUND, "it does not go on")
        return time.sleep(dice.uniform(0, 0.5))

    def test_lost_again_and_again(self):
        dice, before, tally, stuck, longest = random.Random(SEED), {}, collections.Counter(), 0, 0
        while sum(tally.values()) < LOST:
            lost, manner = dice.choice(self.hosts), dice.choice(MANNERS)
            process = self.start()
            self.wait_a_while(process, manner, dice)
            if process.poll() is None:
                print(f"{sum(tally.values()) + 1}:", end=" ")
                try:
                    by_itself, took = self.survive(process, lost, manner, before)
                finally:
                    self.bring_back(lost, manner)
                stuck += not by_itself
                longest = max(longest, took)
                tally[manner] += 1
            else:
                outcome = finish(process)
                self.assertEqual(outcome.code, 0, outcome)
                self.assert_complete(outcome)
                self.sweep.clear()
                before.clear()
        self.sweep.complete("--max-attempts", "1000000", on=self.hosts)
        self.assert_complete()
        print(f"{LOST} hosts lost: " + ", ".join(f"{n} by {manner}" for manner, n in sorted(tally.items())),
              f"; the others ended within {longest:.0f} s; mpirun hung {stuck} times", file=sys.stderr)


def add_tests():
    for phase in ("claim", "step", "evaluation", "checkpoint", "write"):
        for manner in MANNERS:
            setattr(LostHosts, f"test_{manner}_in_{phase}", lambda self, at=(phase, manner): self.lose_in(*at))


add_tests()

if __name__ == "__main__":
    faults.main()
