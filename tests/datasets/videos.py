"""What the tests of videos share: small ones made by the ffmpeg program, in folders of two classes."""

import os
import subprocess

from support import requirements
from support.vjvcr import SharedCase

requirements.programs("ffmpeg")

EXPERIMENT = """\
name: videos
data: {dataset: video_list, layout: folders, root: videos, size: 16, stride: 2, input_frames: 2, target_frames: 3, index: index}
model:
  encoder: {type: cnn, channels: [4, 8], temporal: [8]}
  predictor: {type: mlp, hidden: [16]}
losses: {prediction: {}, variance: {weight: 10.0}}
optim: {steps: 6, batch: 8, shards: 4}
eval:
  every: 6
  samples: 8
  probe_train: 16
  probe_validation: 8
  probe_test: 8
  probes: {class: {type: logistic, target: class, on: hx}}
logging: {every: 1}
"""
# folder, ffmpeg's source, encoder, file
VIDEOS = [("train/left", "testsrc2", "-c:v libx264 -g 8 -bf 2 -pix_fmt yuv420p", "a.mp4"),
          ("train/left", "testsrc", "-c:v mjpeg", "b.avi"),
          ("train/right", "rgbtestsrc", "-c:v libvpx-vp9 -b:v 100k -cpu-used 8", "c.webm"),
          ("train/right", "smptebars", "-c:v libx264 -pix_fmt yuv420p", "d.mkv"),
          ("validation/left", "testsrc2", "-c:v mpeg4", "e.mp4"),
          ("validation/right", "testsrc", "-c:v mjpeg", "f.avi"),
          ("test/left", "testsrc2", "-c:v libx264 -g 8 -pix_fmt yuv420p", "g.mp4"),
          ("test/right", "testsrc", "-c:v mjpeg", "h.avi")]


class VideoCase(SharedCase):
    """All tests look at the same videos; what changes them has a copy."""
    copied = True

    @classmethod
    def fill(cls, shared):
        for number, (folder, source, encoder, name) in enumerate(VIDEOS):
            target = shared.path("videos", folder)
            os.makedirs(target, exist_ok=True)
            subprocess.run(f"ffmpeg -y -nostdin -loglevel error -f lavfi -i {source}=size=64x48:rate=25 -frames:v "
                           f"{24 + 3 * number} {encoder} {name}", shell=True, cwd=target, check=True)
        shared.write("v.yaml", EXPERIMENT)

    def swept(self, name, *more, ranks=1):
        result = self.run_vjvcr("sweep", "v.yaml", "-o", name, *more, **({"ranks": ranks} if ranks > 1 else {}))
        self.assertEqual((result.err, result.code), ("", [0] * ranks if ranks > 1 else 0))
        return name
