"""Nothing in framework/ names a component: what it has to know of one stands in the component's descriptor.

The components are those of app/builtin.def; a quoted string of a source file in framework/ that is the name of one
fails.
"""
import re

from tree import read, sources

ALLOWED = {"none"}  # a word of the option checkpoint.keep, too


def component_names():
    """{identifier: name} of every row of app/builtin.def."""
    wanted = re.findall(r"VJ_BUILTIN\((\w+)\)", read("app/builtin.def"))
    found = {}
    for file in sources("models", "losses", "datasets", "analysis"):
        for identifier, body in re.findall(r"const vj_component (\w+) = \{(.*?)\};", read(file), re.DOTALL):
            found[identifier] = re.search(r'\.name = "(\w+)"', body)[1]
    missing = set(wanted) - set(found)
    assert not missing, f"descriptors that were not found: {missing}"
    return {identifier: found[identifier] for identifier in wanted}


def named_in(text, names):
    """(line, name) of every quoted name, comments aside."""
    for number, line in enumerate(text.split("\n"), 1):
        code = re.sub(r"/\*.*?(\*/|$)", "", line)
        for quoted in re.findall(r'"((?:[^"\\]|\\.)*)"', code):
            if quoted in names:
                yield number, quoted


def main():
    names = set(component_names().values()) - ALLOWED
    assert list(named_in('x = weight_of(config, "prediction");\n', names)) == [(1, "prediction")]
    assert not list(named_in('/* "prediction" */ fail("no prediction");\n', names))
    files = sources("framework")
    assert len(files) > 100, files
    wrong = [f'{file}:{line}: "{name}" is the name of a component; let its descriptor say what is needed'
             for file in files for line, name in named_in(read(file), names)]
    print("\n".join(wrong) if wrong else f"{len(files)} files of framework/ name none of {len(names)} components")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
