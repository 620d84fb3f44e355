"""What a verb prints arrives, or it says that it did not: a full disk, a reader that has gone, a closed file."""

import os
import subprocess

from support.vjvcr import TINY, VJVCR, SharedCase, main

SWEEP = TINY + """\
sweep: {parameters: {optim.lr: [1.0e-3, 2.0e-3, 4.0e-3]}}
question: {asked: Does it learn?, claims: [{quantity: hx_rankme, at_least: 1}]}
"""
# Of every verb, in each form that it prints. {} is a fresh name.
LONG = [
    "sweep sweep.yaml -o {}", "train tiny.yaml -o {}", "train tiny.yaml --dry-run=timed", "recompute run 0",
    "report run -o {}.html", "data make videos {} --videos 4 --frames 4 --size 16x16", "data pack videos.yaml -o {}.h5",
    "doctor", "bench tiny.yaml --steps 1", "bench tiny.yaml --steps 1 --format json",
]
SHORT = [
    "--version", "--help", "table --help", "help", "help table", "help --format md",
    "train tiny.yaml --dry-run", "train tiny.yaml --print-config",
    "table run", "table run --format csv", "table run --format json", "table run --format md",
    "answers run", "answers run --format csv", "answers run --format json", "answers run --format md",
    "ls run", "ls run --format csv", "ls run --format json", "ls run --format md",
    "status run", "status run --format json", "status run --watch 0.1",
    "show run 0", "show run 0 --format csv", "show run 0 --format json", "show run 0 --format md",
    "best run probe_speed_mse", "best run probe_speed_mse --format csv", "best run probe_speed_mse --format json",
    "best run probe_speed_mse --format md", "compare run 0 1", "compare run 0 1 --format csv",
    "compare run 0 1 --format json", "compare run 0 1 --format md", "compare-metrics run", "export run --format csv -o {}",
    "verify run", "verify run --format json", "merge run -o {}", "launch sweep.yaml --print slurm",
    "list", "list losses", "list records --format json", "describe loss variance", "describe optim",
    "data inspect videos.yaml", "data inspect videos.yaml --format json", "info", "info --json",
]
SILENT = {"debug step"}


class Output(SharedCase):
    @classmethod
    def fill(cls, shared):
        shared.write("sweep.yaml", SWEEP)
        shared.succeed("sweep", "sweep.yaml", "-o", "run")
        shared.succeed("data", "make", "videos", "videos", "--videos", "4,2,2", "--size", "16x16", "--frames", "12")
        shared.write("videos.yaml", TINY.replace(
            "{dataset: moving_mnist, size: 32, digit_size: 14, max_speed: 3, train_size: 64, validation_size: 32}",
            "{dataset: video_list, root: videos, size: 16, input_frames: 2, target_frames: 2, stride: 1}")
            .replace("  probes: {speed: {type: ridge, target: speed, on: hy_pred}}\n", ""))

    def words(self, number, line):
        return line.format(f"fresh-{number}").split()

    def run_into(self, number, line, output):
        environment = {**os.environ, "OMPI_MCA_ess_singleton_isolated": "1", "OMPI_MCA_btl": "self"}
        done = subprocess.run([VJVCR, *self.words(number, line)], cwd=self.folder, env=environment, stdout=output,
                              stderr=subprocess.PIPE, text=True, timeout=300)
        return done.returncode, "".join(l for l in done.stderr.splitlines(True) if l.startswith("vjvcr: "))

    def test_all_verbs_are_tried(self):
        listed = self.succeed("help").out.split("usage:")[1].splitlines()[2:]
        verbs = {line[2:].partition("  ")[0] for line in listed if line.startswith("  ") and line[2] != " "}
        self.assertGreater(len(verbs), 15)
        self.assertEqual({verb for verb in verbs if not any((line + " ").startswith(verb + " ") for line in LONG + SHORT)},
                         SILENT)

    def assert_told(self, number, line, output, sentence):
        code, said = self.run_into(number, line, output)
        self.assertEqual((code, said.count("\n")), (1, 1), said)
        self.assertRegex(said, sentence)

    def test_a_full_disk(self):
        for number, line in enumerate(LONG + SHORT):
            with self.subTest(line), open("/dev/full", "w") as full:
                self.assert_told(number, line, full,
                                 "(not all of it could be|can't be) written: (No space left on device|is the disk full.)$")

    def test_a_reader_that_has_gone(self):
        for number, line in enumerate(SHORT):
            reading, writing = os.pipe()
            os.close(reading)
            with self.subTest(line), os.fdopen(writing, "w") as gone:
                self.assert_told(f"{number}-pipe", line, gone, "whoever read it has gone|Broken pipe")

    def test_files_of_a_program_without_standard_files_are_its_own(self):
        """Without that, sweep.h5 would have the number of standard output, and the table be printed into it."""
        done = subprocess.run(["sh", "-c", '"$0" train tiny.yaml -o closed <&- >&- 2>&-', VJVCR], cwd=self.folder,
                              env={**os.environ, "OMPI_MCA_ess_singleton_isolated": "1"})
        self.assertEqual(done.returncode, 1)
        self.succeed("table", "closed")
        code, said = self.run_into("d", "table run", subprocess.DEVNULL)
        self.assertEqual((code, said), (0, ""))


if __name__ == "__main__":
    main()
