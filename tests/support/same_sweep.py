"""same_sweep.py A.h5 B.h5: whether two sweep.h5 are the same byte by byte, the variables time_* aside. Exit code 0: they
are. For changes that must leave all numbers and the format as they were."""
import sys

import h5py


def without_times(path):
    """The file's bytes, with zeros where seconds stand."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    with h5py.File(path, "r") as sweep:
        for name, variable in sweep.items():
            if name.startswith("time_"):
                at, count = variable.id.get_offset(), variable.id.get_storage_size()
                data[at:at + count] = bytes(count)
    return data


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    one, other = without_times(sys.argv[1]), without_times(sys.argv[2])
    if one == other:
        print("the same bytes")
        return
    first = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
    sys.exit(f"{len(one)} and {len(other)} bytes, different from byte {first} on")


if __name__ == "__main__":
    main()
