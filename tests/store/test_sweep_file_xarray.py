"""A sweep file opens in xarray as it is, through h5netcdf and through netCDF4, and h5py finds its dimension scales."""

import os
import subprocess
import sys
import tempfile
import unittest

from support import requirements

with requirements.modules():
    import h5netcdf  # noqa: F401
    import h5py
    import netCDF4
    import numpy as np
    import xarray as xr

WRITER = requirements.built("test_store_sweep_file")
COORDINATES = ["param.losses.variance.weight", "param.model.encoder", "seed", "status"]


class SweepFile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = os.path.join(cls.folder.name, "sweep.h5")
        subprocess.run([WRITER, cls.path], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def each_engine(self):
        for engine in ("h5netcdf", "netcdf4"):
            with self.subTest(engine=engine), xr.open_dataset(self.path, engine=engine) as sweep:
                yield sweep

    def test_dimensions_have_their_names(self):
        for sweep in self.each_engine():
            self.assertEqual(dict(sweep.sizes), {"trial": 4, "step": 6, "component": 3})
            self.assertEqual(sweep["train_loss"].dims, ("trial", "step"))
            self.assertEqual(sweep["hx_singular_values"].dims, ("trial", "step", "component"))
            self.assertEqual(sweep["started"].dims, ())
            np.testing.assert_array_equal(sweep["step"], [0, 10, 20, 30, 40, 50])
            np.testing.assert_array_equal(sweep["trial"], [0, 1, 2, 3])

    def test_hyper_parameters_are_coordinates_over_trial(self):
        for sweep in self.each_engine():
            self.assertEqual(sorted(sweep.coords), sorted(COORDINATES + ["trial", "step", "component"]))
            for name in COORDINATES:
                self.assertEqual(sweep[name].dims, ("trial",))
            np.testing.assert_array_equal(sweep["seed"], [7, 8, 9, 10])
            self.assertEqual(sweep["seed"].dtype, np.int64)
            np.testing.assert_array_equal(sweep["param.losses.variance.weight"], [0, 0.5, 1, 10])
            best = sweep["train_loss"].where(sweep["param.losses.variance.weight"] == 0, drop=True)
            self.assertEqual(best.sizes["trial"], 1)

    def test_text_is_of_fixed_length_and_utf8(self):
        for sweep in self.each_engine():
            self.assertEqual(list(sweep["param.model.encoder"].values), ["cnn", "simvp", "café", ""])
            self.assertNotIn("text_16", sweep.sizes)
        with h5py.File(self.path) as file:
            names = file["param.model.encoder"]
            self.assertEqual((names.shape, names.dtype), ((4, 16), np.dtype("S1")))
            self.assertEqual(names[2].tobytes(), "café".encode().ljust(16, b"\0"))
            self.assertEqual(names.dims[1][0].name, "/text_16")

    def test_what_was_not_written_is_missing(self):
        for sweep in self.each_engine():
            np.testing.assert_allclose(sweep["train_loss"][0], 1 / np.arange(1, 7), rtol=1e-6)
            self.assertTrue(np.isnan(sweep["train_loss"][1:]).all())
            self.assertTrue(np.isnan(sweep["hx_singular_values"]).all())
            self.assertTrue(np.isnan(sweep["started"]).all())
            np.testing.assert_array_equal(sweep["committed"], [-1] * 4)
            self.assertEqual(list(sweep["config"].values), [""] * 4)

    def test_units_and_names_stand_with_every_variable(self):
        for sweep in self.each_engine():
            self.assertEqual(sweep["train_loss"].attrs["units"], "1")
            self.assertEqual(sweep["train_loss"].attrs["long_name"], "training loss")
            self.assertEqual(sweep["step"].attrs["long_name"], "training step")
            np.testing.assert_array_equal(sweep["status"].attrs["flag_values"], [0, 1, 2, 3])
            self.assertEqual(sweep["status"].attrs["flag_meanings"], "waiting running done failed")
            self.assertEqual(sweep.attrs["Conventions"], "CF-1.8")
            self.assertEqual(sweep.attrs["title"], "four trials")
            self.assertEqual(int(sweep.attrs["vjvcr_format"]), 1)

    def test_dimension_scales_are_attached_both_ways(self):
        with h5py.File(self.path) as file:
            losses = file["train_loss"]
            self.assertEqual([losses.dims[i][0].name for i in range(2)], ["/trial", "/step"])
            self.assertTrue(h5py.h5ds.is_attached(losses.id, file["step"].id, 1))
            self.assertFalse(h5py.h5ds.is_attached(losses.id, file["trial"].id, 1))
            self.assertTrue(h5py.h5ds.is_attached(file["hx_singular_values"].id, file["component"].id, 2))

    def test_netcdf4_may_write_into_a_copy(self):
        """It does so only where the order of creation is known; then it is a netCDF-4 file in full."""
        copy = self.path + ".copy"
        with open(self.path, "rb") as source, open(copy, "wb") as target:
            target.write(source.read())
        with netCDF4.Dataset(copy, "r+") as file:
            file["committed"][2] = 5
            file.createVariable("note", "f8", ("trial",))
        with xr.open_dataset(copy, engine="h5netcdf") as sweep:
            self.assertEqual(int(sweep["committed"][2]), 5)
            self.assertEqual(sweep["note"].dims, ("trial",))


if __name__ == "__main__":
    if not os.access(WRITER, os.X_OK):
        print(f"there is no program {WRITER}; build the tests and set VJVCR")
        sys.exit(1)
    unittest.main(verbosity=2)
