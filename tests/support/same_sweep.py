"""same_sweep.py A.h5 B.h5: whether two sweep.h5 are the same: variables in their order, types, attributes and every byte
of what they hold; the variables time_* and the attributes version_* aside. Exit code 0: they are. For changes that must
leave all numbers and the format as they were."""
import sys

import h5py


def attributes(thing):
    """Name -> type and bytes; references to other objects, as dimension scales have them, are none of the format's."""
    return [(name, thing.attrs[name]) for name in sorted(thing.attrs)
            if not name.startswith("version_") and name not in ("DIMENSION_LIST", "REFERENCE_LIST")]


def contents(path):
    """(what it is, what it says), in the order of the file."""
    with h5py.File(path, "r") as sweep:
        yield "the file's attributes", repr(attributes(sweep))
        for name in sorted(sweep, key=lambda name: sweep[name].id.get_offset() or 0):
            variable = sweep[name]
            yield name, repr((variable.shape, variable.dtype, attributes(variable)))
            yield f"values of {name}", b"" if name.startswith("time_") else variable[()].tobytes()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    one, other = list(contents(sys.argv[1])), list(contents(sys.argv[2]))
    for a, b in zip(one, other):
        if a != b:
            sys.exit(f"different from here on: {a[0]}" + (f", {b[0]}" if a[0] != b[0] else ""))
    if len(one) != len(other):
        sys.exit(f"{len(one) // 2} and {len(other) // 2} variables")
    print("the same")


if __name__ == "__main__":
    main()
