"""Stand-ins for data sets of videos: their labels can be recovered from the pixels, motion obeys physics, lists say what
the movements say, and a set is one and the same however it comes to be made."""

import collections
import filecmp
import itertools
import json
import math
import os
import subprocess

from support import requirements
from support.vjvcr import Case, main, np

requirements.programs("ffmpeg", "ffprobe")

HUES = {"red": 0, "blue": 229, "green": 118, "brown": 28, "purple": 276, "cyan": 180, "yellow": 53, "gold": 44}
SHAPES, MATERIALS = ("cube", "sphere", "cylinder"), ("metal", "rubber")


def probe(path):
    """Codec, width, height, frames a second, frames of a video, as ffprobe counts them."""
    out = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v", "-show_entries",
                          "stream=codec_name,width,height,avg_frame_rate,nb_read_frames", "-of", "json", path],
                         capture_output=True, text=True, check=True).stdout
    stream = json.loads(out)["streams"][0]
    rate = [int(n) for n in stream["avg_frame_rate"].split("/")]
    return stream["codec_name"], stream["width"], stream["height"], rate[0] / rate[1], int(stream["nb_read_frames"])


def frames_of(path, most=10000):
    """[frames, height, width, 3] in 0..1."""
    _, width, height, _, count = probe(path)
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-frames:v", str(most), "-f", "rawvideo", "-pix_fmt", "rgb24",
                          "-vsync", "0", "-"], capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(min(count, most), height, width, 3) / 255.0


def has_colour(frame, colour, most=14):
    """Pixels whose hue is at most so many degrees from a colour's."""
    top, low = frame.max(-1), frame.min(-1)
    spread = np.maximum(top - low, 1e-9)
    r, g, b = frame[..., 0], frame[..., 1], frame[..., 2]
    sector = np.where(top == r, (g - b) / spread % 6, np.where(top == g, (b - r) / spread + 2, (r - g) / spread + 4))
    apart = np.abs((60 * sector - HUES[colour] + 180) % 360 - 180)
    return (apart < most) & (spread > 0.15) & (spread / np.maximum(top, 1e-9) > 0.3)


def middle(mask):
    """The centre of a mask's pixels, as (x, y)."""
    ys, xs = np.nonzero(mask)
    return np.array([xs.mean() + 0.5, ys.mean() + 0.5])


def project(point, eye, at, half_width, width, height):
    eye, at, point = (np.array(v, float) for v in (eye, at, point))
    forward = at - eye
    focal = np.linalg.norm(forward) / half_width * width / 2
    forward /= np.linalg.norm(forward)
    right = np.array([forward[1], -forward[0], 0])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    away = point - eye
    depth = away @ forward
    return np.array([width / 2 + focal * (away @ right) / depth, height / 2 - focal * (away @ up) / depth])


def hue_of(name):
    return None if name == "gray" else HUES[name]


def files_under(folder):
    return sorted(os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names)


class Stand(Case):
    def make(self, *arguments, **options):
        return self.succeed("data", "make", *arguments, **options)

    def load(self, *names):
        with open(self.path(*names), encoding="utf-8") as file:
            return json.load(file)

    def differing(self, one, other):
        self.assertEqual(files_under(self.path(one)), files_under(self.path(other)))
        return [n for n in files_under(self.path(one))
                if not filecmp.cmp(self.path(one, n), self.path(other, n), shallow=False)]


class Clevrer(Stand):
    def setUp(self):
        super().setUp()
        self.make("clevrer", "c", "--videos", "4,2,1", "--size", "240x160")

    def annotations(self):
        for i in range(4):
            yield i, self.load(f"c/annotations/train/annotation_00000-01000/annotation_{i:05d}.json")

    def test_all_of_it(self):
        self.check_files()
        for _, annotation in self.annotations():
            self.check_motion(annotation)
        self.check_pixels()

    def check_files(self):
        self.assertEqual(files_under(self.path("c")), sorted(
            [f"annotations/train/annotation_00000-01000/annotation_{i:05d}.json" for i in range(4)] +
            [f"annotations/validation/annotation_10000-11000/annotation_{i:05d}.json" for i in (10000, 10001)] +
            [f"videos/train/video_00000-01000/video_{i:05d}.mp4" for i in range(4)] +
            [f"videos/validation/video_10000-11000/video_{i:05d}.mp4" for i in (10000, 10001)] +
            ["videos/test/video_15000-16000/video_15000.mp4", "standin.json"]))
        self.assertEqual(probe(self.path("c/videos/train/video_00000-01000/video_00002.mp4"))[1:], (240, 160, 25, 128))
        for i, a in self.annotations():
            self.assertEqual(a["scene_index"], i)
            self.assertEqual(a["video_filename"], f"video_{i:05d}.mp4")
            kinds = [(o["shape"], o["material"], o["color"]) for o in a["object_property"]]
            self.assertEqual(len(set(kinds)), len(kinds), "two identical objects")
            self.assertTrue(all(s in SHAPES and m in MATERIALS for s, m, _ in kinds), kinds)
            self.assertEqual([f["frame_id"] for f in a["motion_trajectory"]], list(range(128)))

    def arrays(self, a, key):
        return np.array([[o[key] for o in f["objects"]] for f in a["motion_trajectory"]], float)

    def check_motion(self, a):
        place, velocity = self.arrays(a, "location")[..., :2], self.arrays(a, "velocity")[..., :2]
        speed = np.linalg.norm(velocity, axis=-1)
        hits = collections.defaultdict(set)
        for c in a["collision"]:
            hits[c["frame_id"]] |= set(c["object_ids"])
        self.assertGreater(len(speed[0]), 2)
        self.assertGreater(speed.max(), 1)
        friction = 0.45 / 25
        for t in range(1, 127):
            for k in range(speed.shape[1]):
                launched = speed[t - 1, k] == 0 or speed[t, k] == 0
                if k in hits[t] | hits[t + 1] or launched or speed[t + 1, k] == 0:
                    continue
                by_way = (place[t + 1, k] - place[t - 1, k]) / 2 * 25
                np.testing.assert_allclose(velocity[t, k], by_way, atol=2e-4)
                self.assertAlmostEqual(speed[t - 1, k] - speed[t, k], friction, delta=1e-5)
        self.check_collisions(a, velocity, hits)

    def check_collisions(self, a, velocity, hits):
        """Momentum is kept, but for what friction takes in a frame; who collides changes direction or speed."""
        for c in a["collision"]:
            t, (i, j) = c["frame_id"], c["object_ids"]
            if len(hits[t]) > 2 or sum(x["frame_id"] == t for x in a["collision"]) > 1:
                continue
            before, after = velocity[t - 1, [i, j]], velocity[t, [i, j]]
            lost = np.abs(after.sum(0) - before.sum(0))
            self.assertLess(np.linalg.norm(lost), 2 * 0.45 / 25 + 1e-5)
            self.assertLessEqual((after**2).sum(), (before**2).sum() + 1e-5)

    def check_pixels(self):
        """Where the annotation says that something is, pixels have its colour."""
        compared = 0
        for i, a in self.annotations():
            film = frames_of(self.path(f"c/videos/train/video_00000-01000/video_{i:05d}.mp4"))
            used = collections.Counter(hue_of(o["color"]) for o in a["object_property"])
            near = {"red", "brown", "yellow"} & {o["color"] for o in a["object_property"]}
            for o in a["object_property"]:
                if used[hue_of(o["color"])] > 1 or o["color"] == "gray" or (o["color"] in near and len(near) > 1):
                    continue
                compared += self.compare(film, a, o)
        self.assertGreater(compared, 100)

    def compare(self, film, a, o):
        apart = []
        for t in range(0, 128, 4):
            there = next(x for x in a["motion_trajectory"][t]["objects"] if x["object_id"] == o["object_id"])
            at = project(there["location"], (7.2, -6.25, 5.9), (0, 0, 0.1), 4.0, 240, 160)
            inside = 0 <= at[0] < 240 and 0 <= at[1] < 160
            self.assertEqual(inside, there["inside_camera_view"])
            if 20 < at[0] < 220 and 20 < at[1] < 140:
                mask = has_colour(film[t], o["color"])
                apart.append(np.linalg.norm(middle(mask) - at) if mask.any() else math.inf)
        if apart:
            self.assertLess(np.median(apart), 3, f"{o}: {apart}")
        return len(apart)


class Cater(Stand):
    CLASSES = [("sphere", "_slide"), ("sphere", "_pick_place"), ("spl", "_slide"), ("spl", "_pick_place"),
               ("spl", "_rotate"), ("cylinder", "_pick_place"), ("cylinder", "_slide"), ("cylinder", "_rotate"),
               ("cube", "_slide"), ("cube", "_pick_place"), ("cube", "_rotate"), ("cone", "_contain"),
               ("cone", "_pick_place"), ("cone", "_slide")]
    ORDERS = ("before", "during", "after")

    def order_classes(self):
        kept = []
        for a, b, order in itertools.product(self.CLASSES, self.CLASSES, self.ORDERS):
            mirror = (b, a, {"before": "after", "after": "before", "during": "during"}[order])
            if (a, b, order) not in kept and mirror not in kept:
                kept.append((a, b, order))
        self.assertEqual(len(kept), 301)
        return {c: i for i, c in enumerate(kept)}

    def labels(self, scene, classes):
        shape = {o["instance"]: o["shape"] for o in scene["objects"]}
        acts = [((shape[name], m[0]), m[2], m[3]) for name, moves in scene["movements"].items() for m in moves]
        present = {self.CLASSES.index(a) for a, _, _ in acts if a in self.CLASSES}
        orders = set()
        for (a, a0, a1), (b, b0, b1) in itertools.permutations(acts, 2):
            order = "before" if a1 <= b0 else "after" if b1 <= a0 else "during"
            if (a, b, order) in classes:
                orders.add(classes[a, b, order])
        snitch = next(o for o in scene["objects"] if o["shape"] == "spl")
        end = snitch["locations"][str(len(snitch["locations"]) - 1)]
        cells = {}
        for name, half in (("localize", 3), ("localize_4x4", 2), ("localize_8x8", 4)):
            x, y = (math.floor(v * half / 3) + half for v in end[:2])
            cells[name] = {y * 2 * half + x}
        return {"actions_present": present, "actions_order_uniq": orders, **cells}

    def read_list(self, base, name, part):
        rows = {}
        with open(self.path(base, "lists", name, part + ".txt"), encoding="utf-8") as file:
            for line in file:
                video, classes = line.rstrip("\n").split(" ")
                rows[video] = {int(c) for c in classes.split(",")}
        return rows

    def test_all_of_it(self):
        for variant in ("max2action", "all_actions"):
            self.make("cater", variant, "--videos", "5,1", "--variant", variant)
            base = os.path.join(variant, variant)
            self.check_lists(base)
            for i in range(6):
                self.check_movements(self.load(base, f"scenes/CATER_new_{i:06d}.json"), variant == "max2action")
            self.check_pixels(base)

    def check_lists(self, base):
        classes = self.order_classes()
        parts = {"train": range(5), "val": range(5, 6), "train_subsetT": range(4), "train_subsetV": range(4, 5)}
        for part, numbers in parts.items():
            for name in ("actions_present", "actions_order_uniq", "localize", "localize_4x4", "localize_8x8"):
                wanted = {}
                for i in numbers:
                    scene = self.load(base, f"scenes/CATER_new_{i:06d}.json")
                    wanted[f"CATER_new_{i:06d}.avi"] = self.labels(scene, classes)[name]
                self.assertEqual(self.read_list(base, name, part), {v: c for v, c in wanted.items() if c})

    def check_movements(self, scene, sparse):
        objects = {o["instance"]: o for o in scene["objects"]}
        self.assertTrue(5 <= len(objects) <= 10)
        self.assertEqual(sum(o["shape"] == "spl" for o in objects.values()), 1)
        starts = []
        for name, moves in scene["movements"].items():
            inside = {}
            for action, other, start, end in moves:
                self.assertTrue(20 <= end - start <= 30 or end == 300, (action, start, end))
                starts += [start] if action != "_no_op" else []
                way = np.array([objects[name]["locations"][str(t)] for t in range(start, end + 1)])
                self.check_way(action, way, objects[name])
                if action == "_contain":
                    inside[other] = end
                if action == "_pick_place":
                    for contained, since in inside.items():
                        self.check_together(objects[name], objects[contained], since, start)
                    inside = {}
        if sparse:  # slides of nests count as one movement of each of their objects
            self.assertLess(len(starts), 60)

    def check_way(self, action, way, thing):
        moved = np.abs(way - way[0]).max(0)
        if action == "_slide":
            self.assertEqual(moved[2], 0)
            np.testing.assert_allclose(np.diff(way, axis=0), np.diff(way, axis=0)[:1].repeat(len(way) - 1, 0), atol=3e-6)
        elif action in ("_pick_place", "_contain"):
            self.assertAlmostEqual(moved[2], 2)
            self.assertEqual(way[-1][2], way[0][2])
        else:
            self.assertEqual(moved.max(), 0)
        self.assertTrue(np.abs(way[:, :2]).max() <= 3 and way[0][2] == thing["3d_coords"][2])

    def check_together(self, cone, contained, since, until):
        for t in range(since, until + 1):
            self.assertEqual(cone["locations"][str(t)][:2], contained["locations"][str(t)][:2], f"frame {t}")
        self.assertGreater(cone["sized"], contained["sized"])

    def check_pixels(self, base):
        """At the start objects are where their pixel_coords say, but for what hides some of them in part."""
        apart = []
        for i in range(6):
            scene = self.load(base, f"scenes/CATER_new_{i:06d}.json")
            path = self.path(base, f"videos/CATER_new_{i:06d}.avi")
            self.assertEqual(probe(path), ("mjpeg", 160, 120, 24, 301))
            film = frames_of(path, 1)
            used = collections.Counter(o["color"] for o in scene["objects"])
            warm = sum(used[c] > 0 for c in ("gold", "yellow", "brown", "red"))
            for o in scene["objects"]:
                if used[o["color"]] > 1 or o["color"] == "gray" or (HUES[o["color"]] < 60 and warm > 1):
                    continue
                mask = has_colour(film[0], o["color"])
                if mask.sum() > 12:
                    apart.append(np.linalg.norm(middle(mask) - o["pixel_coords"][:2]))
        self.assertGreater(len(apart), 4)
        self.assertLess(np.median(apart), 3, apart)
        self.assertLess(max(apart), 15, apart)


class Videos(Stand):
    CLASSES = ["down", "grow", "left", "right", "shrink", "turn", "up"]

    def seen(self, path):
        """The class that pixels tell: how the coloured part moves and grows."""
        film = frames_of(path)
        masks = [(f.max(-1) - f.min(-1) > 0.16) for f in film]
        areas = np.array([m.sum() for m in masks], float)
        edge = max(2, len(film) // 8)
        place = np.array([middle(m) for m in masks])
        shift = (place[-edge:].mean(0) - place[:edge].mean(0)) / film.shape[2] * 100
        growth = math.log(areas[-edge:].mean() / areas[:edge].mean())
        if abs(growth) > 0.6:
            return "grow" if growth > 0 else "shrink"
        if np.abs(shift).max() > 8:
            sideways = abs(shift[0]) > abs(shift[1])
            return ("right" if shift[0] > 0 else "left") if sideways else ("down" if shift[1] > 0 else "up")
        return "turn"

    def test_all_of_it(self):
        self.make("videos", "v", "--videos", "21,0,0")
        with open(self.path("v/lists/train.txt"), encoding="utf-8") as file:
            rows = [line.rstrip("\n").rsplit(" ", 1) for line in file]
        self.assertEqual(len(rows), 21)
        forms = set()
        for path, number in rows:
            path = self.path("v", path)
            forms.add((os.path.splitext(path)[1], probe(path)[0]))
            self.assertEqual(self.seen(path), self.CLASSES[int(number)], path)
        self.assertGreaterEqual(len(forms), 4, forms)
        self.check_kinetics()
        self.check_something()

    def check_kinetics(self):
        with open(self.path("v/kinetics/train.csv"), encoding="utf-8") as file:
            header, *rows = [line.rstrip("\n").split(",") for line in file]
        self.assertEqual(header, ["label", "youtube_id", "time_start", "time_end", "split"])
        self.assertEqual(len(rows), 7)
        for label, name, start, end, split in rows:
            path = self.path("v/kinetics", split, f"{name}_{int(start):06d}_{int(end):06d}.mp4")
            self.assertTrue(os.path.exists(path), path)
            self.assertEqual(sorted({r[0] for r in rows}).index(label), self.CLASSES.index(self.seen(path)))

    def check_something(self):
        labels = self.load("v/something/something-something-v2-labels.json")
        rows = self.load("v/something/something-something-v2-train.json")
        self.assertEqual(len(rows), 7)
        for row in rows:
            path = self.path("v/something/20bn-something-something-v2", row["id"] + ".webm")
            template = row["template"].replace("[", "").replace("]", "")
            self.assertEqual(self.CLASSES[int(labels[template])], self.seen(path))


class Making(Stand):
    SMALL = ("--videos", "5,3", "--size", "48x32", "--frames", "40")

    def test_one_set_however_it_is_made(self):
        self.make("cater", "a", *self.SMALL)
        self.make("cater", "b", *self.SMALL, ranks=2)
        self.assertEqual(self.differing("a", "b"), [])
        self.make("cater", "other", *self.SMALL, "--seed", "1")
        self.assertGreater(len(self.differing("a", "other")), 10)

    def test_an_interrupted_set_goes_on(self):
        self.make("cater", "a", *self.SMALL)
        self.make("cater", "b", *self.SMALL)
        os.remove(self.path("b/max2action/videos/CATER_new_000003.avi"))
        os.remove(self.path("b/max2action/scenes/CATER_new_000003.json"))
        os.remove(self.path("b/max2action/lists/localize/val.txt"))
        self.write("b/max2action/videos/CATER_new_000003.avi.part", "half of a video")
        out = self.make("cater", "b", *self.SMALL).out
        self.assertEqual(out, "b: a stand-in for cater, 8 videos (5 train, 3 validation, 0 test) of 48x32 px, seed 0; "
                              "1 made now\n")
        self.assertEqual(self.differing("a", "b"), [])

    def test_what_is_there_is_left_alone(self):
        self.make("cater", "a", *self.SMALL)
        self.refused("a: the stand-in there was made with seed 0, not 4; name another folder",
                     "cater", "a", *self.SMALL, "--seed", "4")
        self.refused("a: the stand-in there was made with stand_in_for \"cater\", not \"clevrer\"; name another folder", "clevrer", "a", *self.SMALL)
        os.mkdir(self.path("full"))
        self.write("full/letter.txt", "dear")
        self.refused("full: there is something else in this folder; a stand-in needs one of its own",
                     "cater", "full", *self.SMALL)
        self.assertEqual(files_under(self.path("full")), ["letter.txt"])

    def refused(self, sentence, *arguments):
        self.assert_refused(sentence, "data", "make", *arguments)

    def test_what_cannot_be_made_is_said(self):
        wanted = "--videos: expected N|TRAIN,VALIDATION[,TEST] of whole numbers from 0 to 100000 (videos), got "
        self.refused('KIND: expected one of clevrer, cater, videos, got "kinetics"', "kinetics", "k")
        self.refused("expected FILE.yaml, or KIND and DIR; see `vjvcr data make --help`", "cater")
        self.refused('--size: expected WIDTHxHEIGHT of whole numbers from 0 to 100000 (pixels), got "64"', "cater", "k", "--size", "64")
        self.refused("--size: expected even numbers from 16 to 4096, got 33x32", "cater", "k", "--size", "33x32")
        self.refused(wanted + '"many"', "cater", "k", "--videos", "many")
        self.refused(wanted + '"1,2,3,4"', "cater", "k", "--videos", "1,2,3,4")
        self.refused("--videos: cater has no test videos; its list val is for testing", "cater", "k", "--videos", "1,2,3")
        self.refused("--videos: expected one video at least", "cater", "k", "--videos", "0")
        self.refused("--videos: expected at most 10000 for training in a stand-in for clevrer, got 10001", "clevrer", "k",
                     "--videos", "10001,1")
        self.refused("--frames: expected 32 to 5000 for cater, got 5", "cater", "k", "--frames", "5")
        self.refused('--variant: expected one of max2action, all_actions, got "both"', "cater", "k", "--variant", "both")
        self.refused("--variant: there are variants of cater only", "clevrer", "k", "--variant", "max2action")
        self.refused("data make has no option --fps; its options are --quick, --videos, --frames, --size, --seed, --variant, --alone, --help",
                     "clevrer", "k", "--fps", "3")
        self.assertFalse(os.path.exists(self.path("k")))

    def test_a_split_is_the_data_sets_own(self):
        for kind, shares in (("clevrer", "10 train, 5 validation, 5 test"), ("cater", "14 train, 6 validation, 0 test"),
                             ("videos", "12 train, 4 validation, 4 test")):
            out = self.make(kind, kind, "--videos", "20", "--size", "32x32", "--frames", "32").out
            self.assertIn(f"20 videos ({shares})", out)


if __name__ == "__main__":
    main()
