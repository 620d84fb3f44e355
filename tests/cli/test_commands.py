"""Every verb is declared once: help, the errors of a wrong call and docs/commands.md come from that declaration."""

import fcntl
import os
import re
import struct
import subprocess
import termios
import tempfile
import unittest

from support.vjvcr import SOURCE, VJVCR, main


def vjvcr(*words, columns=80):
    """Exit code, stdout, stderr; in an empty folder, so that nothing is there to be read."""
    with tempfile.TemporaryDirectory(prefix="vjvcr-commands-") as folder:
        done = subprocess.run([VJVCR, *words], cwd=folder, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "COLUMNS": str(columns), "OMPI_MCA_ess_singleton_isolated": "1"})
        assert os.listdir(folder) == [], (words, os.listdir(folder))
    return done.returncode, done.stdout, done.stderr


def reference():
    """Of docs/commands.md as the program prints it: verb -> (arguments that are required, options)."""
    code, text, _ = vjvcr("help", "--format", "md")
    assert code == 0
    verbs = {}
    for section in text.split("\n## vjvcr ")[1:]:
        verb = section.splitlines()[0]
        synopsis = " ".join(section.split("```")[1].split())
        options = re.findall(r"^\| `(--?[a-z-]+)` \|", section, re.M)
        arguments = re.findall(r"^\| `([^-`][^`]*)` \|", section, re.M)
        verbs[verb] = ([name for name in arguments if f"[{name}" not in synopsis], options)
    return text, verbs


class Verbs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text, cls.verbs = reference()

    def each(self):
        self.assertGreater(len(self.verbs), 15)
        for verb, (required, options) in self.verbs.items():
            with self.subTest(verb):
                yield verb, required, options

    def test_the_reference_in_docs_is_current(self):
        with open(os.path.join(SOURCE, "docs", "commands.md"), encoding="utf-8") as file:
            self.assertEqual(file.read(), self.text, "run: build/vjvcr help --format md > docs/commands.md")

    def test_help_tells_of_every_row_and_fits_the_terminal(self):
        for verb, required, options in self.each():
            self.assertTrue(set(required) <= {"FILE.yaml", "DIR", "TRIAL", "A", "B", "KIND"},
                            f"{required}: an argument of a new name must be added here, with what it is without it")
            for columns, words in ((40, [*verb.split(), "--help"]), (80, ["help", *verb.split()])):
                code, out, err = vjvcr(*words, columns=columns)
                self.assertEqual((code, err), (0, ""))
                for name in [*required, *options, "--help"]:
                    self.assertRegex(out, rf"\n  {re.escape(name)}\b")
                said = out.split("\nexamples:")[0]  # to be copied, so never broken
                long = [line for line in said.splitlines() if len(line) > columns and len(line.split()) > 1]
                self.assertEqual(long, [])

    def test_help_is_given_wherever_it_is_asked_for(self):
        code, out, err = vjvcr("sweep", "none.yaml", "optim.steps=3", "-h")
        self.assertEqual((code, out.splitlines()[0], err), (0, "vjvcr sweep: run every trial of an experiment", ""))

    def test_an_unknown_option_is_refused_with_a_suggestion(self):
        for verb, required, options in self.each():
            code, out, err = vjvcr(*verb.split(), "--hepl")
            self.assertEqual((code, out, err), (2, "", f'vjvcr: {verb} has no option --hepl; did you mean "--help"?\n'))

    def test_a_missing_argument_is_named(self):
        for verb, required, options in self.each():
            for name in required[:1]:
                code, out, err = vjvcr(*verb.split())
                self.assertEqual((code, out), (2, ""))
                self.assertRegex(err, rf"^vjvcr: expected {re.escape(name)}, .*; usage: vjvcr {verb} .*\n$")

    def test_a_missing_option_is_named(self):
        code, out, err = vjvcr("debug", "step", "none.yaml")
        self.assertEqual((code, out), (2, ""))
        self.assertRegex(err, "^vjvcr: expected -o STEP.h5, the file to write; usage: vjvcr debug step FILE.yaml .*\n$")

    def test_an_option_without_its_value_is_refused(self):
        for verb, required, options in self.each():
            for option in [option for option in options if f"{option} " in self.text.split(f"\nvjvcr {verb} ")[1]][:1]:
                self.assertEqual(vjvcr(*verb.split(), option), (2, "", f"vjvcr: {option}: expected a value\n"))

    def test_a_value_may_stand_behind_an_equals_sign(self):
        self.assertEqual(vjvcr("help", "--format=md"), vjvcr("help", "--format", "md"))

    def test_all_verbs_stand_in_the_list(self):
        code, out, err = vjvcr("help")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(re.findall(r"^  ([a-z-]+(?: [a-z]+)?)  ", out, re.M), list(self.verbs))
        self.assertEqual(vjvcr("--help"), (0, out, ""))
        self.assertEqual(vjvcr(), (2, "", out))

    def test_verbs_of_two_words(self):
        code, out, err = vjvcr("data", "--help")
        self.assertEqual((code, re.findall(r"^  (data [a-z]+)  ", out, re.M)),
                         (0, ["data make", "data inspect", "data pack"]))
        self.assertEqual(vjvcr("help", "data")[1], out)
        for words, sentence in [
                (["data"], 'expected a second word behind "data"; verbs are data make, data inspect, data pack'),
                (["data", "mkae"], 'there is no verb "data mkae"; did you mean "data make"?'),
                (["data", "sort"], 'there is no verb "data sort"; verbs are data make, data inspect, data pack'),
                (["help", "swep"], 'there is no verb "swep"; did you mean "sweep"?'),
                (["hlep"], 'there is no verb "hlep"; did you mean "help"?')]:
            with self.subTest(sentence):
                self.assertEqual(vjvcr(*words), (2, "", f"vjvcr: {sentence}\n"))

    def test_help_is_as_wide_as_the_terminal(self):
        environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        terminal, ours = os.openpty()
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 50, 0, 0))
        subprocess.run([VJVCR, "help", "best"], stdout=ours, env=environment, check=True, timeout=60)
        os.close(ours)
        text = os.read(terminal, 65536).decode()
        os.close(terminal)
        self.assertLessEqual(max(len(line) for line in text.splitlines()), 50)


if __name__ == "__main__":
    main()
