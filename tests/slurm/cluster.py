"""A Slurm that lives as long as a test: munged, slurmctld and slurmd with a configuration of their own, in a folder of
their own. It has one node, this machine, on ports of its own; or several, hosts of a network (tests/support/hosts.py), the
first of which is its controller. Nothing of the machine's own Slurm, if there is one, is touched."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")

# No control groups, no accounting, no database: what a container allows, too. Four processors whatever there are, so
# that two jobs of two ranks run at once. A node that is silent for `SlurmdTimeout` is down; Slurm's own is 5 minutes. `cred_expire` is how long a requeued job must wait; Slurm's own is 2 minutes.
CONFIGURATION = """\
ClusterName=vjvcr
SlurmctldHost={controller}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=5,sched_interval=5
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
KillWait=20
TmpFS={temporary}
SlurmdTimeout=15
ReturnToService=2
NodeName={nodes} NodeAddr={addresses} CPUs=4 State=UNKNOWN
PartitionName=all Nodes={nodes} Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count):
    """Nobody else listens on them now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def die_with_parent():
    """However the test ends, its daemons end with it."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Cluster:
    def __init__(self, network=None):
        self.network = network
        self.folder = tempfile.mkdtemp(prefix="vjvcr-slurm-")
        os.chmod(self.folder, 0o755)
        self.daemons = []
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("SLURM_", "SBATCH_", "OMPI_MCA_"))}
        self.environment["SLURM_CONF"] = os.path.join(self.folder, "slurm.conf")
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def daemon(self, *command, host=None, name=None):
        with open(self.path((name or command[0]) + ".out"), "w") as out:
            self.daemons.append(subprocess.Popen(host.inside(*command) if host else command, env=self.environment,
                                                 stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                                 start_new_session=True, preexec_fn=die_with_parent))

    def wait_for(self, what, seconds, sentence):
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                raise AssertionError(f"{sentence}\n{self.logs()}")
            time.sleep(0.2)

    def configuration(self):
        if not self.network:
            host = socket.gethostname().split(".")[0]
            return CONFIGURATION.format(controller=f"{host}(127.0.0.1)", nodes=host, addresses="127.0.0.1",
                                        ports=free_ports(2), folder=self.folder, temporary="/tmp")
        hosts = self.network.hosts
        return CONFIGURATION.format(controller=f"{hosts[0].name}({hosts[0].address})", ports=(6817, 6818),
                                    nodes=",".join(host.name for host in hosts[1:]), folder=self.folder,
                                    addresses=",".join(host.address for host in hosts[1:]),
                                    temporary="/dev/shm")  # /tmp is that of all hosts

    def start(self):
        for name in ("munge", "state"):
            os.mkdir(self.path(name), 0o755)
        with open(self.path("munge", "key"), "wb", opener=lambda path, how: os.open(path, how, 0o600)) as key:
            key.write(os.urandom(1024))
        with open(self.environment["SLURM_CONF"], "w") as file:
            file.write(self.configuration())
        at = self.path("munge")
        self.daemon("munged", "--foreground", "--force", f"--key-file={at}/key", f"--socket={at}/socket",
                    f"--pid-file={at}/pid", f"--log-file={at}/log", f"--seed-file={at}/seed")
        self.wait_for(lambda: os.path.exists(self.path("munge", "socket")), 30, "munged does not start")
        self.daemon("slurmctld", "-D", host=self.network and self.network.hosts[0])
        self.wait_for(lambda: self.ask("scontrol", "ping").returncode == 0, 60, "slurmctld does not answer")
        for host in self.network.hosts[1:] if self.network else [None]:
            self.start_node(host)
        self.wait_for(lambda: set(self.ask("sinfo", "-h", "-o", "%t").stdout.split()) == {"idle"}, 60,
                      "the nodes are not idle")

    def start_node(self, host):
        if host:
            self.daemon("slurmd", "-D", "-N", host.name, host=host, name=f"slurmd.{host.name}")
        else:
            self.daemon("slurmd", "-D")

    def logs(self):
        text = ""
        for name in sorted(os.listdir(self.folder)):
            if name.endswith((".log", ".out")):
                with open(self.path(name), errors="replace") as file:
                    text += f"--- {name}\n" + "".join(file.readlines()[-15:])
        return text

    def ask(self, *command, folder=None):
        command = ("env", "-C", folder or self.folder, *command)
        return subprocess.run(self.network.hosts[0].inside(*command) if self.network else command, env=self.environment,
                              text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def tell(self, *command, folder=None):
        """What it answers; it may not fail."""
        result = self.ask(*command, folder=folder)
        if result.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {result.stderr}\n{self.logs()}")
        return result.stdout.strip()

    def state(self, job):
        """Of a job, or of each task of an array: "RUNNING"; empty when Slurm has forgotten it."""
        return self.ask("squeue", "-h", "-t", "all", "-j", job, "-o", "%T").stdout.split()

    def is_over(self, job):
        return not set(self.state(job)) - {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"}

    def stop(self):
        """Jobs first, then the daemons in reverse; then there is no trace of them."""
        if len(self.daemons) >= 3:
            self.ask("scancel", "--signal=KILL", "--full", "--user=root")
            self.ask("scancel", "--user=root")
            end = time.monotonic() + 40
            while time.monotonic() < end and self.ask("squeue", "-h").stdout.strip():
                time.sleep(0.2)
        for host in self.network.hosts if self.network else []:  # what is terminated below is nsenter, outside
            for program in ("slurmstepd", "slurmd", "slurmctld"):
                host.signal(signal.SIGKILL, program)
        for process in reversed(self.daemons):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.daemons = []
        shutil.rmtree(self.folder, ignore_errors=True)
