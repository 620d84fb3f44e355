#!/usr/bin/env bash
# What machines can see of the code without running it: format, floors, shell, cppcheck. `./vj lint` calls this, and
# builds with gcc and clang, whose warnings are errors. Every check is made; the exit code is 1 if any found something.
# A missing tool is a failure, unless VJ_SKIPS=allow.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." || exit 1

rooms=(framework models losses datasets sweeps analysis app)
status=0

# has TOOL: whether it is there.
has() {
  command -v "$1" >/dev/null && return
  echo "$1 is not installed; ./vj lint installs it where it may"
  [[ ${VJ_SKIPS:-} == allow ]] || status=1
  return 1
}

# verdict NAME EXIT-CODE: says and remembers it.
verdict() {
  if (($2 == 0)); then echo "$1: nothing found"; else status=1; fi
}

check_format() {
  local differing
  differing=$(find "${rooms[@]}" tests docs -name '*.[ch]' | sort |
    xargs -P "$(nproc)" -I{} sh -c 'clang-format --dry-run -Werror {} 2>/dev/null || echo {}' | sort)
  [[ -z $differing ]] || { printf 'format: clang-format would change\n%s\n' "$differing"; return 1; }
}

check_cppcheck() {
  cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 -j "$(nproc)" \
    --template='{file}:{line}: {message} [{id}]' --suppressions-list=tests/suppressions/cppcheck.supp \
    -I framework/include -I . "${rooms[@]}"
}

has clang-format && { check_format; verdict format $?; }
/usr/bin/python3 tests/structure/test_floors.py >&2; verdict floors $?
has shellcheck && { shellcheck vj .ci/run tests/*.sh docs/examples/tau.*; verdict shell $?; }
has cppcheck && { check_cppcheck; verdict cppcheck $?; }
exit "$status"
