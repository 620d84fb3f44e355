"""Tables have as many columns as a sweep has settings, and every number stands below its own heading."""

import csv
import io
import json

from support.vjvcr import TINY, SweepCase, main

COUNT = 300
LOSSES = "".join(f"  v{i}: {{type: variance, weight: 0}}\n" for i in range(COUNT))


def values(i):
    return [round(1 + i / 1000, 3), round(3 + i / 1000, 3)]


class Wide(SweepCase):
    text = (TINY.replace("losses:\n", "losses:\n" + LOSSES) + "sweep:\n  parameters:\n"
            + "".join(f"    losses.v{i}.tau: {{values: {values(i)}"
                      + (", with: losses.v0.tau}\n" if i else "}\n") for i in range(COUNT)))
    settings = ("optim.steps=1", "eval.every=1")

    def assert_whole(self, names, rows, prefix="param."):
        self.assertEqual(len(rows), 2)
        for row in rows:
            self.assertEqual(len(row), len(names))
        for i in range(COUNT):
            at = names.index(f"{prefix}losses.v{i}.tau")
            self.assertEqual([float(row[at]) for row in rows], values(i))

    def test_table_and_ls(self):
        for verb in ("table", "ls"):
            rows = list(csv.reader(io.StringIO(self.succeed(verb, "out", "--format", "csv").out)))
            self.assert_whole(rows[0], rows[1:])
            objects = json.loads(self.succeed(verb, "out", "--format", "json").out)
            self.assert_whole(list(objects[0]), [list(o.values()) for o in objects])
            lines = [[c.strip() for c in line.replace("\\_", "_")[2:-2].split(" | ")]
                     for line in self.succeed(verb, "out", "--format", "md").out.splitlines() if line.startswith("| ")]
            self.assert_whole(lines[0], lines[1:], "")
            text = [line.split()[:COUNT + 1] for line in self.succeed(verb, "out").out.splitlines()]
            self.assert_whole(text[0], text[2:4], "")

    def test_other_verbs(self):
        for verb in (("best", "out", "val_prediction", "--asc"), ("compare", "out", "0", "1"), ("show", "out", "0")):
            for form in ("text", "csv", "json", "md"):
                printed = self.succeed(*verb, "--format", form).out
                if form == "csv" and verb[0] != "best":  # what was measured alone
                    continue
                for i in (0, COUNT // 2, COUNT - 1):
                    self.assertIn(f"losses.v{i}.tau", printed.replace("\\_", "_"), (verb, form))
        self.succeed("sweep", "sweep.yaml", "--dry-run", *self.settings)


if __name__ == "__main__":
    main()
