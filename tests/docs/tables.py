"""Tables in the pages are what a command prints of a sweep's results, and are not typed. A comment stands before each:

    <!-- table: vjvcr table runs/collapse; of: ./vj reproduce collapse data.digits=FOLDER -->
    ```
    ...
    ```

`table:` is the command whose output the block holds, `of:` the run that makes the folders it looks at. A table of
Markdown, of a command with `--format md`, stands behind its comment as it is, without backticks. Small results are
kept under docs/results/NAME, others are looked for under runs/NAME. `./vj tables` compares all blocks whose results are
at hand and says which run the others need; `./vj tables --renew` writes them anew. Times of training are left out.

Exit code 1: a block differs, or is damaged.
"""
import argparse
import glob
import os
import re
import shlex
import subprocess
import sys

SOURCE = os.environ.get("VJ_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
VJVCR = os.environ.get("VJVCR", os.path.join(SOURCE, "build", "vjvcr"))
KEPT, RUNS, WIDTH = "docs/results", "runs", "150"
COMMENT = r"^<!-- table: (?P<command>vjvcr [^;\n]+); of: (?P<of>[^\n]+) -->\n"
MARKERS = [re.compile(COMMENT + r"```\n(?P<block>.*?)^```$", re.M | re.S), re.compile(COMMENT + r"\n(?P<block>(?:\|.*\n)+)", re.M)]
BEGINNING = re.compile(r"^<!-- table:.*$", re.M)
TIMES = re.compile(r"^\d+ of \d+ trials done, in .* of training\n", re.M)


def pages():
    return [os.path.join(SOURCE, "README.md"), *sorted(glob.glob(os.path.join(SOURCE, "docs", "*.md")))]


def at_hand(words, only_kept):
    """The command with its folders found; None where one has no results yet."""
    if not any(word.startswith(RUNS + "/") for word in words):
        raise ValueError(f"the command names no folder {RUNS}/NAME: {' '.join(words)}")
    command = [VJVCR]
    for word in words[1:]:
        if word.startswith(RUNS + "/"):
            folders = (os.path.join(KEPT, word[len(RUNS) + 1:]), *([] if only_kept else [word]))
            word = next((f for f in folders if os.path.exists(os.path.join(SOURCE, f, "sweep.h5"))), None)
        if word is None:
            return None
        command.append(word)
    return command


def printed(command):
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False, timeout=300,
                          env={**os.environ, "COLUMNS": WIDTH, "OMPI_MCA_ess_singleton_isolated": "1"})
    if done.returncode:
        raise ValueError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    return "\n".join(line.rstrip() for line in TIMES.sub("", done.stdout).splitlines()) + "\n"


class Report:
    def __init__(self, only_kept):
        self.only_kept = only_kept
        self.wrong, self.same, self.renewed, self.needs = [], 0, 0, []

    def block(self, page, match, renew):
        """What the block is to hold; None leaves it alone."""
        line = f"{os.path.relpath(page, SOURCE)}:{match.string.count(chr(10), 0, match.start()) + 1}"
        try:
            command = at_hand(shlex.split(match["command"]), self.only_kept)
            text = command and printed(command)
        except ValueError as error:
            self.wrong.append(f"{line}: {error}")
            return None
        if text is None:
            self.needs.append(f"{line}: not at hand: {match['of']}")
        elif text == match["block"]:
            self.same += 1
        elif renew:
            self.renewed += 1
            return text
        else:
            self.wrong.append(f"{line}: the table is not what `{match['command']}` prints; ./vj tables --renew writes it")
        return None

    def page(self, path, renew):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        matches = sorted((match for marker in MARKERS for match in marker.finditer(text)), key=lambda m: m.start())
        if len(matches) != len(BEGINNING.findall(text)):
            self.wrong.append(f"{os.path.relpath(path, SOURCE)}: a comment `table:` is not of the form "
                              "`<!-- table: vjvcr ..; of: .. -->` before a block of three backticks, or a table of Markdown")
        for match in reversed(matches):
            block = self.block(path, match, renew)
            if block is not None:
                text = text[:match.start("block")] + block + text[match.end("block"):]
        if renew and matches:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)


def main():
    parser = argparse.ArgumentParser(prog="./vj tables", description="Compare the tables of the pages with results.")
    parser.add_argument("--renew", action="store_true", help="write the tables whose results are at hand anew")
    parser.add_argument("--kept", action="store_true", help="look in docs/results alone, not in runs")
    parser.add_argument("page", nargs="*", help="pages; all of them without any")
    arguments = parser.parse_args()
    report = Report(arguments.kept)
    for page in [os.path.abspath(page) for page in arguments.page] or pages():
        report.page(page, arguments.renew)
    print(*report.wrong, *report.needs, sep="\n")
    print(f"{report.same} tables as printed, {report.renewed} renewed, {len(report.wrong)} wrong, "
          f"{len(report.needs)} need a run")
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    main()
