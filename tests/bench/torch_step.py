"""What a training step costs in PyTorch: the computation of `vjvcr bench`, on one fixed batch.

    torch_step.py sweeps/bench.yaml [key=value ...] [--layout channels_last] [--compile] [--threads 2]
                  [--precision bf16|masters]
    torch_step.py --weights step.h5         with weights, batch and configuration of a `vjvcr debug step`

prints one line of JSON: seconds a step (median, min, max, after warming up), peak memory of the process and what of it
PyTorch takes before it does anything, losses of the first step. The batch is made once and stays in memory, so that
data cost PyTorch nothing; with --data loader a DataLoader draws MovingMNIST anew for every step, and the time to wait
for it counts.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("arguments", nargs="*", metavar="FILE.yaml key=value", help="as for vjvcr bench")
    parser.add_argument("--layout", choices=("default", "channels_last"), default="channels_last")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=("fp32", "bf16", "masters"), default="fp32",
                        help="bf16: by autocast; masters: layers in bf16, weights of the optimizer in fp32")
    parser.add_argument("--compile", action="store_true", help="torch.compile; it compiles in the first step")
    parser.add_argument("--batch", type=int, help="instead of the configuration's optim.batch")
    parser.add_argument("--steps", type=int, default=5, help="timed steps")
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--weights", metavar="STEP.h5", help="what `vjvcr debug step` wrote")
    parser.add_argument("--data", choices=("fixed", "loader"), default="fixed")
    parser.add_argument("--workers", type=int, default=0, help="processes of the DataLoader")
    parser.add_argument("--ops", type=int, metavar="ROWS", help="time by operator as well (torch.profiler), to stderr")
    return parser.parse_intermixed_args()


CHOSEN = options()
os.environ["OMP_NUM_THREADS"] = str(CHOSEN.threads)

import numpy as np  # noqa: E402  (after the number of threads is set)
import torch  # noqa: E402

IMPORT_MIB = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

from torch_arrays import clips_of, load  # noqa: E402
from torch_model import Model, Trainer, read_config  # noqa: E402


WAYS = {False: "eager", True: "compiled"}


def resolved(arguments):
    """The configuration with every default, as vjvcr prints it."""
    program = os.environ.get("VJVCR", "build/vjvcr")
    done = subprocess.run([program, "train", *arguments, "--print-config"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def read_weights(path):
    import h5py
    with h5py.File(path) as file:
        text = file.attrs["config"]
        arrays = {name: data[()] for group in ("param", "state") if group in file
                  for name, data in file[group].items()}
        return text.decode() if isinstance(text, bytes) else str(text), arrays, clips_of(file["batch/frames"][()])


def prepare(chosen):
    """The trainer, and an endless run of batches [B,T,C,H,W]."""
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    arrays = frames = None
    if chosen.weights:
        text, arrays, frames = read_weights(chosen.weights)
    else:
        text = resolved(chosen.arguments)
    config = read_config(text)
    batch = chosen.batch or int(config["optim"]["batch"])
    if frames is None:
        from torch_data import MovingMNIST
        data = MovingMNIST(config["data"])
        frames = data.batch(np.arange(batch))[0]
    model = Model(config, tuple(frames.shape[2:]))
    if arrays is not None:
        load(model, arrays)
    if chosen.layout == "channels_last":
        model = model.to(memory_format=torch.channels_last)
    return Trainer(config, model, chosen.precision, WAYS[chosen.compile]), batches(chosen, config, frames, batch)


def batches(chosen, config, frames, batch):
    if chosen.data == "fixed":
        while True:
            yield frames
    from torch_data import MovingMNIST
    loader = torch.utils.data.DataLoader(MovingMNIST(config["data"]), batch, shuffle=True, drop_last=True,
                                         num_workers=chosen.workers, persistent_workers=chosen.workers > 0)
    while True:
        for clips, _ in loader:
            yield clips


def main():
    trainer, source = prepare(CHOSEN)
    seconds, losses, profile = [], None, None
    for number in range(CHOSEN.warm_up + CHOSEN.steps):
        if CHOSEN.ops and number == CHOSEN.warm_up:
            profile = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU])
            profile.__enter__()
        start = time.perf_counter()
        result = trainer.step(next(source))
        total = result["total"].item()
        if number >= CHOSEN.warm_up:
            seconds.append(time.perf_counter() - start)
        if losses is None:
            losses = {name: value.item() for name, value in result.items()}
        if not np.isfinite(total):
            sys.exit(f"the loss is {total} in step {number}")
    if profile:
        profile.__exit__(None, None, None)
        print(profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=CHOSEN.ops), file=sys.stderr)
    print(json.dumps({
        "seconds": statistics.median(seconds), "min": min(seconds), "max": max(seconds), "steps": len(seconds),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "import_mib": IMPORT_MIB,
        "losses": losses, "compiled": CHOSEN.compile, "layout": CHOSEN.layout, "threads": CHOSEN.threads,
        "precision": CHOSEN.precision, "data": CHOSEN.data, "torch": torch.__version__,
        "iterations": getattr(trainer.model.latent, "iterations", 0)}))


if __name__ == "__main__":
    main()
