"""Builds the fuzzing targets and runs them: what ./vj fuzz [SECONDS] [TARGET ...] calls, and the test beside this file.

A target's first inputs are corpus/<target>, its words dictionaries/<target>. What it learns is kept in
build-fuzz/corpus, what it finds in build-fuzz/found; a mended one goes to corpus/<target> under a name of its own."""

import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(SOURCE, "build-fuzz")
TARGETS = sorted(os.path.basename(file)[:-2] for file in glob.glob(os.path.join(HERE, "*.c")) if
                 os.path.basename(file) != "fuzz.c")
# What no input may need more of: seconds, MiB in one piece, MiB in all (AddressSanitizer's own included).
BOUNDS = ["-timeout=25", "-malloc_limit_mb=64", "-rss_limit_mb=512"]
MOST_BYTES = 8192


def environment(folder):
    mine = dict(os.environ, TMPDIR=folder, UBSAN_OPTIONS="print_stacktrace=1", ASAN_OPTIONS="allocator_may_return_null=0",
                LSAN_OPTIONS=f"suppressions={SOURCE}/tests/suppressions/leaks.supp:print_suppressions=0")
    return mine


def what_is_missing():
    """What targets can't be built without, or None."""
    if not shutil.which("clang"):
        return "the program clang (Debian: clang and libclang-rt-dev)"
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(["clang", "-fsanitize=fuzzer,address,undefined", "-x", "c", "-", "-o", folder + "/tried"],
                               input=b"int LLVMFuzzerTestOneInput(const char *d, long n) { return d && n < 0; }\n",
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return "clang's libFuzzer (Debian: libclang-rt-dev)" if tried.returncode else None


def call(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout[-6000:]}\nthe fuzzing targets can't be built")


def build():
    cache = os.path.join(BUILD, "CMakeCache.txt")
    if os.path.exists(cache):
        with open(cache, errors="replace") as file:
            if f"CMAKE_HOME_DIRECTORY:INTERNAL={HERE}\n" not in file.read():
                shutil.rmtree(BUILD)  # the checkout was moved or copied
    if not os.path.exists(cache):
        call("cmake", "-S", HERE, "-B", BUILD, "-DCMAKE_C_COMPILER=clang")
    call("cmake", "--build", BUILD, "--parallel", str(cores()))


def cores():
    return len(os.sched_getaffinity(0))


def program(target):
    return os.path.join(BUILD, "fuzz_" + target)


def corpus(target):
    return os.path.join(HERE, "corpus", target)


def scratch():
    """A folder for the files that targets make: in memory, where there is one."""
    return tempfile.TemporaryDirectory(prefix="vj-fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)


def start(target, folder, *options):
    """Runs libFuzzer; returns its exit code and what it said."""
    words = os.path.join(HERE, "dictionaries", target)
    command = [program(target), *BOUNDS, f"-max_len={MOST_BYTES}", "-print_final_stats=1", *options]
    if os.path.exists(words):
        command.insert(1, f"-dict={words}")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          env=environment(folder), preexec_fn=lambda: os.nice(10))
    return done.returncode, done.stdout


def said(target, path):
    """What a target's parsers say of one input: "accepted", or their sentences."""
    with scratch() as folder:
        done = subprocess.run([program(target), path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", env=dict(environment(folder), VJ_FUZZ_SAY="1"))
    behind = done.stdout.split("Running: ", 1)[-1].splitlines()[1:]
    return [line for line in behind if line and not line.startswith(("Executed", "***"))]


def number(name, output):
    found = re.findall(rf"stat::{name}: +(\d+)", output)
    return int(found[-1]) if found else 0


def why(output):
    """The line that tells what was found."""
    lines = re.findall(r"^.*(?:this does not hold|runtime error|ERROR: (?!libFuzzer: deadly)).*$", output, re.MULTILINE)
    return lines[0] if lines else output[-500:]


def fuzz(target, seconds):
    kept, found = os.path.join(BUILD, "corpus", target), os.path.join(BUILD, "found", "")
    os.makedirs(kept, exist_ok=True)
    os.makedirs(found, exist_ok=True)
    with scratch() as folder:
        code, output = start(target, folder, f"-max_total_time={seconds}", f"-artifact_prefix={found}{target}-", kept,
                             corpus(target))
    if code == 0:
        edges = re.findall(r"cov: (\d+)", output)
        print(f"{target:<20}{number('number_of_executed_units', output):>12,} inputs, {edges[-1] if edges else 0} edges, "
              f"at most {number('peak_rss_mb', output)} MiB: nothing found", flush=True)
        return True
    written = re.findall(r"Test unit written to (\S+)", output)
    print(f"{target:<20}{why(output)}", flush=True)
    if written:
        print(f"{'':<20}again: {program(target)} {written[-1]}", flush=True)
    return False


def main(arguments):
    seconds, chosen = 60, []
    for argument in arguments:
        if argument.isdigit():
            seconds = int(argument)
        elif argument in TARGETS:
            chosen.append(argument)
        else:
            sys.exit(f'vj: fuzz: there is no target "{argument}"; there are {", ".join(TARGETS)}')
    missing = what_is_missing()
    if missing:
        sys.exit(f"vj: fuzz: {missing}")
    build()
    print(f"{seconds} s for each target, {cores()} at a time; at most {MOST_BYTES} bytes an input", flush=True)
    with concurrent.futures.ThreadPoolExecutor(cores()) as pool:
        sound = list(pool.map(lambda target: fuzz(target, seconds), chosen or TARGETS))
    sys.exit(0 if all(sound) else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
