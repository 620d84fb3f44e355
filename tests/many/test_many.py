"""A thousand trials of 20 tiny steps on two ranks: few files, and memory that stays flat. What the engine costs a trial
is printed; of fewer trials the start of the program takes much of it.

Not among the tests that run by default; `./vj test many`, or with another number VJ_TRIALS=10000 ./vj test many."""

import os
import tempfile
import unittest

from support.many import Many
from support.vjvcr import main

TRIALS = int(os.environ.get("VJ_TRIALS", "1000"))


class Thousand(unittest.TestCase):
    def test_a_thousand_trials(self):
        with tempfile.TemporaryDirectory(prefix="vjvcr-many-") as folder:
            many = Many(folder, TRIALS)
            many.report()
            self.assertEqual(set(many.values["status"]), {2})
            self.assertLess(many.files, 20)
            self.assertLess(many.growth(), 512)


if __name__ == "__main__":
    main()
