"""The pages are true where a program can tell: paths and names of the source that they use exist, relative links lead
somewhere, anchors included, docs/architecture.md shows every room, and the contents of docs/decisions.md are whole."""
import glob
import os
import re
import sys

from test_floors import ROOT, SEES

TOPS = "framework|models|losses|datasets|sweeps|analysis|app|tests|docs"
PATH = re.compile(rf"(?<![\w./<>=:$~-])(?:{TOPS})/[\w./*<>-]*[\w*>/]")
NAME = re.compile(r"\b(?:vj|VJ)_\w*[a-zA-Z0-9]\b|(?<=`)\w+\.(?:c|h|def)(?=`)")
# A reader who follows the pages makes these.
TO_BE_MADE = {"losses/slowness.c", "vj_loss_slowness", "app/head.c", "vj_verb_head"}
HISTORY = "docs/changes.md"  # tells of names that were


def pages():
    return sorted(["README.md"] + (["CONTRIBUTING.md"] if os.path.exists(os.path.join(ROOT, "CONTRIBUTING.md")) else [])
                  + [f"docs/{name}" for name in os.listdir(os.path.join(ROOT, "docs")) if name.endswith(".md")])


def text_of(page):
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        return file.read()


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def anchors_of(text):
    """Those that GitHub gives to headings; a second one of a name gets -1."""
    found = []
    for heading in re.findall(r"^#+ +(.+?) *$", without_code(text), flags=re.M):
        heading = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.append(slug if slug not in found else f"{slug}-{found.count(slug)}")
    return set(found)


def exists(path):
    """Whether a path, which may hold * or <word>, is there; docs/x.md of a page may also stand for the folder's."""
    return bool(glob.glob(os.path.join(ROOT, re.sub(r"<\w+>", "*", path).rstrip("/"))))


def missing_paths(page, text):
    for number, line in enumerate(text.split("\n"), 1):
        for path in PATH.findall(line):
            if path not in TO_BE_MADE and not exists(path):
                yield f"{page}:{number}: there is no {path}"


def names_of_source():
    """File names and our identifiers, of everything but pages, builds and results."""
    found = set()
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [f for f in folders if not f.startswith((".", "build")) and f not in ("runs", "data")]
        for name in files:
            if name.endswith((".md", ".h5", ".png", ".svg", ".csv", ".pyc")):
                continue
            found.add(name)
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                found.update(re.findall(r"\b(?:vj|VJ)_\w+", file.read()))
    return found


def missing_names(page, text, names):
    for number, line in enumerate(text.split("\n"), 1):
        for name in NAME.findall(line):
            if name not in names and name not in TO_BE_MADE:
                yield f"{page}:{number}: nothing is called {name}"


def misplaced_functions(page, text):
    """`name` (`path.c`) and `one` and `other` (`path.c`): the file has them."""
    for one, other, path in re.findall(r"`(\w+)`(?:\s+and\s+`(\w+)`)?\s+\(`([\w/.-]+\.[ch])`\)", text):
        for name in (one, other):
            if name and exists(path) and not re.search(rf"\b{name}\b", text_of(path)):
                yield f"{page}: {name} is not in {path}"


def broken_links(page, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = os.path.normpath(os.path.join(os.path.dirname(page), name)) if name else page
        if not os.path.exists(os.path.join(ROOT, path)):
            yield f"{page}: the link {target} leads nowhere"
        elif anchor and anchor not in anchors_of(text_of(path)):
            yield f"{page}: {path} has no heading for #{anchor}"


def check_itself():
    """A check that finds nothing because it looks at nothing would be worse than none."""
    assert list(missing_paths("p", "see `losses/no_such.c`")) == ["p:1: there is no losses/no_such.c"]
    assert not list(missing_paths("p", "see `losses/variance.c`, tests/<area>/test_*.py and framework/ops/"))
    assert list(missing_names("p", "vj_no_such(x), `x.c`, VJ_OK", {"VJ_OK"})) == [
        "p:1: nothing is called vj_no_such", "p:1: nothing is called x.c"]
    assert list(misplaced_functions("p", "`vj_no` and `vj_such`\n(`losses/vcr.h`)")) == [
        "p: vj_no is not in losses/vcr.h", "p: vj_such is not in losses/vcr.h"]
    assert list(broken_links("README.md", "[a](docs/no_such.md) [b](docs/sweeps.md#no-such)")) == [
        "README.md: the link docs/no_such.md leads nowhere", "README.md: docs/sweeps.md has no heading for #no-such"]
    assert anchors_of("# A `b`: c-d\n## A `b`: c-d\n") == {"a-b-c-d", "a-b-c-d-1"}


def main():
    check_itself()
    found, architecture, names = [], text_of("docs/architecture.md"), names_of_source()
    for page in pages():
        text = text_of(page)
        found += broken_links(page, text)
        if page != HISTORY:
            found += [*missing_paths(page, text), *missing_names(page, text, names), *misplaced_functions(page, text)]
    found += [f"docs/architecture.md: the room {room} is missing" for room in SEES if f"`{room}`" not in architecture]
    decisions = text_of("docs/decisions.md")
    found += [f"docs/decisions.md: #{anchor} is not among its contents" for anchor in anchors_of(decisions)
              if f"(#{anchor})" not in decisions and anchor not in ("decisions", "contents")]
    print("\n".join(found) if found else f"{len(pages())} pages: every path, name, link and room is there")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
