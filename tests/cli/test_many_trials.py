"""Many short trials make a handful of files, and none of them leaves anything in memory. A thousand: `./vj test many`."""

import sys

from common import Case, h5py, main
from many import Many

if h5py is None:
    print("skipped: h5py is not there")
    sys.exit(77)

TRIALS = 200


class ManyTrials(Case):
    def test_files_and_memory(self):
        many = Many(self.folder, TRIALS, "checkpoint.steps=10")
        many.report()
        self.assertEqual(set(many.values["status"]), {2})
        self.assertLess(many.files, 20)
        self.assertIsNotNone(many.growth())
        self.assertLess(many.growth(), 512)  # KiB, over 120 trials


if __name__ == "__main__":
    main()
