"""A sweep on several hosts ends with the bytes of sweep.h5 that one rank alone gives: on two ranks a trial over TCP, with
a host that is slow, with one that comes late, and of two jobs begun on different hosts."""

import signal
import threading

from across import Case, finish
from faults import faults
from support.hosts import wait_until


class SameBits(Case):
    text = faults.RICH

    def test_two_ranks_a_trial(self):
        self.sweep.complete("--ranks-per-trial", "2", on=self.hosts)
        self.assert_complete()

    def test_two_ranks_on_each_host(self):
        self.sweep.complete("--ranks-per-trial", "2", on=self.hosts, ranks=8, per_host=2)
        self.assert_complete()

    def test_a_slow_host(self):
        """Its ranks run an eighth of the time."""
        process, over = self.sweep.begin("--ranks-per-trial", "2", on=self.hosts), threading.Event()

        def slow_down():
            while not over.wait(0.02):
                self.hosts[2].signal(signal.SIGSTOP, "vjvcr")
                over.wait(0.14)
                self.hosts[2].signal(signal.SIGCONT, "vjvcr")

        thread = threading.Thread(target=slow_down)
        thread.start()
        try:
            outcome = finish(process)
        finally:
            over.set()
            thread.join()
        self.assertEqual(outcome.code, 0, outcome)
        self.assert_complete(outcome)

    def test_two_jobs_from_different_hosts(self):
        jobs = [self.sweep.begin("--ranks-per-trial", "2", on=pair) for pair in (self.hosts[:2], self.hosts[2:])]
        outcomes = [finish(job) for job in jobs]
        self.assertEqual([outcome.code for outcome in outcomes], [0, 0], [str(outcome) for outcome in outcomes])
        self.assert_complete([str(outcome) for outcome in outcomes])
        self.assertEqual({who.split(":")[0] for event, _, _, who in self.sweep.ledger() if event == "claim"},
                         {"node0", "node2"})

    def test_a_late_host(self):
        """A job of its own, when the sweep is half done."""
        first = self.sweep.begin("--ranks-per-trial", "1", on=self.hosts[:1])
        wait_until(lambda: any(event == "done" for event, *_ in self.sweep.ledger()), 60, "no trial is done")
        late = self.sweep.begin("--ranks-per-trial", "2", on=self.hosts[2:])
        outcomes = [finish(late), finish(first)]
        self.assertEqual([outcome.code for outcome in outcomes], [0, 0], [str(outcome) for outcome in outcomes])
        self.assert_complete([str(outcome) for outcome in outcomes])


if __name__ == "__main__":
    faults.main()
