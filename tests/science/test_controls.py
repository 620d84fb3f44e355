"""Rows that belong to no arm: untrained models, raw pixels, and what is got by guessing, in every table that has a
probe; against means over sweep.h5."""
import re

from support.vjvcr import TINY, Case, edited, h5py, main, np, values_of

EXPERIMENT = TINY.replace("  probes: {speed: {type: ridge, target: speed, on: hy_pred}}\n", """\
  probes:
    speed: {type: ridge, target: speed, on: hy_pred}
    frames: {type: ridge, target: speed, on: x}
    digit: {type: logistic, target: digit, on: hx}
""") + """\
sweep:
  trials: {weak: {losses.variance.weight: 1}, strong: {}}
  seeds: 2
"""
REPORT = """\
report:
  columns:
    - {quantity: hx_rankme, title: RankMe}
    - {quantity: probe_speed_mse, title: speed MSE}
    - {quantity: probe_digit_accuracy, title: digit}
"""


def controls_of(table):
    """{row: cells} behind the second rule."""
    lines = table.splitlines()
    rules = [i for i, line in enumerate(lines) if set(line) == {"-"}]
    if len(rules) < 2:
        return {}
    rows = [re.split(r"  +", line.strip()) for line in lines[rules[1] + 1:] if re.match(r"\w+  ", line)]
    return {row[0]: row[1:] for row in rows}


class Controls(Case):
    def close(self, cell, values):
        mean = float(cell.split("±")[0])
        self.assertTrue(np.isclose(mean, np.mean(values), rtol=2e-3, atol=0.6 * np.std(values, ddof=1)), (cell, values))

    def test_of_a_report(self):
        self.write("all.yaml", EXPERIMENT + REPORT)
        rows = controls_of(self.succeed("sweep", "all.yaml", "-o", "out").out)
        v = values_of(self.path("out", "sweep.h5"))
        self.assertEqual(list(rows), ["untrained", "pixels", "mean", "majority"])
        for cell, name in zip(rows["untrained"], ("hx_rankme", "probe_speed_mse", "probe_digit_accuracy")):
            self.close(cell, v[name][:, 0])
        self.assertGreater(v["hx_feature_std"][:, 0].min(), 0.02, "the untrained encoder is calibrated")
        self.assertEqual((rows["pixels"][0], rows["pixels"][2]), ("-", "-"))
        self.close(rows["pixels"][1], v["probe_frames_mse"][:, -1])
        self.assertEqual(rows["mean"][0::2], ["-", "-"])
        self.close(rows["mean"][1], v["probe_speed_baseline_mse"][:, -1])
        self.assertEqual(rows["majority"][:2], ["-", "-"])
        self.close(rows["majority"][2], v["probe_digit_majority_accuracy"][:, -1])

        self.write("some.yaml", EXPERIMENT + REPORT + "  controls: [mean, untrained]\n")
        self.assertEqual(list(controls_of(self.succeed("table", "out", "some.yaml").out)), ["untrained", "mean"])
        self.write("none.yaml", EXPERIMENT + REPORT + "  controls: []\n")
        self.assertEqual(controls_of(self.succeed("table", "out", "none.yaml").out), {})

    def test_of_the_usual_table(self):
        """A probe on x is a row there and no column."""
        self.write("all.yaml", EXPERIMENT)
        out = self.succeed("sweep", "all.yaml", "-o", "out").out
        rows, v = controls_of(out), values_of(self.path("out", "sweep.h5"))
        self.assertEqual(list(rows), ["untrained", "pixels", "mean", "majority"])
        self.assertNotIn("frames", out.splitlines()[0])
        columns = re.split(r"  +", out.splitlines()[0].strip())[2:]
        self.close(rows["pixels"][columns.index("speed MSE")], v["probe_frames_mse"][:, -1])
        self.close(rows["untrained"][columns.index("std hx")], v["hx_feature_std_median"][:, 0])
        self.assertEqual(controls_of(self.succeed("ls", "out").out), {})

    def test_what_is_known_beforehand(self):
        """Two places of a digit tell its velocity, where it met no wall: no model that has learnt for 4 steps does. The
        probe is a row, and may be what a claim is about."""
        self.write("past.yaml", EXPERIMENT.replace("target: speed", "target: velocity").replace(
            "on: x}", "on: labels, labels: [input_position]}") + REPORT + """\
  controls: [labels, mean]
question:
  asked: "Does hy_pred tell more of the velocity than the past?"
  claims: [{quantity: probe_speed_mse, of: strong, to: labels, at_most: 1}]
""")
        out = self.succeed("sweep", "past.yaml", "-o", "out").out
        rows, v = controls_of(out), values_of(self.path("out", "sweep.h5"))
        self.assertEqual(list(rows)[:2], ["labels", "mean"])
        self.assertEqual((rows["labels"][0], rows["labels"][2]), ("-", "-"))
        self.close(rows["labels"][1], v["probe_frames_mse"][:, -1])
        self.assertGreater(v["probe_frames_r2"][:, -1].min(), 0.5)
        self.assertLess(v["probe_frames_mse"][:, -1].max(), 0.6 * v["probe_speed_mse"][:, -1].min())
        known = v["probe_frames_mse"]
        self.assertEqual(len(np.unique(known[~np.isnan(known)])), 1, "labels are not trained")
        self.assertRegex(out, r"probe_speed_mse, strong / labels")
        with h5py.File(self.path("out", "sweep.h5"), "r") as file:
            self.assertIn(b"of velocity from labels input_position", file["probe_frames_mse"].attrs["long_name"])

    def test_of_a_file_of_an_earlier_version(self):
        """Without the measures that came later: the verdict is of what there is, and trials may be added."""
        text = TINY + "sweep: {parameters: {losses.variance.weight: [0, 10]}, seeds: [0]}\n"
        self.write("tiny.yaml", text)
        self.succeed("sweep", "tiny.yaml", "-o", "out")
        later = ("feature_std_median", "alpha_req", "nesum", "cluster_learnability", "intrinsic_dimension")
        with edited(self.path("out", "sweep.h5")) as file:
            for name in [name for name in file if name.endswith(later)]:
                for axis, scale in enumerate(("trial", "eval")):
                    file[name].dims[axis].detach_scale(file[scale])
                del file[name]
        for verb in ("table", "ls", "report"):
            self.succeed(verb, "out")
        rows = [re.split(r"  +", line.strip()) for line in self.succeed("table", "out").out.splitlines()]
        self.assertNotIn("std hx", rows[0])
        words = [row[-1] for row in rows if row[0] in ("0", "10")]
        self.assertTrue(words[0].startswith("not dim") or words[0].endswith("dimensional"), words)  # no tau, no spread
        with edited(self.path("out", "sweep.h5")) as file:  # as after a kill, with one trial to train
            file["status"][1] = 0
        ledger = self.path("out", "ledger")
        with open(ledger) as file:
            kept = [line for line in file if line.startswith("vjvcr") or line.split()[2:3] != ["1"]]
        self.write("out/ledger", "".join(kept))
        self.succeed("sweep", "tiny.yaml", "-o", "out", "--resume")
        self.assertEqual(list(values_of(self.path("out", "sweep.h5"))["status"]), [2, 2])
        self.write("tiny.yaml", text.replace("[0, 10]", "[0, 10, 20]"))
        self.assertEqual(self.run_vjvcr("sweep", "tiny.yaml", "-o", "out", "--resume").code, 0)
        self.assertEqual(len(values_of(self.path("out", "sweep.h5"))["trial"]), 3)

    def test_words_that_name_none(self):
        self.write("bad.yaml", EXPERIMENT + REPORT + "  controls: [pixel]\n")
        self.assert_refused('bad.yaml:30:13: report.controls: no control "pixel"; did you mean "pixels"?', "sweep",
                            "bad.yaml", "--dry-run")
        self.write("bad.yaml", EXPERIMENT.replace("    frames: {type: ridge, target: speed, on: x}\n", "") + REPORT +
                   "  controls: [pixels]\n")
        self.assert_refused("^vjvcr: bad.yaml:29:13: report.controls: pixels: no probe on x has the type and target of a "
                            "column's probe; add one under eval.probes, such as ", "sweep", "bad.yaml", "--dry-run")
        self.write("bad.yaml", EXPERIMENT + REPORT + "  controls: [labels]\n")
        self.assert_refused("^vjvcr: bad.yaml:30:13: report.controls: labels: no probe on labels has the type and target of a "
                            "column's probe; add one under eval.probes, such as ", "sweep", "bad.yaml", "--dry-run")


main()
