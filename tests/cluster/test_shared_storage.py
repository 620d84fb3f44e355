"""A sweep whose folder each host sees through a mount of its own (FUSE, with caches of its own and locks that reach the
others), as on a shared file system: the same bits, and a host that loses its storage, or comes back without it."""

import signal
import subprocess
import time

from across import BOUND, LONG, Case, finish
from faults import faults
from support import requirements
from support.hosts import wait_until

requirements.programs("bindfs")


class SharedStorage(Case):
    text = LONG
    ARGUMENTS = ("--ranks-per-trial", "2", "--hang-limit", "8s")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for host in cls.hosts:
            cls.mount(host)

    @classmethod
    def mount(cls, host):
        """The folder under its own name; what lies there is reached under another one."""
        real, seen = f"{cls.network.folder}/real", cls.sweep.folder
        mounted = subprocess.run(host.inside(
            "sh", "-c", 'mkdir -p "$0" "$0-empty" && mount --bind "$1" "$0" && mount --bind "$0-empty" "$1" && '
            'exec bindfs --enable-lock-forwarding --multithreaded -o attr_timeout=0,entry_timeout=0 "$0" "$1"', real,
            seen), capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            requirements.impossible(f"FUSE can't be mounted here: {mounted.stderr.strip()}")

    def lose_storage(self, host):
        host.signal(signal.SIGKILL, "bindfs")

    def mount_again(self, host):
        subprocess.run(host.inside("sh", "-c", 'umount -l "$1"; umount -l "$1"; umount -l "$0"', f"{self.network.folder}/real",
                                   self.sweep.folder), capture_output=True, check=False)
        self.mount(host)

    def begin_until_saved(self):
        process = self.sweep.begin(*self.ARGUMENTS, on=self.hosts)
        wait_until(lambda: any(event == "saved" for event, *_ in self.sweep.ledger()), BOUND, "nothing is saved")
        return process

    def complete(self, on):
        self.sweep.complete("--ranks-per-trial", "1", on=on)

    def wait_for_no_ranks(self, on):
        wait_until(lambda: not any(host.processes("vjvcr") for host in on), BOUND, "ranks do not end")

    def test_same_bits(self):
        self.sweep.complete(*self.ARGUMENTS, on=self.hosts)
        self.assert_complete()

    def test_storage_that_is_lost(self):
        """Of the host whose rank leads a group: what it can't write it tells, and all ranks end."""
        process = self.begin_until_saved()
        self.lose_storage(self.hosts[2])
        try:
            outcome = finish(process)
            self.assertNotEqual(outcome.code, 0, outcome)
            self.wait_for_no_ranks(self.hosts)
            self.assertEqual(self.sweep.problems_underway(), [], outcome)
            self.complete(self.hosts[:2])
        finally:
            self.mount_again(self.hosts[2])
        self.complete(self.hosts)
        self.assert_complete(outcome)

    def test_storage_that_hangs(self):
        """The rank that waits for it says so, and ends as soon as the system lets it."""
        process = self.begin_until_saved()
        self.hosts[2].signal(signal.SIGSTOP, "bindfs")
        try:
            wait_until(lambda: not any(host.processes("vjvcr") for host in self.hosts if host is not self.hosts[2]),
                       BOUND, "the others do not end")
            time.sleep(10)
        finally:
            self.hosts[2].signal(signal.SIGCONT, "bindfs")
        outcome = finish(process)
        self.assertIn("no step was finished within the hang limit", outcome.err)
        self.wait_for_no_ranks(self.hosts)
        self.complete(self.hosts)
        self.assert_complete(outcome)

    def test_back_without_storage(self):
        """Cut off, it comes back when others have completed the sweep, and can't write any more."""
        process, lost = self.begin_until_saved(), self.hosts[2]
        lost.cut()
        lost.freeze()
        try:
            self.wait_for_no_ranks([host for host in self.hosts if host is not lost])
            self.complete(self.hosts[:2])
            self.lose_storage(lost)
            lost.join()
            lost.thaw()
            self.wait_for_no_ranks([lost])
        finally:
            faults.end_all(process)
            lost.join()
            lost.thaw()
            self.mount_again(lost)
        self.complete(self.hosts)
        self.assert_complete()


if __name__ == "__main__":
    faults.main()
