"""Clips of one video are no independent samples: the error of a probe's figure is that of videos. Here all clips of a
video are the same frames, so that three of each must say no more than one."""

import os
import subprocess

from support import requirements
from support.vjvcr import SharedCase, h5py, main, np

requirements.programs("ffmpeg")

VIDEOS, FRAMES, STARTS = 24, 24, [0, 5, 10]
EXPERIMENT = f"""\
name: clusters
data: {{dataset: video_list, layout: folders, root: videos, size: 16, stride: 2, input_frames: 2, target_frames: 3,
  clips: 4, starts: {STARTS}, index: index}}
model:
  encoder: {{type: cnn, channels: [4, 8], temporal: [8]}}
  predictor: {{type: mlp, hidden: [16]}}
losses: {{prediction: {{}}, variance: {{weight: 10.0}}}}
optim: {{steps: 1, batch: 8, shards: 4}}
eval: {{every: 1, samples: 9, probe_train: 48, probe_validation: 24, probe_test: {VIDEOS * len(STARTS)}, pictures: 0,
  probes: {{class: {{type: logistic, target: class, on: x}}}}}}
"""


class Clusters(SharedCase):
    @classmethod
    def fill(cls, shared):
        random = np.random.RandomState(3)
        for split in ("train", "validation", "test"):
            for number in range(VIDEOS):
                folder = shared.path("videos", split, "ab"[number % 2])
                os.makedirs(folder, exist_ok=True)
                still = random.randint(256, size=(32, 32, 3)).astype(np.uint8)
                subprocess.run(["ffmpeg", "-y", "-nostdin", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
                                "-s", "32x32", "-r", "25", "-i", "pipe:", "-c:v", "ffv1", "-pix_fmt", "bgr0",
                                os.path.join(folder, f"{number:02}.mkv")], input=FRAMES * still.tobytes(), check=True)
        shared.write("clusters.yaml", EXPERIMENT)
        shared.succeed("sweep", "clusters.yaml", "-o", "out")
        with h5py.File(shared.path("out", "sweep.h5")) as file:
            cls.accuracy, cls.error = (float(file[f"probe_class_{name}"][0, -1]) for name in ("accuracy",
                                                                                             "accuracy_se"))

    def test_the_error_is_that_of_videos(self):
        self.assertTrue(0.2 < self.accuracy < 0.8, "noise has no class")
        variance = self.accuracy * (1 - self.accuracy)
        np.testing.assert_allclose(self.error, np.sqrt(variance / (VIDEOS - 1)), rtol=1e-12)
        self.assertGreater(self.error, 1.7 * np.sqrt(variance / (VIDEOS * len(STARTS) - 1)))


if __name__ == "__main__":
    main()
