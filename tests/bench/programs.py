"""What ./vj bench compare runs: vjvcr and PyTorch, each in a process of its own. A measurement is a function of the
number of steps (of trials, for a sweep) that gives {"seconds": .., "peak_mib": .., "command": .., ...}.
"""
import datetime
import hashlib
import itertools
import json
import os
import platform
import resource
import shlex
import subprocess
import tempfile
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(FOLDER))
PYTHON = "/usr/bin/python3"  # Debian's own has Debian's packages, whatever else is first on the PATH
ENVIRONMENT = os.environ.get("VJ_TORCH", os.path.join(ROOT, "build-torch"))
TORCH = os.path.join(ENVIRONMENT, "bin", "python")  # of `./vj bench setup`
COMPILED = {"TORCHINDUCTOR_CACHE_DIR": os.path.join(ENVIRONMENT, "compiled")}
VJVCR = os.environ.get("VJVCR", os.path.join(ROOT, "build", "vjvcr"))
MPI = {"OMPI_MCA_mpi_yield_when_idle": "0"}
PAGES = {  # what becomes of the memory of freed tensors, in the words of glibc's allocator
    "as installed": {},
    "pages kept": {"MALLOC_MMAP_THRESHOLD_": str(1 << 32), "MALLOC_TRIM_THRESHOLD_": str(1 << 33)},
    "huge pages": {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"},
}


# --- running one -----------------------------------------------------------------------------------------------------

def busy_seconds():
    """Of all processors since the machine started, and of our own processes that have ended."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, interrupts, soft = (int(word) for word in file.readline().split()[1:8])
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK"), own.ru_utime + own.ru_stime


def watched(measure, steps):
    """A measurement, with `others`: how many cores the processes of others kept busy meanwhile."""
    (before, own_before), start = busy_seconds(), time.perf_counter()
    result = measure(steps)
    after, own_after = busy_seconds()
    others = ((after - before) - (own_after - own_before)) / (time.perf_counter() - start)
    return {**result, "others": max(others, 0.0)}


def run(command, extra):
    """What it prints."""
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **extra}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stderr.strip()}")
    return done.stdout


def typed(command, extra):
    """As one would type it in the root of the repository."""
    shown = [os.path.relpath(word, ROOT) if word.startswith(ROOT) else word for word in command]
    chosen = [f"{key}={value}" for key, value in extra.items() if key not in COMPILED]
    return " ".join([*chosen, shlex.join(shown)])


# --- vjvcr -----------------------------------------------------------------------------------------------------------

def ours(file, overrides=(), ranks=1, threads=1):
    extra = {"OMP_NUM_THREADS": str(threads), **(MPI if ranks > 1 else {})}
    bench = [VJVCR, "bench", file, "--format", "json", *overrides]
    launch = ["mpirun", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []

    def measure(steps):
        result = json.loads(run([*launch, *bench, "--steps", str(steps)], extra))
        return {**result, "seconds": result["step_seconds"], "command": typed([*launch, *bench], extra),
                "peak_mib": result["peak_memory_bytes_of_all_ranks"] / 2**20}
    return measure


def our_sweep(settings=()):
    launch = ["mpirun", "--bind-to", "none", "-n", "2"]
    sweep = [VJVCR, "sweep", os.path.join(FOLDER, "sweep.yaml"), *settings, "-o"]
    extra = {"OMP_NUM_THREADS": "1", **MPI}

    def measure(_):
        with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("r") as peaks:
            start = time.perf_counter()
            run([*launch, PYTHON, os.path.join(FOLDER, "peak.py"), peaks.name, *sweep, folder + "/sweep"], extra)
            seconds = time.perf_counter() - start
            peak = sum(int(line) for line in peaks) / 1024
        return {"seconds": seconds, "peak_mib": peak, "command": typed([*launch, *sweep, "FOLDER"], extra)}
    return measure


# --- PyTorch ---------------------------------------------------------------------------------------------------------

def variant(label):
    """The options and the variables that a label such as "compiled, channels_last, pages kept" stands for; "eager
    masters" has layers in bf16, where "eager" of bf16 is by autocast."""
    way, layout, pages = label.split(", ")
    compiled = ["--compile"] if way.startswith("compiled") else []
    return ["--layout", layout, *compiled], {**PAGES[pages], **COMPILED}


def torch_step(file, label, overrides=(), threads=1, precision="fp32"):
    options, extra = variant(label)
    command = [TORCH, os.path.join(FOLDER, "torch_step.py"), file, *overrides, *options, "--threads", str(threads),
               "--precision", "masters" if "masters" in label else precision]

    def measure(steps):
        result = json.loads(run([*command, "--steps", str(steps)], extra))
        return {**result, "command": typed(command, extra)}
    return measure


def torch_sweep(label, trials):
    options, extra = variant(label)
    command = [TORCH, os.path.join(FOLDER, "torch_sweep.py"), *options]

    def measure(_):
        result = json.loads(run([*command, "--trials", str(trials)], extra))
        return {**result, "command": typed([*command, "--trials", str(trials)], extra)}
    return measure


def variants(best, ways=("eager", "compiled")):
    """Those to try first, then the best of them with all that may become of freed memory; to keep it is never slower
    than the installed way."""
    if best is None:
        return [", ".join(each) for each in itertools.product(ways, ("default", "channels_last"), ("pages kept",))]
    return [f"{best.rsplit(', ', 1)[0]}, {pages}" for pages in PAGES]


def bf16_variants(best):
    return variants(best, ("eager", "compiled", "eager masters", "compiled masters"))


# --- circumstances ---------------------------------------------------------------------------------------------------

def first_line(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else "unknown"


def hash_of_programs():
    """Of everything that is measured."""
    whole = hashlib.sha256()
    scripts = sorted(name for name in os.listdir(FOLDER) if name.startswith("torch_") or name.endswith(".yaml"))
    for path in (VJVCR, *(os.path.join(FOLDER, name) for name in scripts)):
        with open(path, "rb") as file:
            whole.update(file.read())
    return whole.hexdigest()[:16]


def circumstances():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown")
    ask = ("import re, torch; "
           "print(torch.__version__, 'with oneDNN', *re.findall(r'MKL-DNN v(\\S+)', torch.__config__.show()))")
    return {"programs": hash_of_programs(), "commit": first_line("git", "describe", "--always", "--dirty"),
            "vjvcr": first_line(VJVCR, "--version"), "torch": first_line(TORCH, "-c", ask), "processor": model,
            "compiler": first_line("g++", "--version"), "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.release()}", "date": datetime.date.today().isoformat()}
