"""peak.py FILE COMMAND ...: runs the command and appends its peak memory, in KiB, to the file. For ranks of mpirun."""
import os
import sys

child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
with open(sys.argv[1], "a", encoding="ascii") as file:
    file.write(f"{usage.ru_maxrss}\n")
sys.exit(os.waitstatus_to_exitcode(status))
