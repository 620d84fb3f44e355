"""How much is lost when one of N hosts (8) dies: of one job on all of them, and of a job on each by `vjvcr launch`. Prints
the rows of the table in docs/clusters.md. A program, not a test: it takes some minutes.

    VJVCR=build/vjvcr PYTHONPATH=tests python3 tests/cluster/lost_work.py [N]"""

import os
import subprocess
import sys
import time

import across
from faults import faults
from support import hosts

CHECKPOINT = 50  # steps from one to the next
EXPERIMENT = faults.SMALL.replace("{steps: 4, batch", "{steps: 500, batch").replace(
    "{every: 4, samples: 8}", "{every: 250, samples: 8}").replace("{every: 2}", "{every: 1}").replace(
        "steps: 2}", f"steps: {CHECKPOINT}}}")


def committed(sweep):
    with faults.h5py.File(sweep.path(sweep.name, "sweep.h5"), "r", locking=False) as file:
        return file["committed"][()].clip(0)


def running(sweep):
    last = {trial: event for event, trial, *_ in sweep.ledger()}
    return {trial for trial, event in last.items() if event in ("claim", "saved")}


def begin_one(sweep, network):
    return sweep.begin("--ranks-per-trial", "1", "--hang-limit", "10s", on=network.hosts)


def begin_many(sweep, network):
    settings = [f"{name}={value}" for name, value in across.MPI.items()]
    return network.hosts[0].spawn(
        "env", "-C", sweep.folder, *settings, sweep.program, "launch", "e.yaml", "-o", sweep.name, "--restarts", "1",
        "--agent", f"ssh {across.SSH}", "--hosts", ",".join(host.name for host in network.hosts),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def measure(sweep, network, begin):
    """(trials interrupted, steps lost, steps trained by then, whether the others went on)"""
    sweep.clear()
    process = begin(sweep, network)
    hosts.wait_until(lambda: sweep.has("ledger") and len(running(sweep)) == len(network.hosts), across.BOUND,
                     "not all hosts have a trial")
    hosts.wait_until(lambda: sorted(committed(sweep))[-len(network.hosts)] > 1.5 * CHECKPOINT, across.BOUND,
                     "no steps are made")
    lost, before = network.hosts[-3], running(sweep)
    at = committed(sweep)
    lost.cut()
    lost.kill()
    time.sleep(30)
    goes_on = process.poll() is None
    # Those whose ranks are gone: of one job all of them, of several that of the host.
    alive = {host.name for host in network.hosts if host is not lost and host.processes("vjvcr")}
    owner = {trial: who.split(":")[0] for event, trial, _, who in sweep.ledger() if event == "claim"}
    interrupted = [trial for trial in before if owner[trial] not in alive]
    faults.end_all(process)
    lost.boot()
    return len(interrupted), sum(int(at[trial]) % CHECKPOINT for trial in interrupted), int(at.sum()), goes_on


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    sweep = across.Sweep(EXPERIMENT.replace("seeds: 2", f"seeds: {2 * count}"))
    network = hosts.Network(count)
    try:
        rows = [measure(sweep, network, begin) for begin in (begin_one, begin_many)]
    finally:
        network.close()
        sweep.close()
    for name, values in (("trials that were interrupted", [row[0] for row in rows]),
                         ("steps that had to be trained again, of those trained by then",
                          [f"{row[1]} of {row[2]} ({100 * row[1] / row[2]:.1f} %)" for row in rows]),
                         (f"hosts at work afterwards, of {count - 1}", [count - 1 if row[3] else 0 for row in rows])):
        print(f"| {name} | {values[0]} | {values[1]} |")


if __name__ == "__main__":
    main()
