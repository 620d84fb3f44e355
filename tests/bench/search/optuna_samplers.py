"""Regret of Optuna's samplers on the problems of search_regret.c, with as many workers: a CSV on standard output.

    python3 -m venv VENV && VENV/bin/pip install optuna scipy torch
    VENV/bin/python tests/bench/search/optuna_samplers.py --seeds 20 --samplers gp,tpe > optuna.csv

A trial is asked for when `lag` others are pending, and the oldest pending one is told then: four workers of one speed.
"""
import argparse
import math
import time
import warnings
from collections import deque

import optuna

COUNTS = (50, 100)


def branin(trial):
    x, y = trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)
    b, c, t = 5.1 / (4 * math.pi ** 2), 5 / math.pi, 1 / (8 * math.pi)
    return (y - b * x * x + c * x - 6) ** 2 + 10 * (1 - t) * math.cos(x) + 10 - 0.39788735772973816


HARTMANN_A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8],
              [17, 8, 0.05, 10, 0.1, 14]]
HARTMANN_P = [[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
              [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]
HARTMANN_C = [1.0, 1.2, 3.0, 3.2]


def hartmann6(trial):
    x = [trial.suggest_float(f"x{d}", 0, 1) for d in range(6)]
    return 3.3223680114155147 - sum(
        c * math.exp(-sum(a * (v - 1e-4 * p) ** 2 for a, p, v in zip(A, P, x)))
        for c, A, P in zip(HARTMANN_C, HARTMANN_A, HARTMANN_P))


ACKLEY_CHOICES = [1.0, -4.0, 0.0, 3.0, -2.0]


def ackley10(trial):
    x = [trial.suggest_float(f"x{d}", -5, 10) for d in range(4)]
    x += [trial.suggest_int(f"i{d}", -5, 10) for d in range(3)]
    x += [ACKLEY_CHOICES[trial.suggest_categorical(f"c{d}", [0, 1, 2, 3, 4])] for d in range(3)]
    square = sum(v * v for v in x) / len(x)
    wave = sum(math.cos(2 * math.pi * v) for v in x) / len(x)
    return 20 + math.e - 20 * math.exp(-0.2 * math.sqrt(square)) - math.exp(wave)


def conditional(trial):
    kind = trial.suggest_categorical("kind", [0, 1, 2])
    t = math.log2(trial.suggest_int("width", 8, 512, log=True))
    value = 0.05 + 0.02 * (t - 7) ** 2 + 0.03 * (trial.suggest_int("depth", 1, 6) - 3) ** 2
    best = -2 - 0.25 * (t - 6)
    if kind == 0:
        return value + 0.6
    if kind == 1:
        lr, momentum = trial.suggest_float("sgd_lr", 1e-5, 1, log=True), trial.suggest_float("momentum", 0, 1)
        return value + 0.15 + 0.1 * (math.log10(lr) - best - 1) ** 2 + 0.5 * (momentum - 0.9) ** 2
    lr = trial.suggest_float("adam_lr", 1e-5, 1, log=True)
    value += 0.1 * (math.log10(lr) - best) ** 2
    value += 0.05 * (math.log10(trial.suggest_float("beta", 1e-4, 1e-1, log=True)) + 2.5) ** 2
    if trial.suggest_categorical("decay", [0, 1]) == 1:
        value += 0.04 * (math.log10(trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True)) + 3) ** 2 - 0.05
    return value


PROBLEMS = {"branin": branin, "hartmann6": hartmann6, "ackley10": ackley10, "conditional": conditional}

SAMPLERS = {
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, constant_liar=True),
    "tpe_multivariate": lambda seed: optuna.samplers.TPESampler(seed=seed, constant_liar=True, multivariate=True,
                                                                group=True),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}


def regrets(problem, sampler, lag):
    """The least value of the first 50 and of the first 100 trials."""
    study = optuna.create_study(sampler=sampler)
    pending, values = deque(), []
    for number in range(max(COUNTS) + lag):
        if len(pending) > lag or number >= max(COUNTS):
            trial, value = pending.popleft()
            study.tell(trial, value)
        if number < max(COUNTS):
            trial = study.ask()
            values.append(problem(trial))
            pending.append((trial, values[-1]))
    return [min(values[:trials]) for trials in COUNTS]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--lag", type=int, default=3)
    parser.add_argument("--samplers", default="tpe,tpe_multivariate,gp")
    parser.add_argument("--problems", default=",".join(PROBLEMS))
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    print("problem,method,seed,trials,regret,cpu_s", flush=True)
    for seed in range(options.seeds):
        for sampler in options.samplers.split(","):
            for problem in options.problems.split(","):
                begun = time.process_time()
                found = regrets(PROBLEMS[problem], SAMPLERS[sampler](seed), options.lag)
                took = time.process_time() - begun
                for trials, regret in zip(COUNTS, found):
                    print(f"{problem},optuna_{sampler},{seed},{trials},{regret:.9g},{took:.3g}", flush=True)


if __name__ == "__main__":
    main()
