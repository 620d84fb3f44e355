"""What the tests of several hosts share: a sweep on ranks of all of them, started by mpirun on one, over TCP alone."""

import os
import subprocess
import unittest

from faults import faults
from support import hosts

# In the names of Open MPI 4 and of 5, each of which passes over the other's. What is kept alive tells mpirun of a host
# that is silent.
SSH = "-o ConnectTimeout=10 -o ServerAliveInterval=3 -o ServerAliveCountMax=3"
MPI = {"OMPI_MCA_plm_rsh_args": SSH, "PRTE_MCA_plm_ssh_args": SSH,
       "OMPI_MCA_btl": "tcp,self", "OMPI_MCA_btl_tcp_if_include": "eth0", "OMPI_MCA_oob_tcp_if_include": "eth0",
       "PRTE_MCA_prte_if_include": "eth0", "OMPI_MCA_mpi_yield_when_idle": "1",
       "OMPI_MCA_hwloc_base_binding_policy": "none", "PRTE_MCA_hwloc_default_binding_policy": "none",
       **{f"{owner}_MCA_oob_tcp_keepalive_{name}": value for owner in ("OMPI", "PRTE")
          for name, value in (("time", "2"), ("intvl", "1"), ("probes", "4"))}}
# Four trials of some seconds, with checkpoints. Most of the time steps go by; an evaluation takes many times a step's.
STEPS, EVERY = 60, 30
LONG = faults.SMALL.replace("{steps: 4, batch", f"{{steps: {STEPS}, batch").replace(
    "{every: 4, samples: 8}", f"{{every: {EVERY}, samples: 200}}").replace("steps: 2}", "steps: 12}").replace(
        "seeds: 2", "seeds: 4").replace("_size: 8", "_size: 200")
# Seconds within which those end that lost a host; the claim is that they do, not how soon.
BOUND = 120

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_CORETYPE="Haswell")
hosts.needs()
faults.needs()


class Sweep(faults.Sweep):
    """Its folder is seen by all hosts."""

    def command(self, *more, ranks, on, per_host=1, fault=None):
        """mpirun with `ranks` on the hosts `on`; a fault is that of one rank."""
        session = os.path.join(on[0].network.folder, "mpi")
        os.makedirs(session, exist_ok=True)
        settings = dict(MPI, OMPI_MCA_orte_tmpdir_base=session, PRTE_MCA_prte_tmpdir_base=session)
        own = [self.program, "sweep", self.path("e.yaml"), "-o", self.path(self.name), "--resume", *more]
        if fault:
            named = {"VJ_FAULT" if name == "KIND" else f"VJ_FAULT_{name}": value for name, value in fault.items()}
            named.update(LD_PRELOAD=faults.INTERPOSE, VJ_FAULT_FOLDER=self.path(self.name))
            own = ["env", *(f"{name}={value}" for name, value in named.items()), *own]
        return ["env", *(f"{name}={value}" for name, value in settings.items()), "mpirun", "--oversubscribe", "--host",
                ",".join(f"{host.name}:{per_host}" for host in on), "-n", str(ranks), *own]

    def begin(self, *more, on, ranks=None, **options):
        """On the hosts `on`, by the first of them."""
        command = self.command(*more, on=on, ranks=ranks or len(on), **options)
        return on[0].spawn(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           stdin=subprocess.DEVNULL)

    def complete(self, *more, on, **options):
        outcome = finish(self.begin(*more, on=on, **options))
        assert outcome.code == 0, outcome
        return outcome


def finish(process, seconds=10 * BOUND):
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        faults.end_all(process)
        raise AssertionError(f"it still runs after {seconds} s") from None
    return faults.Outcome([process.returncode if process.returncode >= 0 else 128 - process.returncode],
                          faults.own_words(said))


class Case(unittest.TestCase):
    text, count = faults.SMALL, 4

    @classmethod
    def setUpClass(cls):
        cls.sweep = Sweep(cls.text)
        cls.addClassCleanup(cls.sweep.close)
        cls.sweep.measure()
        cls.network = hosts.Network(cls.count)
        cls.addClassCleanup(cls.network.close)
        cls.hosts = cls.network.hosts

    def setUp(self):
        self.sweep.clear()

    def assert_complete(self, about=""):
        self.assertEqual(self.sweep.problems_of_the_end(), [], about)
        self.assertEqual(self.sweep.leftovers(), [], about)
