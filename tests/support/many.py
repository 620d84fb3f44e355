"""Many short trials in one sweep, looked at while they run: what the engine costs, how many files, how much memory."""

import os
import resource
import subprocess
import time

from support.vjvcr import VJVCR, values_of

# 20 steps that take some milliseconds altogether, and an evaluation before and after them.
SWEEP = """\
name: many
data: {{dataset: moving_mnist, size: 16, digit_size: 8, max_speed: 2, input_frames: 2, target_frames: 3, train_size: 64,
       validation_size: 16}}
model:
  encoder: {{type: cnn, channels: [4, 8], temporal: [8]}}
  predictor: {{type: mlp, hidden: [16]}}
losses:
  prediction: {{weight: 1.0}}
  variance: {{weight: 10.0}}
  covariance: {{weight: 0.1}}
optim: {{steps: 20, batch: 8, shards: 2}}
eval:
  every: 20
  samples: 8
  probe_train: 16
  probe_validation: 8
  probe_test: 8
  probes: {{speed: {{type: ridge, target: speed, on: hy_pred}}}}
sweep: {{seeds: {trials}, parameters: {{model.predictor.hidden: [[16], [24]]}}}}
"""


def anonymous_memory(process):
    """KiB of its own; 0 when it is gone."""
    try:
        with open(f"/proc/{process}/status") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("RssAnon:")), 0)
    except (FileNotFoundError, ProcessLookupError):
        return 0


def children(process):
    found = subprocess.run(["pgrep", "-P", str(process)], stdout=subprocess.PIPE, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


class Many:
    """One run of so many trials on two ranks, each of which trains trials of its own."""

    def __init__(self, folder, trials, *arguments):
        self.folder, self.trials = os.path.join(folder, "out"), trials
        self.samples = []  # (trials done, KiB of the rank that has most)
        self.files = 0     # most of them at a time
        with open(os.path.join(folder, "many.yaml"), "w") as file:
            file.write(SWEEP.format(trials=trials // 2))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        self.run(folder, arguments)
        self.wall = time.monotonic() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.values = values_of(os.path.join(self.folder, "sweep.h5"))

    def run(self, folder, arguments):
        command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", "2", VJVCR, "sweep", "many.yaml",
                   "-o", "out", *arguments]
        with open(os.path.join(folder, "errors"), "w") as errors:
            process = subprocess.Popen(command, cwd=folder, env=dict(os.environ, OMP_NUM_THREADS="1"),
                                       stdout=subprocess.DEVNULL, stderr=errors)
        while process.poll() is None:
            self.look(process)
            time.sleep(0.1)
        if process.returncode != 0:
            with open(os.path.join(folder, "errors")) as errors:
                raise AssertionError(errors.read())

    def look(self, process):
        self.files = max(self.files, sum(len(names) for _, _, names in os.walk(self.folder)))
        try:
            with open(os.path.join(self.folder, "ledger")) as file:
                done = file.read().count(" done ")
        except FileNotFoundError:
            return
        memory = [anonymous_memory(rank) for rank in children(process.pid)]
        if done and len(memory) == 2 and all(memory):
            self.samples.append((done, max(memory)))

    def growth(self):
        """KiB from the tenth of the run at which all sizes of trials were there to its end."""
        early = [memory for done, memory in self.samples if self.trials / 20 <= done <= self.trials / 5]
        late = [memory for done, memory in self.samples if done >= self.trials * 0.8]
        return max(late) - max(early) if early and late else None

    def overhead(self):
        """Milliseconds a trial of all that is no training step and no evaluation: what passed, and processor time.

        Both ranks work from the start to the end; of that, what the trials say of steps, batches and evaluations is
        training. The same share of the processor time is overhead: on a machine with other work, too, where what passed
        is mostly waiting for a processor."""
        training = sum(self.values[f"time_{part}"].sum() for part in ("step", "data", "evaluate", "decoder"))
        share = 1 - training / (2 * self.wall)
        return {"passed": 1e3 * (2 * self.wall - training) / self.trials, "cpu": 1e3 * share * self.cpu / self.trials,
                "in the median trial": self.median(), "cpu of all": 1e3 * self.cpu / self.trials}

    def median(self):
        v = self.values
        rest = v["time_total"] - v["time_step"] - v["time_data"] - v["time_evaluate"] - v["time_decoder"]
        return 1e3 * float(sorted(rest)[len(rest) // 2])

    def report(self):
        o = self.overhead()
        print(f"{self.trials} trials in {self.wall:.1f} s, {self.cpu:.1f} s of processor time; per trial: all "
              f"{o['cpu of all']:.1f} ms of processor time, of which beside training and evaluation {o['cpu']:.1f} ms; "
              f"passed beside them {o['passed']:.1f} ms, of which within the median trial "
              f"{o['in the median trial']:.1f} ms; at most {self.files} files; memory {self.samples[0][1]} KiB at "
              f"first, {self.samples[-1][1]} KiB at last, growth {self.growth()} KiB; load {os.getloadavg()[0]:.1f}",
              flush=True)
