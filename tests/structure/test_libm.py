"""Whatever can reach a trained weight or a recorded number calls no function of the C library's whose last digits depend
on its version or on the processor: vj/elementary.h has those. Nor is a sum left to as many lanes as a vector has."""
import re
import sys

from tree import read, sources
from test_record_names import without_comments

ROOMS = ("framework", "models", "losses", "datasets", "sweeps", "analysis")
INEXACT = ("exp exp2 exp10 expm1 log log2 log10 log1p logb pow cbrt hypot sin cos tan sincos asin acos atan atan2 sinh "
           "cosh tanh asinh acosh atanh erf erfc lgamma tgamma j0 j1 jn y0 y1 yn drand48 rand random").split()
CALL = re.compile(r"(?<![\w.>])(?:__builtin_)?(%s)[fl]?\s*\(" % "|".join(INEXACT))
OTHER = (re.compile(r"#\s*include\s*<(?:tgmath|complex|fenv)\.h>"), re.compile(r"omp[^\n]*\breduction\s*\("),
         re.compile(r"\b_mm\d*_(?:mask_|maskz_)?(?:rcp|rsqrt)\w*"))


STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')


def faults(path, text):
    for pattern, what in [(CALL, "take it from vj/elementary.h")] + [(o, "its result is not the same everywhere")
                                                                     for o in OTHER]:
        for found in pattern.finditer(text):
            yield f"{path}:{text.count(chr(10), 0, found.start()) + 1}: {found[0].strip()}: {what}"


def check_itself():
    for wrong in ("y = exp(x);", "y = powf (x, 2)", "(float)sin(x)", "#include <tgmath.h>", "__builtin_logf(x)",
                  "#pragma omp simd reduction(+ : sum)", "_mm512_rsqrt14_ps(x)", "hypotl(x, y)"):
        assert len([*faults("x.c", wrong)]) == 1, wrong
    for right in ("vj_math_exp(x)", "vj_exp(graph, x)", "call->log(x)", "sqrt(x) + fabs(x)", "turned_round(x)",
                  "#pragma omp simd", "s.exp(x)", "the_log(x)"):
        assert not [*faults("x.c", right)], right


def main():
    check_itself()
    files = sources(*ROOMS)
    assert "framework/base/rng.c" in files and len(files) > 100, len(files)
    found = [fault for path in files for fault in faults(path, STRING.sub('""', without_comments(read(path))))]
    print("\n".join(found) if found else f"{len(files)} files: no elementary function of the C library")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
