"""What is exported as tables is what sweep.h5 holds: every number to the last bit, every text whatever stands in it, and
only what is whole."""

import csv
import os
import struct
import unittest

from support import requirements
from support.vjvcr import TINY, Case, SweepCase, edited, everything_in, h5py, main, np, values_of

ARMS = ['with "quotes", and commas', "two\nlines", "café", "breaks"]
# The last one fails after its first step. Trials differ in their number of steps.
SWEEP = TINY + """\
sweep:
  trials:
    'with "quotes", and commas': {}
    "two\\nlines": {optim.steps: 6, losses.prediction.distance: cosine}
    café: {losses.prediction.distance: l1}
    breaks: {optim.lr: 1.0e+30}
  seeds: 2
"""


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def bits(number):
    return struct.pack("<d", number)


def number(text):
    return float(text) if text else float("nan")


class Tables(SweepCase):
    text, code, copied = SWEEP, 1, True

    def setUp(self):
        super().setUp()
        self.file = self.path("out", "sweep.h5")

    def export(self):
        return self.succeed("export", "out", "--format", "csv").out

    def tables(self):
        self.export()
        return {name: read_csv(self.path("out", f"{name}.csv")) for name in ("trials", "steps", "evals", "components")}

    def expected_rows(self, values, names, axis):
        """(trial, place) -> [values] of rows that are whole and in which something is measured."""
        rows = {}
        for trial, committed in enumerate(values["committed"]):
            for row, place in enumerate(values[axis]):
                numbers = [values[name][trial, row] for name in names]
                if committed > 0 and place <= committed and not np.isnan(numbers).all():
                    rows[trial, int(place)] = numbers
        return rows

    def check_axis(self, table, axis):
        values = values_of(self.file)
        names = list(table[0])[4:]
        self.assertEqual(sorted(names), sorted(name for name, value in values.items() if value.ndim == 2
                                               and value.shape[1] == len(values[axis]) and value.dtype == np.float64))
        expected = self.expected_rows(values, names, axis)
        self.assertEqual([(int(row["trial"]), int(row[axis])) for row in table], list(expected))
        for row in table:
            for name, wanted in zip(names, expected[int(row["trial"]), int(row[axis])]):
                if np.isnan(wanted):
                    self.assertEqual(row[name], "")
                else:
                    self.assertEqual(bits(number(row[name])), bits(wanted), name)
            self.assertEqual((row["arm"], int(row["seed"])),
                             (values["arm"][int(row["trial"])], values["seed"][int(row["trial"])]))

    def test_steps_and_evaluations_have_every_number_to_the_last_bit(self):
        tables = self.tables()
        self.check_axis(tables["steps"], "step")
        self.check_axis(tables["evals"], "eval")

    def test_components_have_a_row_each(self):
        table, values = self.tables()["components"], values_of(self.file)
        chosen = [row for row in table if row["trial"] == "0" and row["eval"] == "4"]
        wanted = values["hx_singular_values"][0, 2]
        self.assertEqual([bits(number(row["hx_singular_values"])) for row in chosen], [bits(v) for v in wanted])
        self.assertEqual([int(row["component"]) for row in chosen], list(range(len(wanted))))

    def test_trials_have_settings_states_and_their_newest_numbers(self):
        table, values = self.tables()["trials"], values_of(self.file)
        self.assertEqual([row["arm"] for row in table], [arm for arm in ARMS for _ in range(2)])
        self.assertEqual([row["status"] for row in table], ["done"] * 6 + ["failed"] * 2)
        self.assertEqual([row["param.losses.prediction.distance"] for row in table],
                         list(values["param.losses.prediction.distance"]))
        self.assertEqual([number(row["param.optim.lr"]) for row in table], list(values["param.optim.lr"]))
        self.assertEqual([row["failure"] for row in table], list(values["failure"]))
        self.assertTrue(table[6]["failure"])
        for trial, row in enumerate(table[:6]):
            end = list(values["eval"]).index(values["committed"][trial])
            self.assertEqual(bits(number(row["val_loss"])), bits(values["val_loss"][trial, end]))
            self.assertEqual(bits(number(row["time_total"])), bits(values["time_total"][trial]))
        self.assertNotIn("config", table[0])

    def test_what_is_not_whole_is_left_out(self):
        """As a sweep looks that runs: rows behind `committed` may be half written."""
        with edited(self.file) as file:
            file["committed"][:2] = [2, 0]
            file["status"][:2] = [1, 1]
        tables = self.tables()
        self.assertEqual([int(row["step"]) for row in tables["steps"] if row["trial"] == "0"], [1, 2])
        self.assertEqual([int(row["eval"]) for row in tables["evals"] if row["trial"] == "0"], [0, 2])
        self.assertEqual([row for name in ("steps", "evals", "components") for row in tables[name]
                          if row["trial"] == "1"], [])
        self.assertEqual([row["status"] for row in tables["trials"][:2]], ["running", "running"])
        with h5py.File(self.file) as file:
            self.assertEqual(bits(number(tables["trials"][0]["train_loss"])), bits(file["train_loss"][0, 1]))
        self.assertEqual(tables["trials"][1]["train_loss"], "")
        self.check_axis(tables["steps"], "step")

    def test_any_number_reads_back(self):
        """All kinds of doubles, and those whose digits are hardest: neighbours of powers of ten."""
        random = np.random.default_rng(0)
        edges = [0.0, -0.0, 0.1, 1.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, np.inf, -np.inf, 1e15,
                 123456789012345680.0, 9007199254740993.0, 1e-5, 9.9999999999999991e-06, 1e22, 1e23, -1 / 3]
        for power in range(-30, 31):
            edges += [np.nextafter(10.0 ** power, side) for side in (0, np.inf)] + [10.0 ** power]
        numbers = np.concatenate([edges, random.integers(0, 2 ** 64, 20000, np.uint64).view(np.float64),
                                  random.random(20000), random.random(20000).astype(np.float32), random.normal(size=20000)])
        with edited(self.file) as file:
            names = [name for name, data in file.items() if isinstance(data, h5py.Dataset) and data.ndim == 3]
            room = sum(file[name].size for name in names) + sum(
                data.size for data in file.values() if data.dtype == np.float64 and data.ndim == 2)
            file["committed"][...] = 6
            file["eval"][-1] = 6
            written = {}
            for name, data in file.items():
                if data.dtype == np.float64 and data.ndim >= 2:
                    take = random.choice(numbers, data.shape)
                    data[...] = take
                    written[name] = take
        self.assertGreater(room, 1000)
        tables = self.tables()
        for table, axis in ((tables["steps"], "step"), (tables["evals"], "eval")):
            self.check_axis(table, axis)
        wanted = written["hx_singular_values"].ravel()
        got = [number(row["hx_singular_values"]) for row in tables["components"]]
        np.testing.assert_array_equal(np.array(got).view(np.int64)[~np.isnan(wanted)],
                                      wanted.view(np.int64)[~np.isnan(wanted)])

    def test_names_follow_the_prefix(self):
        before = everything_in(self.path("out"))
        self.assertEqual(self.succeed("export", "out", "--format", "csv", "-o", "mine").out.splitlines(),
                         [f"mine-{name}.csv" for name in ("trials", "steps", "evals", "components", "horizons")])
        self.succeed("export", "out", "--format", "csv", "-o", "folder/")
        self.assertEqual(sorted(os.listdir(self.path("folder"))),
                         ["components.csv", "evals.csv", "horizons.csv", "steps.csv", "trials.csv"])
        self.assertTrue(everything_in(self.path("out")) == before)

    def test_pandas_reads_it(self):
        with requirements.modules():
            import pandas
        self.export()
        steps = pandas.read_csv(self.path("out", "steps.csv"), float_precision="round_trip")
        values = values_of(self.file)
        np.testing.assert_array_equal(steps[steps["trial"] == 2]["train_loss"], values["train_loss"][2, :6])
        self.assertEqual(steps["arm"].unique().tolist(), ARMS)


class Frames(SweepCase):
    """Two arms, one without a decoder; pixels lie where the page says."""
    GAP, CLIPS, INPUT, TARGET, SIZE = 2, 2, 3, 12, 32

    copied, settings = True, (f"eval.pictures={CLIPS}",)
    text = TINY + ("sweep: {trials: {decoded: {model.decoder: {type: cnn, channels: [8, 8, 4]}, "
                   "losses.reconstruction: {weight: 1}}, plain: {}}}\n")

    @classmethod
    def setUpClass(cls):
        with requirements.modules():
            from PIL import Image, ImageSequence
        cls.Image, cls.ImageSequence = Image, ImageSequence
        super().setUpClass()

    def setUp(self):
        super().setUp()
        with edited(self.path("out", "sweep.h5")) as file:
            predicted = file["picture_y_pred"]  # after four steps it is all black; any other frames do as well
            predicted[0] = np.random.default_rng(0).integers(0, 256, predicted.shape[1:], np.uint8)
            self.x, self.y, self.decoded = (file[f"picture_{name}"][()][..., 0] for name in ("x", "y", "y_pred"))

    def at(self, picture, column, line, scale=1):
        """The frame that stands there, in its own pixels; each is shown as scale x scale of the same."""
        side = self.SIZE * scale
        left, top = (self.GAP + place * (side + self.GAP) for place in (column, line))
        block = picture[top:top + side, left:left + side].reshape(self.SIZE, scale, self.SIZE, scale)
        self.assertTrue((block == block[:, :1, :, :1]).all())
        return block[:, 0, :, 0]

    def test_strips_are_the_recorded_frames(self):
        self.assertEqual(self.succeed("export", "out", "--frames").out.splitlines(),
                         ["out/frames/trial-0000.png", "out/frames/trial-0001.png"])
        for trial, lines in ((0, 2), (1, 1)):
            image = self.Image.open(self.path("out", "frames", f"trial-{trial:04}.png"))
            self.assertEqual(image.mode, "L")
            picture = np.array(image)
            step = self.SIZE + self.GAP
            self.assertEqual(picture.shape, (self.GAP + self.CLIPS * lines * step,
                                             self.GAP + (self.INPUT + self.TARGET) * step))
            for clip in range(self.CLIPS):
                for t in range(self.INPUT):
                    np.testing.assert_array_equal(self.at(picture, t, clip * lines), self.x[trial, clip, t])
                for t in range(self.TARGET):
                    column = self.INPUT + t
                    np.testing.assert_array_equal(self.at(picture, column, clip * lines), self.y[trial, clip, t])
                    if lines == 2:
                        np.testing.assert_array_equal(self.at(picture, column, clip * 2 + 1),
                                                      self.decoded[trial, clip, t])
        self.assertTrue(self.y.any())

    def test_animations_are_the_recorded_frames(self):
        self.succeed("export", "out", "0", "--frames", "--format", "gif", "--scale", "3", "-o", "clip")
        with self.Image.open(self.path("clip-trial-0000.gif")) as image:
            self.assertEqual((image.info["loop"], image.n_frames), (0, self.INPUT + self.TARGET))
            pictures = [np.array(frame.convert("L")) for frame in self.ImageSequence.Iterator(image)]
        for t, picture in enumerate(pictures):
            for clip in range(self.CLIPS):
                above, below = ((self.x, self.x) if t < self.INPUT else (self.y, self.decoded))
                place = t if t < self.INPUT else t - self.INPUT
                np.testing.assert_array_equal(self.at(picture, clip, 0, 3), above[0, clip, place])
                np.testing.assert_array_equal(self.at(picture, clip, 1, 3), below[0, clip, place])

    def test_frames_that_are_not_there(self):
        self.succeed("train", "tiny.yaml", "-o", "none", "eval.pictures=0")
        self.assert_refused("none: it keeps no frames; run it with eval.pictures above 0", "export", "none", "--frames",
                            code=1)
        with edited(self.path("out", "sweep.h5")) as file:
            file["status"][...] = 1
            file["picture_x"][1] = 0
        os.mkdir(self.path("out", "frames"))
        self.assert_refused("out: no trial is done, and frames are recorded at the end", "export", "out", "--frames",
                            code=1)
        self.assert_refused("trial 1 has no frames: they are recorded when it is done", "export", "out", "1", "--frames",
                            code=1)


class Refused(Case):
    def test_requests_that_make_no_sense(self):
        self.succeed("train", "tiny.yaml", "-o", "out")
        for sentence, arguments in [
                ("expected --format, or --frames; see `vjvcr export --help`", ["out"]),
                ('--format: expected one of csv, safetensors, png, gif, got "cvs"; did you mean "csv"?',
                 ["out", "--format", "cvs"]),
                ("--format: expected a value", ["out", "--format"]),
                ('export has no option --fromat; did you mean "--format"?', ["out", "--fromat", "csv"]),
                ('--format csv: all trials are exported at once; leave "0" out', ["out", "0", "--format", "csv"]),
                ("--layout: only --format safetensors has layouts", ["out", "--format", "csv", "--layout", "pytorch"]),
                ("--format safetensors: expected the number of a trial behind DIR", ["out", "--format", "safetensors"]),
                ("--format png: only frames are pictures; add --frames", ["out", "--format", "png"]),
                ("--format csv: frames are exported as png or gif", ["out", "--frames", "--format", "csv"]),
                ("--scale: only --frames has a scale", ["out", "--format", "csv", "--scale", "2"]),
                ('--scale: expected a whole number from 1 to 32 (pixels), got "0"', ["out", "--frames", "--scale", "0"]),
                ('TRIAL: expected a number from 0 to 0, got "1"', ["out", "1", "--format", "safetensors"])]:
            with self.subTest(sentence):
                self.assert_refused(sentence, "export", *arguments)

    def test_weights_that_are_not_there(self):
        self.succeed("train", "tiny.yaml", "-o", "out")
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["ledger", "sweep.h5", "sweep.yaml"])
        self.assert_refused("out: trial 0 ended without keeping its weights; run it with checkpoint.keep=weights to have "
                            "them", "export", "out", "0", "--format", "safetensors", code=1)

    def test_places_that_cannot_be_written(self):
        self.succeed("train", "tiny.yaml", "-o", "out")
        self.assert_refused("no/such-trials.csv: can't be written: No such file or directory; choose another place with "
                            "-o", "export", "out", "--format", "csv", "-o", "no/such", code=1)

    def test_damaged_weights_are_noticed(self):
        self.succeed("train", "tiny.yaml", "-o", "out", "checkpoint.keep=weights")
        path = self.path("out", "weights", "trial-0000.h5")
        with open(path, "rb") as file:
            data = bytearray(file.read())
        data[len(data) // 2] ^= 1
        with open(path, "wb") as file:
            file.write(data)
        self.assert_refused("out/weights/trial-0000.h5: this checkpoint is damaged: its checksum does not fit",
                            "export", "out", "0", "--format", "safetensors", code=1)


class Kept(Case):
    def test_keeping_may_begin_with_a_resume_and_changes_nothing_else(self):
        self.write("two.yaml", TINY + "sweep: {seeds: 2}\n")
        self.succeed("sweep", "two.yaml", "-o", "plain")
        self.succeed("sweep", "two.yaml", "-o", "kept", "checkpoint.keep=weights")
        self.assertEqual(sorted(os.listdir(self.path("kept", "weights"))), ["trial-0000.h5", "trial-0001.h5"])
        plain, kept = values_of(self.path("plain", "sweep.h5")), values_of(self.path("kept", "sweep.h5"))
        np.testing.assert_array_equal(plain["train_loss"], kept["train_loss"])
        before = everything_in(self.path("kept", "weights"))
        self.succeed("sweep", "two.yaml", "-o", "kept", "--resume")
        self.assertTrue(everything_in(self.path("kept", "weights")) == before)
        self.succeed("sweep", "two.yaml", "-o", "plain", "--resume", "checkpoint.keep=weights")
        self.assertNotIn("weights", os.listdir(self.path("plain")))

    def test_weights_that_cannot_be_kept_cost_no_result(self):
        self.write("weights", "")
        os.mkdir(self.path("out"))
        os.rename(self.path("weights"), self.path("out", "weights"))
        result = self.run_vjvcr("train", "tiny.yaml", "-o", "out", "checkpoint.keep=weights")
        self.assertEqual(result.code, 0)
        self.assertEqual(result.err, "trial 0: out/weights/trial-0000.h5: this checkpoint can't be written: Not a "
                         "directory; the trial's results are whole, its weights are not kept\n")
        self.assertEqual(list(values_of(self.path("out", "sweep.h5"))["status"]), [2])

    def test_the_same_bytes_on_two_ranks(self):
        for ranks in (1, 2):
            options = {} if ranks == 1 else {"ranks": 2}
            self.succeed("train", "tiny.yaml", "-o", f"on{ranks}", "checkpoint.keep=weights", **options)
        one, two = (everything_in(self.path(f"on{n}", "weights")) for n in (1, 2))
        self.assertTrue(one == two)


if __name__ == "__main__":
    unittest.TestCase.maxDiff = None
    main()
