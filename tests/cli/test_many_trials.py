"""Many short trials make a handful of files, and none of them leaves anything in memory.

A thousand of them: `./vj test many`."""

import sys

from common import TINY, Case, h5py, main, values_of
from many import Many

if h5py is None:
    print("skipped: h5py is not there")
    sys.exit(77)

TRIALS = 200


class ManyTrials(Case):
    def test_files_and_memory(self):
        many = Many(self.folder, TRIALS, "checkpoint.steps=10")
        many.report()
        self.assertEqual(set(many.values["status"]), {2})
        self.assertLess(many.files, 20)
        self.assertIsNotNone(many.growth())
        self.assertLess(many.growth(), 512)  # KiB, over 120 trials

    def test_each_has_its_own_data(self):
        """One process opens the data of one trial after the other, or keeps those that are the same."""
        self.write("sweep.yaml", TINY + "sweep: {parameters: {optim.lr: [0.001, 0.002], "
                   "data.max_speed: {values: [1, 2], with: optim.lr}}, seeds: 2}\n")
        self.succeed("sweep", "sweep.yaml", "-o", "all")
        together = values_of(self.path("all", "sweep.h5"))
        for trial, (lr, speed, seed) in enumerate([(0.001, 1, 0), (0.001, 1, 1), (0.002, 2, 0), (0.002, 2, 1)]):
            self.succeed("train", "tiny.yaml", "-o", f"{trial}", f"optim.lr={lr}", f"data.max_speed={speed}",
                         f"seed={seed}")
            alone = values_of(self.path(f"{trial}", "sweep.h5"))
            for name in ("train_loss", "val_loss", "probe_speed_mse"):
                self.assertEqual(alone[name][0].tobytes(), together[name][trial].tobytes(), (name, trial))


if __name__ == "__main__":
    main()
