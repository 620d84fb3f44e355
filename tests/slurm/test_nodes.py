"""A sweep as Slurm jobs on several nodes, hosts of a network of this machine: ranks of one job on all of them, a job on
each, and a node that is lost.

Not among the tests that run by default: it needs root and Slurm, and takes some minutes."""

import os
import unittest

from cluster import PROGRAMS, Cluster
from faults import faults
from support import hosts, requirements
from support.vjvcr import VJVCR, main

hosts.needs()
requirements.programs(*PROGRAMS)

NODES = 3
SETTINGS = {"OMPI_MCA_btl": "tcp,self", "OMPI_MCA_btl_tcp_if_include": "eth0", "OMPI_MCA_oob_tcp_if_include": "eth0",
            "OMPI_MCA_mpi_yield_when_idle": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "OPENBLAS_CORETYPE": "Haswell", "VJVCR": VJVCR}


class Nodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sweep = faults.Sweep(faults.SMALL.replace("{steps: 4, batch", "{steps: 60, batch").replace(
            "{every: 4, samples: 8}", "{every: 30, samples: 8}").replace("steps: 2}", "steps: 10}").replace(
                "seeds: 2", "seeds: 6"))
        cls.addClassCleanup(cls.sweep.close)
        cls.sweep.measure()
        cls.network = hosts.Network(NODES + 1)
        cls.addClassCleanup(cls.network.close)
        cls.cluster = Cluster(cls.network)
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.environment.update(SETTINGS)

    def setUp(self):
        self.sweep.clear()

    def submit(self, *options, launch=(), script="script"):
        printed = self.cluster.tell(VJVCR, "launch", "e.yaml", "-o", self.sweep.name, *launch, "--print", "slurm",
                                    folder=self.sweep.folder)
        with open(self.sweep.path(script), "w") as file:
            file.write(printed + "\n")
        return self.cluster.tell("sbatch", "--parsable", "--output=job-%A-%a.txt", *options, script,
                                 folder=self.sweep.folder)

    def said(self):
        text = self.cluster.logs()
        for name in sorted(os.listdir(self.sweep.folder)):
            if name.startswith("job-"):
                with open(self.sweep.path(name), errors="replace") as file:
                    text += f"--- {name}\n{file.read()}"
        return text

    def wait(self, what, sentence, seconds=600):
        hosts.wait_until(what, seconds, lambda: f"{sentence}\n{self.said()}")

    def assert_completes(self, job):
        self.wait(lambda: self.cluster.is_over(job), "the job does not end")
        self.assertEqual(set(self.cluster.state(job)), {"COMPLETED"}, self.said())
        self.assertEqual(self.sweep.problems_of_the_end(), [], self.said())
        self.assertEqual(self.sweep.leftovers(), [])

    def hosts_of_claims(self):
        return {who.split(":")[0] for event, _, _, who in self.sweep.ledger() if event == "claim"}

    SIX = ("--ranks", "6", "--ranks-per-trial", "2")

    def test_one_job_on_all_nodes(self):
        self.assert_completes(self.submit("--nodes=3", "--ntasks-per-node=2", launch=self.SIX))
        self.assertEqual(len(self.hosts_of_claims()), NODES)

    def test_the_same_by_srun(self):
        if "pmix" not in self.cluster.tell("srun", "--mpi=list"):
            requirements.impossible("this Slurm has no PMIx")
        self.assert_completes(self.submit("--nodes=3", "--ntasks-per-node=2", "--export=ALL,LAUNCH=srun --mpi=pmix",
                                          launch=self.SIX))
        self.assertEqual(len(self.hosts_of_claims()), NODES)

    def lose_a_node(self, job, lost):
        """When something of it is saved; it comes back when Slurm has found that it is gone."""
        self.wait(lambda: any(event == "saved" for event, *_ in self.sweep.ledger()), "nothing is saved")
        lost.cut()
        lost.kill()
        self.wait(lambda: "down" in self.cluster.ask("sinfo", "-h", "-n", lost.name, "-o", "%t").stdout,
                  "Slurm does not notice")
        lost.boot()
        self.cluster.start_node(lost)

    def test_a_lost_node_of_one_job(self):
        """Slurm requeues the job when it finds the node down."""
        job = self.submit("--nodes=3", launch=("--ranks", "3"))
        self.lose_a_node(job, self.network.hosts[3])
        self.assert_completes(job)

    def test_a_lost_node_of_several_jobs(self):
        """Two of the three jobs never hear of it."""
        job = self.submit("--ntasks-per-node=1", "--cpus-per-task=4", launch=("--jobs", "3"))
        self.lose_a_node(job, self.network.hosts[3])
        self.assert_completes(job)


if __name__ == "__main__":
    main()
