"""Comparing named arrays: relative deviations, sentences for those beyond tolerance, a table of the worst."""
import numpy as np


def deviation(got, wanted, floor=0.0):
    """|got - wanted| / |wanted|, Euclidean over all numbers; `floor` bounds the denominator from below."""
    got, wanted = (np.asarray(value, dtype=np.float64) for value in (got, wanted))
    error, size = np.linalg.norm(got - wanted), max(np.linalg.norm(wanted), floor)
    return error / size if size > 0 else (0.0 if error == 0 else np.inf)


class Comparison:
    """Of one case, whose name stands in every sentence."""

    def __init__(self, case):
        self.case, self.failures, self.table = case, [], []

    def claim(self, true, sentence):
        if not true:
            self.failures.append(f"{self.case}: {sentence}")

    def arrays(self, kind, got, wanted, tolerance, floor=0.0):
        """Both {name: array}, with the same names and shapes; every deviation within tolerance, and never NaN."""
        self.claim(sorted(got) == sorted(wanted), f"{kind}: has {sorted(got)}, the reference has {sorted(wanted)}")
        worst, worst_name = 0.0, "-"
        for name in sorted(set(got) & set(wanted)):
            shapes = np.shape(got[name]), np.shape(wanted[name])
            self.claim(shapes[0] == shapes[1], f"{kind} {name}: is {list(shapes[0])}, the reference {list(shapes[1])}")
            if shapes[0] != shapes[1]:
                continue
            error = deviation(got[name], wanted[name], floor)
            self.claim(error <= tolerance,
                       f"{kind} {name}: deviates by {error:.2e} of its norm, {tolerance:.0e} is allowed")
            if not error <= worst:
                worst, worst_name = error, name
        self.table.append((kind, worst, tolerance, worst_name))

    def print_table(self):
        print(self.case)
        for kind, worst, tolerance, name in self.table:
            print(f"  {kind:<16} worst {worst:8.1e}  allowed {tolerance:.0e}  {name}")
