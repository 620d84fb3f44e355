"""Damaged files of a sweep: a flipped byte and a cut anywhere in a checkpoint are noticed, named, and the older one is
used; in the ledger they end in a sentence or do no harm, and in sweep.h5 too, before HDF5 reads it.

A run that meets a damaged checkpoint takes most of a second; the default run takes a few places by chance. That every
byte and every cut is noticed by itself, tests/store/test_checkpoint.c shows."""

import os
import random
import shutil
import sys

from faults import FULL, SEED, SMALL, Case, flip, main, needs, some_of
from support.vjvcr import h5py

needs(interpose=True)


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
    stop = {"AT": 2, "ON": "fsync ledger"}  # of the header, and that a trial saved: its claim is not waited for

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
    """Of a sweep that was cut off: one trial was being trained, and its row has no checksum until its end; the other
    had not begun, and its row is made anew where it does not fit."""

    stop = {"AT": 2, "ON": "fsync ledger"}

    def rows(self):
        """Ranges of bytes of each trial's row in what is recorded."""
        with h5py.File(self.in_sweep("sweep.h5"), "r") as file:
            trials, fixed = len(file["trial"]), ("arm", "seed", "config", "expected_flops")
            found = [(data.id.get_offset(), data.id.get_storage_size() // trials) for name, data in file.items()
                     if "CLASS" not in data.attrs and name not in fixed and data.dims[0].keys()[:1] == ["trial"]]
        return [[range(at + size * trial, at + size * (trial + 1)) for at, size in found] for trial in range(trials)]

    def test_damage_is_noticed_before_it_is_read(self):
        with open(self.in_sweep("sweep.h5"), "rb") as file:
            whole = file.read()
        size, copy = len(whole), int.from_bytes(whole[-40:-32], "little") + 48
        copies = [range(size - 2 * copy, size - 48)]  # of two one suffices
        begun, waiting = self.rows()
        dice = random.Random(SEED)
        header = [("flip", at) for at in some_of(range(2048), 400 if FULL else 2, dice)]  # superblock, root group
        places = header + self.places(size, 2, 300)
        noticed = 0
        for kind, at in places:
            with self.subTest(kind=kind, at=at, of=size):
                self.restore()
                self.damage(self.in_sweep("sweep.h5"), kind, at)
                outcome = self.sweep.run()
                if kind == "flip" and any(at in one for one in copies + begun + waiting):
                    self.assertEqual(outcome.code, 0, outcome)
                    if not any(at in one for one in begun + copies):
                        self.assert_none(self.sweep.problems_of_the_end(), outcome)
                    continue
                noticed += 1
                self.assertEqual(outcome.code, 1, outcome)
                self.assertRegex(outcome.err, r"^vjvcr: s/sweep\.h5 is (damaged: .*; `vjvcr verify` of its folder tells what "
                                              r"can be saved|no sweep file: .*)\n$")
        print(f"{len(places)} damages of {size} bytes, {noticed} of them noticed", file=sys.stderr)


if __name__ == "__main__":
    main()
