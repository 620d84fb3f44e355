"""Losses on hidden states mean what they say of scale: tau behind a free projection is told to be other weights, and a
correlation does not see how large or how many features are."""

import numpy

from support.vjvcr import Case, h5py, main

EXPERIMENT = """\
data: {dataset: moving_mnist, size: 16, digit_size: 8, max_speed: 2, target_frames: 3, train_size: 64,
  validation_size: 32, test_size: 32}
model:
  encoder: {type: cnn, channels: [4, 8], temporal: [8], pool: 2, projection: 12}
  predictor: {type: mlp, hidden: [16]}
losses:
  prediction: {weight: 1.0}
  variance: {weight: 1.0, tau: 1.0}
  covariance: {weight: 0.1}
optim: {steps: 1, batch: 16, shards: 2}
eval: {every: 1, samples: 32}
"""
SWEPT = ("--dry-run", "sweep.parameters={losses.variance.tau: [0.5, 1], losses.covariance.weight: [0.1, 1]}")
LAYERS = ["hx", "hx.conv0", "hx.time0"]


class Tau(Case):
    def setUp(self):
        super().setUp()
        self.write("sweep.yaml", EXPERIMENT)

    def test_describe_says_that_it_relabels_weights(self):
        self.assertRegex(self.succeed("describe", "loss", "variance").out,
                         r"(?s)tau is a scale.*only relabels weights.*c\^2.*c\^4")
        self.assertNotIn("is a scale", self.succeed("describe", "loss", "covariance").out)

    def test_the_dry_run_warns_where_both_are_swept(self):
        said = ("losses.variance.tau and losses.covariance.weight are both swept, and encoder cnn can give hidden states "
                "any scale")
        self.assertIn(said, self.run_vjvcr("sweep", "sweep.yaml", *SWEPT).err)
        self.assertNotIn("both swept", self.succeed("sweep", "sweep.yaml", SWEPT[0],
                                                    "sweep.parameters={losses.variance.tau: [0.5, 1]}").err)
        self.assertNotIn("both swept", self.succeed("sweep", "sweep.yaml", SWEPT[0],
                                                    "sweep.parameters={losses.covariance.weight: [0.5, 1]}").err)

    def test_it_does_not_where_the_scale_is_not_free(self):
        fixed = ("model.encoder.projection=0", "model.encoder.activation=sigmoid")
        self.assertNotIn("both swept", self.succeed("sweep", "sweep.yaml", *SWEPT, *fixed).err)

    def test_arms_that_differ_in_both_are_no_sweep_of_them(self):
        arms = "sweep.trials={a: {losses.variance.tau: 0.5, losses.covariance.weight: 1}, b: {losses.variance.tau: 1}}"
        self.assertNotIn("both swept", self.succeed("sweep", "sweep.yaml", "--dry-run", arms).err)


class Layers(Case):
    def setUp(self):
        super().setUp()
        self.write("step.yaml", EXPERIMENT)

    def losses(self, losses):
        self.succeed("debug", "step", "step.yaml", "-o", "step.h5", f"losses={losses}")
        with h5py.File(self.path("step.h5")) as file:
            return ({name: float(value[()]) for name, value in file["loss"].items()},
                    {name: value[()].astype(float) for name, value in file["activation"].items()})

    def of_layers(self, form):
        keys = {layer.replace(".", "_"): layer for layer in LAYERS}
        each = ", ".join(f"{key}: {{type: covariance, form: {form}, on: {layer}}}" for key, layer in keys.items())
        return self.losses(f"{{{each}, prediction: {{weight: 1.0}}}}")

    def test_correlations_are_of_one_size_where_covariances_are_not(self):
        covariances, correlations = (list(map(self.of_layers(form)[0].get, ("hx", "hx_conv0", "hx_time0")))
                                     for form in ("covariance", "correlation"))
        self.assertGreater(max(covariances) / min(covariances), 50)
        self.assertLess(max(correlations) / min(correlations), 10)
        self.assertLess(max(correlations), 1)
        self.assertGreater(min(correlations), 0)

    def test_correlations_are_those_of_numpy(self):
        losses, views = self.losses("{prediction: {}, covariance: {form: correlation, on: hx, epsilon: 0}}")
        steps = [numpy.corrcoef(views["hx"][:, t].T) for t in range(views["hx"].shape[1])]
        expected = numpy.mean([(c[~numpy.eye(len(c), dtype=bool)]**2).mean() for c in steps])
        self.assertAlmostEqual(losses["covariance"], expected, delta=1e-4 * expected)

    def test_layers_have_weights_of_their_own(self):
        weights = [2.0, 0.0, 0.25]
        each = self.of_layers("correlation")[0]
        together = self.losses(f"{{prediction: {{}}, covariance: {{form: correlation, on: [{', '.join(LAYERS)}], "
                               f"view_weights: {weights}}}}}")[0]["covariance"]
        expected = sum(w * each[key] for w, key in zip(weights, ("hx", "hx_conv0", "hx_time0"))) / 3
        self.assertAlmostEqual(together, expected, delta=1e-5 * expected)

    def test_a_list_of_another_length_is_refused(self):
        result = self.run_vjvcr("debug", "step", "step.yaml", "-o", "step.h5",
                                "losses={prediction: {}, covariance: {on: [hx, hy], view_weights: [1, 2, 3]}}")
        self.assertEqual(result.code, 2)
        self.assertIn("losses.covariance: view_weights: expected none, or one for each of the 2 views of on:, got 3",
                      result.err)


if __name__ == "__main__":
    main()
