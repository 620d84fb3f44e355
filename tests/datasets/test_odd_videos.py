"""Odd videos in a data set: what decoding found is remembered, damage is counted and named, frames are the same from the
files and from a pack, and a name that is no UTF-8 leaves sweep.h5 readable."""

import json
import os
import shutil
import subprocess

import odd_videos as odd
from test_video_walk import Folder
from videos import EXPERIMENT  # looks for what the tests need
from support.vjvcr import VJVCR, SharedCase, differing, h5py, main, values_of

X264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 8"
LATIN = b"caf\xe9.avi"


class Odd(SharedCase):
    copied = True

    @classmethod
    def fill(cls, shared):
        os.makedirs(shared.path("videos"))
        folder = Folder(shared.path("videos"))
        folder.make("whole.ts", X264)
        odd.lose_packet(folder.path("whole.ts"), folder.path("lost.ts"))
        for name, source, quality in (("a", "testsrc2", 20), ("b", "testsrc", 35)):
            folder.make(f"{name}.h264", f"{X264} -bf 0 -qp {quality}", duration=1, source=source)
        odd.say_once([folder.path("a.h264"), folder.path("b.h264")], folder.path("both.h264"), (7, 8))
        folder.ffmpeg("-r 25 -i both.h264 -c copy sets.mp4")
        folder.make("plain.mp4", X264)
        for split in ("train", "val", "test"):
            shared.write(f"videos/{split}.txt", "lost.ts 0\nsets.mp4 1\nplain.mp4 0\n")
        shared.write("v.yaml", EXPERIMENT.replace("layout: folders", "layout: list, clips: 16"))

    def inspect(self, *more):
        return json.loads(self.succeed("data", "inspect", "v.yaml", "--format", "json", *more).out)

    def test_damage_is_counted_and_named(self):
        broken = self.inspect()["broken"]
        self.assertEqual([(v["video"], v["split"]) for v in broken], [("lost.ts", s) for s in ("training", "validation", "test")])
        self.assertRegex(broken[0]["reason"], r"lost\.ts: \d of 60 frames are damaged, the first is \d+$")
        self.assertEqual(self.inspect("--decode")["broken"], broken)

    def test_what_decoding_found_is_remembered(self):
        first = self.inspect()
        with open(self.path("index")) as index:
            lines = index.read().split("\n")
        self.assertRegex(lines[0], r"^vjvcr videos 3 \S+ [0-9a-f]+ [0-9a-f]+$")
        size = os.path.getsize(self.path("index.frames"))
        self.assertEqual(self.inspect(), first)
        self.assertEqual(os.path.getsize(self.path("index.frames")), size)
        os.remove(self.path("index.frames"))  # what it knew is found again
        self.assertEqual(self.inspect(), first)
        self.assertEqual(os.path.getsize(self.path("index.frames")), size)
        with open(self.path("index"), "w") as index:  # of another FFmpeg
            index.write("\n".join(["vjvcr videos 1 0 0"] + lines[1:]).replace(" 60 ", " 61 "))
        self.assertEqual(self.inspect(), first)

    def test_files_and_their_pack_give_the_same_frames(self):
        settings = ("optim.steps=12", "eval.every=12", "eval.probes=null")
        self.succeed("data", "pack", "v.yaml", "-o", "p.h5")
        for name, more in (("files", ()), ("again", ("--ranks-per-trial", "2")), ("pack", ("data.pack=p.h5",))):
            ranks = {"ranks": 2} if name == "again" else {}
            result = self.run_vjvcr("sweep", "v.yaml", "-o", name, *settings, *more, **ranks)
            self.assertEqual(result.code, [0, 0] if ranks else 0, result.err)
        files = values_of(self.path("files", "sweep.h5"))
        self.assertEqual(differing(files, values_of(self.path("again", "sweep.h5"))), [])
        found = differing(files, values_of(self.path("pack", "sweep.h5")))
        self.assertEqual([n for n in found if not n.startswith("text_")], ["config"])  # which names the pack

    def test_a_name_that_is_no_utf8_leaves_the_results_readable(self):
        videos = os.fsencode(self.path("videos"))
        Folder(self.path("videos")).make("spoiled.avi", "-c:v mjpeg")
        path = self.path("videos", "spoiled.avi")
        odd.spoil(path, path, range(10, 60), 0, 0)
        shutil.move(os.fsencode(path), os.path.join(videos, LATIN))
        with open(self.path("videos", "train.txt"), "wb") as file:
            file.write(LATIN + b" 0\nplain.mp4 1\n")
        done = subprocess.run([VJVCR, "sweep", "v.yaml", "-o", "out", "eval.probes=null"], cwd=self.folder,
                              capture_output=True, env={**os.environ, "OMPI_MCA_ess_singleton_isolated": "1"})
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(self.path("out", "sweep.h5")) as sweep:
            names = [b"".join(row).rstrip(b"\0").decode("utf-8") for row in sweep["data_videos_damaged_names"][()]]
            for variable in sweep.values():
                if variable.dtype.kind == "S":
                    for row in variable[()].reshape(-1, variable.shape[-1]):
                        b"".join(row).rstrip(b"\0").decode("utf-8")
        self.assertTrue(names[0].startswith("training: caf?.avi"), names)


if __name__ == "__main__":
    main()
