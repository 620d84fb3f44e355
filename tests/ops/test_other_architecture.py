"""Products, long sums, sums in lanes and elementary functions have the same bits on another architecture: 64-bit ARM,
as QEMU plays it, compiled by gcc."""
import os
import platform
import subprocess
import tempfile
import unittest

from support import requirements

CROSS, PLAYER = "aarch64-linux-gnu-gcc", "qemu-aarch64"
requirements.programs(CROSS, PLAYER)

SOURCE = os.environ["VJ_SOURCE"]
FILES = ["tests/ops/other_architecture.c",
         *(f"framework/ops/product/{name}.c" for name in ("product", "plain", "dot_bf16", "long_sum")),
         *(f"framework/base/{name}.c" for name in ("cpu", "memory", "status", "elementary"))]
FLAGS = ["-std=c17", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-D_POSIX_C_SOURCE=200809L",
         f'-DVJ_SOURCE_ROOT="{SOURCE}/"', f"-I{SOURCE}", f"-I{SOURCE}/framework/include"]


class OtherArchitecture(unittest.TestCase):
    def checksums(self, folder, compiler, *flags, player=()):
        program = os.path.join(folder, compiler)
        subprocess.run([compiler, *FLAGS, *flags, *(os.path.join(SOURCE, file) for file in FILES), "-o", program, "-lm",
                        "-lpthread"], check=True)
        done = subprocess.run([*player, program], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def test_has_the_same_bits(self):
        here = ["-march=x86-64-v3"] if platform.machine() == "x86_64" else []
        with tempfile.TemporaryDirectory() as folder:
            mine = self.checksums(folder, "cc", *here)
            theirs = self.checksums(folder, CROSS, "-static", player=[PLAYER])
        self.assertGreater(len(mine), 20)
        self.assertEqual(mine, theirs)


if __name__ == "__main__":
    unittest.main(verbosity=2)
