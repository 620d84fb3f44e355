"""Whoever takes the first clips of a split, as probes and measures do, sees as many videos as there are, and all of
`starts` alike; a trial's row and the dry run tell how many. Each video here says in its colour which one it is, and in
its brightness which frame."""

import os
import subprocess

from support import requirements
from support.vjvcr import SharedCase, h5py, main, np

requirements.programs("ffmpeg")

VIDEOS, FRAMES, STARTS = 12, 24, [0, 5, 10]
EXPERIMENT = f"""\
name: seen
data: {{dataset: video_list, layout: folders, root: videos, size: 16, stride: 2, input_frames: 2, target_frames: 3,
  clips: 4, starts: {STARTS}, index: index}}
model:
  encoder: {{type: cnn, channels: [4, 8], temporal: [8]}}
  predictor: {{type: mlp, hidden: [16]}}
losses: {{prediction: {{}}, variance: {{weight: 10.0}}}}
optim: {{steps: 1, batch: 8, shards: 4}}
eval: {{every: 1, samples: 9, probe_train: 16, probe_validation: 10, probe_test: 6, pictures: 36,
  probes: {{class: {{type: logistic, target: class, on: hx}}}}}}
"""


def make_video(path, number):
    frames = np.zeros((FRAMES, 32, 32, 3), np.uint8)
    frames[..., 0] = 20 * number
    frames[..., 1] = 10 * np.arange(FRAMES)[:, None, None]
    subprocess.run(["ffmpeg", "-y", "-nostdin", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s",
                    "32x32", "-r", "25", "-i", "pipe:", "-c:v", "ffv1", "-pix_fmt", "bgr0", path],
                   input=frames.tobytes(), check=True)


class VideosSeen(SharedCase):
    @classmethod
    def fill(cls, shared):
        for split in ("train", "validation", "test"):
            for number in range(VIDEOS):
                folder = shared.path("videos", split, "ab"[number // (VIDEOS // 2)])
                os.makedirs(folder, exist_ok=True)
                make_video(os.path.join(folder, f"{number:02}.mkv"), number)
        shared.write("seen.yaml", EXPERIMENT)
        shared.succeed("sweep", "seen.yaml", "-o", "out", "eval.probe_test=36")
        with h5py.File(shared.path("out", "sweep.h5")) as file:
            pixels = file["picture_x"][0, :, 0, 0, 0].astype(int)
            cls.row = {name: int(file[f"data_videos_{name}"][0]) for name in (
                "evaluated", "probed_train", "probed_validation", "probed_test")}
        cls.clips = [(int(round(red / 20)), int(round(green / 10))) for red, green, _ in pixels]

    def test_no_video_comes_again_before_all_have_come(self):
        for begin in range(0, len(self.clips), VIDEOS):
            self.assertEqual(sorted(video for video, _ in self.clips[begin:begin + VIDEOS]), list(range(VIDEOS)))

    def test_every_video_has_each_start_once(self):
        self.assertEqual(sorted(self.clips), [(video, start) for video in range(VIDEOS) for start in STARTS])

    def test_few_clips_begin_everywhere_and_are_of_all_classes(self):
        few = self.clips[:6]
        self.assertEqual(sorted(start for _, start in few), [0, 0, 5, 5, 10, 10])
        self.assertEqual({video // (VIDEOS // 2) for video, _ in few}, {0, 1})

    def test_the_row_tells_how_many(self):
        self.assertEqual(self.row, {"evaluated": 9, "probed_train": 12, "probed_validation": 10, "probed_test": 12})

    def test_the_dry_run_tells_how_many(self):
        self.assertIn("videos: 36 in use; losses and measures see 9 of validation, probes 12 of training, 10 of "
                      "validation, 6 of test\n", self.succeed("sweep", "seen.yaml", "--dry-run").out)


if __name__ == "__main__":
    main()
