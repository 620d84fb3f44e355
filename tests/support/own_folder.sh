#!/bin/sh
# own_folder.sh COMMAND ...: runs a test with a folder of its own for temporary files. In it Open MPI keeps its session: of
# two programs that share one, the first to end takes it away from the other.
TMPDIR=$(mktemp -d /tmp/vj-XXXXXX) || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 130' INT TERM
"$@"
