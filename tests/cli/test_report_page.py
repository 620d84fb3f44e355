"""`vjvcr report`: its numbers against pandas and SciPy, its pictures, and what it makes of sweeps not yet whole."""

import base64
import io
import os
import re
import shutil

from support import requirements
from support.collapse import verdict
from support.report_page import Page
from support.vjvcr import TINY, Case, edited, h5py, main, np

with requirements.modules():
    import pandas  # noqa: F401
    import scipy.stats
    import xarray
    from PIL import Image
requirements.programs("gnuplot")

GRID = TINY.replace("steps: 4", "steps: 2").replace("every: 2", "every: 1", 1) + """\
    place: {type: trajectory, target: position, on: hy_pred}
logging: {every: 1}
sweep:
  parameters:
    losses.variance.weight: {log: [0.1, 10], n: 2}
    optim.lr: [1.0e-3, 4.0e-2]
  seeds: 3
"""
GRID = GRID.replace("  probes: {speed: {type: ridge, target: speed, on: hy_pred}}\nlogging: {every: 1}\n",
                    "  probes:\n    speed: {type: ridge, target: speed, on: hy_pred}\n")
SETTINGS = ["param.losses.variance.weight", "param.optim.lr"]
WHOLE = None  # the folder of a sweep that is done, made once


def whole_sweep(case):
    """A sweep of 2 x 2 settings with 3 seeds, and its report."""
    global WHOLE
    if WHOLE is None:
        case.write("grid.yaml", GRID)
        case.succeed("sweep", "grid.yaml", "-o", "grid", seconds=500)
        WHOLE = os.path.join(KEPT.name, "grid")
        shutil.move(case.path("grid"), WHOLE)
        case.succeed("report", WHOLE)
    return WHOLE


def results_of(folder):
    """One row for each trial: settings, seed, status, and what it had at the end."""
    with xarray.open_dataset(os.path.join(folder, "sweep.h5")) as sweep:
        end = sweep.isel(eval=-1)
        names = [n for n in end.data_vars if end[n].dims == ("trial",) and end[n].dtype == np.float64]
        table = end[names].to_dataframe()
        table["first 10"] = end["hx_explained_variance"].isel(component=min(9, end.sizes["component"] - 1)).values
        return table.reset_index()


def settings_of(row):
    """The numbers in "variance.weight=0.1 lr=0.001", in the order of SETTINGS."""
    text = row["setting"][0]
    return tuple(float(re.search(label + r"=(\S+)", text).group(1)) for label in ("variance.weight", "lr"))


class Numbers(Case):
    def setUp(self):
        super().setUp()
        self.sweep = whole_sweep(self)
        self.page = Page(os.path.join(self.sweep, "report.html"))
        self.table = results_of(self.sweep)

    def test_means_and_deviations(self):
        columns = {"prediction": "val_prediction", "variance": "val_variance", "RankMe hx": "hx_rankme",
                   "speed MSE": "probe_speed_mse", "speed R²": "probe_speed_r2", "place error": "probe_place_error",
                   "first 10": "first 10"}
        groups = self.table.groupby(SETTINGS)
        rows = self.page.rows("results")
        self.assertEqual(len(rows), 4)
        for row in rows:
            at = settings_of(row)
            self.assertEqual(row["seeds"][0], "3")
            for heading, name in columns.items():
                values = row[heading][1]
                expected = groups.get_group(at)[name]
                np.testing.assert_allclose(values[0], expected.mean(), rtol=1e-12, err_msg=f"{heading} {at}")
                if len(values) > 1:
                    np.testing.assert_allclose(values[1], expected.std(), rtol=1e-6)

    def test_headline(self):
        self.assertEqual([self.page.data[k] for k in ("trials", "trials-done")], [12, 12])
        self.assertNotIn("trials-failed", self.page.data)
        means = self.table.groupby(SETTINGS)["probe_speed_mse"].mean()
        best = re.search(r'<span id="best">speed MSE <data value="([^"]+)">', self.page.text).group(1)
        np.testing.assert_allclose(float(best), means.min(), rtol=1e-12)

    def test_every_trial(self):
        rows = self.page.rows("all-trials")
        self.assertEqual([int(row["trial"][0]) for row in rows], list(range(12)))
        np.testing.assert_array_equal([row["speed MSE"][1][0] for row in rows], self.table["probe_speed_mse"])
        np.testing.assert_array_equal([int(row["seed"][0]) for row in rows], self.table["seed"])

    def test_differences_are_paired_over_seeds(self):
        by_seed = self.table.set_index(SETTINGS + ["seed"]).sort_index()
        best = self.table.groupby(SETTINGS)["probe_speed_mse"].mean().idxmin()
        heading = re.search(r'<h3>(.*?): difference to .*?</h3>\s*<div[^>]*><table id="differences-0"', self.page.text)
        names = {"speed MSE": "probe_speed_mse", "RankMe hx": "hx_rankme"}
        column = by_seed[names[heading.group(1)]]
        rows, p = self.page.rows("differences-0"), []
        self.assertEqual(len(rows), 3)
        for row in rows:
            test = scipy.stats.ttest_rel(column.loc[settings_of(row)].values, column.loc[best].values)
            interval = test.confidence_interval(0.95)
            difference = (column.loc[settings_of(row)] - column.loc[best]).mean()
            np.testing.assert_allclose(row["difference"][1], difference, rtol=1e-9)
            np.testing.assert_allclose(row["95 % interval"][1], interval, rtol=1e-9)
            np.testing.assert_allclose(row["p"][1], test.pvalue, rtol=1e-8)
            self.assertEqual(row["test"][0], "paired, 3 seeds")
            p.append(test.pvalue)
        order = np.argsort(p)
        holm = np.minimum(1, np.maximum.accumulate(np.array(p)[order] * np.arange(3, 0, -1)))
        np.testing.assert_allclose([rows[i]["p (Holm)"][1][0] for i in order], holm, rtol=1e-8)

    def test_importance_of_the_grid_is_its_analysis_of_variance(self):
        means = self.table.groupby(SETTINGS)["probe_speed_mse"].mean().unstack().values
        rows, columns = means.mean(1) - means.mean(), means.mean(0) - means.mean()
        both = means - means.mean() - rows[:, None] - columns
        expected = {"variance.weight": (rows**2).mean(), "lr": (columns**2).mean(), "×": (both**2).mean()}
        found = {row["parameter, or pair beyond its two"][0]: row["share"][1] for row in self.page.rows("importance")}
        for name, variance in expected.items():
            share = [v for k, v in found.items() if (name == "×") == ("×" in k) and name in k]
            np.testing.assert_allclose(share[0], variance / means.var(), rtol=1e-9)
        y = self.table["probe_speed_mse"]
        inside = y - self.table.groupby(SETTINGS)["probe_speed_mse"].transform("mean")
        within = (inside**2).sum() / ((y - y.mean())**2).sum()
        told = re.search(r'<span id="within"><data value="([^"]+)">', self.page.text).group(1)
        np.testing.assert_allclose(float(told), within, rtol=1e-9)

    def test_collapse(self):
        with xarray.open_dataset(os.path.join(self.sweep, "sweep.h5")) as sweep:
            for row in self.page.rows("collapse"):
                view = row["view"][0]
                mine = (sweep[SETTINGS[0]] == settings_of(row)[0]) & (sweep[SETTINGS[1]] == settings_of(row)[1])
                rankme = sweep[f"{view}_rankme"].isel(trial=mine.values)
                np.testing.assert_allclose(row["RankMe, start"][1][0], rankme.isel(eval=0).mean(), rtol=1e-12)
                np.testing.assert_allclose(row["RankMe, end"][1][0], rankme.isel(eval=-1).mean(), rtol=1e-12)
                np.testing.assert_allclose(row["α"][1][0], sweep[f"{view}_alpha_req"].isel(trial=mine.values, eval=-1).mean(),
                                           rtol=1e-12)
                trials = np.flatnonzero(mine.values)
                self.assertEqual(row["collapsed?"][0], verdict(sweep, view, trials, 1))

    def test_controls(self):
        rows = {row["control"][0]: row for row in self.page.rows("controls")}
        self.assertEqual(list(rows), ["untrained", "mean"])
        with xarray.open_dataset(os.path.join(self.sweep, "sweep.h5")) as sweep:
            for row, column, values in (("untrained", "RankMe hx", sweep["hx_rankme"][:, 0]),
                                        ("untrained", "speed MSE", sweep["probe_speed_mse"][:, 0]),
                                        ("mean", "speed MSE", sweep["probe_speed_baseline_mse"][:, -1]),
                                        ("mean", "place error", sweep["probe_place_baseline_error"][:, -1])):
                np.testing.assert_allclose(rows[row][column][1][0], float(values.mean()), rtol=1e-12)

    def test_timing(self):
        row = self.page.rows("timing")[-1]
        self.assertEqual(row["setting"][0], "all trials")
        np.testing.assert_allclose(row["total s"][1][0], self.table["time_total"].mean(), rtol=1e-9)
        training = self.table["time_data"].sum() + self.table["time_step"].sum()
        np.testing.assert_allclose(row["samples/s"][1][0], 12 * 2 * 16 / training, rtol=1e-9)
        np.testing.assert_allclose(row["idle"][1][0], self.table["time_wait"].sum() / training, rtol=1e-9)


class Pictures(Case):
    def check(self, page):
        """Every figure has its picture, which stands on its own; nothing is referred to outside the page."""
        self.assertEqual(len(page.pictures), page.figures)
        for svg in page.pictures:
            self.assertTrue(svg.get("aria-label"))
            drawn = [e for e in svg.iter() if e.tag.endswith(("path", "circle", "polygon", "rect"))]
            self.assertGreater(len(drawn), 2, svg.get("aria-label"))
            self.assertFalse([e for e in svg.iter() if e.get("id") or any("href" in k for k in e.keys())])
        for reference in page.references:
            self.assertRegex(reference, "^(#|data:)")
        for fragment in (r for r in page.references if r.startswith("#")):
            self.assertIn(fragment[1:], page.ids)
        self.assertEqual(len(page.ids), len(set(page.ids)))
        self.assertNotRegex(page.text, r"(?i)<script|@import|url\(|<iframe")
        addresses = set(re.findall(r'(?:https?:)?//[^"\'\s<]+', re.sub(r'base64,[^"]*', "", page.text)))
        self.assertLessEqual(addresses, {"http://www.w3.org/2000/svg"})

    def test_all_are_there(self):
        page = Page(os.path.join(whole_sweep(self), "report.html"))
        self.check(page)
        captions = [svg.get("aria-label") for svg in page.pictures]
        for expected in ("prediction", "variance", "covariance", "weighted sum of the losses", "learning rate",
                         "norm of the gradient, before clipping", "singular values of hx", "RankMe of hx",
                         "variance of hx in the first components", "share of the variance of speed MSE",
                         "speed MSE by variance.weight", "speed MSE by lr", "place: test clip 0, true and predicted",
                         "place: error by target step, px", "seconds of a trial, mean over seeds"):
            self.assertIn(expected, captions)
        self.assertRegex(" ".join(captions), "speed MSE: (lr and variance.weight|variance.weight and lr)")

    def test_same_file_same_report(self):
        self.succeed("report", whole_sweep(self), "-o", self.path("again.html"))
        first = os.path.join(whole_sweep(self), "report.html")
        with open(first, "rb") as one, open(self.path("again.html"), "rb") as two:
            self.assertEqual(one.read(), two.read())

    def test_frames_are_those_of_the_file(self):
        """The strip of the first clip: input and target frames side by side, one pixel apart, grey and opaque."""
        page = Page(os.path.join(whole_sweep(self), "report.html"))
        png = base64.b64decode(next(r for r in page.references if r.startswith("data:image/png")).split(",")[1])
        image = Image.open(io.BytesIO(png))
        self.assertEqual(image.mode, "LA")
        width, strip = image.width, np.asarray(image)
        with h5py.File(os.path.join(whole_sweep(self), "sweep.h5")) as file:
            frames = np.concatenate([file["picture_x"][0, 0], file["picture_y"][0, 0]])[..., 0]
        self.assertEqual(width, len(frames) * 33 - 1)
        for i, frame in enumerate(frames):
            np.testing.assert_array_equal(strip[:, 33 * i:33 * i + 32, 0], frame)
            self.assertTrue((strip[:, 33 * i:33 * i + 32, 1] == 255).all())
        self.assertTrue((strip[:, 32, 1] == 0).all())

    def test_by_another_quantity(self):
        self.succeed("report", whole_sweep(self), "-o", self.path("by.html"), "--by", "probe_place_error")
        page = Page(self.path("by.html"))
        means = results_of(whole_sweep(self)).groupby(SETTINGS)["probe_place_error"].mean()
        best = re.search(r'<span id="best">probe_place_error <data value="([^"]+)">', page.text).group(1)
        np.testing.assert_allclose(float(best), means.min(), rtol=1e-12)


class NotWhole(Pictures):
    """Sweeps that run, were killed, have failed or have little to tell."""

    test_all_are_there = test_same_file_same_report = None
    test_frames_are_those_of_the_file = test_by_another_quantity = None

    def report_of(self, folder):
        self.succeed("report", folder)
        page = Page(self.path(folder, "report.html"))
        self.check(page)
        return page

    def changed(self, name, change):
        """A copy of the whole sweep, without a ledger, in which `change` has had its way with the file."""
        os.mkdir(self.path(name))
        shutil.copy(os.path.join(whole_sweep(self), "sweep.h5"), self.path(name, "sweep.h5"))
        with edited(self.path(name, "sweep.h5")) as file:
            change(file)
        return self.report_of(name)

    def test_running(self):
        def change(file):
            file["status"][5:] = [1] + [-1] * 6
            file["seed"][6:] = -1
            file["committed"][5:] = [1] + [-1] * 6
            file["time_total"][5:] = np.nan
        page = self.changed("running", change)
        self.assertEqual([page.data[k] for k in ("trials", "trials-done")], [12, 5])
        self.assertIn("1 running, or left by a run that was ended", page.text)
        self.assertIn("6 waiting", page.text)

    def test_nothing_done_yet(self):
        def change(file):
            file["status"][:] = -1
            file["committed"][:] = -1
            file["time_total"][:] = np.nan
        page = self.changed("fresh", change)
        self.assertEqual(page.data["trials-done"], 0)

    def test_failed(self):
        def change(file):
            file["status"][2:5] = 3
            texts = ("step 7: loss variance is inf", "step 12: loss variance is inf", "<no> data & \"such\"")
            for trial, text in zip((2, 3, 4), texts):
                room = file["failure"].shape[1]
                row = np.frombuffer(text.encode().ljust(room, b"\0"), "S1")
                there, here = file["failure"].id.get_space(), h5py.h5s.create_simple((1, room))
                there.select_hyperslab((trial, 0), (1, room))
                file["failure"].id.write(here, there, row, file["failure"].id.get_type())  # characters as they are
        page = self.changed("failed", change)
        self.assertEqual(page.data["trials-failed"], 3)
        rows = [[cell[0].strip() for cell in row] for row in page.tables["failures"][1:]]
        self.assertEqual(rows, [["step 7: loss variance is inf", "2, 3", "2"], ["<no> data & \"such\"", "4", "1"]])

    def test_stopped_early(self):
        def change(file):
            file["status"][2:4], file["committed"][2:4] = 4, 1
        page = self.changed("stopped", change)
        self.assertEqual([page.data[k] for k in ("trials-done", "trials-stopped")], [10, 2])
        states = [row["state"][0] for row in page.rows("all-trials")]
        self.assertEqual(states[:5], ["done", "done", "stopped", "stopped", "done"])

    def test_all_failed(self):
        def change(file):
            file["status"][:] = 3
        self.assertEqual(self.changed("lost", change).data["trials-failed"], 12)

    def test_one_trial(self):
        self.succeed("train", "tiny.yaml", "-o", "one")
        page = self.report_of("one")
        self.assertEqual([page.data[k] for k in ("trials", "trials-done")], [1, 1])
        self.assertNotIn("differences-0", page.tables)

    def test_no_probes(self):
        self.write("bare.yaml", TINY.replace("  probes: {speed: {type: ridge, target: speed, on: hy_pred}}\n", "") +
                   "sweep: {parameters: {losses.variance.weight: [0, 10]}}\n")
        self.succeed("sweep", "bare.yaml", "-o", "bare", "eval.pictures=0")
        page = self.report_of("bare")
        self.assertIn("settings are looked at by hx_rankme, but none is called best", page.text)
        self.assertNotIn('id="section-frames"', page.text)

    def test_names_are_escaped(self):
        self.write("odd.yaml", TINY + "sweep: {trials: {\"<b> & 'c' `id`\": {}, '\"d\" $e @f': {optim.lr: 0.01}}}\n")
        self.succeed("sweep", "odd.yaml", "-o", "odd")
        page = self.report_of("odd")
        self.assertEqual([row["setting"][0] for row in page.rows("results")], ["<b> & 'c' `id`", '"d" $e @f'])

    def test_not_a_sweep(self):
        os.mkdir(self.path("other"))
        self.write("other/sweep.h5", "no HDF5 at all")
        self.assert_refused("other/sweep.h5 is no sweep file: it does not begin as HDF5 files do", "report", "other",
                            code=1)
        with h5py.File(self.path("other", "sweep.h5"), "w") as file:
            file["x"] = 1
        self.assert_refused("other/sweep.h5 is no sweep file: it has no attribute vjvcr_format", "report", "other",
                            code=1)
        self.assert_refused("expected DIR, the folder of a sweep; usage: vjvcr report DIR [-o FILE.html] [--by METRIC]",
                            "report")
        self.assert_refused('--by: no quantity "probe_speed_mze"; did you mean "probe_speed_mse"?', "report",
                            whole_sweep(self), "--by", "probe_speed_mze")

    def test_no_gnuplot(self):
        path = os.environ["PATH"]
        os.environ["PATH"] = self.path("nothing")
        self.addCleanup(os.environ.__setitem__, "PATH", path)
        self.assert_refused("can't start gnuplot, which draws the pictures of a report: No such file or directory; "
                            "install it (on Debian: apt-get install gnuplot-nox)", "report", whole_sweep(self), code=1)


class Large(NotWhole):
    for name in [n for n in dir(NotWhole) if n.startswith("test_")]:
        locals()[name] = None

    def test_500_trials_fit_into_10_megabytes(self):
        """5 parameters at random, 250 settings with two seeds, 400 recorded steps; numbers drawn, nothing trained."""
        random, trials, steps = np.random.default_rng(1), 500, 400
        os.mkdir(self.path("large"))
        keys = [f"optim.k{i}" for i in range(5)]
        with h5py.File(os.path.join(whole_sweep(self), "sweep.h5")) as small, \
                h5py.File(self.path("large", "sweep.h5"), "w", track_order=True) as file:
            sizes = {name: len(small[name]) for name in ("eval", "component", "horizon", "sample", "coordinate")}
            sizes |= {"trial": trials, "step": steps}
            for name, size in sizes.items():
                file[name] = np.arange(size) if name != "step" else np.arange(1, size + 1)
                if name == "eval":
                    file[name][:] = np.linspace(0, steps, size).astype(int)
                file[name].make_scale(name)
            for name, value in small.attrs.items():
                if name not in ("coordinates", "sweep_yaml", "vjvcr_seal"):
                    file.attrs.create(name, value, dtype=small.attrs.get_id(name).dtype)
            ranges = ", ".join(f"{key}: {{uniform: [0, 1]}}" for key in keys)
            yaml = f"sweep: {{method: random, samples: 250, seeds: 2, parameters: {{{ranges}}}}}\n"
            file.attrs["sweep_yaml"] = np.bytes_(yaml)
            values = random.random((trials // 2, 5)).repeat(2, axis=0)
            for name, data in small.items():
                if h5py.h5ds.is_scale(data.id) or name.startswith(("param.", "picture_")):
                    continue
                dimensions = [d[0].name[1:] if len(d) else None for d in data.dims]
                shape = tuple(sizes.get(d, s) for d, s in zip(dimensions, data.shape))
                if data.dtype.kind == "f":
                    means = (1 + values[:, 0]).reshape((-1,) + (1,) * (len(shape) - 1))
                    file[name] = means * np.exp(0.1 * random.standard_normal(shape))
                else:
                    file.create_dataset(name, data=np.resize(data[()], shape))
                for i, d in enumerate(dimensions):
                    if d in sizes:
                        file[name].dims[i].attach_scale(file[d])
            for i, key in enumerate(keys):
                file["param." + key] = values[:, i]
                file["param." + key].dims[0].attach_scale(file["trial"])
            file["status"][:], file["committed"][:], file["seed"][:] = 2, steps, np.arange(trials) % 2
        page = self.report_of("large")
        self.assertEqual([page.data[k] for k in ("trials", "trials-done")], [500, 500])
        self.assertLess(os.path.getsize(self.path("large", "report.html")), 10e6)
        self.assertEqual(page.rows("importance")[0]["parameter, or pair beyond its two"][0], "k0")
        self.assertGreater(page.rows("importance")[0]["share"][1][0], 0.7)
        self.assertIn("of 64 regression trees", page.text)



class Figures(Case):
    def test_those_that_are_asked_for(self):
        """A line for each arm over a parameter, and cells over two, with their means."""
        self.write("figures.yaml", TINY + """\
sweep:
  trials: {strong: {}, weak: {losses.variance.weight: 0.1}}
  parameters: {optim.lr: [1.0e-3, 1.0e-2], optim.clip: [0.5, 2]}
  seeds: 2
report:
  columns: [{quantity: hx_rankme}]
  figures:
    - {quantity: hx_rankme, title: rank, by: optim.lr, where: {optim.clip: 2}}
    - {quantity: hx_rankme, title: cells, by: optim.lr, across: optim.clip}
""")
        self.succeed("sweep", "figures.yaml", "-o", "out", seconds=300)
        self.succeed("report", "out")
        page = Page(self.path("out", "report.html"))
        captions = [svg.get("aria-label") for svg in page.pictures]
        self.assertIn("rank; optim.clip=2", captions)
        self.assertIn("cells: lr and clip", captions)
        table = results_of(self.path("out"))
        for _, cell in table.groupby(["param.optim.lr", "param.optim.clip"]):
            self.assertIn(f">{cell['hx_rankme'].mean():.3g}<", page.text)


if __name__ == "__main__":
    import tempfile
    KEPT = tempfile.TemporaryDirectory(prefix="vjvcr-report-")
    try:
        main()
    finally:
        KEPT.cleanup()
