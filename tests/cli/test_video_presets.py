"""The presets of videos: all of them can be run on the stand-ins that the program makes, and say what to do without."""

import json
import os
import re
import subprocess

import yaml

from support.vjvcr import SOURCE, VJVCR, Case, main, values_of

SMALL = ("data.clips=1", "data.starts=[0]", "optim.batch=4", "optim.shards=1", "eval.samples=4",
         "eval.probe_train=8", "eval.probe_validation=4", "eval.probe_test=4", "model.decoder.channels=[8, 4, 4, 4]")

PRESETS = (("clevrer", "clevrer", ("VJ-VCR", "VJ-VCR + decoder", "generative + VCR", "generative", "supervised")),
           ("cater", "cater/max2action", ("VJ-VCR", "VJ-VCR (Gaussian z)", "generative (Gaussian z)", "ceiling")))
# What arms lack without their parameters, and a sparsity that two steps do not reach.
OF_PRESET = {
    "clevrer": ("sweep.trials.VJ-VCR + decoder.losses.reconstruction.weight=1",
                "sweep.trials.generative.losses.reconstruction.weight=1",
                "sweep.trials.generative + VCR.losses.reconstruction.weight=1"),
    "cater": ("sweep.trials.generative (Gaussian z).losses.reconstruction.weight=1",
              "sweep.trials.VJ-VCR.model.latent.target_sparsity=0")}


def preset(name):
    return os.path.join(SOURCE, "sweeps", f"{name}.yaml")


class VideoPresets(Case):
    def make(self, kind, folder, *options):
        self.succeed("data", "make", kind, folder, *options)

    def test_each_is_sound_in_both_sizes(self):
        self.make("clevrer", "clevrer", "--videos", "8,8", "--frames", "90", "--size", "48x32")
        self.make("cater", "cater", "--videos", "10,4", "--frames", "130", "--size", "48x36")
        self.make("videos", "videos", "--videos", "8,4,4", "--frames", "20", "--size", "48x36")
        for size in ([], ["--quick"]):
            self.succeed("sweep", preset("video_list"), "--dry-run", *size, "data.root=videos", "data.size=32", *SMALL)
            for name, root, arms in PRESETS:
                dry = self.succeed("sweep", preset(name), "--tuning", "--dry-run", *size, f"data.root={root}", *SMALL)
                settings = 3 if size else 8
                self.assertEqual(re.findall(rf"(?m)^(\S.*?) +{settings}  optim.lr ", dry.out), list(arms))

    def test_arms_learn_and_tables_have_their_controls(self):
        """On few clips, so that only what is recorded is claimed: all arms end well, and each control has a row."""
        self.make("clevrer", "clevrer", "--videos", "8,8", "--frames", "90", "--size", "48x32")
        self.make("cater", "cater", "--videos", "10,4", "--frames", "130", "--size", "48x36")
        controls = {"clevrer": ("untrained", "pixels", "labels", "mean"), "cater": ("untrained", "labels", "mean", "random")}
        for name, root, arms in PRESETS:
            self.succeed("sweep", preset(name), "--quick", "-o", name, f"data.root={root}", "optim.steps=2",
                         "optim.warmup=1", "eval.every=2", "eval.decoder_steps=1", "sweep.seeds=1", "tuning=null",
                         *(f"sweep.trials.{arm}.parameters=null" for arm in arms), *OF_PRESET[name], *SMALL,
                         "model.encoder.channels=[4, 4, 8]")
            values = values_of(self.path(name, "sweep.h5"))
            self.assertEqual(list(values["status"]), [2] * len(arms))
            table = self.succeed("table", name).out
            for row in controls[name]:
                self.assertRegex(table, rf"(?m)^{row}  ")
        for metric in ("map", "map_envelope", "random_map", "random_map_envelope", "baseline_map"):
            self.assertTrue((values[f"probe_actions_{metric}"] > 0).all(), metric)

    def test_atari_is_sound_in_both_sizes(self):
        """On videos and a table as docs/examples/atari.py leaves them."""
        self.make("videos", "made", "--videos", "8,4,4", "--frames", "40", "--size", "48x36")
        os.rename(self.path("made/lists"), self.path("lists"))
        names = []
        for split in ("train", "validation", "test"):
            with open(self.path("lists", f"{split}.txt"), encoding="utf-8") as file:
                names += [line.split()[0] for line in file]
            os.rename(self.path("lists", f"{split}.txt"), self.path("made", f"{split}.txt"))
        self.write("made/classes.json", json.dumps({f"Game{number}": str(number) for number in range(7)}))
        self.write("made/actions.csv", "video,start_frame,end_frame,label\n" + "".join(
            f"{os.path.basename(name)},{first},{first + 7},{('up', 'down', 'fire')[(row + first) % 3]}\n"
            for row, name in enumerate(names) for first in (0, 8, 16)))
        small = [*SMALL, "data.size=32", "data.root=made", "optim.warmup=1", "model.predictor.hidden=[16]", "model.encoder.channels=[4, 4, 8]"]
        arms = ("VJ-VCR", "VJ-VCR (sparse z)", "generative", "ceiling")
        for settings, size in ((8, []), (4, ["--quick"])):
            dry = self.succeed("sweep", preset("atari"), "--tuning", "--dry-run", *size, *small)
            self.assertEqual(re.findall(rf"(?m)^(\S.*?) +{settings}  optim.lr ", dry.out), list(arms))
        self.succeed("sweep", preset("atari"), "--quick", "-o", "out", "optim.steps=2", "eval.every=2", "sweep.seeds=1",
                     "tuning=null", *(f"sweep.trials.{arm}.parameters=null" for arm in arms),
                     "sweep.trials.VJ-VCR (sparse z).model.latent.target_sparsity=0",
                     "sweep.trials.generative.losses.reconstruction.weight=1", *small)
        values = values_of(self.path("out", "sweep.h5"))
        self.assertEqual(list(values["status"]), [2] * 4)
        for name in ("actions_map", "past_map", "target_map", "actions_random_map"):
            self.assertTrue((values[f"probe_{name}"] > 0).all(), name)
        self.assertRegex(self.succeed("table", "out").out, r"(?m)^ceiling  ")

    def test_without_videos_they_say_how_to_get_some(self):
        for name, kind in (("clevrer", "clevrer"), ("cater", "cater"), ("video_list", "videos")):
            self.assert_refused(f"^vjvcr: data.root: runs/standins/.*`vjvcr data make {kind} DIR` makes", "sweep",
                                preset(name), *([] if name == "video_list" else ["--tuning"]))

    def test_each_says_which_stand_in_it_needs(self):
        for name in ("clevrer", "cater", "video_list"):
            with open(preset(name), encoding="utf-8") as file:
                experiment = yaml.safe_load(file)
            for quick in ({}, experiment["quick"]):
                folder = quick.get("standin.folder", experiment["standin"]["folder"])
                root = quick.get("data.root", experiment["data"]["root"])
                self.assertEqual(f"{root}/".find(f"{folder}/"), 0)
        self.succeed("data", "make", preset("cater"), "--quick", "standin.videos=[3,1]", "standin.frames=130",
                     "standin.folder=made")
        with open(self.path("made", "standin.json"), encoding="utf-8") as file:
            made = json.load(file)
        self.assertEqual(made, {"stand_in_for": "cater", "variant": "max2action", "videos": [3, 1, 0], "seed": 0,
                                "frames": 130, "width": 96, "height": 72})

    def test_a_wrong_section_is_refused_where_it_stands(self):
        text = "".join(f"{line}\n" for line in (
            "data: {dataset: moving_mnist}", "standin:", "  kind: cater", "  folder: made", "  size: [64]"))
        self.write("wrong.yaml", text)
        for verb in (["data", "make"], ["sweep"]):
            self.assert_refused("wrong.yaml:5:9: standin.size: expected two numbers, height and width, got 1", *verb,
                                "wrong.yaml")
        self.write("wrong.yaml", text.replace("size: [64]", "sise: [64, 64]"))
        self.assert_refused('wrong.yaml:5:3: standin: unknown key "sise"; did you mean "size"?', "data", "make",
                            "wrong.yaml")
        self.write("wrong.yaml", text.split("standin")[0])
        self.assert_refused('wrong.yaml: there is no section "standin" that says what videos to make', "data", "make",
                            "wrong.yaml")

    # What `./vj reproduce` does before it trains: the functions of ./vj, in a folder with this program.
    PREPARE = """\
    . ./functions
    quick=(--quick) packed=()
    prepare_videos video_list-quick sweeps/video_list.yaml "$@"
    echo "${packed[@]}"
    """

    def prepare(self, *arguments):
        result = subprocess.run(["bash", "-c", self.PREPARE, "vj", *arguments], cwd=self.folder, capture_output=True,
                                text=True, timeout=100)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.splitlines()

    def test_reproduce_makes_its_own_pack_anew(self):
        with open(os.path.join(SOURCE, "vj"), encoding="utf-8") as script:
            self.write("functions", script.read().split("\nverb=")[0])
        os.mkdir(self.path("build"))
        os.symlink(VJVCR, self.path("build", "vjvcr"))
        os.mkdir(self.path("sweeps"))
        with open(preset("video_list"), encoding="utf-8") as file:
            small = re.sub("(?m)^standin: .*", "standin: {kind: videos, folder: runs/standins/videos-2940, "
                           "videos: [4, 2, 2], frames: 20, size: [36, 48]}", file.read())
        self.write("sweeps/video_list.yaml", small)
        pack = "runs/standins/video_list-quick.h5"
        self.assertEqual(self.prepare()[-1], f"data.pack={pack}")
        with open(self.path(pack), "rb") as file:
            whole = file.read()
        self.assertIn(f"{pack} is there already, and of these videos", self.prepare())
        self.write(pack, whole[:-36])  # an older program's had no checksum
        self.assertIn(f"the pack is made anew; of the one that is there: {pack}: not a pack, or one that was cut short: "
                      "`vjvcr data pack` makes one", self.prepare())
        with open(self.path(pack), "rb") as file:
            self.assertTrue(file.read() == whole)
        self.write(pack, whole[:-36])
        self.assertEqual(self.prepare("data.pack=mine.h5")[-1], "")  # the user's own is left to the program
        self.assertEqual(os.path.getsize(self.path(pack)), len(whole) - 36)


if __name__ == "__main__":
    main()
