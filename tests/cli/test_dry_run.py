"""`vjvcr sweep --dry-run` says beforehand what a sweep needs and how long it takes, and leaves nothing behind."""

import os
import re
import shutil

from support.vjvcr import TINY, Case, everything_in, main, values_of

SWEEP = TINY + """\
sweep:
  trials: {narrow: {}, wide: {model.predictor.hidden: [1024]}}
  seeds: 2
"""
SECONDS = {"s": 1, "m": 60, "h": 3600}


def seconds(text):
    return sum(int(number) * SECONDS[unit] for number, unit in re.findall(r"(\d+)([hms])", text))


class DryRun(Case):
    def setUp(self):
        super().setUp()
        self.write("sweep.yaml", SWEEP)

    def needs(self, *arguments, **options):
        """Its lines below the list of trials; nothing is written for them."""
        before = everything_in(self.folder)
        result = self.succeed("sweep", "sweep.yaml", *arguments, **options)
        self.assertTrue(everything_in(self.folder) == before)
        return result.out.split("\n\n", 1)[1].splitlines()

    def test_what_is_needed(self):
        trials, memory, disk = self.needs("--dry-run", "-o", "some/where")
        self.assertRegex(trials, r"^4 trials on 1 group of 1 rank; 0\.\d\d million parameters$")
        self.assertRegex(memory, r"^memory: 1 rank of \d+\.\d MiB on this host, which has [\d.]+ GiB$")
        found = re.match(r"^disk: ([\d.]+) MiB for sweep.h5 and the ledger, up to ([\d.]+) MiB for checkpoints; ([\d.]+) "
                         r"([MG]iB) are free for some/where$", disk)
        self.assertTrue(found, disk)
        free = shutil.disk_usage(self.folder).free / (2**30 if found[4] == "GiB" else 2**20)
        self.assertLess(abs(float(found[3]) - free), 0.1 * free + 1)
        self.succeed("sweep", "sweep.yaml", "-o", "out")
        written = sum(os.path.getsize(self.path("out", name)) for name in ("sweep.h5", "ledger"))
        self.assertLess(abs(float(found[1]) * 2**20 - written), 0.3 * written + 2**20 / 10)
        self.assertGreater(float(found[1]) * 2**20 + 2**20 / 20, written)

    def test_checkpoints_take_what_was_said(self):
        """Two of them while a group trains, and one that is being written: for each of two groups."""
        wide = ["sweep.trials=null", "model.predictor.hidden=[512]"]
        result = self.run_vjvcr("sweep", "sweep.yaml", "--dry-run", *wide, ranks=2)
        said = float(re.search(r", up to ([\d.]+) MiB for checkpoints; ", result.out)[1]) * 2**20
        result = self.run_vjvcr("train", "tiny.yaml", "-o", "out", "optim.steps=100000", "logging.every=100000",
                                "eval.every=100000", "model.predictor.hidden=[512]", "--time-limit", "1s")
        self.assertEqual(result.code, 75, result.err)
        one = max(os.path.getsize(self.path("out", "checkpoints", name)) for name in os.listdir(self.path("out/checkpoints")))
        self.assertGreater(said + 2**20 / 20, 6 * one)
        self.assertLess(said, 6 * one * 1.5)

    def test_what_does_not_fit(self):
        huge = ["sweep.trials.wide.model.predictor.hidden=[1048576,1048576]"]
        self.assertRegex(self.needs("--dry-run", *huge)[1],
                         r"^memory: 1 rank of \d+\.\d GiB on this host, which has [\d.]+ GiB: DOES NOT FIT; use more ranks "
                         r"for a trial, or smaller trials$")
        result = self.run_vjvcr("sweep", "sweep.yaml", "--dry-run=timed", *huge)
        self.assertEqual((result.code, result.err),
                         (2, "vjvcr: --dry-run=timed: the trials do not fit into this host's memory, so none is tried\n"))
        if shutil.disk_usage(self.folder).free < 2**40:
            disk = self.needs("--dry-run", "optim.steps=10000000", "eval.every=1", "sweep.seeds=200")[2]
            self.assertRegex(disk, r"^disk: \d+\.\d GiB for sweep.h5 and the ledger, up to \d+\.\d MiB for checkpoints; [\d.]+ "
                             "[MG]iB are free for runs/tiny: DOES NOT FIT; make room, or choose another folder with -o$")

    def test_ranks_of_this_host_are_counted(self):
        result = self.run_vjvcr("sweep", "sweep.yaml", "--dry-run", ranks=2)
        self.assertEqual(result.code, [0, 0])
        self.assertIn("\n4 trials on 2 groups of 1 rank; ", result.out)
        self.assertIn("\nmemory: 2 ranks of ", result.out)

    def test_timed(self):
        """Half of the trials are of each size; the estimate is what the sweep then takes, as far as a machine that has
        other work lets anybody know."""
        arguments = ["optim.steps=150", "eval.every=50"]
        result = self.run_vjvcr("sweep", "sweep.yaml", "--dry-run=timed", *arguments)
        self.assertEqual((result.code, result.err), (0, "trying size 1 of 2\ntrying size 2 of 2\n"))
        self.assertEqual(os.listdir(self.folder).count("runs"), 0)
        table, whole = result.out.split("\n\n")[2:]
        rows = [re.split("  +", line.strip()) for line in table.splitlines()[2:]]
        self.assertEqual([row[:2] for row in rows], [["0", "2"], ["2", "2"]])
        estimate = seconds(re.match(r"^the whole sweep: about (\w+) on 1 group of 1 rank\n$", whole)[1])
        self.assertLessEqual(abs(estimate - 2 * sum(seconds(row[4]) for row in rows)), 3)
        self.succeed("sweep", "sweep.yaml", "-o", "out", *arguments)
        took = values_of(self.path("out", "sweep.h5"))["time_total"].sum()
        self.assertTrue(took / 4 - 1 < estimate < 4 * took + 1, (estimate, took))

    def test_timed_on_two_ranks(self):
        result = self.run_vjvcr("sweep", "sweep.yaml", "--dry-run=timed", "--ranks-per-trial", "2", ranks=2)
        self.assertEqual(result.code, [0, 0])
        self.assertRegex(result.out, r"\nthe whole sweep: about \w+ on 1 group of 2 ranks\n\n2 ranks of this machine, ")

    def test_timed_finds_what_fails_at_once(self):
        result = self.run_vjvcr("sweep", "sweep.yaml", "--dry-run=timed", "sweep.trials.wide.optim.lr=1.0e30")
        self.assertEqual(result.code, 0)
        self.assertRegex(result.out, r"(?m)^ +2 +2 +- +- +FAILS: step 2: loss prediction is (inf|-?nan)$")


if __name__ == "__main__":
    main()
