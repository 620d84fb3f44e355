"""Labels of videos from tables: they are those of a clip's target frames, have names, are fit for every probe, and what is
wrong with a table is said with its place."""

import json
import math
import os
import struct
import subprocess
import zlib

from videos import VIDEOS, VideoCase  # looks for what the tests need
from support.vjvcr import h5py, main, np, values_of

RATE, INPUT, TARGET, STRIDE = 25, 2, 3, 2  # of the videos, and of the clips that begin with a video's first frame
FIRST, LAST = INPUT * STRIDE, (INPUT + TARGET - 1) * STRIDE  # frames 4 to 8 are the target
PROBES = """\
    actions: {type: multilabel, target: actions, on: hx}
    main: {type: logistic, target: main_action, on: hx}
    values: {type: ridge, target: values, on: hy_pred}
    path: {type: trajectory, target: values, on: hy_pred}
"""
# video, start, end in seconds: frames whose time lies in between, else the one that is shown
EVENTS = [("train/left/a.mp4", 0.0, 0.16, "early"), ("train/left/a.mp4", 0.2, 0.2, "point"),
          ("C:\\data\\b.avi", 0.31, 0.33, "late"), ("c", 0.16, 0.2, "one"), ("d.mkv", 0.1, 0.24, "two"),
          ("d.mkv", 0.2, 0.3, "two"), ("d", 0.28, 0.4, "one"), ("e", 0, 9, "one"), ("f.MOV", 0, 9, "two"),
          ("g", 0, 9, "one"), ("h", 0, 9, "two"), ("stranger.mp4", 0, 1, "other")]


def frames_of(start, end):
    inside = [f for f in range(400) if start * RATE - 1e-6 <= f < end * RATE - 1e-6]
    return set(inside or [math.floor(start * RATE + 1e-6)])


def overlaps():
    """video -> label -> how many frames of the target."""
    found = {name[0]: {} for *_, name in VIDEOS}
    for video, start, end, label in EVENTS:
        key = video.replace("\\", "/").split("/")[-1][0]
        if key != "s":
            found[key].setdefault(label, set()).update(frames_of(start, end))
    return {key: {label: len(frames & set(range(FIRST, LAST + 1))) for label, frames in one.items()}
            for key, one in found.items()}


class Annotated(VideoCase):
    @classmethod
    def fill(cls, shared):
        super().fill(shared)
        with open(shared.path("videos/events.csv"), "w", encoding="utf-8") as file:
            file.write("video,Start (s),Stop (s),label\n")
            file.writelines(f"{video},{start},{end},{label}\n" for video, start, end, label in EVENTS)
        os.mkdir(shared.path("videos/poses"))
        for number, (*_, name) in enumerate(VIDEOS):
            with open(shared.path("videos/poses", name.split(".")[0] + "DLC_net.csv"), "w", encoding="utf-8") as file:
                file.write("scorer,D,D,D\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n")
                file.writelines(f"{t},{number + 0.5 * t},{10 - t},{0.2 if (t + number) % 7 == 0 else 0.9}\n"
                                for t in range(20) if t != 6)
        with open(shared.path("v.yaml"), encoding="utf-8") as file:
            text = file.read()
        shared.write("a.yaml", text.replace("layout: folders", "layout: folders, intervals: events.csv, frame_values: "
                                            "\"poses/*DLC_net.csv\"").replace(
            "  probes: {class: {type: logistic, target: class, on: hx}}\n", "  probes:\n" + PROBES))

    def packed(self, *more):
        """The labels of the clips that begin with the first frames, of all videos."""
        if os.path.exists(self.path("p.h5")):
            os.remove(self.path("p.h5"))
        self.succeed("data", "pack", "a.yaml", "-o", "p.h5", *more)
        with h5py.File(self.path("p.h5")) as pack:
            self.assertEqual(list(pack["rate"]), 8 * [RATE])
            return {name[6:]: pack[name][()] for name in pack if name.startswith("label_")}

    def test_labels_are_those_of_the_target_frames(self):
        names = ["early", "late", "one", "point", "two"]
        for least in (1, 2):
            labels = self.packed(f"data.min_overlap={least}")
            for row, (*_, name) in enumerate(VIDEOS):
                wanted = overlaps()[name[0]]
                flags = [float(wanted.get(label, 0) >= least) for label in names]
                self.assertEqual(list(labels["actions"][row]), flags, (name, least))
                longest = max((wanted.get(label, 0), -k) for k, label in enumerate(names))
                self.assertEqual(labels["main_action"][row, 0], -longest[1] if longest[0] >= least else 5, name)
        self.assertEqual(list(labels["class"][:, 0]), [0, 0, 1, 1, 0, 1, 0, 1])

    def test_values_are_those_of_the_target_frames(self):
        values = self.packed()["values"]
        for number in range(len(VIDEOS)):
            wanted = [[math.nan] * 2 if t == 6 or (t + number) % 7 == 0 else [number + 0.5 * t, 10 - t] for t in (4, 6, 8)]
            np.testing.assert_array_equal(values[number], np.float32(np.ravel(wanted)))

    def test_every_probe_reads_them(self):
        self.succeed("sweep", "a.yaml", "-o", "out")
        after = values_of(self.path("out", "sweep.h5"))
        for name in ("actions_map", "main_accuracy", "values_mse", "path_error"):
            self.assertTrue(np.isfinite(after[f"probe_{name}"][0, -1]), name)
        by_horizon = after["probe_path_error_by_horizon"][0, -1]
        self.assertEqual(list(np.isfinite(by_horizon)), [True, False, True])  # no video has a value of frame 6
        self.packed()
        self.succeed("sweep", "a.yaml", "-o", "packed", "data.pack=p.h5")
        packed = values_of(self.path("packed", "sweep.h5"))
        for name in ("actions_map", "main_accuracy", "values_mse", "path_error"):
            np.testing.assert_array_equal(packed[f"probe_{name}"], after[f"probe_{name}"], name)

    def test_inspection_has_names(self):
        told = json.loads(self.succeed("data", "inspect", "a.yaml", "--format", "json").out)
        labels = {(one["label"], one["split"]): one for one in told["labels"]}
        self.assertEqual(labels["class", "training"]["names"], ["left", "right"])
        self.assertEqual(labels["actions", "test"]["names"], ["early", "late", "one", "point", "two"])
        text = self.succeed("data", "inspect", "a.yaml", "--sheet", "sheet.png").out
        self.assertIn("label class, training: left: 2, right: 2\n", text)
        self.assertIn("label actions, test: early: 0, late: 0, one: 1, point: 0, two: 1\n", text)
        self.assertIn("label main_action, test: early: 0, late: 0, one: 1, point: 0, two: 1, none: 0\n", text)
        self.assertIn('intervals: 1 name of videos that are not listed, the first: videos/events.csv:13: "stranger.mp4"\n',
                      text)
        self.assertIn("actions, test: two: 1, one: 1\n",
                      self.succeed("data", "inspect", "a.yaml", "data.actions=[two, one]").out)

    def beside_the_rows(self, *more):
        """The left part of the contact sheet, row by row: true where something is written."""
        self.succeed("data", "inspect", "a.yaml", "--sheet", "sheet.png", *more)
        with open(self.path("sheet.png"), "rb") as file:
            width, height = struct.unpack(">2I", file.read(24)[16:])
        pixels = subprocess.run("ffmpeg -nostdin -loglevel error -i sheet.png -f rawvideo -pix_fmt gray -", shell=True,
                                cwd=self.path(), stdout=subprocess.PIPE, check=True).stdout
        left = np.frombuffer(pixels, np.uint8).reshape(height, width)[4:, :184]
        self.assertEqual(set(np.unique(left)), {0, 255})
        return left.reshape(len(VIDEOS), -1, 184) == 0

    def test_sheet_has_names_beside_its_rows(self):
        both, one = self.beside_the_rows(), self.beside_the_rows("data.actions=[late]")
        name, rest = both[:, :9], both[:, 9:]  # a line has 9 px
        self.assertTrue(name.any(axis=(1, 2)).all() and rest.any(axis=(1, 2)).all())
        self.assertEqual(len({row.tobytes() for row in name}), len(VIDEOS))  # each another video's
        self.assertTrue((one[:, :18] == both[:, :18]).all())  # name and class are as they were
        changed = (one[:, 18:] != both[:, 18:]).any(axis=(1, 2))
        self.assertEqual(list(np.flatnonzero(~changed)), [1])  # actions are not, but for b.avi, which has no other

    def test_videos_need_no_class(self):
        self.write("videos/train.txt", "".join(f"{folder}/{name}\n" for folder, _, _, name in VIDEOS[:4]))
        self.write("videos/validation.txt", "validation/left/e.mp4\nvalidation/right/f.avi\n")
        told = json.loads(self.succeed("data", "inspect", "a.yaml", "--format", "json", "data.layout=unlabelled").out)
        self.assertEqual([told["splits"][s]["listed"] for s in ("training", "validation", "test")], [4, 2, 2])
        self.assertEqual({one["label"] for one in told["labels"]}, {"actions", "main_action", "values"})
        for name in ("train.txt", "validation.txt"):
            os.remove(self.path("videos", name))
        told = json.loads(self.succeed("data", "inspect", "a.yaml", "--format", "json", "data.layout=unlabelled",
                                       "data.root=videos/train", "data.train=left", "data.validation=right",
                                       "data.test=../test/left", "data.intervals=../events.csv",
                                       "data.frame_values=../poses/*DLC_net.csv").out)
        self.assertEqual([told["splits"][s]["listed"] for s in ("training", "validation", "test")], [2, 2, 1])

    def test_a_video_whose_own_table_is_bad_is_skipped(self):
        self.write("videos/poses/aDLC_net.csv", "frame,x,y\n1,2\n1,2,3\n")
        os.remove(self.path("videos/poses/cDLC_net.csv"))
        self.write("videos/poses/dDLC_net.csv", "frame,x,z\n1,2,3\n")
        told = json.loads(self.succeed("data", "inspect", "a.yaml", "--format", "json").out)
        self.assertEqual({one["video"]: one["reason"] for one in told["broken"]}, {
            "train/left/a.mp4": "videos/poses/aDLC_net.csv:3: frame 1 stands in line 2 already",
            "train/right/c.webm": "videos/poses/*DLC_net.csv: there is no such file with its name in place of the *",
            "train/right/d.mkv": "videos/poses/dDLC_net.csv: its columns are not those of videos/poses/bDLC_net.csv"})

    def test_what_is_wrong_with_a_table_of_all_is_told(self):
        def refused(sentence, *more, code=1):
            result = self.run_vjvcr("data", "inspect", "a.yaml", *more)
            self.assertEqual((result.code, result.err), (code, f"vjvcr: {sentence}\n"))
        refused("videos/none.csv: can't be opened: No such file or directory", "data.intervals=none.csv")
        self.write("videos/odd.csv", "video,start,end,label\na,1,2,b\n")
        refused("videos/odd.csv:2: start is 1: seconds or frames? The column's name does not say; data.time_unit does",
                "data.intervals=odd.csv")
        refused("data.actions: no interval of a listed video is called \"jmp\"", "data.actions=[one, jmp]", code=2)
        refused("data.min_overlap: 6 frames, and the target of a clip is 5 long", "data.min_overlap=6", code=2)
        self.write("videos/odd.csv", "video,frame,label\nx,1,b\n")
        refused("data.intervals: no interval is of a listed video; the first is of videos/odd.csv:2: \"x\"",
                "data.intervals=odd.csv")
        os.makedirs(self.path("videos/train/other"))
        os.link(self.path("videos/train/left/a.mp4"), self.path("videos/train/other/a.mp4"))
        self.write("videos/odd.csv", "video,frame,label\nleft/a.mp4,1,b\na.mp4,1,b\n")
        refused("videos/odd.csv:3: \"a.mp4\" may be videos/train/left/a.mp4 or another video of that name; write its "
                "folder, too", "data.intervals=odd.csv")

    def test_packs_of_earlier_versions_have_no_rates(self):
        self.packed()
        with open(self.path("p.h5"), "rb") as file:
            whole = file.read()
        frames, frame_bytes, _ = struct.unpack("<3q", whole[-28:-4])
        self.write("old.h5", whole[:-36])
        with h5py.File(self.path("old.h5"), "r+") as pack:
            del pack["rate"]
        with open(self.path("old.h5"), "rb") as file:
            text = file.read()
        seal = b"vjvcrPK1" + struct.pack("<3q", frames, frame_bytes, len(text))
        self.write("old.h5", text + seal + struct.pack("<I", zlib.crc32(
            seal, zlib.crc32(text[frames + frame_bytes:], zlib.crc32(text[:frames])))))
        result = self.run_vjvcr("sweep", "a.yaml", "-o", "old", "--dry-run", "data.pack=old.h5")
        self.assertEqual((result.code, result.err), (
            1, "vjvcr: old.h5: the pack is of an earlier version and does not say rates of frames, which labels in seconds "
               "need; make it again with `vjvcr data pack --replace`\n"))
        for more in ("data.rate=25", "data.time_unit=frames"):
            self.succeed("sweep", "a.yaml", "-o", "old", "--dry-run", "data.pack=old.h5", more)


if __name__ == "__main__":
    main()
