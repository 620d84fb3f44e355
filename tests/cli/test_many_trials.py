"""Many short trials make a handful of files, and none of them leaves anything in memory.

A thousand of them: `./vj test many`."""

import os
import subprocess

from support.many import Many
from support.vjvcr import TINY, VJVCR, Case, main, values_of

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

    def test_jobs_that_begin_in_the_same_instant(self):
        """One of them makes the folder and the file, wherever the others are by then; each trial is done once."""
        self.write("sweep.yaml", TINY + "sweep: {seeds: 6}\n")
        environment = dict(os.environ, OMPI_MCA_ess_singleton_isolated="1", OMP_NUM_THREADS="1")
        for round_ in range(3):
            jobs = [subprocess.Popen([VJVCR, "sweep", "sweep.yaml", "-o", f"{round_}/out", "--resume"], cwd=self.folder,
                                     env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                    for _ in range(3)]
            for job in jobs:
                self.assertEqual((job.communicate(timeout=300)[1].replace("\r", "\n").count("vjvcr: "), job.returncode),
                                 (0, 0))
            with open(self.path(f"{round_}", "out", "ledger")) as file:
                claims = [line.split()[2] for line in file if " claim " in line]
            self.assertEqual(sorted(claims), list("012345"))
            self.assertEqual(sorted(os.listdir(self.path(f"{round_}", "out"))), ["ledger", "sweep.h5", "sweep.yaml"])


if __name__ == "__main__":
    main()
