"""Videos made by the ffmpeg program, from their folder into a sweep: broken ones are named, counted and skipped, and a
pack gives what the videos give."""

import json
import os
import shutil
import signal
import subprocess
import time

from videos import VIDEOS, VideoCase  # looks for what the tests need
from support.vjvcr import VJVCR, differing, h5py, main, np, values_of


FULL_DISK = """
#include <string.h>
#include <sys/statvfs.h>
int statvfs(const char *path, struct statvfs *about) {
  memset(about, 0, sizeof *about);
  about->f_bsize = about->f_frsize = 4000;
  about->f_blocks = about->f_bfree = about->f_bavail = 100000;
  return path ? 0 : -1;
}
"""


class Videos(VideoCase):
    def break_some(self):
        with open(self.path("videos/train/left/b.avi"), "rb") as file:
            whole = file.read()
        self.write("videos/train/left/half.avi", whole[:len(whole) // 2])
        self.write("videos/train/left/empty.mp4", "")
        self.write("videos/test/right/text.webm", "no video\n")
        subprocess.run("ffmpeg -y -nostdin -loglevel error -f lavfi -i sine=duration=1 song.mp4", shell=True, check=True,
                       cwd=self.path("videos/validation/left"))

    def test_broken_videos_are_named_counted_and_skipped(self):
        before = values_of(self.path(self.swept("sound"), "sweep.h5"))
        self.break_some()
        result = self.run_vjvcr("sweep", "v.yaml", "-o", "broken")
        self.assertEqual(result.code, 0)
        self.assertEqual(result.err, "4 of the 12 listed videos can't be used and are skipped; `vjvcr data "
                                     "inspect` names them\n")
        after = values_of(self.path("broken", "sweep.h5"))
        self.assertEqual((list(before["data_videos"]), list(before["data_videos_skipped"])), ([8], [0]))
        self.assertEqual((list(after["data_videos"]), list(after["data_videos_skipped"])), ([8], [4]))
        self.assertEqual(differing(before, after, ["data_videos_skipped"]), [])  # as if they were not there
        told = json.loads(self.succeed("data", "inspect", "v.yaml", "--format", "json").out)
        self.assertEqual({v["video"]: v["reason"].split(": ", 1)[1] for v in told["broken"]}, {
            "train/left/empty.mp4": "the file is empty",
            "train/left/half.avi": told["broken"][1]["reason"].split(": ", 1)[1],
            "validation/left/song.mp4": "no pictures in it, only sound",
            "test/right/text.webm": "not a video: Invalid data found when processing input (EBML header parsing failed)"})
        self.assertIn("cut short: frame", told["broken"][1]["reason"])
        self.assertEqual(told["splits"]["training"], told["splits"]["training"] | {"listed": 6, "broken": 2, "clips": 16})

    def test_pack_and_videos_give_the_same_bytes(self):
        self.swept("videos-out")
        self.succeed("data", "pack", "v.yaml", "-o", "one.h5")
        self.succeed("data", "pack", "v.yaml", "-o", "two.h5", ranks=2)
        with open(self.path("one.h5"), "rb") as one, open(self.path("two.h5"), "rb") as two:
            self.assertEqual(one.read(), two.read())
        self.swept("pack-out", "data.pack=one.h5", "--ranks-per-trial", "2", ranks=2)
        found = differing(values_of(self.path("videos-out", "sweep.h5")), values_of(self.path("pack-out", "sweep.h5")))
        self.assertEqual([n for n in found if not n.startswith("text_")], ["config"])  # which names the pack
        with h5py.File(self.path("one.h5")) as pack:
            self.assertEqual(pack["frames"].shape, (sum(24 + 3 * n for n in range(8)), 16, 16, 3))
            self.assertEqual([name.decode() for name in pack["name"]], [f"{folder}/{name}" for folder, _, _, name in VIDEOS])
            self.assertEqual(list(pack["label_class"][:, 0]), [0, 0, 1, 1, 0, 1, 0, 1])
            self.assertTrue(np.all(pack["whole"][:] == 1))

    def test_blocks_of_a_large_pack_are_shared_by_ranks(self):
        self.succeed("data", "pack", "v.yaml", "-o", "one.h5", "data.size=[300, 480]")  # 119 MB: two blocks
        self.succeed("data", "pack", "v.yaml", "-o", "two.h5", "data.size=[300, 480]", ranks=2)
        with open(self.path("one.h5"), "rb") as one, open(self.path("two.h5"), "rb") as two:
            self.assertTrue(one.read() == two.read())
        self.succeed("data", "pack", "v.yaml", "-o", "three.h5", "data.size=[300, 480]", ranks=3)
        with open(self.path("one.h5"), "rb") as one, open(self.path("three.h5"), "rb") as three:
            self.assertTrue(one.read() == three.read())

    def test_killed_pack_begins_anew(self):
        process = subprocess.Popen([VJVCR, "data", "pack", "v.yaml", "-o", "p.h5", "data.size=[400, 640]"], cwd=self.folder)
        while process.poll() is None and not (os.path.exists(self.path("p.h5.part"))
                                              and os.path.getsize(self.path("p.h5.part")) > 20000000):
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertEqual(process.returncode, -signal.SIGKILL)
        self.assertFalse(os.path.exists(self.path("p.h5")))
        self.succeed("data", "pack", "v.yaml", "-o", "p.h5", "data.size=[400, 640]")
        self.succeed("data", "pack", "v.yaml", "-o", "q.h5", "data.size=[400, 640]")
        self.assertFalse(os.path.exists(self.path("p.h5.part")))
        with open(self.path("p.h5"), "rb") as p, open(self.path("q.h5"), "rb") as q:
            self.assertTrue(p.read() == q.read())

    def test_a_pack_that_finds_no_room_is_not_begun(self):
        """A disk of which a library put before the C library says that 400 MB are free."""
        with open(self.path("full.c"), "w") as file:
            file.write(FULL_DISK)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.path("full.so"), self.path("full.c")], check=True)
        sanitizers = "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")
        result = subprocess.run([VJVCR, "data", "pack", "v.yaml", "-o", "full.h5", "data.size=[2500, 4000]"],
                                cwd=self.folder, capture_output=True, text=True,
                                env={**os.environ, "LD_PRELOAD": self.path("full.so"), "ASAN_OPTIONS": sanitizers})
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, r"full\.h5: the disk has too little room: \d+ frames take \d+ bytes and 400000000 "
                                        r"are free; make room, or choose another place with -o")
        self.assertFalse(os.path.exists(self.path("full.h5.part")))

    def test_pack_of_something_else_is_refused(self):
        self.succeed("data", "pack", "v.yaml", "-o", "p.h5")
        again = self.succeed("data", "pack", "v.yaml", "-o", "p.h5")
        self.assertEqual(again.out, "p.h5 is there already, and of these videos\n")
        self.assert_refused("p.h5: the pack has frames of 16 x 16 px (height x width), data.size asks for 20 x 20",
                            "sweep", "v.yaml", "-o", "out", "data.pack=p.h5", "data.size=20", code=1)
        self.assert_refused("p.h5: the pack's frames are RGB, data.grey asks for grey",
                            "sweep", "v.yaml", "-o", "out", "data.pack=p.h5", "data.grey=true", code=1)
        self.assert_refused("q.h5: can't be opened: No such file or directory; `vjvcr data pack` makes it",
                            "sweep", "v.yaml", "-o", "out", "data.pack=q.h5")
        self.assert_refused("v.yaml: not a pack, or one that was cut short: `vjvcr data pack` makes one",
                            "sweep", "v.yaml", "-o", "out", "data.pack=v.yaml", code=1)
        os.utime(self.path("videos/train/left/a.mp4"), (1, 1))
        self.assert_refused("p.h5: videos/train/left/a.mp4 has changed since the pack was made; make it again with "
                            "`vjvcr data pack`", "sweep", "v.yaml", "-o", "out", "data.pack=p.h5", code=1)
        shutil.copy2(self.path("videos/train/left/b.avi"), self.path("videos/train/left/new.avi"))
        os.remove(self.path("videos/train/left/a.mp4"))
        self.assert_refused("p.h5: the pack does not have videos/train/left/new.avi; make it again with `vjvcr data "
                            "pack`", "sweep", "v.yaml", "-o", "out", "data.pack=p.h5", code=1)

    def test_replace_makes_a_pack_anew_that_does_not_fit(self):
        self.succeed("data", "pack", "v.yaml", "-o", "p.h5")
        with open(self.path("p.h5"), "rb") as file:
            whole = file.read()
        again = self.succeed("data", "pack", "v.yaml", "-o", "p.h5", "--replace")
        self.assertEqual(again.out, "p.h5 is there already, and of these videos\n")
        self.write("p.h5", whole[:-36])  # an older program's: without a checksum
        self.assert_refused("p.h5: not a pack, or one that was cut short: `vjvcr data pack` makes one; remove it, or "
                            "name another file with -o", "data", "pack", "v.yaml", "-o", "p.h5")
        for ranks in (1, 2):
            anew = self.run_vjvcr("data", "pack", "v.yaml", "-o", "p.h5", "--replace", ranks=ranks)
            self.assertIn("the pack is made anew; of the one that is there: p.h5: not a pack, or one that was cut short",
                          anew.out)
            with open(self.path("p.h5"), "rb") as file:
                self.assertTrue(file.read() == whole)
            self.write("p.h5", whole[:-36])
        self.write("p.h5", "a letter\n")
        self.assert_refused("p.h5: not a pack, or one that was cut short: `vjvcr data pack` makes one; remove it, or "
                            "name another file with -o", "data", "pack", "v.yaml", "-o", "p.h5", "--replace")

    def test_damaged_pack_is_refused_before_hdf5_reads_it(self):
        self.succeed("data", "pack", "v.yaml", "-o", "p.h5")
        with open(self.path("p.h5"), "rb") as file:
            whole = file.read()
        for at in (0, 8, 100, 1000, len(whole) - 40):  # HDF5's own, or a table; the frames lie in between
            self.write("bad.h5", whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1:])
            self.assert_refused("bad.h5: a damaged pack: its checksum does not fit; make it again with `vjvcr data pack`",
                                "sweep", "v.yaml", "-o", "out", "data.pack=bad.h5", code=1)
        self.write("bad.h5", whole[:-1])
        self.assert_refused("bad.h5: not a pack, or one that was cut short: `vjvcr data pack` makes one",
                            "sweep", "v.yaml", "-o", "out", "data.pack=bad.h5", code=1)

    def test_missing_folders_and_lists(self):
        self.assert_refused("data.root: nowhere: can't be opened: No such file or directory; `vjvcr data make videos "
                            "DIR` makes small videos with lists",
                            "sweep", "v.yaml", "-o", "out", "data.root=nowhere")
        self.assert_refused("data.root: v.yaml: is no folder", "train", "v.yaml", "-o", "out", "data.root=v.yaml")
        self.assert_refused("data.train: nothing to be found in videos; looked for train.csv",
                            "sweep", "v.yaml", "-o", "out", "data.layout=kinetics")
        self.assert_refused("data.test: there is no videos/no", "sweep", "v.yaml", "-o", "out", "data.test=no")
        self.write("videos/all.json", "[]")
        self.assert_refused("data.classes: there is no videos/none.json", "train", "v.yaml", "-o", "out",
                            "data.layout=something", "data.train=all.json", "data.classes=none.json")
        self.assert_refused("the data set moving_mnist is not made of videos", "data", "inspect", "tiny.yaml")

    def test_an_empty_split_is_inspected_and_told(self):
        self.break_some()
        for name in ("g.mp4", "h.avi"):
            os.remove(self.path("videos/test", "left" if name == "g.mp4" else "right", name))
        sentence = ("video_list: none of the 1 test videos can be used; the first: videos/test/right/text.webm: not a "
                    "video: Invalid data found when processing input (EBML header parsing failed)")
        result = self.run_vjvcr("data", "inspect", "v.yaml", "--sheet", "sheet.png")
        self.assertEqual((result.code, result.err), (1, f"vjvcr: {sentence}\n"))
        self.assertRegex(result.out, r"training +6 +2 +16 ")
        self.assertRegex(result.out, r"test +1 +1 +0 ")
        self.assertIn("4 broken or damaged:\n  training, train/left/empty.mp4: ", result.out)
        self.assertTrue(os.path.exists(self.path("sheet.png")))
        told = self.run_vjvcr("data", "inspect", "v.yaml", "--format", "json")
        self.assertEqual(told.code, 1)
        self.assertEqual(json.loads(told.out)["splits"]["test"]["clips"], 0)
        self.assert_refused(sentence, "sweep", "v.yaml", "-o", "out", code=1)
        self.assert_refused(sentence, "data", "pack", "v.yaml", "-o", "p.h5", code=1)

    def test_a_folder_without_any_video_is_inspected(self):
        for at, _, files in os.walk(self.path("videos")):
            for name in files:
                with open(os.path.join(at, name), "wb"):
                    pass
        result = self.run_vjvcr("data", "inspect", "v.yaml", "--decode", "--sheet", "sheet.png")
        self.assertEqual((result.code, result.err),
                         (1, "vjvcr: video_list: none of the 4 training videos can be used; the first: "
                             "videos/train/left/a.mp4: the file is empty\n"))
        self.assertIn("8 broken or damaged:\n", result.out)
        self.assertEqual(result.out.count("the file is empty"), 8)

    def test_contact_sheet(self):
        self.break_some()
        self.succeed("data", "inspect", "v.yaml", "--decode", "--sheet", "sheet.png")
        with open(self.path("sheet.png"), "rb") as file:
            self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")


if __name__ == "__main__":
    main()
