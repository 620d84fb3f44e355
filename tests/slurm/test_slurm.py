"""What `vjvcr launch --print slurm` prints, on a real Slurm of one node: a sweep outlives the time limits of its jobs.

Not among the tests that run by default: it needs root and Slurm, and takes some minutes."""

import glob
import os
import shutil
import subprocess
import sys
import time
import unittest

from cluster import PROGRAMS, Cluster
from support import requirements
from support.vjvcr import VJVCR, differing, h5py, main, values_of

if os.geteuid() != 0:
    requirements.impossible("Slurm's daemons need root")
requirements.programs(*PROGRAMS)

SWEEP = """\
name: night
data: {{dataset: moving_mnist, size: 32, digit_size: 14, max_speed: 3, train_size: 64, validation_size: 32}}
model:
  encoder: {{type: cnn, channels: [4, 8], temporal: [8]}}
  predictor: {{type: mlp, hidden: [16]}}
losses:
  prediction: {{weight: 1.0}}
  variance: {{weight: 10.0}}
optim: {{steps: {steps}, batch: 16, shards: 4}}
eval:
  every: 1000
  samples: 32
  probe_train: 32
  probe_validation: 16
  probe_test: 16
  probes: {{speed: {{type: ridge, target: speed, on: hy_pred}}}}
logging: {{every: 10}}
sweep: {{seeds: {seeds}}}
"""


class Night(unittest.TestCase):
    cluster = None

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.cluster.environment.update(VJVCR=VJVCR, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                                       OMP_WAIT_POLICY="passive")

    def setUp(self):
        self.folder = self.cluster.path(self.id().rsplit(".", 1)[1])
        os.mkdir(self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def submit(self, *options, folder="out"):
        """The job's number. Its output goes to a file of that number."""
        with open(self.path("script"), "w") as script:
            subprocess.run([VJVCR, "launch", "sweep.yaml", "-o", folder, "--print", "slurm"], stdout=script,
                           cwd=self.folder, check=True)
        return self.cluster.tell("sbatch", "--parsable", "--output=job-%A-%a.txt", *options, "script", folder=self.folder)

    def said(self, job):
        """What a job wrote, without lines of progress."""
        text = ""
        for name in sorted(glob.glob(self.path(f"job-{job}-*.txt"))):
            with open(name, errors="replace") as file:
                text += file.read()
        return "\n".join(line for line in text.splitlines() if not line.startswith("["))

    def wait(self, job, what, seconds, sentence):
        try:
            self.cluster.wait_for(what, seconds, sentence)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n--- job {job}\n{self.said(job)}") from None

    def write(self, steps, seeds=2):
        with open(self.path("sweep.yaml"), "w") as file:
            file.write(SWEEP.format(steps=steps, seeds=seeds))

    def committed(self, folder="out"):
        try:
            with h5py.File(self.path(folder, "sweep.h5"), "r", locking=False) as file:
                return int(file["committed"][()].clip(0).sum())
        except OSError:
            return 0

    def ledger(self, event, folder="out"):
        with open(self.path(folder, "ledger")) as file:
            return [line.split() for line in file.read().splitlines()[1:] if line.split()[1] == event]

    def without_slurm(self, folder):
        environment = dict(self.cluster.environment, OMPI_MCA_plm="isolated", OMP_NUM_THREADS="1")
        subprocess.run(["mpirun", "--oversubscribe", "--bind-to", "none", "-n", "2", VJVCR, "sweep",
                        "sweep.yaml", "-o", folder], cwd=self.folder, env=environment, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def undisturbed(self, folder="whole"):
        """What the same sweep measures without Slurm."""
        self.without_slurm(folder)
        return values_of(self.path(folder, "sweep.h5"))

    def assert_complete(self, folder="out", apart_from=("attempt",)):
        found = values_of(self.path(folder, "sweep.h5"))
        self.assertEqual(set(found["status"]), {2})
        self.assertEqual(differing(found, self.undisturbed(), apart_from), [])
        self.assertEqual(sorted(os.listdir(self.path(folder))), ["ledger", "sweep.h5", "sweep.yaml"])

    def steps_for(self, seconds):
        """So many steps of two trials at once that they take about so long, as fast as the machine is now."""
        self.write(200)
        start = time.monotonic()
        self.without_slurm("try")
        return int(200 * seconds / (time.monotonic() - start)) // 10 * 10 + 200

    def test_a_time_limit_shorter_than_the_sweep(self):
        """Slurm looks every half minute, so the signal comes 15 to 45 s after the start; vjvcr's own look at the end of
        the job would stop it after 60 s. Where a machine became so fast that the sweep was complete by then, more steps."""
        steps = self.steps_for(70)
        for attempt in range(3):
            self.write(steps)
            out = f"out-{attempt}"
            job = self.submit("--ntasks=2", "--time=3", "--signal=B:USR1@135", folder=out)
            self.wait(job, lambda: self.cluster.is_over(job), 1200, "the job does not end")
            if "stopped by" in self.said(job):
                break
            steps *= 3
        self.assertIn("vjvcr: stopped by SIGUSR1 after ", self.said(job))
        self.assertIn(f"{out}: not complete; it waits in the queue again", self.said(job))
        self.assertEqual(self.cluster.state(job), ["COMPLETED"])
        self.assertEqual(self.ledger("release", out), [])  # none was cut off
        self.assertGreaterEqual(len(self.ledger("stop", out)), 1)
        self.assert_complete(out)

    def test_the_end_of_the_job_without_a_signal(self):
        """Two minutes before it: here a minute after the start."""
        self.write(200000)
        job = self.submit("--ntasks=2", "--time=3", "--signal=B:USR1@1")
        self.wait(job, lambda: "waits in the queue again" in self.said(job), 170, "the job does not stop by itself")
        self.cluster.tell("scancel", job)
        self.assertIn("vjvcr: stopped by the end of the Slurm job after 0 of 2 trials; the state of the others is saved, "
                      "go on with the same command and --resume", self.said(job))
        self.assertEqual(len(self.ledger("stop")), 2)
        self.assertEqual(len(glob.glob(self.path("out", "checkpoints", "trial-*.1"))), 2)

    def cancelled_and_submitted_again(self, *options):
        self.write(self.steps_for(20))
        job = self.submit("--ntasks=2", "--time=60", *options)
        self.wait(job, lambda: self.committed() > 0, 120, "nothing is recorded")
        self.cluster.tell("scancel", job)
        self.wait(job, lambda: self.cluster.is_over(job), 120, "the job does not end")
        self.assertEqual(self.cluster.state(job), ["CANCELLED"], self.said(job))
        again = self.submit("--ntasks=2", "--time=60", *options)
        self.wait(again, lambda: self.cluster.is_over(again), 600, "the job does not end")
        self.assertEqual(self.cluster.state(again), ["COMPLETED"], self.said(again))
        self.assert_complete()

    def test_scancel_leaves_what_can_be_resumed(self):
        self.cancelled_and_submitted_again()

    def test_scancel_and_srun(self):
        if "pmix" not in self.cluster.tell("srun", "--mpi=list"):
            requirements.impossible("this Slurm has no PMIx")
        self.cancelled_and_submitted_again("--export=ALL,LAUNCH=srun --mpi=pmix")

    def test_two_jobs_of_an_array_share_a_sweep(self):
        """They begin at the same time, in a folder that is not there yet."""
        self.write(self.steps_for(10), seeds=6)
        job = self.submit("--array=0-1", "--ntasks=1", "--time=60")
        self.wait(job, lambda: self.cluster.is_over(job), 600, "the jobs do not end")
        self.assertEqual(self.cluster.state(job), ["COMPLETED"] * 2, self.said(job))
        claims = self.ledger("claim")
        self.assertEqual(sorted(claim[2] for claim in claims), list("012345"))
        self.assertEqual(len({claim[4] for claim in claims}), 2, claims)
        self.assert_complete(apart_from=())


def main_alone():
    """Among processes of their own, where that is allowed: whatever ends this test ends all that it started."""
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if "VJ_ALONE" not in os.environ and shutil.which(command[0]):
        os.environ["VJ_ALONE"] = "yes"
        if subprocess.run([*command, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            # The shell, the first of these processes, also buries those that lose their parents.
            os.execvp(command[0], [*command, "sh", "-c", '"$@"; exit $?', "sh", sys.executable, *sys.argv])
    try:
        main()
    finally:
        if Night.cluster:
            Night.cluster.stop()


if __name__ == "__main__":
    main_alone()
