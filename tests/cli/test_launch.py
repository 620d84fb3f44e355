"""`vjvcr launch`: several jobs on one sweep, of which one dies, or all are stopped; and scripts for schedulers."""

import os
import re
import shutil
import signal
import subprocess
import time

from support.vjvcr import SOURCE, TINY, VJVCR, Case, differing, main, values_of, whole_group

SCRIPTS = {"slurm": "tau.sbatch", "pbs": "tau.pbs", "lsf": "tau.lsf", "flux": "tau.flux"}


class Launch(Case):
    def setUp(self):
        super().setUp()
        self.write("sweep.yaml", TINY + "sweep: {seeds: 4}\n")

    def launch(self, *arguments):
        return subprocess.Popen([VJVCR, "launch", "sweep.yaml", "-o", "out", *arguments], cwd=self.folder, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                                env={**os.environ, "OMP_NUM_THREADS": "1"})

    def finish(self, process, seconds=100):
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            whole_group(process)
            raise
        return process.returncode, out, err

    def ledger(self, event):
        with open(self.path("out", "ledger")) as file:
            return [line.split() for line in file.read().splitlines()[1:] if line.split()[1] == event]

    def wait(self, what, sentence):
        end = time.monotonic() + 60
        while not what():
            self.assertLess(time.monotonic(), end, sentence)
            time.sleep(0.02)

    def wait_for_claims(self, count):
        self.wait(lambda: os.path.exists(self.path("out", "ledger")) and len(self.ledger("claim")) >= count,
                  f"there are no {count} claims")

    def workers(self):
        """Processes of this sweep's jobs, by their names in jobs/."""
        folder = self.path("out", "jobs")
        names = os.listdir(folder) if os.path.isdir(folder) else []
        return [int(name.split(":")[1]) for name in names if ":" in name]

    def test_jobs_share_a_sweep(self):
        code, out, err = self.finish(self.launch("--jobs", "2", "--ranks", "2", "--ranks-per-trial", "2"))
        self.assertEqual((code, err), (0, ""))
        self.assertIn("everything measured is in out/sweep.h5\n", out)
        self.succeed("sweep", "sweep.yaml", "-o", "whole")
        self.assertEqual(differing(*(values_of(self.path(name, "sweep.h5")) for name in ("out", "whole"))), [])
        self.assertEqual(sorted(claim[2] for claim in self.ledger("claim")), list("0123"))
        self.assertEqual(len({claim[4] for claim in self.ledger("claim")}), 2)
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["launch", "ledger", "sweep.h5", "sweep.yaml"])
        self.assertEqual(sorted(os.listdir(self.path("out", "launch"))), ["job-0.txt", "job-1.txt"])

    def test_a_job_that_dies_is_started_again(self):
        process = self.launch("--jobs", "1", "optim.steps=400", "sweep.seeds=1")
        self.wait_for_claims(1)
        os.kill(self.workers()[0], signal.SIGKILL)
        code, _, err = self.finish(process)
        self.assertEqual(code, 0, err)
        self.assertRegex(err, "^job 0: it ended with code 137.*; it is started again in 2 s, at most 9 times more\n$")
        self.assertEqual(len(self.ledger("done")), 1)

    def test_no_job_is_left(self):
        process = self.launch("--jobs", "1", "--restarts", "0", "optim.steps=4000", "sweep.seeds=1")
        self.wait_for_claims(1)
        os.kill(self.workers()[0], signal.SIGKILL)
        code, _, err = self.finish(process)
        self.assertEqual(code, 1)
        self.assertRegex(err, r"^job 0 is given up: it ended with code 137.*\nvjvcr: no job is left that may be started "
                              r"again, after 0 of 1 trials; out/launch has what they said; go on with the same command\n$")

    def test_a_signal_saves_all_of_them(self):
        process = self.launch("--jobs", "2", "optim.steps=40000")
        self.wait_for_claims(2)
        process.send_signal(signal.SIGTERM)
        code, _, err = self.finish(process)
        self.assertEqual((code, err), (75, "vjvcr: stopped by SIGTERM after 0 of 4 trials; go on with the same "
                                           "command\n"))
        self.assertEqual(len(self.ledger("stop")), 2)

    def test_the_time_limit_is_that_of_all(self):
        code, _, err = self.finish(self.launch("--jobs", "2", "--time-limit", "4s", "optim.steps=400000"))
        self.assertEqual((code, err), (75, "vjvcr: stopped by the time limit after 0 of 4 trials; go on with the same "
                                           "command\n"))

    def test_when_it_is_killed_its_jobs_save_and_stop(self):
        process = self.launch("--jobs", "2", "optim.steps=40000")
        self.wait_for_claims(2)
        process.kill()
        process.communicate()
        self.wait(lambda: len(self.ledger("stop")) == 2, "the jobs go on")

    def test_what_is_wrong_with_an_experiment_is_told_and_not_tried_again(self):
        code, _, err = self.finish(self.launch("--jobs", "2", "optim.steps=many"))
        self.assertEqual(code, 1)
        self.assertRegex(err, r"(job [01] is given up: it ended with code 2, .*optim\.steps.*\n){2}vjvcr: no job is left ")

    def test_hosts_that_do_not_fit(self):
        for sentence, *arguments in (
                ("--hosts names 3, which 2 jobs can't have in equal parts; expected a multiple", "--jobs", "2", "--hosts",
                 "a,b,c"),
                ("--ranks 3: a job has 2 hosts; expected a multiple of that", "--jobs", "1", "--hosts", "a,b", "--ranks",
                 "3"),
                ('--hosts: expected names of hosts with commas between them, got "a,-b"', "--hosts", "a,-b"),
                ("--hosts and --print: a scheduler chooses the hosts itself", "--hosts", "a", "--print", "slurm")):
            self.assert_refused(sentence, "launch", "sweep.yaml", *arguments)


class Scripts(Case):
    def printed(self, scheduler, *arguments):
        return self.succeed("launch", "tau.yaml", "-o", "runs/tau", *arguments, "--print", scheduler).out

    def test_those_in_docs_are_what_is_printed(self):
        for scheduler, name in SCRIPTS.items():
            with self.subTest(scheduler), open(os.path.join(SOURCE, "docs", "examples", name), encoding="utf-8") as file:
                self.assertEqual(file.read(), self.printed(scheduler, "--jobs", "4", "--ranks", "8"),
                                 f"run: build/vjvcr launch tau.yaml -o runs/tau --jobs 4 --ranks 8 --print {scheduler} "
                                 f"> docs/examples/{name}")

    def test_shells_take_them(self):
        for scheduler in SCRIPTS:
            for arguments in ((), ("--jobs", "3", "--time-limit", "90m", "data.digits=it's $(here)", "name=a b")):
                with self.subTest(scheduler, arguments=arguments):
                    self.write("script", self.printed(scheduler, *arguments))
                    checked = subprocess.run(["bash", "-n", self.path("script")], capture_output=True, text=True,
                                             check=False)
                    self.assertEqual((checked.returncode, checked.stderr), (0, ""))
                    if shutil.which("shellcheck"):
                        subprocess.run(["shellcheck", "--severity=warning", self.path("script")], check=True)

    def run_script(self, scheduler, code, *more, **settings):
        """With stand-ins for the scheduler's programs and for vjvcr, which ends with this code."""
        bin_ = self.path("bin")
        os.makedirs(bin_, exist_ok=True)
        for name in ("qsub", "flux", "scontrol", "squeue"):
            self.write(f"bin/{name}", f'#!/bin/sh\nprintf "%s|" {name} "$@" >>"{self.path("called")}"\n')
        self.write("bin/vjvcr", f'#!/bin/sh\nprintf "%s|" "$@" >"{self.path("asked")}"\nexit {code}\n')
        for name in os.listdir(bin_):
            os.chmod(os.path.join(bin_, name), 0o755)
        self.write("script", self.printed(scheduler, *more))
        environment = {**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}", "LAUNCH": "env", "VJVCR": f"{bin_}/vjvcr",
                       "SLURM_JOB_ID": "7",
                       "SLURM_JOB_END_TIME": "1", "PBS_O_WORKDIR": self.folder, **settings}
        if os.path.exists(self.path("called")):
            os.remove(self.path("called"))
        done = subprocess.run(["bash", self.path("script")], capture_output=True, text=True, env=environment, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        with open(self.path("asked")) as file:
            asked = file.read()
        called = ""
        if os.path.exists(self.path("called")):
            with open(self.path("called")) as file:
                called = file.read()
        return asked, called, done.stdout

    def test_what_was_stopped_waits_in_the_queue_again(self):
        again = {"slurm": "scontrol|requeue|7|", "pbs": "qsub|-v|VJVCR_RUNS=1|tau.pbs|", "lsf": "",
                 "flux": "flux|--parent|batch|--env=VJVCR_RUNS=1|tau.flux|"}
        for scheduler, words in again.items():
            with self.subTest(scheduler):
                limit = "" if scheduler == "slurm" else "--time-limit|14100s|"
                asked, called, _ = self.run_script(scheduler, 75, "a.b=it's")
                self.assertEqual(asked, f"sweep|tau.yaml|-o|runs/tau|--resume|a.b=it's|{limit}")
                self.assertEqual(called, words)
                self.assertEqual(self.run_script(scheduler, 0)[1], "")
                self.assertEqual(self.run_script(scheduler, 1)[1], "")

    def test_it_does_not_for_ever(self):
        for scheduler, count in (("slurm", "SLURM_RESTART_COUNT"), ("pbs", "VJVCR_RUNS"), ("flux", "VJVCR_RUNS")):
            _, called, said = self.run_script(scheduler, 75, **{count: "100"})
            self.assertEqual((called, said), ("", "tau: not complete after 100 restarts; submit it again to go on\n"))

    def test_time_limits(self):
        for scheduler, line in (("slurm", "#SBATCH --time=26:01:40"), ("pbs", "#PBS -l walltime=26:01:40"),
                                ("lsf", "#BSUB -W 26:01"), ("flux", "# flux: --time-limit=1561m")):
            text = self.printed(scheduler, "--time-limit", "26h100s")
            self.assertIn(f"\n{line}\n", text)
            self.assertEqual(re.findall(r"--time-limit (\d+)s", text), [] if scheduler == "slurm" else ["93400"])


if __name__ == "__main__":
    main()
