"""Whatever is wrong with the input: one sentence that says where and what to do, the exit code, and nothing lost."""

import os
import resource
import struct
import subprocess
import tempfile

from support.requirements import impossible
from support.vjvcr import TINY, Case, everything_in, main, values_of

SWEEP = TINY + "sweep:\n  parameters:\n    optim.lr: [1.0e-3, 1.0e30, 1.0e-2]\n"
IS_ROOT = os.geteuid() == 0


class Configuration(Case):
    def assert_refused_text(self, sentence, text):
        self.write("bad.yaml", text)
        self.assert_refused(sentence, "train", "bad.yaml", "-o", "out")

    def replaced(self, old, new):
        self.assertIn(old, TINY)
        return TINY.replace(old, new)

    def test_unknown_key(self):
        self.assert_refused_text('bad.yaml:4:24: model.encoder: unknown key "chanels"; did you mean "channels"?',
                                 self.replaced("channels:", "chanels:"))

    def test_wrong_type(self):
        self.assert_refused_text('bad.yaml:8:22: losses.variance.weight: expected a number >= 0, got "ten"',
                                 self.replaced("10.0", "ten"))

    def test_out_of_bounds(self):
        self.assert_refused_text('bad.yaml:2:37: data.size: expected an integer between 8 and 1024, got "4"',
                                 self.replaced("size: 32, ", "size: 4, "))

    def test_missing_section(self):
        self.assert_refused_text('bad.yaml:1:1: missing section "optim"',
                                 self.replaced("optim: {steps: 4, batch: 16, shards: 4}\n", ""))

    def test_syntax_error(self):
        self.assert_refused_text("bad.yaml:2:1: YAML syntax: did not find expected ',' or ']' while parsing a flow "
                                 "sequence", "losses: [1\n")

    def test_empty_file(self):
        self.assert_refused_text("bad.yaml: there is nothing in it; expected a YAML document", "")

    def test_bytes_that_are_no_text(self):
        self.assert_refused_text("bad.yaml:1:7: YAML syntax: invalid leading UTF-8 octet", b"name: \xff\xfe\n")

    def test_deep_nesting(self):
        self.assert_refused_text("bad.yaml:1:67: nested more than 64 levels deep", "a: " + "[" * 5000 + "]" * 5000)

    def test_alias_bomb(self):
        lines = ["a0: &a0 [" + "x, " * 9 + "x]"]
        lines += [f"a{i}: &a{i} [" + f"*a{i - 1}, " * 9 + f"*a{i - 1}]" for i in range(1, 10)]
        self.assert_refused_text("bad.yaml:5:45: more than 100000 values, aliases counted in full; this is no "
                                 "configuration", "\n".join(lines))

    def test_unknown_component(self):
        self.assert_refused_text('bad.yaml:4:19: model.encoder.type: no encoder "cnnn"; did you mean "cnn"?',
                                 self.replaced("type: cnn", "type: cnnn"))

    def test_unknown_loss(self):
        self.assert_refused_text('bad.yaml:9:3: losses.covarianse: no loss "covarianse"; did you mean "covariance"?',
                                 self.replaced("  covariance:", "  covarianse:"))

    def test_views_that_cannot_be_correlated(self):
        def barlow_twins(on):
            return self.replaced("  covariance: {weight: 0.1}", f"  barlow_twins: {{weight: 1.0, on: {on}}}")

        self.assert_refused_text("losses.barlow_twins: on: expected two views, got 1", barlow_twins("[hx]"))
        self.assert_refused_text("losses.barlow_twins: views hx and hy have 3 x 8 and 12 x 8 steps x features; "
                                 "expected the same", barlow_twins("[hx, hy]"))

    def test_supervised_losses_without_what_they_learn_or_read(self):
        def supervised(settings):
            return self.replaced("  covariance: {weight: 0.1}", f"  supervised: {{weight: 1.0, {settings}}}")

        self.assert_refused_text('losses.supervised: the data set has no label "colour"; it has: speed, position, '
                                 "input_position, velocity, bounce, walls, digit_index, digit",
                                 supervised("target: colour"))
        self.assert_refused_text("losses.supervised: on: expected at least one view",
                                 supervised("target: speed, on: []"))
        self.assert_refused_text('bad.yaml:9:15: losses.supervised: missing key "target" (the label of the data set '
                                 "that is learnt)", supervised("on: hx"))

    def test_batch_that_shards_do_not_divide(self):
        self.assert_refused_text("bad.yaml:10:26: optim.batch: 18 samples do not divide into 4 shards; make "
                                 "optim.batch a multiple of optim.shards", self.replaced("batch: 16", "batch: 18"))

    def test_sweep_of_an_unknown_key_names_the_trial(self):
        self.write("bad.yaml", TINY + "sweep:\n  parameters: {optim.lrr: [1, 2]}\n")
        self.assert_refused('trial 0 (optim.lrr=1): bad.yaml:20:28: optim: unknown key "lrr"; did you mean "lr"?',
                            "sweep", "bad.yaml", "-o", "out")


class Arguments(Case):
    def test_unknown_verb(self):
        self.assert_refused('there is no verb "trian"; did you mean "train"?', "trian", "tiny.yaml")
        self.assert_refused(r'^vjvcr: there is no verb "evaluate"; verbs are sweep, train, \w+.*\n$', "evaluate")

    def test_unknown_option(self):
        self.assert_refused('train has no option --resum; did you mean "--resume"?', "train", "tiny.yaml", "--resum")
        self.assert_refused("train has no option --verbose; its options are -o, --quick, --resume, --ranks-per-trial, "
                            "--time-limit, --hang-limit, --max-attempts, --dry-run, --cluster, --ranks, --print-config, "
                            "--seed, --alone, --help", "train", "tiny.yaml", "--verbose=3")
        self.assert_refused('--dry-run: expected one of list, timed, got "time"; did you mean "timed"?', "train",
                            "tiny.yaml", "--dry-run=time")
        self.assert_refused('--resume: it takes no value, got "yes"', "train", "tiny.yaml", "--resume=yes")

    def test_option_without_its_value(self):
        self.assert_refused("-o: expected a value", "train", "tiny.yaml", "-o")
        self.assert_refused("--ranks-per-trial: expected a whole number >= 1 (ranks), got \"0\"", "train", "tiny.yaml",
                            "--ranks-per-trial", "0")

    def test_no_file(self):
        self.assert_refused("expected FILE.yaml, the YAML file of an experiment; usage: vjvcr sweep FILE.yaml [key=value ...] "
                            "[options]; see `vjvcr sweep --help`", "sweep")

    def test_missing_file(self):
        self.assert_refused("none.yaml: cannot be read: No such file or directory", "train", "none.yaml")

    def test_folder_instead_of_a_file(self):
        self.assert_refused(".: cannot be read: Is a directory", "train", ".")

    def test_override_without_equals(self):
        self.assert_refused('"optim.steps": expected an option or key=value; FILE.yaml is tiny.yaml already', "train",
                            "tiny.yaml", "optim.steps", "5")

    def test_override_of_an_unknown_key(self):
        self.assert_refused('override optim.stepz: optim: unknown key "stepz"; did you mean "steps"?', "train",
                            "tiny.yaml", "optim.stepz=3", "-o", "out")

    def test_override_without_a_key(self):
        self.assert_refused('override "=3": expected a key before "="', "train", "tiny.yaml", "=3")

    def test_list_of_an_unknown_kind(self):
        self.assert_refused('there is no kind "foo"; kinds are encoders, predictors, decoders, latents, losses, '
                            "datasets, probes, records", "list", "foo")
        self.assert_refused('"foo": expected FILE.yaml or an option', "list", "losses", "foo")
        self.assert_refused("foo.yaml: cannot be read: No such file or directory", "list", "losses", "foo.yaml")
        self.assert_refused('"foo": expected an option; FILE.yaml is tiny.yaml already', "list", "losses", "tiny.yaml",
                            "foo")

    def test_description_of_an_unknown_component(self):
        self.assert_refused('there is no loss "foo"; `vjvcr list losses` shows those there are', "describe", "loss",
                            "foo")

    def test_results_of_no_sweep(self):
        self.assert_refused("none/sweep.h5: can't be opened: No such file or directory", "table", "none", code=1)
        self.assert_refused("none/sweep.h5: can't be opened: No such file or directory", "ls", "none", code=1)


class Ranks(Case):
    def assert_refused_on(self, ranks, sentence, *arguments):
        self.assert_refused(sentence, "train", "tiny.yaml", "-o", "out", *arguments, ranks=ranks)

    def test_one_sentence_for_a_wrong_configuration(self):
        self.assert_refused_on(2, 'override optim.steps: optim.steps: expected an integer >= 1, got "0"',
                               "optim.steps=0")

    def test_ranks_that_do_not_divide_the_shards(self):
        self.assert_refused_on(2, "2 ranks for a trial do not divide its 5 shards (optim.shards of trial 0); use 1, 2, "
                               "4, .. ranks for a trial, up to the number of shards", "optim.shards=5",
                               "optim.batch=15")

    def test_more_ranks_than_can_be_used(self):
        self.assert_refused_on(2, "2 ranks are more than can be used: 1 trial at 1 rank each need 1",
                               "--ranks-per-trial", "1")

    def test_ranks_of_a_trial_are_a_power_of_two(self):
        self.assert_refused_on(3, "3 ranks for a trial: expected a power of two, so that sums keep their order",
                               "--ranks-per-trial", "3")

    def test_ranks_are_a_multiple_of_the_group(self):
        self.assert_refused_on(3, "3 ranks cannot be split into groups of 2; start a multiple of 2",
                               "--ranks-per-trial", "2")

    def test_a_folder_that_only_one_rank_can_not_make(self):
        self.assert_refused("rank 0: tiny.yaml/out: the folder can't be made: Not a directory", "train", "tiny.yaml",
                            "-o", "tiny.yaml/out", ranks=2, code=1)


class Digits(Case):
    """A folder of MNIST's files in which something is wrong."""

    def write_digits(self, **changed):
        os.makedirs(self.path("digits"), exist_ok=True)
        whole = {"train_images": struct.pack(">4I", 0x803, 60000, 28, 28), "train_labels": struct.pack(">2I", 0x801, 0)}
        whole.update(changed)
        for part, name in (("train_images", "train-images-idx3-ubyte"), ("train_labels", "train-labels-idx1-ubyte")):
            if whole[part] is not None:
                self.write(os.path.join("digits", name), whole[part])

    def assert_digits_refused(self, sentence, code=1):
        self.assert_refused(sentence, "train", "tiny.yaml", "-o", "out", "data.digits=digits", code=code)

    def test_missing(self):
        self.assert_digits_refused("digits: found neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz; name "
                                   "the folder with the four MNIST files, or leave out `digits` to use the built-in "
                                   "ones", code=2)

    def test_truncated(self):
        self.write_digits(train_images=struct.pack(">4I", 0x803, 60000, 28, 28) + bytes(784 * 5))
        self.assert_digits_refused("digits/train-images-idx3-ubyte: 47040000 bytes of images expected, 3920 found")

    def test_truncated_header(self):
        self.write_digits(train_images=b"\0\0\x08\x03\0\0")
        self.assert_digits_refused("digits/train-images-idx3-ubyte: 16 bytes of header expected, 6 found")

    def test_mislabelled(self):
        self.write_digits(train_images=struct.pack(">2I", 0x801, 5) + bytes(5))
        self.assert_digits_refused("digits/train-images-idx3-ubyte: holds labels where images are expected")

    def test_no_idx_at_all(self):
        self.write_digits(train_images=b"\x89PNG\r\n\x1a\n" + bytes(100))
        self.assert_digits_refused("digits/train-images-idx3-ubyte: starts with 0x89504E47, expected 0x00000803, the "
                                   "magic number of IDX images")

    def test_damaged_gzip(self):
        self.write_digits(train_images=b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + b"damaged!")
        self.assert_digits_refused("digits/train-images-idx3-ubyte: the gzip data are damaged; copy the file again")


class Shapes(Case):
    """Components that do not fit together are known before anything is made."""

    def assert_misfit(self, sentence, *overrides):
        self.assert_refused(sentence, "train", "tiny.yaml", "-o", "out", *overrides)

    def test_pool_that_does_not_divide(self):
        self.assert_misfit("encoder: average_pool: [4,3,8,8,8] does not divide into 3 x 3 equal cells",
                           "model.encoder.pool=3")

    def test_pool_larger_than_what_the_strides_leave(self):
        self.assert_misfit("encoder: average_pool: [4,3,1,1,8] does not divide into 2 x 2 equal cells",
                           "model.encoder.strides=[16]", "model.encoder.pool=2")

    def test_kernels_for_other_layers(self):
        self.assert_misfit("encoder: kernels: expected 1 or 2 numbers, one for each of `channels`, got 3",
                           "model.encoder.kernels=[3,3,3]")

    def test_loss_on_a_view_that_is_not_there(self):
        self.assert_misfit('losses.variance: there is no view "hz"; there are: x, y, hx.conv0, hx.conv1, hx.time0, hx, '
                           "hy.conv0, hy.conv1, hy.time0, hy, hy_pred", "losses.variance.on=[hz]")

    def test_loss_on_z_without_a_latent(self):
        self.assert_misfit('losses.dependence: there is no view "z"; there are: x, y, hx.conv0, hx.conv1, hx.time0, '
                           "hx, hy.conv0, hy.conv1, hy.time0, hy, hy_pred", "losses.dependence={weight: 1.0}")

    def test_latent_of_a_single_choice(self):
        self.assert_misfit("override model.latent: model.latent.choices: expected an integer between 2 and 1024, got "
                           '"1"', "model.latent={type: discrete, choices: 1}")

    def test_static_part_of_a_single_step(self):
        self.assert_misfit("predictor: remove_static: expected at least 2 target steps, got 1", "data.target_frames=1",
                           "model.latent={type: sparse, remove_static: true}")

    def test_decoder_that_does_not_end_at_the_frames(self):
        for latent in ("none", "discrete"):  # the same sentence where the inference meets the decoder first
            self.assert_misfit("decoder: 6 doublings (channels) do not end at the frames [4,12,32,32,1]: height and "
                               "width must divide by 64", "model.decoder={type: cnn, channels: [2, 2, 2, 2, 2, 2, 2]}",
                               "losses.reconstruction={weight: 1.0}", f"model.latent={{type: {latent}}}")

    def test_probe_on_a_view_that_is_not_there(self):
        self.assert_misfit('eval.probes.speed: there is no view "hq"; there are: x, y, hx.conv0, hx.conv1, hx.time0, '
                           "hx, hy.conv0, hy.conv1, hy.time0, hy, hy_pred", "eval.probes.speed.on=hq")

    def test_probe_of_a_label_that_is_not_there(self):
        self.assert_misfit('eval.probes.speed: dataset moving_mnist has no label "velo"; it has: speed, position, '
                           "input_position, velocity, bounce, walls, digit_index, digit", "eval.probes.speed.target=velo")

    def test_probe_on_labels(self):
        probe = "eval.probes.known={type: ridge, target: speed, %s}"
        self.assert_misfit("override eval.probes.known: eval.probes.known: on: labels needs labels: [..], those that "
                           "are probed", probe % "on: labels")
        self.assert_misfit("override eval.probes.known: eval.probes.known: labels: are probed with on: labels alone, not "
                           "on: hx", probe % "on: hx, labels: [velocity]")
        self.assert_misfit('eval.probes.known: dataset moving_mnist has no label "velo"; it has: speed, position, '
                           "input_position, velocity, bounce, walls, digit_index, digit",
                           probe % "on: labels, labels: [position, velo]")
        self.assert_misfit('eval.probes.known.labels: "speed" is the target itself', probe % "on: labels, labels: [speed]")

    def test_ridge_on_a_class(self):
        self.assert_misfit('eval.probes.speed: label "digit" is one of 10 classes, and ridge predicts measured '
                           "numbers; classes need a logistic probe", "eval.probes.speed.target=digit")

    def test_digit_larger_than_the_canvas(self):
        self.assert_misfit("data.size: expected more than digit_size = 14, got 12", "data.size=12")

    def test_nothing_to_learn(self):
        self.assert_misfit("losses: every weight is 0, so there is nothing to learn", "losses.prediction.weight=0",
                           "losses.variance.weight=0", "losses.covariance.weight=0")

    def test_losses_that_teach_nothing(self):
        only = "losses={variance: {on: [hy, hy.conv0]}}"
        for target in ("ema", "stop_gradient"):
            self.assert_misfit("losses: no gradient reaches a parameter, so there is nothing to learn; put a loss on "
                               "hx or hy_pred, for none flows through hy (model.target.type)", only,
                               f"model.target.type={target}")
        self.assert_misfit("losses: no gradient reaches a parameter, so there is nothing to learn; put a loss on a "
                           "hidden state", "losses={variance: {on: y}}")
        self.succeed("train", "tiny.yaml", "-o", "shared", only)


class Folders(Case):
    def assert_not_written(self, sentence, output, more=(), **options):
        self.assert_refused(sentence, "train", "tiny.yaml", "-o", output, *more, code=1, **options)

    def test_below_a_file(self):
        self.assert_not_written("tiny.yaml/out: the folder can't be made: Not a directory", "tiny.yaml/out")

    def test_a_file(self):
        self.assert_not_written("tiny.yaml/sweep.yaml: can't be written: Not a directory", "tiny.yaml")

    def test_half_of_a_path_is_taken_back(self):
        self.assert_not_written(f"new/{'x' * 300}: the folder can't be made: File name too long", f"new/{'x' * 300}")

    def test_a_folder_of_the_system(self):
        if not os.path.isdir("/proc/self"):
            impossible("there is no /proc")
        self.assert_not_written("/proc/vjvcr: the folder can't be made: No such file or directory", "/proc/vjvcr/out")

    def test_a_folder_of_others(self):
        if IS_ROOT:
            impossible("root may write everywhere")
        os.mkdir(self.path("locked"))
        os.chmod(self.path("locked"), 0o555)
        self.assert_not_written("locked/out: the folder can't be made: Permission denied", "locked/out")

    def test_no_name(self):
        self.assert_refused("the folder of the results has an empty name; give another with -o", "train", "tiny.yaml",
                            "-o", "")

    def test_someone_elses_sweep_yaml(self):
        os.mkdir(self.path("mine"))
        self.write("mine/sweep.yaml", "# my notes\n" + TINY)
        self.assert_refused("mine/sweep.yaml is there already and is not overwritten; choose another folder with -o",
                            "train", "mine/sweep.yaml", "-o", "mine")

    def test_a_ledger_without_its_sweep(self):
        os.mkdir(self.path("out"))
        self.write("out/ledger", "vjvcr ledger 1 trials 12 55aec705\n")
        for options in ([], ["--resume"]):
            self.assert_refused("out holds the ledger of a sweep, but its sweep.h5 is gone; restore it, or choose "
                                "another folder with -o", "train", "tiny.yaml", "-o", "out", *options)

    def test_a_file_that_is_no_sweep(self):
        os.mkdir(self.path("out"))
        self.write("out/sweep.h5", "not HDF5\n")
        self.assert_refused("^vjvcr: out/sweep.h5", "train", "tiny.yaml", "-o", "out", "--resume", code=1)

    def test_a_limit_on_files(self):
        """32 MiB is enough for MPI itself, not for three million rows."""
        limit = 32 << 20
        self.assert_not_written(r"^vjvcr: new/out/sweep.h5: can't be created: it needs 1\d{8} bytes, more than a file "
                                r"may have here \(see ulimit -f\)\n$", "new/out",
                                before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
                                more=["optim.steps=3000000", "eval.every=3000000"])

    def small_disk(self, size):
        if not IS_ROOT:
            impossible("only root can mount a small disk")
        disk = tempfile.mkdtemp(prefix="vjvcr-disk-")
        self.addCleanup(os.rmdir, disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", disk], capture_output=True).returncode:
            impossible("this root may not mount")
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        return disk

    def test_a_disk_without_room_for_checkpoints(self):
        disk = self.small_disk("1m")
        self.assert_not_written(rf"^vjvcr: {disk}/out: the disk has too little room: sweep.h5 and the ledger take \d+ "
                                r"bytes, checkpoints of 1 trial at a time up to \d+, and 1048576 are free; make room, or "
                                r"choose another folder with -o\n$", f"{disk}/out", more=["model.predictor.hidden=[512]"])
        self.assertEqual(everything_in(disk), {})

    def test_a_full_disk(self):
        disk = self.small_disk("40k")
        self.assert_not_written(rf"^vjvcr: {disk}/new/out/sweep.h5: can't be created: the disk is full: it needs "
                                r"\d+ bytes and \d+ are free; make room or choose another folder\n$",
                                f"{disk}/new/out")
        self.assertEqual(everything_in(disk), {})


class Resuming(Case):
    def setUp(self):
        super().setUp()
        self.succeed("train", "tiny.yaml", "-o", "out")

    def test_only_what_was_meant_is_resumed(self):
        self.assert_refused("out holds a sweep already; continue it with --resume or choose another folder with -o",
                            "train", "tiny.yaml", "-o", "out")
        self.assert_refused("out/sweep.h5: --resume adds trials and keeps those there are, but some of these are not "
                            "what they were; undo that, or choose another folder with -o:\n  trial 0: optim.steps was 4 "
                            "and is 5 now (override optim.steps)", "train", "tiny.yaml", "-o", "out", "--resume",
                            "optim.steps=5")
        self.assert_refused("rank 0: out holds a sweep already; continue it with --resume or choose another folder "
                            "with -o", "train", "tiny.yaml", "-o", "out", ranks=2)


class FailingTrials(Case):
    """A trial that fails is recorded with its reason, and the sweep goes on."""
    REASON = r"step 2: loss prediction is (inf|-?nan)"

    def assert_one_failed(self, result, trial, reason, codes):
        said = "".join(line for line in result.err.splitlines(True) if not line.startswith("arms "))  # that are the same
        self.assertRegex(said, rf"^trial {trial}( zero)? failed: {reason}\n$")
        self.assertEqual(result.code, codes)
        for shown in (result, self.succeed("table", "out")):
            lines = shown.out.splitlines()
            rows = lines[2:5]
            self.assertEqual([row.endswith("  failed") for row in rows], [i == trial for i in range(3)], shown.out)
            self.assertRegex(rows[trial], r" 0 of 1  ( +-)+  failed$")
            self.assertRegex(shown.out, rf"(?m)^trial {trial} (zero )?\(seed 0\) failed: {reason}$")

    def test_numbers_that_are_not_finite(self):
        self.write("sweep.yaml", SWEEP)
        result = self.run_vjvcr("sweep", "sweep.yaml", "-o", "out")
        self.assert_one_failed(result, 1, self.REASON, 1)
        found = values_of(self.path("out", "sweep.h5"))
        self.assertEqual(list(found["status"]), [2, 3, 2])
        self.assertEqual(list(found["committed"]), [4, 1, 4])
        self.assertRegex(found["failure"][1], f"^{self.REASON}$")
        self.assertEqual([found["failure"][0], found["failure"][2]], ["", ""])

    def test_numbers_that_are_not_finite_on_two_ranks(self):
        self.write("sweep.yaml", SWEEP)
        for size in ("1", "2"):
            with self.subTest(ranks_per_trial=size):
                result = self.run_vjvcr("sweep", "sweep.yaml", "-o", "out", "--ranks-per-trial", size, ranks=2)
                self.assert_one_failed(result, 1, self.REASON, [1, 1])
                os.rename(self.path("out"), self.path(f"out{size}"))

    def test_an_evaluation_of_what_is_not_finite(self):
        self.write("sweep.yaml", SWEEP)
        self.run_vjvcr("sweep", "sweep.yaml", "-o", "out", "eval.every=1", ranks=2)
        found = values_of(self.path("out", "sweep.h5"))
        self.assertEqual((list(found["status"]), list(found["committed"])), ([2, 3, 2], [4, 0, 4]))
        self.assertEqual(found["failure"][1], "step 1: evaluation: hx: spectrum: validation sample 0 has a feature "
                         "that is not a finite number; the hidden state has diverged, try a lower optim.lr")

    def test_data_that_are_not_there(self):
        """The others are trained, and the one is not tried again and again."""
        arms = "sweep:\n  trials:\n    zero: {data.digits: none}\n    one: {}\n    two: {}\n"
        self.write("sweep.yaml", TINY + arms)
        result = self.run_vjvcr("sweep", "sweep.yaml", "-o", "out")
        self.assert_one_failed(result, 0, "none: found neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz; "
                               "name the folder with the four MNIST files, or leave out `digits` to use the built-in "
                               "ones", 1)

    def test_an_arm_with_nothing_to_learn(self):
        weights = ", ".join(f"losses.{loss}.weight: 0" for loss in ("prediction", "variance", "covariance"))
        self.write("arms.yaml", TINY + "sweep:\n  trials:\n    one: {optim.lr: 1.0e-3}\n    two: {}\n"
                   f"    zero: {{{weights}}}\n")
        result = self.run_vjvcr("sweep", "arms.yaml", "-o", "out")
        self.assert_one_failed(result, 2, "losses: every weight is 0, so there is nothing to learn", 1)
        listed = self.succeed("sweep", "arms.yaml", "--dry-run").out
        self.assertIn("CAN'T RUN: losses: every weight is 0, so there is nothing to learn\n", listed)


class WhatTrainingDoesNotReach(Case):
    def test_a_sparsity_out_of_reach(self):
        latent = "model.latent={type: sparse, size: 4, lambda: 1.0e-9, target_sparsity: 0.8}"
        result = self.run_vjvcr("sweep", "tiny.yaml", "-o", "out", latent)
        self.assertEqual((result.code, result.err), (
            0, "trial 0: model.latent.target_sparsity: 0.8 was not reached; the nearest is 0 (val_latent_sparsity of "
            "the last step)\n"))
        self.succeed("sweep", "tiny.yaml", "-o", "near", latent.replace("1.0e-9", "100").replace("0.8", "0.999"))


if __name__ == "__main__":
    main()
