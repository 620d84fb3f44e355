"""Whatever bytes a parser gets, it neither crashes nor hangs, needs no memory beyond a bound, and refuses with a sentence:
a short, repeatable sample of what ./vj fuzz looks for. All that was ever found stands in the corpus, and is run first."""

import glob
import os
import unittest

import fuzzing
from support import requirements

# A machine that is suspended, or busy with much else, is no hang.
PATIENCE = "-timeout=300"
MUTATIONS = {"pack": 400, "yaml": 2000, "idx": 1500, "ledger": 1500}


class Fuzz(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        fuzzing.build()

    def test_all_targets(self):
        with fuzzing.scratch() as folder:
            for target in fuzzing.TARGETS:
                with self.subTest(target):
                    learnt = os.path.join(folder, target)
                    os.mkdir(learnt)
                    inputs = sorted(glob.glob(os.path.join(fuzzing.corpus(target), "*")))
                    self.assertTrue(inputs, "a target has inputs to begin with")
                    code, output = fuzzing.start(target, folder, PATIENCE, *inputs)
                    self.assertEqual(code, 0, output[-4000:])
                    code, output = fuzzing.start(target, folder, PATIENCE, "-seed=1", f"-artifact_prefix={folder}/",
                                                 f"-runs={MUTATIONS.get(target, 5000)}", learnt, fuzzing.corpus(target))
                    self.assertEqual(code, 0, output[-4000:])

    def test_what_is_made_is_accepted(self):
        """Else the targets would only ever see refusals."""
        for target in fuzzing.TARGETS:
            made = glob.glob(os.path.join(fuzzing.corpus(target), "made*"))
            self.assertTrue(made, target)
            for path in made:
                self.assertIn("accepted", fuzzing.said(target, path), path)

    def test_what_was_found(self):
        """The sentences of inputs that once did harm."""
        for target, name, sentence in (
                ("pack", "list_of_words", "not a pack: `vjvcr data pack` makes one"),
                ("pack", "late", "a damaged pack: split"),
                ("ledger", "last_attempt", "this record is in no form this program knows: 1 claim 0 92233720368547758070 "
                                           "1 host:1:a"),
        ):
            said = fuzzing.said(target, os.path.join(fuzzing.corpus(target), name))
            self.assertTrue(said and said[-1].endswith(": " + sentence), (name, said))


if __name__ == "__main__":
    missing = fuzzing.what_is_missing()
    if missing:
        requirements.missing(missing)
    unittest.main(verbosity=2)
