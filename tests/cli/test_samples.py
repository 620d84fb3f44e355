"""Sampled sweeps: the points they use, how they are listed, and what is recorded of them."""

import math
import os
import re

from support import requirements
from support.vjvcr import SOURCE, TINY, Case, differing, main, np, values_of

with requirements.modules():
    from scipy.stats import qmc

SAMPLED = TINY + """\
sweep:
  method: %s
  samples: %d
  parameters:
    optim.lr: {uniform: [1, 3]}
    losses.variance.weight: {log: [1.0e-2, 1.0e+2]}
"""

CONDITIONAL = TINY + """\
sweep:
  method: random
  samples: 2
  seeds: 2
  sampling_seed: 3
  parameters:
    optim.lr: {log: [1.0e-4, 1.0e-2]}
    losses.variance.weight: [1, 10]
    losses.covariance.weight: {values: [0.1, 1], with: losses.variance.weight}
    model.latent: {values: [{type: none}, {type: discrete}]}
    model.latent.choices: {integer: [2, 9], when: {model.latent.type: discrete}}
"""


def settings_of(listed):
    """The settings of the trials that --dry-run lists, as dictionaries of texts."""
    rows = [line.split() for line in listed.splitlines() if line.lstrip()[:1].isdigit() and "=" in line]
    return [dict(word.split("=") for word in row if "=" in word) for row in rows]


class Samples(Case):
    def test_sequences_agree_with_scipy(self):
        """Without their first point, the origin. In two dimensions all use the same direction numbers."""
        for method, reference in (("sobol", qmc.Sobol), ("halton", qmc.Halton)):
            self.write("sweep.yaml", SAMPLED % (method, 31))
            found = settings_of(self.succeed("sweep", "sweep.yaml", "--dry-run").out)
            points = reference(2, scramble=False).random(32)[1:]
            self.assertEqual(len(found), 31)
            for sample, (u, v) in zip(found, points):
                self.assertAlmostEqual(float(sample["optim.lr"]), 1 + 2 * u, places=10)
                self.assertAlmostEqual(math.log10(float(sample["losses.variance.weight"])), 4 * v - 2, places=10)

    def test_long_lists_are_shortened(self):
        self.write("sweep.yaml", SAMPLED % ("halton", 1000))
        listed = self.succeed("sweep", "sweep.yaml", "--dry-run").out.splitlines()
        self.assertEqual(len(listed), 2 + 10 + 1 + 10 + 1 + 3)
        self.assertEqual(listed[12].split(), ["...", "980", "more"])
        self.assertEqual([line.split()[0] for line in listed[13:23]], [str(i) for i in range(990, 1000)])
        self.assertTrue(listed[-3].startswith("1000 trials on "))

    def test_those_that_cannot_run_are_counted(self):
        changed = SAMPLED.replace("losses.variance.weight: {log: [1.0e-2, 1.0e+2]}", "losses.variance.weight: [0, 1]")
        self.write("sweep.yaml", changed % ("halton", 100) + "    losses.prediction.weight: {values: [0, 1], with: "
                   "losses.variance.weight}\n    losses.covariance.weight: {values: [0, 1], with: "
                   "losses.variance.weight}\n")
        listed = self.succeed("sweep", "sweep.yaml", "--dry-run").out.splitlines()
        self.assertEqual(listed[12].split(), "... 180 more, 90 of which CAN'T RUN".split())

    def test_what_trials_set_is_recorded(self):
        self.write("sweep.yaml", CONDITIONAL)
        listed = settings_of(self.succeed("sweep", "sweep.yaml", "--dry-run").out.replace("{type: ", "{type:"))
        self.succeed("sweep", "sweep.yaml", "-o", "one", "optim.steps=2")
        self.succeed("sweep", "sweep.yaml", "-o", "two", "optim.steps=2", ranks=2)
        found = values_of(self.path("one", "sweep.h5"))
        self.assertEqual(differing(found, values_of(self.path("two", "sweep.h5"))), [])
        self.assertEqual(list(found["status"]), [2] * 16)  # 2 samples x 2 weights x 2 latents x 2 seeds
        self.assertEqual(list(found["seed"]), [0, 1] * 8)
        self.assertEqual(list(found["param.losses.variance.weight"]), [1, 1, 1, 1, 10, 10, 10, 10] * 2)
        np.testing.assert_array_equal(found["param.losses.covariance.weight"],
                                      np.where(found["param.losses.variance.weight"] == 1, 0.1, 1))
        self.assertEqual([len(set(found["param.optim.lr"][half])) for half in (slice(0, 8), slice(8, 16))], [1, 1])
        self.assertEqual(len(set(found["param.optim.lr"])), 2)
        self.assertEqual(len(listed), 16)
        for i, setting in enumerate(listed):
            self.assertEqual(found["param.optim.lr"][i], float(setting["optim.lr"]))
            is_discrete = "discrete" in found["param.model.latent"][i]
            self.assertEqual(is_discrete, i % 4 >= 2)
            np.testing.assert_array_equal(found["param.model.latent.choices"][i],
                                          float(setting["model.latent.choices"]) if is_discrete else np.nan)

    def test_the_table_has_one_row_for_each_sample(self):
        self.write("sweep.yaml", SAMPLED.replace("uniform: [1, 3]", "log: [1.0e-4, 1.0e-2]") % ("sobol", 3)
                   + "  seeds: 2\n")
        printed = self.succeed("sweep", "sweep.yaml", "-o", "out").out
        for lr in ("0.001", "0.000316228", "0.00316228"):
            self.assertEqual(sum(lr in line.split() for line in printed.splitlines()), 1, printed)

    def test_the_examples_of_the_documentation_are_what_it_says(self):
        with open(os.path.join(SOURCE, "docs", "sweeps.md")) as file:
            examples = re.findall(r"```yaml\n(.*?)```", file.read(), re.DOTALL)
        long = ["optim.steps=1000", "eval.every=100", "eval.probe_at=all"]
        more = ((96, []), (100, []), (32, []), (13, []), (3, []), (3, []), (64, ["--tuning"]), (1, long))
        for example, (trials, overrides) in zip(examples, more, strict=True):
            self.write("sweep.yaml", TINY + example)
            result = self.run_vjvcr("sweep", "sweep.yaml", "--dry-run", "eval.samples=64", "data.validation_size=64",
                                    *overrides)
            listed = result.out
            self.assertEqual(result.code, 0, result.err)
            self.assertRegex(listed, rf"(?m)^{trials} trials? on ")
            self.assertNotIn("CAN'T RUN", listed)

    def test_a_mistake_has_its_place(self):
        self.write("sweep.yaml", SAMPLED % ("sobl", 3))
        self.assert_refused('sweep.yaml:20:11: sweep.method: expected one of grid, random, sobol, halton, '
                            'latin_hypercube, got "sobl"; did you mean "sobol"?', "sweep", "sweep.yaml", ranks=2)


if __name__ == "__main__":
    main()
