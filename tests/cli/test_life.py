"""A trial survives its process: killed or stopped at any moment and resumed, it has measured the same to the last bit.

VJ_KILLS says how often the experiment is killed on one rank (default 6; on two ranks, two thirds of it); long runs take
hundreds."""

import os
import random
import shutil
import signal
import struct
import subprocess
import time

from support.vjvcr import RICH, VJVCR, Case, differing, everything_in, h5py, main, values_of

KILLS = int(os.environ.get("VJ_KILLS", "6"))

# A checkpoint at every step.
LIFE = RICH % {"name": "life", "steps": 20, "every": 8, "decoder_steps": 10, "checkpoint": 1}


class Life(Case):
    """A reference that ran through, and tools to disturb others."""

    def setUp(self):
        super().setUp()
        self.write("life.yaml", LIFE)

    references = {}

    def whole(self, *settings):
        """What an undisturbed run measures; made once."""
        if settings not in self.references:
            self.succeed("train", "life.yaml", "-o", "whole", *settings)
            self.references[settings] = values_of(self.path("whole", "sweep.h5"))
        return self.references[settings]

    def start(self, *arguments, ranks=1, name="killed"):
        command = [VJVCR, "train", "life.yaml", "-o", name, *arguments]
        environment = dict(os.environ)
        if ranks == 1:
            environment["OMPI_MCA_ess_singleton_isolated"] = "1"
        else:
            command = ["mpirun", "--oversubscribe", "-n", str(ranks), *command]
        return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def has(self, *names):
        return os.path.exists(self.path(*names))

    def committed(self, name="killed"):
        if not self.has(name, "sweep.h5"):
            return 0
        with h5py.File(self.path(name, "sweep.h5"), "r", locking=False) as file:
            return int(file["committed"][0])

    def wait_for(self, what, process=None, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not what():
            if process and process.poll() is not None:
                break
            time.sleep(0.01)

    def checkpoints(self, name="killed"):
        folder = self.path(name, "checkpoints")
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def newest(self, name="killed"):
        """The highest serial of a checkpoint."""
        serials = [0]
        for file in self.checkpoints(name):
            try:
                with open(self.path(name, "checkpoints", file), "rb") as saved:
                    serials.append(struct.unpack("<8sQQI", saved.read()[-28:])[1] if file[-1] in "01" else 0)
            except FileNotFoundError:
                pass
        return max(serials)

    def positions(self, name="killed"):
        """(stage, steps, steps of the decoder) of every checkpoint, by its ending."""
        found = {}
        for file in self.checkpoints(name):
            if file.endswith(".new"):
                continue
            with h5py.File(self.path(name, "checkpoints", file), "r") as saved:
                at = saved.attrs
                found[file[-1]] = (int(at["stage"]), int(at["steps_done"]), int(at["decoder_steps_done"]))
        return found

    def ranks_of(self, process):
        listed = subprocess.run(["pgrep", "-P", str(process.pid)], stdout=subprocess.PIPE, text=True, check=False)
        return [int(line) for line in listed.stdout.split()]

    def assert_same(self, whole, name="killed", apart_from=("attempt",)):
        self.assertEqual(differing(values_of(self.path(name, "sweep.h5")), whole, apart_from=list(apart_from)), [])
        self.assertEqual(sorted(everything_in(self.path(name))), ["ledger", "sweep.h5", "sweep.yaml"])


class Killed(Life):
    def end(self, process):
        """With all its ranks, which are no longer of mpirun's group."""
        everyone = self.ranks_of(process)
        os.killpg(process.pid, signal.SIGKILL)
        for rank in everyone:
            try:
                os.kill(rank, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.communicate()

    def kill_again_and_again(self, kills, *settings, ranks=1):
        """SIGKILL after a random time; what is committed never goes down. Ends when the trial is done."""
        dice, before, killed = random.Random(kills + ranks), 0, 0
        while killed < kills:
            arguments = [*settings, *(["--resume"] if self.has("killed", "sweep.h5") else [])]
            saved = self.newest()
            process = self.start(*arguments, ranks=ranks)
            self.wait_for(lambda: self.newest() != saved, process)
            time.sleep(dice.uniform(0, 0.2))
            if process.poll() is not None:
                self.assertEqual(process.returncode, 0, process.communicate())
                break
            self.end(process)
            killed += 1
            self.assertGreaterEqual(self.committed(), before)
            before = self.committed()
        return killed

    def test_killed_at_random_moments_it_is_the_same(self):
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                kills = KILLS if ranks == 1 else 2 * KILLS // 3
                steps = f"optim.steps={max(20, 4 * KILLS)}"  # each kill waits for a checkpoint, so the trial goes on
                whole = self.whole(steps)
                killed = self.kill_again_and_again(kills, steps, ranks=ranks)
                self.assertGreaterEqual(killed, kills // 3)
                result = self.run_vjvcr("train", "life.yaml", "-o", "killed", "--resume", steps, ranks=ranks)
                self.assertEqual(result.code, 0 if ranks == 1 else [0] * ranks, result.err)
                self.assert_same(whole)
                print(f"{killed} kills on {ranks} rank(s)")
                shutil.rmtree(self.path("killed"))

    def killed_when(self, reached):
        process = self.start()
        self.wait_for(reached, process)
        self.end(process)
        self.assertTrue(reached(), self.positions())

    def in_stage(self, stage, step):
        """Whether a checkpoint is as far as this step of training (0), or of the decoder's training (1)."""
        try:
            return any((s, d if s else x) >= (stage, step) for s, x, d in self.positions().values())
        except OSError:  # replaced while it was opened
            return False

    def test_it_goes_on_where_it_was_and_not_from_the_start(self):
        self.killed_when(lambda: self.in_stage(0, 9))
        first = self.newest()
        process = self.start("--resume")
        self.wait_for(lambda: self.newest() != first, process)
        self.end(process)
        self.assertTrue(9 <= min(x for _, x, _ in self.positions().values()) <= 20)
        self.succeed("train", "life.yaml", "-o", "killed", "--resume", "checkpoint.steps=0")
        self.assert_same(self.whole())

    def test_in_the_decoders_training(self):
        self.killed_when(lambda: self.in_stage(1, 3))
        self.succeed("train", "life.yaml", "-o", "killed", "--resume", ranks=2)
        self.assert_same(self.whole())

    def damage(self, name):
        with open(self.path("killed", "checkpoints", name), "r+b") as file:
            file.seek(-100, os.SEEK_END)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 1]))

    def test_a_damaged_checkpoint_is_named_and_the_older_used(self):
        self.killed_when(lambda: self.in_stage(0, 5) and len(self.checkpoints()) >= 2)
        at = self.positions()
        newer, older = ("0", "1") if at["0"] > at["1"] else ("1", "0")
        self.damage(f"trial-0000.{newer}")
        result = self.run_vjvcr("train", "life.yaml", "-o", "killed", "--resume")
        self.assertEqual(result.code, 0)
        self.assertEqual(result.err, f"trial 0: killed/checkpoints/trial-0000.{newer}: this checkpoint is damaged: its "
                         f"checksum does not fit; the trial goes on from step {at[older][1]}, in "
                         f"killed/checkpoints/trial-0000.{older}\n")
        self.assert_same(self.whole())

    def test_without_a_whole_checkpoint_it_begins_anew(self):
        self.killed_when(lambda: self.in_stage(0, 5) and len(self.checkpoints()) >= 2)
        for ending in "01":
            self.damage(f"trial-0000.{ending}")
        result = self.run_vjvcr("train", "life.yaml", "-o", "killed", "--resume")
        self.assertEqual(result.code, 0)
        self.assertEqual(result.err, "".join(
            f"trial 0: killed/checkpoints/trial-0000.{ending}: this checkpoint is damaged: its checksum does not fit; "
            "the trial begins anew\n" for ending in "01"))
        self.assert_same(self.whole())

    def test_a_checkpoint_of_another_configuration_is_not_used(self):
        self.killed_when(lambda: self.in_stage(0, 5))
        subprocess.run(["cp", "-r", "killed/checkpoints", "kept"], cwd=self.folder, check=True)
        self.succeed("train", "life.yaml", "-o", "whole", "optim.lr=0.002")
        os.rename(self.path("kept"), self.path("whole", "checkpoints"))
        with open(self.path("whole", "ledger")) as file:
            lines = file.read().splitlines(True)
        with open(self.path("whole", "ledger"), "w") as file:
            file.write("".join(lines[:1]))
        kept = sorted(os.listdir(self.path("whole", "checkpoints")))
        result = self.run_vjvcr("train", "life.yaml", "-o", "whole", "--resume", "optim.lr=0.002")
        self.assertEqual(result.code, 0)
        self.assertEqual(len(result.err.splitlines()), len([n for n in kept if not n.endswith(".new")]))
        self.assertRegex(result.err, r"^trial 0: whole/checkpoints/trial-0000\.\d: this checkpoint can't be used: it is "
                         r"of another configuration; the trial begins anew\n")


class Written(Life):
    def test_checkpoints_change_no_result(self):
        without = self.whole("checkpoint.steps=0")
        self.succeed("train", "life.yaml", "-o", "often")
        often = values_of(self.path("often", "sweep.h5"))
        self.assertEqual([n for n in differing(without, often, ["config"]) if not n.startswith("text_")], [])
        self.assertGreater(often["time_checkpoint"][0], 0)
        self.assertEqual(without["time_checkpoint"][0], 0)

    def test_a_checkpoint_that_cannot_be_written_is_told_once_and_the_trial_goes_on(self):
        whole = self.whole()
        os.mkdir(self.path("killed"))
        self.write(os.path.join("killed", "checkpoints"), "in the way\n")
        result = self.run_vjvcr("train", "life.yaml", "-o", "killed")
        self.assertEqual(result.code, 0)
        self.assertEqual(result.err, "trial 0: killed/checkpoints/trial-0000.1: this checkpoint can't be written: Not a "
                         "directory; the trial goes on, and what was saved before stays\n")
        os.remove(self.path("killed", "checkpoints"))
        self.assert_same(whole)


class Stopped(Life):
    """Asked to stop, a run saves what it has and says how to go on."""

    def sentence(self, cause, ended=0, trials=1):
        return (f"vjvcr: stopped by {cause} after {ended} of {trials} trial{'s' if trials > 1 else ''}; the state of the "
                "others is saved, go on with the same command and --resume\n")

    def errors_of(self, text):
        """Without progress and what mpirun adds."""
        return "".join(line for line in text.splitlines(True) if line.startswith("vjvcr: "))

    def stop(self, number, *arguments):
        saved = self.newest()
        process = self.start(*arguments)
        self.wait_for(lambda: self.newest() != saved, process)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75, err)
        self.assertEqual(self.errors_of(err), self.sentence(signal.Signals(number).name))

    def test_stopped_again_and_again_it_is_the_same(self):
        self.stop(signal.SIGTERM, "checkpoint.steps=3")
        self.stop(signal.SIGUSR1, "checkpoint.steps=3", "--resume")
        self.stop(signal.SIGINT, "checkpoint.steps=3", "--resume")
        before = self.newest()
        result = self.run_vjvcr("train", "life.yaml", "-o", "killed", "checkpoint.steps=0", "--resume", "--time-limit",
                                "1s", "optim.steps=20")
        self.assertIn(result.code, (0, 75), result.err)
        if result.code == 75:  # a checkpoint for the stop, and no other
            self.assertEqual(result.err, self.sentence("the time limit"))
            self.assertEqual(self.newest(), before + 1)
            self.succeed("train", "life.yaml", "-o", "killed", "checkpoint.steps=3", "--resume", ranks=2)
        self.assertEqual([n for n in differing(values_of(self.path("killed", "sweep.h5")), self.whole(),
                                               ["attempt", "config"]) if not n.startswith("text_")], [])

    def test_before_the_end_of_a_slurm_job(self):
        soon = dict(os.environ, SLURM_JOB_END_TIME=str(int(time.time()) + 100), OMPI_MCA_ess_singleton_isolated="1")
        result = subprocess.run([VJVCR, "train", "life.yaml", "-o", "slurm", "optim.steps=4000"], cwd=self.folder,
                                env=soon, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual((result.returncode, self.errors_of(result.stderr)),
                         (75, self.sentence("the end of the Slurm job")))

    def test_a_signal_to_one_rank_stops_all_groups(self):
        with open(self.path("life.yaml"), "a") as file:
            file.write("sweep: {seeds: 4}\n")
        process = subprocess.Popen(["mpirun", "--oversubscribe", "-n", "2", VJVCR, "sweep", "life.yaml", "-o", "killed",
                                    "optim.steps=2000"], cwd=self.folder, stderr=subprocess.PIPE, text=True)
        self.wait_for(lambda: {"trial-0000.0", "trial-0001.0"} <= set(self.checkpoints()), process)
        os.kill(self.ranks_of(process)[1], signal.SIGUSR1)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75, err)
        self.assertEqual(self.errors_of(err), self.sentence("SIGUSR1", 0, 4))

    def claims(self):
        """What the ledger says of trials that were begun with."""
        if not self.has("killed", "ledger"):
            return []
        with open(self.path("killed", "ledger")) as file:
            return [line for line in file if " claim " in line]

    def test_a_second_interrupt_ends_it_at_once(self):
        process = self.start("optim.batch=512", "eval.samples=512", "data.train_size=512")  # steps of a second
        self.wait_for(lambda: self.claims(), process)
        for _ in range(2):
            time.sleep(0.02)  # well below a step
            process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=60), 130)
        process.communicate()

    def test_a_lost_rank_does_not_hang_the_others_for_ever(self):
        process = self.start("--hang-limit", "4s", "optim.steps=2000", "checkpoint.steps=10", ranks=2)
        self.wait_for(lambda: self.newest() > 0, process)
        os.kill(max(self.ranks_of(process)), signal.SIGSTOP)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75, err)
        self.assertIn("vjvcr: no step was finished within the hang limit", err)

    def test_durations_are_checked(self):
        for wrong in ("3", "1x", "", "h", "1h30"):
            self.assert_refused(f'--time-limit: expected a duration such as 3h, 90m or 1h30m, got "{wrong}"',
                                "train", "life.yaml", "--time-limit", wrong)


class Many(Life):
    """Several runs of one sweep, one after the other and at the same time."""

    def setUp(self):
        super().setUp()
        self.write("life.yaml", LIFE.replace("steps: 1}", "steps: 0}") + "sweep: {seeds: 4}\n")

    def start(self, *arguments, **options):
        environment = dict(os.environ, OMPI_MCA_ess_singleton_isolated="1")
        return subprocess.Popen([VJVCR, "sweep", "life.yaml", "-o", "killed", *arguments], cwd=self.folder,
                                env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ledger(self, event=""):
        if not self.has("killed", "ledger"):
            return []
        with open(self.path("killed", "ledger")) as file:
            return [line.split()[1:4] for line in file.read().splitlines()[1:] if f" {event}" in line]

    def whole(self):
        if "sweep" not in self.references:
            self.succeed("sweep", "life.yaml", "-o", "whole")
            self.references["sweep"] = values_of(self.path("whole", "sweep.h5"))
        return self.references["sweep"]

    def test_a_trial_that_kills_its_runs_is_set_aside(self):
        for attempt in range(1, 4):
            process = self.start(*(["--resume"] if attempt > 1 else []))
            self.wait_for(lambda: ["claim", "0", str(attempt)] in self.ledger("claim"), process)
            process.kill()
            process.communicate()
        reason = "its run died 3 times in a row and had saved nothing (--max-attempts)"
        result = self.run_vjvcr("sweep", "life.yaml", "-o", "killed", "--resume")
        self.assertEqual(result.code, 1)
        self.assertIn(f"trial 0 failed: {reason}\n", result.err)
        found, whole = values_of(self.path("killed", "sweep.h5")), self.whole()
        self.assertEqual((list(found["status"]), list(found["failure"])), ([3, 2, 2, 2], [reason, "", "", ""]))
        self.assertEqual(found["train_loss"][1:].tobytes(), whole["train_loss"][1:].tobytes())

    def test_a_trial_is_never_set_aside_with_no_limit_to_attempts(self):
        for attempt in range(1, 6):
            process = self.start("--max-attempts", "0", *(["--resume"] if attempt > 1 else []))
            self.wait_for(lambda: ["claim", "0", str(attempt)] in self.ledger("claim"), process)
            process.kill()
            process.communicate()
        self.succeed("sweep", "life.yaml", "-o", "killed", "--resume", "--max-attempts", "0")
        self.assert_same(self.whole())

    def test_two_jobs_share_a_sweep(self):
        first = self.start()
        self.wait_for(lambda: self.ledger("claim"), first)
        second = self.start("--resume")
        for process in (first, second):
            out, err = process.communicate(timeout=200)
            self.assertEqual(process.returncode, 0, err)
        self.assertEqual(sorted(trial for _, trial, _ in self.ledger("claim")), ["0", "1", "2", "3"])
        self.assertEqual(self.ledger("release"), [])
        self.assert_same(self.whole(), apart_from=())

    def test_a_job_takes_over_what_a_dead_one_leaves(self):
        longer = ["optim.steps=200", "eval.every=100"]  # than it takes to start a program
        first = self.start(*longer)
        self.wait_for(lambda: self.ledger("claim"), first)
        second = self.start("--resume", *longer)
        self.wait_for(lambda: len(self.ledger("claim")) >= 2, second)
        first.kill()
        first.communicate()
        _, err = second.communicate(timeout=200)
        self.assertEqual(second.returncode, 0, err)
        found = values_of(self.path("killed", "sweep.h5"))
        self.assertEqual((list(found["status"]), list(found["committed"])), ([2] * 4, [200] * 4))
        self.assertEqual(sorted(found["attempt"]), [1, 1, 1, 2])
        self.assertEqual(sorted(everything_in(self.path("killed"))), ["ledger", "sweep.h5", "sweep.yaml"])


if __name__ == "__main__":
    main()
