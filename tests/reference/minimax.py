"""Prints the coefficients of vj/elementary.h and framework/base/elementary.c: polynomials of least greatest error by
Remez's exchange, in 50 digits, then rounded. No test: it needs mpmath. Each line tells the error as a power of two,
before and after rounding."""
import struct

from mpmath import atanh, cos, erf, erfc, exp, log, lu_solve, matrix, mp, mpf, pi, sin, sqrt

mp.dps = 50


def value(coefficients, x):
    y = mpf(0)
    for c in reversed(coefficients):
        y = y * x + c
    return y


def exchange(function, weight, degree, low, high, rounds=12):
    """The polynomial p that makes the greatest |weight (function - p)| on low..high least, and that error."""
    last = 24 * (degree + 2)
    grid = [(low + high) / 2 - (high - low) / 2 * cos(pi * (k + mpf("0.37")) / (last + 1)) for k in range(last + 1)]
    wanted, weights = [function(x) for x in grid], [weight(x) for x in grid]
    picked = [round(i * last / (degree + 1)) for i in range(degree + 2)]
    for _ in range(rounds):
        a, b = matrix(degree + 2, degree + 2), matrix(degree + 2, 1)
        for i, k in enumerate(picked):
            for j in range(degree + 1):
                a[i, j] = grid[k] ** j
            a[i, degree + 1], b[i] = (-1) ** i / weights[k], wanted[k]
        coefficients = list(lu_solve(a, b))[:degree + 1]
        errors = [w * (y - value(coefficients, x)) for x, y, w in zip(grid, wanted, weights)]
        peaks = []
        for k, error in enumerate(errors):
            if not peaks or (error > 0) != (errors[peaks[-1]] > 0):
                peaks.append(k)
            elif abs(error) > abs(errors[peaks[-1]]):
                peaks[-1] = k
        while len(peaks) > degree + 2:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        if len(peaks) < degree + 2 or peaks == picked:
            break
        picked = peaks
    return coefficients, max(map(abs, errors))


def to_float(x):
    return struct.unpack("f", struct.pack("f", float(x)))[0]


def fit(name, function, weight, degree, low, high, rounded=float):
    low, high = mpf(low), mpf(high)
    exact, error = exchange(function, weight, degree, low, high)
    coefficients = [rounded(c) for c in exact]
    points = [low + (high - low) * (k + mpf("0.123")) / 401 for k in range(1, 400)]
    after = max(abs(weight(x) * (function(x) - value(coefficients, x))) for x in points)
    print(f"{name}: 2^{float(mp.log(error, 2)):.1f}, rounded 2^{float(mp.log(after, 2)):.1f}")
    print("   ", ", ".join(float(c).hex() for c in coefficients), flush=True)


def tail(p, scale, middle, x):
    """exp(t^2) erfc(t) / w of t = ((1/w - 1) / p) scale, w = x + middle"""
    w = x + middle
    t = (1 / w - 1) / p * scale
    return exp(t * t) * erfc(t) / w


def main():
    half, tiny = log(mpf(2)) / 2 * mpf("1.0001"), mpf("1e-12")
    low, high = sqrt(mpf(1) / 2) - 1, sqrt(mpf(2)) - 1
    eighth = (pi / 4) ** 2 * mpf("1.0001")
    fit("expf", lambda r: (exp(r) - 1 - r) / r**2, lambda r: r**2 / exp(r), 4, -half, half, to_float)
    fit("exp", lambda r: (exp(r) - 1 - r) / r**2, lambda r: r**2 / exp(r), 10, -half, half)
    fit("logf", lambda f: (log(1 + f) - f) / f**2, lambda f: f**2 / log(1 + f), 8, low, high, to_float)
    fit("log", lambda z: ((2 * atanh(sqrt(z)) - 2 * sqrt(z)) / sqrt(z)**3 - mpf(2) / 3) / z, lambda z: z * z / 2, 7,
        tiny, (high / (high + 2))**2 * mpf("1.0001"))
    fit("sin", lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z, 6, tiny, eighth)
    fit("cos", lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, lambda z: z**2 / cos(sqrt(z)), 6, tiny, eighth)
    fit("erf", lambda z: erf(sqrt(z)) / sqrt(z) - 1, lambda z: sqrt(z) / erf(sqrt(z)), 12, tiny, mpf("0.7225"))
    p, middle = mpf(to_float(0.3)), mpf("0.59375")
    fit("normal_cdff", lambda x: tail(p, 1 / sqrt(mpf(2)), middle, x) / 2,
        lambda x: 2 / tail(p, 1 / sqrt(mpf(2)), middle, x), 9, 1 / (1 + p * mpf("14.4")) - middle, 1 - middle, to_float)
    mp.dps = 60
    q, centre = mpf("0.375"), mpf("0.4296875")
    fit("erfc", lambda x: tail(q, 1, centre, x), lambda x: 1 / tail(q, 1, centre, x), 23,
        1 / (1 + q * mpf("27.5")) - centre, 1 / (1 + q * mpf("0.84")) - centre)


if __name__ == "__main__":
    main()
