"""What would ASHA have made of a sweep that was trained in full? Replays the rule on its curves in random orders.

    python3 docs/examples/replay_asha.py runs/asha-full probe_speed_mse_validation 108 3
"""

import sys

import h5py
import numpy as np


def replay(curves, evals, order, grace, factor):
    """Lower is better. (share of all steps, trials trained to their end)"""
    steps = evals[-1]
    rungs = [grace * factor ** k for k in range(64) if grace * factor ** k < steps]
    seen, made, done = {rung: [] for rung in rungs}, 0, []
    for trial in order:
        end = steps
        for rung in rungs:
            row = int(np.searchsorted(evals, rung))
            value = curves[trial, row]
            ahead, room = sum(other <= value for other in seen[rung]), max(1, (len(seen[rung]) + 1) // factor)
            seen[rung].append(value)
            if ahead >= room:
                end = int(evals[row])
                break
        made += end
        if end == steps:
            done.append(trial)
    return made / (steps * len(curves)), done


def main(folder, metric, grace, factor):
    with h5py.File(f"{folder}/sweep.h5", "r") as file:
        curves, evals, status = file[metric][()], file["eval"][()], file["status"][()]
    if (status != 2).any():
        sys.exit(f"{folder}: {np.count_nonzero(status != 2)} trials were not trained to their end")
    last, dice = curves[:, -1], np.random.default_rng(0)
    found = [replay(curves, evals, dice.permutation(len(curves)), int(grace), int(factor)) for _ in range(2000)]
    shares = np.array([share for share, _ in found])
    ratios = np.array([last[done].min() for _, done in found]) / last.min()
    print(f"share of all steps: mean {shares.mean():.3f}, 95 % below {np.quantile(shares, 0.95):.3f}, most {shares.max():.3f}")
    print(f"best found / best there is: {(ratios <= 1.02).mean():.1%} within 2 %, mean {ratios.mean():.4f}, "
          f"worst {ratios.max():.4f}")
    third = np.array([last[dice.permutation(len(last))[:len(last) // 3]].min() for _ in range(2000)]) / last.min()
    print(f"a third of the trials at random, in full: {(third <= 1.02).mean():.1%} within 2 %, mean {third.mean():.4f}")
    for row, step in enumerate(evals[1:-1], 1):
        ranks = [np.argsort(np.argsort(column)) for column in (curves[:, row], last)]
        print(f"rank correlation of step {step} with the end: {np.corrcoef(*ranks)[0, 1]:.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
