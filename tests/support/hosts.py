"""Several hosts on one machine, as long as a test: each has a network, a name, processes, mounts and an SSH server of
its own, and a port of one switch. Nothing of the machine's own network is touched, and nothing outlives the test.

A host is lost in one of three ways: its port is taken away (`cut`), its processes are (`kill`, also of a host whose port
is gone: no one hears of it), or they stand still (`freeze`)."""

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time

from support import requirements

PROGRAMS = ("ip", "unshare", "nsenter", "sshd", "ssh", "ssh-keygen", "mpirun")
NETWORK = "10.77.0"
# What a login on each host finds in its environment. mpirun hands its settings on by itself.
SETTINGS = ("PATH", "VJ_SOURCE", "OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMP_NUM_THREADS",
            "OMP_WAIT_POLICY", "OPENBLAS_CORETYPE")

SSHD = """\
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
MaxStartups 100
ClientAliveInterval 3
ClientAliveCountMax 3
SetEnv {settings}
"""
SSH = """\
IdentityFile {folder}/key
StrictHostKeyChecking no
UserKnownHostsFile /dev/null
LogLevel ERROR
"""
# The first process of a host, which buries those that lose their parents. Files of /etc are ours in this host alone.
INIT = """\
hostname "$1" && cd "$2" &&
mount -t tmpfs none /dev/shm && mount -t tmpfs none /run && mkdir /run/sshd &&
mount --bind hosts /etc/hosts && mount --bind ssh_config /etc/ssh/ssh_config && mount --bind shadow /etc/shadow &&
echo 4 >/proc/sys/net/ipv4/tcp_syn_retries && touch "up.$1" || exit 1
while :; do sleep 1000 & wait $!; done
"""


def die_with_parent():
    """However the test ends, its hosts end with it."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def run(*command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {result.stdout}")
    return result.stdout


def wait_until(what, seconds, sentence):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise AssertionError(sentence() if callable(sentence) else sentence)
        time.sleep(0.01)


def needs():
    """Skips the test where there can be no hosts."""
    if os.geteuid() != 0:
        requirements.impossible("hosts of a test need root")
    requirements.programs(*PROGRAMS)
    tried = subprocess.run(["unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c",
                            "ip link add switch type bridge && ip link set switch up && mount -t tmpfs none /run"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if tried.returncode != 0:
        requirements.impossible("this machine allows no network namespaces")


def program_of(pid):
    with open(f"/proc/{pid}/comm") as file:
        return file.read().strip()


class Host:
    def __init__(self, network, number):
        self.network, self.number, self.name = network, number, f"node{number}"
        self.address, self.port = f"{NETWORK}.{number + 1}", f"port{number}"
        self.holder, self.first, self.spawned = None, 0, []
        self.boot()

    def boot(self):
        """Also again, after kill()."""
        folder = self.network.folder
        up = os.path.join(folder, f"up.{self.name}")
        if os.path.exists(up):
            os.remove(up)
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", INIT, "sh", self.name, folder], preexec_fn=die_with_parent, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(up), 30, f"{self.name} does not start")
        with open(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children") as file:
            self.first = int(file.read().split()[0])
        self.network.plug_in(self)
        # It wants its whole path.
        self.spawn(shutil.which("sshd"), "-f", os.path.join(folder, "sshd_config"), "-D")
        wait_until(self.answers, 60, f"SSH of {self.name} does not answer")

    def answers(self):
        """Its SSH, to the first host."""
        asked = (self.network.hosts or [self])[0].inside("ssh", "-o", "ConnectTimeout=5", self.name, "true")
        return subprocess.run(asked, stderr=subprocess.DEVNULL, check=False).returncode == 0

    def inside(self, *command):
        return ["nsenter", "--target", str(self.first), "--mount", "--uts", "--net", "--pid", "--", *command]

    def spawn(self, *command, **options):
        self.spawned = [process for process in self.spawned if process.poll() is None]
        self.spawned.append(subprocess.Popen(self.inside(*command), preexec_fn=die_with_parent, **options))
        return self.spawned[-1]

    def processes(self, program=""):
        """Of this program, or of the whole host but for its first one."""
        space, found = os.readlink(f"/proc/{self.first}/ns/pid"), []
        for name in os.listdir("/proc"):
            try:
                if name.isdigit() and int(name) != self.first and os.readlink(f"/proc/{name}/ns/pid") == space:
                    found += [int(name)] if program in ("", program_of(name)) else []
            except OSError:
                pass  # it has just ended
        return found

    def signal(self, number, program=""):
        """To these processes, also to those that are just being started."""
        seen = set()
        while new := set(self.processes(program)) - seen:
            for pid in new:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            seen |= new

    def cut(self):
        self.network.switch("ip", "link", "set", self.port, "down")

    def join(self):
        self.network.switch("ip", "link", "set", self.port, "up")

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        """nsenter, which is outside, stops with what it started."""
        for process in self.spawned:
            process.send_signal(signal.SIGCONT)
        self.signal(signal.SIGCONT)

    def kill(self):
        """All processes at once: those of a namespace end with its first, and that one with its holder."""
        self.holder.kill()
        self.holder.wait()
        for process in self.spawned:
            process.kill()
            process.wait()


class Network:
    def __init__(self, count):
        self.folder = tempfile.mkdtemp(prefix="vjh-")  # short: sockets have short names
        self.hosts = []
        self.bridge = subprocess.Popen(["unshare", "--net", "--fork", "--kill-child", "sleep", "infinity"],
                                       preexec_fn=die_with_parent)
        try:
            self.write()
            wait_until(lambda: os.readlink(f"/proc/{self.bridge.pid}/ns/net") != os.readlink("/proc/self/ns/net"), 30,
                       "the switch does not start")
            self.switch("ip", "link", "add", "switch", "type", "bridge")
            self.switch("ip", "link", "set", "switch", "up")
            for number in range(count):
                self.hosts.append(Host(self, number))
        except BaseException:
            self.close()
            raise

    def write(self):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.folder}/key")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.folder}/host_key")
        settings = " ".join(f'"{name}={os.environ[name]}"' for name in SETTINGS if name in os.environ)
        hosts = "127.0.0.1 localhost\n" + "".join(f"{NETWORK}.{i + 1} node{i}\n" for i in range(64))
        for name, text in {"sshd_config": SSHD.format(folder=self.folder, settings=settings), "hosts": hosts,
                           "ssh_config": SSH.format(folder=self.folder), "shadow": "root:*:::::::\n"}.items():
            with open(os.path.join(self.folder, name), "w") as file:
                file.write(text)

    def switch(self, *command):
        """A command where the ports are."""
        return run(*self.at_switch(*command))

    def at_switch(self, *command):
        return ["nsenter", "--target", str(self.bridge.pid), "--net", "--", *command]

    def plug_in(self, host):
        """What is left of its port after a kill() goes some time after it."""
        subprocess.run(self.at_switch("ip", "link", "del", host.port), stderr=subprocess.DEVNULL, check=False)
        self.switch("ip", "link", "add", host.port, "type", "veth", "peer", "name", "eth0", "address",
                    f"02:00:00:00:00:{host.number:02x}", "netns", str(host.first))  # others remember it
        self.switch("ip", "link", "set", host.port, "master", "switch", "up")
        for command in ("addr add %s/24 dev eth0" % host.address, "link set eth0 up", "link set lo up"):
            run(*host.inside("ip", *command.split()))

    def close(self):
        for host in self.hosts:
            host.kill()
        self.bridge.kill()
        self.bridge.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
