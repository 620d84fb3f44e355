#!/usr/bin/env bash
# bare_debian.sh SUITE [--fresh] [argument of ./vj test ...]: the README's two commands, ./vj demo and .ci/run, on the
# committed HEAD in a Debian that has nothing but its base: bookworm or trixie. Needs root, debootstrap and git.
# The system stays in build-debian/SUITE (or $VJ_DEBIAN/SUITE) with what was installed and built; --fresh begins anew.
set -euo pipefail

root=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")

fail() {
  printf 'bare_debian.sh: %s\n' "$*" >&2
  exit 1
}

# In namespaces of its own for mounts and processes: however it ends, both end with it.
if [[ ${1:-} == --within ]]; then
  system=$2
  shift 2
  mount --make-rprivate /
  mount --rbind /dev "$system/dev"
  mount --rbind /sys "$system/sys"
  mount -t proc proc "$system/proc"
  status=0
  inside() { chroot "$system" env -i HOME=/root TERM="${TERM:-dumb}" PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }
  demo=works
  inside sh -c "cd /srv/vjvcr && exec ./vj demo" </dev/null || { demo=FAILED && status=1; }
  inside sh -c 'cd /srv/vjvcr && exec .ci/run "$@"' sh "$@" </dev/null | tee "$system/srv/tests.log" || status=1
  printf 'Debian %s: demo %s; tests: %s\n' "$(cat "$system/etc/debian_version")" "$demo" "$(tail -n 1 "$system/srv/tests.log")"
  exit "$status"
fi

suite=${1:-}
[[ $suite == bookworm || $suite == trixie ]] || fail "expected bookworm or trixie, not \"$suite\""
shift
((EUID == 0)) || fail "a system of its own needs root"
system=${VJ_DEBIAN:-$root/build-debian}/$suite
if [[ ${1:-} == --fresh ]]; then
  shift
  rm -rf --one-file-system -- "$system"
fi
if [[ ! -e $system ]]; then
  command -v debootstrap >/dev/null || fail "there is no debootstrap"
  rm -rf --one-file-system -- "$system.partial"
  mkdir -p -- "$(dirname -- "$system")"
  debootstrap --variant=minbase "$suite" "$system.partial" http://deb.debian.org/debian >"$system.log" 2>&1 ||
    fail "debootstrap failed; all it said is in $system.log"
  mv -- "$system.partial" "$system"
fi
cp -L /etc/resolv.conf "$system/etc/resolv.conf"
# As on any machine; without it Open MPI waits ten seconds for a name server at each start.
printf '127.0.0.1 localhost %s\n' "$(uname -n)" >"$system/etc/hosts"
copy=$system/srv/vjvcr
[[ -e $copy/.git ]] || git init -q "$copy"
git -C "$copy" fetch -q --depth 1 "file://$root" HEAD
git -C "$copy" reset -q --hard FETCH_HEAD
git -C "$copy" clean -qfd
rm -rf -- "$copy/runs"
# What is within passes over signals, as the first process of its namespace; it ends when unshare is killed.
unshare --mount --pid --fork --kill-child -- "${BASH_SOURCE[0]}" --within "$system" "$@" </dev/null &
trap 'kill -KILL $!; exit 130' INT TERM HUP
wait $!
