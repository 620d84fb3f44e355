"""Frames are those of ffmpeg, whichever codec, container and structure a file has, and whichever way they are reached;
what is damaged costs itself. The default run takes a part of video_walk.py's videos, ./vj test walk takes all of them and
writes the table of docs/robustness.md where VJ_WALK_TABLE says."""

import json
import os
import subprocess
import tempfile
import unittest

from support import requirements
import video_walk

requirements.programs("ffmpeg", "ffprobe")
READER = requirements.built("video_frames")
FULL = os.environ.get("VJ_WALK") == "full"
ONLY = os.environ.get("VJ_WALK_ONLY", "").split()
PART = 6  # of which the default run takes one
SCALING = "-sws_flags bilinear+accurate_rnd+bitexact+full_chroma_int"


class Folder:
    """Where one video is made."""

    def __init__(self, path):
        self.root = path

    def path(self, name):
        return os.path.join(self.root, name)

    def ffmpeg(self, arguments):
        done = subprocess.run(["ffmpeg", "-y", "-nostdin", "-v", "error", *arguments.replace("'", "").split()],
                              cwd=self.root, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"ffmpeg {arguments}: {done.stderr}")

    def make(self, name, options, duration=2.4, source="testsrc2"):
        self.ffmpeg(f"-f lavfi -i {source}=size=96x64:rate=25:duration={duration} {options} {name}")

    def shown(self, name, height, width, colours="grey"):
        """What ffmpeg shows: the bytes of each frame."""
        subprocess.run(["ffmpeg", "-y", "-nostdin", "-v", "quiet", "-flags", "+bitexact", "-i", name, "-vsync", "passthrough",
                        "-pix_fmt", "gray" if colours == "grey" else "rgb24", "-s", f"{width}x{height}", *SCALING.split(), "-f",
                        "rawvideo", "shown.raw"], cwd=self.root)
        return self.frames("shown.raw", height * width * (1 if colours == "grey" else 3))

    def read(self, name, height, width, colours="grey"):
        done = subprocess.run([READER, name, str(height), str(width), colours, "ours.raw"], cwd=self.root,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"{name}: {done.stderr or done.returncode}")
        return json.loads(done.stdout), self.frames("ours.raw", height * width * (1 if colours == "grey" else 3))

    def frames(self, name, size):
        with open(self.path(name), "rb") as file:
            data = file.read()
        return [data[i:i + size] for i in range(0, len(data), size)]


def size_of(folder, name):
    told = subprocess.run([READER, name, "1", "1", "grey", "one.raw"], cwd=folder.root, capture_output=True, text=True)
    if told.returncode != 0:
        raise AssertionError(f"{name}: {told.stderr or told.returncode}")
    info = json.loads(told.stdout)
    return info["height"], info["width"]


class Walk(unittest.TestCase):
    rows = []

    def look_at(self, name, way, damaged, make):
        with tempfile.TemporaryDirectory() as path:
            folder = Folder(path)
            try:
                made = make(folder, name) or name
            except RuntimeError as error:
                requirements.declare("look_at", f"ffmpeg does not make {name}: {str(error)[-200:]}")
                return
            height, width = size_of(folder, made)
            shown = folder.shown(made, height, width)
            told, ours = folder.read(made, height, width)
            compared = video_walk.FIRST_SIZE.get(name, len(ours))
            whole = [i for i in range(compared) if i not in told["damaged"]]
            self.rows.append((name, told, len(shown)))
            self.assertEqual(len(ours), len(shown))
            different = [i for i in whole if ours[i] != shown[i]]
            self.assertEqual(different, [])
            if way:
                self.assertEqual("decoding" if told["decoded"] else "packets", way)
            self.assertTrue(damaged[0] <= len(told["damaged"]) <= damaged[1], told)

    def walk(self, videos):
        for number, (name, way, damaged, make) in enumerate(videos):
            if ONLY and name in ONLY or not ONLY and (FULL or number % PART == 0):
                with self.subTest(name):
                    self.look_at(name, way, damaged, make)

    def test_codecs_and_containers(self):
        self.walk([(name, way, (0, 0), lambda folder, target, options=options: folder.make(target, options))
                   for name, way, options in video_walk.PLAIN])

    def test_structures_and_damage(self):
        self.walk(video_walk.ODD)

    @classmethod
    def tearDownClass(cls):
        if os.environ.get("VJ_WALK_TABLE"):
            write_table(os.environ["VJ_WALK_TABLE"], cls.rows)


def write_table(path, rows):
    """Between two comments of a page."""
    begin, end = "<!-- walk -->\n", "<!-- end of walk -->"
    codecs, containers = ({told[key] for _, told, _ in rows} for key in ("codec", "container"))
    decoded = sum(told["decoded"] for _, told, _ in rows)
    lines = [f"{len(rows)} videos: {len(codecs)} codecs, {len(containers)} containers; {decoded} had to be decoded.", "",
             "| video | codec | container | frames by | frames | damaged |", "|---|---|---|---|---|---|"]
    for name, told, shown in rows:
        way = "decoding" if told["decoded"] else "packets"
        lines.append(f"| {name} | {told['codec']} | {told['container']} | {way} | {shown} | {len(told['damaged'])} |")
    with open(path, encoding="utf-8") as file:
        before, _, rest = file.read().partition(begin)
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2])


if __name__ == "__main__":
    unittest.main()
