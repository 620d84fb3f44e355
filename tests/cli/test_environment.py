"""What others put into the environment: HDF5's locks, and launchers whose processes MPI did not join."""

import os

from support.vjvcr import Case, main, values_of

LAUNCHERS = {
    "srun (Slurm)": [
        {"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "3", "SLURM_NTASKS": "3", "SLURM_PROCID": "%d"},
        {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "3", "SLURM_NPROCS": "3", "SLURM_PROCID": "%d", "SLURM_LOCALID": "%d"},
    ],
    "mpiexec (MPICH)": [{"PMI_SIZE": "3", "PMI_RANK": "%d"}],
    "mpirun (Open MPI)": [{"OMPI_COMM_WORLD_SIZE": "3", "OMPI_COMM_WORLD_RANK": "%d"}],
    "mpiexec (PALS)": [{"PALS_RANKID": "%d", "PALS_LOCAL_RANKID": "%d", "PALS_NODEID": "0"}],
    "flux run": [{"FLUX_JOB_SIZE": "3", "FLUX_TASK_RANK": "%d", "PMI_SIZE": "3", "PMI_RANK": "%d"}],
    "mpirun (MVAPICH)": [{"MV2_COMM_WORLD_SIZE": "3", "MV2_COMM_WORLD_RANK": "%d"}],
    "jsrun": [{"JSM_NAMESPACE_SIZE": "3", "JSM_NAMESPACE_RANK": "%d"}],
    "aprun (ALPS)": [{"ALPS_APP_PE": "%d"}],
    "torchrun": [{"WORLD_SIZE": "3", "RANK": "%d"}],
}


class Environment(Case):
    def run_in(self, environment, *words):
        former = dict(os.environ)
        os.environ.update(environment)
        try:
            return self.run_vjvcr(*words)
        finally:
            os.environ.clear()
            os.environ.update(former)

    def test_hdf5_locks_in_any_value(self):
        self.succeed("train", "tiny.yaml", "-o", "usual")
        wanted = values_of(self.path("usual", "sweep.h5"))
        for value in ("TRUE", "1", "BEST_EFFORT", "FALSE", "0", "", "maybe"):
            with self.subTest(value):
                done = self.run_in({"HDF5_USE_FILE_LOCKING": value}, "train", "tiny.yaml", "-o", f"run{value}")
                self.assertEqual((done.code, done.err), (0, ""))
                again = self.run_in({"HDF5_USE_FILE_LOCKING": value}, "table", f"run{value}", "--format", "csv")
                self.assertEqual((again.code, again.err), (0, ""))
                self.assertEqual(values_of(self.path(f"run{value}", "sweep.h5")).keys(), wanted.keys())

    def test_processes_that_did_not_meet(self):
        for launcher, conventions in LAUNCHERS.items():
            for number, convention in enumerate(conventions):
                with self.subTest(launcher, number=number):
                    self.check(launcher, convention, f"{launcher.split()[-1].strip('()')}-{number}")

    def check(self, launcher, convention, folder):
        def environment(rank):
            return {name: value.replace("%d", str(rank)) for name, value in convention.items()}

        words = ["train", "tiny.yaml", *(["-o", folder] if "Slurm" in launcher else ["--print-config"])]
        for rank in (2, 1):
            ended = self.run_in(environment(rank), *words)
            self.assertEqual((ended.code, ended.out, ended.err.count("\n")), (2, "", 1), ended.err)
            self.assertIn(f"vjvcr: {launcher} started at least ", ended.err)
            self.assertIn(f"MPI joined none of them, so number {rank} ends; ", ended.err)
            self.assertIn("say --alone", ended.err)
        self.assertFalse(os.path.exists(self.path(folder)))
        first = self.run_in(environment(0), *words)
        self.assertEqual(first.code, 0, first.err)
        if "SIZE" in str(convention) or "NUM_TASKS" in str(convention):  # else it can't know of the others
            self.assertRegex(first.err, f"^vjvcr: {launcher.replace('(', '.').replace(')', '.')} started 3 processes and "
                                        "MPI joined none of them: number 0 goes on alone, the others end; .*\n$")
        if "-o" in words:
            self.succeed("table", folder)
            self.assertEqual(self.run_in(environment(1), "ls", folder).err, "")  # needs nobody
        meant = self.run_in(environment(1), "train", "tiny.yaml", "--print-config", "--alone")
        self.assertEqual((meant.code, meant.err), (0, ""))

    def test_one_process_of_a_job_is_not_told(self):
        for environment in ({"SLURM_JOB_ID": "7", "SLURM_NTASKS": "3", "SLURM_PROCID": "0"},  # the script of a job
                            {"PMI_SIZE": "1", "PMI_RANK": "0"}, {"SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"},
                            {"SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "2", "OMPI_COMM_WORLD_SIZE": "1",
                             "OMPI_COMM_WORLD_RANK": "0"}, {"PMI_SIZE": "many", "PMI_RANK": "x"}):
            done = self.run_in(environment, "train", "tiny.yaml", "--dry-run")
            self.assertEqual((done.code, done.err), (0, ""))

    def test_ranks_that_met_are_not_told(self):
        done = self.run_in({"SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "1", "WORLD_SIZE": "4", "RANK": "1"}, "train",
                           "tiny.yaml", "--dry-run")
        self.assertEqual(done.code, 2)
        former = dict(os.environ)
        os.environ.update({"SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "1"})
        try:
            self.succeed("train", "tiny.yaml", "-o", "met", ranks=2)
        finally:
            os.environ.clear()
            os.environ.update(former)


if __name__ == "__main__":
    main()
