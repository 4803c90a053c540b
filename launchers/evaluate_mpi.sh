#!/usr/bin/env bash
# Evaluates on the hosts of a hostfile (lines like `node1 slots=8`; see hostfile.example):
#     launchers/evaluate_mpi.sh HOSTFILE MODEL... --tasks xtreme --data DIR ...
# One worker a slot (a GPU, or a group of cores), and on the first host one rank more, which hands
# out the work. All hosts need this folder, the environment, the models and DSTILTS_CACHE under the
# same paths, and mpiexec of the MPI that mpi4py was built against has to reach them.
# When a rank or a host is lost the job ends; the same command goes on from there.

set -euo pipefail
fail() { echo "dstilts: $1" >&2; exit 2; }

[ $# -gt 1 ] || fail "usage: evaluate_mpi.sh HOSTFILE MODEL... --tasks NAME,... [options]"
hostfile=$1; shift
[ -f "$hostfile" ] || fail "$hostfile: no such hostfile"
# shellcheck source=launchers/deepspeed.sh
source "$(dirname "${BASH_SOURCE[0]}")/deepspeed.sh"

# Of each line the host and its slots; the first host has one rank more.
hosts=$(mktemp)
trap 'rm -f "$hosts"' EXIT
if mpiexec --version 2>&1 | grep -qi "open.mpi"; then form='%s slots=%d\n' option=--hostfile; else form='%s:%d\n' option=-f; fi
awk -v form="$form" '
    /^[[:space:]]*(#|$)/ { next }
    { slots = match($0, /slots=[0-9]+/) ? substr($0, RSTART + 6, RLENGTH - 6) : 1
      printf form, $1, slots + (number++ == 0) }' "$hostfile" >"$hosts"
ranks=$(awk -F '[:=]' '{ sum += $NF } END { print sum + 0 }' "$hosts")
[ "$ranks" -gt 1 ] || fail "$hostfile: names no host; a line is: node1 slots=8"
mpiexec "$option" "$hosts" -n "$ranks" dstilts evaluate "$@"
