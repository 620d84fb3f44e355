"""What is one trial, the resolved configuration decides; and a value of the YAML is recorded as what it is."""

import csv
import io
import json

from support.vjvcr import TINY, Case, main, np, values_of

REPEATED = "combinations of the sweep repeat"


class Repeats(Case):
    def sweep(self, sweep, *settings, text=TINY):
        self.write("sweep.yaml", text + "sweep: " + sweep + "\n")
        return self.run_vjvcr("sweep", "sweep.yaml", "-o", "out", *settings)

    def rows(self, verb="table"):
        return list(csv.DictReader(io.StringIO(self.succeed(verb, "out", "--format", "csv").out)))

    def test_repeated_seeds_are_trained_once_and_told_once(self):
        done = self.sweep("{seeds: [0, 0, 1, 00]}")
        self.assertEqual(done.code, 0)
        self.assertEqual(done.err.count(REPEATED), 1, done.err)
        dry = self.succeed("sweep", "sweep.yaml", "--dry-run").out
        self.assertEqual(dry.count(REPEATED), 1, dry)
        self.assertEqual(list(values_of(self.path("out", "sweep.h5"))["seed"]), [0, 1])
        with open(self.path("out", "ledger")) as ledger:
            self.assertEqual(ledger.read().count(" claim "), 2)
        best = json.loads(self.succeed("best", "out", "probe_speed_mse", "--group-seeds", "--format", "json").out)
        self.assertEqual([row["n"] for row in best], [2])

    def test_values_from_everywhere(self):
        for number, (sweep, settings, trials) in enumerate((
                ("{parameters: {optim.lr: [1.0e-3, 0.001, .001, 1e-3]}}", (), 1),
                ("{parameters: {optim.lr: [1.0e-3]}}", ("sweep.parameters.optim.lr=[0.001, 1.0e-3, 2.0e-3]",), 2),
                ("{seeds: 2}", ("sweep.seeds=[3, 3]",), 1),
                ("{method: random, samples: 6, parameters: {data.max_speed: {integer: [1, 2]}}}", (), 2),
                ("{parameters: {optim.lr: {linear: [1, 1], n: 4}}, seeds: [5, 5]}", (), 1))):
            self.write(f"{number}.yaml", TINY + "sweep: " + sweep + "\n")
            out = self.succeed("sweep", f"{number}.yaml", "--dry-run", *settings).out
            listed = [line for line in out.split("\n\n")[0].splitlines() if line[:5].strip().isdigit()]
            self.assertEqual(len(listed), trials, out)
            self.assertEqual(out.count(REPEATED), 1, out)

    def test_arms_that_are_the_same_stay_and_are_told(self):
        done = self.sweep("{trials: {a: {}, b: {losses.variance.weight: 10}}}")
        self.assertEqual(done.code, 0)
        self.assertEqual(done.err, 'arms "a" and "b" have the same settings in 1 trial; they are trained twice, and give '
                                   "the same numbers\n")
        self.assertEqual([row["arm"] for row in self.rows()], ["a", "b"])

    def test_a_sweep_without_repeats_goes_on_and_grows(self):
        self.assertEqual(self.sweep("{seeds: [0, 1]}").code, 0)
        before = values_of(self.path("out", "sweep.h5"))
        again = self.run_vjvcr("sweep", "sweep.yaml", "-o", "out", "--resume", "sweep.seeds=[0, 0, 1, 2, 2]")
        self.assertEqual(again.code, 0, again.err)
        after = values_of(self.path("out", "sweep.h5"))
        self.assertEqual(list(after["seed"]), [0, 1, 2])
        self.assertEqual(after["train_loss"][:2].tobytes(), before["train_loss"].tobytes())

    def test_whole_numbers_keep_all_digits(self):
        seeds = [9007199254740992, 9007199254740993, 9223372036854775807]
        done = self.sweep(f"{{seeds: {seeds}, parameters: {{data.seed: {seeds}}}}}")
        self.assertEqual((done.code, done.err), (0, ""))
        values = values_of(self.path("out", "sweep.h5"))
        self.assertEqual([int(s) for s in values["seed"]], seeds * 3)
        self.assertEqual([int(s) for s in values["param.data.seed"]], sorted(seeds * 3))
        self.assertEqual([row["data.seed" if "data.seed" in row else "param.data.seed"] for row in self.rows()],
                         [str(s) for s in seeds])
        self.assertEqual(len(json.loads(self.succeed("ls", "out", "--format", "json").out)), 9)

    def test_numbers_that_differ_look_different(self):
        done = self.sweep("{parameters: {optim.lr: [0.0010000001, 0.0010000002], data.seed: [1000001, 1000002]}}")
        self.assertEqual((done.code, done.err), (0, ""))
        text = self.succeed("table", "out").out
        for value in ("0.0010000001", "0.0010000002", "1000001", "1000002"):
            self.assertIn(value, text)
        self.assertEqual(values_of(self.path("out", "sweep.h5"))["param.optim.lr"].dtype, np.float64)


class Texts(Case):
    """Folders whose names look like something else."""
    NAMES = ["001", "1", "0x10", "1e3", "1000", ".5", "0.50", "yes", "no", "on", "True", "inf", "nan", "1_000", "12:30",
             "9007199254740993", "9007199254740992", "2026-11-30", "+1"]

    def test_texts_stay_texts(self):
        for name in self.NAMES:
            self.succeed("data", "make", "videos", name, "--videos", "2,1,1", "--size", "16x16", "--frames", "6")
        text = TINY.replace(
            "{dataset: moving_mnist, size: 32, digit_size: 14, max_speed: 3, train_size: 64, validation_size: 32}",
            "{dataset: video_list, root: '001', size: 16, input_frames: 2, target_frames: 2, stride: 1}")
        text = text.replace("  probes: {speed: {type: ridge, target: speed, on: hy_pred}}\n", "")
        text = text.replace("batch: 16", "batch: 8").replace("steps: 4", "steps: 1").replace("every: 2", "every: 1")
        self.write("sweep.yaml", text + f"sweep: {{parameters: {{data.root: [{', '.join(self.NAMES)}]}}}}\n")
        done = self.run_vjvcr("sweep", "sweep.yaml", "-o", "out")
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertEqual(list(values_of(self.path("out", "sweep.h5"))["param.data.root"]), self.NAMES)
        table = json.loads(self.succeed("table", "out", "--format", "json").out)
        self.assertEqual([row["param.data.root" if "param.data.root" in row else "data.root"] for row in table], self.NAMES)
        one = json.loads(self.succeed("compare", "out", "data.root=001", "data.root=1", "--format", "json").out)
        self.assertTrue(one)
        self.run_vjvcr("sweep", "sweep.yaml", "-o", "out", "--resume")


if __name__ == "__main__":
    main()
