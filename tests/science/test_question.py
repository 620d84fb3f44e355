"""What a sweep answers to its question: effects, intervals and p-values against SciPy and NumPy, every verdict, and what
is refused before anything is trained. One tiny sweep is trained; its numbers are then replaced by known ones."""
import json
import re
import shutil

from support import requirements
from support.report_page import Page
from support.vjvcr import TINY, SharedCase, edited, h5py, main, np

with requirements.modules():
    import scipy.stats
requirements.programs("gnuplot")

SEEDS, LRS = 3, [0.001, 0.01]
EXPERIMENT = TINY.replace("{steps: 4,", "{steps: 1,").replace("every: 2", "every: 1", 1) + f"""\
sweep:
  trials: {{ours: {{losses.variance.weight: 1}}, theirs: {{}}, third: {{losses.variance.weight: 2}}}}
  parameters: {{optim.lr: {LRS}}}
  seeds: {SEEDS}
"""
QUESTION = """\
question:
  asked: "Is ours better?"
  yes: "half the error"
  no: "as much or more"
  published: "0.04 against 0.15"
"""
ONE = "probe_speed_mse, of: ours, to: theirs, at_most: 0.5, where: {optim.lr: 0.01}"
# [arm, seed] of the larger learning rate.
ERROR = np.array([[0.10, 0.13, 0.12], [0.40, 0.44, 0.47], [0.39, 0.47, 0.43]])
RANK = np.array([[50.0, 55.0, 52.0], [30.0, 31.0, 36.0], [30.0, 33.0, 31.0]])


def question(claims, requires=()):
    def lines(name, rows):
        return f"  {name}:\n" + "".join(f"    - {{quantity: {row}}}\n" for row in rows) if rows else ""
    return QUESTION + lines("requires", requires) + lines("claims", claims)


def holm(p):
    order, least = np.argsort(p), 0
    adjusted = np.empty(len(p))
    for rank, i in enumerate(order):
        least = max(least, min(1, (len(p) - rank) * p[i]))
        adjusted[i] = least
    return adjusted


class Question(SharedCase):
    copied = True

    @classmethod
    def fill(cls, shared):
        shared.write("tiny.yaml", EXPERIMENT + question([ONE], ["hx_rankme, of: ours, at_least: 10"]))
        shared.succeed("sweep", "tiny.yaml", "-o", "out", seconds=400)
        with edited(shared.path("out", "sweep.h5")) as file:
            cls.place = np.arange(3 * len(LRS) * SEEDS).reshape(3, len(LRS), SEEDS)  # arm, learning rate, seed
            rates = file["param.optim.lr"][()]
            assert np.all(rates[cls.place[:, 1]] == LRS[1]) and np.all(file["seed"][()][cls.place] == np.arange(SEEDS))
            for name, values in (("probe_speed_mse", ERROR), ("hx_rankme", RANK)):
                table = file[name][()]
                table[cls.place[:, 1], -1] = values
                table[cls.place[:, 0], -1] = values * [[2.0], [3.0], [1.0]]
                file[name][...] = table

    def change(self, **values):
        """Sets variables of the sweep's file: name -> array of all trials, at the end of training."""
        with edited(self.path("out", "sweep.h5")) as file:
            for name, array in values.items():
                file[name][(Ellipsis, -1) if file[name].ndim > 1 else ...] = array

    def numbers(self, name, at=-1):
        with h5py.File(self.path("out", "sweep.h5")) as file:
            return file[name][()][:, at]

    def answer(self, claims, requires=()):
        self.write("asked.yaml", EXPERIMENT + question(claims, requires))
        return json.loads(self.succeed("table", "out", "asked.yaml", "--format", "json").out)["question"]

    def claim(self, row):
        return self.answer([row])["claims"][0]

    # --- numbers

    def test_a_value_and_a_difference_are_those_of_a_t_test(self):
        for row, d, bound in (("hx_rankme, of: ours, at_least: 40", RANK[0], 40),
                              ("hx_rankme, of: ours, to: theirs, difference: true, at_least: 10", RANK[0] - RANK[1], 10)):
            claim = self.claim(row + ", where: {optim.lr: 1.0e-2}")
            reach = scipy.stats.t.ppf(0.975, SEEDS - 1) * d.std(ddof=1) / np.sqrt(SEEDS)
            np.testing.assert_allclose([claim["effect"], claim["low"], claim["high"]],
                                       [d.mean(), d.mean() - reach, d.mean() + reach], rtol=1e-9)
            np.testing.assert_allclose(claim["p"], scipy.stats.ttest_1samp(d, bound).pvalue, rtol=1e-9)
            self.assertEqual(claim["seeds"], SEEDS)

    def test_a_ratio_is_fiellers(self):
        """Its ends are where a paired t-test of a - r b is just significant; p is that of this test at the bound."""
        a, b = ERROR[0], ERROR[1]
        claim = self.claim(ONE)
        np.testing.assert_allclose(claim["effect"], a.mean() / b.mean(), rtol=1e-12)
        for r in (claim["low"], claim["high"]):
            np.testing.assert_allclose(scipy.stats.ttest_rel(a, r * b).pvalue, 0.05, rtol=1e-6)
        self.assertTrue(claim["low"] < claim["effect"] < claim["high"])
        np.testing.assert_allclose(claim["p"], scipy.stats.ttest_rel(a, 0.5 * b).pvalue, rtol=1e-8)

    def test_a_ratio_to_what_may_be_nothing_is_not_bounded(self):
        values = self.numbers("hx_rankme")
        values[self.place[1, 1]] = [-1, 2, 1]
        self.change(hx_rankme=values)
        claim = self.claim("hx_rankme, of: ours, to: theirs, at_least: 1, where: {optim.lr: 0.01}")
        self.assertEqual([claim[k] for k in ("low", "high", "p", "verdict")], [None, None, None, "open"])
        self.assertIn("not bounded", self.succeed("table", "out", "asked.yaml").out)

    def test_settings_that_are_not_told_apart_are_averaged_within_a_seed(self):
        a, b = (ERROR[0] + 2 * ERROR[0]) / 2, (ERROR[1] + 3 * ERROR[1]) / 2
        claim = self.claim("probe_speed_mse, of: ours, to: theirs, at_most: 0.5")
        np.testing.assert_allclose([claim["effect"], claim["p"]],
                                   [a.mean() / b.mean(), scipy.stats.ttest_rel(a, 0.5 * b).pvalue], rtol=1e-8)
        self.assertEqual(claim["seeds"], SEEDS)

    def test_controls_are_those_of_the_trial_itself(self):
        trials = self.place[0, 1]
        for control, other in (("mean", self.numbers("probe_speed_baseline_mse")),
                               ("untrained", self.numbers("probe_speed_mse", 0))):
            claim = self.claim(f"probe_speed_mse, of: ours, to: {control}, at_most: 0.5, where: {{optim.lr: 0.01}}")
            np.testing.assert_allclose(claim["effect"], ERROR[0].mean() / other[trials].mean(), rtol=1e-12)
            np.testing.assert_allclose(claim["p"], scipy.stats.ttest_rel(ERROR[0], 0.5 * other[trials]).pvalue, rtol=1e-6)

    def test_p_values_of_claims_are_corrected_together_by_holm(self):
        rows = [ONE, "hx_rankme, of: ours, at_least: 45, where: {optim.lr: 0.01}",
                "hx_rankme, of: theirs, at_most: 40, where: {optim.lr: 0.01}"]
        claims = self.answer(rows, ["hx_rankme, of: ours, at_least: 10"])["claims"]
        np.testing.assert_allclose([c["p_holm"] for c in claims], holm([c["p"] for c in claims]), rtol=1e-12)

    def test_on_videos_the_interval_is_no_narrower_than_that_of_clips(self):
        self.change(probe_speed_mse_se=np.where(np.arange(18) < 6, 0.02, 0.05))
        by_seeds = self.claim(ONE)
        self.assertFalse(by_seeds["by_clips"])  # digits drawn anew for each clip
        with edited(self.path("out", "sweep.h5")) as file:
            file["data_videos"] = np.full(18, 24)
            file["data_videos"].dims[0].attach_scale(file["trial"])
        claim, a, b = self.claim(ONE), ERROR[0].mean(), ERROR[1].mean()
        z, ends = scipy.stats.norm.ppf(0.975), []
        for r in np.roots([b * b - (z * 0.05)**2, -2 * a * b, a * a - (z * 0.02)**2]):
            ends.append(r)
            np.testing.assert_allclose(abs(a - r * b), z * np.hypot(0.02, r * 0.05), rtol=1e-9)
        np.testing.assert_allclose([claim["low"], claim["high"]],
                                   [min(*ends, by_seeds["low"]), max(*ends, by_seeds["high"])], rtol=1e-9)
        self.assertTrue(claim["by_clips"])
        p = 2 * scipy.stats.norm.sf(abs(a - 0.5 * b) / np.hypot(0.02, 0.5 * 0.05))
        np.testing.assert_allclose(claim["p"], max(p, by_seeds["p"]), rtol=1e-9)

    # --- verdicts

    def test_each_verdict_and_each_answer(self):
        at, holds = ", where: {optim.lr: 0.01}", ONE
        fails = "probe_speed_mse, of: theirs, to: ours, at_most: 1" + at
        is_open = "probe_speed_mse, of: theirs, to: third, at_most: 1.0" + at
        self.assertEqual([self.claim(row)["verdict"] for row in (holds, fails, is_open)], ["holds", "fails", "open"])
        for claims, requires, answer, words in (
                ([holds, holds], [holds], "yes", "yes: half the error"),
                ([holds, is_open], [], "open", "open"),
                ([is_open, fails], [holds], "no", "no: as much or more"),
                ([holds], [fails], "cannot tell", "cannot tell: probe_speed_mse, theirs / ours, at most 1, optim.lr=0.01, "
                 "is required; it is 3.74"),
                ([fails], [is_open], "cannot tell", "cannot tell: probe_speed_mse, theirs / third, at most 1.0, "
                 "optim.lr=0.01, is required; that is not certain by 1.02")):
            found = self.answer(claims, requires)
            self.assertEqual((found["answer"], found["words"], found["so_far"]), (answer, words, False))

    def test_fewer_than_two_seeds_leave_all_open(self):
        status = np.full(18, 2)
        status[self.place[0, 1, 1:]] = 3  # failed
        self.change(status=status)
        found = self.answer([ONE])
        self.assertEqual((found["words"], found["claims"][0]["seeds"], found["claims"][0]["low"]),
                         ("open (one seed)", 1, None))
        np.testing.assert_allclose(found["claims"][0]["effect"], 0.1 / 0.4, rtol=1e-12)
        self.assertEqual(self.answer(["hx_rankme, of: theirs, at_least: 1"], [ONE])["words"], "open (one seed)")
        status[self.place[0, 1, 0]] = 3
        self.change(status=status)
        self.assertEqual(self.answer([ONE])["words"], "open (not measured)")

    def test_while_trials_are_to_be_trained_it_is_so_far(self):
        status = np.full(18, 2)
        status[self.place[2, 0, 0]] = 0
        self.change(status=status)
        found = self.answer([ONE])
        self.assertEqual((found["answer"], found["so_far"], found["words"]), ("yes", True, "yes, so far: half the error"))

    # --- where it is shown

    def test_table_and_answers_show_it(self):
        out = self.succeed("table", "out").out
        self.assertIn("\nasked: Is ours better?\nanswer: yes: half the error\npublished: 0.04 against 0.15\n", out)
        self.assertRegex(out, r"\n *0\.267  0\.\d+ to 0\.\d+ +0\.00\d+ +3 +probe_speed_mse, ours / theirs, at most 0\.5, "
                         r"optim\.lr=0\.01 +holds\n")
        self.assertRegex(out, r"\n *78\.5 .* - +3 +required: hx_rankme, ours, at least 10 +holds\n")
        markdown = self.succeed("table", "out", "--format", "md").out
        self.assertIn("\n**answer:** yes: half the error\n\n", markdown)
        self.assertNotIn("question", self.succeed("table", "out", "--format", "csv").out)
        lines = self.succeed("answers", "out", "out", "--format", "csv").out.splitlines()
        self.assertEqual(len(lines), 3)
        self.assertTrue(lines[1].startswith('out,Is ours better?,yes,0,"probe_speed_mse, ours / theirs, at most 0.5, '
                                            'optim.lr=0.01",0.26'), lines[1])
        whole = json.loads(self.succeed("answers", "out", "--format", "json").out)
        self.assertEqual(whole[0]["question"], json.loads(self.succeed("table", "out", "--format", "json").out)["question"])
        self.assertRegex(self.succeed("answers", "out").out, r"\nout +Is ours better\? +yes: half the error +0\.267 ")

    def test_a_sweep_that_asks_nothing(self):
        shutil.copytree(self.path("out"), self.path("other"))
        with edited(self.path("other", "sweep.h5")) as file:
            file.attrs["sweep_yaml"] = np.bytes_(EXPERIMENT)
        self.assertIsInstance(json.loads(self.succeed("table", "other", "--format", "json").out), list)
        self.assertRegex(self.succeed("answers", "other").out, r"\nother +- +it asks nothing ")
        self.succeed("report", "other")
        self.assertNotIn("section-question", Page(self.path("other", "report.html")).text)

    def test_the_report_has_it_first_with_a_picture(self):
        self.succeed("report", "out")
        page = Page(self.path("out", "report.html"))
        self.assertEqual(re.search(r'<section id="([^"]*)"', page.text)[1], "section-question")
        rows, claim = page.rows("claims"), self.claim(ONE)
        self.assertEqual([row["verdict"][0] for row in rows], ["holds", "holds"])
        self.assertEqual(rows[0]["effect"][1] + rows[0]["95 % interval"][1], [claim["effect"], claim["low"], claim["high"]])
        first = page.text[page.text.index("<figure>"):page.text.index("</figure>")]
        self.assertIn("at most 0.5", first)
        self.assertEqual(len(re.findall(r"<circle [^>]*fill='currentColor'", first)), 2)
        self.assertIn("Answer:</b> yes: half the error", page.text)

    # --- before it is run

    def test_the_dry_run_says_what_is_asked(self):
        out = self.succeed("sweep", "tiny.yaml", "--dry-run").out
        self.assertIn("\nquestion: Is ours better?\n  claimed: probe_speed_mse, ours / theirs, at most 0.5, optim.lr=0.01\n"
                      "  required: hx_rankme, ours, at least 10\n", out)
        self.assertIn("\nquestion:\n", self.succeed("sweep", "tiny.yaml", "--print-config").out)

    def test_it_may_change_between_runs(self):
        self.write("tiny.yaml", EXPERIMENT + question([ONE.replace("0.5", "0.1")]))
        self.assertIn("\nanswer: no: as much or more\n", self.succeed("sweep", "tiny.yaml", "-o", "out", "--resume").out)

    def refused(self, sentence, row, experiment=EXPERIMENT):
        self.write("bad.yaml", experiment + question([row]))
        self.assert_refused(sentence, "sweep", "bad.yaml", "--dry-run")

    def test_what_is_not_there_is_refused_before_training(self):
        for row, sentence in (
                ("probe_sped_mse, of: ours, at_most: 1",
                 'bad.yaml:29:18: question.claims[0].quantity: no quantity "probe_sped_mse"; did you mean "probe_speed_mse"?'),
                ("hx_rankme, of: our, at_most: 1",
                 'bad.yaml:29:33: question.claims[0].of: no arm "our"; did you mean "ours"?'),
                ("hx_rankme, at_most: 1", 'bad.yaml:29:7: question.claims[0]: missing key "of" (the arm that has it)'),
                ("hx_rankme, of: ours, to: theirss, at_most: 1",
                 'bad.yaml:29:43: question.claims[0].to: no arm or control "theirss"; did you mean "theirs"?'),
                ("hx_rankme, of: ours, to: ours, at_most: 1",
                 "bad.yaml:29:43: question.claims[0].to: an arm can't be compared with itself"),
                ("hx_rankme, of: ours, to: majority, at_most: 1",
                 "bad.yaml:29:43: question.claims[0].to: nothing is recorded of what majority would have of hx_rankme"),
                ("hx_rankme, of: ours", "bad.yaml:29:7: question.claims[0]: expected at_least or at_most, the bound of a "
                 "claim"),
                ("hx_rankme, of: ours, at_most: 1, at_least: 1",
                 "bad.yaml:29:7: question.claims[0]: expected at_least or at_most, not both"),
                ("hx_rankme, of: ours, difference: true, at_least: 1",
                 "bad.yaml:29:51: question.claims[0]: a difference needs a second arm or a control, to:"),
                ("hx_rankme, of: ours, at_least: 1, where: {optim.lrr: 0.01}",
                 'bad.yaml:29:60: question.claims[0].where: the sweep sets no "optim.lrr"; did you mean "optim.lr"?'),
                ("hx_rankme, of: ours, at_least: 1, where: {optim.lr: 0.02}",
                 "bad.yaml:29:59: question.claims[0].where: no trial of ours has these settings"),
                ("hx_rankme, of: ours, at: 7, at_least: 1",
                 "bad.yaml:29:43: question.claims[0].at: hx_rankme is not recorded after 7 steps, but after 0, 1"),
                ("hx_explained_variance, of: ours, at_least: 1",
                 "^vjvcr: bad.yaml:29:7: question.claims\\[0\\]: hx_explained_variance has 8 numbers, one for each component"),
                ("hx_rankme, of: ours, at_lest: 1",
                 'bad.yaml:29:39: question.claims[0]: unknown key "at_lest"; did you mean "at_least"?')):
            with self.subTest(row):
                self.refused(sentence, row)
        self.write("bad.yaml", EXPERIMENT + "question: {asked: why}\n")
        self.assert_refused('bad.yaml:23:11: question: expected at least one claim under "claims", by which it is answered',
                            "sweep", "bad.yaml", "--dry-run")
        self.write("bad.yaml", EXPERIMENT + question([ONE]).replace("asked", "aksed"))
        self.assert_refused('bad.yaml:24:3: question: unknown key "aksed"; did you mean "asked"?', "sweep", "bad.yaml",
                            "--dry-run")
        self.write("bad.yaml", EXPERIMENT.replace("parameters: {", "parameters: {question.asked: [a, b], "))
        self.assert_refused('^vjvcr: bad.yaml:21:16: sweep.parameters.question.asked: "question" is the same for all trials',
                            "sweep", "bad.yaml", "--dry-run")

    def test_a_sweep_without_arms(self):
        bare = EXPERIMENT.replace("  trials: {ours", "  # {ours")
        self.write("bare.yaml", bare + question(["hx_rankme, at_least: 1, where: {optim.lr: 0.01}"]))
        self.assertIn("claimed: hx_rankme, at least 1, optim.lr=0.01\n", self.succeed("sweep", "bare.yaml", "--dry-run").out)
        self.refused("bad.yaml:29:33: question.claims[0].of: the sweep has no arms; leave it out, and say with where: which "
                     "settings are meant", "hx_rankme, of: ours, at_least: 1", bare)


main()
