"""`vjvcr verify`: whatever becomes of a sweep's files, it is said, with a place and a remedy; no reader takes a changed
byte for a result; --repair and --resume give the undisturbed sweep back.

Each of these runs takes a tenth of a second, so the default run takes a few places of each region of sweep.h5;
VJ_FAULTS=full takes hundreds. That each single byte is noticed, tests/store/test_seal.c shows."""

import fcntl
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import zlib

from faults import FULL, SEED, SMALL, VJVCR, Case, environment, flip, main, some_of
from support.vjvcr import edited, everything_in, h5py, values_of

TEXTS = {"arm", "seed", "config", "expected_flops"}  # and settings: what is known before a trial is trained


class Verified(Case):
    """A finished sweep, copied for each damage."""

    text = SMALL

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sweep.run()
        os.rename(cls.sweep.path(cls.sweep.name), cls.sweep.path("kept"))
        cls.kept = everything_in(cls.sweep.path("kept"))
        cls.find_regions()

    @classmethod
    def find_regions(cls):
        """Name -> ranges of bytes."""
        size = len(cls.kept["sweep.h5"])
        copy = int.from_bytes(cls.kept["sweep.h5"][-40:-32], "little") + 48
        cls.copy_bytes, cls.end = copy, size - 2 * copy
        regions = {"first copy": [(cls.end, cls.end + copy)], "second copy": [(cls.end + copy, size)], "results": [],
                   "times": [], "checksums": []}
        taken = []
        with h5py.File(cls.sweep.path("kept", "sweep.h5"), "r") as file:
            for name, data in file.items():
                if "CLASS" in data.attrs or name in TEXTS or data.dims[0].keys()[:1] != ["trial"]:
                    continue
                region = "checksums" if name.endswith("checksum") else \
                    "times" if name.startswith("time_") or name == "attempt" else "results"
                at = data.id.get_offset()
                taken.append((at, at + data.id.get_storage_size()))
                regions[region].append(taken[-1])
        edges = [0] + sorted(edge for pair in taken for edge in pair) + [cls.end]
        regions["structure"] = [pair for pair in zip(edges[::2], edges[1::2]) if pair[0] < pair[1]]
        cls.regions = regions

    def setUp(self):
        self.restore()

    def restore(self):
        self.sweep.clear()
        shutil.copytree(self.sweep.path("kept"), self.sweep.path(self.sweep.name))

    def file(self, *names):
        return self.sweep.path(self.sweep.name, *names)

    def call(self, *arguments):
        """(code, stdout, stderr)"""
        settings = dict(environment(self.sweep.folder), OMPI_MCA_ess_singleton_isolated="1")
        done = subprocess.run([VJVCR, *arguments], cwd=self.sweep.folder, env=settings, timeout=60, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return done.returncode, done.stdout, done.stderr

    def verify(self, *options, code=0):
        """Lines about the folder, without the last, and that."""
        found = self.call("verify", self.sweep.name, *options)
        self.assertEqual((found[0], found[2]), (code, ""), found)
        *lines, last = found[1].splitlines()
        return lines, last

    def found(self, *options, code=0):
        """(verdict, place, what) of each finding."""
        got = self.call("verify", self.sweep.name, "--format", "json", *options)
        self.assertEqual((got[0], got[2]), (code, ""), got)
        (folder,) = json.loads(got[1])
        self.assertEqual(folder["is_sound"], code == 0)
        return [(one["verdict"], one["place"], one["what"]) for one in folder["found"]]

    def assert_whole(self, about):
        """As after an undisturbed run, but for what was kept aside and how often trials were begun."""
        for name in os.listdir(self.file()):
            if ".damaged" in name:
                os.remove(self.file(name))
        found, whole = values_of(self.file("sweep.h5")), self.sweep.whole_values
        self.assertEqual([n for n in whole if not n.startswith("time_") and n != "attempt"
                          and found[n].tobytes() != whole[n].tobytes()], [], about)
        self.assertEqual(self.sweep.reproducible_bytes(), self.sweep.whole_bytes, about)
        self.assertEqual(self.sweep.leftovers(), [], about)

    def repair_and_resume(self, about):
        self.found("--repair")
        self.assertEqual([f for f in self.found() if f[0] == "damaged"], [], about)
        outcome = self.sweep.run()
        self.assertEqual((outcome.code, outcome.err), (0, ""), about)
        self.assertEqual(self.found(), [], about)
        self.assert_whole(about)


class SweepFile(Verified):
    def test_a_sound_sweep_is_said_to_be(self):
        before = everything_in(self.file())
        self.assertEqual(self.verify(), ([], "s: sound; 2 trials, checksums fit of 2"))
        self.assertEqual(self.verify("--repair"), ([], "s: sound; 2 trials, checksums fit of 2"))
        self.assertEqual(everything_in(self.file()), before)

    def test_checksums_are_what_the_pages_say(self):
        with h5py.File(self.file("sweep.h5"), "r") as file:
            for trial in range(len(file["trial"])):
                crc = {True: 0, False: 0}
                for name in sorted(file):
                    data = file[name]
                    if "CLASS" in data.attrs or data.dims[0].keys()[:1] != ["trial"] or name in TEXTS or \
                            name.startswith("param.") or name.endswith("checksum"):
                        continue
                    of_run = name == "attempt" or name.startswith("time_")
                    crc[of_run] = zlib.crc32(data[trial].tobytes(), crc[of_run])
                self.assertEqual((file["checksum"][trial], file["time_checksum"][trial]), (crc[False], crc[True]))

    def damage_of(self, region, places, what, before=("table", "s")):
        repaired = 0
        for at in places:
            with self.subTest(region=region, at=at):
                self.restore()
                flip(self.file("sweep.h5"), at, 1 << at % 8)
                damaged = self.found(code=1)
                self.assertRegex(damaged[0][2], what)
                self.assertEqual(damaged[0][1], "s/sweep.h5")
                if before:
                    code, out, err = self.call(*before)
                    self.assertEqual((code, out), (1, ""))
                    self.assertRegex(err, r"^vjvcr: s/sweep\.h5 is (damaged: .* `vjvcr verify` of its folder tells what "
                                          r"can be saved|no sweep file: .*)\n$")
                fixed = self.found("--repair")
                self.assertEqual([f[0] for f in fixed], ["repaired"] * len(fixed))
                with open(self.file("sweep.h5.damaged"), "rb") as old:
                    self.assertNotEqual(old.read(), self.kept["sweep.h5"])
                repaired += 1
                if region in ("structure", "first copy", "second copy"):
                    with open(self.file("sweep.h5"), "rb") as new:
                        self.assertEqual(new.read(), self.kept["sweep.h5"])
        print(f"{region}: {repaired} bytes flipped, noticed and repaired", file=sys.stderr)

    def places_in(self, region, few, many):
        numbers = [at for first, last in self.regions[region] for at in range(first, last)]
        return some_of(numbers, many if FULL else few, random.Random(SEED))

    def test_structure(self):
        self.damage_of("structure", self.places_in("structure", 2, 100), "^byte [0-9]+ of its structure has changed$")
        self.repair_and_resume("structure")

    def test_the_copies(self):
        one = "^one of the two copies of its structure is damaged$"
        self.damage_of("first copy", self.places_in("first copy", 1, 20), one, before=None)  # readers have the second
        self.damage_of("second copy", self.places_in("second copy", 1, 20), one, before=None)
        self.damage_of("second copy", [len(self.kept["sweep.h5"]) - 1], one, before=("report", "s"))

    def test_results(self):
        self.damage_of("results", self.places_in("results", 1, 50), "^trial [01]: values are not those that were")
        self.repair_and_resume("results")

    def test_checksums_and_times(self):
        self.damage_of("checksums", self.places_in("checksums", 1, 16), "^trial [01]: (values|times)")
        self.damage_of("times", self.places_in("times", 1, 20), "^trial [01]: times or the number of attempts")
        self.repair_and_resume("times")

    def test_all_verbs_that_read_refuse(self):
        flip(self.file("sweep.h5"), self.regions["results"][0][0], 1)
        for verb in (["table", "s"], ["show", "s", "0"], ["report", "s"], ["sweep", "e.yaml", "-o", "s", "--resume"]):
            code, _, err = self.call(*verb)
            self.assertEqual(code, 1, verb)
            self.assertRegex(err, "^vjvcr: s/sweep.h5 is damaged: of trial 0 other values stand there", verb)

    def test_a_cut(self):
        size = len(self.kept["sweep.h5"])
        for missing in (1, self.copy_bytes - 1, self.copy_bytes) if FULL else (self.copy_bytes,):
            self.restore()
            os.truncate(self.file("sweep.h5"), size - missing)
            self.assertRegex(self.found(code=1)[0][2], f"^is cut off: it has {size - missing} of {size} bytes$")
            self.assertEqual(self.call("table", "s")[0], 1)
            self.repair_and_resume(missing)
        self.restore()
        os.truncate(self.file("sweep.h5"), size // 2)
        before = everything_in(self.file())
        lines, last = self.verify("--repair", code=1)
        self.assertRegex(lines[0], r"^s/sweep\.h5: .*truncated file.*; restore it from elsewhere; or let --repair --like NEW "
                                   r"take its structure from another sweep\.h5")
        self.assertEqual(last, "s: damaged; 0 trials, checksums fit of 0")
        self.assertEqual(everything_in(self.file()), before)

    def test_a_structure_from_elsewhere(self):
        """Of an older copy of the file, or one that was just begun: neither knows the results."""
        with open(self.sweep.path("other.yaml"), "w") as file:
            file.write(SMALL.replace("lr: 1.0e-3", "lr: 2.0e-3"))
        self.assertEqual(self.call("sweep", "e.yaml", "-o", "new", "--time-limit", "1s")[0] in (0, 75), True)
        self.assertEqual(self.call("sweep", "other.yaml", "-o", "other", "--time-limit", "1s")[0] in (0, 75), True)
        last_result = max(last for _, last in self.regions["results"])
        for size, is_whole in ((self.end, True), (last_result - 12000, False)):
            self.restore()
            os.truncate(self.file("sweep.h5"), size)
            code, out, err = self.call("verify", "s", "--repair", "--like", "other")
            self.assertEqual((code, out), (1, ""))
            self.assertRegex(err, r"^vjvcr: other/sweep\.h5 is of another experiment or version: the structure of s/sweep\.h5 "
                                  r"is another from byte [0-9]+ on; name another with --like\n$")
            found = self.found("--repair", "--like", "new")
            self.assertRegex(found[0][2], "^is cut off: ")
            self.assertEqual(self.verify()[1], "s: sound; 2 trials, checksums fit of 2")
            states = list(values_of(self.file("sweep.h5"))["status"])
            self.assertEqual(states, [2, 2] if is_whole else [2, 0])  # the last row of the last variable was cut
            self.repair_and_resume(size)

    def test_more_behind_the_end(self):
        with open(self.file("sweep.h5"), "ab") as file:
            file.write(b"more")
        self.assertEqual(self.found(code=1)[0][2], "has 4 bytes behind its end")
        self.repair_and_resume("more")

    def test_many_bytes(self):
        """A sector that can't be read any more comes back as zeros."""
        dice = random.Random(SEED)
        for at in [dice.randrange(self.end - 512) for _ in range(12 if FULL else 1)]:
            self.restore()
            with open(self.file("sweep.h5"), "r+b") as file:
                file.seek(at)
                file.write(bytes(512))
            if everything_in(self.file()) != self.kept:
                self.found(code=1)
                self.repair_and_resume(at)

    def test_a_file_of_an_earlier_version(self):
        with edited(self.file("sweep.h5")) as file:
            del file["checksum"], file["time_checksum"]
            file["train_loss"][0, 0] = 17
        self.assertEqual(self.found(), [("note", "s/sweep.h5", "was made by a version without checksums: a changed byte "
                                         "can't be noticed")])
        self.assertEqual(self.call("table", "s")[0], 0)
        self.assertEqual(self.sweep.run().code, 0)

    def test_a_sweep_that_grows_gets_checksums_of_what_fits(self):
        with open(self.sweep.path("more.yaml"), "w") as file:
            file.write(SMALL.replace("seeds: 2", "seeds: 3"))
        arguments = ("sweep", "more.yaml", "-o", "s", "--resume")
        flip(self.file("sweep.h5"), self.regions["results"][0][0], 1)
        self.assertEqual(self.call(*arguments)[0], 1)  # what is damaged gets no checksum
        self.restore()
        self.assertEqual(self.call(*arguments)[0], 0)
        self.assertEqual(self.verify(), ([], "s: sound; 3 trials, checksums fit of 3"))
        self.restore()
        with edited(self.file("sweep.h5")) as file:
            del file["checksum"], file["time_checksum"]
        self.assertEqual(self.call(*arguments)[0], 0)
        self.assertEqual(self.verify(), ([], "s: sound; 3 trials, checksums fit of 3"))


class Companions(Verified):
    def test_sweep_yaml(self):
        os.remove(self.file("sweep.yaml"))
        self.assertEqual(self.found(code=1), [("damaged", "s/sweep.yaml", "there is no such file")])
        self.found("--repair")
        self.assertEqual(everything_in(self.file()), self.kept)
        flip(self.file("sweep.yaml"), 30, 1)
        self.assertEqual(self.found(code=1)[0][2], "is not the experiment that sweep.h5 has")
        self.found("--repair")
        self.assertEqual(everything_in(self.file()), self.kept)

    def test_each_line_of_the_ledger(self):
        ledger = self.kept["ledger"]
        starts = [0] + [i + 1 for i, c in enumerate(ledger) if c == 10][:-1]
        for number, start in enumerate(starts, 1):
            if not FULL and number not in (1, 2, len(starts)):
                continue
            for at in range(start, ledger.index(b"\n", start), 5) if FULL else [start + 9]:
                with self.subTest(line=number, at=at):
                    self.restore()
                    flip(self.file("ledger"), at, 1)
                    self.assertEqual(self.found(code=1)[0][1:], (f"s/ledger:{number}", "this line is damaged"))
                    self.found("--repair")
                    self.assertEqual(self.sweep.problems_of_the_ledger(), [])
                    self.assertEqual(sorted(r[1] for r in self.sweep.ledger() if r[0] == "done"), [0, 1])
                    os.remove(self.file("ledger.damaged"))
                    self.assertEqual(self.found(), [])
                    before = everything_in(self.file())
                    self.assertEqual(self.sweep.run().code, 0)
                    self.assertEqual(everything_in(self.file()), before)  # nothing is trained again

    def test_no_ledger_and_older_ones(self):
        os.remove(self.file("ledger"))
        self.assertEqual(self.found(code=1), [("damaged", "s/ledger", "there is no such file")])
        self.found("--repair")
        self.assertEqual([r[:2] for r in self.sweep.ledger()], [("done", 0), ("done", 1)])
        self.assertEqual(self.found(), [])
        self.restore()
        with open(self.file("ledger"), "wb") as file:  # without the last record
            file.write(b"".join(self.kept["ledger"].splitlines(True)[:-1]))
        self.assertRegex(self.found()[0][2], "^knows of no end of 1 trial that sweep.h5 has the end of, trial 1 first")
        self.found("--repair")
        self.assertEqual(self.found(), [])

    def test_an_older_sweep_file(self):
        """The ledger calls trials done that the file knows nothing of."""
        self.sweep.clear()
        self.sweep.run(fault={"KIND": "killed", "AT": 2, "ON": "fsync ledger"})
        shutil.copy(self.sweep.path("kept", "ledger"), self.file("ledger"))
        self.assertRegex(self.found(code=1)[0][2], "^calls 2 trials done, trial 0 first, of which sweep.h5 has no end$")
        self.repair_and_resume("older")

    def test_checkpoints_and_a_running_sweep(self):
        self.sweep.clear()
        self.sweep.run(fault={"KIND": "killed", "AT": 1, "ON": "rename checkpoints/trial-0000"})
        names = sorted(os.listdir(self.file("checkpoints")))
        self.assertEqual(self.verify(), ([], "s: sound; 2 trials, checksums fit of 1"))
        flip(self.file("checkpoints", names[0]), 999, 1)
        self.assertEqual(self.found(code=1), [("damaged", f"s/checkpoints/{names[0]}", "this checkpoint is damaged")])
        self.repair_and_resume("checkpoint")

    def test_what_is_worked_on_is_not_repaired(self):
        flip(self.file("sweep.h5"), 3000, 1)
        os.makedirs(self.file("jobs"))
        name = f"{socket.gethostname()}:1:1"
        with open(self.file("jobs", name), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = everything_in(self.file())
            code, out, err = self.call("verify", "s", "--repair")
            self.assertEqual((code, out), (2, ""))
            self.assertEqual(err, f"vjvcr: s: a job, {name}, works on it; wait until it has ended, or stop it, and repair "
                                  "it then\n")
            self.assertEqual(self.verify(code=1)[1], "s: damaged; 2 trials, checksums fit of 2")
            after = everything_in(self.file())
            after.pop("jobs/lock", None)
            self.assertEqual(after, before)

    def test_other_folders(self):
        self.assertEqual(self.call("verify", "nowhere")[::2], (1, "vjvcr: nowhere: there is no such folder\n"))
        os.makedirs(self.sweep.path("empty"), exist_ok=True)
        self.assertEqual(self.call("verify", "empty")[::2],
                         (1, "vjvcr: empty holds no sweep: there is neither a sweep.h5 nor a ledger\n"))
        os.remove(self.file("sweep.h5"))
        self.assertEqual(self.found(code=1)[0], ("damaged", "s/sweep.h5", "there is no such file"))
        code, out, _ = self.call("verify", "s", "kept")
        self.assertEqual((code, out.splitlines()[-1]), (1, "kept: sound; 2 trials, checksums fit of 2"))


if __name__ == "__main__":
    main()
