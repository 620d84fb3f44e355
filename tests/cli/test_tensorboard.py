"""TensorBoard's event files: every record is whole and checks out, what they say is what sweep.h5 says, and a run that
was killed and resumed shows each step once. Records and messages are decoded here from their descriptions:
tensorflow's lib/io/record_writer.h, core/util/event.proto and core/framework/summary.proto."""

import os
import resource
import signal
import struct
import subprocess
import time
import unittest

from support.vjvcr import TINY, VJVCR, Case, main, np, values_of

ON = "logging.tensorboard=true"
START = 1  # SessionLog.SessionStatus


# --- the format ------------------------------------------------------------------------------------------------------

def table_of_crc32c():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = table_of_crc32c()


def masked_crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    """The data of each record; a torn one at the end is an error, too."""
    at, found = 0, []
    while at < len(data):
        length, check = struct.unpack_from("<QI", data, at)
        assert masked_crc32c(data[at:at + 8]) == check, f"the length at byte {at} does not fit its checksum"
        body = data[at + 12:at + 12 + length]
        check, = struct.unpack_from("<I", data, at + 12 + length)
        assert masked_crc32c(body) == check, f"the record at byte {at} does not fit its checksum"
        found.append(body)
        at += length + 16
    return found


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(message):
    """{field number: [values]}: integers, floats, doubles by their wire type, else bytes."""
    found, at = {}, 0
    while at < len(message):
        key, at = varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(message, at)
        elif kind == 1:
            value, at = struct.unpack_from("<d", message, at)[0], at + 8
        elif kind == 5:
            value, at = struct.unpack_from("<f", message, at)[0], at + 4
        else:
            assert kind == 2, f"wire type {kind}"
            length, at = varint(message, at)
            value, at = message[at:at + length], at + length
            assert len(value) == length
        found.setdefault(number, []).append(value)
    return found


def read_events(path):
    """[(step, what, content)] in the order of the file: version, start, scalars {tag: value}, text {tag: text}."""
    events = []
    with open(path, "rb") as file:
        data = file.read()
    for record in records(data):
        event = fields(record)
        step, = event.get(2, [0])
        assert abs(event[1][0] - time.time()) < 3600, "the time of an event is a Unix time"
        if 3 in event:
            events.append((step, "version", event[3][0]))
        if 7 in event:
            events.append((step, "session", fields(event[7][0])[1][0]))
        values = [fields(value) for value in fields(event[5][0]).get(1, [])] if 5 in event else []
        scalars = {value[1][0].decode(): value[2][0] for value in values if 2 in value}
        texts = {value[1][0].decode(): fields(value[8][0])[8][0].decode() for value in values if 8 in value}
        plugins = [fields(fields(value[9][0])[1][0])[1][0] for value in values if 9 in value]
        assert plugins == [b"text"] * len(texts)
        if scalars:
            events.append((step, "scalars", scalars))
        if texts:
            events.append((step, "text", texts))
    return events


def shown(files):
    """tag -> [(step, value)] that TensorBoard shows of a folder: files in the order of their names; each start of a
    session but the first takes away what was read of its step and later ones."""
    found, sessions = {}, 0
    for path in sorted(files):
        for step, what, content in read_events(path):
            sessions += what == "session" and content == START
            if what == "session" and sessions > 1:
                found = {tag: [point for point in points if point[0] < step] for tag, points in found.items()}
            for tag, value in content.items() if what == "scalars" else ():
                found.setdefault(tag, []).append((step, value))
    return found


# --- tests -----------------------------------------------------------------------------------------------------------

class TensorBoard(Case):
    def files(self, run, name="out"):
        folder = self.path(name, "tensorboard", run)
        return [os.path.join(folder, file) for file in os.listdir(folder)]

    def expected(self, values, trial):
        """As sweep.h5 has it, in float32: TensorBoard keeps no more."""
        found = {}
        for axis in ("step", "eval"):
            for name, value in values.items():
                if value.ndim != 2 or value.dtype != np.float64 or value.shape[1] != len(values[axis]):
                    continue
                points = [(int(step), float(np.float32(number))) for step, number in zip(values[axis], value[trial])
                          if not np.isnan(number)]
                if points:
                    found[name] = points
        return found

    def test_it_is_off_by_default(self):
        self.succeed("train", "tiny.yaml", "-o", "out")
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["ledger", "sweep.h5", "sweep.yaml"])

    def test_values_are_those_of_the_sweep_file(self):
        self.write("sweep.yaml", TINY + 'sweep: {trials: {"with VCR": {}, "a/b: c": {losses.variance.weight: 0}}}\n')
        self.succeed("sweep", "sweep.yaml", "-o", "out", ON, ranks=2)
        self.assertEqual(sorted(os.listdir(self.path("out", "tensorboard"))),
                         ["trial-0000-with-VCR", "trial-0001-a-b--c"])
        values = values_of(self.path("out", "sweep.h5"))
        for trial, run in enumerate(["trial-0000-with-VCR", "trial-0001-a-b--c"]):
            file, = self.files(run)
            self.assertRegex(os.path.basename(file), r"^events\.out\.tfevents\.\d{10}\.")
            events = read_events(file)
            self.assertEqual(events[:2], [(0, "version", b"brain.Event:2"), (0, "session", START)])
            text, = [content for _, what, content in events if what == "text"]
            self.assertEqual("".join(line[4:] + "\n" for line in text["config"].splitlines()), values["config"][trial])
            self.assertEqual(shown([file]), self.expected(values, trial))
            self.assertIn("probe_speed_mse", shown([file]))

    def test_runs_without_arms_are_named_by_their_settings(self):
        self.write("sweep.yaml", TINY + "sweep: {parameters: {losses.variance.tau: [0.5, 2]}}\n")
        self.succeed("sweep", "sweep.yaml", "-o", "out", ON)
        self.assertEqual(sorted(os.listdir(self.path("out", "tensorboard"))),
                         ["trial-0000-tau=0.5", "trial-0001-tau=2"])

    def test_killed_and_resumed_shows_every_step_once(self):
        settings = [ON, "optim.steps=60", "eval.every=10", "eval.probe_at=all", "checkpoint.steps=7"]
        kills = 3
        for kill in range(kills):
            resume = ["--resume"] if kill else []
            process = subprocess.Popen([VJVCR, "train", "tiny.yaml", "-o", "out", *settings, *resume], cwd=self.folder,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       env=dict(os.environ, OMPI_MCA_ess_singleton_isolated="1"))
            end = time.monotonic() + 100
            while time.monotonic() < end and process.poll() is None and self.steps_written() < 12 * (kill + 1):
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.succeed("train", "tiny.yaml", "-o", "out", *settings, "--resume")
        files = sorted(self.files("trial-0000"))
        self.assertEqual(len(files), kills + 1)
        for file in files:
            self.assertEqual([what for _, what, _ in read_events(file)][:2], ["version", "session"])
        values = values_of(self.path("out", "sweep.h5"))
        found = shown(files)
        expected = self.expected(values, 0)
        self.assertEqual(sorted(found), sorted(expected))
        for tag, points in expected.items():
            self.assertEqual(found[tag], points, tag)

    def steps_written(self):
        """The last step in the newest file, which may be being written."""
        try:
            with open(max(self.files("trial-0000")), "rb") as file:
                data = file.read()
        except (OSError, ValueError):
            return 0
        step = at = 0
        while at + 12 <= len(data):
            length, = struct.unpack_from("<Q", data, at)
            if at + length + 16 > len(data):
                break
            step = max(step, fields(data[at + 12:at + 12 + length]).get(2, [0])[0])
            at += length + 16
        return step

    def test_it_may_be_turned_on_with_a_resume(self):
        self.write("two.yaml", TINY + "sweep: {seeds: 2}\n")
        self.succeed("sweep", "two.yaml", "-o", "out")
        with open(self.path("out", "ledger")) as file:
            lines = file.readlines()
        with open(self.path("out", "ledger"), "w") as file:
            file.writelines(line for line in lines if not line.startswith(("1 claim 1 ", "1 done 1 ")))
        self.succeed("sweep", "two.yaml", "-o", "out", "--resume", ON)
        self.assertEqual(os.listdir(self.path("out", "tensorboard")), ["trial-0001"])

    def test_what_cannot_be_written_costs_no_result(self):
        os.mkdir(self.path("out"))
        with open(self.path("out", "tensorboard"), "w"):
            pass
        result = self.run_vjvcr("train", "tiny.yaml", "-o", "out", ON)
        self.assertEqual((result.code, result.err), (0, "trial 0: out/tensorboard/trial-0000: can't be written: Not a "
                                                     "directory; the trial goes on without TensorBoard's files\n"))
        self.succeed("train", "tiny.yaml", "-o", "other")
        one, other = (values_of(self.path(name, "sweep.h5")) for name in ("out", "other"))
        np.testing.assert_array_equal(one["train_loss"], other["train_loss"])

    def test_a_file_that_can_grow_no_more_is_told_of_once(self):
        """As on a full disk: the limit leaves room for sweep.h5, and not for as many events."""
        long = "".join(f", {letter * 200}: {{type: variance, weight: 0}}" for letter in "abcdefgh")
        settings = ["losses={prediction: {weight: 1}" + long + "}", "optim.steps=400", "eval.every=400"]
        self.succeed("train", "tiny.yaml", "-o", "whole", *settings)
        size = os.path.getsize(self.path("whole", "sweep.h5")) + 230000  # more is reserved for it than it takes
        result = self.run_vjvcr("train", "tiny.yaml", "-o", "out", ON, *settings,
                                before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
        self.assertEqual(result.code, 0, result.err)
        self.assertRegex(result.err, r"^trial 0: out/tensorboard/trial-0000/events\S+: can't be written: it needs "
                         r"more than a file may have here \(see ulimit -f\); "
                         "the trial goes on without TensorBoard's files\n$")
        whole, limited = (values_of(self.path(name, "sweep.h5")) for name in ("whole", "out"))
        np.testing.assert_array_equal(whole["train_loss"], limited["train_loss"])


if __name__ == "__main__":
    unittest.TestCase.maxDiff = None
    main()
