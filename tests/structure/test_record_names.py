"""The name of a record of sweep.h5 stands in one place, framework/store/records: nowhere else in the product is one a
literal. Names of one common word, such as "seed", are those of other things too; they are looked for where a record is
asked for."""
import re
import sys

from tree import read, sources

TABLE = "framework/store/records/"
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|(?P<kept>\"(?:\\.|[^\"\\\n])*\")", re.S)

# With words of their own: a literal that begins so is a name, whatever follows.
BEGINNINGS = r'"(?:param\.|train_|val_|probe_|picture_|data_videos|(?:hx|hy|hy_pred|%s)_(?:rankme|effective_rank|' \
             r'singular_values|explained_variance|feature_std|correlation|lidar|cosine|centred_|nmse|states|%s))'
# Who takes the name of a record or a dimension, and comparisons with one.
ASKED = r'vj_(?:sweep_file_find|trial_row_(?:put|get)(?:_text)?|results_(?:text|count|components)|' \
        r'report_data_has|row_writer_column)\((?:[^;"()]|\([^;"()]*\))*|' \
        r'(?:read_whole|read_axis|write_one)\((?:[^;"()]|\([^;"()]*\))*|' \
        r'(?:dimension\[\d\]|axis\[\d\]|info[.>-]+name|->name|\.name), |\.quantity = '
COMPONENTS = ("models/", "losses/", "datasets/", "analysis/metrics/", "analysis/probes/")  # they see no record


def names():
    """{name: its constant}, of those without <> and of dimensions."""
    rows = re.findall(r'^VJ_(RECORD|DIMENSION)\((\w+), "(\w+)"', read(TABLE + "records.def"), flags=re.M)
    found = {name: f"VJ_{'NAME' if kind == 'DIMENSION' else kind}_{identifier}" for kind, identifier, name in rows}
    assert {"trial", "seed", "time_total", "expected_flops", "picture_y_pred"} <= set(found), found
    return found


def without_comments(text):
    """Each comment is as many lines of nothing."""
    return COMMENT.sub(lambda m: m["kept"] or "\n" * m[0].count("\n"), text)


def literals(path, text, patterns, known):
    for pattern, group in patterns:
        for found in re.finditer(pattern, text):
            line = text.count("\n", 0, found.start(group)) + 1
            constant = known.get(found[group].strip('"'), "a macro VJ_NAME_OF_...")
            yield f"{path}:{line}: {found[group]} is a record's name: write {constant}, of {TABLE}records.h"


def patterns_of(known):
    unmistakable = "|".join(sorted(n for n in known if "_" in n and n != "input_frame"))
    return [(rf'"(?:{unmistakable})"', 0), (rf"{BEGINNINGS}[^\"\n]*\"", 0),
            (rf'(?:{ASKED})("(?:{"|".join(sorted(known))})")', 1)]


def check_itself(patterns, known):
    """A check that finds nothing because it looks at nothing would be worse than none."""
    def count(text):
        return len({*literals("x.c", without_comments(text), patterns, known)})
    for wrong in ('find(file, "time_total")', 'vj_results_text(o, "arm", trial)', 'strcmp(info.dimension[1], "step")',
                  'vj_pool_format(pool, "probe_%s_true", probe)', '{.quantity = "hx_rankme"}', 'f(x, "val_latent")',
                  'vj_pool_format(pool, "param.%s", key)', 'vj_trial_row_put(d->file,\n  "attempt", trial)'):
        assert count(wrong) == 1, wrong
    for right in ('/* "time_total" */', 'vj_yaml_find(root, "seed")', 'vj_table_column(table, "arm", false)',
                  '{"rankme", VJ_METRIC_SCALAR}', 'f("step")'):
        assert count(right) == 0, right


def main():
    known = names()
    patterns = patterns_of(known)
    check_itself(patterns, known)
    found, files = [], [f for f in sources() if not f.startswith((TABLE, *COMPONENTS))]
    for path in files:
        found += sorted(set(literals(path, without_comments(read(path)), patterns, known)))
    print("\n".join(found) if found else f"{len(files)} files: no record's name is a literal")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
