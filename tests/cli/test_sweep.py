"""A sweep from its YAML to its files: what it measures, what the table says, and that it can be stopped and resumed."""

import os
import re
import shutil
import subprocess
import time

from support import requirements
from support.vjvcr import SOURCE, TINY, VJVCR, Case, SweepCase, differing, edited, everything_in, main, np, values_of

# 2 arms x 2 values x 2 seeds; the arms slowest, the seeds fastest
SWEEP = TINY + """\
sweep:
  trials:
    weak: {losses.variance.weight: 1}
    strong: {losses.variance.weight: 100, losses.prediction.distance: l1}
  parameters:
    optim.lr: [1.0e-3, 1.0e-2]
  seeds: 2
"""
TRIALS = 8
PROBE = ["baseline_mse", "lambda", "mse", "mse_se", "mse_standardised", "mse_validation", "r2"]


def cells(line):
    return re.split(r"  +", line.strip())


def rows_of(table):
    """The rows of a printed table as dictionaries."""
    lines = table.splitlines()
    rows = []
    for line in lines[2:]:
        if len(cells(line)) != len(cells(lines[0])):
            break
        rows.append(dict(zip(cells(lines[0]), cells(line))))
    return rows


class Finished(SweepCase):
    """One sweep, looked at from all sides and changed by no one."""
    text = SWEEP

    def test_files(self):
        self.assertEqual(sorted(everything_in(self.path("out"))), ["ledger", "sweep.h5", "sweep.yaml"])

    def test_every_trial_is_done(self):
        v = self.values
        self.assertEqual(list(v["status"]), [2] * TRIALS)
        self.assertEqual(list(v["committed"]), [4] * TRIALS)
        self.assertEqual(list(v["attempt"]), [1] * TRIALS)
        self.assertEqual(list(v["failure"]), [""] * TRIALS)
        self.assertTrue(np.all(v["time_total"] > 0))

    def test_trials_are_arms_then_grid_then_seeds(self):
        v = self.values
        self.assertEqual(list(v["arm"]), ["weak"] * 4 + ["strong"] * 4)
        self.assertEqual(list(v["seed"]), [0, 1] * 4)
        self.assertEqual(list(v["param.optim.lr"]), [1e-3, 1e-3, 1e-2, 1e-2] * 2)
        self.assertEqual(list(v["param.losses.variance.weight"]), [1] * 4 + [100] * 4)
        self.assertEqual(list(v["param.losses.prediction.distance"]), ["mse"] * 4 + ["l1"] * 4)

    def test_each_trial_keeps_its_configuration(self):
        for i, config in enumerate(self.values["config"]):
            self.assertIn(f"\nseed: {i % 2}\n", config)
            self.assertIn(f"    distance: {'mse' if i < 4 else 'l1'}\n", config)
            self.assertNotIn("\nsweep:", config)
        self.shared.write("again.yaml", self.values["config"][5])
        self.succeed("train", "again.yaml", "-o", "again")
        again = values_of(self.path("again", "sweep.h5"))
        for name in ("train_loss", "val_prediction", "hx_singular_values", "probe_speed_mse"):
            self.assertEqual(again[name][0].tobytes(), self.values[name][5].tobytes(), name)

    def test_coordinates_of_steps_and_evaluations(self):
        self.assertEqual(list(self.values["step"]), [1, 2, 3, 4])
        self.assertEqual(list(self.values["eval"]), [0, 2, 4])
        self.assertEqual(list(self.values["trial"]), list(range(TRIALS)))

    def test_every_measure_is_there_and_finite(self):
        v = self.values
        for loss in ("loss", "prediction", "variance", "covariance"):
            self.assertEqual((v[f"train_{loss}"].shape, v[f"val_{loss}"].shape), ((TRIALS, 4), (TRIALS, 3)))
            self.assertTrue(np.all(np.isfinite(v[f"train_{loss}"])) and np.all(np.isfinite(v[f"val_{loss}"])), loss)
        for metric in PROBE:  # at both ends, not between
            row = np.isfinite(v[f"probe_speed_{metric}"])
            self.assertEqual(row.tolist(), [[True, False, True]] * TRIALS, metric)
        self.assertEqual(sorted(n for n in v if n.startswith("probe_")), [f"probe_speed_{m}" for m in PROBE])

    def test_the_total_is_the_weighted_sum(self):
        v, weight = self.values, self.values["param.losses.variance.weight"][:, None]
        total = v["train_prediction"] + weight * v["train_variance"] + 0.1 * v["train_covariance"]
        np.testing.assert_allclose(v["train_loss"], total, rtol=1e-5)

    def test_singular_values(self):
        """d = 8 features; 32 samples of 3 or 12 steps are more."""
        for view in ("hx", "hy", "hy_pred"):
            values = self.values[f"{view}_singular_values"]
            self.assertEqual(values.shape, (TRIALS, 3, 8))
            self.assertTrue(np.all(np.isfinite(values)) and np.all(values >= 0))
            self.assertTrue(np.all(np.diff(values, axis=2) <= 0), "the largest comes first")
            p = values / values.sum(axis=2, keepdims=True)
            rank = np.exp(-np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0), axis=2))
            np.testing.assert_allclose(self.values[f"{view}_rankme"], rank, rtol=1e-2)

    def test_table_agrees_with_the_file(self):
        table = self.succeed("ls", "out").out
        rows, v = rows_of(table), self.values
        self.assertEqual(cells(table.splitlines()[0]),
                         ["trial", "arm", "losses.variance.weight", "losses.prediction.distance", "optim.lr", "seed",
                          "prediction", "variance", "covariance", "std hx", "RankMe hx", "first 10", "speed MSE", "speed R²",
                          "collapsed?"])
        self.assertEqual(len(rows), TRIALS)
        for i, row in enumerate(rows):
            self.assertEqual((row["trial"], row["arm"], row["seed"]), (str(i), v["arm"][i], str(v["seed"][i])))
            self.assertEqual(float(row["optim.lr"]), v["param.optim.lr"][i])
            for heading, name in (("prediction", "val_prediction"), ("variance", "val_variance"),
                                  ("covariance", "val_covariance"), ("std hx", "hx_feature_std_median"),
                                  ("RankMe hx", "hx_rankme"),
                                  ("speed MSE", "probe_speed_mse"), ("speed R²", "probe_speed_r2")):
                self.assertTrue(np.isclose(float(row[heading]), v[name][i, -1], rtol=5e-3), (i, heading, row[heading]))

    def test_table_of_a_sweep_has_means_over_seeds(self):
        rows = rows_of(self.succeed("table", "out").out)
        self.assertTrue(self.printed.startswith(self.succeed("table", "out").out))
        self.assertRegex(self.printed, r"\n8 trials in \w+; everything measured is in out/sweep.h5\n$")
        self.assertEqual([(row["arm"], row["seeds"]) for row in rows], [("weak", "2")] * 2 + [("strong", "2")] * 2)
        for i, row in enumerate(rows):
            pair = self.values["val_prediction"][2 * i:2 * i + 2, -1]
            mean, spread = (float(number) for number in row["prediction"].split("±"))
            self.assertTrue(np.isclose(mean, pair.mean(), rtol=5e-3, atol=pair.std(ddof=1)), row["prediction"])
            self.assertTrue(np.isclose(spread, pair.std(ddof=1), rtol=0.5), row["prediction"])

    def test_resuming_a_complete_sweep_does_nothing(self):
        before = everything_in(self.path("out"))
        out = self.succeed("sweep", "sweep.yaml", "-o", "out", "--resume").out
        self.assertEqual(out.splitlines()[:-1], self.printed.splitlines()[:-1])
        self.assertTrue(everything_in(self.path("out")) == before)

    def test_xarray_opens_it(self):
        with requirements.modules():
            import h5netcdf  # noqa: F401
            import netCDF4  # noqa: F401
            import xarray as xr
        for engine in ("h5netcdf", "netcdf4"):
            with self.subTest(engine=engine), xr.open_dataset(self.path("out", "sweep.h5"), engine=engine) as sweep:
                self.assertEqual(dict(sweep.sizes), {"trial": TRIALS, "step": 4, "eval": 3, "component": 8, "horizon": 12,
                                                     "sample": 2, "input_frame": 3, "row": 32, "column": 32, "channel": 1})
                for name in ("arm", "seed", "status", "attempt", "param.optim.lr"):
                    self.assertEqual((name in sweep.coords, sweep[name].dims), (True, ("trial",)), name)
                self.assertEqual(sweep["train_loss"].dims, ("trial", "step"))
                self.assertEqual(sweep["hx_singular_values"].dims, ("trial", "eval", "component"))
                self.assertEqual(sweep["probe_speed_mse"].attrs["units"], "(px/frame)^2")
                strong = sweep["val_prediction"].sel(eval=4)[sweep["arm"].astype(str).values == "strong"]
                np.testing.assert_array_equal(strong.values, self.values["val_prediction"][4:, 2])


class Looking(Case):
    def test_dry_run_makes_nothing_and_lists_all_trials(self):
        self.write("sweep.yaml", SWEEP)
        before = everything_in(self.folder)
        out = self.succeed("sweep", "sweep.yaml", "-o", "out", "--dry-run").out
        self.assertEqual(everything_in(self.folder), before)
        rows = rows_of(out)
        self.assertEqual([row["trial"] for row in rows], [str(i) for i in range(TRIALS)])
        self.assertEqual([row["seed"] for row in rows], ["0", "1"] * 4)
        self.assertEqual(rows[6]["settings"], "losses.variance.weight=100 losses.prediction.distance=l1 "
                         "optim.lr=1.0e-2")
        self.assertRegex(out.splitlines()[-3], r"^8 trials on 1 group of 1 rank; \d+\.\d\d million parameters$")

    def test_printed_configuration_gives_the_same_result(self):
        self.write("sweep.yaml", SWEEP)
        printed = self.succeed("sweep", "sweep.yaml", "--print-config", "data.seed=3").out
        self.write("printed.yaml", printed)
        self.assertEqual(self.succeed("sweep", "printed.yaml", "--print-config").out, printed)
        self.succeed("sweep", "sweep.yaml", "-o", "one", "data.seed=3")
        self.succeed("sweep", "printed.yaml", "-o", "other")
        one, other = values_of(self.path("one", "sweep.h5")), values_of(self.path("other", "sweep.h5"))
        self.assertEqual(differing(one, other), [])

    def test_overrides_take_effect_and_train_ignores_the_sweep(self):
        self.write("sweep.yaml", SWEEP)
        self.succeed("train", "sweep.yaml", "optim.steps=6", "-o", "out", "losses={prediction: {distance: cosine}}",
                     "--seed", "5")
        found = values_of(self.path("out", "sweep.h5"))
        self.assertEqual(list(found["step"]), [1, 2, 3, 4, 5, 6])
        self.assertEqual((list(found["seed"]), list(found["arm"])), ([5], [""]))
        self.assertIn("    distance: cosine\n", found["config"][0])
        self.assertNotIn("train_variance", found)
        self.assertFalse([name for name in found if name.startswith("param.")])

    def test_results_go_to_a_folder_of_the_experiments_name(self):
        self.succeed("train", "tiny.yaml", "name=other", "optim.steps=1", "eval.probes=")
        self.assertEqual(sorted(os.listdir(self.path("runs", "other"))), ["ledger", "sweep.h5", "sweep.yaml"])


class Stopped(Case):
    """A sweep that was killed and resumed has measured what an uninterrupted one has."""
    SETTINGS = ["optim.steps=40", "eval.every=20"]

    def setUp(self):
        super().setUp()
        self.write("sweep.yaml", SWEEP)

    def kill_after(self, trials):
        process = subprocess.Popen([VJVCR, "sweep", "sweep.yaml", "-o", "killed", *self.SETTINGS], cwd=self.folder,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None:
            if self.ledger().count(" done ") >= trials:
                break
            time.sleep(0.002)
        process.kill()
        process.wait()
        done = self.ledger().count(" done ")
        self.assertTrue(trials <= done < TRIALS, f"{done} of {TRIALS} trials were done when it was killed")
        return done

    def ledger(self):
        path = self.path("killed", "ledger")
        if not os.path.exists(path):
            return ""
        with open(path) as file:
            return file.read()

    def test_resumed_after_kill_is_the_same(self):
        done = self.kill_after(2)
        listed = rows_of(self.succeed("ls", "killed").out)
        self.assertEqual({row["collapsed?"] for row in listed[done + 1:]}, {"waiting"})
        self.succeed("sweep", "sweep.yaml", "-o", "killed", "--resume", *self.SETTINGS, ranks=2)
        self.succeed("sweep", "sweep.yaml", "-o", "whole", *self.SETTINGS)
        killed, whole = values_of(self.path("killed", "sweep.h5")), values_of(self.path("whole", "sweep.h5"))
        self.assertEqual(differing(killed, whole, apart_from=["attempt"]), [])
        self.assertEqual(list(killed["attempt"][:done]), [1] * done)
        self.assertEqual(list(killed["attempt"][done + 1:]), [1] * (TRIALS - done - 1))
        self.assertIn(killed["attempt"][done], (1, 2))

    def test_resumed_before_the_first_row_is_the_same(self):
        """As if it had been killed when sweep.h5 was there, and nothing in it."""
        self.succeed("sweep", "sweep.yaml", "-o", "whole")
        shutil.copytree(self.path("whole"), self.path("killed"))
        os.remove(self.path("killed", "ledger"))
        with edited(self.path("killed", "sweep.h5")) as file:
            for name in ("seed", "status", "attempt", "committed"):
                file[name][...] = -1
            for name in ("arm", "config", "param.losses.prediction.distance"):
                file[name][...] = b"\0"
            file["param.optim.lr"][...] = np.nan
        listed = self.succeed("ls", "killed").out.splitlines()[2:2 + TRIALS]
        self.assertEqual([line.split()[-1] for line in listed], ["waiting"] * TRIALS)
        self.succeed("sweep", "sweep.yaml", "-o", "killed", "--resume")
        killed, whole = values_of(self.path("killed", "sweep.h5")), values_of(self.path("whole", "sweep.h5"))
        self.assertEqual(differing(killed, whole), [])


PLUGIN = """
#include "vj/component.h"
#include "vj/ops.h"

typedef struct twice_config {
  double factor;
} twice_config;

static const vj_param params[] = {VJ_REAL(twice_config, factor, "2.0", 0, 100, "", "what the error is multiplied by")};

static vj_var *build(vj_graph *graph, const void *untyped) {
  const twice_config *config = untyped;
  vj_var *error = vj_square(graph, vj_sub(graph, vj_view(graph, "hy_pred"), vj_view(graph, "hy")));
  return vj_scale(graph, vj_mean_all(graph, error), config->factor, 0);
}

static const vj_component twice = {.abi = VJ_ABI,
                                   .kind = VJ_LOSS,
                                   .name = "twice",
                                   .summary = "a multiple of the prediction error",
                                   .source = "",
                                   .params = params,
                                   .param_count = VJ_COUNT(params),
                                   .config_bytes = sizeof(twice_config),
                                   .as.loss = {.build = build}};
"""
# A predictor without a place for a latent, and a decoder whose frames lack a row.
PARTS = """
#include "vj/component.h"
#include "vj/ops.h"

static vj_var *map(vj_graph *graph, vj_var *x, int64_t out) {
  vj_var *flat = vj_flatten(graph, x, 1);
  const vj_shape shape = VJ_SHAPE(out, vj_shape_of(flat).size[1]);
  return vj_linear(graph, flat, vj_parameter(graph, &(vj_param_spec){"map", shape, "OI", VJ_INIT_NORMAL, 0.1, true}),
                   NULL);
}

static vj_var *predict(vj_graph *graph, const void *config, vj_var *hx, vj_var *z, const vj_shape *target) {
  (void)config, (void)z;
  return vj_reshape(graph, map(graph, hx, vj_shape_count(target, 1, target->rank)), target);
}

static vj_var *decode(vj_graph *graph, const void *config, vj_var *hidden, const vj_shape *target) {
  vj_shape shape = *target;
  (void)config;
  shape.size[2]--;
  return vj_reshape(graph, map(graph, hidden, vj_shape_count(&shape, 1, shape.rank)), &shape);
}

static const vj_component plain = {.abi = VJ_ABI,
                                   .kind = VJ_PREDICTOR,
                                   .name = "plain",
                                   .summary = "",
                                   .source = "",
                                   .as.predictor = {.build = predict}};
static const vj_component shorter = {.abi = VJ_ABI,
                                     .kind = VJ_DECODER,
                                     .name = "short",
                                     .summary = "",
                                     .source = "",
                                     .as.decoder = {.build = decode}};

VJ_PLUGIN(&plain, &shorter);
"""
WRONG_ABI = """
static const vj_component *const components[] = {&twice};
const vj_plugin_table vj_plugin = {VJ_ABI + 1, 1, components};
"""


class Plugins(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        requirements.programs(os.environ.get("CC", "cc").split()[0])

    def build(self, name, source):
        self.write(f"{name}.c", source)
        subprocess.run([*os.environ.get("CC", "cc").split(), "-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                        "-ffp-contract=off", "-shared", "-fPIC", f"-I{SOURCE}/framework/include", "-o", self.path(f"{name}.so"),
                        self.path(f"{name}.c")], check=True)
        losses = "losses:\n  twice: {}\n" if "twice" in source else "losses:\n"
        self.write(f"{name}.yaml", f"plugins: [{name}.so]\n" + TINY.replace("losses:\n", losses))

    def test_custom_loss(self):
        self.build("twice", PLUGIN + "VJ_PLUGIN(&twice);\n")
        listed, builtin = (rows_of(self.succeed("list", "losses", *file).out) for file in (["twice.yaml"], []))
        added = {"kind": "loss", "name": "twice", "summary": "a multiple of the prediction error"}
        self.assertEqual(listed, [*builtin, added])
        self.assertNotIn(added, builtin)
        described = self.succeed("describe", "loss", "twice", "twice.yaml").out
        self.assertRegex(described, r"(?m)^factor +number +2\.0 +0\.\.100 +what the error is multiplied by$")
        self.succeed("train", "twice.yaml", "-o", "out")
        found = values_of(self.path("out", "sweep.h5"))
        np.testing.assert_array_equal(found["train_twice"], 2 * found["train_prediction"])
        self.succeed("train", "twice.yaml", "-o", "two", ranks=2)
        self.assertEqual(differing(found, values_of(self.path("two", "sweep.h5"))), [])

    def test_a_predictor_that_takes_no_latent(self):
        self.build("parts", PARTS)
        for latent in ("discrete", "sparse"):
            self.assert_refused(f"predictor: predictor plain can't take a {latent} latent", "train", "parts.yaml", "-o",
                                "out", "model.predictor={type: plain}", f"model.latent={{type: {latent}}}")

    def test_a_decoder_that_does_not_fit_the_frames(self):
        self.build("parts", PARTS)
        decoder = ["model.decoder={type: short}", "losses={reconstruction: {}}"]
        for latent in ("none", "discrete"):  # the same sentence where the inference meets the decoder first
            self.assert_refused("decoder short: gives [4,12,31,32,1] for frames [4,12,32,32,1]", "train", "parts.yaml",
                                "-o", "out", f"model.latent={{type: {latent}}}", *decoder)

    def test_parameters_of_a_plug_in_are_checked(self):
        self.build("twice", PLUGIN + "VJ_PLUGIN(&twice);\n")
        self.assert_refused('override losses.twice.factr: losses.twice: unknown key "factr"; did you mean "factor"?',
                            "train", "twice.yaml", "losses.twice.factr=3")

    def test_without_the_plug_in_its_loss_is_unknown(self):
        self.write("tiny.yaml", TINY.replace("losses:\n", "losses:\n  twice: {}\n"))
        self.assert_refused(r'^vjvcr: tiny\.yaml:7:3: losses\.twice: no loss "twice"; losses are prediction, \w+.*\n$',
                            "train", "tiny.yaml")

    def test_wrong_abi_is_refused(self):
        self.build("old", PLUGIN + WRONG_ABI)
        with open(os.path.join(SOURCE, "framework", "include", "vj", "component.h")) as header:
            ours = int(re.search(r"VJ_ABI = (\d+)", header.read()).group(1))
        self.assert_refused(f"old.yaml:1:11: plugins: plug-in old.so: built for ABI {ours + 1}, this program has ABI "
                            f"{ours}; build it again", "train", "old.yaml", "-o", "out")

    def test_a_plug_in_that_is_not_there(self):
        self.write("none.yaml", "plugins: [none.so]\n" + TINY)
        self.assert_refused("none.yaml:1:11: plugins: plug-in none.so: cannot be read: No such file or directory",
                            "train", "none.yaml", "-o", "out", ranks=2)

    def test_a_library_that_is_no_plug_in(self):
        self.build("empty", "int nothing;\n")
        self.assert_refused('empty.yaml:1:11: plugins: plug-in empty.so: no symbol "vj_plugin"; end its source with '
                            "VJ_PLUGIN(&my_component);", "train", "empty.yaml", "-o", "out")


if __name__ == "__main__":
    main()
