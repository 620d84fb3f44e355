"""Tables of results in the pages are generated: each has its command, those whose results are at hand are what it
prints, and the tool that says so finds what differs."""

import os
import re
import subprocess
import sys

from support.vjvcr import SOURCE, TINY, Case, VJVCR, main

TOOL = os.path.join(SOURCE, "tests", "docs", "tables.py")
TABLE = re.compile(r"^```\n(?:.*\n)?(?:arm|setting|settings|losses\.\S+) .* seeds? .*\n-{20,}$", re.M)


class Tables(Case):
    def tool(self, *arguments, **environment):
        return subprocess.run([sys.executable, TOOL, *arguments], capture_output=True, text=True, timeout=300, check=False,
                              env={**os.environ, "VJVCR": VJVCR, **environment})

    def page(self, folder="runs/tiny", block="wrong\n"):
        return self.write("page.md", f"Before.\n\n<!-- table: vjvcr table {folder}; of: ./vj demo -->\n```\n{block}```\n\n"
                          "After.\n")

    def text(self):
        with open(self.path("page.md"), encoding="utf-8") as file:
            return file.read()

    def test_every_table_of_results_has_its_command(self):
        for name in ("README.md", "docs/reproduction.md"):
            with open(os.path.join(SOURCE, name), encoding="utf-8") as file:
                text = file.read()
            found = list(TABLE.finditer(text))
            self.assertTrue(found, name)
            for match in found:
                before = text[:match.start()].splitlines()[-1]
                self.assertTrue(before.startswith("<!-- table: vjvcr "), f"{name}: {match[0]}")

    def test_the_pages_are_what_results_at_hand_print(self):
        done = self.tool("--kept")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"\n[1-9]\d* tables as printed, 0 renewed, 0 wrong, \d+ need a run\n")

    def test_a_table_that_differs_is_found_and_renewed(self):
        self.write("tiny.yaml", TINY)
        self.succeed("sweep", "tiny.yaml", "-o", "runs/tiny", "sweep.seeds=2")
        self.page()
        done = self.tool(self.path("page.md"), VJ_SOURCE=self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("page.md:3: the table is not what `vjvcr table runs/tiny` prints", done.stdout)
        self.assertEqual(self.tool("--renew", self.path("page.md"), VJ_SOURCE=self.folder).returncode, 0)
        renewed = self.text()
        self.assertRegex(renewed, r"(?s)^Before\..*speed MSE.*After\.\n$")
        self.assertNotIn("wrong", renewed)
        self.assertNotIn("of training", renewed)
        done = self.tool(self.path("page.md"), VJ_SOURCE=self.folder)
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]),
                         (0, "1 tables as printed, 0 renewed, 0 wrong, 0 need a run"))

    def test_a_table_of_markdown_stands_as_it_is_and_may_be_of_several_sweeps(self):
        self.write("tiny.yaml", TINY + "question: {asked: Does it learn?, claims: [{quantity: hx_rankme, at_least: 1}]}\n")
        for name in ("one", "two"):
            self.succeed("sweep", "tiny.yaml", "-o", f"runs/{name}")
        self.write("page.md", "<!-- table: vjvcr answers runs/one runs/two --format md; of: ./vj demo -->\n\n| wrong |\n\nAfter.\n")
        self.assertEqual(self.tool("--renew", self.path("page.md"), VJ_SOURCE=self.folder).returncode, 0)
        rows = [line.split(" | ")[:3] for line in self.text().splitlines() if line.startswith("| runs/")]
        self.assertEqual(rows, [[f"| runs/{name}", "Does it learn?", "open (one seed)"] for name in ("one", "two")])
        self.assertTrue(self.text().endswith("|\n\nAfter.\n"))

    def test_a_run_that_is_not_at_hand_is_named(self):
        self.page("runs/large")
        done = self.tool("--renew", self.path("page.md"), VJ_SOURCE=self.folder)
        self.assertEqual(done.returncode, 0)
        self.assertIn("page.md:3: not at hand: ./vj demo\n", done.stdout)
        self.assertIn("wrong\n", self.text())

    def test_a_damaged_comment_is_wrong(self):
        self.write("page.md", "<!-- table: vjvcr table runs/tiny -->\n```\n```\n")
        done = self.tool(self.path("page.md"), VJ_SOURCE=self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("page.md: a comment `table:` is not of the form", done.stdout)


if __name__ == "__main__":
    main()
