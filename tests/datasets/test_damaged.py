"""Damage that shows only when a clip is decoded: the videos are counted and named in a trial's row, the same on any
number of ranks, from a pack and after a resume, and are shown."""

import json
import os
import shutil
import signal
import subprocess
import time

from videos import VideoCase  # looks for what the tests need
from support.vjvcr import VJVCR, differing, h5py, main, values_of

DAMAGED = "train/left/b.avi"
SENTENCE = ("2 of the 8 videos in use are damaged where clips were asked for, and others were taken in their place: "
            "training: train/left/b.avi; validation: validation/right/f.avi")


def spoil(path):
    """Half the pictures of an avi of MJPEG, not the first ones, become zeros; its tables stay whole."""
    with open(path, "rb") as file:
        data = file.read()
    at, pictures = 0, []
    while (at := data.find(b"\xff\xd8\xff", at + 1)) >= 0:
        pictures.append(at)
    for at in pictures[len(pictures) // 6:2 * len(pictures) // 3]:
        size = int.from_bytes(data[at - 4:at], "little")  # of its chunk
        data = data[:at] + bytes(size) + data[at + size:]
    with open(path, "wb") as file:
        file.write(data)


class Damaged(VideoCase):
    def spoil_some(self):
        for name in (DAMAGED, "validation/right/f.avi"):
            spoil(self.path("videos", name))

    def run_sweep(self, name, *more, ranks=1):
        result = self.run_vjvcr("sweep", "v.yaml", "-o", name, *more, **({"ranks": ranks} if ranks > 1 else {}))
        self.assertEqual(result.code, [0] * ranks if ranks > 1 else 0, result.err)
        return result

    def test_damaged_videos_are_counted_and_named(self):
        self.spoil_some()
        self.assertIn("nothing is broken; --decode looks at every frame", self.succeed("data", "inspect", "v.yaml").out)
        told = json.loads(self.succeed("data", "inspect", "v.yaml", "--decode", "--format", "json").out)
        self.assertEqual([v["video"] for v in told["broken"]], [DAMAGED, "validation/right/f.avi"])
        self.assertEqual(self.run_sweep("one").err, f"trial 0: {SENTENCE}\n")
        one = values_of(self.path("one", "sweep.h5"))
        self.assertEqual([int(one[n][0]) for n in ("data_videos", "data_videos_skipped", "data_videos_damaged")],
                         [8, 0, 2])
        self.assertEqual(one["data_videos_damaged_names"][0], SENTENCE.split(": ", 1)[1])

        two = self.run_sweep("two", "--ranks-per-trial", "2", ranks=2)
        self.assertEqual(two.err, f"trial 0: {SENTENCE}\n")
        self.assertEqual(differing(one, values_of(self.path("two", "sweep.h5"))), [])

        self.succeed("data", "pack", "v.yaml", "-o", "p.h5")
        self.run_sweep("packed", "data.pack=p.h5")
        found = differing(one, values_of(self.path("packed", "sweep.h5")))
        self.assertEqual([n for n in found if not n.startswith("text_")], ["config"])  # which names the pack

        self.assertIn("\nvideos    8 in use, 2 of them damaged: training: train/left/b.avi; validation: "
                      "validation/right/f.avi\n", self.succeed("show", "one", "0").out)
        shown = json.loads(self.succeed("show", "one", "0", "--format", "json").out)
        self.assertEqual(shown["videos"], {"in_use": 8, "skipped": 0, "damaged": 2,
                                           "damaged_names": SENTENCE.split(": ", 1)[1]})
        if shutil.which("gnuplot"):
            self.succeed("report", "one")
            with open(self.path("one", "report.html"), encoding="utf-8") as page:
                self.assertIn('<data id="videos-damaged" value="2">', page.read())

    def test_sound_videos_are_none_and_trials_of_one_data_set_are_told_of_once(self):
        self.swept("sound")
        sound = values_of(self.path("sound", "sweep.h5"))
        self.assertEqual((int(sound["data_videos_damaged"][0]), sound["data_videos_damaged_names"][0]), (0, ""))
        self.spoil_some()
        self.assertEqual(self.run_sweep("many", "sweep={seeds: 3}").err, f"trial 0: {SENTENCE}\n")
        self.assertEqual(list(values_of(self.path("many", "sweep.h5"))["data_videos_damaged"]), [2, 2, 2])

    # --- a trial that meets the damage once ------------------------------------------------------------------------

    def one_among_many(self):
        """One epoch of 160 clips, one of them damaged: so it is met at one step only."""
        folder = self.path("videos/train/left")
        for number in range(157):
            os.link(os.path.join(folder, "a.mp4"), os.path.join(folder, f"copy-{number:03d}.mp4"))
        spoil(self.path("videos", DAMAGED))

    settings = ("data.clips=1", "data.stride=5", "optim.steps=40", "optim.batch=4", "optim.shards=2", "eval.every=40",
                "eval.probes=null", "logging.every=4")
    saving = "checkpoint={minutes: 0, steps: 1}"

    def test_what_one_rank_alone_meets_is_in_the_results(self):
        self.one_among_many()
        self.run_sweep("pairs", "--ranks-per-trial", "2", "sweep={seeds: 4}", *self.settings, ranks=2)
        self.assertEqual(list(values_of(self.path("pairs", "sweep.h5"))["data_videos_damaged"]), [1, 1, 1, 1])

    def has_met_it(self, name):
        """What the newest checkpoints say, and how far they are."""
        for file in ("trial-0000.0", "trial-0000.1"):
            try:
                with h5py.File(self.path(name, "checkpoints", file), "r") as saved:
                    if "data/damaged" in saved:
                        return bytes(saved["data/damaged"][:]), int(saved.attrs["steps_done"])
            except OSError:  # not there yet, or replaced while it was opened
                pass
        return None

    def test_a_resumed_trial_does_not_forget(self):
        self.one_among_many()
        self.run_sweep("whole", *self.settings, self.saving)
        whole = values_of(self.path("whole", "sweep.h5"))
        self.assertEqual((int(whole["data_videos_damaged"][0]), whole["data_videos_damaged_names"][0]),
                         (1, f"training: {DAMAGED}"))

        environment = dict(os.environ, OMPI_MCA_ess_singleton_isolated="1")
        process = subprocess.Popen([VJVCR, "sweep", "v.yaml", "-o", "killed", *self.settings, self.saving], cwd=self.folder,
                                   env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < end and not self.has_met_it("killed"):
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertEqual(process.returncode, -signal.SIGKILL)
        found = self.has_met_it("killed")
        self.assertEqual(found[0], f"training {DAMAGED}\0".encode())
        self.assertLess(found[1], 40)
        self.run_sweep("killed", "--resume", "--ranks-per-trial", "2", *self.settings, self.saving, ranks=2)
        self.assertEqual(differing(whole, values_of(self.path("killed", "sweep.h5")), ["attempt"]), [])


if __name__ == "__main__":
    main()
