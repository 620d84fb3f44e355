"""Which files are a data set: splits by whole relative paths, balanced by class; what is no video is never one."""

import json
import os
import shutil
import subprocess

from videos import EXPERIMENT
from support import requirements
from support.vjvcr import SharedCase, main, values_of

requirements.programs("ffmpeg")


def ffmpeg(words, folder):
    subprocess.run(f"ffmpeg -y -nostdin -loglevel error {words}", shell=True, cwd=folder, check=True)


class Files(SharedCase):
    copied = True

    @classmethod
    def fill(cls, shared):
        ffmpeg("-f lavfi -i testsrc2=size=16x16:rate=25 -frames:v 8 -c:v mjpeg one.avi", shared.folder)
        ffmpeg("-f lavfi -i testsrc2=size=32x32 -frames:v 1 picture.jpg", shared.folder)
        ffmpeg("-f lavfi -i testsrc2=size=32x32 -frames:v 1 picture.png", shared.folder)
        ffmpeg("-f lavfi -i testsrc2=size=32x32 -frames:v 1 picture.bmp", shared.folder)
        shared.write("v.yaml", EXPERIMENT)

    def copy(self, *names, of="one.avi"):
        os.makedirs(os.path.dirname(self.path(*names)), exist_ok=True)
        shutil.copyfile(self.path(of), self.path(*names))

    def inspect(self, *settings, code=0):
        done = self.run_vjvcr("data", "inspect", "v.yaml", "--format", "json", *settings)
        self.assertEqual(done.code, code, done.err)
        return json.loads(done.out)

    def listed(self, *settings):
        return [split["listed"] for split in self.inspect(*settings)["splits"].values()]

    def packed(self, *settings):
        """Name -> (split, class) by the pack."""
        self.succeed("data", "pack", "v.yaml", "-o", "pack.h5", "--replace", *settings)
        import h5py
        with h5py.File(self.path("pack.h5")) as file:
            names = [name.decode() for name in file["name"][()]]
            values = {name: (int(s), int(c)) for name, s, c in zip(names, file["split"], file["label_class"][:, 0])}
        return values

    # --- splits

    def test_each_class_gives_its_share(self):
        for name in "abc":
            for i in range(30):
                self.copy("videos", "train", name, f"v.{i}.avi")  # the same names in every class
        self.assertEqual(sum(self.listed()), 90)
        found = self.packed()
        for c in range(3):
            counts = [sum(1 for split, label in found.values() if (split, label) == (s, c)) for s in range(3)]
            self.assertEqual(counts[0], 27)
            self.assertEqual(counts[1] + counts[2], 3)
            self.assertGreaterEqual(min(counts[1:]), 1)
        for number in range(30):  # not all classes give the same names
            alike = {found[f"train/{c}/v.{number}.avi"][0] for c in "abc"}
            if len(alike) > 1:
                break
        else:
            self.fail("one name decides in every class")
        self.copy("videos", "train", "a", "another.avi")
        after = self.packed()
        moved = [name for name in found if found[name] != after[name]]
        self.assertLessEqual(len(moved), 2, moved)
        self.assertTrue(all(name.startswith("train/a/") for name in moved), moved)

    def test_files_that_are_all_called_the_same(self):
        lines = []
        for i in range(40):
            self.copy("videos", f"{i}", "rgb.avi")
            lines.append(f"{'./' if i % 3 else ''}{i}/rgb.avi {i % 2}")
        self.write("videos/train.txt", "\n".join(lines))
        self.assertEqual(self.listed("data.layout=list")[0], 36)
        train, validation, test = self.listed("data.layout=list")
        self.assertEqual(validation + test, 4)
        self.assertGreaterEqual(min(validation, test), 1)

    def test_a_list_with_absolute_paths_is_divided_as_one_with_relative_ones(self):
        for i in range(40):
            self.copy("videos", f"{i}.avi")
        self.write("videos/train.txt", "".join(f"{i}.avi 0\n" for i in range(40)))
        relative = {name: split for name, (split, _) in self.packed("data.layout=list").items()}
        root = os.path.realpath(self.path("videos"))
        self.write("videos/train.txt", "".join(f"{root}/./{i}.avi 0\n" for i in range(40)))
        absolute = {os.path.basename(name): split for name, (split, _) in
                    self.packed("data.layout=list", f"data.root={root}").items()}
        self.assertEqual(absolute, relative)

    def test_a_video_that_is_listed_twice_stays_on_one_side(self):
        for i in range(30):
            self.copy("videos", f"{i}.avi")
        self.write("videos/train.txt", "".join(f"{i}.avi 0\n./{i}.avi 1\n" for i in range(30)))
        self.succeed("data", "inspect", "v.yaml", "data.layout=list")
        sides = {}
        for name, (split, _) in self.packed_twice():
            sides.setdefault(name, set()).add(split)
        self.assertTrue(all(len(splits) == 1 for splits in sides.values()), sides)
        self.assertEqual(set.union(*sides.values()), {0, 1, 2})

    def packed_twice(self):
        import h5py
        done = self.run_vjvcr("data", "pack", "v.yaml", "-o", "twice.h5", "data.layout=list")
        if done.code:
            self.fail(done.err)
        with h5py.File(self.path("twice.h5")) as file:
            return [(n.decode().removeprefix("./"), (int(s), 0)) for n, s in zip(file["name"][()], file["split"])]

    def test_few_videos_of_many_classes(self):
        for i in range(3):
            self.copy("videos", "train", f"class {i}", "v.avi")
        self.assertEqual(sorted(self.listed()), [1, 1, 1])

    # --- what is no video

    def make_others(self, folder):
        os.makedirs(self.path(folder), exist_ok=True)
        texts = {"about.nfo": b"People walking.\nOutdoors.\n", "frames.txt": b"1\n2\n3\n", "NOTES.TXT": b"x\n",
                 "README": b"Read me.\n", "Makefile": b"all:\n\ttrue\n", "art.ans": b"\x1b[31mred\x1b[0m\n" * 50,
                 "utf16.readme2": "Grüße".encode("utf-16"), "latin.odd": "Straße\n".encode("latin-1"),
                 "a.srt": b"1\n00:00:00,000 --> 00:00:01,000\nhello\n", "b.vtt": b"WEBVTT\n\n00:00.000 --> 00:01.000\nx\n",
                 "c.ass": b"[Script Info]\n", "list.m3u8": b"#EXTM3U\n#EXTINF:1,\n../one.avi\n",
                 "list.M3U": b"../one.avi\n", "join.ffconcat": b"ffconcat version 1.0\nfile ../one.avi\n",
                 "join": b"ffconcat version 1.0\nfile ../one.avi\n", "m.mpd": b"<MPD></MPD>\n", "x.json": b"{}\n",
                 "sound.wav": b"RIFF\x24\0\0\0WAVE", "arrays.npy": b"\x93NUMPY"}
        for name, content in texts.items():
            self.write(os.path.join(folder, name), content)
        for name in ("thumbnail.jpg", "THUMB.JPEG", "t.png", "T.PNG", "t.bmp", "bitmap"):
            kind = "jpg" if "J" in name.upper() else "png" if "PNG" in name.upper() else "bmp"
            self.copy(folder, name, of=f"picture.{kind}")
        return len(texts) + 6

    def test_files_beside_videos_are_left_out_and_counted(self):
        for split in ("train", "validation", "test"):
            for name in ("a", "b"):
                self.copy("videos", split, name, "one.avi")
        count = self.make_others("videos/train/a")
        for name in ("CAPITALS.AVI", "without", "name.of.many.points.avi", "odd.extension"):
            self.copy("videos", "train", "b", name)
        told = self.inspect()
        self.assertEqual(told["splits"]["training"]["listed"], 6)
        self.assertEqual(told["splits"]["training"]["broken"], 0)
        self.assertEqual(told["others"], count)
        self.assertEqual([form["form"] for form in told["forms"]], ["mjpeg in avi, 16x16, 25/s"])
        text = self.succeed("data", "inspect", "v.yaml").out
        self.assertRegex(text, rf"\n{count} files in the folders are no videos: \S+ is .*, for one\n")
        self.succeed("train", "v.yaml", "-o", "out")

    def test_lists_that_name_other_files(self):
        count = self.make_others("videos")
        for i in range(20):
            self.copy("videos", f"{i}.avi")
        names = [n for n in sorted(os.listdir(self.path("videos")))]
        self.write("videos/train.txt", "".join(f"{n} 0\n" for n in names))
        told = self.inspect("data.layout=list")
        self.assertEqual(sum(s["listed"] for s in told["splits"].values()), len(names))
        self.assertEqual(sum(s["broken"] for s in told["splits"].values()), count)
        self.assertEqual([form["form"] for form in told["forms"]], ["mjpeg in avi, 16x16, 25/s"])
        reasons = {fault["video"]: fault["reason"] for fault in told["broken"]}
        self.assertEqual(reasons["list.m3u8"], "videos/list.m3u8: not a video: a playlist, which names other files")

    def test_other_things_under_the_name_of_a_video(self):
        for split in ("train", "validation", "test"):
            self.copy("videos", split, "a", "0.avi")
        self.write("videos/train/a/art.mp4", b"\x1b[31mred\x1b[0m\n" * 200)
        self.write("videos/train/a/list.mp4", b"ffconcat version 1.0\nfile ../../../one.avi\n")
        self.write("videos/train/a/play.avi", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n0.avi\n#EXT-X-ENDLIST\n")
        for kind in ("jpg", "png", "bmp"):
            self.copy("videos", "train", "a", f"{kind}.mp4", of=f"picture.{kind}")
        told = self.inspect()
        self.assertEqual(sum(s["broken"] for s in told["splits"].values()), 6, told["broken"])
        self.assertEqual([form["form"] for form in told["forms"]], ["mjpeg in avi, 16x16, 25/s"])

    def test_extensions_in_capitals(self):
        for i in range(12):
            self.copy("videos", f"id{i:09}_000001_000011.{'AVI' if i % 2 else 'avi'}")
        rows = "".join(f"class {i % 2},id{i:09},1,11\n" for i in range(12))
        self.write("videos/train.csv", "label,youtube_id,time_start,time_end\n" + rows)
        told = self.inspect("data.layout=kinetics")
        self.assertEqual(sum(s["listed"] - s["broken"] for s in told["splits"].values()), 12)

    # --- names

    def test_names_of_any_bytes(self):
        names = [b"caf\xe9.avi", b"\xff\xfe.avi", "日本.avi".encode(), b"a b.avi", b"a:b.avi", b"a'b\".avi", b"%d.avi",
                 b"[1].avi", b"#x?.avi", b"a\\b.avi", b"-x.avi", b"a=b,c.avi", b"a\xcc\x81.avi", b"{x}.avi", b"a;b&c|d.avi"]
        folder = os.path.join(os.fsencode(self.folder), b"videos", b"train", b"cl\xe9ss")
        os.makedirs(folder)
        for i, name in enumerate(names):
            shutil.copyfile(self.path("one.avi"), os.path.join(folder, name))
        told = self.inspect()
        self.assertEqual(sum(s["listed"] - s["broken"] for s in told["splits"].values()), len(names), told["broken"])
        self.assertEqual(sum(s["listed"] - s["broken"] for s in self.inspect()["splits"].values()), len(names))
        self.succeed("train", "v.yaml", "-o", "out")
        values_of(self.path("out", "sweep.h5"))


if __name__ == "__main__":
    main()
