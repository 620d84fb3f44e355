"""`vjvcr launch --hosts`: jobs on several hosts, by SSH; where one is lost, with power or without, the others take its
trial, and the sweep ends with the same bytes."""

import os
import subprocess

import across
from across import BOUND, LONG, Case, finish
from faults import faults
from support.hosts import wait_until


class OnHosts(Case):
    text = LONG

    def launch(self, *more):
        settings = [f"{name}={value}" for name, value in across.MPI.items()]
        return self.hosts[0].spawn(
            "env", "-C", self.sweep.folder, *settings, self.sweep.program, "launch", "e.yaml", "-o", self.sweep.name,
            "--hosts", ",".join(host.name for host in self.hosts), "--restarts", "2",
            "--agent", f"ssh {across.SSH}", *more, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def claims_of(self, host):
        return [trial for event, trial, _, who in self.sweep.ledger() if event == "claim" and who.startswith(host + ":")]

    def five_minutes_pass(self, host):
        """For the file of a job, of which others hear nothing more."""
        folder = self.sweep.path(self.sweep.name, "jobs")
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            if name.startswith(host + ":"):
                os.utime(os.path.join(folder, name), (0, 0))

    def assert_whole(self, outcome):
        self.assertEqual(self.sweep.problems_of_the_end(), [], outcome)
        left = [name for name in self.sweep.leftovers() if not name.startswith("launch")]
        self.assertEqual(left, [], outcome)

    def test_a_job_on_each(self):
        outcome = finish(self.launch())
        self.assertEqual(outcome.code, 0, outcome)
        self.assert_whole(outcome)
        self.assertGreater(sum(bool(self.claims_of(host.name)) for host in self.hosts), 1, self.sweep.ledger())

    def lose_one(self, lost, loser, manner, *arguments):
        """The job of `loser` goes with the host `lost`, and the others do its work."""
        process = self.launch(*arguments)
        wait_until(lambda: self.sweep.has("ledger") and self.claims_of(loser), BOUND, "it takes no trial")
        wait_until(lambda: any(event == "saved" for event, *_ in self.sweep.ledger()), BOUND, "nothing is saved")
        if manner == "freeze":
            self.hosts[lost].freeze()
        else:
            self.hosts[lost].cut()
        if manner == "power":
            self.hosts[lost].kill()
        try:
            first = self.hosts[int(loser[-1])]
            wait_until(lambda: first.holder.poll() is not None or not first.processes("vjvcr"), BOUND,
                       "the ranks that are left of the job do not end")
            self.five_minutes_pass(loser)
            outcome = finish(process)
        finally:
            {"cut": self.hosts[lost].join, "power": self.hosts[lost].boot, "freeze": self.hosts[lost].thaw}[manner]()
        self.assertEqual(outcome.code, 0, outcome)
        if manner != "cut":  # it may have had time to end its trial
            self.assertIn("release", [event for event, *_ in self.sweep.ledger()], outcome)
        self.assert_whole(outcome)

    def test_a_host_without_power(self):
        self.lose_one(2, "node2", "power")

    def test_a_host_that_is_cut_off(self):
        """Its SSH hears nothing more, so its job saves its trial, and stops."""
        self.lose_one(3, "node3", "cut")

    PAIRS = ("--jobs", "2", "--ranks", "2", "--ranks-per-trial", "2", "--hang-limit", "8s")

    def test_one_of_two_hosts_of_a_job(self):
        self.lose_one(3, "node2", "power", *self.PAIRS)

    def test_one_of_two_hosts_stands_still(self):
        """mpirun waits for it, and is ended when there is nothing left to do."""
        self.lose_one(3, "node2", "freeze", *self.PAIRS)


if __name__ == "__main__":
    faults.main()
