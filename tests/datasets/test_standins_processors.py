"""Stand-ins and packs of them are the same files on an older processor, which QEMU plays: frames drawn and encoded,
decoded, brought to size."""

import json
import os
import subprocess

from support import requirements
from support.vjvcr import VJVCR, Case, everything_in, main

requirements.programs("qemu-x86_64", "ffmpeg")

KINDS = {"clevrer": ("--videos", "1,1", "--frames", "40", "--size", "48x32"),
         "cater": ("--videos", "1,1", "--frames", "60", "--size", "48x36"),
         "videos": ("--videos", "8,4,4", "--frames", "20", "--size", "48x36")}
EXPERIMENT = """\
data: {dataset: video_list, root: videos, size: 16, stride: 1, clips: 1, starts: [0]}
model: {encoder: {type: cnn, channels: [4], temporal: [4]}, predictor: {type: mlp}}
losses: {prediction: {}}
optim: {steps: 1}
"""


class OlderProcessor(Case):
    def setUp(self):
        super().setUp()
        built = json.loads(self.succeed("info", "--json").out)["build"]
        if "sanitizers" in built:
            requirements.impossible("QEMU has no room for the shadow memory of sanitizers")

    def emulated(self, *words):
        environment = dict(os.environ, OMPI_MCA_ess_singleton_isolated="1", OMPI_MCA_btl="self")
        command = ["qemu-x86_64", "-cpu", "Haswell", VJVCR, *words]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=500)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_stand_ins(self):
        for kind, size in KINDS.items():
            self.succeed("data", "make", kind, kind, *size)
            self.emulated("data", "make", kind, f"{kind}-there", *size)
            here, there = everything_in(self.path(kind)), everything_in(self.path(f"{kind}-there"))
            self.assertEqual(sorted(here), sorted(there))
            self.assertEqual([name for name in here if here[name] != there[name]], [])

    def test_packs(self):
        self.succeed("data", "make", "videos", "videos", *KINDS["videos"])
        self.write("videos.yaml", EXPERIMENT)
        self.succeed("data", "pack", "videos.yaml", "-o", "here.h5")
        self.emulated("data", "pack", "videos.yaml", "-o", "there.h5")
        found = everything_in(self.folder)
        self.assertTrue(found["here.h5"] == found["there.h5"])


if __name__ == "__main__":
    main()
