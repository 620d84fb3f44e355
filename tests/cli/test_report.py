"""The small size of an experiment, the table that stands beside a paper's, and `./vj reproduce`."""

import os
import re
import shutil
import subprocess
import time

from support.vjvcr import SOURCE, TINY, VJVCR, Case, Checkout, SweepCase, differing, everything_in, main, np, values_of

SWEEP = TINY + """\
sweep:
  trials:
    weak: {losses.variance.weight: 1}
    strong: {losses.variance.weight: 100}
  seeds: 2
quick:
  optim.steps: 2
  eval.every: 1
  sweep.seeds: 1
  sweep.trials.weak.losses.variance.weight: 3
report:
  title: "Table 1: tiny"
  columns:
    - {quantity: probe_speed_mse, title: speed MSE, best: low}
    - {quantity: hx_rankme, title: RankMe, best: high}
    - {quantity: probe_speed_mse, at: 0, title: at first}
    - {quantity: hx_singular_values, index: 2, title: third}
    - {quantity: train_variance}
  paper:
    source: "a book, table 7"
    rows:
      weak: {probe_speed_mse: 0.150, hx_rankme: 423.7}
      strong: {probe_speed_mse: 0.30}
  ratios:
    - {quantity: probe_speed_mse, of: weak, to: strong}
    - {quantity: hx_rankme, of: strong, to: weak}
  notes: |
    one note
    and another
"""
GRID = TINY + """\
sweep:
  parameters:
    optim.lr: [1.0e-3, 1.0e-2]
  seeds: 2
report:
  columns: [{quantity: probe_speed_mse, title: speed}]
"""


def cells(line):
    return re.split(r"  +", line.strip())


def rows_of(table):
    """Headings, rows and controls of a table with a title; a row is as long as it has cells that are not empty."""
    lines = table.splitlines()
    rules = [i for i, line in enumerate(lines) if set(line) == {"-"}]
    end = next(i for i, line in enumerate(lines) if line.startswith("±"))
    second = rules[1] if len(rules) > 1 else end
    return (cells(lines[1]), [cells(line) for line in lines[rules[0] + 1:second]],
            [cells(line) for line in lines[second + 1:end]])


def mean_and_spread(text):
    return [float(number) for number in text.rstrip("*").split("±")]


class Quick(Case):
    def setUp(self):
        super().setUp()
        self.write("tiny.yaml", SWEEP)

    def test_applied_and_recorded(self):
        self.succeed("sweep", "tiny.yaml", "--quick")
        self.assertEqual(os.listdir(self.path("runs")), ["tiny-quick"])
        found = values_of(self.path("runs", "tiny-quick", "sweep.h5"))
        self.assertEqual((list(found["step"]), list(found["eval"])), ([1, 2], [0, 1, 2]))
        self.assertEqual(list(found["arm"]), ["weak", "strong"])
        self.assertEqual(list(found["param.losses.variance.weight"]), [3, 100])
        with open(self.path("runs", "tiny-quick", "sweep.yaml")) as file:
            recorded = file.read()
        self.assertTrue(recorded.startswith("name: tiny-quick\n"))
        self.assertIn("  steps: 2\n", recorded)
        self.assertNotIn("quick:", recorded)
        self.succeed("sweep", "runs/tiny-quick/sweep.yaml", "-o", "again")
        self.assertEqual(differing(found, values_of(self.path("again", "sweep.h5"))), [])

    def test_ignored_unless_asked_for(self):
        self.succeed("sweep", "tiny.yaml")
        self.assertEqual(os.listdir(self.path("runs")), ["tiny"])
        found = values_of(self.path("runs", "tiny", "sweep.h5"))
        self.assertEqual((list(found["step"]), len(found["trial"])), ([1, 2, 3, 4], 4))

    def test_overrides_come_after_it(self):
        dry = self.succeed("sweep", "tiny.yaml", "--quick", "--dry-run", "optim.steps=3").out.splitlines()
        self.assertEqual([cells(line) for line in dry[2:4]],
                         [["0", "weak", "0", "3", "losses.variance.weight=3"],
                          ["1", "strong", "0", "3", "losses.variance.weight=100"]])

    def test_resumed(self):
        first = self.succeed("sweep", "tiny.yaml", "--quick", "-o", "out").out
        before = everything_in(self.path("out"))
        again = self.succeed("sweep", "tiny.yaml", "--quick", "-o", "out", "--resume").out
        self.assertEqual(again.splitlines()[:-1], first.splitlines()[:-1])
        self.assertEqual(everything_in(self.path("out")), before)
        self.assert_refused("^vjvcr: out/sweep.h5: --resume adds trials and keeps those there are, but some of these are "
                            "not what they were; undo that, or choose another folder with -o:\n  trial 0: name was "
                            "tiny-quick and is tiny now ", "sweep", "tiny.yaml", "-o", "out", "--resume")

    def test_swept_parameters(self):
        self.write("grid.yaml", GRID + "quick:\n  sweep.parameters.optim.lr: [0.5]\n  sweep.seeds: [7]\n")
        dry = self.succeed("sweep", "grid.yaml", "--quick", "--dry-run", "sweep.parameters.losses.variance.weight=[1,2]")
        self.assertEqual([cells(line)[1:] for line in dry.out.splitlines()[2:4]],
                         [["7", "4", "optim.lr=0.5 losses.variance.weight=1"],
                          ["7", "4", "optim.lr=0.5 losses.variance.weight=2"]])

    def test_wrong_keys(self):
        self.write("bad.yaml", TINY + "quick:\n  optim.stepz: 3\n")
        self.assert_refused('bad.yaml:20:16: optim: unknown key "stepz"; did you mean "steps"?', "sweep", "bad.yaml",
                            "--quick")
        self.write("bad.yaml", TINY + "quick:\n  optim.steps: many\n")
        self.assert_refused('bad.yaml:20:16: optim.steps: expected an integer >= 1, got "many"', "sweep", "bad.yaml",
                            "--quick")
        self.write("bad.yaml", TINY + "quick:\n  logging.every.hour: 3\n")
        self.assert_refused('bad.yaml:20:23: "logging.every" is a single value, not a map; it has no keys', "sweep",
                            "bad.yaml", "--quick")
        self.write("bad.yaml", TINY + "quick: [1]\n")
        self.assert_refused("bad.yaml:19:8: quick: expected a map of keys and values, got a list", "sweep", "bad.yaml",
                            "--quick")

    def test_without_the_section(self):
        self.write("plain.yaml", TINY)
        self.assert_refused('plain.yaml: --quick: there is no section "quick" that says what is smaller', "sweep",
                            "plain.yaml", "--quick")


class Table(SweepCase):
    """One sweep, looked at from all sides and changed by no one."""
    text = SWEEP

    def test_later_it_is_the_same(self):
        table = self.succeed("table", "out").out
        self.assertEqual(table.splitlines(), self.printed.splitlines()[:-1])
        self.assertLessEqual(max(len(line) for line in table.splitlines()), 120)

    def test_columns_are_those_of_the_report(self):
        headings, rows, _ = rows_of(self.printed)
        self.assertEqual(self.printed.splitlines()[0], "Table 1: tiny (tiny, 4 steps)")
        self.assertEqual(headings, ["arm", "seeds", "speed MSE ↓", "paper", "RankMe ↑", "paper", "at first", "third",
                                    "train_variance"])
        self.assertEqual([row[:2] for row in rows], [["weak", "2"], ["strong", "2"]])
        self.assertEqual([(row[3], row[5]) for row in rows], [("0.150", "423.7"), ("0.30", "-")])

    def test_numbers_are_those_of_the_file(self):
        v = self.values
        shown = {2: v["probe_speed_mse"][:, -1], 4: v["hx_rankme"][:, -1], 6: v["probe_speed_mse"][:, 0],
                 7: v["hx_singular_values"][:, -1, 2], 8: v["train_variance"][:, -1]}
        for i, row in enumerate(rows_of(self.printed)[1]):
            for column, values in shown.items():
                pair = values[2 * i:2 * i + 2]
                mean, spread = mean_and_spread(row[column])
                self.assertTrue(np.isclose(mean, pair.mean(), rtol=5e-3, atol=pair.std(ddof=1)), (column, row))
                self.assertTrue(np.isclose(spread, pair.std(ddof=1), rtol=0.5), (column, row))

    def test_the_best_is_marked(self):
        for column, values, better in ((2, self.values["probe_speed_mse"], np.argmin),
                                       (4, self.values["hx_rankme"], np.argmax)):
            best = better([values[:2, -1].mean(), values[2:, -1].mean()])
            marked = [row[column].endswith("*") for row in rows_of(self.printed)[1]]
            self.assertEqual(marked, [i == best for i in range(2)])
        self.assertNotIn("*", "".join(row[8] for row in rows_of(self.printed)[1]))

    def test_controls_are_rows(self):
        v, (untrained, guess) = self.values, rows_of(self.printed)[2]
        self.assertEqual((untrained[0], guess[0]), ("untrained", "mean"))
        for cell, values in ((untrained[1], v["probe_speed_mse"][:, 0]), (untrained[2], v["hx_rankme"][:, 0]),
                             (untrained[3], v["probe_speed_mse"][:, 0]),
                             (untrained[4], v["hx_singular_values"][:, 0, 2])):
            self.assertTrue(np.isclose(mean_and_spread(cell)[0], values.mean(), rtol=5e-3, atol=values.std()), (cell, values))
        self.assertEqual(untrained[5], "-")
        self.assertTrue(np.isclose(float(guess[1]), v["probe_speed_baseline_mse"][0, -1], rtol=1e-3), guess)
        self.assertEqual(guess[2], "-")

    def test_ratios_source_and_notes_stand_below(self):
        v, lines = self.values, self.printed.splitlines()
        at = lines.index("paper: a book, table 7")
        speed, rank = v["probe_speed_mse"][:, -1], v["hx_rankme"][:, -1]
        self.assertEqual(lines[at + 1:at + 5], [
            f"speed MSE, weak / strong: {speed[:2].mean() / speed[2:].mean():.3g}; paper 0.5",
            f"RankMe, strong / weak: {rank[2:].mean() / rank[:2].mean():.3g}", "one note", "and another"])
        self.assertRegex(lines[at + 5], r"^4 of 4 trials done, in [\dms]+ of training$")

    def test_another_report_for_the_same_numbers(self):
        """Headings and notes are written when the numbers are there; no trial runs again for them."""
        other = SWEEP.replace("RankMe,", "rank,").replace("one note", "a better note")
        self.write("other.yaml", other)
        table = self.succeed("table", "out", "other.yaml").out
        self.assertEqual(table, self.succeed("table", "out").out.replace("RankMe ↑", "  rank ↑")
                         .replace("RankMe, strong", "rank, strong").replace("one note", "a better note"))
        before = everything_in(self.path("out"))
        resumed = self.succeed("sweep", "other.yaml", "-o", "out", "--resume").out
        self.assertEqual(resumed.splitlines()[:-1], table.splitlines())
        self.assertEqual(everything_in(self.path("out")), before)

    def test_a_report_that_does_not_fit_the_numbers(self):
        self.write("unfit.yaml", SWEEP.replace("quantity: train_variance", "quantity: train_varianse"))
        sentence = ('unfit.yaml:36:18: report.columns[4].quantity: no quantity "train_varianse"; did you mean '
                    '"train_variance"?')
        self.assert_refused(sentence, "table", "out", "unfit.yaml")
        self.assert_refused(sentence, "sweep", "unfit.yaml", "-o", "out", "--resume")
        self.write("plain.yaml", TINY)
        self.assert_refused('plain.yaml: there is no section "report"', "table", "out", "plain.yaml")


class Others(Case):
    def test_a_grid_has_its_settings_for_rows(self):
        self.write("grid.yaml", GRID)
        out = self.succeed("sweep", "grid.yaml", "-o", "out").out
        headings, rows, _ = rows_of(out)
        self.assertEqual(out.splitlines()[0], "(tiny, 4 steps)")
        self.assertEqual(headings, ["optim.lr", "seeds", "speed"])
        self.assertEqual([row[:2] for row in rows], [["0.001", "2"], ["0.01", "2"]])

    def test_a_grid_within_arms_tells_its_rows_apart(self):
        self.write("both.yaml", GRID.replace("sweep:\n", "sweep:\n  trials: {one: {optim.clip: 1}, two: {}}\n"))
        headings, rows, _ = rows_of(self.succeed("sweep", "both.yaml", "-o", "out").out)
        self.assertEqual(headings, ["arm", "optim.lr", "seeds", "speed"])
        self.assertEqual([row[:3] for row in rows],
                         [["one", "0.001", "2"], ["one", "0.01", "2"], ["two", "0.001", "2"], ["two", "0.01", "2"]])

    def test_failed_trials_are_named(self):
        self.write("sweep.yaml", SWEEP.replace("weak: {losses.variance.weight: 1}", "weak: {optim.lr: 1.0e30}"))
        self.assertEqual(self.run_vjvcr("sweep", "sweep.yaml", "-o", "out").code, 1)
        out = self.succeed("table", "out").out
        self.assertEqual(rows_of(out)[1][0], ["weak", "0 of 2", "-", "0.150", "-", "423.7", "-", "-", "-"])
        self.assertRegex(out, r"(?m)^2 of 4 trials done, in \d+s of training; 2 failed$")
        self.assertRegex(out, r"(?m)^trial 0 weak \(seed 0\) failed: step 2: loss prediction is (inf|-?nan)$")
        self.assertIn("speed MSE, weak / strong: -; paper 0.5\n", out)

    def test_while_it_runs(self):
        self.write("sweep.yaml", SWEEP)
        process = subprocess.Popen([VJVCR, "sweep", "sweep.yaml", "-o", "out", "optim.steps=100000", "eval.every=50000"],
                                   cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        end = time.monotonic() + 60
        while time.monotonic() < end and not os.path.exists(self.path("out", "ledger")):
            time.sleep(0.01)
        time.sleep(0.3)
        out = self.succeed("table", "out").out
        self.assertEqual([row[1] for row in rows_of(out)[1]], ["0 of 2", "0 of 2"])
        self.assertIn("\n0 of 4 trials done, in 0s of training; 1 unfinished\n", out)

    def test_train_has_no_arms_to_report_on(self):
        self.write("sweep.yaml", SWEEP)
        self.assertRegex(self.succeed("train", "sweep.yaml", "-o", "out").out, r"^trial +seed +prediction ")


class Wrong(Case):
    """What a report says is checked before anything is made."""

    def assert_refused_report(self, sentence, report, sweep="sweep: {trials: {one: {}, two: {optim.clip: 1}}}\n"):
        self.write("bad.yaml", TINY + sweep + "report:\n" + report)
        self.assert_refused(sentence, "sweep", "bad.yaml", "-o", "out")
        self.assert_refused(sentence, "sweep", "bad.yaml", "--dry-run")

    def assert_refused_column(self, sentence, column):
        self.assert_refused_report(sentence, f"  columns:\n    - {column}\n")

    def test_keys(self):
        self.assert_refused_report('bad.yaml:21:3: report: unknown key "colums"; did you mean "columns"?',
                                   "  colums: []\n")
        self.assert_refused_report('bad.yaml:21:3: report: missing key "columns" (the list of the table\'s columns)',
                                   "  title: none\n")
        self.assert_refused_report("bad.yaml:21:12: report.columns: expected at least one column", "  columns: []\n")
        self.assert_refused_report("bad.yaml:21:12: report.columns: expected a list, got a map", "  columns: {}\n")
        self.assert_refused_column('bad.yaml:22:29: report.columns[0]: unknown key "tilte"; did you mean "title"?',
                                   "{quantity: hx_rankme, tilte: no}")
        self.assert_refused_column('bad.yaml:22:7: report.columns[0]: missing key "quantity" (the name of a recorded '
                                   'quantity)', "{title: no}")
        self.assert_refused_column('bad.yaml:22:35: report.columns[0].best: expected one of none, low, high, got '
                                   '"lowest"', "{quantity: hx_rankme, best: lowest}")

    def test_figures(self):
        def refused(sentence, figures):
            self.assert_refused_report(sentence, f"  columns:\n    - {{quantity: hx_rankme}}\n  figures: {figures}\n",
                                       "sweep: {parameters: {optim.lr: [1.0e-3, 1.0e-2]}}\n")
        refused("bad.yaml:23:12: report.figures: expected a list, got a map", "{}")
        refused('bad.yaml:23:13: report.figures[0]: missing key "by" (a key of sweep.parameters: from left to right)',
                "[{quantity: hx_rankme}]")
        refused('bad.yaml:23:39: report.figures[0].by: sweep.parameters has no "optim.l"; did you mean "optim.lr"?',
                "[{quantity: hx_rankme, by: optim.l}]")
        refused('bad.yaml:23:57: report.figures[0].across: sweep.parameters has no "seed"; parameters are optim.lr',
                "[{quantity: hx_rankme, by: optim.lr, across: seed}]")
        refused('bad.yaml:23:57: report.figures[0].where: sweep.parameters has no "data.size"; parameters are optim.lr',
                "[{quantity: hx_rankme, by: optim.lr, where: {data.size: 3}}]")
        refused('bad.yaml:23:24: report.figures[0].quantity: no quantity "hx_rankm"; did you mean "hx_rankme"?',
                "[{quantity: hx_rankm, by: optim.lr}]")

    def test_quantities_that_are_not_recorded(self):
        self.assert_refused_column('bad.yaml:22:18: report.columns[0].quantity: no quantity "probe_sped_mse"; did you '
                                   'mean "probe_speed_mse"?', "{quantity: probe_sped_mse}")
        self.assert_refused_column(r'^vjvcr: bad\.yaml:22:18: report\.columns\[0\]\.quantity: no quantity '
                                   r'"probe_velocity_accuracy"; quantities are probe_speed_mse, probe_speed_r2, '
                                   r'probe_speed_mse_validation, probe_speed_baseline_mse, probe_speed_lambda, \w+.*'
                                   r', \.\.\.\n$', "{quantity: probe_velocity_accuracy}")
        self.assert_refused_column(r'^vjvcr: bad.yaml:22:18: report.columns\[0\].quantity: no quantity "seed"; ',
                                   "{quantity: seed}")

    def test_numbers_that_are_not_there(self):
        self.assert_refused_column("bad.yaml:22:7: report.columns[0]: hx_singular_values has 8 numbers, one for each "
                                   "component; say which: index: 0..7", "{quantity: hx_singular_values}")
        self.assert_refused_column("bad.yaml:22:45: report.columns[0].index: expected less than 8, the number of values "
                                   "along component, got 8", "{quantity: hx_singular_values, index: 8}")
        self.assert_refused_column("bad.yaml:22:36: report.columns[0].index: hx_rankme is a single number and has none",
                                   "{quantity: hx_rankme, index: 0}")
        self.assert_refused_column("bad.yaml:22:33: report.columns[0].at: hx_rankme is not recorded after 3 steps, but "
                                   "after 0, 2, 4", "{quantity: hx_rankme, at: 3}")
        self.assert_refused_column("bad.yaml:22:34: report.columns[0].at: time_total is one number of a whole trial",
                                   "{quantity: time_total, at: 0}")

    def test_the_papers_rows(self):
        columns = "  columns: [{quantity: hx_rankme}, {quantity: val_loss, at: 0}]\n"
        self.assert_refused_report('bad.yaml:22:18: report.paper.rows: no arm "tow"; did you mean "two"?',
                                   columns + "  paper: {rows: {tow: {hx_rankme: 1}}}\n")
        self.assert_refused_report('bad.yaml:22:24: report.paper.rows.two: no column shows "hx_rankm" at the end of '
                                   'training; did you mean "hx_rankme"?', columns + "  paper: {rows: {two: {hx_rankm: 1}}}\n")
        self.assert_refused_report('bad.yaml:22:24: report.paper.rows.two: no column shows "val_loss" at the end of '
                                   'training; columns are hx_rankme', columns + "  paper: {rows: {two: {val_loss: 1}}}\n")
        self.assert_refused_report('bad.yaml:22:35: report.paper.rows.two.hx_rankme: expected a number, got "high"',
                                   columns + "  paper: {rows: {two: {hx_rankme: high}}}\n")
        self.assert_refused_report('bad.yaml:22:18: report.paper.rows: no arm "one"; there are no arms',
                                   columns + "  paper: {rows: {one: {hx_rankme: 1}}}\n", "sweep: {seeds: 2}\n")

    def test_ratios(self):
        columns = "  columns: [{quantity: hx_rankme}]\n"
        self.assert_refused_report('bad.yaml:22:47: report.ratios[0].to: no arm "three"; arms are one, two',
                                   columns + "  ratios: [{quantity: hx_rankme, of: one, to: three}]\n")
        self.assert_refused_report('bad.yaml:22:12: report.ratios[0]: missing key "to" (the arm that it is divided by)',
                                   columns + "  ratios: [{quantity: hx_rankme, of: one}]\n")

    def test_on_two_ranks(self):
        self.write("bad.yaml", TINY + "report:\n  colums: []\n")
        self.assert_refused('bad.yaml:20:3: report: unknown key "colums"; did you mean "columns"?', "sweep", "bad.yaml",
                            "-o", "out", ranks=2)

    def test_usage(self):
        self.assert_refused("expected DIR, the folder of a sweep; usage: vjvcr table DIR [FILE.yaml] "
                            "[--format text|json|csv|md]", "table")
        self.assert_refused("ls has no option --trials; its options are --format, --help", "ls", "out", "--trials")


class Reproduce(Checkout):
    presets = {"tiny": "# A tiny sweep: is anything learned?\n# More of it.\n" + SWEEP,
               "nothing": "# No sweep, for benchmarks.\n" + TINY}

    def test_presets_are_listed(self):
        self.assertEqual(self.vj().stdout, "tiny             A tiny sweep: is anything learned?\n")

    def test_every_preset_can_be_run_in_both_sizes(self):
        listed = subprocess.run([os.path.join(SOURCE, "vj"), "reproduce"], capture_output=True, text=True, check=True)
        names = [line.split()[0] for line in listed.stdout.splitlines()]
        self.assertIn("collapse", names)
        for name in names:
            file = os.path.join(SOURCE, "sweeps", f"{name}.yaml")
            with open(file) as text:
                preset = text.read()
            if "root: runs/" in preset:
                continue  # of videos: test_video_presets.py makes some
            tuning = ["--tuning"] if "\ntuning:" in preset else []
            for size in [(), ("--quick",)] if "\nquick:" in preset else [()]:
                result = self.run_vjvcr("sweep", file, *size, *tuning, "--dry-run")
                self.assertEqual(result.code, 0, result.err)
                self.assertEqual([line for line in result.err.splitlines() if not line.startswith("warning: ")], [])

    def test_run_then_printed_again(self):
        first = self.vj("tiny", "--quick", "logging.every=2").stdout.splitlines()
        table = self.succeed("table", "runs/tiny-quick").out.splitlines()
        self.assertEqual(table[0], "Table 1: tiny (tiny-quick, 2 steps)")
        self.assertEqual(first[1:1 + len(table)], table)
        self.assertRegex(first[-2], r"^this run took \d+s; version vjvcr \d")
        self.assertEqual(first[-1], "to get it again: ./vj reproduce tiny --quick -o FOLDER logging.every=2")
        before = everything_in(self.path("runs"))
        again = self.vj("tiny", "--quick", "logging.every=2").stdout.splitlines()
        self.assertEqual(again[1], "going on with runs/tiny-quick")
        self.assertEqual(again[2:2 + len(table)], table)
        self.assertEqual(everything_in(self.path("runs")), before)
        self.assertIn("some of these are not what they were", self.vj("tiny", "--quick", code=2).stderr)
        self.assertEqual(everything_in(self.path("runs")), before)

    def test_wrong_calls(self):
        for arguments, sentence in (
                (["tini"], 'there is no preset "tini"; ./vj reproduce lists them'),
                (["tiny", "--fast"], 'unknown option "--fast"; there are --quick and -o'),
                (["tiny", "-o"], "-o needs a folder"), (["--quick"], "expected the name of a preset; ./vj reproduce "
                                                        "lists them"),
                (["tiny", "optim.steps"], '"optim.steps": expected key=value; the preset is tiny already')):
            done = self.vj(*arguments, code=1)
            self.assertEqual((done.stdout, done.stderr.replace("reproduce: ", "", 1)), ("", f"vj: {sentence}\n"))


if __name__ == "__main__":
    main()
