"""Damaged files of a sweep: a flipped byte and a cut anywhere in a checkpoint are noticed, named, and the older one is
used; in the ledger they end in a sentence or do no harm, and in sweep.h5 too, unless HDF5 crashes when it reads its own
structure.

A run that meets a damaged checkpoint takes most of a second; the default run takes a few places by chance. That every
byte and every cut is noticed by itself, tests/store/test_checkpoint.c shows."""

import os
import random
import shutil
import signal
import sys

from faults import FULL, SEED, SMALL, Case, main, needs, some_of

needs(interpose=True)


def flip(path, at, mask):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ mask]))


class Damaged(Case):
    """A sweep that was cut off, in a folder of its own, is copied for each damage."""

    stop = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sweep.run(fault={"KIND": "killed", **cls.stop})
        os.rename(cls.sweep.path(cls.sweep.name), cls.sweep.path("kept"))

    def setUp(self):
        self.restore()

    def restore(self):
        self.sweep.clear()
        shutil.copytree(self.sweep.path("kept"), self.sweep.path(self.sweep.name))

    def in_sweep(self, *names):
        return self.sweep.path(self.sweep.name, *names)

    def places(self, size, few, many):
        """(kind, where): flipped bytes all over the file, and cuts at every 1/64 of it."""
        dice = random.Random(SEED)
        flips = [("flip", at) for at in some_of(range(size), many if FULL else few, dice)]
        cuts = [("cut", size * part // 64) for part in some_of(range(64), 64 if FULL else few, dice)]
        return flips + cuts

    def damage(self, path, kind, at):
        if kind == "flip":
            flip(path, at, 1 << (at % 8))
        else:
            os.truncate(path, at)


class Checkpoints(Damaged):
    text = SMALL.replace("steps: 4,", "steps: 6,").replace("steps: 2}", "steps: 1}")
    stop = {"AT": 4, "ON": "rename checkpoints/trial-0000"}

    def test_damage_is_named_and_the_older_is_used(self):
        names = sorted(os.listdir(self.in_sweep("checkpoints")))
        self.assertEqual(names, ["trial-0000.0", "trial-0000.1"])
        newer = "trial-0000.0"  # the fourth has an even number
        size = os.path.getsize(self.in_sweep("checkpoints", newer))
        places = self.places(size, 3, 150)
        for kind, at in places:
            with self.subTest(kind=kind, at=at, of=size):
                self.restore()
                self.damage(self.in_sweep("checkpoints", newer), kind, at)
                outcome = self.sweep.run()
                how = "it is cut off" if kind == "cut" else "(its checksum does not fit|it is cut off)"
                self.assertEqual(outcome.code, 0, outcome)
                self.assertRegex(outcome.err, f"^trial 0: s/checkpoints/{newer}: this checkpoint is damaged: {how}; the "
                                 "trial goes on from step 3, in s/checkpoints/trial-0000.1\n$")
                self.assert_none(self.sweep.problems_of_the_end(), outcome)
        print(f"{len(places)} damages of {size} bytes, all noticed", file=sys.stderr)


class Ledger(Damaged):
    stop = {"AT": 3, "ON": "fsync ledger"}  # of the header, a claim and that it saved

    def test_damage_is_named_or_does_no_harm(self):
        with open(self.in_sweep("ledger"), "rb") as file:
            whole = file.read()
        self.assertEqual(whole.count(b"\n"), 3)
        places = self.places(len(whole), 4, len(whole))
        for kind, at in places:
            with self.subTest(kind=kind, at=at, of=len(whole)):
                self.restore()
                self.damage(self.in_sweep("ledger"), kind, at)
                outcome = self.sweep.run()
                # What is cut off in mid-line is a record that never was; a whole line gone is no different.
                torn = kind == "cut" or whole[at] == 10 and at == len(whole) - 1
                if torn:
                    self.assertEqual(outcome.code, 0, outcome)
                    self.assert_none(self.sweep.problems_of_the_end(), outcome)
                    continue
                line = whole[:at].count(b"\n") + 1
                self.assertEqual(outcome.code, 1, outcome)
                self.assertRegex(outcome.err, rf"^vjvcr: s/ledger:{line}: this line is damaged: its checksum does not fit; "
                                 r"restore the file, or remove the line to go on without that record\n$"
                                 if at >= len(b"vjvcr ledger ") else
                                 r"^vjvcr: s/ledger: this is no ledger: its first line should begin with \"vjvcr ledger \"")
                self.assertEqual(len(outcome.err.splitlines()), 1)
        print(f"{len(places)} damages of {len(whole)} bytes", file=sys.stderr)


class SweepFile(Damaged):
    stop = {"AT": 3, "ON": "fsync ledger"}

    def test_damage_ends_in_time(self):
        """HDF5 reads what it finds; a value that changed can't be told from another. What is asked for is an end in
        time, and a sentence unless all went well. HDF5 1.10.8 itself crashes on some damaged bytes of its own
        structure, before it gives anything back; a cut file it refuses."""
        size = os.path.getsize(self.in_sweep("sweep.h5"))
        dice = random.Random(SEED)
        header = [("flip", at) for at in some_of(range(2048), 400 if FULL else 2, dice)]  # superblock, root group
        places = header + self.places(size, 2, 300)
        failed = crashed = 0
        for kind, at in places:
            with self.subTest(kind=kind, at=at, of=size):
                self.restore()
                self.damage(self.in_sweep("sweep.h5"), kind, at)
                outcome = self.sweep.run()
                if kind == "flip" and outcome.code in (128 + signal.SIGABRT, 128 + signal.SIGSEGV):
                    crashed += 1
                    continue
                self.assertIn(outcome.code, (0, 1, 2), outcome)
                if outcome.code:
                    failed += 1
                    self.assertRegex(outcome.err, r"(vjvcr: s/sweep\.h5|vjvcr: the sweep file has no|trial \d+ failed: )",
                                     outcome)
                if kind == "cut":
                    self.assertIn(outcome.code, (1, 2), outcome)
        print(f"{len(places)} damages of {size} bytes, {failed} of them noticed, {crashed} crashed HDF5", file=sys.stderr)


if __name__ == "__main__":
    main()
