"""`vjvcr doctor` finds nothing wrong where all is well, and in each of seven broken set-ups what is wrong, with a remedy;
it leaves no file."""

import json
import os
import shutil
import subprocess

from support import requirements
from support.vjvcr import VJVCR, Case, main

INTERPOSE = requirements.built("libvj_interpose.so")
NO_MPI_IO = requirements.built("libvj_forbid_mpi_io.so")


class Doctor(Case):
    def examine(self, folder=".", ranks=(), **environment):
        """Findings by name, and the exit code. `ranks`: the words of mpirun before the verb's, or none."""
        settings = dict(os.environ, OMP_NUM_THREADS="1", **environment)
        if ranks:  # not by shared memory, of which one test leaves too little
            settings.update(OMPI_MCA_btl="self,tcp", OMPI_MCA_btl_tcp_if_include="lo")
        else:
            settings.update(OMPI_MCA_btl="self", OMPI_MCA_ess_singleton_isolated="1")
        command = [*(ranks or [VJVCR]), "doctor", folder, "--format", "json"]
        result = subprocess.run(command, cwd=self.folder, env=settings, capture_output=True, text=True, timeout=100)
        self.assertTrue(result.stdout.startswith("{"), result)
        found = json.loads(result.stdout[:result.stdout.rindex("}") + 1])
        self.assertEqual(os.listdir(self.folder), ["tiny.yaml"])
        self.assertEqual(result.returncode == 0, found["health"] != "bad", result)
        return {f["name"]: f for f in found["findings"]}, result.returncode

    def assert_bad(self, finding, text, remedy):
        self.assertEqual(finding["health"], "bad")
        self.assertIn(text, finding["text"])
        self.assertIn(remedy, finding["remedy"])

    def on_ranks(self, number):
        return ["mpirun", "--oversubscribe", "-n", str(number), VJVCR]

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
        found, _ = self.examine(ranks=self.on_ranks(2))
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
        fault = {"LD_PRELOAD": INTERPOSE, "VJ_FAULT": "ENOLCK", "VJ_FAULT_AT": "1", "VJ_FAULT_EVER": "1",
                 "VJ_FAULT_FOLDER": self.folder}
        found, _ = self.examine(**fault)
        self.assert_bad(found["locks"], "neither flock nor fcntl", "-o flock")
        found, _ = self.examine(**fault, VJ_FAULT_ON="try ")
        self.assertEqual(found["locks"]["text"], "fcntl keeps others out; flock does not work here")

    def test_a_full_disk(self):
        found, _ = self.examine(LD_PRELOAD=INTERPOSE, VJ_FAULT="ENOSPC", VJ_FAULT_AT="1", VJ_FAULT_EVER="1",
                                VJ_FAULT_FOLDER=self.folder, VJ_FAULT_ON="write ")
        self.assert_bad(found["parallel HDF5"], "the disk is full", "takes files")
        self.assert_bad(found["syncing"], "the disk is full", "make room")

    def test_more_ranks_than_cores(self):
        cores = len(os.sched_getaffinity(0))
        found, _ = self.examine(ranks=self.on_ranks(cores + 1))
        self.assert_bad(found["cores"], f"{cores + 1} ranks on {cores} core", f"start at most {cores} there")

    def test_ranks_of_different_programs(self):
        other = os.path.join(os.path.dirname(self.folder), os.path.basename(self.folder) + ".other")
        shutil.copy(VJVCR, other)
        self.addCleanup(os.unlink, other)
        with open(other, "ab") as file:
            file.write(b"\0")
        words = [":" if word is None else word for word in ("-n", "1", VJVCR, "doctor", ".", "--format", "json", None,
                                                          "-n", "1", other)]
        found, _ = self.examine(ranks=["mpirun", "--oversubscribe", *words])
        self.assert_bad(found["program"], "rank 1 on", "install one build on all hosts")

    def test_too_little_shared_memory(self):
        private = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=1m none /dev/shm && exec "$0" "$@"']
        if subprocess.run([*private, "true"], capture_output=True).returncode != 0:
            requirements.impossible("who runs this may not mount")
        found, _ = self.examine(ranks=[*private, *self.on_ranks(2)])
        self.assert_bad(found["shared memory"], "1 MiB free in /dev/shm; 2 ranks want 32", "--shm-size=32m")


if __name__ == "__main__":
    main()
