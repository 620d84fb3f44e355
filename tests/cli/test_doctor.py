"""`vjvcr doctor` finds nothing wrong where all is well, and in each of seven broken set-ups what is wrong, with a remedy;
it leaves no file. With a path, as in `test_doctor.py docs/doctor.md`, it writes what doctor says in all of them there."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys

from support import requirements
from support.vjvcr import VJVCR, Case, main

INTERPOSE = requirements.built("libvj_interpose.so")
NO_MPI_IO = requirements.built("libvj_forbid_mpi_io.so")


BEGIN = """# vjvcr doctor

`vjvcr doctor [DIR]`, started as a sweep would be, looks at MPI, ranks and cores, processor, memory, HDF5 and the file
system of the folder, with a remedy for each complaint; it ends with 1 where something is bad. Here is what it says where
all is well, and in seven set-ups that are broken on purpose (the folder is called `.` but for one). It was written by

    VJVCR=build/vjvcr PYTHONPATH=tests /usr/bin/python3 tests/cli/test_doctor.py docs/doctor.md

and the test of the same file asks for the complaints.
"""


def on_ranks(number):
    return ["mpirun", "--oversubscribe", "-n", str(number), VJVCR]


CORES = len(os.sched_getaffinity(0))
PRIVATE = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=1m none /dev/shm && exec "$0" "$@"']


def fails(folder, what, on=None):
    """Calls on files below the folder fail so."""
    fault = {"LD_PRELOAD": INTERPOSE, "VJ_FAULT": what, "VJ_FAULT_AT": "1", "VJ_FAULT_EVER": "1",
             "VJ_FAULT_FOLDER": folder}
    return dict(fault, VJ_FAULT_ON=on) if on else fault


class Doctor(Case):
    def run_doctor(self, folder, ranks, output, environment):
        settings = dict(os.environ, OMP_NUM_THREADS="1", **environment)
        if settings.pop("AS_USUAL", None):
            pass
        elif ranks:  # not by shared memory, of which one test leaves too little
            settings.update(OMPI_MCA_btl="self,tcp", OMPI_MCA_btl_tcp_if_include="lo")
        else:
            settings.update(OMPI_MCA_btl="self", OMPI_MCA_ess_singleton_isolated="1")
        command = [*(ranks or [VJVCR]), "doctor", folder, "--format", output]
        return subprocess.run(command, cwd=self.folder, env=settings, capture_output=True, text=True, timeout=100)

    def examine(self, folder=".", ranks=(), **environment):
        """Findings by name, and the exit code. `ranks`: the words of mpirun before the verb's, or none."""
        result = self.run_doctor(folder, ranks, "json", environment)
        self.assertTrue(result.stdout.startswith("{"), result)
        found = json.loads(result.stdout[:result.stdout.rindex("}") + 1])
        self.assertEqual(os.listdir(self.folder), ["tiny.yaml"])
        self.assertEqual(result.returncode == 0, found["health"] != "bad", result)
        return {f["name"]: f for f in found["findings"]}, result.returncode

    def assert_bad(self, finding, text, remedy):
        self.assertEqual(finding["health"], "bad")
        self.assertIn(text, finding["text"])
        self.assertIn(remedy, finding["remedy"])

    def test_a_healthy_set_up(self):
        found, code = self.examine("results")
        self.assertEqual(code, 0)
        self.assertEqual([f for f in found.values() if f["health"] == "bad"], [])
        for name in ("library", "ranks", "cores", "processor", "products", "memory", "file system", "parallel HDF5",
                     "locks", "names", "syncing", "room"):
            self.assertIn(name, found)
        text = self.run_vjvcr("doctor").out
        for name in found:
            self.assertIn(name, text)

    def test_two_ranks_meet(self):
        found, _ = self.examine(ranks=on_ranks(2))
        self.assertEqual(found["ranks"]["text"], "2 on 1 host")
        self.assertEqual(found["program"]["health"], "good")
        self.assertIn("all 2 ranks meet in", found["messages"]["text"])

    def test_hdf5_without_mpi_io(self):
        found, _ = self.examine(LD_PRELOAD=NO_MPI_IO)
        self.assert_bad(found["parallel HDF5"], "sweep.h5: can't be created", "libhdf5-openmpi")

    def test_a_folder_that_takes_no_files(self):
        found, _ = self.examine("/proc")
        self.assert_bad(found["writing"], "nothing can be made in it", "choose another folder")
        found, _ = self.examine("tiny.yaml/results")
        self.assert_bad(found["writing"], "it can't be made: Not a directory", "choose another")

    def test_a_file_system_without_locks(self):
        found, _ = self.examine(**fails(self.folder, "ENOLCK"))
        self.assert_bad(found["locks"], "neither flock nor fcntl", "-o flock")
        found, _ = self.examine(**fails(self.folder, "ENOLCK", "try "))
        self.assertEqual(found["locks"]["text"], "fcntl keeps others out; flock does not work here")

    def test_a_full_disk(self):
        found, _ = self.examine(**fails(self.folder, "ENOSPC", "write "))
        self.assert_bad(found["parallel HDF5"], "the disk is full", "make room")
        self.assert_bad(found["syncing"], "the disk is full", "make room")

    def test_more_ranks_than_cores(self):
        found, _ = self.examine(ranks=on_ranks(CORES + 1))
        self.assert_bad(found["cores"], f"{CORES + 1} ranks on {CORES} core", f"start at most {CORES} there")

    def other_program(self):
        """The words of mpirun for two ranks, each of a program of its own."""
        other = os.path.join(os.path.dirname(self.folder), os.path.basename(self.folder) + ".other")
        shutil.copy(VJVCR, other)
        self.addCleanup(os.unlink, other)
        with open(other, "ab") as file:
            file.write(b"\0")
        return ["mpirun", "--oversubscribe", "-n", "1", VJVCR], ["-n", "1", other]

    def test_ranks_of_different_programs(self):
        one, other = self.other_program()
        found, _ = self.examine(ranks=[*one, "doctor", ".", "--format", "json", ":", *other])
        self.assert_bad(found["program"], "rank 1 on", "install one build on all hosts")

    def test_too_little_shared_memory(self):
        if subprocess.run([*PRIVATE, "true"], capture_output=True).returncode != 0:
            requirements.impossible("who runs this may not mount")
        found, _ = self.examine(ranks=[*PRIVATE, *on_ranks(2)])
        self.assert_bad(found["shared memory"], "1 MiB free in /dev/shm; 2 ranks want 32", "--shm-size=32m")


def page(case):
    """docs/doctor.md: what doctor says in each set-up, without the name of the machine."""
    one, other = case.other_program()
    text = [BEGIN]
    for title, arguments in {
            "All is well, two ranks": {"ranks": on_ranks(2), "AS_USUAL": "1"},
            "HDF5 that is not parallel": {"LD_PRELOAD": NO_MPI_IO},
            "A folder that takes no files": {"folder": "/proc"},
            "A file system without locks": fails(case.folder, "ENOLCK"),
            "A full disk": fails(case.folder, "ENOSPC", "write "),
            "More ranks than cores": {"ranks": on_ranks(CORES + 1)},
            "Programs that are not the same": {"ranks": [*one, "doctor", ".", "--format", "text", ":", *other]},
            "Too little shared memory": {"ranks": [*PRIVATE, *on_ranks(2)]}}.items():
        environment = {key: value for key, value in arguments.items() if key not in ("folder", "ranks")}
        said = case.run_doctor(arguments.get("folder", "."), arguments.get("ranks", ()), "text", environment).stdout
        said = re.sub(rf"\b{re.escape(socket.gethostname())}\b", "host", said)
        text.append(f"## {title}\n\n```\n{said.strip()}\n```\n")
    return "\n".join(text)


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].endswith(".md"):
        case = Doctor("test_a_healthy_set_up")
        case.setUp()
        text = page(case)
        case.doCleanups()
        with open(sys.argv[1], "w") as file:
            file.write(text)
    else:
        main()
