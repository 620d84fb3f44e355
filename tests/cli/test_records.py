"""sweep.h5 holds what framework/store/records says, and docs/file-formats.md says the same: dimensions, type, unit, long
name of every variable are those of exactly one row, and what is always there is there."""

import json
import os
import re

from support.vjvcr import SOURCE, TINY, Case, h5py, main

PROBES = """\
    position: {type: trajectory, target: position, on: hy_pred, label_share: [0.2, 1]}
    bounce: {type: knn, target: bounce, on: hy, by_horizon: true, dimension: 4}
    digit: {type: logistic, target: digit, on: hy}
"""
# What brings variables of its own: arms, numbers and words that are swept, latents, a decoder, states, frames, probes
# with every kind of metric, early stopping.
ARMS = TINY.replace("  probes: {speed: {type: ridge, target: speed, on: hy_pred}}\n",
                    "  states: 3\n  decoder_steps: 2\n  probes:\n    speed: {type: ridge, target: speed, on: hy_pred}\n"
                    + PROBES).replace("  predictor:", "  decoder: {type: cnn, channels: [8, 8, 4]}\n  predictor:") + """\
sweep:
  stopping: {type: asha, metric: val_loss, mode: min, grace_steps: 2, reduction_factor: 2}
  trials:
    plain: {}
    discrete: {model.latent: {type: discrete, choices: 3}}
    sparse: {model.latent: {type: sparse, size: 4, lambda: 0.01}, losses.prediction.distance: l1}
"""
VIDEOS = """\
name: videos
data: {dataset: video_list, root: videos, size: 16, stride: 2, input_frames: 2, target_frames: 3}
model:
  encoder: {type: cnn, channels: [4], temporal: [8]}
  predictor: {type: mlp, hidden: [8]}
losses:
  prediction: {weight: 1.0}
  variance: {weight: 1.0}
optim: {steps: 2, batch: 4, shards: 2}
eval: {every: 2, samples: 4, pictures: 0}
"""
VIEW = "(?:hx|hy_pred|hy|z)"
OF_HDF5 = {"DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "_Netcdf4Dimid", "_Netcdf4Coordinates"}


def expression(pattern, known=None):
    """A regular expression for names or texts of a pattern; words that are known already stand for themselves."""
    parts = re.split(r"<(\w+)>", pattern)
    out = re.escape(parts[0])
    for word, after in zip(parts[1::2], parts[2::2]):
        free = VIEW if word == "view" else ".*" if word in ("unit", "oracle") else ".+"
        out += (re.escape(known[word]) if known and word in known else f"(?P<{word}>{free})") + re.escape(after)
    return re.compile(out)


class Variable:
    def __init__(self, file, name):
        data, self.name = file[name], name
        self.dimensions = [scale[0].name.lstrip("/") for scale in data.dims]
        self.type = {"S": "text", "f": f"float{8 * data.dtype.itemsize}", "i": f"int{8 * data.dtype.itemsize}",
                     "u": f"uint{8 * data.dtype.itemsize}"}[data.dtype.kind]
        self.bytes = data.shape[-1] if self.type == "text" else 0
        if self.type == "text":
            assert self.dimensions.pop() == f"text_{self.bytes}"
        self.attributes = {key: value.decode() if isinstance(value, bytes) else value
                           for key, value in data.attrs.items() if key not in OF_HDF5}
        self.units = self.attributes.get("units", "")
        self.long_name = self.attributes.get("long_name")


def type_agrees(row, variable):
    if row["type"].startswith("text, "):
        return variable.type == "text" and row["type"] == f"text, {variable.bytes} bytes"
    return variable.type in row["type"].split(" or ")


def dimensions_agree(row, variable, metrics):
    """Of a metric, they end in those that its component declares."""
    own, _, of_metric = row["dimensions"].partition("; ")
    if not of_metric:
        return variable.dimensions == own.split(", ")
    for metric in metrics:
        words = expression(metric["variable"]).fullmatch(variable.name)
        end = metric["dimensions"].split(", ") if metric["dimensions"] else []
        if words and variable.long_name.startswith(metric["meaning"]) and \
                variable.dimensions == own.split(", ") + end and \
                (metric["units"].startswith("label") or metric["units"] == variable.units):
            return True
    return False


def agrees(row, variable, metrics):
    name = expression(row["variable"]).fullmatch(variable.name)
    if not name or not expression(row["long name"], name.groupdict()).fullmatch(variable.long_name):
        return False
    return bool(expression(row["units"]).fullmatch(variable.units)) and type_agrees(row, variable) and \
        dimensions_agree(row, variable, metrics)


class Records(Case):
    def setUp(self):
        super().setUp()
        self.told = json.loads(self.succeed("list", "records", "--format", "json").out)
        self.rows = {row["variable"]: row for row in self.told["records"]}
        self.assertEqual(len(self.rows), len(self.told["records"]))

    def assert_one_row(self, variable):
        rows = [self.rows[variable.name]] if variable.name in self.rows else self.told["records"]
        found = [row["variable"] for row in rows if agrees(row, variable, self.told["metrics"])]
        self.assertEqual(len(found), 1, (variable.__dict__, found))
        expected = {"long_name", *(["units"] if variable.units else []),
                    *(["_Encoding"] if variable.type == "text" else []),
                    *(["flag_values", "flag_meanings"] if variable.name == "status" else [])}
        self.assertEqual(set(variable.attributes) - {"_FillValue"}, expected, variable.name)
        return found[0]

    def check(self, path):
        """Returns the rows that were found."""
        dimensions = {row["dimension"]: row for row in self.told["dimensions"]}
        with h5py.File(path, "r") as file:
            names = [name for name in file if file[name].dims and not name.startswith("text_")]
            for name in [n for n in names if n in dimensions]:
                attributes = Variable(file, name).attributes if name not in dimensions else file[name].attrs
                told = {key: value.decode() if isinstance(value, bytes) else value for key, value in attributes.items()}
                self.assertEqual((told["units"], told["long_name"]),
                                 (dimensions[name]["units"], dimensions[name]["long name"]))
            variables = [Variable(file, name) for name in names if name not in dimensions]
            self.assertEqual({d for v in variables for d in v.dimensions} - {*dimensions}, set())
        return {self.assert_one_row(variable) for variable in variables}

    def test_a_sweep_of_everything(self):
        self.write("arms.yaml", ARMS)
        self.succeed("sweep", "arms.yaml", "-o", "out")
        found = self.check(self.path("out", "sweep.h5"))
        self.assertEqual(sorted(found), sorted(name for name in self.rows if not name.startswith("data_videos")))

    def test_a_sweep_of_videos(self):
        self.succeed("data", "make", "videos", "videos", "--videos", "4,4,4", "--frames", "20", "--size", "32x24")
        self.write("videos.yaml", VIDEOS)
        self.succeed("sweep", "videos.yaml", "-o", "out")
        found = self.check(self.path("out", "sweep.h5"))
        there = {name for name, row in self.rows.items() if row["there"] == "always" or "data set of videos" in row["there"]}
        self.assertLessEqual(there, found)

    def test_what_is_always_there(self):
        self.succeed("sweep", "tiny.yaml", "-o", "out")
        found = self.check(self.path("out", "sweep.h5"))
        self.assertLessEqual({name for name, row in self.rows.items() if row["there"] == "always"}, found)

    def test_the_page_is_what_the_program_says(self):
        with open(os.path.join(SOURCE, "docs", "file-formats.md"), encoding="utf-8") as page:
            text = page.read()
        for table in self.succeed("list", "records", "--format", "md").out.strip().split("\n\n"):
            self.assertIn(f"\n\n{table}\n\n", text, "docs/file-formats.md: take what `vjvcr list records --format md` says")

    def test_describe(self):
        self.assertEqual(self.succeed("describe", "record", "seed").out,
                         "seed: seed of initialisation, sample order and noise\n(trial), int64, 1\nthere: always\n")
        self.assertIn("probe_<probe>_<metric>: ", self.succeed("describe", "record", "probe_speed_mse").out)
        self.assert_refused('there is no record "sead"; `vjvcr list records` shows those there are', "describe", "record",
                            "sead")


if __name__ == "__main__":
    main()
